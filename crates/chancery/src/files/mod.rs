//! Files that are kept with the records: what describes them is rows, what is in them is contents ([`chancery_storage::files`]). A
//! content is kept before its row and goes after it, so no row ever speaks of a content that is not there.
//!
//! - `rows` are the tables, `upload` takes files in, `sent` those that come straight into a bucket, `kind` and `picture` look at them,
//! - `uses` finds who names a file, `sweep` lets go of those that nobody does,
//! - which file a record may name is a rule of commits: `rules/files.rs`.

mod copy;
mod kind;
mod picture;
pub(crate) mod rows;
mod sent;
mod sweep;
mod upload;
mod uses;

use std::collections::HashMap;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::filter::Operator;
use chancery_model::query::{Boundary, Query, Scope};
use chancery_model::{Key, KeyKind, Value};
use chancery_storage::files::{
    self as contents, ContentName, ContentPart, ContentStream, Contents, FilesPlace,
};
use chancery_storage::{OnReject, Outcome, StorageError, Write};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::error::Error;
use crate::limits::{FILE_BYTES_MAX, FILE_PLACES_TOLD_MAX, THUMBNAILS_AT_ONCE_MAX};
use crate::reads::{Count, PageWindow};
use crate::record::Record;
use crate::store::{Commit, Store};
pub use copy::Copied;
pub(crate) use copy::all as copy_all;
use rows::{ENDED, FileRow, FileState, read};
pub use sent::{FileSending, SignedUrl};
pub use sweep::SweptFiles;
pub use upload::FileUpload;
pub(crate) use upload::{ALL_BYTES as ALL_FILE_BYTES, BYTES as FILE_BYTES};
pub use uses::FileUse;
use uses::Used;
pub(crate) use uses::{ended_at, of as named};

/// How often something is tried while others are faster.
const ATTEMPTS: usize = 16;

/// How files are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesOptions {
    /// Where their contents are; beside the database if none ([`FilesPlace::beside`]).
    pub place: Option<FilesPlace>,
    /// Largest file, in bytes.
    pub file_bytes_max: u64,
    /// Most bytes of all files together; as many as there is room for if none.
    pub bytes_max: Option<u64>,
}

impl Default for FilesOptions {
    fn default() -> FilesOptions {
        FilesOptions {
            place: None,
            file_bytes_max: FILE_BYTES_MAX,
            bytes_max: None,
        }
    }
}

/// A file that is kept. Its content never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// A UUID.
    pub id: String,
    /// The workspace whose records may name it.
    pub workspace: String,
    /// What people call it; never a path.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub sha256: String,
    /// What its bytes are found to be.
    pub media_type: String,
    /// Of a picture: its width and height in pixels.
    pub dimensions: Option<(u32, u32)>,
    /// The media type of its thumbnail, if it has one.
    pub thumbnail: Option<String>,
    /// How often it was downloaded.
    pub downloads: u64,
    /// When it came, in ms.
    pub created_at: i64,
    /// Who brought it; none for the program itself.
    pub created_by: Option<String>,
}

/// One page of files.
#[derive(Clone, Debug)]
pub struct FilePage {
    /// The files, in the order in which they came.
    pub files: Vec<File>,
    /// Whether more follow.
    pub has_more: bool,
}

/// What all handles of a store share of its files.
pub(crate) struct Kept {
    pub(crate) contents: Arc<dyn Contents>,
    options: FilesOptions,
    /// One for each thumbnail that may be made at a time.
    thumbnails: Arc<Semaphore>,
    /// Downloads that are not written down yet.
    downloads: Mutex<HashMap<String, u64>>,
    /// The file that the last sweep ended with.
    swept: Mutex<Option<String>>,
}

impl Kept {
    pub(crate) fn open(url: Option<&str>, options: FilesOptions) -> Result<Kept, StorageError> {
        let beside = url.map_or(FilesPlace::Memory, FilesPlace::beside);
        Ok(Kept {
            contents: contents::open(options.place.as_ref().unwrap_or(&beside))?,
            options,
            thumbnails: Arc::new(Semaphore::new(THUMBNAILS_AT_ONCE_MAX)),
            downloads: Mutex::default(),
            swept: Mutex::default(),
        })
    }
}

