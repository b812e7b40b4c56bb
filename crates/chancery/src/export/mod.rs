//! Export: records leave as files, streamed from one snapshot. It knows no HTTP and keeps nothing.
//!
//! # The CSV that is written
//! UTF-8 without a byte order mark, lines end in CR LF, cells are quoted only where they must be (RFC 4180). Null is
//! nothing between two delimiters, the empty text is `""`; the importer honours that. A text that a spreadsheet would
//! run as a formula is written with an apostrophe before it, in quotes: `"'=1+1"`.
//!
//! A file whose apostrophes can be taken away again carries a mark: exactly one name in its first row, the last that needs
//! no quotes, is quoted nevertheless, and no other cell is. Other programs quote all cells or none needlessly, and every
//! program reads such a file. A spreadsheet that saves the file anew drops the mark; then the importer is told
//! ([`crate::GuardRule::Strip`]), since it never guesses. A file without a first row carries no mark either.
//!
//! What is asked is asked of the whole definition, as indexes are made by it; what is written is what is seen of it.

mod csv;
pub(crate) mod definition;
pub(crate) mod guard;
mod json;
mod lines;
mod shown;
mod workbook;

use chancery_model::query::Query;
use chancery_storage::RecordStream;
use tokio::sync::mpsc;

use crate::error::Error;
pub use shown::LinkForm;
use shown::Showing;

/// How records are exported as a file of rows: CSV, JSON lines, a workbook.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// The columns by slug, in order; also `id`, `version`, `createdAt`, `updatedAt`, `createdBy`, `updatedBy`, `externalId`.
    /// All live columns if empty (with `id_first`: the id before them).
    pub columns: Vec<String>,
    /// Put the id before the columns if `columns` does not say.
    pub id_first: bool,
    /// Which records, in which order; all in key order by default.
    pub query: Query,
    /// What happens to texts that a spreadsheet would run.
    pub escape: Escape,
    /// What stands in the first row.
    pub header: Header,
    /// The character between cells; a comma by default.
    pub delimiter: Option<char>,
    /// How records and users that others name stand in the file.
    pub links: LinkForm,
}

/// What happens to texts that begin with `=`, `+`, `-`, `@`, a tab or a carriage return, or the full-width forms of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// They get an apostrophe in front, which the importer takes away again. Numbers stay as they are.
    #[default]
    Formula,
    /// They stay as they are: for programs.
    None,
}

/// What stands in the first row of an exported file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// Slugs.
    Slugs,
    /// The names people see.
    #[default]
    Names,
    /// There is none.
    None,
}

/// An export as it is written, piece by piece.
pub struct ExportStream {
    source: Feed,
}

/// Where the bytes come from.
enum Feed {
    /// Records, written here.
    Records(Box<Text>),
    /// A file that is written elsewhere.
    Pieces(mpsc::Receiver<Result<Vec<u8>, Error>>),
}

/// An export that is text, while it is written.
struct Text {
    rows: RecordStream,
    ready: String,
    writing: Writing,
    /// What works out cells that do not stand in the records.
    showing: Option<Showing>,
    state: State,
}

/// The format being written.
enum Writing {
    Csv(csv::Csv),
    Json(json::Whole),
    Lines(lines::Lines),
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Open,
    Last,
    Over,
}

/// Text written before it is handed over, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

impl ExportStream {
    fn new(rows: RecordStream, first: String, writing: Writing, showing: Option<Showing>) -> ExportStream {
        ExportStream {
            source: Feed::Records(Box::new(Text {
                rows,
                ready: first,
                writing,
                showing,
                state: State::Open,
            })),
        }
    }

    fn of_pieces(pieces: mpsc::Receiver<Result<Vec<u8>, Error>>) -> ExportStream {
        ExportStream {
            source: Feed::Pieces(pieces),
        }
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// [`Error::Storage`]; nothing follows an error, and the file is not complete.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        match &mut self.source {
            Feed::Records(text) => text.next().await,
            Feed::Pieces(pieces) => pieces.recv().await,
        }
    }

    /// All of it at once, for files that are known to be small.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn collect(mut self) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await {
            all.extend(piece?);
        }
        Ok(all)
    }
}

impl Text {
    async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        while self.state == State::Open && self.ready.len() < PIECE_BYTES {
            match self.rows.recv().await {
                Some(Ok(records)) => {
                    let given = match &self.showing {
                        Some(showing) => showing.of(&records).await,
                        None => Ok(Vec::new()),
                    };
                    let given = match given {
                        Ok(given) => given,
                        Err(error) => {
                            self.state = State::Over;
                            return Some(Err(error));
                        }
                    };
                    for (at, record) in records.into_iter().enumerate() {
                        let given = given.get(at).map(Vec::as_slice).unwrap_or_default();
                        match &mut self.writing {
                            Writing::Csv(csv) => csv.write((&record, given), &mut self.ready),
                            Writing::Json(whole) => whole.write(&record, &mut self.ready),
                            Writing::Lines(lines) => lines.write((&record, given), &mut self.ready),
                        }
                    }
                }
                Some(Err(error)) => {
                    self.state = State::Over;
                    return Some(Err(error.into()));
                }
                None => {
                    if let Writing::Json(whole) = &self.writing {
                        whole.end(&mut self.ready);
                    }
                    self.state = State::Last;
                }
            }
        }
        if self.state == State::Last {
            self.state = State::Over;
            return (!self.ready.is_empty()).then(|| Ok(std::mem::take(&mut self.ready).into_bytes()));
        }
        let piece = std::mem::replace(&mut self.ready, String::with_capacity(PIECE_BYTES * 2));
        (self.state == State::Open).then(|| Ok(piece.into_bytes()))
    }
}
