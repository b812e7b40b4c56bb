//! What is written: a batch of writes with preconditions, applied whole or not at all. No rules, no SQL.

use std::sync::Arc;

use chancery_model::change::{ChangeKind, Reason, Was};
use chancery_model::{Json, Key, Record, Table, TableId, Value};

/// Everything one commit does.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// When, in ms.
    pub at: i64,
    /// Who.
    pub actor: Option<Arc<str>>,
    /// The operation it is part of.
    pub operation: Option<Arc<str>>,
    /// What for.
    pub reason: Reason,
    /// What was read in order to decide, and must still be so. All are judged before the first write is done; if any fails,
    /// nothing is written and the answer is [`StorageError::Overtaken`](crate::StorageError::Overtaken).
    pub checks: Vec<Check>,
    /// The writes, applied in order: a later one sees what an earlier one did. If the batch is all or nothing
    /// ([`OnReject::Abort`]), a unique value is judged by what the whole batch leaves, so two records may swap theirs: not
    /// across a [`Write::Clear`] or [`Write::Schema`], before and after which the writes are judged apart.
    pub writes: Vec<Write>,
    /// Documents written in the same commit.
    pub documents: Vec<DocumentWrite>,
    /// What a write whose precondition fails does to the others.
    pub on_reject: OnReject,
    /// Whether it is really done.
    pub mode: Mode,
}

/// Something that was read and must still be so when the batch is committed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The record is as its change of this number left it ([`Record::change`]); 0 for a key that no record has.
    Record {
        /// Its table.
        table: TableId,
        /// Its key.
        key: Key,
        /// The number of its newest change.
        change: u64,
    },
    /// A record with this key is there and not in the trash, whatever it holds.
    Live {
        /// Its table.
        table: TableId,
        /// Its key.
        key: Key,
    },
    /// No record of the table changed after this revision.
    Table {
        /// The table.
        table: TableId,
        /// A revision that what was read shows everything of.
        revision: u64,
    },
}

/// What a write whose precondition fails does to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnReject {
    /// Nothing is written, and every failing write is reported.
    #[default]
    Abort,
    /// The others are written.
    Skip,
}

/// Whether a batch is really done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Done.
    #[default]
    Apply,
    /// Tried with every precondition, answered as if done, and taken back. Draws no numbers for good.
    Rehearse,
}

/// One write.
#[derive(Clone, Debug)]
pub enum Write {
    /// A new record. Precondition: its key and its unique values are free.
    Insert {
        /// The table, as the write was decided.
        table: Arc<Table>,
        /// The record; drawn slots are null, a drawn key is [`Key::Int`]`(0)`.
        record: Record,
        /// Numbers to draw from counters.
        draws: Vec<Draw>,
    },
    /// A new state of a record. Precondition: its version is `expected`, its new unique values are free.
    Update {
        /// The table, as the write was decided.
        table: Arc<Table>,
        /// The whole new state.
        record: Record,
        /// The version it was decided on.
        expected: u64,
        /// The values that change, as they were; only these columns are written. `extra`, metadata and system
        /// fields are always written.
        before: Vec<(u16, Value)>,
        /// What else it was, for the log.
        was: Box<Was>,
        /// [`ChangeKind::Updated`], [`ChangeKind::Deleted`] or [`ChangeKind::Restored`].
        kind: ChangeKind,
    },
    /// Removes a record for good. Precondition: it exists, at `expected` if given.
    Purge {
        /// The table.
        table: Arc<Table>,
        /// The record.
        key: Key,
        /// The version it must have.
        expected: Option<u64>,
        /// [`ChangeKind::Purged`] or [`ChangeKind::Evicted`].
        kind: ChangeKind,
    },
    /// Removes all records of a table for good; one change.
    Clear {
        /// The table.
        table: Arc<Table>,
    },
    /// Changes a definition.
    Schema(SchemaWrite),
}

impl Write {
    /// A new state of a record, decided on what it is now. `before` names the values that change, as they were.
    pub fn update(
        table: &Arc<Table>,
        now: &Record,
        next: Record,
        before: Vec<(u16, Value)>,
        kind: ChangeKind,
    ) -> Write {
        Write::Update {
            table: table.clone(),
            was: Was::updated(now, &next),
            record: next,
            expected: now.version,
            before,
            kind,
        }
    }

