//! Mistakes in types that are no records. Compiles nowhere.
use chancery_derive::{Choices, Record};
#[derive(Record)]
struct Pair(String, u8);

#[derive(Record)]
enum Status {
    Todo,
}

#[derive(Record)]
struct Of<T> {
    value: T,
}

#[derive(Choices)]
struct Colours {
    red: bool,
}

#[derive(Choices)]
enum Shape {
    #[record(colour = "red")]
    Round(f64),
    Square,
}

#[derive(Choices)]
enum Nothing {}

fn main() {}
