//! JSON objects as rows of cells, one column for each member that any of them has. It knows no table.

use std::collections::HashMap;
use std::io::{BufWriter, Write};

use chancery_model::issue::type_name;
use chancery_model::{Json, limits};
use memchr::memchr3;
use tempfile::NamedTempFile;

use super::file::{FileFormat, ImportFile, Origin, unreadable};
use super::objects::each_value;
use super::options::{ImportControl, Phase};
use super::scan::cancelled;
use crate::error::Error;

/// Objects between two signs of life.
const OBJECTS_AT_ONCE: u64 = 5_000;
/// Bytes written at once.
const STEP_BYTES: usize = 256 * 1024;

/// The rows of a file of JSON objects, read twice: for the members, then for the values. Blocks.
///
/// # Errors
/// [`Error::File`] for what is no JSON or no object, with its line; [`Error::Limit`] for too many members.
pub(super) fn rows(file: &ImportFile, control: &ImportControl) -> Result<ImportFile, Error> {
    let total = file.len()?;
    let mut columns = Members::default();
    let mut objects = 0_u64;
    each(file, |object, _| {
        objects += 1;
        columns.note(object)?;
        alive(control, objects, total)
    })?;
    let written = NamedTempFile::new().map_err(|error| unreadable(&error))?;
    let mut out = BufWriter::with_capacity(STEP_BYTES, written.reopen().map_err(|error| unreadable(&error))?);
    let mut line = String::new();
    columns.first_row(&mut line);
    let (mut now, mut rows) = (0_u64, 0_u64);
    each(file, |object, at| {
        // Lines stay where they were, so that the report can name them.
        if columns.names.len() > 1 && at > now + 1 {
            line.extend(std::iter::repeat_n('\n', (at - now - 1) as usize));
        }
        now = at;
        for (index, name) in columns.names.iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            if let Some(value) = object.get(name) {
                push_value(&mut line, value);
            }
        }
        line.push('\n');
        out.write_all(line.as_bytes())
            .map_err(|error| unreadable(&error))?;
        line.clear();
        rows += 1;
        alive(control, rows, total)
    })?;
    out.write_all(line.as_bytes())
        .map_err(|error| unreadable(&error))?;
    out.flush().map_err(|error| unreadable(&error))?;
    drop(out);
    Ok(ImportFile::written(written).made_of(Origin {
        format: FileFormat::Json,
        sheets: Vec::new(),
        sheet: None,
        notes: columns.notes(),
        texts: columns.texts,
    }))
}

fn alive(control: &ImportControl, rows: u64, total: u64) -> Result<(), Error> {
    if rows.is_multiple_of(OBJECTS_AT_ONCE) {
        control.tell(Phase::Checking, rows, 0, total);
    }
    if control.cancelled() {
        Err(cancelled())
    } else {
        Ok(())
    }
}

/// Calls `take` with each object and its line, or its number where the file is an array.
fn each(
    file: &ImportFile,
    mut take: impl FnMut(&chancery_model::JsonMap, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut first = true;
    each_value(file, &mut |json, at| {
        let wrong = |message: String, hint: &str| Error::File {
            message,
            hint: hint.to_owned(),
        };
        let Json::Object(object) = &json else {
            let message = format!("Item {at} is no object but {}", type_name(&json));
            return Err(wrong(message, "Send objects: in an array, or one on each line."));
        };
        if std::mem::take(&mut first) && object.contains_key("records") && object.contains_key("columns") {
            let message = "The file is the JSON export of a whole table".to_owned();
            return Err(wrong(
                message,
                "Send it to POST /api/tables/import/json, which makes the table again.",
            ));
        }
        take(object, at)
    })
}

/// The members of all objects, in the order in which they first come.
#[derive(Default)]
struct Members {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// Of each: whether a text stands in it.
    texts: Vec<bool>,
    /// Values that are objects or arrays.
    nested: u64,
}

impl Members {
    fn note(&mut self, object: &chancery_model::JsonMap) -> Result<(), Error> {
        for (name, value) in object {
            let at = match self.places.get(name) {
                Some(at) => *at,
                None => {
                    let at = self.names.len();
                    if at == limits::IMPORT_COLUMNS_MAX {
                        return Err(Error::Limit {
                            what: "columns in an imported file",
                            max: limits::IMPORT_COLUMNS_MAX as u64,
                            got: at as u64 + 1,
                        });
                    }
                    self.places.insert(name.clone(), at);
                    self.names.push(name.clone());
                    self.texts.push(false);
                    at
                }
            };
            self.texts[at] |= value.is_string();
            self.nested += u64::from(value.is_object() || value.is_array());
        }
        Ok(())
    }

    fn first_row(&self, out: &mut String) {
        for (index, name) in self.names.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            push_cell(out, name);
        }
        out.push('\n');
    }

    fn notes(&self) -> Vec<String> {
        let note = |nested| format!("{nested} value(s) are objects or arrays and stand as JSON text");
        Some(self.nested)
            .filter(|nested| *nested > 0)
            .map(note)
            .into_iter()
            .collect()
    }
}

/// A value as a cell: null is nothing, the empty text is quoted, objects and arrays are JSON.
fn push_value(out: &mut String, value: &Json) {
    match value {
        Json::Null => {}
        Json::String(text) if text.is_empty() => out.push_str("\"\""),
        Json::String(text) => push_cell(out, text),
        other => push_cell(out, &other.to_string()),
    }
}

/// A cell, quoted only where it must be.
pub(super) fn push_cell(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    if memchr3(b',', b'\n', b'\r', bytes).is_none() && !bytes.starts_with(b"\"") {
        return out.push_str(text);
    }
    out.push('"');
    for (index, piece) in text.split('"').enumerate() {
        if index > 0 {
            out.push_str("\"\"");
        }
        out.push_str(piece);
    }
    out.push('"');
}
