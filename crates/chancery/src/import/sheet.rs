//! A sheet of a workbook (XLSX) as rows of cells, read cell by cell: what is held in memory are the texts that its sheets
//! share. It computes no formula.

use std::io::{BufWriter, Read, Write};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use chancery_model::issue::unknown_name;
use chancery_model::limits::{
    IMPORT_CELL_BYTES_MAX, SHEET_ROWS_MAX, WORKBOOK_BYTES_MAX, WORKBOOK_PARTS_BYTES_MAX,
    WORKBOOK_TEXTS_BYTES_MAX,
};
use memchr::{memchr_iter, memmem};
use tempfile::NamedTempFile;

use super::file::{Anywhere, FileFormat, ImportFile, Origin, unreadable};
use super::flat::push_cell;
use super::options::{ImportControl, Phase};
use super::scan::cancelled;
use super::unpack;
use crate::error::Error;

/// Bytes of a part that are looked at together.
const STEP_BYTES: usize = 256 * 1024;
/// Columns a sheet has, by the file format.
const SHEET_COLUMNS_MAX: u32 = 16_384;
/// Merged cells that are looked up, to name the first.
const MERGES_TOLD_MAX: u64 = 10_000;
/// Rows between two signs of life.
const ROWS_AT_ONCE: u32 = 5_000;
/// The days that a sheet can write as dates (to the end of the year 9999).
const DAYS_END: f64 = 2_958_466.0;

type Workbook = Xlsx<Box<dyn Anywhere>>;

/// The rows of one sheet. Blocks.
///
/// # Errors
/// [`Error::File`] for what is no workbook, a sheet it does not have, an empty sheet; [`Error::Limit`] for one that takes too
/// much memory or room.
pub(super) fn rows(
    file: &ImportFile,
    sheet: Option<&str>,
    control: &ImportControl,
) -> Result<ImportFile, Error> {
    let merges = survey(file, control)?;
    let mut book = Xlsx::new(file.open_anywhere()?).map_err(|error| broken(&error))?;
    let (sheets, first) = sheets(&book);
    let name = chosen(&sheets, first, sheet)?;
    let total = file.len()?;
    let mut written = write(&mut book, &name, &[], (control, total))?;
    if let Some(instants) = written.columns.mixed() {
        // A day without a time stands among times: the whole column is one of times.
        written = write(&mut book, &name, &instants, (control, total))?;
    }
    if written.rows == 0 {
        return Err(Error::File {
            message: format!("The sheet \"{name}\" is empty"),
            hint: format!("The workbook has the sheets {}.", listed(&sheets)),
        });
    }
    let mut notes = written.notes(&name, &sheets);
    if merges > 0 {
        notes.extend(merged(&mut book, &name, merges)?);
    }
    Ok(ImportFile::written(written.file).made_of(Origin {
        format: FileFormat::Xlsx,
        sheets,
        sheet: Some(name),
        notes,
        texts: written.columns.texts,
    }))
}

/// Reads all parts once, before anything of them is held: their sizes as they are, not as the archive says. Answers how
/// many merged ranges there are.
fn survey(file: &ImportFile, control: &ImportControl) -> Result<u64, Error> {
    let mut archive = unpack::archive(file)?;
    let (mut all, mut merges) = (0_u64, 0_u64);
    let mut step = vec![0; STEP_BYTES];
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(|error| damaged(&error))?;
        let name = part.name().map_err(|error| damaged(&error))?.to_ascii_lowercase();
        if !(name.ends_with(".xml") || name.ends_with(".rels")) {
            continue;
        }
        let (what, max) = match name.as_str() {
            "xl/sharedstrings.xml" => ("bytes of texts in a workbook", WORKBOOK_TEXTS_BYTES_MAX),
            "xl/styles.xml" | "xl/workbook.xml" | "[content_types].xml" => {
                ("bytes of styles in a workbook", WORKBOOK_PARTS_BYTES_MAX)
            }
            name if name.ends_with(".rels") => ("bytes of links in a workbook", WORKBOOK_PARTS_BYTES_MAX),
            _ => ("bytes in an unpacked workbook", WORKBOOK_BYTES_MAX),
        };
        let (packed, mut size, mut since) = (part.compressed_size(), 0_u64, 0_usize);
        loop {
            let read = part.read(&mut step).map_err(|error| damaged(&error))?;
            if read == 0 {
                break;
            }
            let bytes = &step[..read];
            size += read as u64;
            all += read as u64;
            let got = if what.starts_with("bytes in") { all } else { size };
            if got > max {
                return Err(Error::Limit { what, max, got });
            }
            unpack::grown(packed, size)?;
            since = longest_text(bytes, since)?;
            merges += memmem::find_iter(bytes, b"<mergeCell ").count() as u64;
            if control.cancelled() {
                return Err(cancelled());
            }
        }
    }
    Ok(merges)
}

