//! `text`: one line of text. It does not refuse line breaks and has no length of its own: length is a constraint.

use super::{Category, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::field::FieldType;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value, limits};

/// One line of text.
pub struct Text;

impl FieldType for Text {
    fn id(&self) -> &'static str {
        "text"
    }
    fn name(&self) -> &'static str {
        "Text"
    }
    fn category(&self) -> Category {
        Category::Basic
    }
    fn icon(&self) -> &'static str {
        "type"
    }
    fn description(&self) -> &'static str {
        "A short text such as a name or a title"
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
            supports_unique: true,
            searchable: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::TEXT
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match raw {
            Json::String(text) => plain_text(text, column),
            other => Err(Issue::wrong_type(&column.slug, self.json_type(column), other)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        plain_text(text, column)
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
        ["Project Alpha", "00501", "", "=1+1", "Ünïcode 🎉, \"quoted\""]
            .map(Json::from)
            .into()
    }
}

/// Text as it is, within the limit that every backend can hold; NUL cannot be kept by all of them.
pub(super) fn plain_text(text: &str, column: &Column) -> Result<Value, Issue> {
    if text.len() > limits::TEXT_BYTES_MAX {
        let message = format!("Text is longer than {} bytes", limits::TEXT_BYTES_MAX);
        return Err(Issue::new(&column.slug, Code::Limit, message).with("limit", limits::TEXT_BYTES_MAX));
    }
    if text.contains('\0') {
        return Err(Issue::new(
            &column.slug,
            Code::Format,
            "Text contains a NUL character, which cannot be stored",
        ));
    }
    Ok(Value::text(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_it_is() {
        let column = Column {
            slug: "name".into(),
            ..Column::default()
        };
        for example in Text.examples() {
            let value = Text.parse(&example, &column).expect("an example is valid");
            assert_eq!(Text.to_json(&value, &column), example);
        }
        let issue = Text
            .parse(&serde_json::json!(123), &column)
            .expect_err("a number is no text");
        assert_eq!(issue.message, "Expected type \"string\", got number");
    }
}
