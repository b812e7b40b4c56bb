//! `rollup`: one figure of all records that a relation names. What it shows is worked out where records are read.

use super::derived::Derived;
use super::lookup::example_config;
use crate::column::Column;
use crate::{Code, Issue, Json, JsonMap};

/// The id of the type.
pub const ID: &str = "rollup";

/// A figure of related records.
pub const ROLLUP: Derived = Derived {
    id: ID,
    name: "Rollup",
    icon: "sigma",
    description: "One figure of all records that a relation names",
    config_schema,
    check_config,
    example_config: example,
};

/// What a rollup works out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollupFunction {
    /// How many records there are; or how many have a value, if a column is named.
    Count,
    /// All numbers together.
    Sum,
    /// Their mean.
    Avg,
    /// The smallest value.
    Min,
    /// The largest value.
    Max,
    /// What people read of all values, one after the other.
    Concat,
}

const FUNCTIONS: [(&str, RollupFunction); 6] = [
    ("count", RollupFunction::Count),
    ("sum", RollupFunction::Sum),
    ("avg", RollupFunction::Avg),
    ("min", RollupFunction::Min),
    ("max", RollupFunction::Max),
    ("concat", RollupFunction::Concat),
];

/// The function of a rollup column.
pub fn function(column: &Column) -> RollupFunction {
    let named = column.config_str("function");
    let found = FUNCTIONS.iter().find(|(name, _)| Some(*name) == named);
    found.map_or(RollupFunction::Count, |(_, function)| *function)
}

fn config_schema() -> Json {
    serde_json::json!({
        "type": "object",
        "properties": {
            "relation": {"type": "string", "title": "Relation", "description": "The slug of a relation column of this table"},
            "function": {
                "type": "string", "enum": FUNCTIONS.map(|(name, _)| name), "default": "count", "title": "Function",
                "description": "What is worked out"
            },
            "column": {"type": "string", "default": "", "title": "Column", "description": "The slug of the column there; not needed to count"}
        },
        "required": ["relation"],
        "additionalProperties": false
    })
}

fn example() -> JsonMap {
    example_config()
}

fn check_config(column: &Column) -> Result<(), Issue> {
    let named = column.config_str("column").is_some_and(|slug| !slug.is_empty());
    if named || function(column) == RollupFunction::Count {
        return Ok(());
    }
    let message = "Say of which column there, by its slug; only count does without";
    Err(Issue::new("config.column", Code::Definition, message))
}
