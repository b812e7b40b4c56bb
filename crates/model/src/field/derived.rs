//! What the types share whose values are worked out when a record is read: nobody writes them, and nothing of them is kept.

use super::computed::read_only;
use super::{Category, FieldType, Flags, Storage, TextFormat};
use crate::column::Column;
use crate::filter::Operator;
use crate::{Issue, Json, JsonMap, Value};

/// A type whose values are worked out from other columns.
pub struct Derived {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) icon: &'static str,
    pub(super) description: &'static str,
    pub(super) config_schema: fn() -> Json,
    pub(super) check_config: fn(&Column) -> Result<(), Issue>,
    pub(super) example_config: fn() -> JsonMap,
}

impl FieldType for Derived {
    fn id(&self) -> &'static str {
        self.id
    }
    fn name(&self) -> &'static str {
        self.name
    }
    fn category(&self) -> Category {
        Category::Relation
    }
    fn icon(&self) -> &'static str {
        self.icon
    }
    fn description(&self) -> &'static str {
        self.description
    }
    fn storage(&self) -> Storage {
        Storage::Json
    }
    fn json_type(&self, _column: &Column) -> &'static str {
        "any"
    }
    fn flags(&self) -> Flags {
        Flags {
            computed: true,
            related: true,
            ..Flags::default()
        }
    }
    fn operators(&self) -> &'static [Operator] {
        &[]
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
    fn parse(&self, _raw: &Json, column: &Column) -> Result<Value, Issue> {
        Err(read_only(column))
    }
    fn parse_text(&self, _text: &str, column: &Column, _format: &TextFormat) -> Result<Value, Issue> {
        Err(read_only(column))
    }
    fn to_json(&self, value: &Value, _column: &Column) -> Json {
        match value {
            Value::Json(json) => (**json).clone(),
            _ => Json::Null,
        }
    }
    fn export(&self, value: &Value, column: &Column) -> String {
        self.to_json(value, column).to_string()
    }
    fn examples(&self) -> Vec<Json> {
        Vec::new()
    }
}
