//! Records as output: a text table, JSON, CSV or one line of JSON each. Chooses no records.

use std::io::Write;

use chancery_api::columns::Column;
use chancery_api::records::Record;
use chancery_api::tables::Table;
use clap::ValueEnum;
use serde_json::Value as Json;

use crate::failure::Failure;
use crate::table_text::TextTable;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned columns, for people
    Table,
    /// One JSON array of whole records
    Json,
    /// Comma-separated values
    Csv,
    /// One JSON record per line
    Ndjson,
}

/// Field types that are numbers, set to the right.
const NUMBERS: [&str; 6] = [
    "number",
    "currency",
    "percent",
    "rating",
    "autoNumber",
    "duration",
];
/// Field types whose text people read is the text files hold.
const NAMED: [&str; 2] = ["select", "multiSelect"];

/// Writes records as they come.
pub(crate) struct RecordWriter<W: Write> {
    out: W,
    columns: Vec<Column>,
    shape: Shape,
    written: u64,
}

enum Shape {
    Table(TextTable),
    Json,
    Csv,
    Ndjson,
}

impl<W: Write> RecordWriter<W> {
    /// A writer of these columns, or all of the table; `id` stands first unless columns are named.
    pub(crate) fn new(
        out: W,
        table: &Table,
        named: &[String],
        format: Format,
    ) -> Result<RecordWriter<W>, Failure> {
        let columns = chosen(table, named)?;
        let shape = match format {
            Format::Table => {
                let head = |column: &Column| match NUMBERS.contains(&column.field_type.as_str()) {
                    true => format!("{}>", column.slug),
                    false => column.slug.clone(),
                };
                let heads: Vec<String> = columns.iter().map(head).collect();
                Shape::Table(TextTable::new(heads.iter().map(String::as_str)))
            }
            Format::Json => Shape::Json,
            Format::Csv => Shape::Csv,
            Format::Ndjson => Shape::Ndjson,
        };
        Ok(RecordWriter {
            out,
            columns,
            shape,
            written: 0,
        })
    }

    /// Writes what stands before all records. Nothing is written before the first one is here, so that a refused
    /// question leaves nothing behind.
    fn begin(&mut self) -> Result<(), Failure> {
        match self.shape {
            Shape::Json => write!(self.out, "[")?,
            Shape::Csv => {
                let heads: Vec<&str> = self.columns.iter().map(|column| column.slug.as_str()).collect();
                csv_row(&mut self.out, &heads)?;
            }
            Shape::Table(_) | Shape::Ndjson => {}
        }
        Ok(())
    }

    /// Writes one record; a text table waits for the end.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), Failure> {
        if self.written == 0 {
            self.begin()?;
        }
        match &mut self.shape {
            Shape::Table(table) => table.row(self.columns.iter().map(|column| read(record, column))),
            Shape::Csv => {
                let cells: Vec<String> = self.columns.iter().map(|column| cell(record, column)).collect();
                csv_row(&mut self.out, &cells)?;
            }
            Shape::Json => {
                write!(self.out, "{}", if self.written == 0 { "\n" } else { ",\n" })?;
                serde_json::to_writer(&mut self.out, record)?;
            }
            Shape::Ndjson => {
                serde_json::to_writer(&mut self.out, record)?;
                writeln!(self.out)?;
            }
        }
        self.written += 1;
        Ok(())
    }

    /// Writes what is left and answers how many records there were.
    pub(crate) fn finish(mut self) -> Result<u64, Failure> {
        if self.written == 0 {
            self.begin()?;
        }
        match &self.shape {
            Shape::Table(table) if table.is_empty() => {}
            Shape::Table(table) => table.write(&mut self.out)?,
            Shape::Json if self.written == 0 => writeln!(self.out, "]")?,
            Shape::Json => writeln!(self.out, "\n]")?,
            Shape::Csv | Shape::Ndjson => {}
        }
        self.out.flush()?;
        Ok(self.written)
    }
}

