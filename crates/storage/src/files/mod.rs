//! Contents of files: bytes under a name that the store made, on this machine's disk, in memory or in a bucket. What a file is
//! called, whose it is and who may read it are records, and none of this module's business.
//!
//! # To add a place
//! 1. Write `<name>.rs` with a type that implements [`Contents`].
//! 2. Add it to [`FilesPlace`] and [`open`].
//! 3. Add it to `tests/contents/main.rs`; every case there must pass.

mod bucket;
mod folder;
mod https;
mod memory;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use tempfile::{NamedTempFile, TempPath};
use uuid::Uuid;

use crate::error::StorageError;
pub use bucket::BucketOptions;

/// The bytes of a file, piece by piece.
pub type ContentStream = BoxStream<'static, Result<Bytes, StorageError>>;
/// What stands behind the name of a thumbnail.
const THUMBNAIL_ENDING: &str = ".thumbnail";
/// What stands behind the name of what is uploaded straight to a bucket and not looked at yet.
const SENT_ENDING: &str = ".sent";
/// What is added to the name of a database: the folder of its files.
const FOLDER_ENDING: &str = "files";

/// Where the contents of files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesPlace {
    /// In memory: gone with the program.
    Memory,
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a bucket that speaks the protocol of S3.
    Bucket(BucketOptions),
    /// Nowhere: none can be kept.
    None,
}

impl FilesPlace {
    /// Where the files of a database are if nothing is said: beside its file, in a folder of its name with `.files` added. Those of
    /// a database in memory are in memory too; a database on a server has no such place.
    ///
    /// ```
    /// # use chancery_storage::files::FilesPlace;
    /// assert_eq!(FilesPlace::beside("sqlite:data/app.db"), FilesPlace::Folder("data/app.db.files".into()));
    /// assert_eq!(FilesPlace::beside("postgres://h/app"), FilesPlace::None);
    /// ```
    pub fn beside(url: &str) -> FilesPlace {
        match crate::file(url) {
            Some(file) => FilesPlace::Folder(folder_of(&file)),
            None if url.starts_with("memory") => FilesPlace::Memory,
            None => FilesPlace::None,
        }
    }
}

/// The folder of the files of a database file.
pub fn folder_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".");
    name.push(FOLDER_ENDING);
    PathBuf::from(name)
}

/// The name of a content. Made of an id alone, so nothing that a caller says is ever part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentName {
    /// The id of the file.
    pub file: Uuid,
    /// Which content of it.
    pub part: ContentPart,
}

/// Which content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ContentPart {
    /// The file itself.
    Whole,
    /// A small picture of it.
    Thumbnail,
    /// What somebody sent straight to the bucket, before it is looked at.
    Sent,
}

impl ContentName {
    /// The name of a part of a file.
    pub fn of(file: Uuid, part: ContentPart) -> ContentName {
        ContentName { file, part }
    }

    /// All contents that a file may have.
    pub fn all(file: Uuid) -> [ContentName; 3] {
        [ContentPart::Whole, ContentPart::Thumbnail, ContentPart::Sent].map(|part| ContentName { file, part })
    }

    /// As it is written; [`ContentName::parse`] reads it.
    pub fn text(&self) -> String {
        let ending = match self.part {
            ContentPart::Whole => "",
            ContentPart::Thumbnail => THUMBNAIL_ENDING,
            ContentPart::Sent => SENT_ENDING,
        };
        format!("{}{ending}", self.file)
    }

    /// Reads what [`ContentName::text`] wrote; none for anything else.
    pub fn parse(text: &str) -> Option<ContentName> {
        let (id, part) = match (
            text.strip_suffix(THUMBNAIL_ENDING),
            text.strip_suffix(SENT_ENDING),
        ) {
            (Some(id), _) => (id, ContentPart::Thumbnail),
            (None, Some(id)) => (id, ContentPart::Sent),
            (None, None) => (text, ContentPart::Whole),
        };
        let file = Uuid::try_parse(id).ok()?;
        let name = ContentName { file, part };
        (name.text() == text).then_some(name)
    }

    /// The folder it is in: by the last two digits of the id, which are drawn, so that folders fill evenly.
    fn shard(&self) -> String {
        let id = self.file.simple().to_string();
        id[id.len() - 2..].to_owned()
    }
}

