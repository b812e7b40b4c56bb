//! Records as JSON lines: one object for each, by slug. Which records and in which order is the query's business.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::query::{Scope, Window};
use chancery_model::time::instant_text;
use chancery_model::{Json, Key, Record, Table, Value};

use super::csv::{Cell, columns};
use super::shown::{Given, Showing, Shows};
use super::{ExportOptions, ExportStream, Writing};
use crate::error::Error;
use crate::handle::TableHandle;

impl TableHandle {
    /// The records of a query as JSON objects, one on each line, from one snapshot, in constant memory: the id first, unless
    /// columns are named. Takes `columns`, `query` and `links` of the options.
    ///
    /// # Errors
    /// [`Error::Query`] for columns that do not exist and filters that make no sense.
    pub async fn export_ndjson(&self, options: &ExportOptions) -> Result<ExportStream, Error> {
        self.store.refresh().await?;
        let definition = self.definition()?;
        let table = self.store.seen(&definition);
        let options = ExportOptions {
            id_first: true,
            ..options.clone()
        };
        let named_cells = columns(&table, &options)?;
        let showing = Showing::new(&self.store, &table, &named_cells.iter().collect::<Vec<_>>());
        let named = |cell: Cell| (format!("{}:", Json::from(cell.slug.as_str())), cell);
        let columns = named_cells.into_iter().map(named).collect();
        let plan = self.plan_by(&definition, &options.query, Scope::Live, Window::All)?;
        let rows = self.reader().stream(&plan).await?;
        let lines = Lines {
            table,
            columns,
            extras: options.columns.is_empty(),
            scratch: Vec::new(),
        };
        Ok(ExportStream::new(
            rows,
            String::new(),
            Writing::Lines(lines),
            showing,
        ))
    }
}

/// How one export is written.
pub(super) struct Lines {
    table: Arc<Table>,
    columns: Vec<(String, Cell)>,
    /// Whether members that are no columns are written too.
    extras: bool,
    scratch: Vec<u8>,
}

impl Lines {
    pub(super) fn write(&mut self, (record, given): (&Record, &[Option<Given>]), out: &mut String) {
        let mut sign = '{';
        for (at, (name, cell)) in self.columns.iter().enumerate() {
            out.push(std::mem::replace(&mut sign, ','));
            out.push_str(name);
            if cell.shows != Shows::Kept {
                let given = given.get(at).and_then(Option::as_ref);
                out.push_str(&given.map_or_else(|| "null".to_owned(), |given| given.json.to_string()));
                continue;
            }
            let value = record.field(&cell.field);
            match cell.ordinal.map(|ordinal| self.table.at(ordinal)) {
                _ if value.is_null() => out.push_str("null"),
                Some(column) => {
                    self.scratch.clear();
                    column.kind().write_json(&value, column, &mut self.scratch);
                    out.push_str(std::str::from_utf8(&self.scratch).expect("JSON is UTF-8"));
                }
                None => out.push_str(&system(record, &cell.field, &value).to_string()),
            }
        }
        for (name, json) in record
            .extra
            .iter()
            .flat_map(|extra| extra.iter())
            .filter(|_| self.extras)
        {
            out.push(std::mem::replace(&mut sign, ','));
            out.push_str(&format!("{}:{json}", Json::from(name.as_str())));
        }
        if sign == '{' {
            out.push('{');
        }
        out.push_str("}\n");
    }
}

/// The key and what the store keeps about a record.
fn system(record: &Record, field: &FieldRef, value: &Value) -> Json {
    match (field, value) {
        (FieldRef::Key, _) => match &record.key {
            Key::Int(int) => Json::from(*int),
            key => Json::from(key.to_string()),
        },
        (FieldRef::Version, Value::Int(int)) => Json::from(*int),
        (_, Value::Int(ms)) => Json::from(instant_text(*ms)),
        (_, Value::Text(text)) => Json::from(text.as_str()),
        _ => Json::Null,
    }
}
