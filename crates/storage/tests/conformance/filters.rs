//! Every test on every kind of value, with nulls, empty values and Unicode, alone and combined: what the model says.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::Plan;
use chancery_model::{Json, Record, RecordMetadata, Table, Value};
use chancery_storage::CountMode;
use regex::Regex;
use serde_json::json;

use crate::bed::{Bed, NOW, all, column, everywhere, extra, indexed, record, table, with};

fn decimal(text: &str) -> Value {
    Value::Decimal(text.parse().expect("a decimal"))
}

fn list(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| (*item).to_owned()).collect())
}

fn json_value(json: Json) -> Value {
    Value::Json(Box::new(json))
}

/// A column of each kind of storage, and the values it is tried with.
fn kinds() -> Vec<(&'static str, Vec<Value>)> {
    let texts = [
        "", "a", "A", "ab", "abc", "Äpfel", "äPFEL", "straße", "日本", "a\"b", "%", "_", "10", "9", "🎉x",
    ];
    vec![
        ("boolean", vec![Value::Bool(true), Value::Bool(false)]),
        (
            "dateTime",
            [0, -5, 7, i64::MAX, i64::MIN].map(Value::Int).to_vec(),
        ),
        (
            "number",
            vec![
                Value::Int(0),
                Value::Int(-3),
                Value::Float(2.5),
                Value::Int(2),
                Value::Int(3),
                Value::Float(-1e300),
            ],
        ),
        (
            "currency",
            ["0", "1.10", "-0.01", "1.1", "999999.99", "2"]
                .map(decimal)
                .to_vec(),
        ),
        ("text", texts.map(Value::text).to_vec()),
        (
            "multiSelect",
            vec![
                list(&[]),
                list(&["a"]),
                list(&["a", "b"]),
                list(&["b", "a"]),
                list(&["A", "a\"b", "日"]),
                list(&[""]),
            ],
        ),
        (
            "json",
            vec![
                json_value(json!({})),
                json_value(json!([])),
                json_value(json!({"a": "Äb", "b": [1, 2.50, null]})),
                json_value(json!({"b": [1, 2.50, null], "a": "Äb"})),
                json_value(json!(["a", {"x": "y\"z"}])),
            ],
        ),
        (
            "date",
            ["2024-02-29", "1999-12-31", "2024-03-01"]
                .map(Value::text)
                .to_vec(),
        ),
    ]
}

/// Every test with bounds of the column's own kind and of others.
fn tests(own: &[Value]) -> Vec<Test> {
    let mut bounds = vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(2),
        Value::Float(2.5),
        decimal("1.10"),
        decimal("2"),
        Value::text("a"),
        Value::text(""),
        list(&["a"]),
        list(&[]),
        json_value(json!({})),
    ];
    bounds.extend(own.iter().cloned());
    let mut tests = vec![
        Test::Blank,
        Test::Present,
        Test::In(Vec::new()),
        Test::NotIn(Vec::new()),
    ];
    for bound in &bounds {
        let of: [fn(Value) -> Test; 6] = [Test::Eq, Test::Ne, Test::Lt, Test::Le, Test::Gt, Test::Ge];
        tests.extend(of.map(|test| test(bound.clone())));
        tests.push(Test::In(vec![bound.clone(), own[0].clone()]));
        tests.push(Test::NotIn(vec![own[0].clone(), bound.clone()]));
        tests.push(Test::Between(bound.clone(), own[own.len() - 1].clone()));
        tests.push(Test::Between(own[0].clone(), bound.clone()));
    }
    for text in [
        "", "a", "A", "äp", "ÄP", "SS", "ß", "b", "\"", "%", "_", "日", "1", "null", "🎉", "y\\\"z",
    ] {
        tests.push(Test::Contains(text.into()));
        tests.push(Test::NotContains(text.into()));
        tests.push(Test::StartsWith(text.into()));
        tests.push(Test::EndsWith(text.into()));
    }
    for items in [
        &[][..],
        &["a"],
        &["a", "b"],
        &["b", "zzz"],
        &["A"],
        &["a\"b"],
        &[""],
    ] {
        let items: Vec<String> = items.iter().map(|item| (*item).to_owned()).collect();
        tests.push(Test::ListAll(items.clone()));
        tests.push(Test::ListAny(items));
    }
    for pattern in ["^a", "(?i)ä", "b$", "^$", ".", "日|1"] {
        tests.push(Test::Regex(Regex::new(pattern).expect("a pattern")));
    }
    tests
}

