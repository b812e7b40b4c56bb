//! A file to import: a path, bytes, or a stream that is first put on the disk, since it is read more than once. What stands in
//! it is not known here.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, Write};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tempfile::{NamedTempFile, TempPath};

use crate::error::Error;

/// A file to import. Cheap to clone; it can be read from the start any number of times.
#[derive(Clone, Debug)]
pub struct ImportFile {
    place: Place,
    /// What it was made out of, if it is the rows of another file.
    origin: Option<Arc<Origin>>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileFormat {
    /// Text in rows and cells: CSV, TSV and their kin.
    Csv,
    /// A workbook of spreadsheets.
    Xlsx,
    /// JSON objects, in an array or line by line.
    Json,
}

/// What rows were made out of, and what there is to say about that.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) format: FileFormat,
    /// The sheets of the workbook, in order.
    pub(super) sheets: Vec<String>,
    /// The sheet whose rows these are.
    pub(super) sheet: Option<String>,
    /// What is odd about it, for a person.
    pub(super) notes: Vec<String>,
    /// Of each column: whether the file itself says that a text stands in it.
    pub(super) texts: Vec<bool>,
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
        ImportFile::at(Place::Path(path.into()))
    }

    /// A file on the disk that goes away with the last clone.
    ///
    /// # Errors
    /// [`Error::File`] for a path that is not absolute.
    pub fn owned(path: impl Into<PathBuf>) -> Result<ImportFile, Error> {
        let path = TempPath::try_from_path(path.into()).map_err(|error| unreadable(&error))?;
        Ok(ImportFile::at(Place::Spooled(Arc::new(path))))
    }

    /// A file in memory.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> ImportFile {
        ImportFile::at(Place::Bytes(bytes.into()))
    }

    fn at(place: Place) -> ImportFile {
        ImportFile { place, origin: None }
    }

    /// The same file, as the rows of another one.
    pub(super) fn made_of(self, origin: Origin) -> ImportFile {
        let origin = Some(Arc::new(origin));
        ImportFile { origin, ..self }
    }

    pub(super) fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
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
        Ok(ImportFile::at(Place::Spooled(Arc::new(path))))
    }

    /// A temporary file that was written just now.
    pub(super) fn written(file: NamedTempFile) -> ImportFile {
        ImportFile::at(Place::Spooled(Arc::new(file.into_temp_path())))
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let open = |path: &std::path::Path| File::open(path).map_err(|error| unreadable(&error));
        Ok(match &self.place {
            Place::Path(path) => Box::new(open(path)?),
            Place::Spooled(path) => Box::new(open(path)?),
            Place::Bytes(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// Reads at any place, as archives are read.
    pub(super) fn open_anywhere(&self) -> Result<Box<dyn Anywhere>, Error> {
        let open = |path: &std::path::Path| File::open(path).map_err(|error| unreadable(&error));
        Ok(match &self.place {
            Place::Path(path) => Box::new(BufReader::new(open(path)?)),
            Place::Spooled(path) => Box::new(BufReader::new(open(path)?)),
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

/// What can be read at any place.
pub(super) trait Anywhere: Read + Seek + Send {}

impl<T: Read + Seek + Send> Anywhere for T {}

pub(crate) fn unreadable(error: &std::io::Error) -> Error {
    Error::File {
        message: format!("The file cannot be read: {error}"),
        hint: "Check that it exists, may be read, and that the disk has space.".into(),
    }
}
