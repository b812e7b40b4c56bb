//! The connection to the shared level. Whatever is wrong with it costs a read a moment and never an answer.
//!
//! One connection serves everybody. When a request fails or takes too long, the connection is dropped and nobody asks any
//! more; a task of its own connects again, and only once the server answers is it asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::options::RedisUrl;
use super::status::{Counter, RedisState, RedisStatus};
use crate::error::StorageError;

/// How long a read waits for the shared level, in ms.
const READ_TIMEOUT_MS: u64 = 25;
/// How long putting an answer there may take, in ms; no read waits for it.
const WRITE_TIMEOUT_MS: u64 = 250;
/// How long a new connection may take to be made and to answer, in ms.
const CONNECT_TIMEOUT_MS: u64 = 1_000;
/// How long a failed server is left alone, in ms.
const RETRY_MS: u64 = 500;
/// Answers that may wait to be put there; more are not put there at all.
const WAITING_MAX: usize = 64;
/// An answer larger than this is not put there, in bytes as written.
pub(super) const VALUE_BYTES_MAX: usize = 512 * 1024;
/// How long an answer is kept there at most, in s. Nothing depends on it: it is what becomes of answers nobody wants.
const KEEP_S: u64 = 3_600;

/// A connection, and which one it is.
type Connection = (u64, MultiplexedConnection);

#[derive(Default)]
struct Counters {
    hits: Counter,
    misses: Counter,
    errors: Counter,
}

struct Shared {
    client: Client,
    /// The server for people.
    name: String,
    connection: RwLock<Option<Connection>>,
    made: AtomicU64,
    broken: Notify,
    counters: Counters,
}

/// Something to put there.
struct Put {
    name: Vec<u8>,
    value: Vec<u8>,
}

/// The shared level.
pub(super) struct Link {
    shared: Arc<Shared>,
    puts: mpsc::Sender<Put>,
    tasks: [JoinHandle<()>; 2],
}

impl Link {
    /// Connects if the server is there; otherwise it is tried again and again.
    ///
    /// # Errors
    /// [`StorageError::Url`] if the URL is none. A server that does not answer is no error.
    pub(super) async fn open(url: &RedisUrl) -> Result<Link, StorageError> {
        let client = Client::open(url.expose())
            .map_err(|_| StorageError::Url(format!("{url} cannot be used as a Redis URL")))?;
        let shared = Arc::new(Shared {
            client,
            name: url.to_string(),
            connection: RwLock::default(),
            made: AtomicU64::new(0),
            broken: Notify::new(),
            counters: Counters::default(),
        });
        if let Err(error) = shared.connect().await {
            tracing::warn!(
                server = shared.name,
                error,
                "the shared cache is not there; reads go on without it"
            );
        }
        let (puts, waiting) = mpsc::channel(WAITING_MAX);
        let tasks = [
            tokio::spawn(keep_connected(shared.clone())),
            tokio::spawn(put_all(shared.clone(), waiting)),
        ];
        Ok(Link { shared, puts, tasks })
    }

    /// What is kept under a name, if it is and the server says so in time.
    pub(super) async fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        let (number, mut connection) = self.shared.connection.read().clone()?;
        let mut get = redis::cmd("GET");
        get.arg(name);
        let asked = get.query_async::<Option<Vec<u8>>>(&mut connection);
        match timeout(Duration::from_millis(READ_TIMEOUT_MS), asked).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                self.shared.failed(number, Some(&error));
                None
            }
            Err(_) => {
                self.shared.failed(number, None);
                None
            }
        }
    }

    /// Puts something under a name, some time soon, if the server is there and not behind.
    pub(super) fn put(&self, name: Vec<u8>, value: Vec<u8>) {
        if value.len() <= VALUE_BYTES_MAX && self.shared.connection.read().is_some() {
            let _ = self.puts.try_send(Put { name, value });
        }
    }

    /// Notes whether an answer was found.
    pub(super) fn found(&self, found: bool) {
        match found {
            true => self.shared.counters.hits.count(),
            false => self.shared.counters.misses.count(),
        }
    }

    /// What it has done so far.
    pub(super) fn status(&self) -> RedisStatus {
        let counters = &self.shared.counters;
        RedisStatus {
            hits: counters.hits.get(),
            misses: counters.misses.get(),
            errors: counters.errors.get(),
            state: match *self.shared.connection.read() {
                Some(_) => RedisState::Up,
                None => RedisState::Down,
            },
        }
    }

    /// Lets go of the connection for good.
    pub(super) fn close(&self) {
        for task in &self.tasks {
            task.abort();
        }
        *self.shared.connection.write() = None;
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Makes a connection that answers.
    async fn connect(&self) -> Result<(), String> {
        let wait = Duration::from_millis(CONNECT_TIMEOUT_MS);
        // Our own limits are the tighter ones.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(wait))
            .set_response_timeout(Some(wait));
        let making = async {
            let mut connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config)
                .await?;
            redis::cmd("PING").query_async::<String>(&mut connection).await?;
            Ok(connection)
        };
        let connection = match timeout(wait, making).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return Err(plain(&error)),
            Err(_) => return Err(format!("no answer within {CONNECT_TIMEOUT_MS} ms")),
        };
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        *self.connection.write() = Some((number, connection));
        Ok(())
    }

    /// Notes a failure, or, without an error, that it took too long. The connection goes, unless the server only refused
    /// this one request.
    fn failed(&self, number: u64, error: Option<&RedisError>) {
        self.counters.errors.count();
        if error.is_some_and(is_refusal) {
            return;
        }
        let mut connection = self.connection.write();
        if connection.as_ref().is_some_and(|(current, _)| *current == number) {
            *connection = None;
            drop(connection);
            let error = error.map_or_else(|| "no answer in time".to_owned(), plain);
            tracing::warn!(
                server = self.name,
                error,
                "the shared cache failed; reads go on without it"
            );
            self.broken.notify_one();
        }
    }
}

/// Whether the server answered, and what it said is about this request only: it has no room, or somebody keeps something
/// else under the name.
fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::UnexpectedReturnType || matches!(error.code(), Some("WRONGTYPE" | "OOM"))
}

/// What went wrong, without the URL.
fn plain(error: &RedisError) -> String {
    match error.detail() {
        Some(detail) => format!("{:?}: {detail}", error.kind()),
        None => format!("{:?}", error.kind()),
    }
}

/// Connects whenever there is no connection.
async fn keep_connected(shared: Arc<Shared>) {
    loop {
        if shared.connection.read().is_some() {
            shared.broken.notified().await;
        }
        tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
        if shared.connection.read().is_none() && shared.connect().await.is_ok() {
            tracing::info!(server = shared.name, "the shared cache answers again");
        }
    }
}

/// Puts what waits there, one after another.
async fn put_all(shared: Arc<Shared>, mut waiting: mpsc::Receiver<Put>) {
    while let Some(Put { name, value }) = waiting.recv().await {
        let Some((number, mut connection)) = shared.connection.read().clone() else {
            continue;
        };
        let mut set = redis::cmd("SET");
        set.arg(name).arg(value).arg("EX").arg(KEEP_S);
        let done = set.query_async::<()>(&mut connection);
        match timeout(Duration::from_millis(WRITE_TIMEOUT_MS), done).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => shared.failed(number, Some(&error)),
            Err(_) => shared.failed(number, None),
        }
    }
}
