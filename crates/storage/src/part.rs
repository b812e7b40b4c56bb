//! Everything a store holds, as a stream of parts: what `move`, `backup` and `restore` carry. It reads and writes nothing.
//!
//! Parts come in a fixed order, and what is in them too, so that two stores are compared by walking both streams at once:
//! the start, documents by kind and id, tables by number, records by table and key, counters by table and column,
//! changes by number, commits by revision.

use std::sync::Arc;

use chancery_model::change::{Change, Commit};
use chancery_model::{Record, Table};

use crate::batch::{Counter, Document};
use crate::error::StorageError;

/// The kind of the one document that says that a store is not filled yet. No dump holds it.
pub(crate) const UNFINISHED_KIND: &str = "unfinished";
/// The kind of the document that says which database this is, whatever it holds. No dump holds it either.
pub(crate) const IDENTITY_KIND: &str = "store";
/// Its id.
pub(crate) const UNFINISHED_ID: &str = "fill";
/// Most rows in one part.
pub(crate) const PART_ROWS: usize = 1_000;
/// Parts of a dump that wait to be taken.
pub(crate) const PARTS_WAITING: usize = 2;

/// Parts of one snapshot, in order.
pub type Dump = tokio::sync::mpsc::Receiver<Result<Part, StorageError>>;

/// A part of what a store holds.
#[derive(Clone, Debug)]
pub enum Part {
    /// Always first: how much is to come.
    Start(Totals),
    /// Documents as they are, definitions among them.
    Documents(Vec<Document>),
    /// A table whose records come later.
    Table {
        /// Its definition.
        table: Arc<Table>,
        /// When a record of it was last written, in ms.
        last_change_at: Option<i64>,
    },
    /// Records of a table exactly as they are, trash and expired ones too.
    Records(Arc<Table>, Vec<Arc<Record>>),
    /// The last number given by each counter that has given one.
    Counters(Vec<(Counter, u64)>),
    /// The change log.
    Changes(Vec<Change>),
    /// The commits that the changes belong to.
    Commits(Vec<LoggedCommit>),
}

/// A commit with its place in the change log.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedCommit {
    /// The commit.
    pub commit: Commit,
    /// The number of its first change; if it has none, the number that the next change gets.
    pub first_change: u64,
}

/// How much a dump holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The newest revision.
    pub revision: u64,
    /// Documents, definitions among them.
    pub documents: u64,
    /// Tables.
    pub tables: u64,
    /// Records of all tables.
    pub records: u64,
    /// Rows of the change log.
    pub changes: u64,
    /// Commits.
    pub commits: u64,
}

impl Totals {
    /// Everything that is carried, for progress.
    pub fn items(&self) -> u64 {
        self.documents + self.tables + self.records + self.changes + self.commits
    }
}

/// One step of filling an empty store with a dump. Between `Begin` and `Open` the store is marked: nothing else opens it.
#[derive(Clone, Debug)]
pub enum Fill {
    /// Marks the store; takes away what an earlier filling that was broken off has left. Refused with
    /// [`StorageError::NotEmpty`] if the store holds anything else.
    Begin,
    /// Writes a part as it is.
    Part(Part),
    /// Builds the indexes, which are left out while records stream in, and learns where the store is now.
    Finish,
    /// Takes the mark away, as durably as the backend can: the store may be used.
    Open,
}

/// The refusal of a part that cannot be where it is.
pub(crate) fn misplaced(what: &str) -> StorageError {
    StorageError::Internal(format!("a dump is out of order: {what}"))
}
