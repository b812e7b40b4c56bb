//! Long work in batches that outlives the program: a place in an order is kept in the very commit of each batch, so after a crash
//! it goes on where it stood, nothing is left out and nothing is done twice. What a batch does is the business of a [`Work`].

mod status;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chancery_model::Json;
use chancery_model::change::Reason;
use chancery_storage::{Check, Document, DocumentQuery, DocumentWrite, Mode, OnReject, StorageError, Write};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;
use crate::rules::Unsettled;
use crate::store::{Commit, Core, Store};

pub use status::{JobOptions, JobState, JobStatus};

/// The kind of the documents that jobs are kept in.
const KIND: &str = "job";
/// How long a job may go without a sign of life before another process takes it over, unless asked otherwise; and the least that
/// can be asked for.
const SILENT: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(1));
/// How often a batch is done again that others overtook, before the job gives up.
const ATTEMPTS: u32 = 64;
/// Longest wait before a batch that was overtaken, in ms; and how often it is halved.
const OVERTAKEN_WAIT_MS: u64 = 20;
const OVERTAKEN_SHIFT_MAX: u32 = 16;

/// A job as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    status: JobStatus,
    cursor: Option<String>,
    owner: String,
    batch: u64,
    rows_per_second: Option<u64>,
    #[serde(default)]
    reason: Reason,
    /// How long it may go without a sign of life before another process takes it over.
    silent_ms: i64,
}

/// Who of this process works on jobs now: the owners of those jobs.
#[derive(Debug, Default)]
pub(crate) struct Workers(Mutex<HashSet<String>>);

impl Workers {
    fn has(&self, owner: &str) -> bool {
        self.0.lock().contains(owner)
    }
}

/// Tells that somebody works on a job for as long as it is held.
struct AtWork {
    core: Arc<Core>,
    owner: String,
}

impl AtWork {
    fn begin(core: &Arc<Core>, owner: &str) -> AtWork {
        core.workers.0.lock().insert(owner.to_owned());
        AtWork {
            core: core.clone(),
            owner: owner.to_owned(),
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.core.workers.0.lock().remove(&self.owner);
    }
}

/// A batch of a job, decided and not written yet.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) writes: Vec<Write>,
    pub(crate) checks: Vec<Check>,
    /// The place after it.
    pub(crate) cursor: String,
    pub(crate) seen: u64,
    /// How many of them it only passed by: they are no work, so whoever asks for a pace does not wait for them.
    pub(crate) passed: u64,
    pub(crate) done: u64,
    pub(crate) skipped: u64,
    pub(crate) failed: u64,
}

