//! Products of the demo: parts and accessories with stock and prices.

use chancery::{ColumnInput, JsonMap, TableInput};
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::words::{MAKES, PARTS, SERIES};
use super::{choice, day, described, money, record};

pub(super) fn table() -> TableInput {
    described(
        "Products",
        "What is on the shelves, what it costs, and what has to be ordered again.",
        "package",
        "teal",
        vec![
            ColumnInput::new("Name", "text").required().primary(),
            ColumnInput::new("SKU", "text")
                .required()
                .unique()
                .pattern("^[A-Z]{2}-[0-9]{4}$"),
            choice(
                "Category",
                "select",
                &[
                    ("Drivetrain", "blue"),
                    ("Brakes", "red"),
                    ("Wheels", "teal"),
                    ("Comfort", "orange"),
                    ("Lights", "yellow"),
                    ("Accessories", "violet"),
                ],
            )
            .indexed(),
            ColumnInput::new("Price", "currency")
                .config("currency", "EUR")
                .required(),
            ColumnInput::new("Cost", "currency").config("currency", "EUR"),
            ColumnInput::new("Margin", "percent").config("precision", 1),
            ColumnInput::new("In stock", "number")
                .range(0, 10_000)
                .default_value(0)
                .indexed(),
            ColumnInput::new("Order below", "number").range(0, 1_000),
            ColumnInput::new("Barcode", "barcode")
                .config("format", "ean13")
                .unique(),
            ColumnInput::new("Rating", "rating"),
            ColumnInput::new("Sold", "boolean").default_value(true),
            ColumnInput::new("Listed on", "date"),
            ColumnInput::new("Web page", "url"),
            ColumnInput::new("Data sheet", "file").config("accept", ".pdf"),
            ColumnInput::new("Details", "json"),
        ],
    )
}

pub(super) fn records(chance: &mut Chance, today: Date) -> Vec<JsonMap> {
    let mut products = Vec::new();
    for (kind, (part, category, cheap, dear, grams)) in PARTS.iter().enumerate() {
        for make in MAKES.iter().filter(|make| make.len() > 4) {
            let series = chance.of(SERIES);
            let price = chance.rather_small(cheap / 100, dear / 100) * 100 + 90;
            let cost = price * chance.between(48, 71) / 100;
            let number = products.len() as i64 + 1;
            let letters: String = part.chars().take(2).collect::<String>().to_uppercase();
            let margin = (price - cost) * 1_000 / price;
            let slug = make.to_lowercase().replace(' ', "-").replace('&', "and");
            products.push(record([
                ("name", json!(format!("{make} {part} {series}"))),
                ("sku", json!(format!("{letters}-{number:04}"))),
                ("category", json!(category)),
                ("price", money(price)),
                ("cost", money(cost)),
                (
                    "margin",
                    serde_json::from_str(&format!("{}.{}", margin / 10, margin % 10)).unwrap_or(Json::Null),
                ),
                ("inStock", json!(chance.rather_small(0, 60))),
                ("orderBelow", json!(chance.between(2, 12))),
                (
                    "barcode",
                    json!(ean13(200_000_000_000 + kind as u64 * 10_000 + number as u64)),
                ),
                (
                    "rating",
                    if chance.percent(70) {
                        json!(chance.between(2, 5))
                    } else {
                        Json::Null
                    },
                ),
                ("sold", json!(chance.percent(93))),
                (
                    "listedOn",
                    json!(day(today, -chance.between(30, 1_500)).to_string()),
                ),
                (
                    "webPage",
                    json!(format!("https://{slug}.example/{}", letters.to_lowercase())),
                ),
                ("details", details(chance, *grams)),
            ]));
        }
    }
    products
}

fn details(chance: &mut Chance, grams: i64) -> Json {
    match chance.percent(60) {
        true => json!({
            "grams": grams + chance.between(-20, 40),
            "colours": chance.some(&["black", "silver", "red", "green"], 40),
            "warranty": {"months": 12 * chance.between(1, 5)},
        }),
        false => Json::Null,
    }
}

/// Twelve digits with their check digit (GS1 General Specifications, 7.9).
fn ean13(twelve: u64) -> String {
    let digits = format!("{twelve:012}");
    let sum: u32 = digits
        .bytes()
        .enumerate()
        .map(|(at, digit)| u32::from(digit - b'0') * if at % 2 == 0 { 1 } else { 3 })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn check_digits_are_right() {
        assert_eq!(super::ean13(400_638_133_393), "4006381333931");
    }
}
