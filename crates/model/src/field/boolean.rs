//! `boolean`: yes or no. Numbers and texts are not booleans in JSON; only text from files is read generously.

use super::{Category, FieldType, Flags, Storage, TextFormat};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value};

/// Yes or no.
pub struct Boolean;

impl FieldType for Boolean {
    fn id(&self) -> &'static str {
        "boolean"
    }
    fn name(&self) -> &'static str {
        "Checkbox"
    }
    fn category(&self) -> Category {
        Category::Basic
    }
    fn icon(&self) -> &'static str {
        "square-check"
    }
    fn description(&self) -> &'static str {
        "Yes or no"
    }
    fn storage(&self) -> Storage {
        Storage::Bool
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "boolean"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::BOOLEAN
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::Bool(bool) => Ok(Value::Bool(*bool)),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        read(text).map(Value::Bool).ok_or_else(|| {
            let message = format!(
                "\"{text}\" is neither true nor false (yes/no, t/f, y/n, on/off and 1/0 are read too)"
            );
            Issue::new(&column.slug, Code::Type, message)
        })
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::Bool(*value == Value::Bool(true))
    }
    fn display(&self, value: &Value, _column: &Column) -> Option<String> {
        Some(if *value == Value::Bool(true) { "Yes" } else { "No" }.to_owned())
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        word(value).to_owned()
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        out.extend_from_slice(word(value).as_bytes());
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        out.push_str(word(value));
    }
    fn examples(&self) -> Vec<Json> {
        vec![true.into(), false.into()]
    }
}

/// The one spelling that is written.
fn word(value: &Value) -> &'static str {
    if *value == Value::Bool(true) {
        "true"
    } else {
        "false"
    }
}

/// Any of the usual spellings, in any case.
pub(super) fn read(text: &str) -> Option<bool> {
    let text = text.trim();
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "yes", "1", "t", "y", "on"]) {
        Some(true)
    } else if is(&["false", "no", "0", "f", "n", "off"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_generously_and_json_strictly() {
        for (text, expected) in [
            ("TRUE", Some(true)),
            ("Yes", Some(true)),
            ("on", Some(true)),
            ("0", Some(false)),
            ("N", Some(false)),
            ("2", None),
            ("ja", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        let issue = Boolean
            .parse(&Json::from(1), &Column::default())
            .expect_err("a number is no boolean");
        assert_eq!(issue.message, "Expected type \"boolean\", got number");
    }
}
