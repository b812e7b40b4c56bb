//! The one task that writes. It takes what waits, decides it under the lock of commits, and commits it together: one
//! round trip to read, one to write, one fsync for everybody who waited. It answers only after the commit.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chancery_model::change::Change;
use chancery_model::{Table, TableId};
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::alone;
use super::fault::{Fault, Pg};
use super::flush;
use super::forget::{self, Forgotten};
use super::load::{self, Known};
use super::needs::Needs;
use super::pool::{Pools, discard};
use super::relation::Relations;
use super::replicas::Replicas;
use super::search::Searches;
use super::statement::{Param, Statement};
use super::{examine, fill, log};
use crate::batch::{Batch, Committed, Counter, Mode, Write};
use crate::bell::{self, Bell};
use crate::error::StorageError;
use crate::finding::Finding;
use crate::gauges;
use crate::need::Need;
use crate::part::{Fill, Part};

/// Most jobs in one commit.
const GROUP_JOBS_MAX: usize = 512;
/// A batch with more writes than this is committed by itself, so that small ones do not wait for two of its kind.
const GROUP_WRITES_MAX: usize = 1_000;
/// How often a commit that collided with something else is tried.
const ATTEMPTS_MAX: u32 = 5;
/// How long one waits before trying again, in ms, times the attempt.
const RETRY_MS: u64 = 20;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StorageError>>;

/// Something for the writer to do.
pub(super) enum Job {
    /// Commit a batch.
    Commit(Box<Batch>, Reply<Committed>),
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
    Close(oneshot::Sender<()>),
}

/// What the writer and the readers share.
pub(super) struct Shared {
    /// The connections.
    pub(super) pools: Pools,
    /// The relations in use.
    pub(super) relations: Relations,
    /// The full-text indexes that are known to be there.
    pub(super) searches: RwLock<Searches>,
    /// Rings after each commit, whichever process made it.
    pub(super) bell: Bell,
    /// The servers that follow.
    pub(super) replicas: Replicas,
}

/// What a job answers before it is known that it is committed.
enum Answer {
    Committed(Result<Committed, StorageError>),
    Drawn(Result<u64, StorageError>),
}

/// Why a group was not committed.
enum Failure {
    /// Nothing was written.
    Undone(Fault),
    /// The connection broke while the commit was on its way.
    Unknown(Fault),
}

/// The writer's side.
pub(super) struct Writer {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Job>,
    known: Known,
}

impl Writer {
    /// A writer that takes jobs from here.
    pub(super) fn new(shared: Arc<Shared>, jobs: mpsc::Receiver<Job>) -> Writer {
        Writer {
            shared,
            jobs,
            known: HashMap::new(),
        }
    }

    /// Works until it is told to finish or nobody can send work any more.
    pub(super) async fn run(mut self) {
        let mut held: Option<Job> = None;
        loop {
            let first = match held.take() {
                Some(job) => job,
                None => match self.jobs.recv().await {
                    Some(job) => job,
                    None => break,
                },
            };
            match first {
                Job::Close(done) => {
                    self.jobs.close();
                    self.shared.pools.close_writer();
                    let _ = done.send(());
                    break;
                }
                Job::BuildSearch(table, need, reply) => {
                    let _ = reply.send(self.build_search(&table, need).await);
                }
                Job::Mend(finding, reply) => {
                    let _ = reply.send(self.mend(&finding).await);
                }
                Job::Forget(revision, reply) => {
                    let _ = reply.send(self.let_go(revision).await);
                }
                Job::Rewrite(changes, reply) => {
                    let _ = reply.send(self.rewrite(&changes).await);
                }
                Job::Fill(step, reply) => {
                    let _ = reply.send(self.fill(&step).await);
                }
                Job::Commit(batch, reply) if defines(&batch) => {
                    let done = self.alone(&batch).await;
                    if let Ok(committed) = &done {
                        self.shared.bell.committed(committed.revision, true);
                        self.shared.replicas.see_at_primary(committed.revision);
                    }
                    let _ = reply.send(done);
                }
                job => {
                    let group;
                    (group, held) = self.gather(job);
                    self.commit(group).await;
                }
            }
        }
        self.shared.pools.close_writer();
    }

    /// What goes into one commit with a job, and the job that comes after.
    fn gather(&mut self, first: Job) -> (Vec<Job>, Option<Job>) {
        let mut writes = weight(&first);
        let mut group = vec![first];
        while group.len() < GROUP_JOBS_MAX && writes < GROUP_WRITES_MAX {
            let Ok(job) = self.jobs.try_recv() else { break };
            writes += weight(&job);
            let lone = match &job {
                Job::Commit(batch, _) => defines(batch),
                Job::Draw(..) => false,
                _ => true,
            };
            if lone || writes >= GROUP_WRITES_MAX {
                return (group, Some(job));
            }
            group.push(job);
        }
        (group, None)
    }

