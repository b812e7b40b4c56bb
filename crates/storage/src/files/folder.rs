//! Contents in a folder of this machine: `FOLDER/8f/0197…8f`. What comes is written under another name first, brought to the disk
//! and then renamed, so a content is there whole or not at all.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tempfile::{NamedTempFile, TempPath};

use super::{ContentName, ContentStream, Contents, blocking, io};
use crate::error::StorageError;

/// What comes is written in here until it is whole.
const INCOMING: &str = "incoming";
/// Bytes that are read at once.
const STEP_BYTES: usize = 256 * 1024;

/// Contents in a folder.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(folder: PathBuf) -> Folder {
        Folder(folder)
    }

    fn path(&self, name: ContentName) -> PathBuf {
        self.0.join(name.shard()).join(name.text())
    }
}

#[async_trait]
impl Contents for Folder {
    fn kind(&self) -> &'static str {
        "folder"
    }

    fn incoming(&self) -> Result<NamedTempFile, StorageError> {
        let folder = self.0.join(INCOMING);
        std::fs::create_dir_all(&folder).map_err(io)?;
        NamedTempFile::new_in(folder).map_err(io)
    }

    async fn keep(&self, name: ContentName, from: TempPath) -> Result<(), StorageError> {
        let (root, path) = (self.0.clone(), self.path(name));
        blocking(move || {
            let folder = path.parent().unwrap_or(&root);
            std::fs::create_dir_all(folder).map_err(io)?;
            sync(&root)?;
            if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
                sync(above)?;
            }
            sync(&from)?;
            from.persist(&path).map_err(|error| io(error.error))?;
            sync(folder)
        })
        .await
    }

    async fn read(
        &self,
        name: ContentName,
        range: Option<Range<u64>>,
    ) -> Result<Option<ContentStream>, StorageError> {
        let path = self.path(name);
        let opened = blocking(move || opened(&path, range.as_ref())).await?;
        let Some((file, left)) = opened else {
            return Ok(None);
        };
        let pieces = futures::stream::try_unfold((file, left), |(mut file, left)| async move {
            let piece = blocking(move || {
                let piece = piece(&mut file, left)?;
                Ok((piece, file))
            });
            let (piece, file) = piece.await?;
            let left = left.saturating_sub(piece.len() as u64);
            Ok((!piece.is_empty()).then_some((piece, (file, left))))
        });
        Ok(Some(pieces.boxed()))
    }

    async fn size(&self, name: ContentName) -> Result<Option<u64>, StorageError> {
        let path = self.path(name);
        blocking(move || match std::fs::metadata(path) {
            Ok(found) => Ok(Some(found.len())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io(error)),
        })
        .await
    }

    async fn remove(&self, names: &[ContentName]) -> Result<(), StorageError> {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(*name)).collect();
        blocking(move || {
            for path in paths {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    async fn names(&self) -> Result<Vec<ContentName>, StorageError> {
        let root = self.0.clone();
        blocking(move || {
            let mut names = Vec::new();
            for shard in entries(&root)?.into_iter().filter(|shard| shard.is_dir()) {
                let all = entries(&shard)?;
                let all = all
                    .iter()
                    .filter_map(|path| ContentName::parse(path.file_name()?.to_str()?));
                names.extend(all);
            }
            Ok(names)
        })
        .await
    }

    async fn forget_incoming(&self, older_than_ms: u64) -> Result<(), StorageError> {
        let folder = self.0.join(INCOMING);
        blocking(move || {
            for path in entries(&folder)? {
                let changed = std::fs::metadata(&path).and_then(|found| found.modified());
                let age = changed.ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
                if age.as_millis() > u128::from(older_than_ms) {
                    std::fs::remove_file(&path).map_err(io)?;
                }
            }
            Ok(())
        })
        .await
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.0)
    }
}

fn opened(path: &Path, range: Option<&Range<u64>>) -> Result<Option<(File, u64)>, StorageError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let Some(range) = range else {
        return Ok(Some((file, u64::MAX)));
    };
    file.seek(SeekFrom::Start(range.start)).map_err(io)?;
    Ok(Some((file, range.end.saturating_sub(range.start))))
}

fn piece(file: &mut File, left: u64) -> Result<Bytes, StorageError> {
    let step = left.min(STEP_BYTES as u64) as usize;
    let mut piece = BytesMut::zeroed(step);
    let mut filled = 0;
    while filled < step {
        match file.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(io(error)),
        }
    }
    piece.truncate(filled);
    Ok(piece.freeze())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    found
        .map(|entry| entry.map(|entry| entry.path()).map_err(io))
        .collect()
}

/// Brings a file or a folder to the disk.
fn sync(path: &Path) -> Result<(), StorageError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(io)
}