/// A place where contents are. What is kept is whole and never changes: it appears at once, and only when all of it is safe.
#[async_trait]
pub trait Contents: Send + Sync + 'static {
    /// `memory`, `folder` or `bucket`, or `none`.
    fn kind(&self) -> &'static str;

    /// A file to write what comes into, before it is kept. It goes away by itself.
    fn incoming(&self) -> Result<NamedTempFile, StorageError>;

    /// Keeps a content for good: after the answer it survives a power cut.
    async fn keep(&self, name: ContentName, from: TempPath) -> Result<(), StorageError>;

    /// The bytes of a content, or a part of them; none if there is no such content.
    async fn read(
        &self,
        name: ContentName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ContentStream>, StorageError>;

    /// The size of a content in bytes; none if there is no such content.
    async fn size(&self, name: ContentName) -> Result<Option<u64>, StorageError>;

    /// Removes contents; those that are not there are no error.
    async fn remove(&self, names: &[ContentName]) -> Result<(), StorageError>;

    /// The names of all contents, in no order.
    async fn names(&self) -> Result<Vec<ContentName>, StorageError>;

    /// Forgets what a program was still writing when it ended, if it is older than this.
    async fn forget_incoming(&self, _older_than_ms: u64) -> Result<(), StorageError> {
        Ok(())
    }

    /// A URL that lets whoever has it do one thing for a while, without credentials; none where there is no such thing.
    async fn signed(
        &self,
        _name: ContentName,
        _what: Signed,
        _expires_in: Duration,
    ) -> Result<Option<String>, StorageError> {
        Ok(None)
    }

    /// The folder it is in, for whoever copies it; none if it is in none.
    fn folder(&self) -> Option<&Path> {
        None
    }
}

/// What a signed URL allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// To send it. How many bytes is for whoever takes it in to look at: no such URL says it.
    Upload,
    /// To read it, under these headers.
    Download {
        /// `Content-Type` of the answer.
        media_type: String,
        /// `Content-Disposition` of the answer.
        disposition: String,
    },
}

/// Opens a place for contents. Nothing is made before something is kept.
///
/// # Errors
/// [`StorageError::Url`] if the settings of a bucket make no sense.
pub fn open(place: &FilesPlace) -> Result<Arc<dyn Contents>, StorageError> {
    Ok(match place {
        FilesPlace::Memory => Arc::new(memory::Memory::default()),
        FilesPlace::Folder(folder) => Arc::new(folder::Folder::new(folder.clone())),
        FilesPlace::Bucket(options) => Arc::new(bucket::Bucket::open(options)?),
        FilesPlace::None => Arc::new(Nowhere),
    })
}

/// No place at all.
struct Nowhere;

fn nowhere() -> StorageError {
    StorageError::NoFiles
}

#[async_trait]
impl Contents for Nowhere {
    fn kind(&self) -> &'static str {
        "none"
    }
    fn incoming(&self) -> Result<NamedTempFile, StorageError> {
        Err(nowhere())
    }
    async fn keep(&self, _name: ContentName, _from: TempPath) -> Result<(), StorageError> {
        Err(nowhere())
    }
    async fn read(
        &self,
        _name: ContentName,
        _range: Option<Range<u64>>,
    ) -> Result<Option<ContentStream>, StorageError> {
        Err(nowhere())
    }
    async fn size(&self, _name: ContentName) -> Result<Option<u64>, StorageError> {
        Err(nowhere())
    }
    async fn remove(&self, _names: &[ContentName]) -> Result<(), StorageError> {
        Err(nowhere())
    }
    async fn names(&self) -> Result<Vec<ContentName>, StorageError> {
        Err(nowhere())
    }
}

/// An error of the machine's own files.
fn io(error: std::io::Error) -> StorageError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StorageError::Full,
        _ => StorageError::Internal(format!("the content of a file: {error}")),
    }
}

/// Runs what waits for the disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StorageError::Internal(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ones_own_are_read() {
        let id = Uuid::from_u128(0x0197_a2b4_7c1e_7cc3_98c4_dc0c_0c07_398f);
        for name in ContentName::all(id) {
            assert_eq!(ContentName::parse(&name.text()), Some(name));
        }
        assert_eq!(ContentName::of(id, ContentPart::Whole).shard(), "8f");
        for text in [
            "",
            "..",
            "../../etc/passwd",
            "0197A2B4-7C1E-7CC3-98C4-DC0C0C07398F",
            "0197a2b47c1e7cc398c4dc0c0c07398f",
            "0197a2b4-7c1e-7cc3-98c4-dc0c0c07398f.exe",
            "0197a2b4-7c1e-7cc3-98c4-dc0c0c07398f/..",
        ] {
            assert_eq!(ContentName::parse(text), None, "{text}");
        }
    }
}
