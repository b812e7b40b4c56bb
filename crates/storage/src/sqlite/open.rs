//! Opening a file: its lock, its schema, and whether it is sound. It starts no threads.

use std::collections::HashMap;
use std::path::Path;

use chancery_model::TableId;
use rusqlite::{Connection, OptionalExtension};

use super::connect;
use super::fault::{Sql, outward};
use super::lock::Lock;
use super::migrate::{self, MIGRATIONS};
use crate::error::StorageError;
use crate::open::OpenOptions;

/// A file that was not closed cleanly is checked up to this size. The check reads every page, and a larger file would
/// take longer to check than a start may take; the write-ahead log has recovered what was committed either way.
const CHECK_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Takes the lock of a file, making its folder if there is none.
pub(super) fn take_lock(path: &Path) -> Result<Lock, StorageError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| StorageError::Internal(format!("{}: {error}", folder.display())))?;
    }
    Lock::take(path)
}

/// Opens the connection that writes, checks the file and brings it to the newest schema.
pub(super) fn prepare(path: &Path, options: &OpenOptions) -> Result<Connection, StorageError> {
    connect::check_version()?;
    let sql = |error: rusqlite::Error| outward(error, path);
    let connection = connect::writer(path, options.durability).map_err(sql)?;
    check(&connection, path)?;
    migrate::apply(&connection, path, MIGRATIONS)?;
    Ok(connection)
}

/// Looks for damage after an unclean stop.
fn check(connection: &Connection, path: &Path) -> Result<(), StorageError> {
    let sql = |error: rusqlite::Error| outward(error, path);
    if is_clean(connection).map_err(sql)? {
        return Ok(());
    }
    let bytes = std::fs::metadata(path).map_or(0, |file| file.len());
    if bytes > CHECK_BYTES_MAX {
        tracing::info!(
            bytes,
            "the database was not closed cleanly; it is too large to be checked at every start"
        );
        return Ok(());
    }
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(sql)?;
    if found == "ok" {
        return Ok(());
    }
    Err(StorageError::Damaged {
        path: path.display().to_string(),
        detail: found,
    })
}

/// Whether the file is new or was closed cleanly.
fn is_clean(connection: &Connection) -> Sql<bool> {
    if !connection.table_exists(None, "meta")? {
        return Ok(true);
    }
    let clean = "SELECT value FROM meta WHERE key = 'clean'";
    let clean: Option<i64> = connection.query_row(clean, [], |row| row.get(0)).optional()?;
    Ok(clean == Some(1))
}

/// When tables last changed, if the file was closed cleanly and says so.
pub(super) fn touched(connection: &Connection) -> Sql<HashMap<TableId, i64>> {
    if !is_clean(connection)? {
        return Ok(HashMap::new());
    }
    let text = "SELECT value FROM meta WHERE key = 'touched'";
    let text: Option<String> = connection.query_row(text, [], |row| row.get(0)).optional()?;
    let touched: HashMap<u32, i64> = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    Ok(touched
        .into_iter()
        .map(|(table, at)| (TableId(table), at))
        .collect())
}
