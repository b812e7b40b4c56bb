//! What the four system columns share: they show what the record holds anyway, and nobody writes them.

use crate::column::Column;
use crate::time::{instant_text, write_instant};
use crate::{Code, Issue, Json, Value};

/// The answer to every attempt to write one.
pub(super) fn read_only(column: &Column) -> Issue {
    Issue::new(
        &column.slug,
        Code::ReadOnly,
        "Kept by the store and cannot be written",
    )
}

/// An instant as JSON.
pub(super) fn instant_json(value: &Value) -> Json {
    value
        .as_int()
        .map_or(Json::Null, |ms| Json::String(instant_text(ms)))
}

/// Appends an instant as JSON.
pub(super) fn write_instant_json(value: &Value, out: &mut Vec<u8>) {
    let mut text = String::with_capacity(24);
    write_instant(&mut text, value.as_int().unwrap_or_default());
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}
