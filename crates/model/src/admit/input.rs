//! What a caller sends, and how one raw value is read. Checks no constraints.

use std::iter::Peekable;

use serde_json::map::Iter;

use crate::column::Column;
use crate::field::{Storage, TextFormat};
use crate::{Issue, Json, JsonMap, Table, Value};

/// Whether texts are read as other types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coerce {
    /// A text is a text.
    #[default]
    Exact,
    /// A text is read as the column's type, as in an import.
    FromText,
}

/// What a caller sends.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A JSON object by slug.
    Object(&'a JsonMap, Coerce),
    /// Cells of a file at the index that is the column's ordinal.
    Cells(&'a [Cell<'a>], &'a TextFormat),
}

/// One cell of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cell<'a> {
    /// The file says nothing of the column.
    #[default]
    Absent,
    /// Nothing stands in it: null.
    Empty,
    /// This text; the empty one where the column can hold that, else null.
    Text(&'a str),
}

/// One raw value.
pub(super) enum Raw<'a> {
    Json(&'a Json, Coerce),
    Empty,
    Text(&'a str, &'a TextFormat),
}

impl<'a> Input<'a> {
    pub(super) fn get(&self, column: &Column) -> Option<Raw<'a>> {
        match self {
            Input::Object(object, coerce) => object.get(&column.slug).map(|json| Raw::Json(json, *coerce)),
            Input::Cells(cells, format) => {
                cells
                    .get(usize::from(column.ordinal))
                    .and_then(|cell| match cell {
                        Cell::Absent => None,
                        Cell::Empty => Some(Raw::Empty),
                        Cell::Text(text) => Some(Raw::Text(text, format)),
                    })
            }
        }
    }
}

/// The raw values of an input, asked for column by column.
pub(super) struct Fields<'a> {
    input: Input<'a>,
    /// What a JSON object has not been asked for yet. Most callers send fields in the order of the columns: those are found without a search.
    in_order: Option<Peekable<Iter<'a>>>,
    /// How many were there.
    pub(super) seen: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(input: Input<'a>) -> Fields<'a> {
        let in_order = match input {
            Input::Object(object, _) => Some(object.iter().peekable()),
            Input::Cells(..) => None,
        };
        Fields {
            input,
            in_order,
            seen: 0,
        }
    }

    /// The value of a column, which is asked for once.
    pub(super) fn take(&mut self, column: &Column) -> Option<Raw<'a>> {
        let raw = match (self.input, &mut self.in_order) {
            (Input::Object(object, _), _) if self.seen == object.len() => None,
            (Input::Object(_, coerce), Some(in_order)) => {
                match in_order.next_if(|(slug, _)| **slug == column.slug) {
                    Some((_, json)) => Some(Raw::Json(json, coerce)),
                    None => self.input.get(column),
                }
            }
            _ => self.input.get(column),
        };
        self.seen += usize::from(raw.is_some());
        raw
    }
}

impl Raw<'_> {
    /// Whether it is this very text.
    pub(super) fn says(&self, text: &str) -> bool {
        match self {
            Raw::Json(json, _) => json.as_str() == Some(text),
            Raw::Text(own, _) => *own == text,
            Raw::Empty => false,
        }
    }

    pub(super) fn read(&self, column: &Column) -> Result<Value, Issue> {
        match self {
            Raw::Json(Json::Null, _) | Raw::Empty => Ok(Value::Null),
            Raw::Text("", format) => match column.field().storage() {
                Storage::Text | Storage::List => {
                    Ok(column.kind().parse_text("", column, format).unwrap_or_default())
                }
                _ => Ok(Value::Null),
            },
            Raw::Json(Json::String(text), Coerce::FromText) if column.field().storage() != Storage::Text => {
                if text.is_empty() {
                    return Ok(Value::Null);
                }
                column.kind().parse_text(text, column, &TextFormat::default())
            }
            Raw::Json(json, _) => column.kind().parse(json, column),
            Raw::Text(text, format) => column.kind().parse_text(text, column, format),
        }
    }
}

/// An input with some columns left out.
pub enum Kept<'a> {
    /// A JSON object.
    Object(JsonMap),
    /// Cells by ordinal.
    Cells(Vec<Cell<'a>>),
}

impl<'a> Input<'a> {
    /// The value that would be written to a column, unchecked; null if it is absent.
    ///
    /// # Errors
    /// The issue of a value that is not of the column's type.
    pub fn read(&self, column: &Column) -> Result<Value, Issue> {
        self.get(column).map_or(Ok(Value::Null), |raw| raw.read(column))
    }

    /// Whether a column is sent as null, as the empty text or as an empty cell.
    pub fn blank(&self, column: &Column) -> bool {
        match self.get(column) {
            Some(Raw::Json(json, _)) => json.is_null() || json.as_str() == Some(""),
            Some(Raw::Text(text, _)) => text.is_empty(),
            Some(Raw::Empty) => true,
            None => false,
        }
    }

    /// A copy without the columns that `drop` names.
    pub fn without(&self, table: &Table, drop: impl Fn(&Column) -> bool) -> Kept<'a> {
        match self {
            Input::Object(object, _) => {
                let dropped = |slug: &str| table.column(slug).is_some_and(&drop);
                let kept = object.iter().filter(|(slug, _)| !dropped(slug));
                Kept::Object(kept.map(|(slug, json)| (slug.clone(), json.clone())).collect())
            }
            Input::Cells(cells, _) => {
                let mut kept = cells.to_vec();
                for column in table.live().filter(|column| drop(column)) {
                    if let Some(cell) = kept.get_mut(usize::from(column.ordinal)) {
                        *cell = Cell::Absent;
                    }
                }
                Kept::Cells(kept)
            }
        }
    }
}

impl Kept<'_> {
    /// The copy as an input, read as the original is.
    pub fn as_input<'b>(&'b self, original: &Input<'b>) -> Input<'b> {
        match (self, original) {
            (Kept::Object(object), Input::Object(_, coerce)) => Input::Object(object, *coerce),
            (Kept::Object(object), Input::Cells(..)) => Input::Object(object, Coerce::Exact),
            (Kept::Cells(cells), Input::Cells(_, format)) => Input::Cells(cells, format),
            (Kept::Cells(_), Input::Object(..)) => *original,
        }
    }
}
