//! Opening a database of this machine, and what to do when that cannot be. Reads no record.

use chancery::{StorageError, Store};
use tokio::runtime::Runtime;

use super::{DatabaseArgs, Missing, files_place};
use crate::failure::Failure;

/// One thread is enough for one command.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Opens the store, and says what to do when it cannot be opened.
pub(crate) async fn open_store(
    database: &DatabaseArgs,
    missing: Missing,
    options: chancery::OpenOptions,
) -> Result<Store, Failure> {
    if let Some(file) = database.file() {
        if missing != Missing::Make && !file.exists() {
            return Err(
                Failure::new(format!("there is no database at {}", file.display()))
                    .hint("name one with --data DIR, or make a table with `chancery table create`"),
            );
        }
        if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir)
                .map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?;
        }
    }
    let options = chancery::OpenOptions {
        files: chancery::FilesOptions {
            place: files_place(database.files.as_deref())?,
            ..options.files
        },
        ..options
    };
    match Store::open_with(&database.url(), options).await {
        Err(chancery::Error::Storage(StorageError::Locked { path })) => Err(locked(&path, database)),
        opened => Ok(opened?),
    }
}

/// Whether another process has the database open.
pub(crate) fn is_locked(database: &DatabaseArgs) -> Result<bool, Failure> {
    let runtime = runtime()?;
    match runtime.block_on(Store::open(&database.url())) {
        Err(chancery::Error::Storage(StorageError::Locked { .. })) => Ok(true),
        opened => {
            runtime.block_on(opened?.close())?;
            Ok(false)
        }
    }
}

/// What to say when a server has the database.
fn locked(path: &str, database: &DatabaseArgs) -> Failure {
    Failure::new(format!("{path} is in use by another process, probably a running server")).hint(format!(
        "talk to it: --server http://127.0.0.1:7373 --key KEY (a key: `chancery key create --name me --scope write{}`; a backup takes `--scope admin`)",
        database.again()
    ))
}
