//! Orders of the demo: who bought what, when, and whether it is paid.

use chancery::{ColumnInput, JsonMap, TableInput};
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::{cents, choice, day, described, money, record, related, text};

/// How many.
const ORDERS: usize = 1_600;

pub(super) fn table() -> TableInput {
    described(
        "Orders",
        "Parts sold over the counter and sent by post.",
        "cart",
        "orange",
        vec![
            ColumnInput::new("Number", "autoNumber")
                .config("prefix", "O-")
                .config("digits", 5)
                .primary(),
            related(
                "Customer",
                "relation",
                [("table", "customers"), ("onDelete", "restrict")],
            )
            .required(),
            related(
                "Product",
                "relation",
                [("table", "products"), ("onDelete", "restrict")],
            )
            .required(),
            related("SKU", "lookup", [("relation", "product"), ("column", "sku")]),
            ColumnInput::new("Quantity", "number")
                .range(1, 100)
                .default_value(1),
            ColumnInput::new("Discount", "percent").config("precision", 0),
            ColumnInput::new("Total", "currency")
                .config("currency", "EUR")
                .indexed(),
            choice(
                "Status",
                "select",
                &[
                    ("new", "blue"),
                    ("packed", "yellow"),
                    ("sent", "orange"),
                    ("delivered", "green"),
                    ("returned", "red"),
                ],
            )
            .indexed(),
            choice(
                "Channel",
                "select",
                &[("counter", "teal"), ("web", "blue"), ("phone", "violet")],
            ),
            ColumnInput::new("Ordered at", "dateTime").indexed(),
            ColumnInput::new("Delivered on", "date"),
            ColumnInput::new("Paid", "boolean").default_value(false),
            ColumnInput::new("Last change", "updatedTime"),
        ],
    )
}

pub(super) fn records(
    chance: &mut Chance,
    today: Date,
    customers: &[JsonMap],
    products: &[JsonMap],
) -> Vec<JsonMap> {
    let mut ages: Vec<i64> = (0..ORDERS).map(|_| chance.rather_small(0, 540)).collect();
    ages.sort_by(|a, b| b.cmp(a));
    ages.into_iter()
        .map(|age| one(chance, today, age, customers, products))
        .collect()
}

fn one(chance: &mut Chance, today: Date, age: i64, customers: &[JsonMap], products: &[JsonMap]) -> JsonMap {
    let (customer, product) = (chance.item(customers).clone(), chance.item(products).clone());
    let quantity = chance.rather_small(1, 5);
    let discount = if chance.percent(20) {
        chance.between(1, 4) * 5
    } else {
        0
    };
    let total = cents(&product, "price") * quantity * (100 - discount) / 100;
    let status = match age {
        0..=1 => chance.of(&["new", "packed"]),
        2..=5 => chance.of(&["packed", "sent", "delivered"]),
        _ if chance.percent(6) => "returned",
        _ => "delivered",
    };
    let delivered =
        (status == "delivered").then(|| day(today, -(age - chance.between(1, 4)).max(0)).to_string());
    let at = format!(
        "{}T{:02}:{:02}:00Z",
        day(today, -age),
        chance.between(8, 18),
        chance.between(0, 59)
    );
    record([
        ("customer", json!(text(&customer, "id"))),
        ("product", json!(text(&product, "id"))),
        ("quantity", json!(quantity)),
        (
            "discount",
            if discount > 0 { json!(discount) } else { Json::Null },
        ),
        ("total", money(total)),
        ("status", json!(status)),
        (
            "channel",
            json!(chance.of(&["counter", "counter", "web", "phone"])),
        ),
        ("orderedAt", json!(at)),
        ("deliveredOn", json!(delivered)),
        ("paid", json!(age > 20 || chance.percent(60))),
    ])
}
