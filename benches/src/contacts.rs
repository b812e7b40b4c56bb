//! The records that are measured with: contacts of 14 columns, the same ones in every run. It measures nothing.

use std::borrow::Cow;
use std::fmt::Write;

use chancery::{ColumnInput, JsonMap, TableInput, json};

/// The choices of the status column; a third of the records has each.
pub(crate) const STATUSES: [&str; 3] = ["open", "waiting", "closed"];
/// How many cities there are: a thousandth of 1,000,000 records lives in each.
pub(crate) const CITIES: u64 = 1_000;
/// The columns, as a CSV header names them.
pub(crate) const HEADER: &str =
    "Code,First name,Last name,Email,Phone,City,Country,Status,Age,Balance,Score,Active,Joined,Notes";

const FIRST_NAMES: [&str; 8] = [
    "Ada", "Bo", "Chiara", "Dmitri", "Eun-ji", "Fatima", "Göran", "Hina",
];
const LAST_NAMES: [&str; 8] = [
    "Almeida", "Brandt", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "O'Neill",
];
const COUNTRIES: [&str; 6] = ["Austria", "Brazil", "Canada", "Denmark", "Estonia", "Finland"];
const WORDS: [&str; 12] = [
    "asked", "for", "a", "quote", "and", "wants", "to", "hear", "back", "before", "next", "Monday",
];

/// One contact.
pub(crate) struct Contact {
    pub(crate) code: String,
    pub(crate) first_name: Cow<'static, str>,
    pub(crate) last_name: Cow<'static, str>,
    pub(crate) email: String,
    pub(crate) phone: String,
    pub(crate) city: String,
    pub(crate) country: Cow<'static, str>,
    pub(crate) status: Cow<'static, str>,
    pub(crate) age: i64,
    pub(crate) cents: i64,
    pub(crate) score: f64,
    pub(crate) active: bool,
    pub(crate) joined: String,
    pub(crate) notes: String,
}

/// A number that looks drawn, but is the same for the same seed.
pub(crate) fn mixed(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The name of a city.
pub(crate) fn city(number: u64) -> String {
    format!("City {:04}", number % CITIES)
}

/// The contact with a number.
pub(crate) fn contact(number: u64) -> Contact {
    let drawn = mixed(number);
    let pick = |shift: u32, of: u64| (drawn >> shift) % of;
    let mut notes = String::new();
    for word in 0..8 + pick(40, 12) {
        let space = if word > 0 { " " } else { "" };
        let _ = write!(notes, "{space}{}", WORDS[(mixed(drawn ^ word) % 12) as usize]);
    }
    Contact {
        code: format!("{number:08}"),
        first_name: FIRST_NAMES[pick(0, 8) as usize].into(),
        last_name: LAST_NAMES[pick(3, 8) as usize].into(),
        email: format!("person{number}@example.com"),
        phone: format!("+49 30 {:07}", pick(8, 10_000_000)),
        city: city(pick(12, u64::MAX)),
        country: COUNTRIES[pick(20, 6) as usize].into(),
        status: STATUSES[pick(24, 3) as usize].into(),
        age: 18 + pick(28, 70) as i64,
        cents: pick(16, 1_000_000) as i64,
        score: pick(32, 1_000) as f64 / 8.0,
        active: drawn >> 63 == 1,
        joined: format!(
            "20{:02}-{:02}-{:02}",
            pick(36, 25),
            1 + pick(44, 12),
            1 + pick(48, 28)
        ),
        notes,
    }
}

/// The table of contacts: 14 columns, one of them unique and one indexed.
pub(crate) fn table() -> TableInput {
    TableInput::new("Contacts")
        .column(ColumnInput::new("Code", "text").required().unique())
        .column(ColumnInput::new("First name", "text"))
        .column(ColumnInput::new("Last name", "text").max_length(100))
        .column(ColumnInput::new("Email", "email"))
        .column(ColumnInput::new("Phone", "text"))
        .column(ColumnInput::new("City", "text").indexed())
        .column(ColumnInput::new("Country", "text"))
        .column(ColumnInput::new("Status", "select").options(STATUSES))
        .column(ColumnInput::new("Age", "number").range(0, 150))
        .column(ColumnInput::new("Balance", "currency").config("currency", "EUR"))
        .column(ColumnInput::new("Score", "number"))
        .column(ColumnInput::new("Active", "boolean"))
        .column(ColumnInput::new("Joined", "date"))
        .column(ColumnInput::new("Notes", "longText"))
}

impl Contact {
    /// As a caller of the library or of HTTP sends it.
    pub(crate) fn data(&self) -> JsonMap {
        let data = json!({
            "code": self.code,
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
            "phone": self.phone,
            "city": self.city,
            "country": self.country,
            "status": self.status,
            "age": self.age,
            "balance": format!("{}.{:02}", self.cents / 100, self.cents % 100),
            "score": self.score,
            "active": self.active,
            "joined": self.joined,
            "notes": self.notes,
        });
        match data {
            chancery::Json::Object(data) => data,
            _ => JsonMap::new(),
        }
    }

    /// As a line of a CSV file.
    pub(crate) fn csv_line(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{}.{:02},{},{},{},\"{}\"",
            self.code,
            self.first_name,
            self.last_name,
            self.email,
            self.phone,
            self.city,
            self.country,
            self.status,
            self.age,
            self.cents / 100,
            self.cents % 100,
            self.score,
            self.active,
            self.joined,
            self.notes
        );
    }
}
