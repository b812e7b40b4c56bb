//! One pass over a whole file: what each column could be, and which options it would need. It decides no row.

use std::collections::HashSet;

use chancery_model::field::TextFormat;
use chancery_model::field::infer::{Candidate, Inference};
use chancery_model::field::lists::json_items;
use chancery_model::{Code, Column, Issue, field_type, limits};

use super::cells::{Cells, Row};
use super::dialect::Dialect;
use super::file::ImportFile;
use super::options::{ImportControl, Phase};
use super::read::{CHUNK_BYTES, CHUNK_ROWS};
use crate::error::Error;

/// Different cells shown of a column.
const SAMPLES: usize = 5;

/// What one pass found.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) rows: u64,
    pub(super) malformed: u64,
    pub(super) columns: Vec<ColumnScan>,
    pub(super) preview: Vec<Vec<String>>,
}

/// What one pass found in one column.
#[derive(Default)]
pub(super) struct ColumnScan {
    inference: Inference,
    /// The file itself says that a text stands in it.
    said_text: bool,
    pub(super) filled: u64,
    pub(super) empty: u64,
    pub(super) samples: Vec<String>,
    /// Options that the column of the table lacks, in the order of the file.
    pub(super) lacking: Vec<String>,
    lacking_seen: HashSet<String>,
    written: Written,
}

/// Whether all cells are numbers, or dates, in the notation that the caller chose.
#[derive(Default)]
struct Written {
    not_number: bool,
    not_date: bool,
}

/// What to look for.
pub(super) struct Wanted<'a> {
    /// Types of columns, in this notation.
    pub(super) types: Option<TextFormat>,
    /// Options of these columns of the table, by place.
    pub(super) options: Vec<Option<&'a Column>>,
    /// Rows to show.
    pub(super) preview: usize,
}

/// Reads the file once. Blocks.
///
/// # Errors
/// As [`Cells::next`]; [`cancelled`] if it was cancelled.
pub(super) fn scan(
    file: &ImportFile,
    dialect: Dialect,
    wanted: &Wanted,
    control: &ImportControl,
) -> Result<Scan, Error> {
    let (total, mut cells) = (file.len()?, Cells::new(file, dialect)?);
    if dialect.header {
        cells.header()?;
    }
    let mut scan = Scan::default();
    let texts = file.origin().map_or(&[][..], |origin| &origin.texts);
    scan.columns.extend(texts.iter().map(|said_text| ColumnScan {
        said_text: *said_text,
        ..ColumnScan::default()
    }));
    while let Some(chunk) = cells.next(CHUNK_ROWS, CHUNK_BYTES)? {
        for row in chunk.rows() {
            scan.row(&row, wanted);
        }
        control.tell(Phase::Checking, scan.rows, chunk.bytes, total);
        if control.cancelled() {
            return Err(cancelled());
        }
    }
    Ok(scan)
}

/// The error inside an import that was cancelled; its report says so instead.
pub(super) fn cancelled() -> Error {
    Error::File {
        message: "The import was cancelled".into(),
        hint: "Start it again.".into(),
    }
}

impl Scan {
    fn row(&mut self, row: &Row, wanted: &Wanted) {
        self.rows += 1;
        self.malformed += u64::from(row.fault().is_some());
        if self.preview.len() < wanted.preview {
            self.preview.push(
                row.texts()
                    .map(|text| super::shape::cut(text).0.to_owned())
                    .collect(),
            );
        }
        if self.columns.len() < row.len() {
            self.columns.resize_with(row.len(), ColumnScan::default);
        }
        for (index, (column, text)) in self.columns.iter_mut().zip(row.texts()).enumerate() {
            if text.is_empty() {
                column.empty += 1;
                continue;
            }
            column.filled += 1;
            if column.samples.len() < SAMPLES {
                let short = super::shape::cut(text).0;
                if !column.samples.iter().any(|sample| sample == short) {
                    column.samples.push(short.to_owned());
                }
            }
            if let Some(format) = &wanted.types {
                column.observe(text, format);
            }
            if let Some(Some(target)) = wanted.options.get(index) {
                column.lack(text, target);
            }
        }
    }
}

impl ColumnScan {
    fn observe(&mut self, text: &str, format: &TextFormat) {
        self.inference.observe(text);
        if *format == TextFormat::default() {
            return;
        }
        let column = Column::default();
        let reads =
            |id: &str| field_type(id).is_some_and(|kind| kind.parse_text(text, &column, format).is_ok());
        if !self.written.not_number {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let bare = text.trim_start_matches(['-', '+']).as_bytes();
            let padded = bare.len() > 1 && bare[0] == b'0' && bare[1].is_ascii_digit();
            self.written.not_number = padded || digits > 15 || !reads("number");
        }
        if !self.written.not_date {
            self.written.not_date = !reads("date");
        }
    }

    /// The types the column could have.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        self.inference.candidates()
    }

    /// The type to make the column with: one that keeps every cell as it is written, or what the notation that the caller
    /// chose says of every cell.
    pub(super) fn choice(&self, format: &TextFormat) -> Candidate {
        let mut choice = self.inference.choice();
        if self.said_text && matches!(choice.field_type, "number" | "boolean") {
            choice = Candidate {
                field_type: "text",
                config: Default::default(),
                ..choice
            };
        }
        if *format == TextFormat::default() || self.filled == 0 {
            return choice;
        }
        let of = |field_type: &'static str| Candidate {
            field_type,
            ..choice.clone()
        };
        match choice.field_type {
            _ if !self.written.not_date => of("date"),
            _ if !self.written.not_number => of("number"),
            "number" | "date" => of("text"),
            _ => choice,
        }
    }

    /// Notes the options that a cell names and the column lacks.
    fn lack(&mut self, text: &str, target: &Column) {
        let format = TextFormat::default();
        match target.kind().parse_text(text, target, &format) {
            Err(Issue { code: Code::Enum, .. }) => {}
            _ => return,
        }
        let names = if target.field_type == "multiSelect" {
            items(text)
        } else {
            vec![text.trim().to_owned()]
        };
        for name in names {
            let known = target.kind().parse_text(&name, target, &format).is_ok();
            let fits = !name.is_empty() && name.chars().count() <= limits::NAME_CHARS_MAX;
            let room = self.lacking.len() + target.options.len() < limits::OPTIONS_MAX;
            if !known && fits && room && self.lacking_seen.insert(name.to_lowercase()) {
                self.lacking.push(name);
            }
        }
    }
}

/// The items of a comma list, quoted as in CSV.
fn items(text: &str) -> Vec<String> {
    if let Some(items) = json_items(text) {
        return items;
    }
    let dialect = Dialect {
        encoding: encoding_rs::UTF_8,
        delimiter: b',',
        quote: b'"',
        spaced: true,
        header: false,
        sparing: false,
        marked: false,
        guard: super::options::GuardRule::Keep,
        lines: Default::default(),
    };
    let chunk = Cells::of_text(text.trim().to_owned(), dialect).sample(1);
    chunk
        .rows()
        .flat_map(|row| row.texts().map(|item| item.trim().to_owned()).collect::<Vec<_>>())
        .collect()
}
