//! Backups: everything of a store in one SQLite file, whatever backend it came from, taken while others write. A backup is
//! a database: it can be opened, queried and moved. It keeps no schedule and removes no old ones.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use chancery_storage::files::{FilesPlace, folder_of, open};
use chancery_storage::{Backend, Fill, StorageError, sqlite};
use serde::Serialize;

use crate::error::Error;
use crate::files::{self, Copied};
use crate::store::Store;
use crate::transfer::{Carried, Tally, Watcher, copy, move_store, open_source, open_target};

/// A backup that was written and read again.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BackupReport {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, as `sha256sum` prints it.
    pub sha256: String,
    /// What it holds.
    pub carried: Carried,
    /// The contents of files that are in the folder beside it; none if they were not copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Copied>,
}

/// A restore that was done.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// What was restored.
    pub carried: Carried,
    /// The SHA-256 of the backup.
    pub sha256: String,
    /// Where the database is now that was there before.
    pub kept: Option<PathBuf>,
    /// The contents of files that were put back; none if none were beside the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Copied>,
}

/// What to do with what is in the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InTheWay {
    /// Leave it and refuse.
    #[default]
    Refuse,
    /// A backup is replaced; a database is kept aside.
    Replace,
}

/// Refuses to write over a file that somebody did not mean.
fn check_way(file: &Path, in_the_way: InTheWay) -> Result<(), Error> {
    match in_the_way == InTheWay::Refuse && file.exists() {
        true => Err(refused(
            file,
            "is there already",
            "Name another file, or replace it with --force.",
        )),
        false => Ok(()),
    }
}

impl Store {
    /// Writes a backup of everything, all workspaces, as of this moment; others go on writing. The file stands in its
    /// place only once it was read again and found to hold what was read here. The contents of files are copied into a folder
    /// beside it, of its name with `.files` added, unless they are in a bucket; those that are there already are not copied again.
    ///
    /// # Errors
    /// [`Error::File`] if the file is there already; [`Error::Unlike`] if what was written is not what was read.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let store = chancery::Store::open("memory:").await?;
    /// let file = folder.path().join("today.db");
    /// let report = store.backup(&file, Default::default(), &|_| {}).await?;
    /// assert_eq!(report.carried.revision, 0);
    /// # Ok(()) }
    /// ```
    pub async fn backup(
        &self,
        file: &Path,
        in_the_way: InTheWay,
        watch: Watcher<'_>,
    ) -> Result<BackupReport, Error> {
        let contents = &*self.core.files.contents;
        if !["folder", "memory"].contains(&contents.kind()) {
            return self.backup_without_files(file, in_the_way, watch).await;
        }
        check_way(file, in_the_way)?;
        // Before the rows, so that none is without its content if somebody deletes it meanwhile, and after them for what is new.
        let beside = open(&FilesPlace::Folder(folder_of(file)))?;
        let early = files::copy_all(contents, &*beside).await?;
        let mut report = self.backup_without_files(file, in_the_way, watch).await?;
        let late = files::copy_all(contents, &*beside).await?;
        report.files = Some(Copied {
            contents: late.contents,
            bytes: early.bytes + late.bytes,
        });
        Ok(report)
    }

    /// As [`Store::backup`], and leaves the contents of files where they are.
    ///
    /// # Errors
    /// As [`Store::backup`].
    pub async fn backup_without_files(
        &self,
        file: &Path,
        in_the_way: InTheWay,
        watch: Watcher<'_>,
    ) -> Result<BackupReport, Error> {
        check_way(file, in_the_way)?;
        let part = beside(file, "part");
        sqlite::file::remove(&part);
        let written = write(&**self.backend(), &part, watch).await;
        let placed = match written {
            Ok((carried, sha256)) => place(&part, file).map(|bytes| BackupReport {
                file: file.to_owned(),
                bytes,
                sha256,
                carried,
                files: None,
            }),
            Err(error) => Err(error),
        };
        sqlite::file::remove(&part);
        placed
    }
}

