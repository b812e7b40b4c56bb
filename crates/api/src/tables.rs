//! Tables on the wire. Holds no rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::Scope,
    columns::{Column, ColumnCreate},
    patch::{object, present},
    records::Pagination,
};

/// A named set of records under one schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// A UUID.
    pub id: String,
    /// The workspace it belongs to.
    pub workspace_id: String,
    /// For people.
    pub name: String,
    /// For paths; never changes.
    pub slug: String,
    /// What it holds.
    pub description: Option<String>,
    /// The name of an icon.
    pub icon: Option<String>,
    /// A colour.
    pub color: Option<String>,
    /// How it behaves.
    pub settings: TableSettings,
    /// The column that identifies a record: `id`, or a column's slug.
    pub key: String,
    /// Counts the changes of the definition, from 1.
    pub version: u64,
    /// What the caller may do there. Absent where a table was just made out of a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access: Option<TableAccess>,
    /// Its columns in order, with `?include=columns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<Column>>,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who made it.
    pub created_by: Option<String>,
    /// When its definition was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it went to the trash; absent for one that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub deleted_at: Option<String>,
}

/// What a caller may do in a table. Columns that are hidden from them are not there for them, and so are not named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableAccess {
    /// What they may do with its records and, unless `partial`, with itself.
    pub scope: Scope,
    /// The slugs of the columns whose values they may write, in order.
    pub writable_columns: Vec<String>,
    /// Whether columns or records are kept back from them, or kept from being written: then they may not change the table, nor import.
    pub partial: bool,
}

/// How a table behaves. What is absent is as usual.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableSettings {
    /// How a record is called, with columns in braces: `{firstName} {lastName}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_name_template: Option<String>,
    /// Whether a public form may create records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_form: Option<bool>,
    /// Whether earlier versions of records may be read and restored one by one (the default). They are kept either way, so that operations
    /// can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_revisions: Option<bool>,
    /// Whether the table may have columns of files (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_attachments: Option<bool>,
    /// Whether members of `data` without a column are refused (the default) or kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Whether a deleted record can be restored (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_delete: Option<bool>,
    /// How long records live: milliseconds, or text such as `30m`, `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub ttl: Option<serde_json::Value>,
    /// Most records; beyond it the oldest make room for new ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_size: Option<u64>,
    /// Whether the records outlive the process (the default); otherwise a store that nobody shares forgets them when it is opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent: Option<bool>,
    /// Indexes over several columns, each a list of slugs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexes: Option<Vec<Vec<String>>>,
}

/// A new table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableCreate {
    /// For people; 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// For paths, unique in the workspace; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// A colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// How it behaves.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub settings: Option<TableSettings>,
    /// The id or slug of the workspace; the default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The column that identifies a record; `id`, a generated UUID, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its columns in order.
    #[serde(default)]
    pub columns: Vec<ColumnCreate>,
}

/// A change of a table: absent keeps, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableUpdate {
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
    /// The new icon.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub icon: Option<Option<String>>,
    /// The new colour.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub color: Option<Option<String>>,
    /// The settings to change; absent ones stay. What decides how records are kept is fixed when the table is made.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub settings: Option<TableSettingsUpdate>,
}

/// A change of settings: absent keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableSettingsUpdate {
    /// How a record is called, with columns in braces; `null` for its first column.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub record_name_template: Option<Option<String>>,
    /// Whether a public form may create records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_form: Option<bool>,
    /// Whether earlier versions of records may be read and restored one by one (the default). They are kept either way, so that operations
    /// can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_revisions: Option<bool>,
    /// Whether the table may have columns of files (the default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_attachments: Option<bool>,
    /// How long records live from now on: milliseconds, or text such as `30m`, `7d`; `null` for ever.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Value>)]
    pub ttl: Option<Option<serde_json::Value>>,
}

/// A page of tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableList {
    /// By name.
    pub tables: Vec<Table>,
    /// How to go on.
    pub pagination: Pagination,
}

/// What a table holds, in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableStats {
    /// Records that are not deleted.
    pub records: u64,
    /// Records in the trash.
    pub deleted: u64,
    /// Columns that are not deleted.
    pub columns: u64,
    /// When a record was last written.
    #[schema(format = DateTime)]
    pub last_change_at: Option<String>,
}
