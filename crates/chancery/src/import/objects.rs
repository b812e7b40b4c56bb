//! JSON objects as rows: an array of them, one on each line, or the records of a table's export. It reads in one pass, in
//! little memory, and decides nothing about values.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chancery_model::encryption::VEIL;
use chancery_model::issue::type_name;
use chancery_model::{Code, Issue, Json, JsonMap, Key, RecordMetadata, Table, limits};
use serde::de::DeserializeSeed;

use super::exported::{Each, Head, LooseRecord, RecordPart, RecordsOnly, STOP, Told, Whole};
use super::file::{ImportFile, unreadable};
use super::mapping::KEPT_BY_STORE;
use super::read::Portion;
use crate::error::Error;
use crate::records::external_id_issue;
use crate::rows::Stamps;

/// Objects of a file.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub(super) items: Vec<Object>,
    /// Cells that were left out of them because they are masks.
    pub(super) masked: u64,
    /// Bytes of the file read up to here.
    pub(super) bytes: u64,
}

/// One object of a file.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) row: u64,
    /// The line it begins on; 0 where that is not known.
    pub(super) line: u64,
    /// What it says by slug, or why it cannot be taken.
    pub(super) data: Result<JsonMap, Vec<Issue>>,
    pub(super) key: Option<Key>,
    pub(super) external_id: Option<String>,
    /// What it was before, if it comes from an export.
    pub(super) before: Option<(RecordMetadata, Stamps)>,
    /// What is wrong with its key and its id in another system.
    pub(super) known: Vec<Issue>,
}

/// What objects are read for.
#[derive(Clone, Debug)]
pub(super) struct ObjectFormat {
    pub(super) table: Arc<Table>,
    pub(super) external: Option<String>,
    pub(super) from: ObjectsFrom,
    /// Members of an export that have no column here.
    pub(super) left_out: Vec<String>,
}

/// Where objects come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectsFrom {
    /// An array of them, or one on each line.
    Objects,
    /// The export of a table, which is made again: ids and times as they were.
    Table,
    /// The records of an export, for a table that is there: new ones, or those that have their ids if records are matched by that.
    Records { ids: bool },
}

/// A file that counts what was read of it.
pub(super) struct Counted {
    inner: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

pub(super) fn open(file: &ImportFile) -> Result<(BufReader<Counted>, Arc<AtomicU64>), Error> {
    let bytes = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner: file.open()?,
        bytes: bytes.clone(),
    };
    let mut reader = BufReader::with_capacity(256 * 1024, counted);
    let start = reader.fill_buf().map_err(|error| unreadable(&error))?;
    if start.starts_with(b"\xEF\xBB\xBF") {
        reader.consume(3);
    }
    Ok((reader, bytes))
}

pub(super) fn no_json(what: &str, error: &serde_json::Error) -> Error {
    let place = format!("line {}, column {}", error.line(), error.column());
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    Error::File {
        message: format!("The file is no {what}: {text} ({place})"),
        hint: "Send UTF-8 JSON: an array of objects, one object on each line, or the JSON export of a table."
            .into(),
    }
}

/// Reads all objects; `emit` takes them part by part and says whether to go on. Blocks.
///
/// # Errors
/// [`Error::File`] for what is no JSON.
pub(super) fn read(
    file: &ImportFile,
    format: &ObjectFormat,
    portion: Portion,
    emit: impl FnMut(Objects) -> bool,
) -> Result<(), Error> {
    let (mut reader, bytes) = open(file)?;
    let mut reading = Reading {
        format,
        portion,
        emit,
        bytes,
        row: 0,
        from: 0,
        part: Objects::default(),
        veiled: veiled(format),
    };
    let first = first_byte(&mut reader)?;
    match first {
        _ if matches!(format.from, ObjectsFrom::Records { .. }) => {
            let mut take = |told| match told {
                Told::Columns(columns) => !reading.veil(&columns),
                Told::Record(json) => reading.loose(json),
            };
            let records = RecordsOnly { take: &mut take };
            let mut deserializer = serde_json::Deserializer::from_reader(reader);
            finish("JSON export of a table", records.deserialize(&mut deserializer))?;
        }
        _ if format.from == ObjectsFrom::Table => {
            let mut head = Head::default();
            let mut each = |json| reading.record(json);
            let whole = Whole {
                head: &mut head,
                each: Some(&mut each),
            };
            let mut deserializer = serde_json::Deserializer::from_reader(reader);
            finish("JSON export of a table", whole.deserialize(&mut deserializer))?;
        }
        None => {
            let (message, hint) = (
                "The file is empty".to_owned(),
                "Send at least one object, or [].".to_owned(),
            );
            return Err(Error::File { message, hint });
        }
        Some(b'[') => {
            let mut each = |json| reading.json(json, 0);
            let mut deserializer = serde_json::Deserializer::from_reader(reader);
            finish(
                "JSON array of objects",
                Each(&mut each).deserialize(&mut deserializer),
            )?;
        }
        Some(_) => reading.lines(reader)?,
    }
    reading.flush();
    Ok(())
}

