//! A file to import: a path, bytes, or a stream that is first put on the disk, since it is read more than once.

use std::fs::File;
use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::{NamedTempFile, TempPath};

use crate::error::Error;

/// A file to import. Cheap to clone; it can be read from the start any number of times.
#[derive(Clone, Debug)]
pub struct ImportFile {
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    Path(PathBuf),
    Spooled(Arc<TempPath>),
    Bytes(Arc<[u8]>),
}

impl ImportFile {
    /// A file on the disk; it must not change while it is imported.
    pub fn path(path: impl Into<PathBuf>) -> ImportFile {
        ImportFile {
            place: Place::Path(path.into()),
        }
    }

    /// A file in memory.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> ImportFile {
        ImportFile {
            place: Place::Bytes(bytes.into()),
        }
    }

    /// Puts a stream into a temporary file, which goes away with the last clone. Blocks.
    ///
    /// # Errors
    /// [`Error::File`] if the stream cannot be read or the disk is full.
    pub fn spool(mut stream: impl Read) -> Result<ImportFile, Error> {
        let mut copy = || {
            let mut file = NamedTempFile::new()?;
            std::io::copy(&mut stream, &mut file)?;
            file.flush()?;
            Ok(file.into_temp_path())
        };
        let path = copy().map_err(|error: std::io::Error| unreadable(&error))?;
        Ok(ImportFile {
            place: Place::Spooled(Arc::new(path)),
        })
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let open = |path: &std::path::Path| File::open(path).map_err(|error| unreadable(&error));
        Ok(match &self.place {
            Place::Path(path) => Box::new(open(path)?),
            Place::Spooled(path) => Box::new(open(path)?),
            Place::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    pub(crate) fn len(&self) -> Result<u64, Error> {
        let len = |path: &std::path::Path| {
            let metadata = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
            Ok::<u64, Error>(metadata.len())
        };
        match &self.place {
            Place::Path(path) => len(path),
            Place::Spooled(path) => len(path),
            Place::Bytes(bytes) => Ok(bytes.len() as u64),
        }
    }
}

pub(crate) fn unreadable(error: &std::io::Error) -> Error {
    Error::File {
        message: format!("The file cannot be read: {error}"),
        hint: "Check that it exists, may be read, and that the disk has space.".into(),
    }
}