/// Goes on counting the bytes since the last mark of XML: a text is held in memory whole.
fn longest_text(bytes: &[u8], since: usize) -> Result<usize, Error> {
    let (mut from, mut longest) = (0, 0);
    let mut since = since;
    for at in memchr_iter(b'<', bytes) {
        longest = longest.max(since + at - from);
        (since, from) = (0, at);
    }
    since += bytes.len() - from;
    if longest.max(since) > IMPORT_CELL_BYTES_MAX {
        return Err(Error::Limit {
            what: "bytes in a cell of a workbook",
            max: IMPORT_CELL_BYTES_MAX as u64,
            got: longest.max(since) as u64,
        });
    }
    Ok(since)
}

/// The names of the sheets, and which one is the first that is seen.
fn sheets(book: &Workbook) -> (Vec<String>, usize) {
    let with_cells = |sheet: &&calamine::Sheet| sheet.typ == SheetType::WorkSheet;
    let sheets: Vec<_> = book.sheets_metadata().iter().filter(with_cells).collect();
    let seen = sheets
        .iter()
        .position(|sheet| sheet.visible == SheetVisible::Visible);
    let names = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    (names, seen.unwrap_or(0))
}

/// The sheet that is meant: by name, by number from 1, or the first.
fn chosen(sheets: &[String], first: usize, wanted: Option<&str>) -> Result<String, Error> {
    let found = match wanted {
        None => sheets.get(first),
        Some(name) => sheets
            .iter()
            .find(|sheet| *sheet == name)
            .or_else(|| {
                sheets
                    .iter()
                    .find(|sheet| sheet.to_lowercase() == name.to_lowercase())
            })
            .or_else(|| sheets.get(name.parse::<usize>().ok()?.checked_sub(1)?)),
    };
    found.cloned().ok_or_else(|| Error::File {
        message: match wanted {
            Some(name) => unknown_name("sheet", name, sheets.iter().map(String::as_str)),
            None => "The workbook has no sheet with cells".into(),
        },
        hint: format!("The workbook has the sheets {}.", listed(sheets)),
    })
}

fn listed(sheets: &[String]) -> String {
    let quoted: Vec<String> = sheets.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}

/// What is known of each column, from its cells below the first row.
#[derive(Debug, Default)]
struct Columns {
    texts: Vec<bool>,
    days: Vec<bool>,
    times: Vec<bool>,
}

impl Columns {
    /// Which columns have times, if one of them has a day without a time too.
    fn mixed(&self) -> Option<Vec<bool>> {
        let mixed = self.days.iter().zip(&self.times).any(|(day, time)| *day && *time);
        mixed.then(|| self.times.clone())
    }
}

fn mark(marks: &mut Vec<bool>, at: usize) {
    if marks.len() <= at {
        marks.resize(at + 1, false);
    }
    marks[at] = true;
}

/// A sheet as it was written.
struct Written {
    file: NamedTempFile,
    rows: u32,
    columns: Columns,
    formulas: u64,
    /// Cells with an error, and the first of them.
    errors: (u64, Option<String>),
}