/// Writes a backup and reads it again; the checksum is of the file as it is then.
async fn write(backend: &dyn Backend, part: &Path, watch: Watcher<'_>) -> Result<(Carried, String), Error> {
    let url = format!("sqlite:{}", part.display());
    let target = open_target(&url).await?;
    let copied = async {
        let copied = copy(backend, &*target, watch).await?;
        target.fill(Fill::Open).await?;
        Ok::<_, Error>(copied)
    };
    let copied = copied.await;
    target.close().await?;
    let (totals, tally) = copied?;
    drop(target);
    let path = part.to_owned();
    blocking(move || Ok(sqlite::file::verify(&path)?)).await?;
    let found = tally_of(&url, watch).await?;
    let differences = tally.differences(&found);
    if !differences.is_empty() {
        return Err(Error::Unlike(differences));
    }
    if sqlite::file::is_torn(part) {
        return Err(Error::Unlike(vec!["a part of it is not in the file yet".into()]));
    }
    Ok((totals.into(), checksum(part.to_owned()).await?))
}

async fn tally_of(url: &str, watch: Watcher<'_>) -> Result<Tally, Error> {
    let written = open_source(url).await?;
    let found = match written.dump().await {
        Ok(dump) => Tally::of(dump, watch).await,
        Err(error) => Err(error.into()),
    };
    written.close().await?;
    found
}

fn place(part: &Path, file: &Path) -> Result<u64, Error> {
    let told = |error: std::io::Error| refused(file, &error.to_string(), "Check the folder and its rights.");
    File::open(part).and_then(|part| part.sync_all()).map_err(told)?;
    std::fs::rename(part, file).map_err(told)?;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(told)?;
    }
    Ok(std::fs::metadata(file).map_err(told)?.len())
}

/// Checks a backup, every page and every item, and answers its checksum. The file is only read.
///
/// # Errors
/// [`Error::File`] if there is none, or if it is half of a running database; [`Error::Storage`] if it is damaged.
pub async fn verify(file: &Path) -> Result<String, Error> {
    if !file.is_file() {
        return Err(refused(
            file,
            "there is no such file",
            "Name a file that `backup` wrote.",
        ));
    }
    if sqlite::file::is_torn(file) {
        let hint = "Write a backup with `backup`; a copied file of a running database is none.";
        return Err(refused(
            file,
            "what was written last stands beside the file",
            hint,
        ));
    }
    let path = file.to_owned();
    blocking(move || Ok(sqlite::file::verify(&path)?)).await?;
    checksum(file.to_owned()).await
}

/// Takes in a backup that another program wrote and sent: compares its checksum, checks it, and puts it in its place.
///
/// # Errors
/// [`Error::Unlike`] if it is not what was sent; otherwise as [`verify`].
pub async fn receive(part: &Path, file: &Path, sha256: &str) -> Result<BackupReport, Error> {
    let found = verify(part).await?;
    if found != sha256 {
        let what = format!("its SHA-256 is {found} and should be {sha256}");
        return Err(Error::Unlike(vec![what]));
    }
    // Opening it may change it (an older one is brought to the newest schema), so a copy is counted.
    let counted = beside(part, "counted");
    let (from, to) = (part.to_owned(), counted.clone());
    let copied = blocking(move || {
        std::fs::copy(&from, &to)
            .map_err(|error| refused(&to, &error.to_string(), "Check the space on the disk."))
    });
    let carried = match copied.await {
        Ok(_) => tally_of(&format!("sqlite:{}", counted.display()), &|_| {}).await,
        Err(error) => Err(error),
    };
    sqlite::file::remove(&counted);
    Ok(BackupReport {
        carried: carried?.carried(),
        bytes: place(part, file)?,
        file: file.to_owned(),
        sha256: found,
        files: None,
    })
}

