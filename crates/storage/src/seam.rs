//! The seam: what the library asks of a backend. Plans and batches only; no SQL, no interactive transactions.

use std::sync::Arc;

use async_trait::async_trait;
use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::change::Change;
use chancery_model::filter::FieldRef;
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, TableId, Value};
use futures::future::{BoxFuture, Either, Ready};
use uuid::Uuid;

use tokio::sync::watch;

use crate::batch::{Batch, Committed, Counter, Document};
use crate::bell::News;
use crate::cache::CacheStatus;
use crate::error::StorageError;
use crate::finding::Finding;
use crate::part::{Dump, Fill, LoggedCommit};
use crate::read_figures::ReadFigures;

/// An answer that may be there at once: then nothing is allocated for it.
pub type Answer<'a, T> = Either<Ready<Result<T, StorageError>>, BoxFuture<'a, Result<T, StorageError>>>;

/// Records in chunks from one snapshot, in the plan's order.
pub type RecordStream = tokio::sync::mpsc::Receiver<Result<Vec<Arc<Record>>, StorageError>>;

/// A place where records are kept.
///
/// Every method is atomic and sees only committed states. A commit is answered when it is durable (as durable as
/// the backend was opened to be), and every read that starts after the answer sees it.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// `memory`, `sqlite` …
    fn name(&self) -> &'static str;

    /// Whether other processes may write to it too.
    fn is_shared(&self) -> bool {
        false
    }

    /// Applies a batch whole or, on any failed precondition, not at all (see [`crate::OnReject`]).
    async fn commit(&self, batch: Batch) -> Result<Committed, StorageError>;

    /// The record with a key, in whatever state (trash and expired too: the caller judges).
    fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>>;

    /// The records with these keys, in their order; from one snapshot.
    async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError>;

    /// For each tuple the live records whose fields equal it, at most `limit` each, in key order; one snapshot.
    async fn find(
        &self,
        table: &Arc<Table>,
        fields: &[FieldRef],
        tuples: &[Vec<Value>],
        limit: usize,
    ) -> Result<Vec<Vec<Arc<Record>>>, StorageError>;

    /// The records of a plan, in its order and window.
    async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError>;

    /// How many records a plan has, its window aside.
    async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError>;

    /// All records of a plan in chunks, from one snapshot, in constant memory.
    async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError>;

    /// Figures over the records of a plan, groups in the order of their values, nulls last.
    async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError>;

    /// How a plan would be answered, for a person.
    async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError>;

    /// Documents.
    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, StorageError>;

    /// Draws `count` numbers from a counter and answers the first.
    async fn draw(&self, counter: Counter, count: u64) -> Result<u64, StorageError>;

    /// The change log after a change number, in order, at most `limit`.
    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StorageError>;

    /// The changes of one table after a change number, in order, at most `limit`: those among the next [`LOG_SPAN`] of the whole log, which
    /// is asked again from where the answer says until that is where it was asked from.
    async fn changes_of(
        &self,
        table: TableId,
        after: u64,
        limit: usize,
    ) -> Result<TableChanges, StorageError>;

    /// The steps of one record back in time, newest first, at most `limit`: the change with this number, the record's change
    /// before it, and so on, as far as the log goes back.
    async fn chain(&self, number: u64, limit: usize) -> Result<Vec<Change>, StorageError>;

    /// Commits of the log.
    async fn commits(&self, query: CommitQuery) -> Result<Vec<LoggedCommit>, StorageError>;

    /// The oldest revision that the log holds whole; 0 if it goes back to the beginning. What [`Backend::changes`] tells after
    /// a place before its first change is not everything that happened since.
    async fn oldest(&self) -> Result<u64, StorageError>;

    /// Lets go of the log before a revision, in small steps between which others commit, and answers how many changes that
    /// were. The newest commit stays. Records stay as they are; only what they were is forgotten. What is younger than some
    /// minutes should stay: a lost answer to a commit is looked up in the log.
    async fn forget(&self, revision: u64) -> Result<u64, StorageError>;

    /// Writes down anew what was before changes of the log that are there: `before` and `was` as they come, everything else of
    /// them stays. All of it, or none.
    async fn rewrite(&self, changes: Vec<Change>) -> Result<(), StorageError>;

    /// Tells when there is more in the change log, whoever wrote it. After a commit is answered it is told of at once; what
    /// another process commits is told of soon: to be sure, ask [`Backend::revision`].
    fn news(&self) -> watch::Receiver<News>;

    /// The newest revision.
    async fn revision(&self) -> Result<u64, StorageError>;

    /// Sizes of a table.
    async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError>;

    /// The id of the newest commit that touched a table's records or definition, where other processes may write too: a read
    /// that begins after the answer sees that commit. None if it is not known; then nothing of the table is cached.
    async fn state(&self, _table: TableId) -> Result<Option<Uuid>, StorageError> {
        Ok(None)
    }

    /// What the cache in front of it has done so far, if there is one.
    fn cache(&self) -> Option<CacheStatus> {
        None
    }

    /// The same place for reads that copies of it may answer: each shows at least this revision, and whatever this process
    /// has committed or shown before. None where there is one copy only. Everything but records is read as ever, and
    /// [`Backend::revision`] answers what has been shown so far. A decision to write must not rest on such a read.
    fn replicated(&self, _revision: u64) -> Option<Arc<dyn Backend>> {
        None
    }

    /// Where reads were answered, for metrics.
    fn read_figures(&self) -> ReadFigures {
        ReadFigures::default()
    }
    /// Everything it holds, from one snapshot, in constant memory and in the order that [`crate::Part`] tells.
    async fn dump(&self) -> Result<Dump, StorageError>;

    /// Writes exact states into an empty store: versions, numbers and times as they come. See [`Fill`]; whoever fills is
    /// alone with the store.
    async fn fill(&self, fill: Fill) -> Result<(), StorageError>;

    /// Looks whether files, relations and indexes are sound and as the definitions say; not at the records.
    async fn examine(&self) -> Result<Vec<Finding>, StorageError>;

    /// Makes anew what a finding is about, if that is made from records alone; answers whether it was.
    async fn mend(&self, finding: &Finding) -> Result<bool, StorageError>;

    /// Whether it answers.
    async fn check(&self) -> Result<(), StorageError>;

    /// Finishes what waits and lets go of files; later calls answer [`StorageError::Closed`].
    async fn close(&self) -> Result<(), StorageError>;
}