/// What a job does. It is asked for one batch after the other, the next one perhaps while the one before is written.
#[async_trait]
pub(crate) trait Work: Send + Sync + 'static {
    /// How many rows there are.
    async fn total(&self) -> Result<u64, Error>;

    /// The batch after a place; none at the end. Asked twice for the same place, it decides anew.
    async fn step(&self, after: Option<&str>, rows: u64) -> Result<Option<Step>, Error>;

    /// What its commits are for.
    fn reason(&self) -> Reason {
        Reason::User
    }

    /// What ends it, once all batches are written; not in a dry run.
    async fn finish(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Takes back what it prepared, as it could not go on; not in a dry run.
    async fn give_up(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// A job that this program works on.
pub struct JobHandle {
    id: String,
    store: Store,
    task: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for JobHandle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("JobHandle")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl JobHandle {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// How it stands.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn status(&self) -> Result<JobStatus, Error> {
        self.store.job(&self.id).await
    }

    /// Waits until this program works on it no more: it is over, paused, or taken over by another process.
    ///
    /// # Errors
    /// As [`JobHandle::status`].
    pub async fn wait(self) -> Result<JobStatus, Error> {
        // A panic of the work is told in the log; the job stays as its last batch left it.
        _ = self.task.await;
        self.store.job(&self.id).await
    }
}

impl Store {
    /// How a job stands.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Storage`].
    pub async fn job(&self, id: &str) -> Result<JobStatus, Error> {
        let (kept, _) = self.kept_job(id).await?;
        Ok(kept.status)
    }

    /// All jobs, newest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn jobs(&self) -> Result<Vec<JobStatus>, Error> {
        let jobs = self.kept_jobs().await?;
        Ok(jobs.into_iter().map(|kept| kept.status).collect())
    }

    /// All jobs as they are kept, newest first.
    async fn kept_jobs(&self) -> Result<Vec<Kept>, Error> {
        let found = self.backend().documents(DocumentQuery::Kind(KIND.into())).await?;
        let jobs = found.into_iter().map(|document| read(document.body));
        let mut jobs = jobs.collect::<Result<Vec<_>, _>>()?;
        jobs.sort_by(|a, b| b.status.id.cmp(&a.status.id));
        Ok(jobs)
    }

    /// Stops a job after the batch it is at; it can be resumed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`] if it is over, [`Error::Storage`].
    pub async fn pause_job(&self, id: &str) -> Result<JobStatus, Error> {
        self.turn_job(id, JobState::Paused).await
    }

    /// Calls a job off after the batch it is at. What it has done stays.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`] if it is over, [`Error::Storage`].
    pub async fn cancel_job(&self, id: &str) -> Result<JobStatus, Error> {
        self.turn_job(id, JobState::Cancelled).await
    }

    async fn turn_job(&self, id: &str, state: JobState) -> Result<JobStatus, Error> {
        for _ in 0..ATTEMPTS {
            let (mut kept, version) = self.kept_job(id).await?;
            if kept.status.state.is_over() {
                return Err(is_over(id));
            }
            kept.status.state = state;
            kept.status.updated_at = self.now();
            match self.keep_job(&kept, version, Vec::new(), Vec::new()).await {
                Ok(()) => return Ok(kept.status),
                Err(Missed::Overtaken) => {}
                Err(Missed::Failed(error)) => return Err(error),
            }
        }
        Err(gave_up())
    }

    /// Makes a job of this id and begins it.
    pub(crate) async fn start_job(
        &self,
        id: Uuid,
        (kind, params): (&str, Json),
        options: JobOptions,
        work: Arc<dyn Work>,
    ) -> Result<JobHandle, Error> {
        let now = self.now();
        let kept = Kept {
            status: JobStatus {
                id: id.to_string(),
                kind: kind.into(),
                params,
                state: JobState::Running,
                dry_run: options.dry_run,
                seen: 0,
                total: work.total().await?,
                done: 0,
                skipped: 0,
                failed: 0,
                conflicts: 0,
                rate: 0,
                left_ms: None,
                error: None,
                created_at: now,
                updated_at: now,
                created_by: self.actor.id.as_ref().map(ToString::to_string),
            },
            cursor: None,
            owner: Uuid::new_v4().to_string(),
            batch: options.rows_of_batch(),
            rows_per_second: options.rows_per_second,
            reason: work.reason(),
            silent_ms: options.silent_max.unwrap_or(SILENT.0).max(SILENT.1).as_millis() as i64,
        };
        match self.keep_job(&kept, 0, Vec::new(), Vec::new()).await {
            Ok(()) => Ok(self.work_on(kept, 1, work)),
            Err(Missed::Overtaken) => Err(gave_up()),
            Err(Missed::Failed(error)) => Err(error),
        }
    }

    /// Goes on with a job that was paused, waits, or was left by a program that ended.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Taken`] if somebody works on it, or nothing is left to do.
    pub(crate) async fn resume_job(&self, id: &str, work: Arc<dyn Work>) -> Result<JobHandle, Error> {
        let (mut kept, version) = self.kept_job(id).await?;
        self.check_resumable(&kept)?;
        kept.status.state = JobState::Running;
        kept.status.error = None;
        kept.status.updated_at = self.now();
        kept.owner = Uuid::new_v4().to_string();
        match self.keep_job(&kept, version, Vec::new(), Vec::new()).await {
            Ok(()) => Ok(self.work_on(kept, version + 1, work)),
            Err(Missed::Overtaken) => Err(at_work(id)),
            Err(Missed::Failed(error)) => Err(error),
        }
    }

    /// How a job stands that can be resumed.
    ///
    /// # Errors
    /// As [`Store::resume_job`].
    pub(crate) async fn resumable_job(&self, id: &str) -> Result<JobStatus, Error> {
        let (kept, _) = self.kept_job(id).await?;
        self.check_resumable(&kept)?;
        Ok(kept.status)
    }

    fn check_resumable(&self, kept: &Kept) -> Result<(), Error> {
        match kept.status.state {
            state if state.is_over() => Err(is_over(&kept.status.id)),
            JobState::Running if !self.is_left(kept) => Err(at_work(&kept.status.id)),
            _ => Ok(()),
        }
    }

    /// Jobs of a kind that a program left when it ended; nobody works on them.
    pub(crate) async fn left_jobs(&self, kind: &str) -> Result<Vec<JobStatus>, Error> {
        let mut kept = self.kept_jobs().await?;
        kept.retain(|kept| {
            kept.status.kind == kind && kept.status.state == JobState::Running && self.is_left(kept)
        });
        Ok(kept.into_iter().map(|kept| kept.status).collect())
    }

    /// Whether nobody works on a job that runs: nobody in this process, nor in another if there can be one.
    fn is_left(&self, kept: &Kept) -> bool {
        let silent = self.now() - kept.status.updated_at >= kept.silent_ms;
        !self.core.workers.has(&kept.owner) && (silent || !self.backend().is_shared())
    }

    /// Lets a job wait for what it needs to go on.
    pub(crate) async fn let_wait(&self, id: &str) -> Result<JobStatus, Error> {
        self.turn_job(id, JobState::Waiting).await
    }

    /// Works on a job, as it was kept in this version.
    fn work_on(&self, kept: Kept, version: u64, work: Arc<dyn Work>) -> JobHandle {
        let (store, id) = (self.clone(), kept.status.id.clone());
        let at_work = AtWork::begin(&self.core, &kept.owner);
        let task = tokio::spawn({
            let store = store.clone();
            async move {
                run(&store, (kept, version), &*work).await;
                drop(at_work);
            }
        });
        JobHandle { id, store, task }
    }

    async fn kept_job(&self, id: &str) -> Result<(Kept, u64), Error> {
        let missing = |id: &str| Error::NotFound {
            what: "job",
            message: format!("There is no job {id}"),
        };
        // A token in the wrong place is for no log.
        if Uuid::parse_str(id).is_err() {
            return Err(missing("of this id"));
        }
        let query = DocumentQuery::Id {
            kind: KIND.into(),
            id: id.into(),
        };
        let found = self.backend().documents(query).await?.pop();
        let document = found.ok_or_else(|| missing(id))?;
        Ok((read(document.body)?, document.version))
    }

    /// Keeps a job, in one commit with the writes of its batch.
    async fn keep_job(
        &self,
        kept: &Kept,
        version: u64,
        writes: Vec<Write>,
        checks: Vec<Check>,
    ) -> Result<(), Missed> {
        let body = serde_json::to_value(kept).map_err(|error| Error::Internal(error.to_string()))?;
        let document = Document {
            kind: KIND.into(),
            id: kept.status.id.clone(),
            lookup: None,
            body,
            version: 0,
        };
        let how = Commit {
            on_reject: OnReject::Abort,
            mode: Mode::Apply,
            reason: kept.reason,
            operation: (!writes.is_empty()).then(|| kept.status.id.as_str().into()),
            checks,
            documents: vec![DocumentWrite::Put {
                document,
                expected: Some(version),
            }],
            ..Commit::default()
        };
        match self.write(writes, self.now(), how).await {
            Ok(_) => Ok(()),
            Err(Unsettled::Refused(why)) => {
                if why.iter().any(|(_, why)| why.is_outdated()) {
                    self.reload().await?;
                }
                Err(Missed::Overtaken)
            }
            Err(Unsettled::Failed(Error::Storage(
                StorageError::Overtaken(_)
                | StorageError::DocumentConflict { .. }
                | StorageError::Rejected(_),
            ))) => Err(Missed::Overtaken),
            Err(Unsettled::Failed(error)) => Err(Missed::Failed(error)),
        }
    }
}

/// Why a batch was not written.
enum Missed {
    /// Others changed what it rests on, or turned the job.
    Overtaken,
    Failed(Error),
}

impl From<Error> for Missed {
    fn from(error: Error) -> Missed {
        Missed::Failed(error)
    }
}

/// Works on a job until it is over, somebody turns it, or it fails.
async fn run(store: &Store, (kept, version): (Kept, u64), work: &dyn Work) {
    let (mut ours, mut at) = (kept.clone(), version);
    let id = kept.status.id.clone();
    if let Err(error) = Box::pin(worked(store, (kept, version), work)).await {
        tracing::error!(job = id, %error, "a job failed");
        // If even that cannot be written, it is taken up again when the program starts.
        _ = end(store, (&mut ours, &mut at), work, &error).await;
    }
}

/// Lets a job fail, unless somebody stopped it or took it over meanwhile. One whose preparations cannot be taken back any more is
/// paused instead: to go on is the only way out.
async fn end(
    store: &Store,
    (kept, version): (&mut Kept, &mut u64),
    work: &dyn Work,
    error: &Error,
) -> Result<(), Error> {
    if !still_ours(store, kept, version).await? {
        return Ok(());
    }
    kept.status.state = JobState::Failed;
    if !kept.status.dry_run
        && let Err(error) = work.give_up().await
    {
        tracing::error!(job = kept.status.id, %error, "what a job prepared stays");
        kept.status.state = JobState::Paused;
    }
    kept.status.error = Some(error.to_string());
    kept.status.updated_at = store.now();
    match store.keep_job(kept, *version, Vec::new(), Vec::new()).await {
        Err(Missed::Failed(error)) => Err(error),
        _ => Ok(()),
    }
}

async fn worked(store: &Store, (mut kept, mut version): (Kept, u64), work: &dyn Work) -> Result<(), Error> {
    let (began, first) = (Instant::now(), kept.status.seen);
    let mut passed = 0;
    let mut next = work.step(kept.cursor.as_deref(), kept.batch).await?;
    let mut overtaken = 0;
    loop {
        let Some(step) = next.take() else {
            if !kept.status.dry_run {
                work.finish().await?;
            }
            kept.status.state = JobState::Done;
            kept.status.left_ms = Some(0);
            kept.status.updated_at = store.now();
            match store.keep_job(&kept, version, Vec::new(), Vec::new()).await {
                Ok(()) => return Ok(()),
                Err(Missed::Failed(error)) => return Err(error),
                Err(Missed::Overtaken) => match still_ours(store, &mut kept, &mut version).await? {
                    true => continue,
                    false => return Ok(()),
                },
            }
        };
        let mut after = kept.clone();
        advance(&mut after, &step, store.now(), (began, first));
        let step_passed = step.passed;
        let (writes, checks) = match kept.status.dry_run {
            true => (Vec::new(), Vec::new()),
            false => (step.writes, step.checks),
        };
        // The next batch is decided while this one is written.
        let (written, decided) = tokio::join!(
            store.keep_job(&after, version, writes, checks),
            work.step(after.cursor.as_deref(), kept.batch),
        );
        match written {
            Ok(()) => {
                (kept, version, overtaken) = (after, version + 1, 0);
                next = decided?;
                passed += step_passed;
                throttle(&kept, (began, first + passed)).await;
            }
            Err(Missed::Failed(error)) => return Err(error),
            Err(Missed::Overtaken) => {
                if !still_ours(store, &mut kept, &mut version).await? {
                    return Ok(());
                }
                overtaken += 1;
                if overtaken > ATTEMPTS {
                    return Err(gave_up());
                }
                kept.status.conflicts += 1;
                // Fewer at once, so that a record that others write all the time does not hold up the rest for ever.
                tokio::time::sleep(Duration::from_millis(u64::from(overtaken).min(OVERTAKEN_WAIT_MS))).await;
                let rows = (kept.batch >> overtaken.min(OVERTAKEN_SHIFT_MAX)).max(1);
                next = work.step(kept.cursor.as_deref(), rows).await?;
            }
        }
    }
}

fn advance(kept: &mut Kept, step: &Step, now: i64, (began, first): (Instant, u64)) {
    let status = &mut kept.status;
    kept.cursor = Some(step.cursor.clone());
    status.seen += step.seen;
    status.done += step.done;
    status.skipped += step.skipped;
    status.failed += step.failed;
    status.updated_at = now;
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    status.rate = ((status.seen - first) as f64 / seconds) as u64;
    let left = status.total.saturating_sub(status.seen);
    status.left_ms = (left * 1_000).checked_div(status.rate);
}

/// Reads the job again after it was overtaken: whether this program is still to work on it.
async fn still_ours(store: &Store, kept: &mut Kept, version: &mut u64) -> Result<bool, Error> {
    let (now, at) = store.kept_job(&kept.status.id).await?;
    let ours = now.owner == kept.owner && now.status.state == JobState::Running;
    if ours {
        (*kept, *version) = (now, at);
    }
    Ok(ours)
}

/// Waits if it goes faster than it may.
async fn throttle(kept: &Kept, (began, first): (Instant, u64)) {
    let Some(most) = kept.rows_per_second.filter(|most| *most > 0) else {
        return;
    };
    let due = Duration::from_secs_f64((kept.status.seen - first) as f64 / most as f64);
    tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
}

fn read(body: Json) -> Result<Kept, Error> {
    serde_json::from_value(body).map_err(|error| Error::Internal(format!("a job cannot be read: {error}")))
}

fn is_over(id: &str) -> Error {
    Error::Taken {
        what: "job",
        message: format!("The job {id} is over"),
    }
}

fn at_work(id: &str) -> Error {
    Error::Taken {
        what: "job",
        message: format!("Somebody works on the job {id} already"),
    }
}

fn gave_up() -> Error {
    Error::Internal("a job was overtaken again and again".into())
}
