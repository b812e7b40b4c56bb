//! Records on the wire. Holds no rule; the server writes records from its own views in exactly this shape.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JsonMap;
use crate::patch::object;

/// One item of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id or key.
    #[schema(value_type = Value)]
    pub id: serde_json::Value,
    /// The table it is in.
    pub table_id: String,
    /// 1 when created, one more with each change; also the ETag.
    pub version: u64,
    /// The values by column slug; `_display` holds what a person reads where that differs.
    #[schema(value_type = Object)]
    pub data: JsonMap,
    /// Where it came from.
    pub metadata: RecordMetadata,
    /// When it was created, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who created it.
    pub created_by: Option<String>,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When it goes away by itself.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was put in the trash.
    #[schema(format = DateTime)]
    pub deleted_at: Option<String>,
    /// Members of the request that only the store writes and that were left out, with `?strict=false`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
}

/// Where a record came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordMetadata {
    /// `ui`, `import`, `api`, `automation` or `form`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The import that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_id: Option<String>,
    /// The row of that import's file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub import_row: Option<u64>,
    /// Its id in another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The record it was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
}

/// What a caller may say about where a record came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetadataInput {
    /// Its id in another system; at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 512)]
    pub external_id: Option<String>,
}

/// A new record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordCreate {
    /// The values by column slug.
    #[schema(value_type = Object)]
    pub data: JsonMap,
    /// Where it comes from.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MetadataInput>,
}

/// A change of a record. With PATCH absent members keep and `null` clears; with PUT `data` is the whole record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordUpdate {
    /// The values by column slug.
    #[schema(value_type = Object)]
    pub data: JsonMap,
    /// Where it comes from.
    #[serde(default, deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<MetadataInput>,
}

/// How a record is deleted; all of it may stand in the query as well.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordDelete {
    /// Whether the record is gone for good, also from the trash; needs the scope admin.
    #[serde(default)]
    pub permanent: bool,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordPage {
    /// In the order asked for; ties are broken by key.
    pub records: Vec<Record>,
    /// How to go on.
    pub pagination: Pagination,
    /// How the answer came about.
    pub meta: QueryMeta,
}

/// How a list goes on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// How many there are in all, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether there are more.
    pub has_more: bool,
    /// How many were skipped, with offset pagination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// How many a page holds at most.
    pub limit: u32,
    /// Where the next page starts; opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Where the previous page ends; opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_cursor: Option<String>,
}

/// How an answer came about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryMeta {
    /// How long it took, in milliseconds.
    pub execution_time: f64,
    /// The filter as it was understood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub applied_filters: Option<serde_json::Value>,
    /// The sort as it was understood, the tie-breaker included.
    #[schema(value_type = Vec<Object>)]
    pub applied_sort: serde_json::Value,
    /// How the planner went about it, with `?explain=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<String>>,
}
