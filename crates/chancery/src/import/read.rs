//! Reads a file ahead on a thread of its own, so that rows are parsed while others are written.

use tokio::sync::mpsc;

use super::cells::{Cells, Chunk};
use super::dialect::Dialect;
use super::file::ImportFile;
use super::objects::{self, ObjectFormat, Objects};
use crate::error::Error;

/// Rows decided and written together where a file is too large for one commit.
pub(super) const CHUNK_ROWS: usize = 5_000;
/// Bytes of text in one such chunk, about.
pub(super) const CHUNK_BYTES: usize = 4 << 20;
/// Rows written in one commit where the whole file has no more.
pub(super) const ONE_COMMIT_ROWS: usize = 10_000;
/// Bytes of text written in one commit, about; larger files take several.
pub(super) const ONE_COMMIT_BYTES: usize = 64 << 20;

/// How many rows stand in one chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portion {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

impl Portion {
    pub(super) const SOME: Portion = Portion {
        rows: CHUNK_ROWS,
        bytes: CHUNK_BYTES,
    };
    /// The whole of a small file.
    pub(super) const ALL: Portion = Portion {
        rows: ONE_COMMIT_ROWS,
        bytes: ONE_COMMIT_BYTES,
    };
}

/// What a file is.
#[derive(Clone, Debug)]
pub(super) enum Format {
    Csv(Dialect),
    Objects(ObjectFormat),
}

/// Some rows of a file.
#[derive(Debug)]
pub(super) enum Part {
    Cells(Chunk),
    Objects(Objects),
}

impl Part {
    pub(super) fn len(&self) -> usize {
        match self {
            Part::Cells(chunk) => chunk.len(),
            Part::Objects(objects) => objects.items.len(),
        }
    }

    /// Cells that were left out because they are masks.
    pub(super) fn masked(&self) -> u64 {
        match self {
            Part::Cells(_) => 0,
            Part::Objects(objects) => objects.masked,
        }
    }

    /// Bytes of the file read up to here.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Part::Cells(chunk) => chunk.bytes,
            Part::Objects(objects) => objects.bytes,
        }
    }
}

/// The rows of a file. It stops when the receiver is dropped.
pub(super) fn ahead(
    file: &ImportFile,
    format: &Format,
    portion: Portion,
) -> mpsc::Receiver<Result<Part, Error>> {
    let (sender, receiver) = mpsc::channel(1);
    let (file, format) = (file.clone(), format.clone());
    tokio::task::spawn_blocking(move || {
        let send = |part| sender.blocking_send(Ok(part)).is_ok();
        let read = || match format {
            Format::Csv(dialect) => {
                let mut cells = Cells::new(&file, dialect)?;
                if dialect.header {
                    cells.header()?;
                }
                while let Some(chunk) = cells.next(portion.rows, portion.bytes)? {
                    if !send(Part::Cells(chunk)) {
                        break;
                    }
                }
                Ok(())
            }
            Format::Objects(format) => {
                objects::read(&file, &format, portion, |part| send(Part::Objects(part)))
            }
        };
        if let Err(error) = read() {
            // Nobody listens any more only if the import is over.
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}
