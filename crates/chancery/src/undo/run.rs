//! The course of an undo: window after window, each a commit that says how far it came. It decides nothing about records.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::change::{ChangeKind, Commit, Reason};
use chancery_storage::{CommitQuery, DocumentWrite, Mode, StorageError};
use uuid::Uuid;

use super::kept::{Running, is_progress};
use super::report::{RevertOptions, RevertReport};
use crate::error::Error;
use crate::history::{Span, no_operation, operation_id, spans_of};
use crate::limits::{UNDO_ROUNDS_MAX, UNDO_WINDOW};
use crate::store::Store;

/// How often one window is decided again after others were faster.
pub(super) const ATTEMPTS: usize = 64;

/// Where the changes of the operation stand.
pub(super) struct Taking {
    pub(super) spans: Vec<Closed>,
    pub(super) revisions: HashSet<u64>,
    /// The commits of the undo itself so far.
    pub(super) own: HashSet<u64>,
    /// The operation's first change.
    pub(super) first: u64,
}

/// The changes of one commit.
pub(super) struct Closed {
    pub(super) revision: u64,
    pub(super) first: u64,
    /// The first change after it.
    pub(super) end: u64,
}

/// What a window does to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Nothing.
    Try,
    /// It is written.
    Write,
}

impl Store {
    /// Takes an operation back as a unit: what it inserted is removed, what it changed is as before, what it deleted, purged or
    /// evicted is there again, with key, values and who created it; versions go on rising. A field that was changed since
    /// stays as it is and is told, and so does a record that cannot be what it was. The undo is an operation itself: taking
    /// that back does the first one again.
    ///
    /// Values are put back as they were, as a restore from the trash does, even if the definition has become stricter; unique
    /// values and references hold. It goes on when the future is dropped, and when the program ends, at the next start.
    /// Definitions (tables, columns, options) are no part of an operation and stay, but for an option that was merged into another by
    /// it: that is there again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Irreversible`] for one that cleared a table or changed how values are kept, [`Error::Kept`] with
    /// [`RevertOptions::all_or_nothing`] if something stands in the way; then nothing is changed.
    pub async fn revert(&self, operation: &str, options: RevertOptions) -> Result<RevertReport, Error> {
        self.unheld("Taking back an operation")?;
        self.refresh().await?;
        let (store, operation) = (self.clone(), operation.to_owned());
        let task = tokio::spawn(async move { revert(&store, &operation, options).await });
        task.await
            .map_err(|error| Error::Internal(format!("an undo ended: {error}")))?
    }
}

async fn revert(store: &Store, operation: &str, options: RevertOptions) -> Result<RevertReport, Error> {
    let found = spans_of(store.backend().as_ref(), operation).await?;
    let (spans, newest) = found.ok_or_else(|| no_operation(operation))?;
    let mut undo = Undo::new(store, &spans, &newest, options).await?;
    undo.check_here(&spans, &newest).await?;
    undo.check_whole().await?;
    undo.refuse_irreversible(newest.reason).await?;
    if options.dry_run || options.all_or_nothing && undo.has_parts() {
        undo.go(Pass::Try).await?;
        if options.dry_run {
            undo.running.report.dry_run = true;
            return Ok(undo.running.report);
        }
        if undo.is_stopped() {
            return Err(Error::Kept(Box::new(undo.running.report)));
        }
        undo = Undo::new(store, &spans, &newest, options).await?;
    }
    undo.go_on().await?;
    undo.go(Pass::Write).await?;
    undo.finish().await
}

/// Finishes the running undo of an operation.
pub(super) async fn resume(store: &Store, operation: &str) -> Result<RevertReport, Error> {
    let found = spans_of(store.backend().as_ref(), operation).await?;
    let (spans, newest) = found.ok_or_else(|| no_operation(operation))?;
    let mut undo = Undo::new(store, &spans, &newest, RevertOptions::default()).await?;
    undo.go_on().await?;
    undo.go(Pass::Write).await?;
    undo.finish().await
}

/// Takes back an operation that may have written nothing, or is taken back already.
///
/// # Errors
/// Whatever the backend says.
pub(crate) async fn take_back(store: &Store, operation: &str) -> Result<(), Error> {
    if spans_of(store.backend().as_ref(), operation).await?.is_none()
        || store
            .undo_marks(operation, Reason::User)
            .await?
            .reverted_by
            .is_some()
            && store.running_undo(operation).await?.is_none()
    {
        return Ok(());
    }
    resume(store, operation).await.map(|_| ())
}

