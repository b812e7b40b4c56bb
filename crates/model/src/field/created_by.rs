//! `createdBy`: who created a record. A view of its metadata, not a copy.

use super::computed::read_only;
use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::{FieldRef, Operator};
use crate::{Issue, Json, Value};

/// Who created the record.
pub struct CreatedBy;

impl FieldType for CreatedBy {
    fn id(&self) -> &'static str {
        "createdBy"
    }
    fn name(&self) -> &'static str {
        "Created by"
    }
    fn category(&self) -> Category {
        Category::System
    }
    fn icon(&self) -> &'static str {
        "user-plus"
    }
    fn description(&self) -> &'static str {
        "Who created the record"
    }
    fn storage(&self) -> Storage {
        Storage::Text
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "string"
    }
    fn flags(&self) -> Flags {
        Flags {
            computed: true,
            reference: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::CHOICE
    }
    fn system(&self) -> Option<FieldRef> {
        Some(FieldRef::CreatedBy)
    }
    fn parse(&self, _raw: &Json, column: &Column) -> Result<Value, Issue> {
        Err(read_only(column))
    }
    fn parse_text(&self, _text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        Err(read_only(column))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::String(value.as_text().unwrap_or_default().to_owned())
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        value.as_text().unwrap_or_default().to_owned()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        write_as_json(out, value.as_text().unwrap_or_default());
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        out.push_str(value.as_text().unwrap_or_default());
    }
    fn examples(&self) -> Vec<Json> {
        Vec::new()
    }
}
