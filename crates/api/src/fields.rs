//! Field types on the wire: what a column may hold. The types themselves are the library's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JsonMap;

/// What a column may hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldType {
    /// What `fieldType` of a column says.
    pub id: String,
    /// For people.
    pub name: String,
    /// The group it stands in.
    pub category: String,
    /// The name of an icon.
    pub icon: String,
    /// What it is for.
    pub description: String,
    /// The JSON Schema of a column's `config`.
    #[schema(value_type = Object)]
    pub config_schema: serde_json::Value,
    /// The settings a column gets when none are given.
    #[schema(value_type = Object)]
    pub default_config: JsonMap,
    /// What it can and cannot do.
    pub flags: FieldFlags,
    /// The filter operators that fit.
    pub operators: Vec<String>,
}

/// What a field type can and cannot do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldFlags {
    /// Only the store writes it.
    pub computed: bool,
    /// It may have a default.
    pub supports_default: bool,
    /// It may be unique.
    pub supports_unique: bool,
    /// It needs options.
    pub needs_options: bool,
    /// It points at other records.
    pub reference: bool,
    /// Its text takes part in full-text search.
    pub searchable: bool,
    /// A column of it is encrypted whatever its definition says.
    #[serde(default)]
    pub encrypted: bool,
    /// Its values are worked out when a record is read: nothing filters, sorts or groups by them.
    #[serde(default)]
    pub related: bool,
}

/// The field types there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldTypeList {
    /// By category.
    pub field_types: Vec<FieldType>,
}
