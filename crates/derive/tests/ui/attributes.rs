//! Mistakes in attributes that are unknown or misplaced. Compiles nowhere.
use chancery_derive::Record;
#[derive(Record)]
#[record(tabel = "tasks", ttl = "1w", strict, open)]
struct Task {
    #[record(uniqe)]
    title: String,
    #[record(min = "1", max = 5, max = 6)]
    priority: i64,
    #[record(unique = true, min_length)]
    name: String,
    #[record(generated = "uuidd", format = "e-mail", default_to = "noww")]
    code: String,
    #[record(default = compute())]
    size: u8,
    #[record(on_delete = "casacde")]
    owner: String,
}

fn main() {}