/// Calls `take` with each value of an array, and its number, or with each line, and its number. Blocks.
///
/// # Errors
/// [`Error::File`] for what is no JSON, with its place; whatever `take` says.
pub(super) fn each_value(
    file: &ImportFile,
    take: &mut dyn FnMut(Json, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut reader, _) = open(file)?;
    if first_byte(&mut reader)? != Some(b'[') {
        return each_line(reader, take);
    }
    let (mut number, mut failed) = (0, None);
    let mut each = |json| {
        number += 1;
        failed = take(json, number).err();
        failed.is_none()
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let read = Each(&mut each).deserialize(&mut deserializer);
    let read = read.and_then(|()| deserializer.end());
    match failed {
        Some(error) => Err(error),
        None => finish("JSON array of objects", read),
    }
}

fn each_line(
    mut reader: impl BufRead,
    take: &mut dyn FnMut(Json, u64) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut number, mut text) = (0, Vec::new());
    while next_line(&mut reader, &mut text, number + 1)? {
        number += 1;
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let json = serde_json::from_slice(&text).map_err(|error| Error::File {
            message: format!("Line {number} is no JSON: {error}"),
            hint: "Put one object on each line, or all of them in an array.".into(),
        })?;
        take(json, number)?;
    }
    Ok(())
}

/// Reads the next line; false at the end.
fn next_line(reader: &mut impl BufRead, text: &mut Vec<u8>, number: u64) -> Result<bool, Error> {
    text.clear();
    let max = limits::IMPORT_ROW_BYTES_MAX;
    let read = reader.by_ref().take(max as u64 + 1).read_until(b'\n', text);
    if read.map_err(|error| unreadable(&error))? == 0 {
        return Ok(false);
    }
    if text.len() > max {
        return Err(Error::File {
            message: format!("Line {number} has more than {max} bytes"),
            hint: "Put one object on each line.".into(),
        });
    }
    Ok(true)
}

fn finish(what: &str, result: Result<(), serde_json::Error>) -> Result<(), Error> {
    match result {
        Err(error) if !error.to_string().starts_with(STOP) => Err(no_json(what, &error)),
        _ => Ok(()),
    }
}

fn first_byte(reader: &mut impl BufRead) -> Result<Option<u8>, Error> {
    loop {
        let buffer = reader.fill_buf().map_err(|error| unreadable(&error))?;
        if buffer.is_empty() {
            return Ok(None);
        }
        if let Some(at) = buffer.iter().position(|byte| !byte.is_ascii_whitespace()) {
            return Ok(Some(buffer[at]));
        }
        let spaces = buffer.len();
        reader.consume(spaces);
    }
}

struct Reading<'a, F> {
    format: &'a ObjectFormat,
    portion: Portion,
    emit: F,
    bytes: Arc<AtomicU64>,
    row: u64,
    /// Where the part begins in the file, about.
    from: u64,
    part: Objects,
    /// The columns whose values an export shows as masks.
    veiled: HashSet<String>,
}

/// The columns of the table itself whose values are shown as masks; of a list of objects none: what somebody wrote there is refused.
fn veiled(format: &ObjectFormat) -> HashSet<String> {
    let columns = format.table.live().filter(|column| column.encrypted.is_some());
    match format.from {
        ObjectsFrom::Objects => HashSet::new(),
        ObjectsFrom::Table | ObjectsFrom::Records { .. } => {
            columns.map(|column| column.slug.clone()).collect()
        }
    }
}