impl Store {
    /// A file.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// let store = chancery::Store::open("memory:").await?;
    /// let mut upload = store.begin_file("notes.txt")?;
    /// upload.write(b"Bring milk.").await?;
    /// let file = upload.finish().await?;
    /// assert_eq!((&*store.file(&file.id).await?.media_type, file.size), ("text/plain", 11));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn file(&self, id: &str) -> Result<File, Error> {
        let found = self.file_record(id).await?;
        let file = found.as_ref().map(|record| self.as_file(record)).transpose()?;
        file.flatten().ok_or_else(|| missing(id))
    }

    /// The files of the workspace, in the order in which they came, from behind one of them.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than a page may have.
    pub async fn files(&self, after: Option<&str>, limit: u64) -> Result<FilePage, Error> {
        let Some(tables) = self.known_file_tables().await? else {
            return Ok(FilePage {
                files: Vec::new(),
                has_more: false,
            });
        };
        let query = Query::new()
            .filter("workspace", Operator::Eq, &*self.workspace)
            .filter("state", Operator::Eq, "ready");
        let boundary = after.and_then(key).map(|key| Boundary {
            values: Vec::new(),
            key,
        });
        let window = PageWindow::After(boundary);
        let page = tables
            .files
            .page(&query, Scope::Live, window, limit, Count::None)
            .await?;
        let files = page.records.iter().map(|record| self.as_file(record));
        let files: Vec<Option<File>> = files.collect::<Result<_, _>>()?;
        Ok(FilePage {
            files: files.into_iter().flatten().collect(),
            has_more: page.has_more,
        })
    }

    /// What is in a file, or a part of it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it was deleted meanwhile; [`Error::Internal`] if somebody took away its content.
    pub async fn file_content(&self, file: &File, range: Option<Range<u64>>) -> Result<ContentStream, Error> {
        self.content(file, ContentPart::Whole, range).await
    }

    /// The thumbnail of a file, and its media type.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it has none; otherwise as [`Store::file_content`].
    pub async fn file_thumbnail(&self, file: &File) -> Result<(ContentStream, String), Error> {
        let Some(media_type) = file.thumbnail.clone() else {
            return Err(Error::NotFound {
                what: "file",
                message: format!("The file \"{}\" has no thumbnail", file.id),
            });
        };
        Ok((
            self.content(file, ContentPart::Thumbnail, None).await?,
            media_type,
        ))
    }

    async fn content(
        &self,
        file: &File,
        part: ContentPart,
        range: Option<Range<u64>>,
    ) -> Result<ContentStream, Error> {
        let name = ContentName::of(uuid(&file.id)?, part);
        if let Some(content) = self.core.files.contents.read(name, range).await? {
            return Ok(content);
        }
        self.file(&file.id).await?;
        Err(Error::Internal(format!(
            "the content of the file {} is not where files are kept ({}): put it back from a backup",
            file.id,
            self.core.files.contents.kind()
        )))
    }

    /// Counts a download. It is written down soon ([`Store::keep_downloads`]), not at once: reading costs no write.
    pub fn count_download(&self, file: &File) {
        *self
            .core
            .files
            .downloads
            .lock()
            .entry(file.id.clone())
            .or_default() += 1;
    }

    /// Writes down how often files were downloaded.
    ///
    /// # Errors
    /// [`Error::Storage`]; then nothing is forgotten.
    pub async fn keep_downloads(&self) -> Result<(), Error> {
        let counted = std::mem::take(&mut *self.core.files.downloads.lock());
        if counted.is_empty() {
            return Ok(());
        }
        let left = match self.write_downloads(&counted).await {
            Ok(left) => left,
            Err(error) => {
                self.count_again(counted);
                return Err(error);
            }
        };
        self.count_again(left);
        Ok(())
    }

    fn count_again(&self, left: HashMap<String, u64>) {
        let mut counted = self.core.files.downloads.lock();
        for (id, more) in left {
            *counted.entry(id).or_default() += more;
        }
    }

    /// Answers those that somebody else was faster to change.
    async fn write_downloads(&self, counted: &HashMap<String, u64>) -> Result<HashMap<String, u64>, Error> {
        let Some(tables) = self.known_file_tables().await? else {
            return Ok(HashMap::new());
        };
        let table = tables.files.definition()?;
        let keys: Vec<Key> = counted.keys().filter_map(|id| key(id)).collect();
        let found = self.core.backend.get_many(&table, &keys).await?;
        let column = table.column("downloads").map(|column| column.ordinal);
        let mut writes = Vec::new();
        let mut ids = Vec::new();
        for record in found.into_iter().flatten() {
            let id = record.key.to_string();
            let (Some(column), Some(more)) = (column, counted.get(&id)) else {
                continue;
            };
            let mut next = record.next(record.updated_at, record.updated_by.clone());
            let had = record.value(column).clone();
            let before = had.as_int().unwrap_or_default();
            next.values[usize::from(column)] = Value::Int(before + *more as i64);
            let values = vec![(column, had)];
            writes.push(Write::update(&table, &record, next, values, ChangeKind::Updated));
            ids.push(id);
        }
        let how = Commit {
            on_reject: OnReject::Skip,
            ..Commit::default()
        };
        let own = tables.files.store.repeatable();
        let done = own.commit(writes, self.now(), how).await?;
        let outcomes = ids.into_iter().zip(done.outcomes);
        let left = outcomes.filter(|(_, outcome)| matches!(outcome, Outcome::Rejected(_)));
        Ok(left
            .filter_map(|(id, _)| Some((id.clone(), *counted.get(&id)?)))
            .collect())
    }

    /// Deletes a file for good. One that records name, those in the trash included, stays: they are named.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::FileInUse`].
    pub async fn delete_file(&self, id: &str) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let revision = self.revision().await?;
            let record = self.file_record(id).await?.ok_or_else(|| missing(id))?;
            let uses = self.uses_of(&self.file_tables().await?, id).await?;
            let places = self.places(&uses, id, FILE_PLACES_TOLD_MAX).await?;
            let is_ended = |(kept, _): &&Used| !kept.value(ENDED).is_some_and(Value::is_null);
            if !places.is_empty() {
                let named = |(_, table): &&Used| {
                    let slug = table.as_ref().map(|table| &table.slug);
                    slug.is_some_and(|slug| places.iter().any(|place| place.table == *slug))
                };
                let wrong = uses.iter().filter(is_ended).filter(named);
                self.mark_uses(wrong, Value::Null).await?;
                let file = read::<FileRow>(&record)?.name;
                return Err(Error::FileInUse { file, places });
            }
            let open: Vec<&Used> = uses.iter().filter(|one| !is_ended(one)).collect();
            if !open.is_empty() {
                // Whoever names it from here on changes one of these rows; so it is looked for once more, then nobody was overlooked.
                self.mark_uses(open.into_iter(), Value::Int(revision as i64))
                    .await?;
            } else if self.end_file(&record, &uses).await? {
                return Ok(());
            }
        }
        Err(Error::Internal(
            "deleting a file was overtaken again and again".into(),
        ))
    }

    /// Removes a file that nobody was found to name, and the ended uses that say so, unless one of these rows changed since they were
    /// read: whoever names a file changes one. Then its contents.
    async fn end_file(&self, record: &Record, ended: &[Used]) -> Result<bool, Error> {
        let tables = self.file_tables().await?;
        let rows = iter::once(record).chain(ended.iter().map(|(kept, _)| kept));
        let writes = rows
            .map(|row| Write::purge(row.table(), row.key(), Some(row.version())))
            .collect();
        match tables
            .files
            .store
            .commit(writes, self.now(), Commit::default())
            .await
        {
            Ok(_) => {}
            Err(StorageError::Overtaken(_) | StorageError::Rejected(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        // What cannot be removed now is swept later.
        let contents = ContentName::all(uuid(&record.id())?);
        if let Err(error) = self.core.files.contents.remove(&contents).await {
            tracing::warn!(%error, file = record.id(), "the content of a deleted file stays until the next sweep");
        }
        Ok(true)
    }

    /// Bytes of all files of all workspaces.
    async fn file_bytes(&self) -> Result<u64, Error> {
        let Some(tables) = self.known_file_tables().await? else {
            return Ok(0);
        };
        Ok(tables.files.sum("size").await?.as_u64().unwrap_or_default())
    }

    async fn file_record(&self, id: &str) -> Result<Option<Record>, Error> {
        // What is no id is no key of a row either, but may be too long for one.
        if Uuid::try_parse(id).is_err() {
            return Ok(None);
        }
        match self.known_file_tables().await? {
            Some(tables) => tables.files.get(id).await,
            None => Ok(None),
        }
    }

    /// A row as a file; none while its content is awaited.
    pub(crate) fn as_file(&self, record: &Record) -> Result<Option<File>, Error> {
        let row: FileRow = read(record)?;
        if row.state != FileState::Ready {
            return Ok(None);
        }
        let waiting = self.core.files.downloads.lock().get(&row.id).copied();
        Ok(Some(File {
            id: row.id,
            workspace: row.workspace,
            name: row.name,
            size: row.size,
            sha256: row.sha256.unwrap_or_default(),
            media_type: row
                .media_type
                .unwrap_or_else(|| chancery_model::field::media::BYTES.to_owned()),
            dimensions: row.width.zip(row.height),
            thumbnail: row.thumbnail,
            downloads: row.downloads + waiting.unwrap_or_default(),
            created_at: record.created_at(),
            created_by: record.created_by().map(str::to_owned),
        }))
    }
}

/// The key of a row.
pub(crate) fn key(id: &str) -> Option<Key> {
    Key::parse(KeyKind::Text, id)
}

fn uuid(id: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(id).map_err(|_| missing(id))
}

fn missing(id: &str) -> Error {
    Error::NotFound {
        what: "file",
        message: format!("There is no file \"{id}\""),
    }
}
