//! `multiSelect`: several of the column's options, in the order given. Not a set of free words: options are made first.

use super::select::{exactly, loosely, name, none_of_them};
use super::{Category, FieldType, Flags, Storage, TextFormat, write_as_json};
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
        for item in split(text).ok_or_else(|| {
            let message =
                "A quoted name does not end, or something stands beside it; write High, \"Later, if ever\"";
            Issue::new(&column.slug, Code::Format, message)
        })? {
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
        for (at, id) in ids(value).iter().enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            let name = name(id, column);
            if name.is_empty() || name.contains([',', '"', '\n', '\r']) || name.trim() != name {
                out.push('"');
                out.push_str(&name.replace('"', "\"\""));
                out.push('"');
            } else {
                out.push_str(name);
            }
        }
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

/// The items of a JSON array of texts, which is another way to write them; none if it is no such array.
pub fn json_items(text: &str) -> Option<Vec<String>> {
    let text = text.trim();
    text.starts_with('[')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// The items of a comma list; an item in double quotes may hold commas, and quotes doubled (as in CSV, RFC 4180).
/// `None` if a quote does not end or text stands beside a quoted item.
fn split(text: &str) -> Option<Vec<String>> {
    if let Some(items) = json_items(text) {
        return Some(items);
    }
    let mut items = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Some(items);
    }
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (item, after) = rest
                .split_once(',')
                .map_or((rest, None), |(item, after)| (item, Some(after)));
            items.push(item.trim_end().to_owned());
            match after {
                Some(after) => rest = after.trim_start(),
                None => return Some(items),
            }
            continue;
        };
        let mut item = String::new();
        let mut inside = quoted;
        let after = loop {
            let (part, after) = inside.split_once('"')?;
            item.push_str(part);
            match after.strip_prefix('"') {
                Some(more) => {
                    item.push('"');
                    inside = more;
                }
                None => break after.trim_start(),
            }
        };
        items.push(item);
        if after.is_empty() {
            return Some(items);
        }
        rest = after.strip_prefix(',')?.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::super::example_column;
    use super::*;

    #[test]
    fn lists_are_split_as_csv_is() {
        let split = |text: &str| split(text).map(|items| items.join("|"));
        for (text, expected) in [
            ("High, Low", Some("High|Low")),
            ("High,Low", Some("High|Low")),
            (r#""a, b", c"#, Some("a, b|c")),
            (r#""say ""hi""", c"#, Some("say \"hi\"|c")),
            ("a,,b", Some("a||b")),
            ("a,", Some("a|")),
            ("", Some("")),
            (r#""a" b"#, None),
            (r#""a"#, None),
        ] {
            assert_eq!(split(text).as_deref(), expected, "{text}");
        }
    }

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
