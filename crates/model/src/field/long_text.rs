//! `longText`: text of many lines. Kept exactly as `text` is; only its place on the screen differs.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Issue, Json, Value};

/// Text of many lines.
pub struct LongText;

impl FieldType for LongText {
    fn id(&self) -> &'static str {
        "longText"
    }
    fn name(&self) -> &'static str {
        "Long text"
    }
    fn category(&self) -> Category {
        Category::Basic
    }
    fn icon(&self) -> &'static str {
        "align-left"
    }
    fn description(&self) -> &'static str {
        "Notes, descriptions and other text of many lines"
    }
    fn storage(&self) -> Storage {
        Storage::Text
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "string"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            searchable: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::TEXT
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        super::text::Text.parse(raw, column)
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        super::text::plain_text(text, column)
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
        [
            "One line",
            "Two\nlines",
            "Windows\r\nlines, \"quoted\"\n\n",
            "  spaces stay  ",
        ]
        .map(Json::from)
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_stay_as_they_were_written() {
        let column = Column::default();
        let value = LongText
            .parse_text("a\r\nb\n", &column, &TextFormat::default())
            .expect("text");
        assert_eq!(LongText.export(&value, &column), "a\r\nb\n");
    }
}