    /// Commits a group and answers it. If the server refuses it for what one of them wrote, each is tried alone.
    async fn commit(&mut self, mut group: Vec<Job>) {
        match self.persist(&group).await {
            Ok(answers) => {
                self.ring(&group, &answers);
                group
                    .into_iter()
                    .zip(answers)
                    .for_each(|(job, answer)| job.answer(answer));
            }
            Err(error) if group.len() > 1 && !concerns_all(&error) => {
                for job in group {
                    let alone = self.persist(std::slice::from_ref(&job)).await;
                    match alone.map(|mut answers| answers.pop()) {
                        Ok(Some(answer)) => job.answer(answer),
                        Ok(None) => job.refuse(StorageError::Closed),
                        Err(error) => job.refuse(error),
                    }
                }
            }
            Err(error) => {
                let last = group.pop();
                for job in group {
                    job.refuse(copy(&error));
                }
                if let Some(job) = last {
                    job.refuse(error);
                }
            }
        }
    }

    /// Tells of a group that is committed before its callers hear of it.
    fn ring(&self, group: &[Job], answers: &[Answer]) {
        for (job, answer) in group.iter().zip(answers) {
            if let (Job::Commit(batch, _), Answer::Committed(Ok(committed))) = (job, answer) {
                let defines = bell::defines(batch);
                self.shared.bell.committed(committed.revision, defines);
            }
        }
    }

    /// Commits a group, trying again what collided, and asks for the outcome if the answer was lost.
    async fn persist(&mut self, group: &[Job]) -> Result<Vec<Answer>, StorageError> {
        let ids: Vec<Uuid> = group.iter().map(|_| Uuid::new_v4()).collect();
        let deadline = Instant::now() + self.shared.pools.settings.outcome_timeout;
        let mut attempt = 0;
        loop {
            let mut answers = Vec::with_capacity(group.len());
            let done = self.transact(group, &ids, &mut answers).await;
            match done {
                Ok(()) => return Ok(answers),
                Err(Failure::Undone(fault)) => {
                    attempt += 1;
                    self.pause(fault, attempt, deadline).await?;
                }
                Err(Failure::Unknown(fault)) => match self.outcome(&ids, fault, deadline).await? {
                    Some(revision) => {
                        self.shared.replicas.see_at_primary(revision);
                        return Ok(answers);
                    }
                    None => attempt += 1,
                },
            }
        }
    }

    /// Waits before another attempt, if one makes sense; otherwise the fault is the answer.
    async fn pause(&self, fault: Fault, attempt: u32, deadline: Instant) -> Result<(), StorageError> {
        let again = fault.is_collision() || fault.is_lost() || fault.is_stale_statement();
        if !again || attempt >= ATTEMPTS_MAX || Instant::now() >= deadline {
            return Err(fault.outward(self.shared.pools.name()));
        }
        // Two programs that collided must not collide again in step.
        let jitter = u64::from(Uuid::new_v4().as_bytes()[0]) % RETRY_MS;
        tokio::time::sleep(Duration::from_millis(RETRY_MS * u64::from(attempt) + jitter)).await;
        Ok(())
    }

    /// Decides a group and writes it in one transaction.
    async fn transact(
        &mut self,
        group: &[Job],
        ids: &[Uuid],
        answers: &mut Vec<Answer>,
    ) -> Result<(), Failure> {
        let started = Instant::now();
        let client = self.shared.pools.writer().await.map_err(Failure::Undone)?;
        let mut needs = Needs::default();
        for job in group {
            match job {
                Job::Commit(batch, _) => needs.batch(batch),
                Job::Draw(counter, ..) => {
                    needs.counters.insert(*counter);
                }
                _ => {}
            }
        }
        let begun = load::begin(&client, &needs, &self.shared.relations, &mut self.known).await;
        let mut overlay = match begun {
            Ok(overlay) => overlay,
            Err(fault) => {
                discard(client);
                return Err(Failure::Undone(fault));
            }
        };
        // Whoever is refused is told so because of this state, and may read what refuses it next.
        self.shared.replicas.see_at_primary(overlay.revision);
        for (job, id) in group.iter().zip(ids) {
            answers.push(match job {
                Job::Draw(counter, count, _) => Answer::Drawn(overlay.draw_alone(*counter, *count)),
                Job::Commit(batch, _) => Answer::Committed(overlay.batch(batch, *id)),
                _ => Answer::Committed(Err(StorageError::Closed)),
            });
        }
        if overlay.commits.is_empty()
            && !answers
                .iter()
                .any(|answer| matches!(answer, Answer::Drawn(Ok(_))))
        {
            return match client.batch_execute("ROLLBACK").await {
                Ok(()) => Ok(()),
                Err(_) => {
                    // Nothing was to be written, so nothing is lost with the connection.
                    discard(client);
                    Ok(())
                }
            };
        }
        let finished = flush::finish(&client, &overlay, "COMMIT").await;
        match finished {
            Ok(()) => {
                gauges::committed("postgres", group.len(), overlay.entries.len(), started.elapsed());
                self.shared.replicas.see_at_primary(overlay.revision);
                Ok(())
            }
            Err(fault) if fault.is_lost() => {
                discard(client);
                Err(Failure::Unknown(fault))
            }
            Err(fault) => {
                discard(client);
                Err(Failure::Undone(fault))
            }
        }
    }

