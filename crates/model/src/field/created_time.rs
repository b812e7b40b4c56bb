//! `createdTime`: when a record was created. A view of its metadata, not a copy.

use super::computed::{instant_json, read_only, write_instant_json};
use super::{Category, FieldType, Flags, Storage, TextFormat, date, date_time};
use crate::column::Column;
use crate::filter::{FieldRef, Operator};
use crate::time::write_instant;
use crate::{Issue, Json, Value};

/// When the record was created.
pub struct CreatedTime;

impl FieldType for CreatedTime {
    fn id(&self) -> &'static str {
        "createdTime"
    }
    fn name(&self) -> &'static str {
        "Created time"
    }
    fn category(&self) -> Category {
        Category::System
    }
    fn icon(&self) -> &'static str {
        "calendar-plus"
    }
    fn description(&self) -> &'static str {
        "When the record was created"
    }
    fn storage(&self) -> Storage {
        Storage::Int
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "date"
    }
    fn flags(&self) -> Flags {
        Flags {
            computed: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::DATE
    }
    fn config_schema(&self) -> Json {
        serde_json::json!({"type": "object", "properties": {"format": date::format_schema()}, "additionalProperties": false})
    }
    fn system(&self) -> Option<FieldRef> {
        Some(FieldRef::CreatedAt)
    }
    fn parse(&self, _raw: &Json, column: &Column) -> Result<Value, Issue> {
        Err(read_only(column))
    }
    fn parse_text(&self, _text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        Err(read_only(column))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        instant_json(value)
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        date_time::DateTime.display(value, column)
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        date_time::DateTime.export(value, column)
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        write_instant_json(value, out);
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        write_instant(out, value.as_int().unwrap_or_default());
    }
    fn examples(&self) -> Vec<Json> {
        Vec::new()
    }
}
