//! The definition of a table as its JSON export has it, in the words of the API. It reads no records.

use chancery_model::column::{Constraints, DefaultValue};
use chancery_model::define::{ColumnInput, OptionInput, TableInput};
use chancery_model::encryption::Encryption;
use chancery_model::{Column, Json, JsonMap, Table};
use serde::{Deserialize, Serialize};

/// The version of the shape.
pub(crate) const VERSION: &str = "1.0";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct TablePart {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slug: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) icon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) color: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    pub(crate) settings: JsonMap,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ColumnPart {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) slug: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) description: String,
    pub(crate) field_type: String,
    #[serde(skip_serializing_if = "JsonMap::is_empty")]
    pub(crate) config: JsonMap,
    /// The constraints, `generated` included.
    pub(crate) validation: Constraints,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default_value: Option<Json>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) options: Vec<OptionPart>,
    pub(crate) indexed: bool,
    pub(crate) order_index: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) width: Option<u32>,
    #[serde(default = "yes")]
    pub(crate) is_visible: bool,
    pub(crate) is_primary: bool,
    pub(crate) is_read_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) encrypted: Option<Encryption>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OptionPart {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) color: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) icon: Option<String>,
    /// It is no longer offered, but records hold it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deleted: bool,
}

pub(crate) fn table_part(table: &Table) -> TablePart {
    let mut settings = table.settings.clone();
    settings.insert("strict".into(), table.strict.into());
    settings.insert("softDelete".into(), table.soft_delete.into());
    if let Some(ttl) = table.ttl_ms {
        settings.insert("ttl".into(), ttl.into());
    }
    if let Some(max) = table.max_size {
        settings.insert("maxSize".into(), max.into());
    }
    if table.transient {
        settings.insert("persistent".into(), false.into());
    }
    if !table.indexes.is_empty() {
        let slugs = |index: &Vec<u16>| {
            index
                .iter()
                .map(|at| Json::from(table.at(*at).slug.as_str()))
                .collect::<Json>()
        };
        settings.insert("indexes".into(), table.indexes.iter().map(slugs).collect());
    }
    TablePart {
        name: table.name.clone(),
        slug: Some(table.slug.clone()),
        description: table.description.clone(),
        icon: table.icon.clone(),
        color: table.color.clone(),
        key: table.key_column().map(|column| column.slug.clone()),
        settings,
    }
}

pub(crate) fn column_part(column: &Column) -> ColumnPart {
    let default_value = column.default.as_ref().map(|default| match default {
        DefaultValue::Value(json) => json.clone(),
        function => serde_json::to_value(function).unwrap_or_default(),
    });
    ColumnPart {
        name: column.name.clone(),
        slug: Some(column.slug.clone()),
        description: column.description.clone(),
        field_type: column.field_type.clone(),
        config: column.config.clone(),
        validation: column.constraints.clone(),
        default_value,
        options: column
            .options
            .iter()
            .map(|option| OptionPart {
                id: Some(option.id.clone()),
                name: option.name.clone(),
                color: option.color.clone(),
                icon: option.icon.clone(),
                deleted: option.deleted_at.is_some(),
            })
            .collect(),
        indexed: column.indexed,
        order_index: Some(column.order_index),
        width: column.width,
        is_visible: !column.hidden,
        is_primary: column.primary,
        is_read_only: column.read_only,
        encrypted: column.encrypted.as_ref().map(Encryption::asked),
    }
}

/// The definition that makes the table again.
pub(crate) fn table_input(part: TablePart, columns: Vec<ColumnPart>) -> TableInput {
    let mut settings = part.settings;
    let mut take = |name: &str| settings.shift_remove(name).unwrap_or_default();
    let (strict, soft_delete) = (take("strict"), take("softDelete"));
    let (ttl, max, indexes) = (take("ttl"), take("maxSize"), take("indexes"));
    let persistent = take("persistent");
    TableInput {
        transient: persistent.as_bool() == Some(false),
        name: part.name,
        slug: part.slug,
        description: part.description,
        icon: part.icon,
        color: part.color,
        key: part.key,
        columns: columns.into_iter().map(column_input).collect(),
        indexes: serde_json::from_value(indexes).unwrap_or_default(),
        strict: strict.as_bool().unwrap_or(true),
        soft_delete: soft_delete.as_bool().unwrap_or(true),
        ttl_ms: ttl.as_i64(),
        max_size: max.as_u64(),
        settings,
    }
}

fn column_input(part: ColumnPart) -> ColumnInput {
    ColumnInput {
        name: part.name,
        slug: part.slug,
        description: part.description,
        field_type: part.field_type,
        config: part.config,
        constraints: part.validation,
        default: part.default_value.map(default_value),
        options: part
            .options
            .into_iter()
            .map(|option| OptionInput {
                id: option.id,
                name: option.name,
                color: option.color,
                icon: option.icon,
            })
            .collect(),
        indexed: part.indexed,
        order_index: part.order_index,
        width: part.width,
        hidden: !part.is_visible,
        primary: part.is_primary,
        read_only: part.is_read_only,
        encrypted: part.encrypted,
    }
}

/// A default as it was exported: `{"function": "now"}` or the value itself.
fn default_value(json: Json) -> DefaultValue {
    let is_function = json
        .as_object()
        .is_some_and(|object| object.len() == 1 && object.contains_key("function"));
    match serde_json::from_value(json.clone()) {
        Ok(function @ DefaultValue::Function(_)) if is_function => function,
        _ => DefaultValue::Value(json),
    }
}
