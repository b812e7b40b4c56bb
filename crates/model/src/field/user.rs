//! `user`: a person who signs in, by id. Whether there is one of that id is not decided here.

use super::Category;
use super::links::{Holds, Links};

/// One user.
pub const USER: Links = Links {
    id: "user",
    name: "User",
    category: Category::Relation,
    icon: "user",
    description: "A person who signs in",
    holds: Holds::One,
    takes_default: true,
    config_schema: no_settings,
    check_config: |_| Ok(()),
    example_config: Default::default,
};

/// The schema of no settings.
pub(super) fn no_settings() -> crate::Json {
    serde_json::json!({"type": "object", "properties": {}, "additionalProperties": false})
}
