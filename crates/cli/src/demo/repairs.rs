//! Repairs of the demo: the board of the workshop.

use chancery::{ColumnInput, JsonMap, TableInput};
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::chance::Chance;
use super::words::{JOBS, MECHANICS, REMARKS};
use super::{choice, day, described, money, record, related, text};

/// How many.
const REPAIRS: usize = 380;

pub(super) fn table() -> TableInput {
    described(
        "Repairs",
        "Every bicycle in the workshop, and when it will be done.",
        "check",
        "red",
        vec![
            ColumnInput::new("Job", "text").required().primary(),
            ColumnInput::new("Number", "autoNumber")
                .config("prefix", "R-")
                .config("digits", 4),
            related(
                "Customer",
                "relation",
                [("table", "customers"), ("onDelete", "restrict")],
            )
            .required(),
            related("Phone", "lookup", [("relation", "customer"), ("column", "phone")]),
            choice(
                "Status",
                "select",
                &[
                    ("waiting", "gray"),
                    ("in work", "blue"),
                    ("waiting for parts", "yellow"),
                    ("done", "green"),
                    ("collected", "teal"),
                ],
            )
            .indexed(),
            choice(
                "Priority",
                "select",
                &[("low", "gray"), ("normal", "blue"), ("urgent", "red")],
            ),
            choice("Mechanic", "select", MECHANICS),
            ColumnInput::new("Accepted by", "user"),
            ColumnInput::new("Inform", "users"),
            ColumnInput::new("Received on", "date").indexed(),
            ColumnInput::new("Due on", "date").indexed(),
            ColumnInput::new("Collect after", "time"),
            ColumnInput::new("Estimate", "duration"),
            ColumnInput::new("Price", "currency").config("currency", "EUR"),
            ColumnInput::new("Notes", "longText"),
            ColumnInput::new("Photos", "files")
                .config("accept", "image/*")
                .config("maxFiles", 10),
            ColumnInput::new("Checklist", "json").config("kind", "array"),
            ColumnInput::new("Added", "createdTime"),
            ColumnInput::new("Changed", "updatedTime"),
            ColumnInput::new("Changed by", "updatedBy"),
        ],
    )
}

pub(super) fn records(chance: &mut Chance, today: Date, customers: &[JsonMap]) -> Vec<JsonMap> {
    let mut ages: Vec<i64> = (0..REPAIRS).map(|_| chance.rather_small(0, 300)).collect();
    ages.sort_by(|a, b| b.cmp(a));
    ages.into_iter()
        .map(|age| one(chance, today, age, customers))
        .collect()
}

fn one(chance: &mut Chance, today: Date, age: i64, customers: &[JsonMap]) -> JsonMap {
    let customer = chance.item(customers).clone();
    let (job, minutes, price) = *chance.item(JOBS);
    let status = match age {
        0..=2 => chance.of(&["waiting", "waiting", "in work"]),
        3..=9 => chance.of(&["in work", "waiting for parts", "done"]),
        _ => "collected",
    };
    let due = chance.between(2, 9) - age;
    let steps = ["inspected", "cleaned", "repaired", "test ride"];
    let done = if status == "collected" || status == "done" {
        steps.len()
    } else {
        chance.between(0, 2) as usize
    };
    let checklist: Vec<Json> = steps
        .iter()
        .enumerate()
        .map(|(at, step)| json!({"step": step, "done": at < done}))
        .collect();
    record([
        ("job", json!(job)),
        ("customer", json!(text(&customer, "id"))),
        ("status", json!(status)),
        (
            "priority",
            json!(chance.of(&["low", "normal", "normal", "normal", "urgent"])),
        ),
        (
            "mechanic",
            if status == "waiting" {
                Json::Null
            } else {
                json!(chance.item(MECHANICS).0)
            },
        ),
        ("receivedOn", json!(day(today, -age).to_string())),
        ("dueOn", json!(day(today, due).to_string())),
        (
            "collectAfter",
            if chance.percent(50) {
                json!(format!("{:02}:30", chance.between(9, 18)))
            } else {
                Json::Null
            },
        ),
        ("estimate", json!((minutes + chance.between(0, 3) * 5) * 60)),
        ("price", money(price + chance.between(0, 12) * 100)),
        (
            "notes",
            if chance.percent(30) {
                json!(chance.of(REMARKS))
            } else {
                Json::Null
            },
        ),
        ("checklist", json!(checklist)),
    ])
}
