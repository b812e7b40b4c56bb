//! `lookup`: a column of the records that a relation names. What it shows is worked out where records are read.

use super::derived::Derived;
use crate::{Json, JsonMap};

/// The id of the type.
pub const ID: &str = "lookup";

/// A column of related records.
pub const LOOKUP: Derived = Derived {
    id: ID,
    name: "Lookup",
    icon: "search",
    description: "A column of the records that a relation names",
    config_schema,
    check_config: |_| Ok(()),
    example_config,
};

fn config_schema() -> Json {
    serde_json::json!({
        "type": "object",
        "properties": {
            "relation": {"type": "string", "title": "Relation", "description": "The slug of a relation column of this table"},
            "column": {"type": "string", "title": "Column", "description": "The slug of the column there"}
        },
        "required": ["relation", "column"],
        "additionalProperties": false
    })
}

/// Settings that pass the schema.
pub(super) fn example_config() -> JsonMap {
    let settings = [("relation", "example"), ("column", "name")];
    settings
        .map(|(name, value)| (name.to_owned(), Json::from(value)))
        .into_iter()
        .collect()
}
