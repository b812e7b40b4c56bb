//! Mistakes in encrypted fields. Compiles nowhere.
use chancery_derive::Record;
#[derive(Record)]
struct Account {
    #[record(encrypted = "first4")]
    iban: String,
    #[record(encrypted = "full")]
    balance: f64,
    #[record(encrypted = "full", default = "x")]
    pin: String,
}

fn main() {}
