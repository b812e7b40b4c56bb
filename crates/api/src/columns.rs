//! Columns and the options of select columns on the wire. Holds no rule.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::patch::{object, present};
use crate::{JsonMap, problem::Issue};

/// One named, typed slot of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// A UUID.
    pub id: String,
    /// For people.
    pub name: String,
    /// The member of `data`; never changes.
    pub slug: String,
    /// What it holds.
    pub description: Option<String>,
    /// The field type: `text`, `currency` …; `GET /api/field-types` lists them.
    pub field_type: String,
    /// The settings of the field type.
    #[schema(value_type = Object)]
    pub config: JsonMap,
    /// The constraints.
    pub validation: Validation,
    /// What a new record gets when nothing is given: a value, or `{"function": "now"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub default_value: Option<Value>,
    /// What the store fills in: `uuid`, `autoincrement` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// The choices of a select column, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<SelectOption>,
    /// Whether an index serves filters and sorts.
    pub indexed: bool,
    /// Its place, from 0.
    pub order_index: u32,
    /// Its width in a grid, in pixels.
    pub width: Option<u32>,
    /// Whether a grid shows it.
    pub is_visible: bool,
    /// Whether it names the record.
    pub is_primary: bool,
    /// Whether only the store writes it.
    pub is_read_only: bool,
    /// How its values are encrypted, if they are: records show a mask then, and `POST …/records/{record}/reveal` the values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<ColumnEncryption>,
    /// When it was deleted, RFC 3339 in UTC; absent for one that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub deleted_at: Option<String>,
}

/// How the values of a column are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnEncryption {
    /// What is shown instead of a value, and kept readable: nothing, its last four characters, or the host of an address.
    #[serde(default)]
    pub mask: ColumnMask,
    /// Whether records are found by a value, matched by it and kept unique; it tells whoever has the database which records have
    /// the same one.
    #[serde(default)]
    pub indexed: bool,
}

/// What is shown instead of an encrypted value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ColumnMask {
    /// `••••••••`
    #[default]
    Full,
    /// `••••4242`, of values of eight characters or more.
    Last4,
    /// `••••@example.com`
    Email,
}

/// The constraints of a column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Validation {
    /// Whether a value must be given.
    #[serde(default)]
    pub required: bool,
    /// Whether no two records may have the same value.
    #[serde(default)]
    pub unique: bool,
    /// What to say instead of the usual message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_error_message: Option<String>,
    /// The smallest number; every digit counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub min: Option<serde_json::Number>,
    /// The largest number; every digit counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub max: Option<serde_json::Number>,
    /// The shortest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// The longest text, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// A regular expression the text must match, in the syntax of Rust's `regex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The only values allowed.
    #[serde(rename = "enum", default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    pub allowed: Option<Vec<Value>>,
    /// A format the text must have: `email`, `url`, `iso-date`, `phone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Rules for the properties of an object or the items of an array: `{"properties": {…}}` or `{"items": {…}}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub nested: Option<Value>,
    /// The slug of the table, in the same workspace, of which a value is a record's key: that record must be there.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What deleting that record does: `restrict` (it is refused, the default), `cascade` (this one goes too) or `setNull`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<String>,
}

/// A new column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnCreate {
    /// For people; 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// The member of `data`; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The field type.
    pub field_type: String,
    /// The settings of the field type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config: Option<JsonMap>,
    /// The constraints.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// What a new record gets when nothing is given: a value, or `{"function": "now"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub default_value: Option<Value>,
    /// What the store fills in: `uuid`, `cuid`, `autoincrement` or `timestamp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<String>,
    /// The choices of a select column, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<OptionCreate>>,
    /// Whether an index serves filters and sorts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed: Option<bool>,
    /// Its place, from 0; the last when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_index: Option<u32>,
    /// Its width in a grid, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Whether a grid shows it; yes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_visible: Option<bool>,
    /// Whether it names the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_primary: Option<bool>,
    /// Whether only the store writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_read_only: Option<bool>,
    /// How its values are encrypted; not at all when absent. It never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<ColumnEncryption>,
}

/// A change of a column: absent keeps, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnUpdate {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// The new description.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
    /// The field type, which never changes: another one than it has is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_type: Option<String>,
    /// The new settings of the field type, as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config: Option<JsonMap>,
    /// The new constraints, as a whole.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// The new default.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Value>)]
    pub default_value: Option<Option<Value>>,
    /// Whether an index serves filters and sorts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed: Option<bool>,
    /// The new place, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_index: Option<u32>,
    /// The new width.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<u32>)]
    pub width: Option<Option<u32>>,
    /// Whether a grid shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_visible: Option<bool>,
    /// Whether it names the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_primary: Option<bool>,
    /// Whether only the store writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_read_only: Option<bool>,
}

/// The columns of a table, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnList {
    /// All of them; a table has at most 1,000.
    pub columns: Vec<Column>,
}

/// A new order of columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnReorder {
    /// Every column by id or slug, in the new order.
    pub columns: Vec<String>,
}

/// A value to try against a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnValidate {
    /// What a record would hold.
    #[schema(value_type = Value)]
    pub value: Value,
}

/// What the column says about a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnVerdict {
    /// Whether a record may hold it.
    pub valid: bool,
    /// Why not.
    pub errors: Vec<Issue>,
    /// The value as it would be stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub value: Option<Value>,
    /// The value as a person reads it, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

/// The different values of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DistinctValues {
    /// Each value with how many records hold it.
    pub values: Vec<DistinctValue>,
    /// Whether there are more than were asked for.
    pub has_more: bool,
}

/// One value and how many records hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DistinctValue {
    /// The value; `null` stands for none.
    #[schema(value_type = Value)]
    pub value: Value,
    /// As a person reads it, where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// Records that hold it.
    pub count: u64,
}

/// One choice of a select column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SelectOption {
    /// What a record holds.
    pub id: String,
    /// What a person reads.
    pub name: String,
    /// A colour.
    pub color: Option<String>,
    /// The name of an icon.
    pub icon: Option<String>,
    /// Its place, from 0.
    pub order_index: u32,
}

/// A new choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptionCreate {
    /// What a record will hold; made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What a person reads; 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// A colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// A change of a choice: absent keeps, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptionUpdate {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// The new colour.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub color: Option<Option<String>>,
    /// The new icon.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub icon: Option<Option<String>>,
}

/// A choice that becomes one with another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"into": "opt-0199d5a47c1e7c3b9a512f0c3a1b7e55"}))]
pub struct OptionMerge {
    /// The id of the choice that stays.
    pub into: String,
    /// Whether it is only counted what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a merge of two choices did, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionMerged {
    /// The choice that stays.
    pub option: SelectOption,
    /// Records that held the other one, those in the trash included.
    pub records: u64,
    /// Views that named the other one in a filter.
    pub views: u64,
    /// What takes it back: `POST /api/operations/{operation}/revert`; absent if no record held it, or in a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
}

/// A new order of choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OptionReorder {
    /// Every option by id, in the new order.
    pub options: Vec<String>,
}

/// The choices of a column, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionList {
    /// All of them; a column has at most 5,000.
    pub options: Vec<SelectOption>,
}