    /// Whether a commit whose answer was lost happened, and its revision. The lock of commits is taken first: a server
    /// process that still has the commit in its hands holds it.
    async fn outcome(
        &self,
        ids: &[Uuid],
        lost: Fault,
        deadline: Instant,
    ) -> Result<Option<u64>, StorageError> {
        let mut detail = lost.outward(self.shared.pools.name()).to_string();
        tracing::warn!(
            detail,
            "a connection was lost in mid-commit; asking for the outcome"
        );
        loop {
            match timeout_at(deadline, outcome(&self.shared.pools, ids)).await {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(Fault::Storage(error))) => return Err(error),
                Ok(Err(fault)) => detail = fault.outward(self.shared.pools.name()).to_string(),
                Err(_) => {}
            }
            if Instant::now() >= deadline {
                let commit = ids.first().map(Uuid::to_string).unwrap_or_default();
                return Err(StorageError::Unsure { commit, detail });
            }
            tokio::time::sleep(Duration::from_millis(RETRY_MS * 10)).await;
        }
    }

    /// Commits a batch that changes definitions or clears tables.
    async fn alone(&mut self, batch: &Batch) -> Result<Committed, StorageError> {
        let id = Uuid::new_v4();
        let deadline = Instant::now() + self.shared.pools.settings.outcome_timeout;
        let mut attempt = 0;
        loop {
            let client = match self.shared.pools.writer().await {
                Ok(client) => client,
                Err(fault) => {
                    attempt += 1;
                    self.pause(fault, attempt, deadline).await?;
                    continue;
                }
            };
            let mut decided = None;
            let done = alone::commit(&client, batch, id, &self.shared.relations, &mut decided).await;
            self.forget(batch);
            match (done, decided) {
                (Ok(()), Some(answer)) => return answer,
                (Ok(()), None) => return Err(StorageError::Internal("a batch was not decided".into())),
                (Err(fault), decided) => {
                    discard(client);
                    let lost = fault.is_lost();
                    if let (true, Some(Ok(committed)), Mode::Apply) = (lost, decided, batch.mode) {
                        if self.outcome(&[id], fault, deadline).await?.is_some() {
                            return Ok(committed);
                        }
                        attempt += 1;
                        continue;
                    }
                    attempt += 1;
                    self.pause(fault, attempt, deadline).await?;
                }
            }
        }
    }

    /// Forgets what was known of the tables that a batch defines.
    fn forget(&mut self, batch: &Batch) {
        for write in &batch.writes {
            if let Write::Schema(schema) = write {
                let number = super::schema::number(schema);
                self.known.remove(&number);
                self.shared.relations.forget(number);
            }
        }
    }

    async fn fill(&mut self, step: &Fill) -> Result<(), StorageError> {
        let client = self.shared.pools.writer().await;
        let client = client.map_err(|fault| fault.outward(self.shared.pools.name()))?;
        let filled = fill::fill(&client, self.shared.pools.name(), step).await;
        if let Fill::Begin | Fill::Part(Part::Table { .. }) = step {
            self.known.clear();
            self.shared.relations.clear();
        }
        filled.map_err(|fault| {
            discard(client);
            fault.outward(self.shared.pools.name())
        })
    }

    /// Does a step of letting go of the log.
    async fn let_go(&self, revision: u64) -> Result<Forgotten, StorageError> {
        let client = self.shared.pools.writer().await;
        let client = client.map_err(|fault| fault.outward(self.shared.pools.name()))?;
        forget::step(&client, revision).await.map_err(|fault| {
            discard(client);
            fault.outward(self.shared.pools.name())
        })
    }

    async fn rewrite(&self, changes: &[Change]) -> Result<(), StorageError> {
        let client = self.shared.pools.writer().await;
        let client = client.map_err(|fault| fault.outward(self.shared.pools.name()))?;
        log::rewrite(&client, changes).await.map_err(|fault| {
            discard(client);
            fault.outward(self.shared.pools.name())
        })
    }

    async fn mend(&mut self, finding: &Finding) -> Result<bool, StorageError> {
        let client = self.shared.pools.writer().await;
        let client = client.map_err(|fault| fault.outward(self.shared.pools.name()))?;
        let mended = examine::mend(&client, finding).await;
        if let Some(table) = &finding.table {
            note(&self.shared, table.number, None);
        }
        mended.map_err(|fault| {
            discard(client);
            fault.outward(self.shared.pools.name())
        })
    }

    async fn build_search(&mut self, table: &Arc<Table>, need: Need) -> Result<(), StorageError> {
        let client = self.shared.pools.writer().await;
        let client = client.map_err(|fault| fault.outward(self.shared.pools.name()))?;
        match alone::build_search(&client, table, need, &self.shared.relations).await {
            Ok(columns) => {
                let listed = need == Need::IndexAndWords && columns.is_some();
                note(&self.shared, table.number, columns);
                if listed {
                    self.shared.searches.write().note_words(table.number);
                }
                Ok(())
            }
            Err(fault) => {
                discard(client);
                Err(fault.outward(self.shared.pools.name()))
            }
        }
    }
}