impl<F: FnMut(Objects) -> bool> Reading<'_, F> {
    /// Takes a record of an export for a table that is there, and says whether to go on.
    fn loose(&mut self, json: Json) -> bool {
        let part = match serde_json::from_value::<LooseRecord>(json) {
            Ok(part) => part,
            Err(error) => {
                let message = format!("It is no record of an export: {error}");
                return self.push(Err(vec![Issue::new("", Code::Malformed, message)]), 0, None);
            }
        };
        let mut data = part.data;
        self.unmask(&mut data);
        if self.format.from == (ObjectsFrom::Records { ids: true }) && self.format.table.key_column.is_none()
        {
            data.insert("id".into(), part.id);
        }
        self.push(Ok(data), 0, None)
    }

    /// Notes which columns of an export show masks; whether any does. In a table where such a column is readable, a mask would be taken
    /// for a value.
    fn veil(&mut self, columns: &Json) -> bool {
        let encrypted = |column: &&Json| column.get("encrypted").is_some_and(|how| !how.is_null());
        let found = columns.as_array().into_iter().flatten().filter(encrypted);
        let slugs: Vec<String> = found
            .filter_map(|column| column.get("slug")?.as_str().map(str::to_owned))
            .collect();
        let any = !slugs.is_empty();
        self.veiled.extend(slugs);
        any
    }

    fn lines(&mut self, mut reader: impl BufRead) -> Result<(), Error> {
        let mut line = 0;
        let mut text = Vec::new();
        while next_line(&mut reader, &mut text, line + 1)? {
            line += 1;
            if text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let go_on = match serde_json::from_slice::<Json>(&text) {
                Ok(json) => self.json(json, line),
                Err(error) => {
                    let message = format!("The line is no JSON: {error}");
                    self.push(Err(vec![Issue::new("", Code::Malformed, message)]), line, None)
                }
            };
            if !go_on {
                return Ok(());
            }
        }
        Ok(())
    }

    /// An object by slug.
    fn json(&mut self, json: Json, line: u64) -> bool {
        match json {
            Json::Object(map) => self.push(Ok(map), line, None),
            other => {
                let message = format!("Expected an object of columns, got {}", type_name(&other));
                self.push(Err(vec![Issue::new("", Code::Type, message)]), line, None)
            }
        }
    }

    /// A record of an export.
    fn record(&mut self, json: Json) -> bool {
        match serde_json::from_value::<RecordPart>(json) {
            Ok(part) => match part.before() {
                Ok(before) => {
                    let mut data = part.data;
                    self.unmask(&mut data);
                    for slug in &self.format.left_out {
                        data.shift_remove(slug);
                    }
                    if self.format.table.key_column.is_none() {
                        data.insert("id".into(), part.id);
                    }
                    self.push(Ok(data), 0, Some(before))
                }
                Err(issue) => self.push(Err(vec![issue]), 0, None),
            },
            Err(error) => {
                let message = format!("It is no record of an export: {error}");
                self.push(Err(vec![Issue::new("", Code::Malformed, message)]), 0, None)
            }
        }
    }

    /// Leaves out cells that are masks, which are never values.
    fn unmask(&mut self, data: &mut JsonMap) {
        for slug in &self.veiled {
            let is_mask = |cell: &Json| cell.as_str().is_some_and(|text| text.contains(VEIL));
            if data.get(slug).is_some_and(is_mask) {
                data.shift_remove(slug);
                self.part.masked += 1;
            }
        }
    }

    fn push(
        &mut self,
        data: Result<JsonMap, Vec<Issue>>,
        line: u64,
        before: Option<(RecordMetadata, Stamps)>,
    ) -> bool {
        self.row += 1;
        let mut object = Object {
            row: self.row,
            line,
            data,
            key: None,
            external_id: None,
            before,
            known: Vec::new(),
        };
        self.keys(&mut object);
        self.part.items.push(object);
        let bytes = self.bytes.load(Ordering::Relaxed);
        let full =
            self.part.items.len() >= self.portion.rows || bytes - self.from >= self.portion.bytes as u64;
        !full || self.flush()
    }

    /// Takes the key and the id in another system out of the data.
    fn keys(&self, object: &mut Object) {
        let Ok(data) = &mut object.data else { return };
        let table = &self.format.table;
        let mut issues = Vec::new();
        for name in KEPT_BY_STORE {
            if table.column(name).is_none() && table.strict {
                data.shift_remove(name);
            }
        }
        if table.key_column.is_none() && table.column("id").is_none() {
            match data.shift_remove("id") {
                None | Some(Json::Null) => {}
                Some(id) => {
                    let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
                    object.key = Key::parse(table.key_kind, &text);
                    if object.key.is_none() {
                        issues.push(Issue::new(
                            "id",
                            Code::Format,
                            format!("{id} cannot be an id of this table"),
                        ));
                    }
                }
            }
        }
        let external = match &self.format.external {
            Some(name) => data
                .get(name)
                .cloned()
                .filter(|_| table.column(name).is_some())
                .or_else(|| data.shift_remove(name)),
            None if table.column("externalId").is_none() => data.shift_remove("externalId"),
            None => None,
        };
        if let Some(external) = external.filter(|external| !external.is_null()) {
            let text = external
                .as_str()
                .map_or_else(|| external.to_string(), str::to_owned);
            issues.extend(external_id_issue(Some(&text)));
            object.external_id = Some(text);
        }
        object.known = issues;
    }

    fn flush(&mut self) -> bool {
        if self.part.items.is_empty() {
            return true;
        }
        self.from = self.bytes.load(Ordering::Relaxed);
        self.part.bytes = self.from;
        (self.emit)(std::mem::take(&mut self.part))
    }
}
