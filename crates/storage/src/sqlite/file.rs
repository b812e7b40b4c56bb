//! A database as a file that nobody has open: whether it is sound, and one file in the place of another. It reads no
//! records.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::connect::{self, APPLICATION_ID};
use super::fault::{Sql, outward};
use super::lock::{Lock, beside};
use crate::error::StorageError;
use crate::migration::now;

/// What SQLite keeps beside a file that is in use.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];
/// Findings of a check that are told.
const FINDINGS_MAX: usize = 5;

/// Checks every page and index of a file that nobody has open, and that it is one of ours. Nothing is written, also not
/// beside it.
///
/// # Errors
/// [`StorageError::Damaged`] with what the check found.
pub fn verify(path: &Path) -> Result<(), StorageError> {
    let damaged = |detail: String| StorageError::Damaged {
        path: path.display().to_string(),
        detail,
    };
    connect::check_version()?;
    let (owner, found) = read(path).map_err(|error| match outward(error, path) {
        StorageError::Internal(detail) => damaged(detail),
        error => error,
    })?;
    if owner != APPLICATION_ID {
        return Err(damaged("it is no database of this program".into()));
    }
    match found.as_slice() {
        [ok] if ok == "ok" => Ok(()),
        found => Err(damaged(found.join("; "))),
    }
}

fn read(path: &Path) -> Sql<(i32, Vec<String>)> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let path: String = form_urlencoded::byte_serialize(path.as_os_str().as_encoded_bytes()).collect();
    // Nobody writes to it, so that SQLite need put nothing beside it, and the folder may be one that only reads.
    let uri = format!("file:{}?immutable=1", path.replace('+', "%20"));
    let connection = Connection::open_with_flags(uri, flags)?;
    let owner = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    let found = check.query_map([], |row| row.get(0))?.collect::<Sql<_>>()?;
    Ok((owner, found))
}

/// Whether a file was taken away from a running program: then what was committed last stands beside it.
pub fn is_torn(path: &Path) -> bool {
    let log = with_ending(path, "-wal");
    std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Puts a finished file in the place of a database, and answers where the old one is now, if there was one. Both are on
/// the disk when this returns.
///
/// # Errors
/// [`StorageError::Locked`] while somebody has the database open; then nothing is moved.
pub fn put_in_place(new: &Path, path: &Path) -> Result<Option<PathBuf>, StorageError> {
    let _lock = Lock::take(path)?;
    let told = |error: std::io::Error| StorageError::Internal(format!("{}: {error}", path.display()));
    sync(new).map_err(told)?;
    let old = path.exists().then(|| beside(path, &format!("before-{}", now())));
    if let Some(old) = &old {
        std::fs::rename(path, old).map_err(told)?;
        for ending in COMPANIONS {
            let companion = with_ending(path, ending);
            if companion.exists() {
                std::fs::rename(companion, with_ending(old, ending)).map_err(told)?;
            }
        }
    }
    std::fs::rename(new, path).map_err(told)?;
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        sync(folder).map_err(told)?;
    }
    Ok(old)
}

/// Removes a file with everything that stands beside it.
pub fn remove(path: &Path) {
    let own = ["lock", "ballast"].map(|ending| beside(path, ending));
    let companions = COMPANIONS.iter().map(|ending| with_ending(path, ending));
    for file in companions.chain(own).chain([path.to_owned()]) {
        // Most of them are not there.
        let _ = std::fs::remove_file(file);
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn sync(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}
