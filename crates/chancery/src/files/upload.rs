//! Files on their way in: written to the disk piece by piece, looked at, kept. Nothing of one is held in memory.

use std::path::Path;

use chancery_model::{Code, Issue};
use chancery_storage::StorageError;
use chancery_storage::files::{ContentName, ContentPart};
use chancery_vault::checksum::Sum;
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::rows::{FileRow, FileState, written};
use super::{File, kind, picture};
use crate::error::Error;
use crate::limits::FILE_NAME_BYTES_MAX;
use crate::store::Store;

/// What a file is called that has no name.
const NAMELESS: &str = "file";

/// A file that is coming in. Forgotten before it is finished, nothing of it stays.
pub struct FileUpload {
    store: Store,
    id: Uuid,
    name: String,
    file: tokio::fs::File,
    path: TempPath,
    sum: Sum,
    head: Vec<u8>,
    size: u64,
    max: u64,
    /// Whether it has a row already.
    awaited: bool,
}

impl Store {
    /// Begins to take a file in. Of its name only what stands behind the last folder is kept.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name that is too long, [`Error::Storage`] if no files are kept, or the disk is full.
    pub fn begin_file(&self, name: &str) -> Result<FileUpload, Error> {
        let name = clean(name)?;
        self.begin_upload(self.new_file_id(), name, false)
    }

    pub(super) fn begin_upload(&self, id: Uuid, name: String, awaited: bool) -> Result<FileUpload, Error> {
        let (file, path) = self.core.files.contents.incoming()?.into_parts();
        Ok(FileUpload {
            store: self.clone(),
            id,
            name,
            file: tokio::fs::File::from_std(file),
            path,
            sum: Sum::default(),
            head: Vec::new(),
            size: 0,
            max: self.core.files.options.file_bytes_max,
            awaited,
        })
    }

