//! `secret`: a password, a key, or a token of the vault. A column of it is encrypted whatever its definition says.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Issue, Json, Value};

/// Something that only those may see who may reveal it.
pub struct Secret;

impl FieldType for Secret {
    fn id(&self) -> &'static str {
        "secret"
    }
    fn name(&self) -> &'static str {
        "Secret"
    }
    fn category(&self) -> Category {
        Category::Advanced
    }
    fn icon(&self) -> &'static str {
        "key-round"
    }
    fn description(&self) -> &'static str {
        "A password, a key or a token; always encrypted, and shown only to those who may reveal it"
    }
    fn storage(&self) -> Storage {
        Storage::Text
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "string"
    }
    fn flags(&self) -> Flags {
        Flags {
            encrypted: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::ENCRYPTED
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
            "hunter2",
            "-----BEGIN KEY-----\nAAAA\n-----END KEY-----\n",
            " spaces stay ",
        ]
        .map(Json::from)
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_kept_to_the_last_blank() {
        let column = Column::default();
        let value = Secret.parse(&Json::from(" a\r\nb "), &column).expect("text");
        assert_eq!(Secret.to_json(&value, &column), Json::from(" a\r\nb "));
    }
}
