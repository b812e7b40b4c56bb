//! The JSON export of a whole table, which the import takes back. Streams are the server's business.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::patch::object;
use crate::{JsonMap, columns::ColumnCreate, tables::TableSettings};

/// A whole table: definition and records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableExport {
    /// The version of this shape: `1.0`.
    pub version: String,
    /// The table.
    pub table: ExportedTable,
    /// Its columns in order.
    pub columns: Vec<ColumnCreate>,
    /// Its records.
    pub records: Vec<ExportedRecord>,
}

/// What can be imported as JSON into a table that is there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum JsonImport {
    /// Records as objects by column slug.
    Objects(Objects),
    /// The records of an export.
    Export(RecordsImport),
}

/// Records as objects by column slug.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = Vec<Object>)]
pub struct Objects(pub Vec<JsonMap>);

/// Records for a table that is there, as its export or another table's has them. What else an export says is not read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordsImport {
    /// The records.
    pub records: Vec<RecordImport>,
}

/// A record of a [`RecordsImport`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordImport {
    /// The values by column slug.
    #[schema(value_type = Object)]
    pub data: JsonMap,
}

/// What an export says of the table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportedTable {
    /// Its name.
    pub name: String,
    /// Its slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Its description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Its colour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// Its key column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How it behaves.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub settings: Option<TableSettings>,
}

/// One record of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedRecord {
    /// Its id or key.
    #[schema(value_type = Value)]
    pub id: serde_json::Value,
    /// The values by column slug.
    #[schema(value_type = Object)]
    pub data: JsonMap,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub created_at: Option<String>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub updated_at: Option<String>,
}