impl Written {
    fn notes(&self, name: &str, sheets: &[String]) -> Vec<String> {
        let mut notes = Vec::new();
        if sheets.len() > 1 {
            notes.push(format!(
                "These are the rows of the sheet \"{name}\"; the workbook has {}",
                listed(sheets)
            ));
        }
        if self.formulas > 0 {
            notes.push(format!(
                "{} cell(s) hold formulas: the values they had when the workbook was saved are taken",
                self.formulas
            ));
        }
        if let (count, Some(first)) = &self.errors {
            notes.push(format!(
                "{count} cell(s) hold an error, the first is {first}: it stands as that text, which only columns of text take"
            ));
        }
        notes
    }
}

/// One row while its cells come.
#[derive(Default)]
struct Line {
    cells: Vec<String>,
    /// Cells up to the last that is filled.
    filled: usize,
}

impl Line {
    fn put(&mut self, at: usize, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.cells.len() <= at {
            self.cells.resize(at + 1, String::new());
        }
        self.cells[at].clear();
        self.cells[at].push_str(text);
        self.filled = self.filled.max(at + 1);
    }

    /// Writes it, at least `width` cells wide, and begins the next.
    fn flush(&mut self, width: usize, out: &mut String) {
        for at in 0..self.filled.max(width) {
            if at > 0 {
                out.push(',');
            }
            if at < self.filled {
                push_cell(out, &self.cells[at]);
                self.cells[at].clear();
            }
        }
        out.push('\n');
        self.filled = 0;
    }
}

/// Writes the rows of a sheet, one line for each row of it; `instants` are the columns whose days are times too.
fn write(
    book: &mut Workbook,
    name: &str,
    instants: &[bool],
    (control, total): (&ImportControl, u64),
) -> Result<Written, Error> {
    let mut cells = book
        .worksheet_cells_reader(name)
        .map_err(|error| broken(&error))?;
    let file = NamedTempFile::new().map_err(|error| unreadable(&error))?;
    let mut written = Written {
        file,
        rows: 0,
        columns: Columns::default(),
        formulas: 0,
        errors: (0, None),
    };
    let mut out = BufWriter::with_capacity(
        STEP_BYTES,
        written.file.reopen().map_err(|error| unreadable(&error))?,
    );
    let (mut line, mut text, mut value) = (Line::default(), String::new(), String::new());
    // The row being read, and the width of the first one that has cells.
    let (mut now, mut width, mut begun) = (0_u32, None::<usize>, 0_u32);
    loop {
        let cell = cells
            .next_cell_with_formula_metadata()
            .map_err(|error| broken(&error))?;
        let at = cell.as_ref().map(|cell| cell.pos);
        if at.is_none_or(|(row, _)| row != now) {
            if line.filled > 0 {
                // An empty line of a sheet of one column would be a row with an empty cell.
                let gap = if width.is_some_and(|width| width > 1) {
                    now - begun
                } else {
                    0
                };
                text.extend(std::iter::repeat_n('\n', gap as usize));
                line.flush(*width.get_or_insert(line.filled), &mut text);
                written.rows += 1;
                begun = now + 1;
            }
            out.write_all(text.as_bytes())
                .map_err(|error| unreadable(&error))?;
            text.clear();
            if now % ROWS_AT_ONCE == 0 {
                control.tell(Phase::Checking, u64::from(written.rows), 0, total);
            }
            if control.cancelled() {
                return Err(cancelled());
            }
        }
        let (Some(cell), Some((row, column))) = (cell, at) else {
            break;
        };
        if row < now || row >= SHEET_ROWS_MAX || column >= SHEET_COLUMNS_MAX {
            return Err(out_of_order(row, column));
        }
        now = row;
        let column = column as usize;
        written.formulas += u64::from(cell.formula.is_some());
        value.clear();
        spell(&cell.value, instants.get(column) == Some(&true), &mut value);
        if written.rows > 0 {
            written.columns.note(&cell.value, column);
        }
        if let DataRef::Error(_) = &cell.value {
            written.errors.0 += 1;
            let first = || format!("{value} in {}", place(row, column));
            written.errors.1.get_or_insert_with(first);
        }
        line.put(column, &value);
    }
    out.flush().map_err(|error| unreadable(&error))?;
    drop(out);
    Ok(written)
}

