//! `multiSelect`: several of the column's options, in the order given. Not a set of free words: options are made first.

use super::select::{exactly, loosely, name, none_of_them};
use super::{Category, FieldType, Flags, Storage, TextFormat, lists, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, Value, limits};

/// Several of several options.
pub struct MultiSelect;

impl FieldType for MultiSelect {
    fn id(&self) -> &'static str {
        "multiSelect"
    }
    fn name(&self) -> &'static str {
        "Multiple select"
    }
    fn category(&self) -> Category {
        Category::Choice
    }
    fn icon(&self) -> &'static str {
        "list-checks"
    }
    fn description(&self) -> &'static str {
        "Several of several options"
    }
    fn storage(&self) -> Storage {
        Storage::List
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "array"
    }
    fn flags(&self) -> Flags {
        Flags {
            supports_default: true,
            needs_options: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        Operator::LIST
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        let Json::Array(items) = raw else {
            return Err(Issue::wrong_type(&column.slug, self.json_type(column), raw));
        };
        let mut chosen = Chosen::default();
        for (at, item) in items.iter().enumerate() {
            let Json::String(text) = item else {
                return Err(Issue::wrong_type(
                    &format!("{}[{at}]", column.slug),
                    "string",
                    item,
                ));
            };
            chosen.add(exactly(text, column).map(|option| option.id.as_str()), column)?;
        }
        Ok(Value::List(chosen.ids))
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        let mut chosen = Chosen::default();
        for item in lists::split(text).ok_or_else(|| lists::unreadable(column))? {
            chosen.add(loosely(&item, column).map(|option| option.id.as_str()), column)?;
        }
        Ok(Value::List(chosen.ids))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        Json::from(ids(value).to_vec())
    }
    fn display(&self, value: &Value, column: &Column) -> Option<String> {
        let names: Vec<&str> = ids(value).iter().map(|id| name(id, column)).collect();
        Some(names.join(", "))
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        let mut out = String::new();
        self.write_export(value, column, &mut out);
        out
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        write_as_json(out, ids(value));
    }
    fn write_export(&self, value: &Value, column: &Column, out: &mut String) {
        lists::write(ids(value).iter().map(|id| name(id, column)), out);
    }
    fn examples(&self) -> Vec<Json> {
        vec![
            serde_json::json!(["high"]),
            serde_json::json!(["low", "later", "high"]),
            serde_json::json!([]),
        ]
    }
}

fn ids(value: &Value) -> &[String] {
    match value {
        Value::List(ids) => ids,
        _ => &[],
    }
}

/// The ids chosen so far, each once.
#[derive(Default)]
struct Chosen {
    ids: Vec<String>,
}

impl Chosen {
    fn add(&mut self, id: Option<&str>, column: &Column) -> Result<(), Issue> {
        let id = id.ok_or_else(|| none_of_them(column))?;
        if self.ids.iter().any(|chosen| chosen == id) {
            let message = format!("\"{}\" is chosen more than once", name(id, column));
            return Err(Issue::new(&column.slug, Code::Enum, message));
        }
        if self.ids.len() == limits::OPTIONS_MAX {
            let message = format!("At most {} options can be chosen", limits::OPTIONS_MAX);
            return Err(Issue::new(&column.slug, Code::Limit, message).with("limit", limits::OPTIONS_MAX));
        }
        self.ids.push(id.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::example_column;
    use super::*;

    #[test]
    fn choices_keep_their_order_and_do_not_repeat() {
        let column = example_column(&MultiSelect);
        let value = MultiSelect
            .parse(&serde_json::json!(["low", "High"]), &column)
            .expect("two options");
        assert_eq!(value, Value::List(vec!["low".into(), "high".into()]));
        assert_eq!(MultiSelect.display(&value, &column).as_deref(), Some("Low, High"));
        let message = |json: Json| MultiSelect.parse(&json, &column).expect_err("refused").message;
        assert_eq!(
            message(serde_json::json!(["low", "Low"])),
            "\"Low\" is chosen more than once"
        );
        assert_eq!(
            message(serde_json::json!(["none"])),
            "Value must be one of: High, Low, Later, \"if ever\""
        );
        assert_eq!(
            message(serde_json::json!("low")),
            "Expected type \"array\", got string"
        );
        let issue = MultiSelect
            .parse(&serde_json::json!(["low", 1]), &column)
            .expect_err("no text");
        assert_eq!(
            (issue.field.as_str(), issue.message.as_str()),
            ("example[1]", "Expected type \"string\", got number")
        );
    }
}
