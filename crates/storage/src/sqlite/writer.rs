//! The one thread that writes. It takes what waits, does each batch in a savepoint of its own, and commits them
//! together: one fsync serves everybody who waited. It answers only after the commit.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use chancery_model::change::Change;
use chancery_model::{Table, TableId};
use parking_lot::{Mutex, RwLock};
use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tokio::sync::oneshot;

use super::apply::{Ledger, Refusal};
use super::ballast::{self, Ballast};
use super::checkpoint::Checkpoints;
use super::draws::next_number;
use super::fault::{Sql, is_fatal, is_full, outward};
use super::forget::{self, Forgotten};
use super::relation::Relations;
use super::search::{self, Searches};
use super::{examine, fill, log};
use crate::batch::{Batch, Committed, Counter, Mode};
use crate::bell::{self, Bell};
use crate::error::StorageError;
use crate::finding::Finding;
use crate::gauges;
use crate::need::Need;
use crate::part::Fill;

/// Most jobs in one commit.
const GROUP_JOBS_MAX: usize = 512;
/// A batch with more writes than this is committed by itself, so that small ones do not wait for two of its kind.
const GROUP_WRITES_MAX: usize = 1_000;
/// How long a group that has company waits for the rest of it, in microseconds.
const GROUP_WAIT_US: u64 = 200;
/// After this long without work the write-ahead log is emptied, in ms.
const IDLE_MS: u64 = 1_000;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StorageError>>;

/// Something for the writer to do.
pub(super) enum Job {
    /// Commit a batch.
    Commit(Batch, Reply<Committed>),
    /// Draw numbers from a counter.
    Draw(Counter, u64, Reply<u64>),
    /// Build the full-text index of a table.
    BuildSearch(Arc<Table>, Need, Reply<()>),
    /// Do a step of filling an empty store.
    Fill(Box<Fill>, Reply<()>),
    /// Let go of the log before a revision, one step.
    Forget(u64, Reply<Forgotten>),
    /// Write down anew what was before changes of the log.
    Rewrite(Vec<Change>, Reply<()>),
    /// Make anew what a finding is about.
    Mend(Box<Finding>, Reply<bool>),
    /// Finish.
    Close,
}

/// What the writer tells everybody.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The newest revision that is committed.
    pub(super) revision: AtomicU64,
    /// When tables last changed, as far as is known.
    pub(super) touched: Mutex<HashMap<TableId, i64>>,
    /// The full-text indexes there are.
    pub(super) searches: RwLock<Searches>,
    /// The relations in use.
    pub(super) relations: Arc<Relations>,
    /// Rings after each commit.
    pub(super) bell: Bell,
}

/// The writer's side.
pub(super) struct Writer {
    connection: Connection,
    path: PathBuf,
    jobs: Receiver<Job>,
    ledger: Ledger,
    shared: Arc<Shared>,
    /// Pages in the write-ahead log, as of the last commit.
    pages: Arc<AtomicU64>,
    checkpoints: Checkpoints,
    ballast: Ballast,
    /// Whether the file says that it is not closed cleanly.
    marked: bool,
    /// Whether the running transaction said so, and its rollback would take that back.
    marking: bool,
    /// Whether the running group made or removed a full-text index.
    indexed: bool,
    /// Whether the running group changes what is kept in memory.
    defined: bool,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

/// A job that is done, but not committed yet.
enum Answer {
    Commit(Result<Committed, StorageError>, Reply<Committed>),
    Draw(Result<u64, StorageError>, Reply<u64>),
    BuildSearch(Result<(), StorageError>, Reply<()>),
    Fill(Result<(), StorageError>, Reply<()>),
    Rewrite(Result<(), StorageError>, Reply<()>),
    Mend(Result<bool, StorageError>, Reply<bool>),
    Forget(Result<Forgotten, StorageError>, Reply<Forgotten>),
}

impl Writer {
    /// A writer on its connection; the file is at the newest schema.
    pub(super) fn new(
        (path, mut connection): (PathBuf, Connection),
        jobs: Receiver<Job>,
        shared: Arc<Shared>,
        checkpoints: Checkpoints,
    ) -> Sql<Writer> {
        let ledger = Ledger::load(&connection, shared.relations.clone())?;
        shared.revision.store(ledger.revision, Ordering::Release);
        shared.bell.committed(ledger.revision, true);
        *shared.searches.write() = Searches::load(&connection)?;
        let pages = Arc::new(AtomicU64::new(0));
        let seen = pages.clone();
        // Taking the hook turns SQLite's own checkpoints off: they would run before the callers are answered.
        connection.wal_hook(Some(move |_: &mut Wal, pages: i32| {
            seen.store(u64::try_from(pages).unwrap_or_default(), Ordering::Relaxed);
            Ok(())
        }))?;
        let ballast = Ballast::hold(&path);
        Ok(Writer {
            connection,
            path,
            jobs,
            ledger,
            shared,
            pages,
            checkpoints,
            ballast,
            marked: false,
            marking: false,
            indexed: false,
            defined: false,
            broken: None,
        })
    }

