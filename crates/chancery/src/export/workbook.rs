//! Records as a workbook (XLSX) with typed cells, in constant memory: sheets are written to the disk and packed from there.
//! Nothing is cut: what a cell of a sheet cannot hold is an error.

use std::io::Write;
use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::limits::{SHEET_CELL_CHARS_MAX, SHEET_ROWS_MAX};
use chancery_model::query::{Scope, Window};
use chancery_model::time::{instant_text, parse_date};
use chancery_model::{Record, Table, Value};
use chancery_storage::RecordStream;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use tokio::sync::mpsc;

use super::csv::{Cell, columns};
use super::shown::{Given, Showing, Shows};
use super::{ExportOptions, ExportStream, Header, PIECE_BYTES};
use crate::error::Error;
use crate::handle::TableHandle;

/// Pieces that wait to be sent.
const PIECES_AHEAD: usize = 4;
/// The most digits that a number of a sheet keeps.
const DIGITS_MAX: usize = 15;
/// The day from which on days of a sheet are days of the calendar (1 March 1900), and days from 1970 to a sheet's day 0.
const DAY_FIRST: i64 = -25_508;
const DAYS_BEFORE_1970: i64 = 25_569;
const DAY_MS: i64 = 86_400_000;
/// Most characters in the name of a sheet.
const NAME_CHARS_MAX: usize = 31;

impl TableHandle {
    /// The records of a query as a workbook, from one snapshot, in constant memory; a sheet has 1,048,576 rows, more records
    /// take more sheets, and a last sheet says so. Numbers of up to 15 digits, dates since 1900-03-01 and yes or no are typed
    /// cells; everything else is text, as in a CSV export. Takes `columns`, `id_first`, `query`, `header` and `links` of
    /// the options.
    ///
    /// # Errors
    /// [`Error::Query`] for columns that do not exist and filters that make no sense; while it is read [`Error::Limit`] for a
    /// text of more than 32,767 characters.
    pub async fn export_xlsx(&self, options: &ExportOptions) -> Result<ExportStream, Error> {
        self.store.refresh().await?;
        let definition = self.definition()?;
        let table = self.store.seen(&definition);
        let columns = columns(&table, options)?;
        let plan = self.plan_by(&definition, &options.query, Scope::Live, Window::All)?;
        let rows = self.reader().stream(&plan).await?;
        let cells = columns.iter().map(|cell| kind(&table, cell)).collect();
        let showing = Showing::new(&self.store, &table, &columns.iter().collect::<Vec<_>>());
        let sheets = Sheets {
            showing,
            table,
            columns,
            kinds: cells,
            header: options.header,
            rows_max: SHEET_ROWS_MAX,
        };
        Ok(ExportStream::of_pieces(sheets.start(rows)))
    }
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Bool,
    Date,
    Instant,
}

fn kind(table: &Table, cell: &Cell) -> Kind {
    let of_type = cell.ordinal.map(|ordinal| table.at(ordinal).kind().id());
    match (of_type, &cell.field) {
        (Some("number" | "currency" | "percent" | "rating" | "autoNumber"), _) => Kind::Number,
        (Some("boolean"), _) => Kind::Bool,
        (Some("date"), _) => Kind::Date,
        (Some("dateTime" | "createdTime" | "updatedTime"), _) => Kind::Instant,
        (Some(_), _) => Kind::Text,
        (None, FieldRef::Key | FieldRef::Version) => Kind::Number,
        (None, FieldRef::CreatedAt | FieldRef::UpdatedAt) => Kind::Instant,
        (None, _) => Kind::Text,
    }
}

/// How one workbook is written.
struct Sheets {
    /// What works out cells that do not stand in the records.
    showing: Option<Showing>,
    table: Arc<Table>,
    columns: Vec<Cell>,
    kinds: Vec<Kind>,
    header: Header,
    rows_max: u32,
}

/// The looks of cells.
struct Looks {
    name: Format,
    date: Format,
    instant: Format,
}