/// A table with a plain and an indexed column of every kind, and a record for every value and null.
async fn everything(bed: &Bed) -> (Arc<Table>, Vec<Arc<Record>>) {
    let kinds = kinds();
    let mut columns = Vec::new();
    for (kind, _) in &kinds {
        let ordinal = columns.len() as u16;
        columns.push(column(ordinal, &format!("plain_{ordinal}"), kind));
        columns.push(indexed(column(ordinal + 1, &format!("indexed_{ordinal}"), kind)));
    }
    let table = Arc::new(table(1, columns));
    bed.create(&table).await;
    let most = kinds
        .iter()
        .map(|(_, values)| values.len())
        .max()
        .unwrap_or_default();
    let rows = (0..=most).map(|row| {
        let value = |values: &Vec<Value>| values.get(row).cloned().unwrap_or_default();
        let values = kinds
            .iter()
            .flat_map(|(_, values)| [value(values), value(values)])
            .collect();
        let undeclared = [
            json!("a"),
            json!(2),
            json!(2.5),
            json!(true),
            json!(["a"]),
            json!({"a": 1}),
            json!(null),
            json!(""),
        ];
        let undeclared = undeclared[row % undeclared.len()].clone();
        Record {
            extra: extra(json!({ "field": undeclared, "o'ther": row })).filter(|_| row > 0),
            created_at: NOW + row as i64,
            created_by: (row % 2 == 0).then(|| format!("User {row}").into()),
            expires_at: (row % 3 == 0).then_some(NOW + 10 + row as i64),
            metadata: RecordMetadata {
                external_id: (row % 4 == 1).then(|| format!("E-{row}")),
                ..RecordMetadata::default()
            },
            ..record(row as i64, values)
        }
    });
    let records = bed.insert(&table, rows.collect()).await;
    (table, records)
}

async fn check(bed: &Bed, plan: &Plan, records: &[Arc<Record>]) {
    let admitted = records.iter().filter(|record| plan.admits(record));
    let expected: Vec<String> = admitted.map(|record| record.key.to_string()).collect();
    assert_eq!(bed.keys(plan).await, expected, "{:?}", plan.filter);
    assert_eq!(bed.count(plan).await, expected.len() as u64, "{:?}", plan.filter);
}