/// The columns to show.
fn chosen(table: &Table, named: &[String]) -> Result<Vec<Column>, Failure> {
    let all = table.columns.as_deref().unwrap_or_default();
    if named.is_empty() {
        let own_key = all.iter().any(|column| column.slug == table.key);
        let id = (!own_key).then(|| system("id"));
        return Ok(id
            .into_iter()
            .chain(all.iter().filter(|column| column.is_visible).cloned())
            .collect());
    }
    let find = |name: &String| match all.iter().find(|column| column.slug == *name) {
        Some(column) => Ok(column.clone()),
        None if SYSTEM.contains(&name.as_str()) => Ok(system(name)),
        None => {
            let known = all.iter().map(|column| column.slug.as_str()).chain(SYSTEM);
            let message = chancery::unknown_name("column", name, known);
            Err(Failure::new(message).hint(format!("`chancery table show {}` shows the columns", table.slug)))
        }
    };
    named.iter().map(find).collect()
}

/// What every record has besides its columns.
const SYSTEM: [&str; 6] = [
    "id",
    "version",
    "createdAt",
    "updatedAt",
    "createdBy",
    "updatedBy",
];

fn system(slug: &str) -> Column {
    Column {
        id: String::new(),
        name: slug.to_owned(),
        slug: slug.to_owned(),
        description: None,
        field_type: String::new(),
        config: chancery_api::JsonMap::new(),
        validation: chancery_api::columns::Validation::default(),
        default_value: None,
        generated: None,
        options: Vec::new(),
        indexed: false,
        order_index: 0,
        width: None,
        is_visible: true,
        is_primary: false,
        is_read_only: true,
        encrypted: None,
        deleted_at: None,
    }
}

/// The value of a column of a record; system values as they stand on the wire.
fn value(record: &Record, column: &Column) -> Json {
    if let Some(value) = record
        .data
        .get(&column.slug)
        .filter(|_| !column.field_type.is_empty())
    {
        return value.clone();
    }
    match column.slug.as_str() {
        "id" => record.id.clone(),
        "version" => record.version.into(),
        "createdAt" => record.created_at.clone().into(),
        "updatedAt" => record.updated_at.clone().into(),
        "createdBy" => record.created_by.clone().into(),
        "updatedBy" => record.updated_by.clone().into(),
        other => record.data.get(other).cloned().unwrap_or(Json::Null),
    }
}

/// What a person reads.
fn read(record: &Record, column: &Column) -> String {
    let shown = record
        .data
        .get("_display")
        .and_then(|display| display.get(&column.slug))
        .and_then(Json::as_str);
    shown.map_or_else(|| plain(value(record, column)), str::to_owned)
}

/// What a file holds: names of choices, everything else exactly.
fn cell(record: &Record, column: &Column) -> String {
    match NAMED.contains(&column.field_type.as_str()) {
        true => read(record, column),
        false => plain(value(record, column)),
    }
}

fn plain(value: Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn csv_row<T: AsRef<[u8]>>(out: &mut impl Write, cells: &[T]) -> Result<(), Failure> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(cells)?;
    let row = writer
        .into_inner()
        .map_err(|error| Failure::new(error.to_string()))?;
    Ok(out.write_all(&row)?)
}

/// One record for a person: a line per column.
pub(crate) fn card(record: &Record, table: &Table, out: &mut impl Write) -> Result<(), Failure> {
    let columns = chosen(table, &[])?;
    let system = ["version", "createdAt", "updatedAt"].map(system);
    let width = columns
        .iter()
        .map(|column| console::measure_text_width(&column.slug))
        .max()
        .unwrap_or(0)
        .max(9);
    for column in columns.iter().chain(&system) {
        let name = console::pad_str(&column.slug, width, console::Alignment::Left, None).into_owned();
        let lines = read(record, column).replace('\n', &format!("\n{}", " ".repeat(width + 2)));
        writeln!(out, "{}  {lines}", console::style(name).dim())?;
    }
    Ok(())
}
