//! Rows of a file as rows to write: each cell at the place of its column. It decides nothing about values.

use std::sync::Arc;

use chancery_model::admit::{Cell, Coerce, Input};
use chancery_model::encryption::VEIL;
use chancery_model::field::TextFormat;
use chancery_model::{Code, Issue, Json, JsonMap, Key, KeyKind, RecordMetadata, Source, Table};

use super::cells::{Chunk, Row as FileRow, RowFault};
use super::collect::{ChunkDone, FailedRow};
use super::links::Resolved;
use super::mapping::{Places, Target};
use super::objects::Object;
use super::read::Part;
use super::report::RowError;
use crate::error::Error;
use crate::limits::VALUE_CHARS_MAX;
use crate::records::external_id_issue;
use crate::rows::Row;

/// How rows of one file become rows to write.
pub(super) struct Shape {
    pub(super) places: Places,
    pub(super) format: TextFormat,
    /// `""` is the empty text; otherwise it is null.
    pub(super) sparing: bool,
    /// The ordinal of each column of the file that goes into a column.
    ordinals: Vec<Option<usize>>,
    key: Option<usize>,
    nameless: Vec<usize>,
    /// Whether each column of the file goes into an encrypted one: what stands there is not told, and not kept.
    veiled: Vec<bool>,
    table: Arc<Table>,
    import_id: Arc<str>,
}

/// Rows to write, and those that cannot be.
pub(super) struct Prepared<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// The row of the chunk that each row to write is.
    pub(super) at: Vec<usize>,
    /// Rows of the chunk that are bad before they are decided.
    pub(super) bad: Vec<(usize, Vec<Issue>)>,
}

impl Shape {
    pub(super) fn new(
        table: Arc<Table>,
        places: Places,
        format: TextFormat,
        sparing: bool,
        import_id: Arc<str>,
    ) -> Result<Shape, Error> {
        let ordinal = |target: &Target| match target {
            Target::Column(slug) => match table.column(slug) {
                Some(column) => Ok(Some(usize::from(column.ordinal))),
                None => Err(Error::NotFound {
                    what: "column",
                    message: format!("The column \"{slug}\" was deleted while its file was imported"),
                }),
            },
            _ => Ok(None),
        };
        let ordinals = places.targets.iter().map(ordinal).collect::<Result<_, _>>()?;
        let at = |wanted: Target| places.targets.iter().position(|target| *target == wanted);
        let key = at(Target::Key);
        let nameless = places
            .targets
            .iter()
            .enumerate()
            .filter(|(_, target)| **target == Target::Nameless);
        let nameless = nameless.map(|(index, _)| index).collect();
        let is_veiled = |target: &Target| match target {
            Target::Column(slug) => table
                .column(slug)
                .is_some_and(|column| column.encrypted.is_some()),
            _ => false,
        };
        let veiled = places.targets.iter().map(is_veiled).collect();
        Ok(Shape {
            places,
            format,
            sparing,
            ordinals,
            key,
            nameless,
            veiled,
            table,
            import_id,
        })
    }

    /// The cells of all rows, each row as wide as the table; none of objects.
    pub(super) fn cells<'a>(&self, part: &'a Part, resolved: &'a Resolved) -> Vec<Cell<'a>> {
        let Part::Cells(chunk) = part else {
            return Vec::new();
        };
        let width = self.table.columns.len();
        let mut cells = vec![Cell::Absent; width * chunk.len()];
        for (at, (row, line)) in chunk.rows().zip(cells.chunks_mut(width.max(1))).enumerate() {
            for (index, ordinal) in self.ordinals.iter().enumerate() {
                if let (Some(ordinal), Some(cell)) = (ordinal, row.cell(index)) {
                    line[*ordinal] = match resolved.text(at, index) {
                        Some(ids) => Cell::Text(ids),
                        None => self.cell(cell),
                    };
                }
            }
        }
        cells
    }