/// One undo while it runs.
pub(super) struct Undo {
    pub(super) store: Store,
    pub(super) taking: Taking,
    pub(super) running: Running,
    /// The version of the document that says how far it is; 0 while there is none.
    version: u64,
    /// Whether the mark of this undo is written.
    marked: bool,
}

impl Undo {
    pub(super) async fn new(
        store: &Store,
        spans: &[Span],
        newest: &Commit,
        options: RevertOptions,
    ) -> Result<Undo, Error> {
        let mut closed = Vec::with_capacity(spans.len());
        for span in spans {
            let end = match span.end {
                Some(end) => end,
                None => span.first + store.open_length(span).await?,
            };
            closed.push(Closed {
                revision: span.revision,
                first: span.first,
                end,
            });
        }
        let undo: Arc<str> = Uuid::now_v7().to_string().into();
        let report = RevertReport {
            reverts: operation_id(newest),
            ..RevertReport::default()
        };
        Ok(Undo {
            store: store.clone(),
            taking: Taking {
                revisions: spans.iter().map(|span| span.revision).collect(),
                own: HashSet::new(),
                first: closed.iter().map(|span| span.first).min().unwrap_or_default(),
                spans: closed,
            },
            running: Running {
                undo,
                workspace: store.workspace.clone(),
                actor: store.actor.id.clone(),
                position: u64::MAX,
                all_or_nothing: options.all_or_nothing,
                round: 0,
                written: 0,
                waiting: 0,
                report,
            },
            version: 0,
            marked: false,
        })
    }

    fn changes(&self) -> u64 {
        self.taking.spans.iter().map(|span| span.end - span.first).sum()
    }

    /// Whether it takes more than one commit.
    fn has_parts(&self) -> bool {
        self.changes() > UNDO_WINDOW as u64
    }

    /// Whether something stands in the way that will still be there when the other parts are taken back.
    pub(super) fn is_stopped(&self) -> bool {
        let waiting = match self.has_parts() {
            true => self.running.waiting,
            false => 0,
        };
        self.running.report.skipped_total > waiting
    }

    /// Begins once more with the newest change if all parts are dealt with and something may have waited for an older one:
    /// a record for the one it refers to, for room, for a unique value. What is left is told of the last round only.
    pub(super) fn turn(&mut self) {
        let through = self.has_parts() && self.is_through(self.running.position);
        let running = &mut self.running;
        if through && running.waiting > 0 && running.written > 0 && running.round < UNDO_ROUNDS_MAX {
            running.round += 1;
            running.position = u64::MAX;
            (running.written, running.waiting) = (0, 0);
            running.report.skipped_total = 0;
            running.report.skipped.clear();
        }
    }

    /// Whether no change of the operation is before a position.
    fn is_through(&self, position: u64) -> bool {
        let mut spans = self.taking.spans.iter();
        spans.all(|span| span.first >= position || span.end <= span.first)
    }

    /// An operation of another workspace is none for this one; of one whose tables are all gone nothing is known.
    async fn check_here(&self, spans: &[Span], newest: &Commit) -> Result<(), Error> {
        let catalog = self.store.core.catalog.load_full();
        for span in self.taking.spans.iter().filter(|span| span.end > span.first) {
            for change in self.store.changes(span.first - 1, 1).await? {
                let table = catalog.numbered(change.table);
                if table.is_some_and(|table| *table.workspace == *self.store.workspace) {
                    return Ok(());
                }
            }
        }
        // The first change of each commit is about a table that is gone: any other change says where it belongs.
        match self.store.told(newest, spans, None).await? {
            Some(_) => Ok(()),
            None => Err(no_operation(&self.running.report.reverts)),
        }
    }

    /// Of an operation of several commits the log may hold the newer ones only. Half of it is not taken back: the ids of
    /// such operations say when they began.
    async fn check_whole(&self) -> Result<(), Error> {
        let operation = &self.running.report.reverts;
        let began = Uuid::try_parse(operation).ok().and_then(|id| id.get_timestamp());
        let (Some(began), Some(first)) = (began, self.store.changes(0, 1).await?.pop()) else {
            return Ok(());
        };
        let (seconds, nanos) = began.to_unix();
        let began_ms = seconds as i64 * 1_000 + i64::from(nanos) / 1_000_000;
        let kept = CommitQuery::Revisions(vec![first.revision]);
        let oldest = self.store.backend().commits(kept).await?.pop();
        if first.number > 1 && oldest.is_some_and(|oldest| began_ms < oldest.commit.at) {
            return Err(Error::Irreversible {
                operation: operation.to_string(),
                why: "the log of changes does not hold all of it any more",
            });
        }
        Ok(())
    }

