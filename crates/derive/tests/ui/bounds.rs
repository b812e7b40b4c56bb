//! Mistakes in bounds that contradict each other. Compiles nowhere.
use chancery_derive::Record;
#[derive(Record)]
struct Task {
    #[record(min = 1)]
    title: String,
    #[record(max_length = 3, pattern = "x")]
    size: u8,
}

fn main() {}
