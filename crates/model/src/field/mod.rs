//! Field types: what a column may hold. One file each, and one line in [`FIELD_TYPES`]; they do no I/O.
//!
//! # To add a field type
//! 1. Write `field/<name>.rs` with a unit struct that implements [`FieldType`], with its tests beside it.
//! 2. Add it to [`FIELD_TYPES`]. The API, the web page, import, export and the tests pick it up from there.
//! 3. Add its line to `docs/field-types.md` (tidy fails without it).

use serde::{Deserialize, Serialize};

use crate::column::{Column, SelectOption};
use crate::filter::{FieldRef, Operator};
use crate::{Issue, Json, JsonMap, Value};

/// How values of a type are kept by every backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Int`].
    Int,
    /// [`Value::Int`] or [`Value::Float`].
    Number,
    /// [`Value::Decimal`] with the column's scale.
    Decimal,
    /// [`Value::Text`].
    Text,
    /// [`Value::List`].
    List,
    /// [`Value::Json`].
    Json,
}

/// The group a type is offered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// Text and numbers.
    Basic,
    /// Dates and times.
    Date,
    /// Numbers with a meaning.
    Numeric,
    /// Choices.
    Choice,
    /// Addresses of people and places.
    Contact,
    /// Other records, and people.
    Relation,
    /// Structured values.
    Advanced,
    /// Kept by the store.
    System,
}

impl Category {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Basic => "basic",
            Category::Date => "date",
            Category::Numeric => "numeric",
            Category::Choice => "choice",
            Category::Contact => "contact",
            Category::Relation => "relation",
            Category::Advanced => "advanced",
            Category::System => "system",
        }
    }
}

/// What a type can and cannot do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Made by the store; never written by a caller.
    pub computed: bool,
    /// A column of it may have a default.
    pub supports_default: bool,
    /// A column of it may be unique.
    pub supports_unique: bool,
    /// A column of it has options.
    pub needs_options: bool,
    /// Its values point at other records or users.
    pub reference: bool,
    /// Its text takes part in full-text search.
    pub searchable: bool,
    /// A column of it is encrypted whatever its definition says.
    pub encrypted: bool,
    /// Its values are worked out from other columns and records when a record is read: nothing finds or orders by them.
    pub related: bool,
}

/// In which order a date is written where it is ambiguous.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DateOrder {
    /// Only ISO 8601: `2026-03-04`.
    #[default]
    Iso,
    /// Day first: `4.3.2026`, `04/03/2026`.
    DayFirst,
    /// Month first: `3/4/2026`.
    MonthFirst,
}

/// How text is to be read as a value: what a person chose for a file, or the strict default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TextFormat {
    /// The decimal sign.
    pub decimal: char,
    /// The thousands separator that may stand in numbers; none by default.
    pub group: Option<char>,
    /// The order of dates.
    pub date_order: DateOrder,
}

impl Default for TextFormat {
    fn default() -> TextFormat {
        TextFormat {
            decimal: '.',
            group: None,
            date_order: DateOrder::Iso,
        }
    }
}