#[tokio::test]
async fn every_test_on_every_kind_of_column_is_what_the_model_says() {
    everywhere(async |bed| {
        let (table, records) = everything(&bed).await;
        for (index, (_, values)) in kinds().iter().enumerate() {
            for test in tests(values) {
                for ordinal in [index as u16 * 2, index as u16 * 2 + 1] {
                    let filter = Filter::Field(FieldRef::Column(ordinal), test.clone());
                    check(
                        &bed,
                        &Plan {
                            filter,
                            ..all(&table)
                        },
                        &records,
                    )
                    .await;
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn every_test_on_every_system_and_undeclared_field_is_what_the_model_says() {
    everywhere(async |bed| {
        let (table, records) = everything(&bed).await;
        let times = [
            Value::Int(NOW),
            Value::Int(NOW + 3),
            Value::Int(NOW + 13),
            Value::Int(1),
        ];
        let texts = [Value::text("User 2"), Value::text("E-1"), Value::text("user 2")];
        let fields: [(FieldRef, &[Value]); 15] = [
            (FieldRef::Key, &times),
            (FieldRef::Version, &times),
            (FieldRef::CreatedAt, &times),
            (FieldRef::UpdatedAt, &times),
            (FieldRef::ExpiresAt, &times),
            (FieldRef::DeletedAt, &times),
            (FieldRef::CreatedBy, &texts),
            (FieldRef::UpdatedBy, &texts),
            (FieldRef::ExternalId, &texts),
            (FieldRef::Source, &texts),
            (FieldRef::ImportId, &texts),
            (FieldRef::DuplicateOf, &texts),
            (FieldRef::Extra("field".into()), &texts),
            (FieldRef::Extra("o'ther".into()), &times),
            (FieldRef::Extra("none".into()), &times),
        ];
        for (field, values) in fields {
            for test in tests(values) {
                let plan = Plan {
                    filter: Filter::Field(field.clone(), test),
                    ..all(&table)
                };
                check(&bed, &plan, &records).await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn filters_combine() {
    everywhere(async |bed| {
        let (table, records) = everything(&bed).await;
        let field = |ordinal: u16, test| Filter::Field(FieldRef::Column(ordinal), test);
        let number = || field(5, Test::Ge(Value::Int(0)));
        let text = || field(8, Test::Contains("a".into()));
        let filters = [
            Filter::And(Vec::new()),
            Filter::Or(Vec::new()),
            Filter::And(vec![number(), text()]),
            Filter::Or(vec![number(), text()]),
            Filter::And(vec![
                Filter::Or(vec![number(), field(1, Test::Eq(Value::Bool(true)))]),
                text(),
            ]),
            Filter::Or(vec![
                Filter::And(vec![number(), text()]),
                field(9, Test::Eq(Value::text("日本"))),
            ]),
            Filter::And(vec![
                Filter::All,
                Filter::And(vec![field(9, Test::In(vec![Value::text("a"), Value::text("A")]))]),
            ]),
            Filter::And(vec![
                field(5, Test::Eq(Value::Int(2))),
                field(5, Test::Eq(Value::Int(3))),
            ]),
            Filter::Or(vec![Filter::Or(Vec::new()), Filter::And(Vec::new())]),
        ];
        for filter in filters {
            check(
                &bed,
                &Plan {
                    filter,
                    ..all(&table)
                },
                &records,
            )
            .await;
        }
        let wide = Filter::Or((0..400).map(|n| field(4, Test::Eq(Value::Int(n)))).collect());
        check(
            &bed,
            &Plan {
                filter: wide,
                ..all(&table)
            },
            &records,
        )
        .await;
        let mut deep = field(5, Test::Present);
        for _ in 0..20 {
            deep = Filter::And(vec![Filter::Or(vec![deep])]);
        }
        check(
            &bed,
            &Plan {
                filter: deep,
                ..all(&table)
            },
            &records,
        )
        .await;
        let many = Test::In((0..10_000).map(Value::Int).collect());
        for ordinal in [4, 5] {
            check(
                &bed,
                &Plan {
                    filter: field(ordinal, many.clone()),
                    ..all(&table)
                },
                &records,
            )
            .await;
        }
    })
    .await;
}

#[tokio::test]
async fn one_value_that_is_named_twice_is_found_once() {
    everywhere(async |bed| {
        let table = Arc::new(table(1, vec![indexed(column(0, "amount", "currency"))]));
        bed.create(&table).await;
        // So many that the index is worth using.
        let others = (2..50).map(|key| record(key, vec![decimal("2")]));
        let records = std::iter::once(record(1, vec![decimal("-1")])).chain(others);
        bed.insert(&table, records.collect()).await;
        let named = vec![decimal("-0.25"), Value::Int(-1), decimal("-1"), decimal("-1.00")];
        let plan = with(&table, 0, Test::In(named));
        assert_eq!(bed.keys(&plan).await, ["1"]);
        let count = bed.backend.count(&plan, CountMode::Exact).await;
        assert_eq!(count.expect("counted"), 1);
    })
    .await;
}
