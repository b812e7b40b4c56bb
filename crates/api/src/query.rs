//! Queries on the wire: filter, sort, pagination, search. What a query means is the library's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What to look for, and how to give it back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Query {
    /// Which records; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// In which order; at most 8 keys, by key when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub sort: Vec<Sort>,
    /// Which part of the answer; the first 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination: Option<Paginate>,
    /// Words to find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// Which columns `data` holds; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Whether `data._display` is wanted; yes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_display: Option<bool>,
    /// Whether to count all that match.
    #[serde(default)]
    pub count: Count,
}

/// A condition (`column`, `operator`, `value`), or several joined by `and` or `or` (`operator`, `filters`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Filter {
    /// `and`, `or`, or what to compare by: `eq`, `contains`, `between`, `isEmpty` …
    pub operator: String,
    /// The conditions joined by `and` or `or`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub filters: Option<Vec<Filter>>,
    /// The column compared, or `id`, `createdAt`, `updatedAt`, `createdBy`, `updatedBy`, `version`, `externalId`, `source`, `importId`,
    /// `importRow`, `duplicateOf`. In a table that takes undeclared fields the last four are `_source`, `_importId`, `_importRow`,
    /// `_duplicateOf`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What it is compared with; a list for `in`, `notIn`, `between` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub value: Option<serde_json::Value>,
}

/// One key of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Sort {
    /// The column, or a system column.
    pub column: String,
    /// Upwards when absent.
    #[serde(default)]
    pub direction: Direction,
    /// Where records without a value go; last when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls: Option<Nulls>,
}

/// Which way an order runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// Smallest first.
    #[default]
    Asc,
    /// Largest first.
    Desc,
}

/// Where records without a value go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Nulls {
    /// Before all others.
    First,
    /// After all others.
    Last,
}

/// Which part of an answer is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Paginate {
    /// By `offset` (jump anywhere) or by `cursor` (as fast on the last page as on the first).
    #[serde(rename = "type", default)]
    pub kind: PaginationType,
    /// How many to skip, with `offset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u64>,
    /// Where to go on, with `cursor`; the start when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Which way to go from the cursor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<PageDirection>,
}

/// How an answer is cut into pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PaginationType {
    /// By how many to skip.
    #[default]
    Offset,
    /// By where the page before ended.
    Cursor,
}

/// Which way to go from a cursor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PageDirection {
    /// To the next page.
    #[default]
    Forward,
    /// To the page before.
    Backward,
}

/// Words to find.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Search {
    /// The words; all must occur.
    pub query: String,
    /// Where to look; every text column when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Whether words that are merely alike count: without accents, and with one typing mistake in words of 4 to 7 letters, two in longer
    /// ones. Then at most 16 words, and what fits best comes first, unless `sort` says otherwise.
    #[serde(default)]
    pub fuzzy: bool,
}

/// Whether to count all that match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Count {
    /// No.
    #[default]
    None,
    /// About, and at once.
    Estimated,
    /// To the last record.
    Exact,
}