    /// Works until it is told to finish or nobody can send work any more.
    pub(super) fn run(mut self) {
        let mut next: Option<Job> = None;
        let mut company = 1;
        loop {
            let first = match next.take() {
                Some(job) => job,
                None => match self.wait() {
                    Some(job) => job,
                    None => break,
                },
            };
            if matches!(first, Job::Close) {
                break;
            }
            let (group, held) = self.gather(first, company);
            company = group.len();
            next = held;
            self.commit(group);
            self.checkpoints
                .grown(self.pages.load(Ordering::Relaxed), &self.connection);
        }
        self.finish();
    }

    /// The next job; tidies up when none comes for a while.
    fn wait(&mut self) -> Option<Job> {
        if self.pages.load(Ordering::Relaxed) > 0 {
            match self.jobs.recv_timeout(Duration::from_millis(IDLE_MS)) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.tidy(),
            }
        }
        self.jobs.recv().ok()
    }

    /// What goes into one commit with a job. A lone caller never waits; if the last commit had company, the same
    /// callers are likely to be back at once.
    fn gather(&self, first: Job, company: usize) -> (Vec<Job>, Option<Job>) {
        let mut writes = weight(&first);
        let mut group = vec![first];
        let patience = Duration::from_micros(GROUP_WAIT_US);
        let start = Instant::now();
        while group.len() < GROUP_JOBS_MAX && writes < GROUP_WRITES_MAX {
            let job = match self.jobs.try_recv() {
                Ok(job) => job,
                Err(_) if group.len() < company => {
                    let Some(left) = patience.checked_sub(start.elapsed()) else {
                        break;
                    };
                    match self.jobs.recv_timeout(left) {
                        Ok(job) => job,
                        Err(_) => break,
                    }
                }
                Err(_) => break,
            };
            writes += weight(&job);
            if matches!(job, Job::Close) || writes >= GROUP_WRITES_MAX {
                return (group, Some(job));
            }
            group.push(job);
        }
        (group, None)
    }

    /// Does a group of jobs in one transaction and answers them.
    fn commit(&mut self, group: Vec<Job>) {
        let (jobs, started, before) = (group.len(), Instant::now(), self.ledger.change);
        let mut answers = Vec::with_capacity(jobs);
        let mut group = group.into_iter();
        let done = self.transaction(&mut group, &mut answers);
        if done.is_ok() {
            let records = self.ledger.change.saturating_sub(before) as usize;
            gauges::committed("sqlite", jobs, records, started.elapsed());
        }
        if let Err(error) = &done {
            self.fail(error);
        } else {
            self.shared
                .revision
                .store(self.ledger.revision, Ordering::Release);
            self.shared.bell.committed(self.ledger.revision, self.defined);
        }
        self.defined = false;
        for answer in answers {
            answer.send(done.as_ref().err().map(|error| self.refusal(error)));
        }
        for job in group {
            let error = done
                .as_ref()
                .err()
                .map_or(StorageError::Closed, |error| self.refusal(error));
            job.refuse(error);
        }
    }

