//! Records on their way out, written straight to bytes in the shape of [`chancery_api::records::Record`].

use std::io::Write;

use chancery::model::filter::FieldRef;
use chancery::model::query::unknown_column;
use chancery::model::time::write_instant;
use chancery::model::{RecordMetadata, Value};
use chancery::{Column, Error, Json, Key, Record, Table};

/// Whether `data._display` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Display {
    /// Yes.
    With,
    /// No.
    Without,
}

/// Which columns of a table are written, in which order; found out once for a whole page.
pub(crate) struct Shape<'a> {
    table: &'a Table,
    columns: Vec<Slot<'a>>,
    open: bool,
    display: Display,
}

struct Slot<'a> {
    column: &'a Column,
    field: FieldRef,
    /// The slug as a JSON member with its colon: `"title":`.
    member: Vec<u8>,
}

impl<'a> Shape<'a> {
    /// All live columns.
    pub(crate) fn whole(table: &'a Table, display: Display) -> Shape<'a> {
        Shape {
            columns: slots(table.ordered()),
            open: !table.strict,
            table,
            display,
        }
    }

    /// Some columns, in this order.
    ///
    /// # Errors
    /// [`Error::Query`] with every name that is no column.
    pub(crate) fn of(table: &'a Table, names: &[String], display: Display) -> Result<Shape<'a>, Error> {
        let mut columns = Vec::with_capacity(names.len());
        let mut issues = Vec::new();
        for name in names {
            match table.column(name) {
                Some(column) => columns.push(column),
                // System fields stand beside the data, whatever columns are chosen.
                None if table
                    .field(name)
                    .is_some_and(|field| !matches!(field, FieldRef::Extra(_))) => {}
                None => issues.push(unknown_column(table, name)),
            }
        }
        if !issues.is_empty() {
            return Err(Error::Query(issues));
        }
        Ok(Shape {
            columns: slots(columns),
            open: false,
            table,
            display,
        })
    }

    /// Appends a record as JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>, record: &Record, ignored: &[String]) {
        let row = record.row();
        out.extend_from_slice(b"{\"id\":");
        write_key(out, &row.key);
        out.extend_from_slice(b",\"tableId\":");
        write_text(out, &self.table.id);
        let _ = write!(out, ",\"version\":{},\"data\":{{", row.version);
        self.write_data(out, record);
        out.extend_from_slice(b"},\"metadata\":");
        write_metadata(out, &row.metadata);
        write_time(out, ",\"createdAt\":", Some(row.created_at));
        write_maybe(out, ",\"createdBy\":", row.created_by.as_deref());
        write_time(out, ",\"updatedAt\":", Some(row.updated_at));
        write_maybe(out, ",\"updatedBy\":", row.updated_by.as_deref());
        write_time(out, ",\"expiresAt\":", row.expires_at);
        write_time(out, ",\"deletedAt\":", row.deleted_at);
        if !ignored.is_empty() {
            out.extend_from_slice(b",\"ignored\":");
            write_json(out, ignored);
        }
        out.push(b'}');
    }

    /// Appends the members of `data`.
    fn write_data(&self, out: &mut Vec<u8>, record: &Record) {
        let row = record.row();
        let mut separator: &[u8] = b"";
        for slot in &self.columns {
            out.extend_from_slice(separator);
            separator = b",";
            out.extend_from_slice(&slot.member);
            if self.table.key_column == Some(slot.column.ordinal) {
                write_key(out, &row.key);
                continue;
            }
            if let Some(json) = record.shown(slot.column).and_then(|shown| shown.json.as_ref()) {
                write_json(out, json);
                continue;
            }
            match row.field(&slot.field).as_ref() {
                Value::Null => out.extend_from_slice(b"null"),
                value => slot.column.kind().write_json(value, slot.column, out),
            }
        }
        for (name, json) in row
            .extra
            .iter()
            .filter(|_| self.open)
            .flat_map(|extra| extra.iter())
        {
            out.extend_from_slice(separator);
            separator = b",";
            write_text(out, name);
            out.push(b':');
            write_json(out, json);
        }
        if self.display == Display::With {
            out.extend_from_slice(separator);
            self.write_display(out, record);
            self.write_files(out, record);
        }
    }

    fn write_display(&self, out: &mut Vec<u8>, record: &Record) {
        out.extend_from_slice(b"\"_display\":{");
        let mut separator: &[u8] = b"";
        for slot in &self.columns {
            if let Some(text) = record.display_of(slot.column, &slot.field) {
                out.extend_from_slice(separator);
                separator = b",";
                out.extend_from_slice(&slot.member);
                write_text(out, &text);
            }
        }
        out.push(b'}');
    }

    /// Appends what describes the files that the record names, beside what people read.
    fn write_files(&self, out: &mut Vec<u8>, record: &Record) {
        let named = self.columns.iter().filter_map(|slot| {
            let files = &record.shown(slot.column)?.files;
            (!files.is_empty()).then_some((slot, files))
        });
        let mut separator: &[u8] = b",\"_files\":{";
        for (slot, files) in named {
            out.extend_from_slice(separator);
            separator = b",";
            out.extend_from_slice(&slot.member);
            write_list(out, files, |out, file| write_json(out, &super::files::file(file)));
        }
        if separator == b"," {
            out.push(b'}');
        }
    }
}

fn slots(columns: Vec<&Column>) -> Vec<Slot<'_>> {
    fn slot(column: &Column) -> Slot<'_> {
        let mut member = Vec::with_capacity(column.slug.len() + 3);
        write_text(&mut member, &column.slug);
        member.push(b':');
        Slot {
            field: column.kind().system().unwrap_or(FieldRef::Column(column.ordinal)),
            column,
            member,
        }
    }
    columns.into_iter().map(slot).collect()
}