    /// The log has one row for a table that was cleared, and nothing of its records; and upkeep is nobody's change.
    async fn refuse_irreversible(&self, reason: Reason) -> Result<(), Error> {
        match reason {
            Reason::Import | Reason::Undo => return Ok(()),
            Reason::Upkeep => {
                return Err(Error::Irreversible {
                    operation: self.running.report.reverts.to_string(),
                    why: "it changed how values are kept, not what they are",
                });
            }
            _ => {}
        }
        for span in &self.taking.spans {
            let mut next = span.first;
            while next < span.end {
                let wanted = UNDO_WINDOW.min((span.end - next) as usize);
                let changes = self.store.changes(next - 1, wanted).await?;
                if changes
                    .iter()
                    .any(|change| change.kind == ChangeKind::Cleared && change.number < span.end)
                {
                    return Err(Error::Irreversible {
                        operation: self.running.report.reverts.to_string(),
                        why: "it cleared a table, and the log of changes does not keep what was in it",
                    });
                }
                next += wanted as u64;
            }
        }
        Ok(())
    }

    /// Takes over where an earlier run of the same undo was interrupted.
    pub(super) async fn go_on(&mut self) -> Result<(), Error> {
        if let Some((running, version)) = self.store.running_undo(&self.running.report.reverts).await? {
            self.join(running, version).await?;
        }
        Ok(())
    }

    /// Makes a running undo this one.
    async fn join(&mut self, running: Running, version: u64) -> Result<(), Error> {
        let found = spans_of(self.store.backend().as_ref(), &running.undo).await?;
        let spans = found.map(|(spans, _)| spans).unwrap_or_default();
        self.taking.own = spans.iter().map(|span| span.revision).collect();
        self.running = running;
        self.version = version;
        self.marked = true;
        Ok(())
    }

    async fn go(&mut self, pass: Pass) -> Result<(), Error> {
        while let Some(stretch) = {
            let backend = self.store.backend().clone();
            self.taking
                .stretch(backend.as_ref(), self.running.position)
                .await?
        } {
            if !self.window(&stretch, pass).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// How the next window is committed: what it says of the whole undo, and whether it is the last. An undo of one commit
    /// leaves no more than its mark.
    pub(super) async fn documents(&mut self, position: u64) -> Result<Vec<DocumentWrite>, Error> {
        let last = self.is_through(position);
        let mut documents = Vec::new();
        if !self.marked {
            documents.extend(self.running.mark(&self.store).await?);
        }
        if !last || self.version > 0 {
            // Written even when it is taken away at once: its version is what tells two processes apart.
            documents.push(self.running.put(self.version)?);
        }
        if last && self.version > 0 {
            documents.push(self.running.removal());
        }
        Ok(documents)
    }

    /// Takes note that a window is committed.
    pub(super) fn committed(&mut self, revision: u64) {
        self.store = self.store.repeatable();
        self.marked = true;
        self.version += 1;
        self.taking.own.insert(revision);
        self.running.report.revision = Some(revision);
        self.running.report.operation = Some(self.running.undo.clone());
    }

    /// What a refused document means: another process goes on with the same undo. Answers whether there is more to do here.
    pub(super) async fn overtaken(&mut self, error: &StorageError) -> Result<Option<bool>, Error> {
        match error {
            StorageError::DocumentConflict { kind, .. } if is_progress(kind) => {}
            _ => return Ok(None),
        }
        let Some((running, version)) = self.store.running_undo(&self.running.report.reverts).await? else {
            return Ok(Some(false));
        };
        self.join(running, version).await?;
        Ok(Some(true))
    }

    async fn finish(self) -> Result<RevertReport, Error> {
        let Running {
            all_or_nothing,
            report,
            ..
        } = self.running;
        if !all_or_nothing || report.skipped_total == 0 {
            self.store.unmerge_option(&report.reverts).await?;
            return Ok(report);
        }
        // Somebody was faster between the trial and the deed, or what waited for another part waited in vain. What was taken
        // back is done again.
        if let Some(own) = &report.operation {
            let options = RevertOptions::default();
            Box::pin(revert(&self.store, own, options)).await?;
        }
        Err(Error::Kept(Box::new(report)))
    }
}

impl Pass {
    pub(super) fn mode(self) -> Mode {
        match self {
            Pass::Try => Mode::Rehearse,
            Pass::Write => Mode::Apply,
        }
    }
}
