//! `files`: several files that are kept with the records, by id, each once, in order. Whether they are there is not decided here.

use super::Category;
use super::file::{check_config, several_schema};
use super::links::{Holds, Links};

/// Several files.
pub const FILES: Links = Links {
    id: "files",
    name: "Files",
    category: Category::Advanced,
    icon: "files",
    description: "Several files that are kept with the records",
    holds: Holds::Several,
    takes_default: false,
    config_schema: several_schema,
    check_config,
    example_config: Default::default,
};