/// One whole record as JSON bytes.
pub(crate) fn bytes(record: &Record, display: Display, ignored: &[String]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1_024);
    Shape::whole(record.table(), display).write(&mut out, record, ignored);
    out
}

/// One whole record as a JSON value, for where bytes do not fit.
pub fn to_json(record: &Record) -> Json {
    serde_json::from_slice(&bytes(record, Display::With, &[])).unwrap_or(Json::Null)
}

/// A key as JSON: numbers as numbers.
pub(crate) fn write_key(out: &mut Vec<u8>, key: &Key) {
    match key {
        Key::Int(int) => {
            let _ = write!(out, "{int}");
        }
        Key::Text(text) => write_text(out, text),
        Key::Uuid(uuid) => {
            let mut buffer = [0_u8; uuid::fmt::Hyphenated::LENGTH];
            out.push(b'"');
            out.extend_from_slice(uuid.as_hyphenated().encode_lower(&mut buffer).as_bytes());
            out.push(b'"');
        }
    }
}

/// A key as a JSON value.
pub(crate) fn key_json(key: &Key) -> Json {
    match key {
        Key::Int(int) => Json::from(*int),
        key => Json::String(key.to_string()),
    }
}

/// A key that a caller sent as a string or a number, as its text; another type is as it stands, and matches nothing.
pub(crate) fn key_text(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn write_metadata(out: &mut Vec<u8>, metadata: &RecordMetadata) {
    let plain =
        metadata.import_id.is_none() && metadata.external_id.is_none() && metadata.duplicate_of.is_none();
    if plain && metadata.import_row.is_none() {
        let _ = write!(out, "{{\"source\":\"{}\"}}", metadata.source.as_str());
    } else {
        write_json(out, metadata);
    }
}

fn write_time(out: &mut Vec<u8>, member: &str, ms: Option<i64>) {
    out.extend_from_slice(member.as_bytes());
    let Some(ms) = ms else {
        return out.extend_from_slice(b"null");
    };
    let mut text = String::with_capacity(26);
    text.push('"');
    write_instant(&mut text, ms);
    text.push('"');
    out.extend_from_slice(text.as_bytes());
}

fn write_maybe(out: &mut Vec<u8>, member: &str, text: Option<&str>) {
    out.extend_from_slice(member.as_bytes());
    match text {
        Some(text) => write_text(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a JSON string.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    write_json(out, text);
}

/// Appends anything as JSON.
pub(crate) fn write_json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value)
        .expect("text and JSON values are always JSON, and memory takes all bytes");
}

/// Appends `[…]`, one item after the other.
pub(crate) fn write_list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}