/// One kind of value that a column may hold.
///
/// `parse` and `parse_text` decide; issues carry the column's slug. Nothing is ever cut, clamped or rounded: what
/// cannot be kept exactly is an issue. Constraints (required, min, pattern …) are checked elsewhere, after.
pub trait FieldType: Send + Sync {
    /// The id on the wire: `longText`.
    fn id(&self) -> &'static str;
    /// What people call it: `Long text`.
    fn name(&self) -> &'static str;
    /// The group it is offered in.
    fn category(&self) -> Category;
    /// A lucide icon name.
    fn icon(&self) -> &'static str;
    /// One sentence: what it is for.
    fn description(&self) -> &'static str;
    /// How it is kept.
    fn storage(&self) -> Storage;
    /// The JSON type that type messages name: `string` in `Expected type "string", got number`.
    fn json_type(&self, column: &Column) -> &'static str;
    /// What it can and cannot do.
    fn flags(&self) -> Flags;
    /// The operators that fit it.
    fn operators(&self) -> &'static [Operator];
    /// JSON Schema of its settings.
    fn config_schema(&self) -> Json {
        serde_json::json!({"type": "object", "properties": {}, "additionalProperties": false})
    }
    /// Rules of its settings that JSON Schema cannot say; `column.config` has passed the schema.
    fn check_config(&self, _column: &Column) -> Result<(), Issue> {
        Ok(())
    }
    /// Settings that a column needs to be one at all, for [`example_column`].
    fn example_config(&self) -> JsonMap {
        JsonMap::new()
    }
    /// The system field a computed column shows.
    fn system(&self) -> Option<FieldRef> {
        None
    }
    /// Reads a JSON value; `raw` is never null.
    fn parse(&self, raw: &Json, column: &Column) -> Result<Value, Issue>;
    /// Reads text, as it stands in a file or a pasted cell; never empty.
    fn parse_text(&self, text: &str, column: &Column, format: &TextFormat) -> Result<Value, Issue>;
    /// The value as JSON; the inverse of `parse`. Never called with null.
    fn to_json(&self, value: &Value, column: &Column) -> Json;
    /// What a person reads, where that differs from the JSON value.
    fn display(&self, _value: &Value, _column: &Column) -> Option<String> {
        None
    }
    /// The value as a cell of a file; `parse_text` with the default format gives it back.
    fn export(&self, value: &Value, column: &Column) -> String;
    /// Some valid JSON values of [`example_column`], for documentation and round-trip tests on every backend.
    fn examples(&self) -> Vec<Json>;
    /// Appends the JSON text of [`FieldType::to_json`] without building the JSON value where that is faster.
    fn write_json(&self, value: &Value, column: &Column, out: &mut Vec<u8>) {
        write_as_json(out, &self.to_json(value, column));
    }
    /// Appends what [`FieldType::export`] gives.
    fn write_export(&self, value: &Value, column: &Column, out: &mut String) {
        out.push_str(&self.export(value, column));
    }
}

impl std::fmt::Debug for dyn FieldType {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.id())
    }
}

/// The field type with this id.
pub fn field_type(id: &str) -> Option<&'static dyn FieldType> {
    FIELD_TYPES.iter().copied().find(|kind| kind.id() == id)
}

/// A column of this type with default settings that admits the type's examples.
pub fn example_column(kind: &dyn FieldType) -> Column {
    let mut column = Column {
        slug: "example".into(),
        name: "Example".into(),
        ..Column::default()
    };
    column.field_type = kind.id().to_owned();
    column.config = kind.example_config();
    if kind.flags().needs_options {
        let option = |id: &str, name: &str| SelectOption {
            id: id.into(),
            name: name.into(),
            ..SelectOption::default()
        };
        column.options = vec![
            option("high", "High"),
            option("low", "Low"),
            option("later", "Later, \"if ever\""),
        ];
    }
    column
}

/// Appends a plain value as JSON.
fn write_as_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value).expect("plain values and memory cannot fail to serialise");
}

pub mod auto_number;
pub mod barcode;
pub mod boolean;
pub mod button;
mod computed;
pub mod created_by;
pub mod created_time;
pub mod currency;
pub mod date;
pub mod date_time;
pub mod derived;
pub mod duration;
pub mod email;
pub mod encrypted;
mod exact;
pub mod file;
pub mod files;
pub mod infer;
pub mod json;
pub mod links;
pub mod lists;
pub mod long_text;
pub mod lookup;
pub mod media;
pub mod multi_select;
pub mod number;
pub mod percent;
pub mod phone;
pub mod rating;
pub mod relation;
pub mod rollup;
pub mod secret;
pub mod select;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;
pub mod updated_by;
pub mod updated_time;
pub mod url;
pub mod user;
pub mod users;

/// Every field type, in the order the web page offers them.
pub const FIELD_TYPES: &[&dyn FieldType] = &[
    &text::Text,
    &long_text::LongText,
    &number::Number,
    &boolean::Boolean,
    &date::Date,
    &date_time::DateTime,
    &time::Time,
    &duration::Duration,
    &currency::Currency,
    &percent::Percent,
    &rating::Rating,
    &auto_number::AutoNumber,
    &select::Select,
    &multi_select::MultiSelect,
    &email::Email,
    &url::Url,
    &phone::Phone,
    &barcode::Barcode,
    &file::FILE,
    &files::FILES,
    &secret::Secret,
    &json::Structured,
    &relation::RELATION,
    &lookup::LOOKUP,
    &rollup::ROLLUP,
    &user::USER,
    &users::USERS,
    &button::BUTTON,
    &created_time::CreatedTime,
    &updated_time::UpdatedTime,
    &created_by::CreatedBy,
    &updated_by::UpdatedBy,
];
