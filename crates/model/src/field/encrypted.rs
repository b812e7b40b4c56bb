//! What an encrypted column of any field type is to everybody without its key: text that shows a mask. What comes in is read by
//! the field type itself; it does not seal.

use super::{Category, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::encryption::{is_mask, shown};
use crate::field::FieldType;
use crate::filter::Operator;
use crate::{Issue, Json, Value};

/// The outside of an encrypted column; see [`Column::kind`].
pub struct Encrypted;

impl FieldType for Encrypted {
    fn id(&self) -> &'static str {
        "encrypted"
    }
    fn name(&self) -> &'static str {
        "Encrypted"
    }
    fn category(&self) -> Category {
        Category::Advanced
    }
    fn icon(&self) -> &'static str {
        "lock"
    }
    fn description(&self) -> &'static str {
        "A value that only those may see who may reveal it"
    }
    fn storage(&self) -> Storage {
        Storage::Text
    }
    fn json_type(&self, column: &Column) -> &'static str {
        column.field().json_type(column)
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_unique: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::ENCRYPTED
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw.as_str().and_then(|text| is_mask(column, text)) {
            Some(issue) => Err(issue),
            None => column
                .field()
                .parse(raw, column)
                .map_err(|issue| silent(issue, column)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue> {
        match is_mask(column, text) {
            Some(issue) => Err(issue),
            None => {
                let parsed = column.field().parse_text(text, column, format);
                parsed.map_err(|issue| silent(issue, column))
            }
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::from(shown(value))
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        shown(value).to_owned()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        write_as_json(out, shown(value));
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        out.push_str(shown(value));
    }
    fn examples(&self) -> Vec<Json> {
        Vec::new()
    }
}

/// What is wrong with a value, without the value: what an import refuses is kept, and answers are logged by those who get them.
fn silent(issue: Issue, column: &Column) -> Issue {
    let name = column.field().name();
    let message = format!(
        "This is no value of a column of type {name}; it is not repeated, as the column is encrypted"
    );
    Issue::new(&issue.field, issue.code, message)
}
