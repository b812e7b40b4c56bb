//! What SQLite says, put into the words of [`StorageError`]. It decides nothing about retries.

use std::path::Path;

use rusqlite::ffi;

use crate::error::StorageError;

/// The result of a step inside the backend; it becomes a [`StorageError`] at its border.
pub(super) type Sql<T> = Result<T, rusqlite::Error>;

/// The error as the seam says it.
pub(super) fn outward(error: rusqlite::Error, path: &Path) -> StorageError {
    let path = || path.display().to_string();
    let Some(code) = code(&error) else {
        return match error {
            rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
                StorageError::Damaged {
                    path: path(),
                    detail: error.to_string(),
                }
            }
            other => StorageError::Internal(other.to_string()),
        };
    };
    match code & 0xff {
        _ if is_full(&error) => StorageError::Full,
        ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => StorageError::Damaged {
            path: path(),
            detail: error.to_string(),
        },
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => StorageError::Locked { path: path() },
        _ => StorageError::Internal(error.to_string()),
    }
}

/// The extended result code, if SQLite gave one.
fn code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|inner| inner.extended_code)
}

/// Whether a statement failed because a unique index already has the value.
pub(super) fn is_unique(error: &rusqlite::Error) -> bool {
    matches!(
        code(error),
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
    )
}

/// Whether there is no space left. That the shared-memory file of the log cannot grow means the same.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ffi::SQLITE_FULL | ffi::SQLITE_IOERR_SHMSIZE))
}

/// Whether the state of the disk is unknown after this, so that nothing more may be acknowledged.
///
/// After a failed fsync the system may have dropped the pages it could not write; trying again would report
/// success without them (what PostgreSQL learned in 2018).
pub(super) fn is_fatal(error: &rusqlite::Error) -> bool {
    match code(error) {
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => true,
        Some(code) => code & 0xff == ffi::SQLITE_CORRUPT,
        None => false,
    }
}

/// A stored value that cannot be what was stored.
pub(super) fn unreadable(what: impl Into<String>) -> rusqlite::Error {
    let what: Box<dyn std::error::Error + Send + Sync> = what.into().into();
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, what)
}

/// Whether a statement failed because a table's relation is not there.
pub(super) fn is_missing_relation(error: &rusqlite::Error) -> bool {
    missing(error).is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a statement failed because a table's full-text index, or its list of words, is not there.
pub(super) fn is_missing_search(error: &rusqlite::Error) -> bool {
    missing(error).is_some_and(|name| name.ends_with("_search") || name.ends_with("_words"))
}

/// The name, without its `t`, of a relation that is not there.
fn missing(error: &rusqlite::Error) -> Option<&str> {
    let message = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => msg,
        _ => return None,
    };
    message
        .strip_prefix("no such table: t")
        .filter(|name| !name.is_empty())
}