    fn transaction(
        &mut self,
        group: &mut std::vec::IntoIter<Job>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), rusqlite::Error> {
        if let Some(broken) = &self.broken {
            return Err(rusqlite::Error::ToSqlConversionFailure(broken.clone().into()));
        }
        self.execute("BEGIN IMMEDIATE")?;
        // What only asks must not make the disk wait.
        if !self.marked && group.as_slice().iter().any(Job::writes) {
            self.connection
                .execute("UPDATE meta SET value = 0 WHERE key = 'clean'", [])?;
            self.marked = true;
            self.marking = true;
        }
        let lone = group.len() == 1;
        for job in group {
            match job {
                Job::Commit(batch, reply) => {
                    settle(self.batch(batch, lone), reply, Answer::Commit, answers)?;
                }
                Job::Draw(counter, count, reply) => {
                    settle(self.draw(counter, count), reply, Answer::Draw, answers)?;
                }
                Job::BuildSearch(table, need, reply) => {
                    settle(
                        self.build_search(&table, need),
                        reply,
                        Answer::BuildSearch,
                        answers,
                    )?;
                }
                Job::Fill(step, reply) => settle(self.fill(&step), reply, Answer::Fill, answers)?,
                Job::Rewrite(changes, reply) => {
                    let done = log::rewrite(&self.connection, &changes).map(Ok);
                    settle(done, reply, Answer::Rewrite, answers)?;
                }
                Job::Mend(finding, reply) => {
                    let mended = examine::mend(&self.connection, &finding).map(Ok);
                    self.indexed = true;
                    settle(mended, reply, Answer::Mend, answers)?;
                }
                Job::Forget(revision, reply) => {
                    let step = forget::step(&self.connection, revision).map(Ok);
                    settle(step, reply, Answer::Forget, answers)?;
                }
                Job::Close => {}
            }
        }
        self.execute("COMMIT")?;
        self.marking = false;
        if std::mem::take(&mut self.indexed) {
            *self.shared.searches.write() = Searches::load(&self.connection)?;
        }
        Ok(())
    }

    /// Does a batch, or takes back what it did. The outer error is the whole group's.
    fn batch(&mut self, mut batch: Batch, lone: bool) -> Sql<Result<Committed, StorageError>> {
        if self.ballast.is_out() && !ballast::frees(&batch) {
            return Ok(Err(StorageError::Full));
        }
        let (revision, change) = (self.ledger.revision, self.ledger.change);
        // A savepoint makes SQLite copy pages before it changes them; a batch alone is taken back with everything.
        self.execute(if lone { "" } else { "SAVEPOINT batch" })?;
        let mode = batch.mode;
        let defines = bell::defines(&batch);
        let result = self.ledger.apply(&self.connection, &mut batch);
        if let (Ok(_), Mode::Apply) = (&result, mode) {
            self.execute(if lone { "" } else { "RELEASE batch" })?;
            self.indexed |= self.ledger.defines;
            self.defined |= defines;
            self.shared.touched.lock().extend(self.ledger.keep());
            return Ok(Ok(Committed {
                revision: self.ledger.revision,
                outcomes: result.unwrap_or_default(),
            }));
        }
        if self.connection.is_autocommit() {
            // SQLite took everything back by itself, which it does when it can do nothing else.
            return Err(match result {
                Err(Refusal::Sql(error)) => error,
                _ => rusqlite::Error::InvalidQuery,
            });
        }
        if lone {
            self.execute("ROLLBACK")?;
            self.unmark();
            self.execute("BEGIN IMMEDIATE")?;
        } else {
            self.execute("ROLLBACK TO batch")?;
            self.execute("RELEASE batch")?;
        }
        self.ledger.take_back(&self.connection, revision, change)?;
        Ok(match result {
            Ok(outcomes) => Ok(Committed { revision, outcomes }),
            Err(Refusal::Batch(error)) => Err(error),
            Err(Refusal::Sql(error)) if is_fatal(&error) || is_full(&error) => return Err(error),
            Err(Refusal::Sql(error)) => Err(outward(error, &self.path)),
        })
    }

