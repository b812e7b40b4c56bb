//! Records in one SQLite file: the embedded default. It holds no rule; it enforces only what must be atomic.
//!
//! One thread writes and commits what waits together ([`writer`]); connections that only read answer beside it from
//! their own snapshots ([`readers`]). Each table is a relation of its own with a column for each declared column
//! ([`relation`], [`ddl`]); what happens to records is a row of the change log in the same transaction ([`log`]).
//! Plans become SQL in [`select`], [`filter`] and [`aggregate`]; nothing else builds it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use async_trait::async_trait;
use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::change::Change;
use chancery_model::filter::FieldRef;
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, TableId, Value};
use futures::future::{Either, FutureExt};
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use self::checkpoint::Checkpoints;
use self::fault::{Sql, is_missing_relation, is_missing_search, outward};
use self::lock::Lock;
use self::readers::{Pool, Reader, Readers};
use self::relation::Relation;
use self::writer::{Job, Reply, Shared, Writer};
use crate::batch::{Batch, Committed, Counter, Document};
use crate::bell::News;
use crate::error::StorageError;
use crate::finding::Finding;
use crate::gauges;
use crate::need::Need;
use crate::open::OpenOptions;
use crate::part::{Dump, Fill, LoggedCommit, PARTS_WAITING};
use crate::seam::{
    Answer, Backend, CommitQuery, CountMode, DocumentQuery, RecordStream, TableChanges, TableStats,
};

mod aggregate;
mod apply;
mod ballast;
mod checkpoint;
mod checks;
mod connect;
mod count;
mod counters;
mod ddl;
mod documents;
mod draws;
mod dump;
mod examine;
#[cfg(test)]
mod examine_tests;
mod fault;
pub mod file;
mod fill;
mod filter;
mod forget;
mod functions;
mod hands;
mod lock;
mod log;
pub mod migrate;
mod open;
mod place;
mod read;
mod readers;
mod relation;
mod rows;
mod schema;
mod search;
mod select;
#[cfg(test)]
mod sql_tests;
mod statement;
#[cfg(test)]
mod tests;
mod writer;

pub use documents::append_document;

/// Jobs that may wait for the writer; more callers wait for their turn to wait.
const WAITING_MAX: usize = 4_096;
/// Records in one chunk of a stream.
const STREAM_CHUNK: usize = 500;
/// Chunks of a stream that wait to be taken.
const STREAM_CHUNKS_WAITING: usize = 2;
/// How often a search whose index was just removed builds it again.
const SEARCH_ATTEMPTS_MAX: usize = 5;
/// Changes that are read on the caller's thread.
const INLINE_CHANGES_MAX: usize = 500;

/// A store in one SQLite file.
pub struct Sqlite {
    path: PathBuf,
    shared: Arc<Shared>,
    readers: Readers,
    waiting: Semaphore,
    writer: Mutex<Option<WriterEnd>>,
}

/// The way to the writer.
struct WriterEnd {
    jobs: Sender<Job>,
    finished: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Sqlite {
    /// Opens a file, making it if it does not exist and bringing it to the newest schema.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if another process has it, [`StorageError::Damaged`] if it is damaged or not ours,
    /// [`StorageError::Newer`] if a newer program wrote it.
    pub async fn open(path: &Path, options: OpenOptions) -> Result<Sqlite, StorageError> {
        let lock = open::take_lock(path)?;
        let connection = open::prepare(path, &options)?;
        Sqlite::start(path, &options, lock, connection)
    }

    /// Starts the threads on a file that is at the newest schema.
    fn start(
        path: &Path,
        options: &OpenOptions,
        lock: Lock,
        connection: Connection,
    ) -> Result<Sqlite, StorageError> {
        let sql = |error: rusqlite::Error| outward(error, path);
        let shared = Arc::new(Shared::default());
        shared
            .touched
            .lock()
            .extend(open::touched(&connection).map_err(sql)?);
        let (jobs, receiver) = channel();
        let checkpoints = Checkpoints::start(path, options.durability)?;
        let file = (path.to_owned(), connection);
        let writer = Writer::new(file, receiver, shared.clone(), checkpoints).map_err(sql)?;
        let (done, finished) = oneshot::channel();
        let thread = std::thread::Builder::new().name("chancery-write".into());
        let thread = thread.spawn(move || {
            writer.run();
            // Nobody else may open the file before everything that waited is written.
            drop(lock);
            let _ = done.send(());
        });
        let thread =
            thread.map_err(|error| StorageError::Internal(format!("no thread could be started: {error}")))?;
        Ok(Sqlite {
            path: path.to_owned(),
            shared,
            readers: Readers::start(path)?,
            waiting: Semaphore::new(WAITING_MAX),
            writer: Mutex::new(Some(WriterEnd {
                jobs,
                finished,
                thread,
            })),
        })
    }

    /// Gives the writer a job and waits for the answer.
    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StorageError> {
        let _waiting = gauges::Waiting::new("sqlite");
        let _turn = self.waiting.acquire().await.map_err(|_| StorageError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = job(reply);
        let sent = self
            .writer
            .lock()
            .as_ref()
            .is_some_and(|writer| writer.jobs.send(job).is_ok());
        if !sent {
            return Err(StorageError::Closed);
        }
        answer.await.map_err(|_| StorageError::Closed)?
    }

    /// Reads on another thread, after the full-text index that the plan needs is there.
    async fn read<T: Send + 'static>(
        &self,
        plan: &Plan,
        read: impl Fn(&Reader, &Relation, &Plan) -> Sql<T> + Clone + Send + 'static,
    ) -> Result<T, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        for _ in 0..SEARCH_ATTEMPTS_MAX {
            self.prepare_search(plan).await?;
            let (read, relation, plan) = (read.clone(), relation.clone(), plan.clone());
            let answer = self
                .readers
                .read(move |reader| match read(reader, &relation, &plan) {
                    Err(error) if is_missing_search(&error) => Ok(None),
                    result => result.map(Some),
                });
            if let Some(answer) = answer.await? {
                return Ok(answer);
            }
        }
        Err(StorageError::Internal(
            "the full-text index is removed again and again".into(),
        ))
    }