fn note(shared: &Shared, table: TableId, columns: Option<Vec<u16>>) {
    shared.searches.write().note(table, columns);
}

/// The revision of a commit, if it happened.
pub(super) async fn outcome(pools: &Pools, ids: &[Uuid]) -> Pg<Option<u64>> {
    let client = pools.writer().await?;
    let ask = async {
        client.batch_execute("BEGIN").await?;
        load::lock().rows(&client).await?;
        // One that still follows another may not have received it yet: its silence says nothing.
        if Statement::new("SELECT pg_is_in_recovery()::int::bigint")
            .number(&client)
            .await?
            != 0
        {
            return Err(Fault::Pool("the server follows another one".into()));
        }
        let mut select = Statement::new("SELECT max(revision) FROM commits WHERE id = ANY(");
        let rows = select
            .bind(Param::Uuids(ids.to_vec()))
            .push(")")
            .rows(&client)
            .await?;
        // A server that was restarted shows commits that its synchronous standby may lack. A commit of our own after them
        // waits for the standby to have them all.
        client
            .batch_execute("SELECT pg_logical_emit_message(true, 'chancery', 'outcome')")
            .await?;
        client.batch_execute(flush::PATIENTLY).await?;
        client.batch_execute("COMMIT").await?;
        let revision: Option<i64> = match rows.first() {
            Some(row) => row.try_get(0)?,
            None => None,
        };
        Pg::Ok(revision.map(|revision| revision as u64))
    };
    let answer = ask.await;
    if answer.is_err() {
        discard(client);
    }
    answer
}

/// Whether a batch changes definitions or clears tables: then its writes are done one after another.
fn defines(batch: &Batch) -> bool {
    batch
        .writes
        .iter()
        .any(|write| matches!(write, Write::Schema(_) | Write::Clear { .. }))
}

fn weight(job: &Job) -> usize {
    match job {
        Job::Commit(batch, _) => batch.writes.len() + batch.documents.len(),
        _ => 1,
    }
}

/// Whether an error is of the server or the way to it, whoever asks.
fn concerns_all(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::Unavailable { .. }
            | StorageError::Unsure { .. }
            | StorageError::Denied { .. }
            | StorageError::Full
            | StorageError::Closed
    )
}

/// An error that concerns a whole group, for one of its callers.
fn copy(error: &StorageError) -> StorageError {
    match error {
        StorageError::Unavailable { server, detail } => StorageError::Unavailable {
            server: server.clone(),
            detail: detail.clone(),
        },
        StorageError::Unsure { commit, detail } => StorageError::Unsure {
            commit: commit.clone(),
            detail: detail.clone(),
        },
        StorageError::Denied { server, detail } => StorageError::Denied {
            server: server.clone(),
            detail: detail.clone(),
        },
        StorageError::Full => StorageError::Full,
        StorageError::Closed => StorageError::Closed,
        other => StorageError::Internal(other.to_string()),
    }
}

impl Job {
    fn answer(self, answer: Answer) {
        match (self, answer) {
            (Job::Commit(_, reply), Answer::Committed(answer)) => drop(reply.send(answer)),
            (Job::Draw(_, _, reply), Answer::Drawn(answer)) => drop(reply.send(answer)),
            (job, _) => job.refuse(StorageError::Closed),
        }
    }

    fn refuse(self, error: StorageError) {
        match self {
            Job::Commit(_, reply) => drop(reply.send(Err(error))),
            Job::Draw(_, _, reply) => drop(reply.send(Err(error))),
            Job::BuildSearch(_, _, reply) | Job::Fill(_, reply) | Job::Rewrite(_, reply) => {
                drop(reply.send(Err(error)))
            }
            Job::Mend(_, reply) => drop(reply.send(Err(error))),
            Job::Forget(_, reply) => drop(reply.send(Err(error))),
            Job::Close(done) => drop(done.send(())),
        }
    }
}
