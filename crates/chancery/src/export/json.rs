//! A whole table as JSON: its definition and its records, streamed. `import/json` makes it again.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::query::{Query, Scope, Window};
use chancery_model::time::write_instant;
use chancery_model::{Json, Record, Table};

use super::definition::{VERSION, column_part, table_part};
use super::{ExportStream, Writing};
use crate::error::Error;
use crate::handle::TableHandle;

impl TableHandle {
    /// The table as JSON: its whole definition, and the records of a query with ids, metadata and times. Computed columns
    /// are part of the definition, their values are not part of the data.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn export_json(&self, query: &Query) -> Result<ExportStream, Error> {
        self.store.refresh().await?;
        let definition = self.definition()?;
        let table = self.store.seen(&definition);
        let plan = self.plan_by(&definition, query, Scope::Live, Window::All)?;
        let rows = self.reader().stream(&plan).await?;
        let columns: Vec<_> = table.ordered().into_iter().map(column_part).collect();
        let text = |json: Result<String, serde_json::Error>| {
            json.map_err(|error| Error::Internal(error.to_string()))
        };
        let first = format!(
            "{{\"version\":\"{VERSION}\",\"table\":{},\"columns\":{},\"records\":[",
            text(serde_json::to_string(&table_part(&table)))?,
            text(serde_json::to_string(&columns))?,
        );
        let whole = Whole {
            names: names(&table),
            table,
            begun: false,
            scratch: Vec::new(),
        };
        Ok(ExportStream::new(rows, first, Writing::Json(whole), None))
    }
}

/// The columns whose values are exported, with their names as JSON.
fn names(table: &Table) -> Vec<(u16, String)> {
    let kept = |column: &&chancery_model::Column| column.kind().system().is_none();
    let name =
        |column: &chancery_model::Column| (column.ordinal, format!("{}:", Json::from(column.slug.as_str())));
    table.ordered().into_iter().filter(kept).map(name).collect()
}

/// How one export is written.
pub(super) struct Whole {
    table: Arc<Table>,
    names: Vec<(u16, String)>,
    begun: bool,
    scratch: Vec<u8>,
}

impl Whole {
    pub(super) fn write(&mut self, record: &Record, out: &mut String) {
        out.push_str(if self.begun { ",\n{\"id\":" } else { "\n{\"id\":" });
        self.begun = true;
        push(out, &key(record));
        out.push_str(",\"data\":{");
        let mut comma = false;
        let mut next = |out: &mut String| {
            if std::mem::replace(&mut comma, true) {
                out.push(',');
            }
        };
        for (ordinal, name) in &self.names {
            next(out);
            out.push_str(name);
            if self.table.key_column == Some(*ordinal) {
                push(out, &key(record));
                continue;
            }
            let value = record.value(*ordinal);
            if value.is_null() {
                out.push_str("null");
                continue;
            }
            self.scratch.clear();
            let column = self.table.at(*ordinal);
            column.kind().write_json(value, column, &mut self.scratch);
            out.push_str(std::str::from_utf8(&self.scratch).expect("JSON is UTF-8"));
        }
        for (name, json) in record.extra.iter().flat_map(|extra| extra.iter()) {
            next(out);
            push(out, &Json::from(name.as_str()));
            out.push(':');
            push(out, json);
        }
        out.push_str("},\"metadata\":");
        push(out, &serde_json::to_value(&record.metadata).unwrap_or_default());
        out.push_str(",\"version\":");
        out.push_str(&record.version.to_string());
        for (name, at) in [
            ("createdAt", Some(record.created_at)),
            ("updatedAt", Some(record.updated_at)),
            ("expiresAt", record.expires_at),
        ] {
            if let Some(at) = at {
                out.push_str(&format!(",\"{name}\":\""));
                write_instant(out, at);
                out.push('"');
            }
        }
        for (name, field) in [
            ("createdBy", FieldRef::CreatedBy),
            ("updatedBy", FieldRef::UpdatedBy),
        ] {
            if let Some(text) = record.field(&field).as_text() {
                out.push_str(&format!(",\"{name}\":"));
                push(out, &Json::from(text));
            }
        }
        out.push('}');
    }

    pub(super) fn end(&self, out: &mut String) {
        out.push_str("\n]}\n");
    }
}

fn key(record: &Record) -> Json {
    match &record.key {
        chancery_model::Key::Int(int) => Json::from(*int),
        key => Json::from(key.to_string()),
    }
}

fn push(out: &mut String, json: &Json) {
    out.push_str(&json.to_string());
}
