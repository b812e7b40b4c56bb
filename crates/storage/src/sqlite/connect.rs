//! Opening connections, always with the same settings. It knows nothing of tables.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::fault::Sql;
use super::functions;
use crate::open::Durability;

/// Marks a file as ours in its header (`PRAGMA application_id`): "CHNC".
pub(super) const APPLICATION_ID: i32 = 0x4348_4e43;
/// The oldest SQLite whose write-ahead log is free of known ways to lose a commit.
const SQLITE_VERSION_MIN: i32 = 3_051_003;
/// How long a statement waits for another process to finish its write.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_millis(5_000);
/// Pages a writer may keep in memory, in KiB.
const WRITER_CACHE_KIB: i64 = 32_768;
/// Pages a reader may keep in memory, in KiB.
const READER_CACHE_KIB: i64 = 8_192;
/// How much of the file a reader may look at in place instead of copying it page by page, in bytes: as much as SQLite
/// allows. Address space, not memory: the pages are the operating system's, which takes them back when it needs them.
const MAPPED_BYTES: i64 = 0x7fff_0000;
/// The write-ahead log is cut back to this after a checkpoint that empties it, in bytes.
pub(super) const JOURNAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Prepared statements a writer keeps.
const WRITER_STATEMENTS: usize = 512;
/// Prepared statements a reader keeps.
const READER_STATEMENTS: usize = 256;

/// Opens the one connection that writes, making the file if it does not exist.
pub(super) fn writer(path: &Path, durability: Durability) -> Sql<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    writing(&connection, durability)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(WRITER_STATEMENTS);
    functions::register(&connection)?;
    Ok(connection)
}

/// Opens a file that another connection or process writes too, to write something small or to copy its log.
pub(super) fn visitor(path: &Path, durability: Durability) -> Sql<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    writing(&connection, durability)?;
    Ok(connection)
}

/// How a reader gets at pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pages {
    /// In place: fastest for pages here and there.
    Mapped,
    /// By copying: for reading everything once, which would make the whole file count as this process's memory.
    Copied,
}

/// Opens a connection that only reads.
pub(super) fn reader(path: &Path, pages: Pages) -> Sql<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    guard(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    if pages == Pages::Mapped {
        connection.pragma_update(None, "mmap_size", MAPPED_BYTES)?;
        // A page that is looked at in place is not kept: its cells would be checked anew at every look, which costs more
        // than mapping saves. The writer and streams do check.
        connection.pragma_update(None, "cell_size_check", false)?;
    }
    connection.set_prepared_statement_cache_capacity(READER_STATEMENTS);
    functions::register(&connection)?;
    rusqlite::vtab::array::load_module(&connection)?;
    Ok(connection)
}

/// The settings of connections that write.
fn writing(connection: &Connection, durability: Durability) -> Sql<()> {
    guard(connection)?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!(mode, "the file system does not allow a write-ahead log");
    }
    let synchronous = match durability {
        Durability::Full => "full",
        Durability::Relaxed => "normal",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    // What is deleted is overwritten with zeros in the pages that are written anyway; whole pages that become free are not
    // written for it (docs/security.md).
    connection.pragma_update(None, "secure_delete", "fast")?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES_MAX as i64)
}

/// The settings of every connection.
fn guard(connection: &Connection) -> Sql<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true)?;
    // Without this, statistics would make SQLite prepare a statement anew whenever other values are bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "temp_store", "memory")
}

/// Refuses a library that is too old. The bundled one is not; a system's own may be.
pub(super) fn check_version() -> Result<(), crate::error::StorageError> {
    let found = rusqlite::version_number();
    if found >= SQLITE_VERSION_MIN {
        return Ok(());
    }
    let version = rusqlite::version();
    let wanted = "3.51.3";
    Err(crate::error::StorageError::Internal(format!(
        "SQLite {version} is too old: {wanted} or newer is needed"
    )))
}