    /// Builds the full-text index that a plan needs, if it is not there.
    async fn prepare_search(&self, plan: &Plan) -> Result<(), StorageError> {
        let Some(search) = &plan.search else { return Ok(()) };
        if self.shared.searches.read().serve(&plan.table, search) {
            return Ok(());
        }
        self.ask(|reply| Job::BuildSearch(plan.table.clone(), Need::of(search), reply))
            .await
    }
}

/// What a question about a table that is not there answers: there are no records.
fn or_nothing<T: Default>(result: Sql<T>) -> Sql<T> {
    match result {
        Err(error) if is_missing_relation(&error) => Ok(T::default()),
        result => result,
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        self.ask(|reply| Job::Commit(batch, reply)).await
    }

    fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>> {
        let found = async move {
            let relation = self.shared.relations.get(table);
            self.readers
                .here(|reader| or_nothing(read::get(reader, &relation, key)))
                .await
        };
        Either::Right(found.boxed())
    }

    async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        let relation = self.shared.relations.get(table);
        let read = |reader: &Reader| or_nothing(read::get_many(reader, &relation, keys));
        let mut records = self.readers.here(read).await?;
        records.resize(keys.len(), None);
        Ok(records)
    }

    async fn find(
        &self,
        table: &Arc<Table>,
        fields: &[FieldRef],
        tuples: &[Vec<Value>],
        limit: usize,
    ) -> Result<Vec<Vec<Arc<Record>>>, StorageError> {
        let relation = self.shared.relations.get(table);
        let read = |reader: &Reader| or_nothing(read::find(reader, &relation, fields, tuples, limit));
        let mut found = self.readers.here(read).await?;
        found.resize(tuples.len(), Vec::new());
        Ok(found)
    }

    async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        if read::is_short(&relation, plan) {
            return self
                .readers
                .here(|reader| or_nothing(read::query(reader, &relation, plan)))
                .await;
        }
        self.read(plan, |reader, relation, plan| {
            or_nothing(read::query(reader, relation, plan))
        })
        .await
    }

    async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError> {
        self.read(plan, move |reader, relation, plan| {
            or_nothing(count::count(&reader.connection, relation, plan, mode))
        })
        .await
    }

    async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError> {
        self.prepare_search(plan).await?;
        let relation = self.shared.relations.get(&plan.table);
        let plan = plan.clone();
        let (sender, receiver) = mpsc::channel(STREAM_CHUNKS_WAITING);
        self.readers
            .stream(move |pool| {
                if let Err(error) = stream(pool, &relation, &plan, &sender) {
                    let _ = sender.blocking_send(Err(error));
                }
            })
            .await?;
        Ok(receiver)
    }

    async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError> {
        let plan = Arc::new(plan.clone());
        let asked = plan.clone();
        self.read(
            &plan.over,
            move |reader, relation, _| match aggregate::aggregate(reader, relation, &asked) {
                Err(error) if is_missing_relation(&error) => Ok(aggregate::of_nothing(&asked)),
                result => result,
            },
        )
        .await
    }

    async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError> {
        self.read(plan, |reader, relation, plan| {
            or_nothing(read::explain(reader, relation, plan))
        })
        .await
    }

    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, StorageError> {
        self.readers
            .here(|reader| documents::read(&reader.connection, &query))
            .await
    }

    async fn draw(&self, counter: Counter, count: u64) -> Result<u64, StorageError> {
        self.ask(|reply| Job::Draw(counter, count, reply)).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        if limit <= INLINE_CHANGES_MAX {
            return self
                .readers
                .here(|reader| log::read(&reader.connection, after, limit))
                .await;
        }
        self.readers
            .read(move |reader| log::read(&reader.connection, after, limit))
            .await
    }

    async fn changes_of(
        &self,
        table: TableId,
        after: u64,
        limit: usize,
    ) -> Result<TableChanges, StorageError> {
        self.readers
            .read(move |reader| log::read_of(&reader.connection, table, after, limit))
            .await
    }

    async fn chain(&self, number: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.readers
            .here(|reader| log::chain(&reader.connection, number, limit))
            .await
    }

    async fn commits(&self, query: CommitQuery) -> Result<Vec<LoggedCommit>, StorageError> {
        self.readers
            .here(|reader| log::commits(&reader.connection, &query))
            .await
    }

    async fn oldest(&self) -> Result<u64, StorageError> {
        self.readers.here(|reader| log::oldest(&reader.connection)).await
    }

    async fn forget(&self, revision: u64) -> Result<u64, StorageError> {
        let mut removed = 0;
        loop {
            let step = self.ask(|reply| Job::Forget(revision, reply)).await?;
            removed += step.removed;
            if step.is_last {
                return Ok(removed);
            }
        }
    }

    async fn rewrite(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        self.ask(|reply| Job::Rewrite(changes, reply)).await
    }

    fn news(&self) -> watch::Receiver<News> {
        self.shared.bell.listen()
    }

    async fn revision(&self) -> Result<u64, StorageError> {
        match *self.writer.lock() {
            Some(_) => Ok(self.shared.revision.load(Ordering::Acquire)),
            None => Err(StorageError::Closed),
        }
    }

    async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError> {
        let relation = self.shared.relations.get(table);
        let shared = self.shared.clone();
        let read = move |reader: &Reader| {
            let number = relation.table.number;
            let mut stats = count::stats(&reader.connection, &relation)?;
            let known = shared.touched.lock().get(&number).copied();
            stats.last_change_at = match known {
                Some(at) => Some(at),
                None => count::last_written(&reader.connection, &relation)?,
            };
            if let Some(at) = stats.last_change_at {
                shared.touched.lock().entry(number).or_insert(at);
            }
            Ok(stats)
        };
        self.readers.read(move |reader| or_nothing(read(reader))).await
    }

    async fn dump(&self) -> Result<Dump, StorageError> {
        let shared = self.shared.clone();
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        let (begun, began) = oneshot::channel();
        self.readers
            .stream(move |pool| {
                let send = |part| sender.blocking_send(Ok(part)).is_ok();
                let dumped = pool.read(|reader| dump::dump(reader, &shared, begun, send));
                if let Err(error) = dumped {
                    let _ = sender.blocking_send(Err(error));
                }
            })
            .await?;
        // The dump shows the state of now, not of when somebody starts to take from it.
        let _ = began.await;
        Ok(receiver)
    }

    async fn fill(&self, step: Fill) -> Result<(), StorageError> {
        self.ask(|reply| Job::Fill(Box::new(step), reply)).await
    }

    async fn examine(&self) -> Result<Vec<Finding>, StorageError> {
        self.readers
            .read(|reader| examine::examine(&reader.connection))
            .await
    }

    async fn mend(&self, finding: &Finding) -> Result<bool, StorageError> {
        self.ask(|reply| Job::Mend(Box::new(finding.clone()), reply))
            .await
    }

    async fn check(&self) -> Result<(), StorageError> {
        if self.writer.lock().is_none() {
            return Err(StorageError::Closed);
        }
        self.readers
            .here(|reader| reader.connection.query_row("SELECT 1", [], |_| Ok(())))
            .await
    }

    async fn close(&self) -> Result<(), StorageError> {
        let Some(writer) = self.writer.lock().take() else {
            return Ok(());
        };
        self.readers.close();
        self.waiting.close();
        let _ = writer.jobs.send(Job::Close);
        let _ = writer.finished.await;
        tracing::debug!(path = %self.path.display(), "closed the database");
        Ok(())
    }
}