impl Sheets {
    fn start(self, rows: RecordStream) -> mpsc::Receiver<Result<Vec<u8>, Error>> {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        tokio::task::spawn_blocking(move || {
            let mut pieces = Pieces {
                ready: Vec::with_capacity(PIECE_BYTES),
                sender,
            };
            let written = self.fill(rows).and_then(|mut book| {
                book.save_to_writer(&mut pieces).map_err(unwritten)?;
                pieces.flush().map_err(|error| Error::Internal(error.to_string()))
            });
            if let Err(error) = written {
                // Nobody listens any more only if the export is over.
                let _ = pieces.sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    /// Writes all records, sheet after sheet.
    fn fill(&self, mut rows: RecordStream) -> Result<Workbook, Error> {
        let mut book = Workbook::new();
        let looks = Looks {
            name: Format::new().set_bold(),
            date: Format::new().set_num_format("yyyy-mm-dd"),
            instant: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        };
        let (mut number, mut at, mut total) = (1, 0, 0_u64);
        let mut sheet = self.sheet(&mut book, number, &looks, &mut at)?;
        let mut text = String::new();
        while let Some(records) = rows.blocking_recv() {
            let records = records?;
            let given = match &self.showing {
                Some(showing) => tokio::runtime::Handle::current().block_on(showing.of(&records))?,
                None => Vec::new(),
            };
            for (place, record) in records.iter().enumerate() {
                let given = given.get(place).map(Vec::as_slice).unwrap_or_default();
                if at == self.rows_max {
                    number += 1;
                    sheet = self.sheet(&mut book, number, &looks, &mut at)?;
                }
                for index in 0..self.columns.len() {
                    match self.columns[index].shows {
                        Shows::Kept => self.cell(sheet, (at, index), (record, &looks), &mut text)?,
                        _ => self.given(sheet, (at, index), record, given.get(index))?,
                    }
                }
                (at, total) = (at + 1, total + 1);
            }
        }
        if number > 1 {
            self.note(&mut book, number, total)?;
        }
        Ok(book)
    }

    /// Begins a sheet; `at` becomes its first free row.
    fn sheet<'a>(
        &self,
        book: &'a mut Workbook,
        number: usize,
        looks: &Looks,
        at: &mut u32,
    ) -> Result<&'a mut Worksheet, Error> {
        let sheet = book.add_worksheet_with_constant_memory().map_err(unwritten)?;
        sheet
            .set_name(sheet_name(&self.table.name, number))
            .map_err(unwritten)?;
        *at = 0;
        if self.header == Header::None {
            return Ok(sheet);
        }
        sheet.set_freeze_panes(1, 0).map_err(unwritten)?;
        for (index, cell) in self.columns.iter().enumerate() {
            let name = match self.header {
                Header::Names => &cell.name,
                _ => &cell.slug,
            };
            sheet
                .write_string_with_format(0, index as u16, name, &looks.name)
                .map_err(unwritten)?;
        }
        *at = 1;
        Ok(sheet)
    }

    fn cell(
        &self,
        sheet: &mut Worksheet,
        (row, index): (u32, usize),
        (record, looks): (&Record, &Looks),
        text: &mut String,
    ) -> Result<(), Error> {
        let (cell, column) = (&self.columns[index], index as u16);
        let value = record.field(&cell.field);
        let typed = match (self.kinds[index], &*value) {
            (_, Value::Null) => return Ok(()),
            (Kind::Number, value) => number(value).map(|number| sheet.write_number(row, column, number)),
            (Kind::Bool, Value::Bool(yes)) => Some(sheet.write_boolean(row, column, *yes)),
            (Kind::Date, Value::Text(date)) => {
                day(date).map(|day| sheet.write_number_with_format(row, column, day, &looks.date))
            }
            (Kind::Instant, Value::Int(ms)) => {
                instant(*ms).map(|day| sheet.write_number_with_format(row, column, day, &looks.instant))
            }
            _ => None,
        };
        if let Some(written) = typed {
            return written.map(|_| ()).map_err(unwritten);
        }
        text.clear();
        match (cell.ordinal, &*value) {
            (Some(ordinal), value) => {
                let column = self.table.at(ordinal);
                column.kind().write_export(value, column, text);
            }
            (None, Value::Int(ms)) if self.kinds[index] == Kind::Instant => text.push_str(&instant_text(*ms)),
            (None, Value::Int(int)) => text.push_str(&int.to_string()),
            (None, value) => text.push_str(value.as_text().unwrap_or_default()),
        }
        self.text(sheet, (row, index), record, text)
    }

    /// A cell that does not stand in the record.
    fn given(
        &self,
        sheet: &mut Worksheet,
        (row, index): (u32, usize),
        record: &Record,
        given: Option<&Option<Given>>,
    ) -> Result<(), Error> {
        let Some(Some(given)) = given else { return Ok(()) };
        let value = given
            .json
            .as_i64()
            .map(Value::Int)
            .or_else(|| Value::number(given.json.as_f64()?));
        match value.as_ref().and_then(number) {
            Some(number) => sheet
                .write_number(row, index as u16, number)
                .map(|_| ())
                .map_err(unwritten),
            None if given.text.is_empty() => Ok(()),
            None => self.text(sheet, (row, index), record, &given.text),
        }
    }

    fn text(
        &self,
        sheet: &mut Worksheet,
        (row, index): (u32, usize),
        record: &Record,
        text: &str,
    ) -> Result<(), Error> {
        let (cell, column) = (&self.columns[index], index as u16);
        let characters = text.encode_utf16().count();
        if characters > SHEET_CELL_CHARS_MAX {
            return Err(Error::File {
                message: format!(
                    "The record {} has {characters} characters in \"{}\": a cell of a sheet holds at most {SHEET_CELL_CHARS_MAX}",
                    record.key, cell.slug
                ),
                hint: "Export it as CSV, or leave that column out.".into(),
            });
        }
        sheet
            .write_string(row, column, text)
            .map(|_| ())
            .map_err(unwritten)
    }

    /// A last sheet that says why there are several.
    fn note(&self, book: &mut Workbook, sheets: usize, total: u64) -> Result<(), Error> {
        let sheet = book.add_worksheet();
        sheet.set_name("Note").map_err(unwritten)?;
        let first = sheet_name(&self.table.name, 1);
        let last = sheet_name(&self.table.name, sheets);
        let max = self.rows_max;
        let text = format!(
            "{total} records stand on {sheets} sheets, from \"{first}\" to \"{last}\": a sheet has at most {max} rows."
        );
        sheet.write_string(0, 0, text).map(|_| ()).map_err(unwritten)
    }
}

/// A number that a sheet keeps as it is.
fn number(value: &Value) -> Option<f64> {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    match value {
        Value::Int(int) if digits(&int.to_string()) <= DIGITS_MAX => Some(*int as f64),
        Value::Float(float) => Some(*float),
        Value::Decimal(decimal) => {
            let text = decimal.to_string();
            text.parse().ok().filter(|_| digits(&text) <= DIGITS_MAX)
        }
        _ => None,
    }
}

/// A date as the day of a sheet.
fn day(date: &str) -> Option<f64> {
    let days = parse_date(date).filter(|days| *days >= DAY_FIRST)?;
    Some((days + DAYS_BEFORE_1970) as f64)
}

/// A point in time as the day of a sheet with its fraction.
fn instant(ms: i64) -> Option<f64> {
    let days = Some(ms.div_euclid(DAY_MS)).filter(|days| *days >= DAY_FIRST)?;
    Some((days + DAYS_BEFORE_1970) as f64 + ms.rem_euclid(DAY_MS) as f64 / DAY_MS as f64)
}

/// The name of a sheet: that of the table, without what no sheet may be called.
fn sheet_name(table: &str, number: usize) -> String {
    let end = if number > 1 {
        format!(" ({number})")
    } else {
        String::new()
    };
    let plain = |c: char| !matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\') && !c.is_control();
    let kept: String = table.chars().filter(|c| plain(*c)).collect();
    let kept = kept.trim_matches(['\'', ' ']);
    let mut name = String::new();
    for c in kept.chars() {
        // Sheets count in UTF-16, as their cells do.
        if name.encode_utf16().count() + c.len_utf16() + end.len() > NAME_CHARS_MAX {
            break;
        }
        name.push(c);
    }
    let reserved = ["", "history", "note"].contains(&name.to_lowercase().as_str());
    let name = if reserved {
        "Records"
    } else {
        name.trim_end_matches(['\'', ' '])
    };
    format!("{name}{end}")
}

fn unwritten(error: XlsxError) -> Error {
    Error::Internal(format!("a workbook cannot be written: {error}"))
}

/// Hands a file over piece by piece while it is written.
struct Pieces {
    ready: Vec<u8>,
    sender: mpsc::Sender<Result<Vec<u8>, Error>>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.ready.extend_from_slice(bytes);
        if self.ready.len() >= PIECE_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        if self.ready.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.ready, Vec::with_capacity(PIECE_BYTES));
        let sent = self.sender.blocking_send(Ok(piece));
        sent.map_err(|_| {
            std::io::Error::new(std::io::ErrorKind::BrokenPipe, "the export is not read any more")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_named_as_the_table_as_far_as_it_may() {
        assert_eq!(sheet_name("People", 1), "People");
        assert_eq!(sheet_name("People", 3), "People (3)");
        assert_eq!(sheet_name("In/Out [2026]?", 1), "InOut 2026");
        assert_eq!(sheet_name("''", 1), "Records");
        assert_eq!(sheet_name("history", 1), "Records");
        let long = sheet_name(&"ä".repeat(60), 12);
        assert_eq!((long.chars().count(), long.ends_with(" (12)")), (31, true));
    }

    #[test]
    fn days_of_a_sheet_are_days_of_the_calendar() {
        assert_eq!(day("1970-01-01"), Some(25_569.0));
        assert_eq!(day("1900-03-01"), Some(61.0));
        assert_eq!(day("1900-02-28"), None);
        assert_eq!(instant(43_200_000), Some(25_569.5));
    }

    #[tokio::test]
    async fn more_records_than_a_sheet_has_rows_take_more_sheets() {
        use calamine::Reader;
        let store = crate::Store::open("memory:").await.expect("it opens");
        let input = crate::TableInput::new("Numbers").column(crate::ColumnInput::new("n", "number"));
        let table = store.create_table(input).await.expect("a table");
        for n in 0..7 {
            table.insert(crate::json!({ "n": n })).await.expect("a record");
        }
        let definition = table.definition().expect("a definition");
        let columns = columns(&definition, &ExportOptions::default()).expect("columns");
        let plan = table.plan_by(&definition, &Default::default(), Scope::Live, Window::All);
        let rows = table.reader().stream(&plan.expect("a plan")).await.expect("rows");
        let sheets = Sheets {
            showing: None,
            kinds: vec![Kind::Number],
            table: definition,
            columns,
            header: Header::Slugs,
            rows_max: 4,
        };
        let bytes = ExportStream::of_pieces(sheets.start(rows))
            .collect()
            .await
            .expect("a workbook");
        let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes)).expect("a workbook");
        assert_eq!(
            book.sheet_names(),
            ["Numbers", "Numbers (2)", "Numbers (3)", "Note"]
        );
        let mut heights = Vec::new();
        for name in book.sheet_names() {
            heights.push(book.worksheet_range(&name).expect("a sheet").height());
        }
        assert_eq!(heights, [4, 4, 2, 1]);
        let note = book.worksheet_range("Note").expect("a note");
        assert_eq!(
            note.get_value((0, 0)).expect("a text").to_string(),
            "7 records stand on 3 sheets, from \"Numbers\" to \"Numbers (3)\": a sheet has at most 4 rows."
        );
    }
}