    fn cell<'a>(&self, (text, quoted): (&'a str, bool)) -> Cell<'a> {
        if text.is_empty() && !(quoted && self.sparing) {
            Cell::Empty
        } else {
            Cell::Text(text)
        }
    }

    pub(super) fn prepare<'a>(
        &'a self,
        part: &'a Part,
        cells: &'a [Cell<'a>],
        resolved: &'a Resolved,
    ) -> Prepared<'a> {
        let size = part.len();
        let mut prepared = Prepared {
            rows: Vec::with_capacity(size),
            at: Vec::with_capacity(size),
            bad: Vec::new(),
        };
        match part {
            Part::Cells(chunk) => self.prepare_cells(chunk, (cells, resolved), &mut prepared),
            Part::Objects(objects) => {
                for (index, object) in objects.items.iter().enumerate() {
                    match &object.data {
                        Ok(data) => {
                            let data = resolved.object(index).unwrap_or(data);
                            let named = resolved.bad(index).into_iter().flatten();
                            prepared.at.push(index);
                            prepared.rows.push(Row {
                                known: object.known.iter().chain(named).cloned().collect(),
                                ..self.object(object, data)
                            });
                        }
                        Err(issues) => prepared.bad.push((index, issues.clone())),
                    }
                }
            }
        }
        prepared
    }

    fn prepare_cells<'a>(
        &'a self,
        chunk: &'a Chunk,
        (cells, resolved): (&'a [Cell<'a>], &Resolved),
        prepared: &mut Prepared<'a>,
    ) {
        let width = self.table.columns.len();
        for (index, row) in chunk.rows().enumerate() {
            match self.readable(&row) {
                Ok(()) => {
                    let (key, external_id, mut known) = self.keys(&row);
                    known.extend(resolved.bad(index).into_iter().flatten().cloned());
                    prepared.at.push(index);
                    prepared.rows.push(Row {
                        input: Input::Cells(&cells[index * width..(index + 1) * width], &self.format),
                        key,
                        metadata: self.metadata(row.number(), external_id),
                        stamps: None,
                        known,
                    });
                }
                Err(issue) => prepared.bad.push((index, vec![issue])),
            }
        }
    }

    fn object<'a>(&self, object: &'a Object, data: &'a JsonMap) -> Row<'a> {
        let (metadata, stamps) = match &object.before {
            Some((metadata, stamps)) => (metadata.clone(), Some(stamps.clone())),
            None => (self.metadata(object.row, object.external_id.clone()), None),
        };
        Row {
            input: Input::Object(data, Coerce::Exact),
            key: object.key.clone(),
            metadata,
            stamps,
            known: Vec::new(),
        }
    }

    fn metadata(&self, row: u64, external_id: Option<String>) -> RecordMetadata {
        RecordMetadata {
            source: Source::Import,
            import_id: Some(self.import_id.clone()),
            import_row: Some(row),
            external_id,
            duplicate_of: None,
        }
    }

    /// Whether it can be said which cell of a row is which.
    fn readable(&self, row: &FileRow) -> Result<(), Issue> {
        if let Some(fault) = row.fault() {
            return Err(self.fault(fault));
        }
        for index in &self.nameless {
            if row.cell(*index).is_some_and(|(text, _)| !text.is_empty()) {
                let message = format!("Column {} has no name, so its cells must be empty", index + 1);
                return Err(Issue::new("", Code::UnknownColumn, message));
            }
        }
        Ok(())
    }

    /// The key and the id in another system, and what is wrong with them.
    fn keys(&self, row: &FileRow) -> (Option<Key>, Option<String>, Vec<Issue>) {
        let filled = |at: usize| row.cell(at).map(|(text, _)| text).filter(|text| !text.is_empty());
        let mut issues = Vec::new();
        let key = self.key.and_then(filled).and_then(|text| {
            let key = Key::parse(self.table.key_kind, text.trim());
            if key.is_none() {
                let kind = match self.table.key_kind {
                    KeyKind::Uuid => "UUID",
                    KeyKind::Int => "whole number",
                    KeyKind::Text => "key",
                };
                issues.push(Issue::new(
                    "id",
                    Code::Format,
                    format!("\"{}\" is no {kind}", cut(text).0),
                ));
            }
            key
        });
        let external = self.places.external.and_then(filled).map(str::to_owned);
        issues.extend(external_id_issue(external.as_deref()).map(|issue| Issue {
            field: "externalId".into(),
            ..issue
        }));
        (key, external, issues)
    }

    fn fault(&self, fault: RowFault) -> Issue {
        match fault {
            RowFault::Cells(got) => {
                let wanted = self.places.names.len();
                Issue::new(
                    "",
                    Code::Malformed,
                    format!("The row has {got} cells, the header has {wanted}"),
                )
                .with("expected", wanted)
                .with("got", got)
            }
            RowFault::AfterQuote(at) => {
                let name = self.places.names.get(at as usize).map_or("", String::as_str);
                let message = format!("Text follows the closing quote of \"{name}\"");
                Issue::new(self.slug(at as usize), Code::Malformed, message)
            }
        }
    }

    fn slug(&self, index: usize) -> &str {
        match self.places.targets.get(index) {
            Some(Target::Column(slug)) => slug,
            _ => "",
        }
    }

    /// Puts bad rows into what became of a part, in the order of the file.
    pub(super) fn refuse(&self, part: &Part, mut bad: Vec<(usize, Vec<Issue>)>, done: &mut ChunkDone) {
        if bad.is_empty() {
            return;
        }
        bad.sort_by_key(|(index, _)| *index);
        let rows: Vec<FileRow> = match part {
            Part::Cells(chunk) => chunk.rows().collect(),
            Part::Objects(_) => Vec::new(),
        };
        for (index, issues) in bad {
            let source = match part {
                Part::Cells(_) => Refused::Row(&rows[index]),
                Part::Objects(objects) => Refused::Object(&objects.items[index]),
            };
            let said = |issue: &Issue| match issue.field.as_str() {
                "" => issue.message.clone(),
                field => format!("{field}: {}", issue.message),
            };
            let error = issues.iter().map(said).collect::<Vec<_>>().join("; ");
            let errors = issues
                .into_iter()
                .map(|issue| self.error(&source, issue))
                .collect();
            let (row, cells) = match source {
                Refused::Row(row) => (row.number(), self.raw(row)),
                Refused::Object(object) => (object.row, self.raw_object(object)),
            };
            done.failed.push((errors, FailedRow { row, cells, error }));
        }
    }

    /// One thing that is wrong with a row, for the report.
    fn error(&self, source: &Refused, issue: Issue) -> RowError {
        let (row, line, column, cell) = match source {
            Refused::Row(row) => {
                let place = self.places.of_field(&issue.field);
                let cell = place.and_then(|place| Some(self.told_of(row, place, row.cell(place)?.0)));
                (
                    row.number(),
                    row.line(),
                    place.map(|place| self.places.names[place].clone()),
                    cell,
                )
            }
            Refused::Object(object) => {
                let value = object.data.as_ref().ok().and_then(|data| data.get(&issue.field));
                let place = self.places.of_field(&issue.field);
                let value = value.map(|value| self.told(place, text_of(value)));
                (object.row, object.line, None, value)
            }
        };
        let cell = cell.as_deref().map(cut);
        RowError {
            row,
            line,
            field: issue.field,
            column,
            value: cell.map(|(text, _)| text.to_owned()),
            value_cut: cell.is_some_and(|(_, cut)| cut),
            code: issue.code,
            message: issue.message,
            params: issue.params,
        }
    }

    /// What is told and kept of a cell of the file.
    fn told(&self, place: Option<usize>, text: String) -> String {
        match place.and_then(|place| self.veiled.get(place)) {
            Some(true) => VEIL.to_owned(),
            _ => text,
        }
    }

    /// As [`Shape::told`], of a row of cells: in one that is not shaped as the header, any cell may be one that is to be encrypted.
    fn told_of(&self, row: &FileRow, place: usize, text: &str) -> String {
        match row.fault().is_some() && self.veiled.contains(&true) {
            true => VEIL.to_owned(),
            false => self.told(Some(place), text.to_owned()),
        }
    }

    /// The cells of a row as they are told; none is nothing between delimiters.
    fn raw(&self, row: &FileRow) -> Vec<Option<String>> {
        let raw = |index| {
            let (text, quoted) = row.cell(index)?;
            (!text.is_empty() || quoted && self.sparing).then(|| self.told_of(row, index, text))
        };
        (0..self.places.names.len().max(row.len())).map(raw).collect()
    }

    fn raw_object(&self, object: &Object) -> Vec<Option<String>> {
        let data = object.data.as_ref().ok();
        let raw = |(index, name): (usize, &String)| {
            let json = data?.get(name).filter(|json| !json.is_null())?;
            Some(self.told(Some(index), text_of(json)))
        };
        self.places.names.iter().enumerate().map(raw).collect()
    }
}

/// A row that is refused.
enum Refused<'a> {
    Row(&'a FileRow<'a>),
    Object(&'a Object),
}

fn text_of(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// The beginning of a text, and whether that is not all.
pub(super) fn cut(text: &str) -> (&str, bool) {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}
