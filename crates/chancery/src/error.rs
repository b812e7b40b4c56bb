//! What can go wrong in the library, by what the caller can do about it. Foreign errors never show their text.

use chancery_model::{Code, Issue, Key};
use chancery_storage::StorageError;

use crate::files::{ALL_FILE_BYTES, FILE_BYTES, FileUse};
use crate::record::Record;
use crate::undo::RevertReport;

/// An error of the library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Values break constraints; all of them are named.
    #[error("Validation failed for table \"{table}\": {}", list(.issues))]
    Invalid {
        /// The table's slug.
        table: String,
        /// What is wrong.
        issues: Vec<Issue>,
    },
    /// A definition makes no sense; all mistakes are named.
    #[error("{}", undefined(.0))]
    Definition(Vec<Issue>),
    /// A question makes no sense; all mistakes are named.
    #[error("The query makes no sense: {}", list(.0))]
    Query(Vec<Issue>),
    /// Another record has the value.
    #[error("Unique constraint violation in table \"{table}\": field \"{field}\" already has value {value}{}", beside(.issues, .field))]
    Unique {
        /// The table's slug.
        table: String,
        /// The column's slug.
        field: String,
        /// The value, as JSON.
        value: String,
        /// Who has it.
        holder: Option<Key>,
        /// Every value of the record that is in use, this one among them.
        issues: Vec<Issue>,
    },
    /// A record has the key already, perhaps in the trash.
    #[error("Record with key \"{key}\" already exists in table \"{table}\"")]
    KeyTaken {
        /// The table's slug.
        table: String,
        /// The key.
        key: Key,
        /// That, and every value of the record that is in use.
        issues: Vec<Issue>,
    },
    /// Another record refers to it and restricts its end.
    #[error(
        "Cannot delete from table \"{table}\" (key \"{key}\"): referenced by table \"{by}\" (key \"{by_key}\") via field \"{field}\""
    )]
    Referenced {
        /// The table's slug.
        table: String,
        /// The key.
        key: Key,
        /// The slug of the table that refers to it.
        by: String,
        /// The key of the record that does.
        by_key: Key,
        /// The slug of the column.
        field: String,
    },
    /// Records name a file that was to be deleted.
    #[error("The file \"{file}\" is in use: {}", named(.places))]
    FileInUse {
        /// What it is called.
        file: String,
        /// Where; perhaps not all places.
        places: Vec<FileUse>,
    },
    /// There is no such thing.
    #[error("{message}")]
    NotFound {
        /// `table`, `record`, `column` …
        what: &'static str,
        /// Says what was looked for, and what may have been meant.
        message: String,
    },
    /// Whoever asks may not do it.
    #[error("{message}")]
    Forbidden {
        /// Says what, and why.
        message: String,
    },
    /// The record is in the trash.
    #[error("Record with key \"{key}\" of table \"{table}\" is in the trash")]
    InTrash {
        /// The table's slug.
        table: String,
        /// The key.
        key: Key,
    },
    /// The record changed since it was read; its current state is here.
    #[error("Record with key \"{key}\" is at version {}, not {expected}", .current.version())]
    Version {
        /// The key.
        key: Key,
        /// The version the caller expected.
        expected: u64,
        /// The record as it is.
        current: Box<Record>,
    },
    /// Others changed what a transaction read or wrote; nothing of it was written.
    #[error("Transaction conflict in table \"{table}\"{}: {detail}", .key.as_ref().map_or(String::new(), |key| format!(" for key \"{key}\"")))]
    TransactionConflict {
        /// The table's slug.
        table: String,
        /// The record; none if it is about more than one.
        key: Option<Key>,
        /// What changed.
        detail: String,
    },
    /// Somebody called it off.
    #[error("it was called off")]
    Cancelled,
    /// The transaction was committed or rolled back before.
    #[error("the transaction has ended")]
    TransactionEnded,
    /// Something of this name exists already.
    #[error("{message}")]
    Taken {
        /// `table`, `workspace` …
        what: &'static str,
        /// Says what is taken.
        message: String,
    },
    /// A limit is exceeded.
    #[error("{what}: at most {max}, got {got}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        max: u64,
        /// What came.
        got: u64,
    },
    /// Items of a bulk are bad and nothing was written; every bad one is named with its index.
    #[error("{} item(s) are invalid; nothing was written", .0.len())]
    Bulk(Vec<(usize, Vec<Issue>)>),
    /// The same idempotency key came before.
    #[error("the idempotency key was used before")]
    Repeated {
        /// The key.
        key: String,
    },
    /// A file cannot be read at all.
    #[error("{message}")]
    File {
        /// What is wrong, and where.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The change log does not hold a place: it does not reach back so far any more, or was restored from an earlier state.
    #[error("the change log holds revisions {oldest} to {newest}")]
    Gone {
        /// The oldest revision that it still holds; 0 if it goes back to the beginning.
        oldest: u64,
        /// The newest.
        newest: u64,
    },
    /// Somebody wrote to the source while it was moved.
    #[error("the source was written to meanwhile: it was at revision {from} and is at {to}")]
    Changed {
        /// The revision that was carried.
        from: u64,
        /// The revision now.
        to: u64,
    },
    /// A copy does not hold what its source holds.
    #[error("the copy is not like its source: {}", .0.join("; "))]
    Unlike(Vec<String>),
    /// An operation that cannot be taken back, ever.
    #[error("The operation {operation} cannot be taken back: {why}")]
    Irreversible {
        /// Its id.
        operation: String,
        /// Why not.
        why: &'static str,
    },
    /// An undo that was to be all or nothing, and something stands in the way; nothing is changed.
    #[error("{} record(s) of the operation {} cannot be as before; nothing was changed", .0.skipped_total, .0.reverts)]
    Kept(Box<RevertReport>),
    /// The database cannot be used as it is: in use, damaged, newer, full or closed.
    #[error("{0}")]
    Storage(StorageError),
    /// Something unforeseen; the text is for the log.
    #[error("internal error")]
    Internal(String),
}