    fn draw(&mut self, counter: Counter, count: u64) -> Sql<Result<u64, StorageError>> {
        let last = self.ledger.counters.last(&self.connection, counter)?;
        match next_number(last, count) {
            Err(error) => Ok(Err(outward(error, &self.path))),
            Ok(end) => {
                self.ledger.counters.set(counter, end as u64);
                self.ledger.counters.write(&self.connection)?;
                self.ledger.counters.keep();
                Ok(Ok(last + 1))
            }
        }
    }

    fn build_search(&mut self, table: &Table, need: Need) -> Sql<Result<(), StorageError>> {
        if self.ledger.schemas.get(&table.number) == Some(&table.schema_version) {
            search::build(&self.connection, table)?;
            if need == Need::IndexAndWords {
                search::build_words(&self.connection, table)?;
            }
            self.indexed = true;
        }
        Ok(Ok(()))
    }

    /// Does a step of filling. A step that is refused has written nothing, and one that fails takes its transaction with it.
    fn fill(&mut self, step: &Fill) -> Sql<Result<(), StorageError>> {
        let filled = fill::fill(&self.connection, &self.path, &self.shared, step)?;
        if filled.is_ok() && matches!(step, Fill::Begin | Fill::Finish) {
            self.ledger = Ledger::load(&self.connection, self.shared.relations.clone())?;
            self.indexed = true;
        }
        Ok(filled)
    }

    /// What the running transaction said of the file went with it.
    fn unmark(&mut self) {
        self.marked &= !std::mem::take(&mut self.marking);
    }

    /// Takes everything back after the group failed, and learns again where the database is.
    fn fail(&mut self, error: &rusqlite::Error) {
        if !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        self.unmark();
        if is_full(error) {
            self.ballast.give_up();
            self.checkpoints.empty(&self.connection);
        }
        if self.broken.is_none() && is_fatal(error) {
            tracing::error!(%error, "the database cannot be written any more");
            self.broken = Some(format!(
                "{error}; nothing is written until the program is started again"
            ));
        }
        if self.broken.is_none() {
            match Ledger::load(&self.connection, self.shared.relations.clone()) {
                Ok(ledger) => self.ledger = ledger,
                Err(error) => self.broken = Some(error.to_string()),
            }
        }
    }

    /// The group's error for one of its callers.
    fn refusal(&self, error: &rusqlite::Error) -> StorageError {
        let copy = match error {
            rusqlite::Error::SqliteFailure(inner, text) => {
                rusqlite::Error::SqliteFailure(*inner, text.clone())
            }
            other => return StorageError::Internal(other.to_string()),
        };
        outward(copy, &self.path)
    }

    fn execute(&self, sql: &str) -> Sql<()> {
        if !sql.is_empty() {
            self.connection.prepare_cached(sql)?.execute([])?;
        }
        Ok(())
    }

    /// Uses a quiet moment.
    fn tidy(&mut self) {
        if self.checkpoints.empty(&self.connection) {
            self.pages.store(0, Ordering::Relaxed);
        }
        // Measures the indexes of tables that have grown (0x10000: also of those this connection never queried), by
        // a sample of each, so that the planner does not take an index with few different values for a good one.
        if let Err(error) = self.connection.execute_batch("PRAGMA optimize = 0x10012") {
            tracing::warn!(%error, "the indexes could not be measured");
        }
        let _ = self.connection.release_memory();
    }

