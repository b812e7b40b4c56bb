//! What the types share whose values say who or what is meant: records of a table, users, files. Whether those are there is not decided here.

use super::computed::read_only;
use super::{Category, FieldType, Flags, Storage, TextFormat, lists, write_as_json};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Code, Issue, Json, JsonMap, Value, limits};

/// A type whose values are ids.
pub struct Links {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) category: Category,
    pub(super) icon: &'static str,
    pub(super) description: &'static str,
    pub(super) holds: Holds,
    /// Whether a default may name some.
    pub(super) takes_default: bool,
    pub(super) config_schema: fn() -> Json,
    pub(super) check_config: fn(&Column) -> Result<(), Issue>,
    pub(super) example_config: fn() -> JsonMap,
}

/// How many of them a value names, and whether it is kept at all.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// One.
    One,
    /// Several, each once, in the order given.
    Several,
    /// Those that name this record: found out when it is read.
    Found,
}

impl FieldType for Links {
    fn id(&self) -> &'static str {
        self.id
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn category(&self) -> Category {
        self.category
    }
    fn icon(&self) -> &'static str {
        self.icon
    }
    fn description(&self) -> &'static str {
        self.description
    }
    fn storage(&self) -> Storage {
        match self.holds {
            Holds::One => Storage::Text,
            Holds::Several | Holds::Found => Storage::List,
        }
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        match self.holds {
            Holds::One => "string",
            Holds::Several | Holds::Found => "array",
        }
    }
    fn flags(&self) -> Flags {
        Flags {
            reference: true,
            supports_unique: self.holds == Holds::One,
            supports_default: self.takes_default && self.holds != Holds::Found,
            computed: self.holds == Holds::Found,
            related: self.holds == Holds::Found,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        match self.holds {
            Holds::One => Operator::CHOICE,
            Holds::Several => Operator::LIST,
            Holds::Found => &[],
        }
    }
    fn config_schema(&self) -> Json {
        (self.config_schema)()
    }
    fn check_config(&self, column: &Column) -> Result<(), Issue> {
        (self.check_config)(column)
    }
    fn example_config(&self) -> JsonMap {
        (self.example_config)()
    }
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue> {
        match (self.holds, raw) {
            (Holds::Found, _) => Err(read_only(column)),
            (Holds::One, raw) => Ok(Value::Text(id(raw, &column.slug, column)?)),
            (Holds::Several, Json::Array(items)) => {
                let ids = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| id(item, &format!("{}[{at}]", column.slug), column));
                several(ids, column)
            }
            (Holds::Several, _) => Err(Issue::wrong_type(&column.slug, "array", raw)),
        }
    }
    fn parse_text(&self, text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        match self.holds {
            Holds::Found => Err(read_only(column)),
            Holds::One => Ok(Value::Text(checked(text.trim(), &column.slug)?)),
            Holds::Several => {
                let items = lists::split(text).ok_or_else(|| lists::unreadable(column))?;
                several(items.iter().map(|item| checked(item, &column.slug)), column)
            }
        }
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        match value {
            Value::List(ids) => Json::from(ids.clone()),
            value => Json::from(value.as_text().unwrap_or_default()),
        }
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        let mut out = String::new();
        self.write_export(value, column, &mut out);
        out
    }
    fn write_json(&self, value: &Value, _column: &Column, out: &mut Vec<u8>) {
        match value {
            Value::List(ids) => write_as_json(out, ids),
            value => write_as_json(out, value.as_text().unwrap_or_default()),
        }
    }
    fn write_export(&self, value: &Value, _column: &Column, out: &mut String) {
        match value {
            Value::List(ids) => lists::write(ids.iter().map(String::as_str), out),
            value => out.push_str(value.as_text().unwrap_or_default()),
        }
    }
    fn examples(&self) -> Vec<Json> {
        match self.holds {
            Holds::One => vec![
                Json::from("0197a2b4-7c1e-7cc3-98c4-dc0c0c07398f"),
                Json::from("A, \"B\""),
            ],
            Holds::Several => vec![
                serde_json::json!(["0197a2b4-7c1e-7cc3-98c4-dc0c0c07398f"]),
                serde_json::json!(["one", "A, \"B\"", "3"]),
                serde_json::json!([]),
            ],
            Holds::Found => Vec::new(),
        }
    }
}

/// An id as JSON has it: a text, or the number that a table counts its records by.
fn id(raw: &Json, path: &str, column: &Column) -> Result<String, Issue> {
    match raw {
        Json::String(text) => checked(text, path),
        Json::Number(number) if number.is_i64() && column.field_type == super::relation::ID => {
            Ok(number.to_string())
        }
        _ => Err(Issue::wrong_type(path, "string", raw)),
    }
}

fn checked(id: &str, path: &str) -> Result<String, Issue> {
    if id.is_empty() || id.len() > limits::KEY_BYTES_MAX || id.contains('\0') {
        let message = format!("An id has 1 to {} bytes", limits::KEY_BYTES_MAX);
        return Err(Issue::new(path, Code::Format, message));
    }
    Ok(id.to_owned())
}

fn several(ids: impl Iterator<Item = Result<String, Issue>>, column: &Column) -> Result<Value, Issue> {
    let most = column.config_u64("maxFiles", limits::LINKS_MAX as u64) as usize;
    let mut all: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for id in ids {
        let id = id?;
        if !known.insert(id.clone()) {
            let message = format!("\"{id}\" is named more than once");
            return Err(Issue::new(&column.slug, Code::Enum, message));
        }
        if all.len() == most {
            let message = format!("A value names at most {most} of them");
            return Err(Issue::new(&column.slug, Code::Limit, message).with("limit", most));
        }
        all.push(id);
    }
    Ok(Value::List(all))
}
