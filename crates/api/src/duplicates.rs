//! Duplicates on the wire: how they are looked for, what is found, and what a merge asks for and leaves. Holds no rule.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::query::Filter;
use crate::records::{Pagination, Record};

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
    /// By id or key: the versions of the records as they were seen. If one has another by now, nothing is merged, and the answer is 412
    /// with that record as it is.
    #[serde(default)]
    pub versions: BTreeMap<String, u64>,
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

/// How the values of a column are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Compare {
    /// They are the same.
    Exact,
    /// They are the same but for case, accents, spaces and punctuation; numbers, dates, phone numbers and addresses by what they mean.
    Normalised,
    /// They are alike.
    #[default]
    Fuzzy,
}

/// A column that duplicates are looked for by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ComparedColumn {
    /// Its slug.
    pub column: String,
    /// How its values are compared; `fuzzy` when absent.
    #[serde(default)]
    pub compare: Compare,
    /// Of `fuzzy`: how alike they must be, from 0 to 1; that of the search when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub similarity: Option<f64>,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Wait {
    /// As long as can be, or not at all.
    Whether(bool),
    /// So many ms.
    Ms(u64),
}

/// How duplicates are looked for. Columns compared exactly or normalised must all be the same; those compared by similarity are
/// weighed together, by how much it says that they agree, and blank values say nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"columns": [{"column": "name", "compare": "fuzzy", "similarity": 0.85}, {"column": "email", "compare": "normalised"}]}))]
pub struct FindDuplicates {
    /// The columns; this or `columnSlugs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<ComparedColumn>>,
    /// The columns by their slugs alone: fuzzy where `similarity` is given, otherwise normalised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column_slugs: Option<Vec<String>>,
    /// How alike values of fuzzy columns must be that do not say it themselves, from 0 to 1; 0.85 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub similarity: Option<f64>,
    /// Whether `A` and `a` are two values; when absent, only in exact columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    /// Columns in which only records with the same value (normalised) are compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocking: Vec<String>,
    /// Which records; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// How long the answer is waited for: ms up to 60,000, `true` for that long, `false` for not at all; 10,000 when absent. After
    /// that the answer is 202, and the search goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline)]
    pub wait: Option<Wait>,
    /// Groups of the first page, 1 to 1,000; 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u64>,
}

/// How a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FindState {
    /// It goes on.
    Running,
    /// It is done.
    Done,
    /// It was called off.
    Cancelled,
    /// It could not go on.
    Failed,
}

/// A search for duplicates. The server process that did it remembers it for an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Find {
    /// Its id.
    pub id: String,
    /// What it was asked: sent again, it asks the same. Columns stand in `columns`, with the similarity that counts.
    pub asked: FindDuplicates,
    /// How it stands.
    pub state: FindState,
    /// What it is doing, or did last: `reading`, `blocking`, `comparing` or `grouping`.
    pub phase: String,
    /// Records or pieces of this phase that are done.
    pub done: u64,
    /// Of how many; 0 where nobody knows.
    pub total: u64,
    /// Groups that were found.
    pub groups: u64,
    /// Records that were looked at.
    pub records: u64,
    /// Pairs that were compared.
    pub compared: u64,
    /// Records so like so many others that they were compared only with those next to them: some pairs may be missing. More columns
    /// or `blocking` help.
    pub crowded: u64,
    /// Values so long that only their beginning was compared by similarity.
    pub shortened: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// A page of groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundDuplicates {
    /// Those most alike first, then the larger ones, with records as they are now: a group of which others left fewer than two is left
    /// out, so that a page may be shorter than asked. None while the search goes on.
    pub groups: Vec<DuplicateGroup>,
    /// The search.
    pub find: Find,
    /// How to go on, with `GET …/duplicates/finds/{find}`.
    pub pagination: Pagination,
}

/// Records that are taken for one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DuplicateGroup {
    /// How alike those are that are least alike of the pairs it rests on, from 0 to 1.
    pub score: f64,
    /// How many records it had when it was found.
    pub size: u64,
    /// The records in key order; of more than 100, the first.
    pub records: Vec<Record>,
    /// The pairs it rests on, among these records.
    pub pairs: Vec<DuplicatePair>,
}

/// Two records of a group and why they are taken for one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DuplicatePair {
    /// The ids.
    #[schema(min_items = 2, max_items = 2)]
    pub record_ids: Vec<String>,
    /// How alike they were, from 0 to 1.
    pub score: f64,
    /// How alike their values are now, by slug, from 0 to 1; null where one of them is blank.
    pub columns: BTreeMap<String, Option<f64>>,
}

/// Records that are different things.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IgnoreDuplicates {
    /// Their ids or keys: each is different from each.
    #[schema(min_items = 2, max_items = 1_000)]
    pub record_ids: Vec<String>,
}

/// What was said about records that are no duplicates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IgnoredDuplicates {
    /// Its id.
    pub id: String,
    /// The ids of the records, each different from each.
    pub record_ids: Vec<String>,
    /// When it was said, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The id of the user or API key that said it.
    pub created_by: Option<String>,
}

/// A page of what was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IgnoredDuplicatesList {
    /// Oldest first.
    pub ignored: Vec<IgnoredDuplicates>,
    /// How to go on.
    pub pagination: Pagination,
}
