//! Duplicates on the wire: what a merge asks for and leaves. Holds no rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::Record;

/// Records that mean one thing, and what becomes of their columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Merge {
    /// The id or key of the record that stays.
    pub survivor_id: String,
    /// The ids or keys of the others; the survivor's own is passed over.
    #[schema(min_items = 1, max_items = 1_000)]
    pub record_ids: Vec<String>,
    /// By the slug of a column. Without a choice the survivor's value stays, and a blank one takes the first that the others
    /// have.
    #[serde(default)]
    pub choices: BTreeMap<String, MergeChoice>,
}

/// What becomes of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum MergeChoice {
    /// The survivor's value, also if it has none.
    Keep,
    /// All different texts, the survivor's first, joined by `; `.
    Concat,
    /// All different entries of a column that holds several, the survivor's first.
    Union,
    /// The value of the record with this id or key.
    From(String),
}

/// What a merge left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MergeReport {
    /// The survivor as it is now.
    pub record: Record,
    /// The operation: `POST /api/operations/{id}/revert` takes the merge back. Null if nothing was written: for a dry run, or
    /// where all ids were the survivor's.
    pub operation_id: Option<String>,
    /// How many references led to one of the others and lead to the survivor now. A record that refers with two columns counts
    /// twice.
    pub referring: u64,
}
