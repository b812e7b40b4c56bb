//! Bulk work on the wire: many records in one request and one commit. Holds no rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::{MetadataInput, Record};
use crate::{JsonMap, problem::Issue};

/// Records to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkCreate {
    /// The values of each by column slug, and as `externalId` its id in another system (where no column is called so, and undeclared fields
    /// are not taken); at most 10,000.
    #[schema(value_type = Vec<Object>, max_items = 10000)]
    pub records: Vec<JsonMap>,
    /// Whether good ones are written although others are bad; otherwise it is all or nothing.
    #[serde(default)]
    pub continue_on_error: bool,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Changes to make.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkUpdate {
    /// The changes; at most 10,000.
    #[schema(max_items = 10000)]
    pub updates: Vec<BulkUpdateItem>,
    /// Whether good ones are written although others are bad; otherwise it is all or nothing.
    #[serde(default)]
    pub continue_on_error: bool,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// One change: absent members of `data` keep, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkUpdateItem {
    /// The record's id or key.
    #[schema(value_type = Value)]
    pub record_id: serde_json::Value,
    /// The values by column slug.
    #[schema(value_type = Object)]
    pub data: JsonMap,
    /// The version the change is based on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What of its metadata changes.
    #[serde(
        default,
        deserialize_with = "crate::patch::object",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<MetadataInput>,
}

/// Records to delete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkDelete {
    /// Their ids or keys; at most 10,000.
    #[schema(value_type = Vec<Value>, max_items = 10000)]
    pub record_ids: Vec<serde_json::Value>,
    /// Whether they are gone for good; admin only.
    #[serde(default)]
    pub permanent: bool,
    /// Whether good ones are deleted although others are bad; otherwise it is all or nothing.
    #[serde(default)]
    pub continue_on_error: bool,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Records to create, or to change where one matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BulkUpsert {
    /// The columns by which a record is found again.
    #[schema(min_items = 1)]
    pub match_on: Vec<String>,
    /// The values of each by column slug, and as `externalId` its id in another system (where no column is called so, and undeclared fields
    /// are not taken); at most 10,000.
    #[schema(value_type = Vec<Object>, max_items = 10000)]
    pub records: Vec<JsonMap>,
    /// What happens when several match.
    #[serde(default)]
    pub on_many: OnMany,
    /// What an empty value does to a record that is found.
    #[serde(default)]
    pub blank: Blank,
    /// Whether good ones are written although others are bad; otherwise it is all or nothing.
    #[serde(default)]
    pub continue_on_error: bool,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What happens when several records match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnMany {
    /// The item is refused.
    #[default]
    Error,
    /// The first by key is changed.
    First,
    /// All are changed.
    All,
}

/// What an empty value does to a record that is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Blank {
    /// What is stored stays.
    #[default]
    Keep,
    /// What is stored is cleared.
    Clear,
    /// A value is only written where nothing is stored.
    FillOnly,
}

/// What became of a bulk request: each item stands in exactly one list, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkReply {
    /// Created records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<Vec<BulkItem>>,
    /// Changed records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<Vec<BulkItem>>,
    /// Records that already were as asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<Vec<BulkItem>>,
    /// The ids of deleted records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    pub deleted: Option<Vec<serde_json::Value>>,
    /// Items that were refused, each with all its issues.
    pub errors: Vec<BulkError>,
    /// The commit; absent when nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Whether this was a trial and nothing was written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// One item that was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkItem {
    /// Its position in the request, from 0.
    pub index: u64,
    /// The record as it is now; absent with `Prefer: return=minimal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

/// One item that was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkError {
    /// Its position in the request, from 0.
    pub index: u64,
    /// The id that was given, with updates and deletes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub record_id: Option<serde_json::Value>,
    /// Everything that is wrong with it.
    pub errors: Vec<Issue>,
}

/// One line of the answer to an NDJSON stream: the fate of the line with the same number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamLine {
    /// The line of the request, from 0.
    pub index: u64,
    /// The id of the record that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub id: Option<serde_json::Value>,
    /// Members that were left out, because only the store writes them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Everything that is wrong with the line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
}

/// The last line of the answer to an NDJSON stream. Without it the stream was cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamEnd {
    /// Always true.
    pub done: bool,
    /// Records that were made.
    pub created: u64,
    /// Lines that were refused.
    pub failed: u64,
    /// The last commit.
    pub revision: u64,
}
