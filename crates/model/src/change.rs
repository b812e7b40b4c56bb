//! Changes: one record's step in the change log, and the kinds of operation that group them. Reads no log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Key, TableId, Value};

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was inserted.
    Inserted,
    /// Values changed.
    Updated,
    /// It was moved to the trash.
    Deleted,
    /// It came back from the trash.
    Restored,
    /// It is gone for good.
    Purged,
    /// All records of the table are gone for good; the change has no key.
    Cleared,
}

impl ChangeKind {
    /// Every kind, at the index that is its stored number.
    pub const ALL: [ChangeKind; 6] = [
        ChangeKind::Inserted,
        ChangeKind::Updated,
        ChangeKind::Deleted,
        ChangeKind::Restored,
        ChangeKind::Purged,
        ChangeKind::Cleared,
    ];

    /// The stored number.
    pub fn number(self) -> i64 {
        ChangeKind::ALL
            .iter()
            .position(|kind| *kind == self)
            .unwrap_or_default() as i64
    }
}

/// What a commit was for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Somebody asked for it.
    #[default]
    User,
    /// Records expired.
    Ttl,
    /// Records made room for newer ones.
    Eviction,
    /// Duplicates were merged.
    Merge,
    /// A file was imported.
    Import,
    /// An operation was taken back.
    Undo,
}

/// One row of the change log.
///
/// It holds what was before: the state after a change is the state before the record's next change, or the record
/// itself. So an insert costs a few bytes, and nothing is kept twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number: rises by one with each change, in commit order.
    pub number: u64,
    /// The commit it belongs to.
    pub revision: u64,
    /// The table.
    pub table: TableId,
    /// The record; none for [`ChangeKind::Cleared`].
    pub key: Option<Key>,
    /// What happened.
    pub kind: ChangeKind,
    /// The record's previous change; 0 for none.
    pub previous: u64,
    /// Values of the changed columns before the change, by ordinal; all of them for a purge.
    pub before: Vec<(u16, Value)>,
}

/// One commit, as the log keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Its number: rises by one with each commit.
    pub revision: u64,
    /// When, in ms. Times never decide an order; revisions do.
    pub at: i64,
    /// Who.
    pub actor: Option<Arc<str>>,
    /// The operation it is part of, if that is more than one commit.
    pub operation: Option<Arc<str>>,
    /// What for.
    pub reason: Reason,
}
