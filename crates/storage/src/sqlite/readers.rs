//! Connections that read: a pool for point reads on the caller's own thread, and a few threads for what takes longer.
//! They cannot write (`query_only`).

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::connect::{self, Pages};
use super::fault::{Sql, outward};
use super::rows::Names;
use crate::error::StorageError;
use crate::gauges;

/// Connections kept open while nobody uses them.
const IDLE_READERS_MAX: usize = 16;
/// Threads for long reads, at most.
const THREADS_MAX: usize = 8;
/// Steps of SQLite's machine after which a long read looks whether its caller is still there.
const STEPS_PER_LOOK: i32 = 20_000;
/// Streams that may run at once: each holds a connection and a snapshot.
const STREAMS_MAX: usize = 64;

/// A connection that reads.
pub(super) struct Reader {
    /// The connection.
    pub(super) connection: Connection,
    /// Actors that records name.
    pub(super) names: RefCell<Names>,
    /// Set when nobody waits for what is being read any more; SQLite asks for it now and then.
    stop: Arc<AtomicBool>,
}

impl Reader {
    fn open(path: &Path, pages: Pages) -> Sql<Reader> {
        let mut connection = connect::reader(path, pages)?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = stop.clone();
        connection.progress_handler(STEPS_PER_LOOK, Some(move || asked.load(Ordering::Relaxed)))?;
        Ok(Reader {
            connection,
            names: RefCell::default(),
            stop,
        })
    }
}

/// A caller that may go away while it is read for: then the reading stops.
#[derive(Clone, Default)]
struct Caller {
    /// The flag of the reader that reads for it just now.
    reading: Arc<Mutex<Option<Arc<AtomicBool>>>>,
}

impl Caller {
    /// Reads for this caller.
    fn serve<T>(&self, reader: &Reader, read: impl FnOnce(&Reader) -> Sql<T>) -> Sql<T> {
        reader.stop.store(false, Ordering::Relaxed);
        *self.reading.lock() = Some(reader.stop.clone());
        let result = read(reader);
        *self.reading.lock() = None;
        reader.stop.store(false, Ordering::Relaxed);
        result
    }
}

/// The caller's own end.
struct Presence(Caller);

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(stop) = &*self.0.reading.lock() {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// The pool.
pub(super) struct Pool {
    path: PathBuf,
    pages: Pages,
    idle: Mutex<Vec<Reader>>,
    closed: AtomicBool,
}

impl Pool {
    /// An empty pool; connections are opened as they are needed.
    pub(super) fn new(path: &Path, pages: Pages) -> Pool {
        Pool {
            path: path.to_owned(),
            pages,
            idle: Mutex::new(Vec::new()),
            closed: AtomicBool::new(false),
        }
    }

    /// Reads on this thread.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Reader) -> Sql<T>) -> Result<T, StorageError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StorageError::Closed);
        }
        let idle = self.idle.lock().pop();
        let reader = match idle {
            Some(reader) => reader,
            None => Reader::open(&self.path, self.pages).map_err(|error| outward(error, &self.path))?,
        };
        let result = read(&reader);
        // One that is left inside a transaction would answer from an old state for ever.
        if !self.closed.load(Ordering::Acquire) && reader.connection.is_autocommit() {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE_READERS_MAX {
                idle.push(reader);
            }
        }
        result.map_err(|error| outward(error, &self.path))
    }

    /// Closes what is idle; what is in use is closed when it comes back.
    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.idle.lock().clear();
    }
}

/// Reads in a transaction, so that all its statements see one state.
pub(super) fn snapshot<T>(reader: &Reader, read: impl FnOnce() -> Sql<T>) -> Sql<T> {
    reader.connection.prepare_cached("BEGIN")?.execute([])?;
    let result = read();
    let ended = reader.connection.prepare_cached("COMMIT")?.execute([]);
    let value = result?;
    ended?;
    Ok(value)
}

/// Something to read on another thread.
type Task = Box<dyn FnOnce(&Pool) + Send>;

/// The pool with its threads.
pub(super) struct Readers {
    /// The pool.
    pub(super) pool: Arc<Pool>,
    /// The pool of streams.
    streaming: Arc<Pool>,
    tasks: Mutex<Option<Sender<Task>>>,
    /// As many as there are threads: what waits, waits here, in order, and goes away with its caller.
    threads: Semaphore,
    streams: Arc<Semaphore>,
    /// How many threads there are.
    most: usize,
}

impl Readers {
    /// Starts the threads.
    pub(super) fn start(path: &Path) -> Result<Readers, StorageError> {
        let pool = Arc::new(Pool::new(path, Pages::Mapped));
        let (sender, receiver) = channel::<Task>();
        let receiver = Arc::new(Mutex::new(receiver));
        let count = std::thread::available_parallelism()
            .map_or(2, usize::from)
            .clamp(2, THREADS_MAX);
        for _ in 0..count {
            let (pool, receiver) = (pool.clone(), receiver.clone());
            spawn("chancery-read", move || work(&pool, &receiver))?;
        }
        Ok(Readers {
            pool,
            streaming: Arc::new(Pool::new(path, Pages::Copied)),
            tasks: Mutex::new(Some(sender)),
            threads: Semaphore::new(count),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            most: count,
        })
    }

    /// Reads on this thread: for what takes microseconds. A caller that reads in a loop gives way to others now and
    /// then, as if it had waited.
    pub(super) async fn here<T>(&self, read: impl FnOnce(&Reader) -> Sql<T>) -> Result<T, StorageError> {
        tokio::task::coop::consume_budget().await;
        self.pool.read(read)
    }

    /// Reads on one of the threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Sql<T> + Send + 'static,
    ) -> Result<T, StorageError> {
        let _permit = self.threads.acquire().await.map_err(|_| StorageError::Closed)?;
        gauges::reading("sqlite", self.most - self.threads.available_permits(), self.most);
        let (reply, answer) = oneshot::channel();
        let caller = Caller::default();
        let _presence = Presence(caller.clone());
        let task: Task = Box::new(move |pool| {
            if !reply.is_closed() {
                let _ = reply.send(pool.read(|reader| caller.serve(reader, read)));
            }
        });
        let sent = self
            .tasks
            .lock()
            .as_ref()
            .is_some_and(|tasks| tasks.send(task).is_ok());
        if !sent {
            return Err(StorageError::Closed);
        }
        answer.await.map_err(|_| StorageError::Closed)?
    }

    /// Reads on a thread of its own for as long as it takes.
    pub(super) async fn stream(&self, read: impl FnOnce(&Pool) + Send + 'static) -> Result<(), StorageError> {
        let permit = self
            .streams
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| StorageError::Closed)?;
        let pool = self.streaming.clone();
        spawn("chancery-stream", move || {
            read(&pool);
            drop(permit);
        })
    }

    /// Lets go of the connections and ends the threads.
    pub(super) fn close(&self) {
        self.pool.close();
        self.streaming.close();
        self.tasks.lock().take();
        self.threads.close();
        self.streams.close();
    }
}

fn work(pool: &Pool, tasks: &Mutex<Receiver<Task>>) {
    loop {
        let task = tasks.lock().recv();
        match task {
            Ok(task) => task(pool),
            Err(_) => return,
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StorageError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(run);
    thread
        .map(drop)
        .map_err(|error| StorageError::Internal(format!("no thread could be started: {error}")))
}
