//! `users`: several people who sign in, by id, each once. Whether there are such is not decided here.

use super::Category;
use super::links::{Holds, Links};
use super::user::no_settings;

/// Several users.
pub const USERS: Links = Links {
    id: "users",
    name: "Users",
    category: Category::Relation,
    icon: "users",
    description: "Several people who sign in",
    holds: Holds::Several,
    takes_default: true,
    config_schema: no_settings,
    check_config: |_| Ok(()),
    example_config: Default::default,
};