    /// An id that rises with the store's time.
    pub(super) fn new_file_id(&self) -> Uuid {
        let mut random = [0; 10];
        random.copy_from_slice(&Uuid::new_v4().as_bytes()[..10]);
        let ms = u64::try_from(self.now()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }

    /// Refuses what would be too large.
    pub(super) async fn check_file_room(&self, size: u64) -> Result<(), Error> {
        let options = &self.core.files.options;
        if size > options.file_bytes_max {
            return Err(too_large(options.file_bytes_max, size));
        }
        let Some(max) = options.bytes_max else {
            return Ok(());
        };
        let got = self.file_bytes().await? + size;
        if got > max {
            let what = ALL_BYTES;
            return Err(Error::Limit { what, max, got });
        }
        Ok(())
    }
}

/// What there is too much of in a file that is too large.
pub(crate) const BYTES: &str = "bytes of a file (fileBytesMax)";
/// What there is too much of where no more files fit.
pub(crate) const ALL_BYTES: &str = "bytes of all files (filesBytesMax)";

fn too_large(max: u64, got: u64) -> Error {
    let what = BYTES;
    Error::Limit { what, max, got }
}

impl FileUpload {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Error::Limit`] as soon as it is too large, [`Error::Storage`] if the disk is full.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.size += bytes.len() as u64;
        if self.size > self.max {
            return Err(too_large(self.max, self.size));
        }
        let room = kind::HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.sum.add(bytes);
        self.file.write_all(bytes).await.map_err(unwritten)
    }

    /// Keeps the file: its content first, then what describes it.
    ///
    /// # Errors
    /// [`Error::Limit`] if all files together are too large then; [`Error::Storage`].
    pub async fn finish(mut self) -> Result<File, Error> {
        self.file.flush().await.map_err(unwritten)?;
        drop(self.file);
        if !self.awaited {
            self.store.check_file_room(self.size).await?;
        }
        let media_type = kind::found(&self.head, &self.name);
        let looked = look(&self.store, self.path, media_type.clone()).await?;
        let row = FileRow {
            id: self.id.to_string(),
            workspace: self.store.workspace.to_string(),
            name: self.name,
            size: self.size,
            sha256: Some(self.sum.digits()),
            media_type: Some(media_type),
            width: looked.picture.map(|picture| picture.width),
            height: looked.picture.map(|picture| picture.height),
            thumbnail: looked.thumbnail.as_ref().map(|(_, kind)| (*kind).to_owned()),
            downloads: 0,
            state: FileState::Ready,
        };
        let contents = &self.store.core.files.contents;
        if let Some((thumbnail, _)) = looked.thumbnail {
            let name = ContentName::of(self.id, ContentPart::Thumbnail);
            contents.keep(name, thumbnail.into_temp_path()).await?;
        }
        contents
            .keep(ContentName::of(self.id, ContentPart::Whole), looked.path)
            .await?;
        let files = self.store.file_tables().await?.files;
        let kept = match self.awaited {
            true => files.update(&*row.id, written(&row)).await,
            false => files.insert(written(&row)).await,
        };
        match kept {
            Ok(record) => self
                .store
                .as_file(&record)?
                .ok_or_else(|| Error::Internal("a file was lost on its way".into())),
            Err(error) => {
                // Where it is not known whether the row was written, and where another sending of the same file may have written it,
                // the content stays; without a row it is swept later.
                if !self.awaited && !matches!(error, Error::Storage(_)) {
                    let _ = contents.remove(&ContentName::all(self.id)).await;
                }
                Err(error)
            }
        }
    }
}

/// What was found in a file.
struct Looked {
    path: TempPath,
    picture: Option<picture::Picture>,
    thumbnail: Option<(NamedTempFile, &'static str)>,
}

/// Looks at a picture, on a thread that may take its time; a few at once.
async fn look(store: &Store, path: TempPath, media_type: String) -> Result<Looked, Error> {
    let Some(format) = picture::format(&media_type) else {
        return Ok(Looked {
            path,
            picture: None,
            thumbnail: None,
        });
    };
    let kept = &store.core.files;
    let turn = kept.thumbnails.clone().acquire_owned().await;
    let small = kept.contents.incoming()?;
    let looking = tokio::task::spawn_blocking(move || {
        // Not before: whoever gave up waiting leaves it running.
        let _turn = turn;
        let picture = picture::measure(&path, format);
        let thumbnail = picture.and_then(|picture| {
            let mut small = small;
            let made = made(&path, format, picture, &mut small)?;
            Some((small, made))
        });
        Looked {
            path,
            picture,
            thumbnail,
        }
    });
    looking.await.map_err(|error| Error::Internal(error.to_string()))
}

/// Makes a thumbnail. A decoder that gives up in a way it should not makes none.
fn made(
    path: &Path,
    format: image::ImageFormat,
    picture: picture::Picture,
    small: &mut NamedTempFile,
) -> Option<&'static str> {
    let work =
        std::panic::AssertUnwindSafe(|| picture::thumbnail(path, format, picture, small.as_file_mut()));
    std::panic::catch_unwind(work).ok().flatten()
}

/// A name as it is kept: without folders, and without what would make people read another name than is there.
pub(super) fn clean(name: &str) -> Result<String, Error> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        !c.is_control() && !turns
    };
    let kept: String = base.chars().filter(|c| shown(*c)).collect();
    let kept = kept.trim();
    if kept.len() > FILE_NAME_BYTES_MAX {
        let message = format!("The name of a file has at most {FILE_NAME_BYTES_MAX} bytes");
        let issue = Issue::new("name", Code::MaxLength, message).with("maxLength", FILE_NAME_BYTES_MAX);
        return Err(Error::Invalid {
            table: "files".into(),
            issues: vec![issue],
        });
    }
    Ok(match kept {
        "" | "." | ".." => NAMELESS.to_owned(),
        kept => kept.to_owned(),
    })
}

pub(super) fn unwritten(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StorageError::Full.into(),
        _ => Error::Internal(format!("a file cannot be written: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path_and_reads_as_it_is() {
        let check = |name: &str, expected: &str| assert_eq!(clean(name).expect("a name"), expected);
        check("cat.png", "cat.png");
        check("../../etc/passwd", "passwd");
        check("C:\\Users\\ann\\cat.png", "cat.png");
        check("a\r\nSet-Cookie: b", "aSet-Cookie: b");
        check("invoice\u{202e}fdp.exe", "invoicefdp.exe");
        check("..", "file");
        check("a/..", "file");
        check("", "file");
        check("  \u{0}", "file");
        check("Grüße \"1\".txt", "Grüße \"1\".txt");
        assert!(clean(&"a".repeat(256)).is_err());
    }
}