impl Error {
    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Unique {
                holder: Some(key), ..
            } => format!("The record {key} has it; change that one or this value."),
            Error::KeyTaken { .. } => {
                "Update the record, restore it from the trash, or choose another key.".into()
            }
            Error::InTrash { .. } => "Restore it first.".into(),
            Error::Version { .. } => "Read the record again and repeat the change.".into(),
            Error::TransactionConflict { .. } => {
                "Run the transaction again: it then reads what is there by now.".into()
            }
            Error::Cancelled => "Ask for it again.".into(),
            Error::TransactionEnded => "Begin another one.".into(),
            Error::Limit { what, .. } if *what == FILE_BYTES => {
                "Send a smaller file, or let the server take larger ones with --file-bytes-max.".into()
            }
            Error::Limit { what, .. } if *what == ALL_FILE_BYTES => {
                "Delete files that nobody needs, or raise --files-bytes-max.".into()
            }
            Error::FileInUse { .. } => {
                "Take it out of those records first; those in the trash keep it until they are deleted for good.".into()
            }
            Error::Storage(StorageError::NoFiles) => {
                "Say where files are kept: --files DIR, or --files s3://BUCKET.".into()
            }
            Error::Limit { .. } => "Send it in several parts.".into(),
            Error::Referenced { by, field, .. } => {
                format!(
                    "Delete or change what refers to it in \"{by}\" first, or declare {field} with onDelete cascade or setNull."
                )
            }
            Error::Taken { what: "table", .. } => {
                "Choose another name, or change the one that is there.".into()
            }
            Error::Taken { what: "column", .. } => {
                "See how far the job is, and try again when it is done.".into()
            }
            Error::Bulk(_) => "Mend the items, or send continueOnError to write the good ones.".into(),
            Error::File { hint, .. } => hint.clone(),
            Error::Storage(StorageError::Locked { .. }) => {
                "Stop the other process, or talk to it with --server URL.".into()
            }
            Error::Storage(StorageError::Damaged { .. }) => "Restore a backup.".into(),
            Error::Storage(StorageError::Newer { .. }) => {
                "Use the program that wrote it, or a newer one.".into()
            }
            Error::Storage(StorageError::Denied { .. }) => {
                "Check the user and password in the URL, and the user's rights.".into()
            }
            Error::Storage(StorageError::Unsure { .. }) => {
                "Read the records again before repeating the write.".into()
            }
            Error::Irreversible { .. } => "Restore a backup, if it has to be as before.".into(),
            Error::Kept(_) => "Take back the rest without it: what was changed since stays as it is.".into(),
            Error::Changed { .. } => "Stop whatever writes to it and move again.".into(),
            Error::Gone { .. } => "Read the records again, and go on from the current revision.".into(),
            Error::Unlike(_) => "Check the disk it was written to, and repeat.".into(),
            Error::Storage(StorageError::Unfinished { .. }) => {
                "Repeat the move or restore: it starts again from nothing.".into()
            }
            Error::Storage(StorageError::NotEmpty { .. }) => {
                "Name an empty database, or remove what is in this one.".into()
            }
            Error::Storage(StorageError::Full) => "Free some space; nothing was half-written.".into(),
            _ => return None,
        })
    }

    /// The issues inside, if it is about values, definitions or questions: of a record that was refused, all that is wrong with it.
    pub fn issues(&self) -> &[Issue] {
        match self {
            Error::Invalid { issues, .. }
            | Error::Unique { issues, .. }
            | Error::KeyTaken { issues, .. }
            | Error::Definition(issues)
            | Error::Query(issues) => issues,
            _ => &[],
        }
    }

    /// The error as issues of one item of a bulk.
    ///
    /// # Errors
    /// Gives itself back if it is not about the item: storage failures and the like concern the whole bulk.
    pub fn into_item_issues(self) -> Result<Vec<Issue>, Error> {
        Ok(match self {
            Error::Invalid { issues, .. } | Error::Unique { issues, .. } | Error::KeyTaken { issues, .. } => {
                issues
            }
            Error::Referenced { .. } => vec![Issue::new("id", Code::Reference, self.to_string())],
            Error::NotFound { .. } | Error::InTrash { .. } => {
                vec![Issue::new("id", Code::NotFound, self.to_string())]
            }
            Error::Version {
                expected,
                ref current,
                ..
            } => vec![
                Issue::new("version", Code::Version, self.to_string())
                    .with("expected", expected)
                    .with("found", current.version()),
            ],
            other => return Err(other),
        })
    }
}

