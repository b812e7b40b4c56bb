//! Mistakes in names that serde changes. Compiles nowhere.
use chancery_derive::Record;
use serde::{Deserialize, Serialize};
#[derive(Record, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    #[serde(rename(serialize = "a", deserialize = "b"))]
    title: String,
    #[serde(rename = "_verson")]
    version: u64,
    size: u8,
}

#[derive(Record, Serialize, Deserialize)]
struct Whole {
    #[serde(flatten)]
    part: Part,
    #[serde(skip)]
    #[record(unique)]
    seen: bool,
}

#[derive(Serialize, Deserialize)]
struct Part {
    name: String,
}

fn main() {}