/// How many changes of the log one question for those of a table looks through at most: a look that takes some milliseconds.
pub const LOG_SPAN: u64 = 100_000;

/// Changes of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableChanges {
    /// The changes, in order.
    pub changes: Vec<Change>,
    /// The number of the last change that was looked at, of whatever table; where the log ends, the one that was asked from.
    pub looked_at: u64,
}

impl TableChanges {
    /// What was found after a number, at most `limit`, in a log whose newest change is known.
    pub(crate) fn new(changes: Vec<Change>, (after, limit): (u64, usize), newest: u64) -> TableChanges {
        let last = changes.last().filter(|_| changes.len() >= limit);
        let end = after.saturating_add(LOG_SPAN).min(newest).max(after);
        TableChanges {
            looked_at: last.map_or(end, |change| change.number),
            changes,
        }
    }
}

/// Which commits of the log.
#[derive(Clone, Debug, PartialEq)]
pub enum CommitQuery {
    /// Those with these revisions, rising; revisions that do not exist are left out.
    Revisions(Vec<u64>),
    /// The newest before a revision, falling.
    Before {
        /// The revision, exclusive; [`u64::MAX`] for the newest of all.
        revision: u64,
        /// Only those of this operation.
        operation: Option<Arc<str>>,
        /// At most so many.
        limit: usize,
    },
}

/// How exactly to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountMode {
    /// Every record.
    Exact,
    /// In about the time of a page, however large the table.
    Estimated,
}

/// Which documents.
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentQuery {
    /// The one with this id.
    Id {
        /// The kind.
        kind: String,
        /// The id.
        id: String,
    },
    /// The one with this second name.
    Lookup {
        /// The kind.
        kind: String,
        /// The second name.
        lookup: String,
    },
    /// All of a kind, by id.
    Kind(String),
}

/// Sizes of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Records not in the trash.
    pub live: u64,
    /// Records in the trash.
    pub trash: u64,
    /// When a record was last written, in ms.
    pub last_change_at: Option<i64>,
}
