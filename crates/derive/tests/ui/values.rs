//! Mistakes in values of the wrong kind. Compiles nowhere.
use chancery_derive::Record;
#[derive(Record)]
struct Task {
    #[record(one_of("a", 2))]
    letter: String,
    #[record(one_of(1, "b"))]
    size: u8,
}

fn main() {}
