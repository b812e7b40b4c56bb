//! Records as CSV, written straight into bytes. Which records and in which order is the query's business.

use std::sync::Arc;

use chancery_model::field::Storage;
use chancery_model::filter::FieldRef;
use chancery_model::query::{Scope, Window, unknown_column};
use chancery_model::{Code, Column, Issue, Record, Table, Value};
use chancery_storage::RecordStream;

use super::guard;
use super::shown::{Given, LinkForm, Showing, Shows, shows};
use super::{Escape, ExportOptions, ExportStream, Header, Writing};
use crate::error::Error;
use crate::handle::TableHandle;

impl TableHandle {
    /// The records of a query as a CSV file, from one snapshot, in constant memory.
    ///
    /// # Errors
    /// [`Error::Query`] for columns that do not exist and filters that make no sense, [`Error::File`] for what is no
    /// delimiter.
    pub async fn export_csv(&self, options: &ExportOptions) -> Result<ExportStream, Error> {
        self.store.refresh().await?;
        let definition = self.definition()?;
        let table = self.store.seen(&definition);
        let columns = columns(&table, options)?;
        let delimiter = match options.delimiter.unwrap_or(',') {
            delimiter @ (',' | ';' | '\t' | '|') => delimiter as u8,
            other => {
                return Err(Error::File {
                    message: format!("{other:?} cannot be the delimiter of an export"),
                    hint: "Take a comma, a semicolon, a tab or a vertical bar.".into(),
                });
            }
        };
        let plan = self.plan_by(&definition, &options.query, Scope::Live, Window::All)?;
        let rows: RecordStream = self.reader().stream(&plan).await?;
        let csv = Csv {
            table,
            columns,
            delimiter,
            escape: options.escape,
        };
        let first = csv.first_row(options.header);
        let cells: Vec<&Cell> = csv.columns.iter().collect();
        let showing = Showing::new(&self.store, &csv.table, &cells);
        Ok(ExportStream::new(rows, first, Writing::Csv(csv), showing))
    }
}

/// One column of the file.
pub(super) struct Cell {
    pub(super) field: FieldRef,
    /// The column it is, if it is one whose type writes the cell.
    pub(super) ordinal: Option<u16>,
    pub(super) slug: String,
    pub(super) name: String,
    /// Whether a text could stand in it.
    texts: bool,
    pub(super) shows: Shows,
}

/// How one export is written.
pub(super) struct Csv {
    table: Arc<Table>,
    columns: Vec<Cell>,
    delimiter: u8,
    escape: Escape,
}

/// The columns that are exported, in order.
///
/// # Errors
/// [`Error::Query`] for names that are none.
pub(super) fn columns(table: &Table, options: &ExportOptions) -> Result<Vec<Cell>, Error> {
    let mut names: Vec<&str> = options.columns.iter().map(String::as_str).collect();
    if names.is_empty() {
        names = table
            .ordered()
            .iter()
            .map(|column| column.slug.as_str())
            .collect();
        if options.id_first && table.key_column.is_none() && table.column("id").is_none() {
            names.insert(0, "id");
        }
    }
    let mut issues = Vec::new();
    let mut cells = Vec::with_capacity(names.len());
    for name in names {
        match table.field(name) {
            Some(FieldRef::Extra(_)) | None => issues.push(unknown_column(table, name)),
            Some(field) => {
                for shows in shows(table.column(name), &field, options.links) {
                    cells.push(cell(table, name, (field.clone(), shows, options.links)));
                }
            }
        }
    }
    if cells.is_empty() && issues.is_empty() {
        issues.push(Issue::new(
            "columns",
            Code::Required,
            "The table has no columns to export",
        ));
    }
    if issues.is_empty() {
        Ok(cells)
    } else {
        Err(Error::Query(issues))
    }
}

fn cell(table: &Table, name: &str, (field, shows, form): (FieldRef, Shows, LinkForm)) -> Cell {
    let column = table.column(name);
    let by_type = column.filter(|column| table.key_column != Some(column.ordinal));
    let texts = match column {
        Some(column) => matches!(
            column.kind().storage(),
            Storage::Text | Storage::List | Storage::Json
        ),
        None => matches!(
            field,
            FieldRef::ExternalId | FieldRef::CreatedBy | FieldRef::UpdatedBy
        ),
    };
    let (mut slug, mut seen) = (
        name.to_owned(),
        column.map_or_else(|| name.to_owned(), |column| column.name.clone()),
    );
    if form == LinkForm::Both && shows == Shows::Label {
        slug.push_str("_label");
        seen.push_str(" (label)");
    }
    Cell {
        field,
        ordinal: by_type.map(|column| column.ordinal),
        slug,
        name: seen,
        texts: texts || shows != Shows::Kept,
        shows,
    }
}

impl Csv {
    fn first_row(&self, header: Header) -> String {
        let mut out = String::new();
        let mark = self.escape == Escape::Formula && self.columns.iter().any(|cell| cell.texts);
        let by = |name: fn(&Cell) -> &str| self.columns.iter().map(name).collect::<Vec<_>>();
        let names = match header {
            Header::None => return out,
            Header::Slugs => by(|cell| &cell.slug),
            Header::Names => by(|cell| &cell.name),
        };
        guard::write_names(&mut out, &names, self.delimiter, mark);
        out
    }

    pub(super) fn write(&self, (record, given): (&Record, &[Option<Given>]), out: &mut String) {
        for (index, cell) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(char::from(self.delimiter));
            }
            match cell.ordinal {
                _ if cell.shows != Shows::Kept => self.write_given(given.get(index), out),
                Some(ordinal) => self.write_value(record, cell, self.table.at(ordinal), out),
                None => self.write_system(record, cell, out),
            }
        }
        out.push_str("\r\n");
    }

    fn write_given(&self, given: Option<&Option<Given>>, out: &mut String) {
        let Some(Some(given)) = given else { return };
        if given.text.is_empty() {
            return;
        }
        let from = out.len();
        out.push_str(&given.text);
        let guarded = self.escape == Escape::Formula && !given.json.is_number();
        guard::finish_text(out, from, self.delimiter, guarded);
    }

    fn write_value(&self, record: &Record, cell: &Cell, column: &Column, out: &mut String) {
        let system;
        let value = match &cell.field {
            FieldRef::Column(ordinal) => record.value(*ordinal),
            field => {
                system = record.field(field);
                &*system
            }
        };
        if value.is_null() {
            return;
        }
        let from = out.len();
        column.kind().write_export(value, column, out);
        guard::finish_text(
            out,
            from,
            self.delimiter,
            cell.texts && self.escape == Escape::Formula,
        );
    }

    /// The key and what the store keeps about a record.
    fn write_system(&self, record: &Record, cell: &Cell, out: &mut String) {
        let from = out.len();
        match &*record.field(&cell.field) {
            Value::Null => return,
            Value::Int(int) => match cell.field {
                FieldRef::Key | FieldRef::Version => out.push_str(&int.to_string()),
                _ => chancery_model::time::write_instant(out, *int),
            },
            Value::Text(text) => out.push_str(text),
            _ => {}
        }
        guard::finish_text(
            out,
            from,
            self.delimiter,
            cell.texts && self.escape == Escape::Formula,
        );
    }
}