    /// Whether it is about one record. What is not stands between the writes before and after it: those are judged apart.
    pub(crate) fn is_of_a_record(&self) -> bool {
        !matches!(self, Write::Clear { .. } | Write::Schema(_))
    }

    /// Removes a record for good, at a version if one is given.
    pub fn purge(table: &Arc<Table>, key: &Key, expected: Option<u64>) -> Write {
        Write::Purge {
            table: table.clone(),
            key: key.clone(),
            expected,
            kind: ChangeKind::Purged,
        }
    }
}

/// A change of definitions. The backend keeps the definition itself as a document of kind `table`.
#[derive(Clone, Debug)]
pub enum SchemaWrite {
    /// Makes a table. Precondition: its number is new.
    Create(Arc<Table>),
    /// Adds columns and makes or drops indexes, online. Precondition: the stored definition is at
    /// `before.schema_version`; values under a new unique column differ.
    Change {
        /// The definition that is replaced.
        before: Arc<Table>,
        /// The new one.
        after: Arc<Table>,
    },
    /// Removes a table and its records for good.
    Drop(Arc<Table>),
}

/// A number to draw from a counter when the write is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Where the number goes.
    pub target: DrawTarget,
    /// From which counter.
    pub counter: Counter,
    /// A number the caller brought: kept, and the counter never gives it or a smaller one again.
    pub given: Option<i64>,
}

/// Where a drawn number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawTarget {
    /// The key.
    Key,
    /// A column.
    Column(u16),
}

/// A counter: one for each counting column, and one for table numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counter {
    /// Numbers of a column.
    Column(TableId, u16),
    /// Numbers of tables.
    Tables,
}

impl Counter {
    /// Where it is kept: table number and ordinal. Table numbers start at 1, so that 0 is free for the one that counts
    /// tables.
    pub fn place(self) -> (u32, u16) {
        match self {
            Counter::Tables => (0, 0),
            Counter::Column(table, ordinal) => (table.0, ordinal),
        }
    }

    /// The counter that is kept there.
    pub fn at(table: u32, ordinal: u16) -> Counter {
        match table {
            0 => Counter::Tables,
            table => Counter::Column(TableId(table), ordinal),
        }
    }
}

/// A small thing kept beside records: a user, a key, a session, a definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// What it is: `user`, `apiKey` …
    pub kind: String,
    /// Unique among its kind.
    pub id: String,
    /// A second name, unique among its kind: a user's e-mail, a key's hash.
    pub lookup: Option<String>,
    /// What it says.
    pub body: Json,
    /// 1 at first, one more with each put.
    pub version: u64,
}

/// A write of a document.
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentWrite {
    /// Makes or replaces it; `document.version` is ignored.
    Put {
        /// The document.
        document: Document,
        /// The version it must have now; 0 means it must not exist; none means whatever.
        expected: Option<u64>,
    },
    /// Removes it if it is there.
    Delete {
        /// Its kind.
        kind: String,
        /// Its id.
        id: String,
    },
}

/// A commit that happened.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Its number. A rehearsal and an empty batch answer the newest revision.
    pub revision: u64,
    /// One for each write, in order.
    pub outcomes: Vec<Outcome>,
}

/// What became of one write.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The record as it is now, drawn numbers filled in.
    Written(Arc<Record>),
    /// The record that is gone.
    Purged(Arc<Record>),
    /// How many records are gone.
    Cleared(u64),
    /// The definition is changed.
    Defined,
    /// Not written ([`OnReject::Skip`] only).
    Rejected(Rejection),
}

/// Why a write was not done.
#[derive(Clone, Debug, PartialEq)]
pub enum Rejection {
    /// No record has the key.
    NotFound,
    /// The record is at another version.
    Version {
        /// The version it has.
        found: u64,
    },
    /// A record has the key already.
    KeyTaken,
    /// Another live record has the value; its key is told.
    UniqueTaken {
        /// The column.
        column: u16,
        /// Who has it.
        holder: Option<Key>,
    },
    /// The table's definition changed since the write was decided, or the table is gone.
    SchemaChanged,
}