impl Error {
    /// Whether the storage could not be used just now: the same may be asked again, and answered, later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Storage(error) if !matches!(error, StorageError::Closed))
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Error {
        match error {
            StorageError::Internal(text) => Error::Internal(text),
            StorageError::Rejected(list) => Error::Internal(format!("rejections were not mapped: {list:?}")),
            StorageError::DocumentConflict { kind, id } if kind == "idempotency" => {
                Error::Repeated { key: id }
            }
            other => Error::Storage(other),
        }
    }
}

fn named(places: &[FileUse]) -> String {
    let place = |place: &FileUse| {
        let trash = if place.in_trash { ", in the trash" } else { "" };
        format!(
            "table \"{}\", key \"{}\", field \"{}\"{trash}",
            place.table, place.key, place.column
        )
    };
    places.iter().map(place).collect::<Vec<_>>().join("; ")
}

/// What else is in use.
fn beside(issues: &[Issue], field: &str) -> String {
    let others = issues.iter().filter(|issue| issue.field != field);
    others
        .map(|issue| format!("; {}: {}", issue.field, issue.message))
        .collect()
}

/// What is in the way of a table or column as a whole says it by itself.
fn undefined(issues: &[Issue]) -> String {
    match issues {
        [only] if ["table", "column"].contains(&&*only.field) => only.message.clone(),
        issues => format!("The definition makes no sense: {}", list(issues)),
    }
}

fn list(issues: &[Issue]) -> String {
    let parts: Vec<String> = issues
        .iter()
        .map(|issue| format!("{}: {}", issue.field, issue.message))
        .collect();
    parts.join("; ")
}
