//! Mistakes in settings of the table. Compiles nowhere.
use chancery_derive::Record;
#[derive(Record)]
#[record(table = "9 lives")]
struct Task {
    #[record(min = 5, max = 1)]
    priority: i64,
    #[record(pattern = "(unclosed")]
    title: String,
    #[record(pattern = "a(?=b)")]
    ahead: String,
    #[record(min_length = 9, max_length = 3)]
    name: String,
    #[record(default = "three")]
    size: u8,
    #[record(generated = "autoincrement")]
    code: String,
    #[record(field_type = "longtext")]
    notes: String,
    #[record(field_type = "currency", config(precison = 2))]
    price: f64,
    #[record(unique)]
    tags: Vec<String>,
    #[record(options("A", "A"))]
    choice: String,
    #[record(on_delete = "cascade")]
    owner: String,
}

fn main() {}