    /// Leaves the file tidy and says that it was closed cleanly.
    fn finish(mut self) {
        self.checkpoints.stop();
        if self.broken.is_some() {
            return;
        }
        let touched = self.shared.touched.lock().clone();
        let touched: HashMap<u32, i64> = touched.into_iter().map(|(table, at)| (table.0, at)).collect();
        let touched = serde_json::to_string(&touched).unwrap_or_default();
        let say = || -> Sql<()> {
            if self.marked {
                let put = "INSERT INTO meta (key, value) VALUES (?, ?) \
                           ON CONFLICT (key) DO UPDATE SET value = excluded.value";
                self.connection.execute_batch("BEGIN IMMEDIATE")?;
                self.connection.execute(put, ("touched", touched))?;
                self.connection.execute(put, ("clean", 1))?;
                self.connection.execute_batch("COMMIT")?;
            }
            Ok(())
        };
        if let Err(error) = say() {
            tracing::warn!(%error, "the database was not closed cleanly; it will be checked when it is opened");
        }
        self.checkpoints.empty(&self.connection);
    }
}

/// Notes the answer to a job; one whose group failed is answered with the group's error.
fn settle<T>(
    result: Sql<Result<T, StorageError>>,
    reply: Reply<T>,
    answer: fn(Result<T, StorageError>, Reply<T>) -> Answer,
    answers: &mut Vec<Answer>,
) -> Sql<()> {
    let (result, failed) = match result {
        Ok(result) => (result, Ok(())),
        Err(error) => (Err(StorageError::Closed), Err(error)),
    };
    answers.push(answer(result, reply));
    failed
}

/// How many writes a job brings.
fn weight(job: &Job) -> usize {
    match job {
        Job::Commit(batch, _) => batch.writes.len(),
        Job::BuildSearch(..) | Job::Fill(..) | Job::Mend(..) | Job::Forget(..) | Job::Rewrite(..) => {
            GROUP_WRITES_MAX
        }
        Job::Draw(..) | Job::Close => 1,
    }
}

impl Job {
    /// Whether it may write anything.
    fn writes(&self) -> bool {
        match self {
            Job::Commit(batch, _) => !batch.writes.is_empty() || !batch.documents.is_empty(),
            _ => true,
        }
    }

    /// Answers it with an error.
    pub(super) fn refuse(self, error: StorageError) {
        match self {
            Job::Commit(_, reply) => drop(reply.send(Err(error))),
            Job::Draw(_, _, reply) => drop(reply.send(Err(error))),
            Job::BuildSearch(_, _, reply) | Job::Fill(_, reply) | Job::Rewrite(_, reply) => {
                drop(reply.send(Err(error)))
            }
            Job::Mend(_, reply) => drop(reply.send(Err(error))),
            Job::Forget(_, reply) => drop(reply.send(Err(error))),
            Job::Close => {}
        }
    }
}

impl Answer {
    /// Gives the answer, or the group's error in its place.
    fn send(self, error: Option<StorageError>) {
        match (self, error) {
            (Answer::Commit(_, reply), Some(error)) => drop(reply.send(Err(error))),
            (Answer::Draw(_, reply), Some(error)) => drop(reply.send(Err(error))),
            (
                Answer::BuildSearch(_, reply) | Answer::Fill(_, reply) | Answer::Rewrite(_, reply),
                Some(error),
            ) => {
                drop(reply.send(Err(error)));
            }
            (Answer::Mend(_, reply), Some(error)) => drop(reply.send(Err(error))),
            (Answer::Forget(_, reply), Some(error)) => drop(reply.send(Err(error))),
            (Answer::Forget(result, reply), None) => drop(reply.send(result)),
            (Answer::Mend(result, reply), None) => drop(reply.send(result)),
            (Answer::Commit(result, reply), None) => drop(reply.send(result)),
            (Answer::Draw(result, reply), None) => drop(reply.send(result)),
            (
                Answer::BuildSearch(result, reply)
                | Answer::Fill(result, reply)
                | Answer::Rewrite(result, reply),
                None,
            ) => {
                drop(reply.send(result));
            }
        }
    }
}
