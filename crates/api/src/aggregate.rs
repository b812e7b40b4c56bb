//! Aggregates on the wire: numbers over groups of records. What they mean is the library's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    JsonMap,
    query::{Filter, Search},
};

/// Numbers to compute, over all records that match or per group of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AggregateQuery {
    /// Which records; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// Words the records must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// The columns whose values make a group; one group of all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<String>,
    /// What to compute.
    #[schema(min_items = 1)]
    pub aggregates: Vec<Aggregate>,
}

/// One number to compute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Aggregate {
    /// What to compute.
    pub function: AggregateFunction,
    /// Over which column; only `count` can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What to call it; `count`, or `sum_amount` and the like, when absent.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum AggregateFunction {
    /// How many records, or how many that have a value.
    Count,
    /// How many different values.
    CountDistinct,
    /// The sum.
    Sum,
    /// The mean.
    Avg,
    /// The smallest.
    Min,
    /// The largest.
    Max,
}

impl AggregateFunction {
    /// The function as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            AggregateFunction::Count => "count",
            AggregateFunction::CountDistinct => "countDistinct",
            AggregateFunction::Sum => "sum",
            AggregateFunction::Avg => "avg",
            AggregateFunction::Min => "min",
            AggregateFunction::Max => "max",
        }
    }
}

/// The numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AggregateReply {
    /// One per group, by the values of the group; exactly one without `groupBy`.
    pub groups: Vec<AggregateGroup>,
}

/// The numbers of one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AggregateGroup {
    /// The value of each column of `groupBy`.
    #[schema(value_type = Object)]
    pub key: JsonMap,
    /// Each number by its name.
    #[schema(value_type = Object)]
    pub values: JsonMap,
}