impl Columns {
    fn note(&mut self, value: &DataRef, column: usize) {
        match value {
            DataRef::String(text) if !text.is_empty() => mark(&mut self.texts, column),
            DataRef::SharedString(text) if !text.is_empty() => mark(&mut self.texts, column),
            DataRef::DateTime(at) if is_instant(at) => {
                let time = at.as_f64().fract() != 0.0;
                mark(if time { &mut self.times } else { &mut self.days }, column);
            }
            _ => {}
        }
    }
}

/// Whether a date is a point in time: neither a span of time, nor a time of day, nor beyond the calendar.
fn is_instant(at: &ExcelDateTime) -> bool {
    !at.is_duration() && (1.0..DAYS_END).contains(&at.as_f64())
}

/// The text of a cell.
fn spell(value: &DataRef, instant: bool, out: &mut String) {
    match value {
        DataRef::Empty => {}
        DataRef::Int(int) => out.push_str(&int.to_string()),
        DataRef::Float(float) if (1e-5..1e15).contains(&float.abs()) || *float == 0.0 => {
            out.push_str(&float.to_string())
        }
        DataRef::Float(float) => out.push_str(&format!("{float:e}")),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => out.push_str(text),
        DataRef::SharedString(text) => out.push_str(text),
        DataRef::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
        DataRef::Error(error) => out.push_str(&error.to_string()),
        DataRef::DateTime(at) => out.push_str(&moment(at, instant)),
    }
}

/// A date, a point in time (in UTC: a sheet knows no zones), a time of day, or a span of time.
fn moment(at: &ExcelDateTime, instant: bool) -> String {
    let days = at.as_f64();
    if at.is_duration() && days >= 0.0 {
        let seconds = (days * 86_400.0).round() as u64;
        return format!("{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    if !(0.0..DAYS_END).contains(&days) {
        return days.to_string();
    }
    let (year, month, day, hour, minute, second, milli) = at.to_ymd_hms_milli();
    let fraction = if milli > 0 {
        format!(".{milli:03}")
    } else {
        String::new()
    };
    if days < 1.0 {
        format!("{hour:02}:{minute:02}:{second:02}{fraction}")
    } else if days.fract() == 0.0 && !instant {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// A place as spreadsheets write it: `C5`.
fn place(row: u32, column: usize) -> String {
    let (mut letters, mut rest) = (Vec::new(), column + 1);
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect::<String>() + &(row + 1).to_string()
}

/// What there is to say about merged cells.
fn merged(book: &mut Workbook, name: &str, merges: u64) -> Result<Option<String>, Error> {
    let value = "the value stands in the first cell of each, the others are empty";
    if merges > MERGES_TOLD_MAX {
        return Ok(Some(format!(
            "The workbook has {merges} ranges of merged cells: {value}"
        )));
    }
    let ranges = book
        .merge_cells_by_sheet_name(name)
        .map_err(|error| broken(&error))?;
    let first = ranges.first().map(|range| {
        let (start, end) = (range.start, range.end);
        format!(
            "{}:{}",
            place(start.0, start.1 as usize),
            place(end.0, end.1 as usize)
        )
    });
    Ok(first.map(|first| {
        format!(
            "{} range(s) of cells are merged, the first is {first}: {value}",
            ranges.len()
        )
    }))
}

fn out_of_order(row: u32, column: u32) -> Error {
    Error::File {
        message: format!(
            "The workbook is damaged: a cell stands where none can be (row {}, column {})",
            u64::from(row) + 1,
            u64::from(column) + 1
        ),
        hint: "Open it in a spreadsheet and save it again.".into(),
    }
}

fn broken(error: &XlsxError) -> Error {
    let (message, hint) = match error {
        XlsxError::Password => ("The workbook has a password".to_owned(), "Save it without one."),
        error => (
            format!("The workbook cannot be read: {error}"),
            "Open it in a spreadsheet and save it again as .xlsx, or as CSV.",
        ),
    };
    Error::File {
        message,
        hint: hint.into(),
    }
}

fn damaged(error: &dyn std::error::Error) -> Error {
    Error::File {
        message: format!("The workbook is damaged: {error}"),
        hint: "Open it in a spreadsheet and save it again.".into(),
    }
}
