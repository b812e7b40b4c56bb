//! Mistakes in keys and indexes. Compiles nowhere.
use chancery_derive::Record;
#[derive(Record)]
#[record(table = "tasks", index(titel, size), index("title"))]
struct Task {
    #[record(key)]
    id: String,
    #[record(key)]
    title: String,
    size: u8,
}

#[derive(Record)]
struct Flag {
    #[record(key)]
    on: bool,
}

fn main() {}
