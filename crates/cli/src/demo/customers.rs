//! Customers of the demo. Names are made up, addresses at example.org, numbers from the range kept for fiction (Ofcom).

use chancery::{ColumnInput, JsonMap, TableInput};
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::words::{FAMILY, GIVEN, REMARKS, STREETS, TOWNS};
use super::{choice, day, described, record, related};

/// How many.
const CUSTOMERS: usize = 420;

pub(super) fn table() -> TableInput {
    described(
        "Customers",
        "Who brings bicycles and buys parts.",
        "users",
        "blue",
        vec![
            ColumnInput::new("Name", "text").required().primary(),
            ColumnInput::new("Number", "autoNumber")
                .config("prefix", "C-")
                .config("digits", 4),
            ColumnInput::new("Email", "email").unique(),
            ColumnInput::new("Phone", "phone"),
            ColumnInput::new("Street", "text"),
            ColumnInput::new("Postal code", "text").pattern("^[0-9]{5}$"),
            ColumnInput::new("Town", "text").indexed(),
            choice(
                "Tags",
                "multiSelect",
                &[
                    ("commuter", "teal"),
                    ("racer", "red"),
                    ("family", "yellow"),
                    ("touring", "green"),
                    ("courier", "violet"),
                ],
            ),
            ColumnInput::new("Customer since", "date").indexed(),
            ColumnInput::new("Call after", "time"),
            ColumnInput::new("Newsletter", "boolean").default_value(false),
            ColumnInput::new("Satisfaction", "rating"),
            ColumnInput::new("Notes", "longText"),
            ColumnInput::new("Added by", "createdBy"),
        ],
    )
}

/// The columns that show what stands in other tables, which are made later.
pub(super) fn columns_of_others() -> [ColumnInput; 4] {
    let map = "https://www.openstreetmap.org/search?query={street}%20{postalCode}%20{town}";
    let spent = [("relation", "orders"), ("function", "sum"), ("column", "total")];
    [
        related(
            "Orders",
            "relation",
            [("table", "orders"), ("reverseOf", "customer")],
        ),
        related("Spent", "rollup", spent),
        related(
            "Repairs",
            "relation",
            [("table", "repairs"), ("reverseOf", "customer")],
        ),
        related("Where", "button", [("label", "Map"), ("url", map)]),
    ]
}

pub(super) fn records(chance: &mut Chance, today: Date) -> Vec<JsonMap> {
    (0..CUSTOMERS).map(|number| one(chance, today, number)).collect()
}

fn one(chance: &mut Chance, today: Date, number: usize) -> JsonMap {
    let (given, family) = (chance.of(GIVEN), chance.of(FAMILY));
    let (town, code) = *chance.item(TOWNS);
    let mut either = |percent: i64, value: Json| {
        if chance.percent(percent) {
            value
        } else {
            Json::Null
        }
    };
    let email = either(
        92,
        json!(format!("{}.{number}@example.org", given.to_lowercase())),
    );
    let phone = either(80, json!(format!("+44 20 7946 {:04}", number)));
    let notes = either(18, json!(true));
    let satisfaction = either(55, json!(true));
    record([
        ("name", json!(format!("{given} {family}"))),
        ("email", email),
        ("phone", phone),
        (
            "street",
            json!(format!("{} {}", chance.of(STREETS), chance.between(1, 140))),
        ),
        ("postalCode", json!(code)),
        ("town", json!(town)),
        (
            "tags",
            json!(chance.some(&["commuter", "racer", "family", "touring", "courier"], 28)),
        ),
        (
            "customerSince",
            json!(day(today, -chance.rather_small(1, 2_900)).to_string()),
        ),
        (
            "callAfter",
            if chance.percent(35) {
                json!(format!(
                    "{:02}:{:02}",
                    chance.between(8, 19),
                    chance.between(0, 3) * 15
                ))
            } else {
                Json::Null
            },
        ),
        ("newsletter", json!(chance.percent(40))),
        (
            "satisfaction",
            if satisfaction.is_null() {
                Json::Null
            } else {
                json!(chance.between(3, 5))
            },
        ),
        (
            "notes",
            if notes.is_null() {
                Json::Null
            } else {
                json!(chance.of(REMARKS))
            },
        ),
    ])
}
