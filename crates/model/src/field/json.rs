//! `json`: an object or an array, kept with every digit and in the order it was written. Not for scalars: they have types.

use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value, limits};

/// A JSON object or array.
pub struct Structured;

impl FieldType for Structured {
    fn id(&self) -> &'static str {
        "json"
    }
    fn name(&self) -> &'static str {
        "JSON"
    }
    fn category(&self) -> Category {
        Category::Advanced
    }
    fn icon(&self) -> &'static str {
        "braces"
    }
    fn description(&self) -> &'static str {
        "An object or an array"
    }
    fn storage(&self) -> Storage {
        Storage::Json
    }
    fn json_type(&self, column: &Column) -> &'static str {
        match column.config_str("kind") {
            Some("object") => "object",
            Some("array") => "array",
            _ => "object or array",
        }
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::STRUCTURED
    }
    fn config_schema(&self) -> Json {
        let kind = serde_json::json!({
            "type": "string", "enum": ["any", "object", "array"], "default": "any", "description": "What values may be"
        });
        serde_json::json!({"type": "object", "properties": {"kind": kind}, "additionalProperties": false})
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        let fits = match column.config_str("kind") {
            Some("object") => raw.is_object(),
            Some("array") => raw.is_array(),
            _ => raw.is_object() || raw.is_array(),
        };
        if !fits {
            return Err(Issue::wrong_type(&column.slug, self.json_type(column), raw));
        }
        check(raw, limits::JSON_DEPTH_MAX, column)?;
        Ok(Value::Json(Box::new(raw.clone())))
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        let raw: Json = serde_json::from_str(text)
            .map_err(|error| Issue::new(&column.slug, Code::Format, format!("Invalid JSON: {error}")))?;
        self.parse(&raw, column)
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        match value {
            Value::Json(json) => (**json).clone(),
            _ => Json::Null,
        }
    }
    fn export(&self, value: &Value, _column: &Column) -> String {
        match value {
            Value::Json(json) => json.to_string(),
            _ => String::new(),
        }
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        match value {
            Value::Json(json) => write_as_json(out, &**json),
            _ => out.extend_from_slice(b"null"),
        }
    }
    fn examples(&self) -> Vec<Json> {
        vec![
            serde_json::json!({"street": "Main St 1", "floor": 3, "tags": ["a", null, true]}),
            serde_json::json!([1, 2.5, {"a": {}}]),
            serde_json::json!({}),
            serde_json::json!([]),
        ]
    }
}

/// Nothing that some backend cannot hold: nesting beyond the limit, or NUL in a text or a name.
fn check(json: &Json, levels_left: usize, column: &Column) -> Result<(), Issue> {
    let too_deep = || {
        let message = format!("Nested deeper than {} levels", limits::JSON_DEPTH_MAX);
        Issue::new(&column.slug, Code::Limit, message).with("limit", limits::JSON_DEPTH_MAX)
    };
    let no_nul = |text: &str| match text.contains('\0') {
        true => Err(Issue::new(
            &column.slug,
            Code::Format,
            "Text contains a NUL character, which cannot be stored",
        )),
        false => Ok(()),
    };
    match json {
        Json::Null | Json::Bool(_) | Json::Number(_) => Ok(()),
        Json::String(text) => no_nul(text),
        Json::Array(_) | Json::Object(_) if levels_left == 0 => Err(too_deep()),
        Json::Array(items) => items
            .iter()
            .try_for_each(|item| check(item, levels_left - 1, column)),
        Json::Object(properties) => properties.iter().try_for_each(|(name, item)| {
            no_nul(name)?;
            check(item, levels_left - 1, column)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(kind: &str) -> Column {
        let mut column = Column {
            slug: "data".into(),
            ..Column::default()
        };
        column.config.insert("kind".into(), kind.into());
        column
    }

    #[test]
    fn the_kind_of_the_column_is_the_type_that_is_named() {
        let message = |kind: &str, json: Json| {
            Structured
                .parse(&json, &column(kind))
                .expect_err("refused")
                .message
        };
        assert_eq!(
            message("array", "x".into()),
            "Expected type \"array\", got string"
        );
        assert_eq!(
            message("object", serde_json::json!([])),
            "Expected type \"object\", got array"
        );
        assert_eq!(
            message("any", 1.into()),
            "Expected type \"object or array\", got number"
        );
    }

    #[test]
    fn digits_and_order_are_kept() {
        let text = r#"{"b":1.50,"a":12345678901234567890123}"#;
        let value = Structured
            .parse_text(text, &column("any"), &TextFormat::default())
            .expect("JSON");
        assert_eq!(Structured.export(&value, &column("any")), text);
    }

    #[test]
    fn what_cannot_be_stored_is_refused() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let read = |text: &str| {
            Structured
                .parse_text(text, &column("any"), &TextFormat::default())
                .map_err(|issue| issue.code)
        };
        assert!(read(&nested(limits::JSON_DEPTH_MAX)).is_ok());
        assert_eq!(read(&nested(limits::JSON_DEPTH_MAX + 1)), Err(Code::Limit));
        assert_eq!(read(&nested(100_000)), Err(Code::Format));
        assert_eq!(read(r#"{"a":"x\u0000"}"#), Err(Code::Format));
        assert_eq!(read(r#"{"a\u0000":1}"#), Err(Code::Format));
        assert_eq!(read("{a:1}"), Err(Code::Format));
    }
}