impl Drop for Sqlite {
    /// What was dropped without being closed is closed here; it waits for what the writer still has to do.
    fn drop(&mut self) {
        if let Some(WriterEnd { jobs, thread, .. }) = self.writer.lock().take() {
            self.readers.close();
            drop(jobs);
            let _ = thread.join();
        }
    }
}

/// Sends the records of a plan in chunks.
fn stream(
    pool: &Pool,
    relation: &Relation,
    plan: &Plan,
    sender: &mpsc::Sender<Result<Vec<Arc<Record>>, StorageError>>,
) -> Result<(), StorageError> {
    let selection = select::selection(plan, relation);
    if selection.reverse {
        // Only pages are asked for backwards, and a page fits in memory.
        let records = pool.read(|reader| or_nothing(read::query(reader, relation, plan)))?;
        let _ = sender.blocking_send(Ok(records));
        return Ok(());
    }
    let mut chunk = Vec::with_capacity(STREAM_CHUNK);
    let send = |chunk: &mut Vec<Arc<Record>>| {
        let full = std::mem::replace(chunk, Vec::with_capacity(STREAM_CHUNK));
        full.is_empty() || sender.blocking_send(Ok(full)).is_ok()
    };
    pool.read(|reader| {
        or_nothing(read::each(reader, relation, selection, |record| {
            chunk.push(Arc::new(record));
            Ok(chunk.len() < STREAM_CHUNK || send(&mut chunk))
        }))
    })?;
    send(&mut chunk);
    Ok(())
}
