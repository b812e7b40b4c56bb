//! The lock file beside a database: one process at a time. It does not guard single statements; SQLite does.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::StorageError;

/// A held lock; let go when dropped, and by the system when the process ends in any way.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a database, making the lock file. The file stays: removing it would race with the next owner.
    pub(super) fn take(database: &Path) -> Result<Lock, StorageError> {
        let path = beside(database, "lock");
        let internal = |error: std::io::Error| StorageError::Internal(format!("{}: {error}", path.display()));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(internal)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StorageError::Locked {
                path: database.display().to_string(),
            }),
            Err(TryLockError::Error(error)) => Err(internal(error)),
        }
    }
}

/// A file beside the database: its name with an ending added.
pub(super) fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let first = Lock::take(&path).unwrap();
        assert!(matches!(Lock::take(&path), Err(StorageError::Locked { .. })));
        drop(first);
        assert!(Lock::take(&path).is_ok());
    }
}