/// Restores a backup into a database: a SQLite file or an empty PostgreSQL database. The backup is checked first; a SQLite
/// file that is in the way is kept aside, with its files. Contents of files that are beside the backup are put back into `place`,
/// or beside the database if none is named.
///
/// # Errors
/// As [`verify`]; [`Error::Storage`] with [`StorageError::NotEmpty`] if the database holds something and is not to be
/// replaced, or [`StorageError::Locked`] if somebody has it open.
pub async fn restore(
    file: &Path,
    to: &str,
    place: Option<&FilesPlace>,
    in_the_way: InTheWay,
    watch: Watcher<'_>,
) -> Result<RestoreReport, Error> {
    let sha256 = verify(file).await?;
    // A copy, because an older backup is brought to the newest schema when it is opened, and the backup must stay as it is.
    let target = chancery_storage::file(to);
    let scratch =
        tempfile::tempdir().map_err(|error| refused(file, &error.to_string(), "Free some space."))?;
    let part = match &target {
        Some(target) => beside(target, "part"),
        None => scratch.path().join("restore.db"),
    };
    if let Some(target) = &target
        && in_the_way == InTheWay::Refuse
        && target.exists()
    {
        let place = target.display().to_string();
        return Err(StorageError::NotEmpty { place }.into());
    }
    sqlite::file::remove(&part);
    let restored = put_back(file, &part, to, target.as_deref(), watch).await;
    sqlite::file::remove(&part);
    let (carried, kept) = restored?;
    if let (None, Some(target), Some(kept)) = (place, &target, &kept) {
        keep_aside(target, kept)?;
    }
    let beside = FilesPlace::beside(to);
    Ok(RestoreReport {
        carried,
        sha256,
        kept,
        files: put_files_back(file, place.unwrap_or(&beside)).await?,
    })
}

/// Keeps the files of a database that was put aside beside it.
fn keep_aside(database: &Path, kept: &Path) -> Result<(), Error> {
    let (had, aside) = (folder_of(database), folder_of(kept));
    match had.is_dir() {
        true => std::fs::rename(&had, &aside)
            .map_err(|error| refused(&had, &error.to_string(), "Move it away by hand.")),
        false => Ok(()),
    }
}

async fn put_files_back(backup: &Path, place: &FilesPlace) -> Result<Option<Copied>, Error> {
    let folder = folder_of(backup);
    if !folder.is_dir() {
        return Ok(None);
    }
    let from = open(&FilesPlace::Folder(folder))?;
    Ok(Some(files::copy_all(&*from, &*open(place)?).await?))
}

async fn put_back(
    file: &Path,
    part: &Path,
    to: &str,
    target: Option<&Path>,
    watch: Watcher<'_>,
) -> Result<(Carried, Option<PathBuf>), Error> {
    if let Some(folder) = part.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| refused(folder, &error.to_string(), "Check its rights."))?;
    }
    let (source, copy) = (file.to_owned(), part.to_owned());
    let copied = blocking(move || {
        std::fs::copy(&source, &copy)
            .map_err(|error| refused(&copy, &error.to_string(), "Check the space on the disk."))
    });
    copied.await?;
    let url = format!("sqlite:{}", part.display());
    let Some(target) = target else {
        let report = move_store(&url, to, watch).await?;
        if !report.is_equal() {
            let named = report.differences.iter();
            return Err(Error::Unlike(
                named.map(|one| format!("{}: {}", one.place, one.what)).collect(),
            ));
        }
        return Ok((report.carried, None));
    };
    // Reads everything once, as the store will: what cannot be read is found here and not later.
    let backend = open_source(&url).await?;
    let dump = backend.dump().await;
    let read = match dump {
        Ok(dump) => Tally::of(dump, watch).await,
        Err(error) => Err(error.into()),
    };
    backend.close().await?;
    let carried = read?.carried();
    let (new, place) = (part.to_owned(), target.to_owned());
    let kept = blocking(move || Ok(sqlite::file::put_in_place(&new, &place)?)).await?;
    Ok((carried, kept))
}

/// The SHA-256 of a file, as `sha256sum` prints it.
///
/// # Errors
/// [`Error::File`] if it cannot be read.
pub async fn checksum(file: PathBuf) -> Result<String, Error> {
    blocking(move || {
        let sum = File::open(&file)
            .and_then(|opened| chancery_vault::checksum::sha256(&mut BufReader::new(opened)));
        sum.map_err(|error| refused(&file, &error.to_string(), "Check its rights."))
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::Internal(error.to_string()))?
}

fn refused(file: &Path, why: &str, hint: &str) -> Error {
    Error::File {
        message: format!("{}: {why}", file.display()),
        hint: hint.to_owned(),
    }
}

/// A file beside another: its name with an ending added.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}
