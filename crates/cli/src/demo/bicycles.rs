//! Bicycles of the demo: what the workshop rents out.

use chancery::{ColumnInput, JsonMap, TableInput};
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::words::{MAKES, SERIES};
use super::{choice, day, described, money, record};

/// How many.
const BICYCLES: i64 = 64;

pub(super) fn table() -> TableInput {
    let mut bicycles = described(
        "Rental bicycles",
        "The fleet for rent, with service dates.",
        "tag",
        "green",
        vec![
            ColumnInput::new("Frame", "text"),
            ColumnInput::new("Model", "text").required().primary(),
            choice(
                "Kind",
                "select",
                &[
                    ("city", "teal"),
                    ("e-bike", "yellow"),
                    ("cargo", "orange"),
                    ("children", "pink"),
                    ("tandem", "violet"),
                ],
            ),
            ColumnInput::new("Frame size", "number").range(30, 64),
            ColumnInput::new("Bought on", "date"),
            ColumnInput::new("Price", "currency").config("currency", "EUR"),
            ColumnInput::new("Per day", "currency").config("currency", "EUR"),
            ColumnInput::new("Next service", "date").indexed(),
            ColumnInput::new("Condition", "rating"),
            ColumnInput::new("Available", "boolean").default_value(true),
            ColumnInput::new("Ridden", "duration"),
        ],
    );
    bicycles.key = Some("frame".into());
    bicycles
}

pub(super) fn records(chance: &mut Chance, today: Date) -> Vec<JsonMap> {
    (1..=BICYCLES).map(|number| one(chance, today, number)).collect()
}

fn one(chance: &mut Chance, today: Date, number: i64) -> JsonMap {
    let kind = chance.of(&["city", "city", "e-bike", "cargo", "children", "tandem"]);
    let (cheap, dear, per_day) = match kind {
        "e-bike" => (180_000, 320_000, 3_500),
        "cargo" => (250_000, 520_000, 4_500),
        "tandem" => (120_000, 260_000, 3_000),
        "children" => (20_000, 45_000, 900),
        _ => (45_000, 110_000, 1_500),
    };
    record([
        ("frame", json!(format!("WB-{number:03}"))),
        (
            "model",
            json!(format!("{} {}", chance.of(MAKES), chance.of(SERIES))),
        ),
        ("kind", json!(kind)),
        (
            "frameSize",
            if kind == "children" {
                json!(chance.between(30, 40))
            } else {
                json!(chance.between(46, 62))
            },
        ),
        (
            "boughtOn",
            json!(day(today, -chance.between(60, 2_200)).to_string()),
        ),
        ("price", money(chance.between(cheap / 100, dear / 100) * 100)),
        ("perDay", money(per_day)),
        (
            "nextService",
            json!(day(today, chance.between(-20, 160)).to_string()),
        ),
        ("condition", json!(chance.between(2, 5))),
        ("available", json!(chance.percent(75))),
        (
            "ridden",
            if chance.percent(90) {
                json!(chance.between(1, 900) * 3_600)
            } else {
                Json::Null
            },
        ),
    ])
}
