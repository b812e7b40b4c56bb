//! Changes: one record's step in the change log, and the kinds of operation that group them. Reads no log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{JsonMap, Key, Record, RecordMetadata, TableId, Value};

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
    /// It is gone for good, to make room for newer ones.
    Evicted,
}

impl ChangeKind {
    /// Every kind, at the index that is its stored number.
    pub const ALL: [ChangeKind; 7] = [
        ChangeKind::Inserted,
        ChangeKind::Updated,
        ChangeKind::Deleted,
        ChangeKind::Restored,
        ChangeKind::Purged,
        ChangeKind::Cleared,
        ChangeKind::Evicted,
    ];

    /// Whether the record is gone for good after it.
    pub fn removes(self) -> bool {
        matches!(self, ChangeKind::Purged | ChangeKind::Evicted)
    }

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
    /// The store keeps values in another way from then on; what people see of the records stays.
    Upkeep,
}

impl Reason {
    /// Its name, as events and histories say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::User => "user",
            Reason::Ttl => "ttl",
            Reason::Eviction => "eviction",
            Reason::Merge => "merge",
            Reason::Import => "import",
            Reason::Undo => "undo",
            Reason::Upkeep => "upkeep",
        }
    }
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
    /// Values of the changed columns before the change, by ordinal; all that are not null if the record went for good.
    pub before: Vec<(u16, Value)>,
    /// What else the record was before the change; none for an insert and a clear, and in logs of older programs.
    pub was: Option<Box<Was>>,
}

/// What a record was before a change, its values aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Was {
    /// Its version.
    pub version: u64,
    /// When it was last written, in ms.
    pub updated_at: i64,
    /// Who last wrote it.
    pub updated_by: Option<Arc<str>>,
    /// When it was moved to the trash, in ms.
    pub deleted_at: Option<i64>,
    /// When it expires, in ms.
    pub expires_at: Option<i64>,
    /// When it was inserted, in ms, and by whom; only of a record that goes for good.
    pub created: Option<(i64, Option<Arc<str>>)>,
    /// Where it came from, if that changed or went with the record.
    pub metadata: Option<RecordMetadata>,
    /// Its undeclared fields, if they changed or went with the record; empty if they changed and it had none.
    pub extra: Option<JsonMap>,
}

impl Was {
    /// The same without anything that a record held.
    #[must_use]
    pub fn without_values(self) -> Was {
        Was {
            metadata: None,
            extra: None,
            ..self
        }
    }

    /// What a record was before it became another.
    pub fn updated(old: &Record, new: &Record) -> Box<Was> {
        Box::new(Was {
            metadata: (old.metadata != new.metadata).then(|| old.metadata.clone()),
            extra: (old.extra != new.extra).then(|| old.extra.as_deref().cloned().unwrap_or_default()),
            ..Was::state(old)
        })
    }

    /// What a record was before it went for good.
    pub fn removed(old: &Record) -> Box<Was> {
        Box::new(Was {
            created: Some((old.created_at, old.created_by.clone())),
            metadata: (old.metadata != RecordMetadata::default()).then(|| old.metadata.clone()),
            extra: old.extra.as_deref().filter(|extra| !extra.is_empty()).cloned(),
            ..Was::state(old)
        })
    }

    fn state(old: &Record) -> Was {
        Was {
            version: old.version,
            updated_at: old.updated_at,
            updated_by: old.updated_by.clone(),
            deleted_at: old.deleted_at,
            expires_at: old.expires_at,
            created: None,
            metadata: None,
            extra: None,
        }
    }
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
