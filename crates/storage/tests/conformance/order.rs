//! Orders and windows: nulls, directions, ties, pages by offset and by boundary.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope, SortKey, Window};
use chancery_model::{Key, KeyKind, Record, Table, Value};
use serde_json::json;

use crate::bed::{Bed, all, by, column, everywhere, extra, indexed, page, purge, record, table, trash};

/// A table with an indexed and a plain copy of the same numbers and texts, ties and nulls.
async fn mixed(bed: &Bed) -> Arc<Table> {
    let columns = vec![
        indexed(column(0, "indexed_number", "number")),
        column(1, "number", "number"),
        indexed(column(2, "indexed_text", "text")),
        column(3, "text", "text"),
        column(4, "list", "multiSelect"),
        column(5, "amount", "currency"),
        column(6, "flag", "boolean"),
    ];
    let table = Arc::new(Table {
        indexes: vec![vec![2, 0], vec![6, 5]],
        ..table(1, columns)
    });
    bed.create(&table).await;
    let numbers = [
        Value::Int(3),
        Value::Null,
        Value::Float(2.5),
        Value::Int(-1),
        Value::Int(3),
        Value::Float(1e300),
    ];
    let texts = ["b", "", "B", "é", "a", "ab", "日本"];
    let lists: [&[&str]; 4] = [&[], &["a"], &["a", "b"], &["b"]];
    let rows = (0..60_i64).map(|n| {
        let number = numbers[n as usize % numbers.len()].clone();
        let text = if n % 8 == 5 {
            Value::Null
        } else {
            Value::text(texts[n as usize % texts.len()])
        };
        let list = Value::List(
            lists[n as usize % 4]
                .iter()
                .map(|item| (*item).to_owned())
                .collect(),
        );
        let amount = if n % 9 == 0 {
            Value::Null
        } else {
            Value::Decimal(rust_decimal::Decimal::new(n * 37 % 500 - 250, 2))
        };
        let flag = if n % 3 == 0 {
            Value::Null
        } else {
            Value::Bool(n % 2 == 0)
        };
        let values = vec![number.clone(), number, text.clone(), text, list, amount, flag];
        let undeclared = [json!(n % 5), json!("t"), json!(null), json!([1])][n as usize % 4].clone();
        Record {
            extra: extra(json!({ "x": undeclared })).filter(|_| n % 4 > 0),
            created_at: 1_000 + n % 7,
            updated_at: 1_000 + n % 7,
            created_by: (n % 3 > 0).then(|| format!("user:{}", n % 3).into()),
            ..record((n * 17) % 60, values)
        }
    });
    bed.insert(&table, rows.collect()).await;
    table
}

fn orders() -> Vec<Vec<SortKey>> {
    let fields: Vec<FieldRef> = (0..7)
        .map(FieldRef::Column)
        .chain([
            FieldRef::Key,
            FieldRef::CreatedAt,
            FieldRef::CreatedBy,
            FieldRef::Extra("x".into()),
        ])
        .collect();
    let mut orders = vec![Vec::new()];
    for (index, field) in fields.iter().enumerate() {
        for (descending, nulls_first) in [(false, false), (false, true), (true, false), (true, true)] {
            let key = SortKey {
                field: field.clone(),
                descending,
                nulls_first,
            };
            let second = by(fields[(index + 3) % fields.len()].clone(), !descending);
            orders.push(vec![key.clone()]);
            orders.push(vec![key, second]);
        }
    }
    orders
}

fn filters() -> Vec<Filter> {
    let field = |column, test| Filter::Field(FieldRef::Column(column), test);
    vec![
        Filter::All,
        field(0, Test::Eq(Value::Int(3))),
        field(0, Test::Gt(Value::Int(0))),
        field(2, Test::In(vec![Value::text("a"), Value::text("é"), Value::Null])),
        Filter::And(vec![
            field(0, Test::Present),
            field(2, Test::StartsWith("a".into())),
        ]),
        field(3, Test::Ne(Value::text("b"))),
    ]
}

/// The whole answer in the model's own words.
async fn expected(bed: &Bed, plan: &Plan) -> Vec<String> {
    let everything = Plan {
        scope: plan.scope,
        ..all(&plan.table)
    };
    let mut records = bed.backend.query(&everything).await.expect("all records");
    records.retain(|record| plan.admits(record));
    records.sort_by(|a, b| plan.compare(a, b));
    records.iter().map(|record| record.key.to_string()).collect()
}

#[tokio::test]
async fn every_order_is_the_order_of_the_model() {
    everywhere(async |bed| {
        let table = mixed(&bed).await;
        for sort in orders() {
            for filter in filters() {
                let plan = Plan {
                    sort: sort.clone(),
                    filter,
                    ..all(&table)
                };
                let whole = expected(&bed, &plan).await;
                assert_eq!(bed.keys(&plan).await, whole, "{:?} {:?}", plan.sort, plan.filter);
                for (offset, limit) in [(0, 1), (0, 7), (5, 5), (18, 50), (70, 5), (3, 0)] {
                    let part: Vec<String> = whole.iter().skip(offset).take(limit).cloned().collect();
                    let paged = Plan {
                        window: page(offset as u64, limit as u64),
                        ..plan.clone()
                    };
                    assert_eq!(
                        bed.keys(&paged).await,
                        part,
                        "{:?} {:?} {offset} {limit}",
                        plan.sort,
                        plan.filter
                    );
                }
            }
        }
    })
    .await;
}

/// Pages by boundary through a whole answer, forward and back.
async fn windows(bed: &Bed, plan: &Plan, limit: u64) {
    let whole = expected(bed, plan).await;
    let mut records = Vec::new();
    let mut next = Plan {
        window: page(0, limit),
        ..plan.clone()
    };
    loop {
        let page = bed.backend.query(&next).await.expect("a page");
        let Some(last) = page.last() else { break };
        assert!(page.len() as u64 <= limit);
        next.window = Window::After {
            boundary: plan.boundary(last),
            limit,
        };
        records.extend(page);
    }
    let keys: Vec<String> = records.iter().map(|record| record.key.to_string()).collect();
    assert_eq!(
        keys, whole,
        "forward by {limit}: {:?} {:?}",
        plan.sort, plan.filter
    );
    let Some(last) = records.last() else { return };
    let mut back = vec![last.key.to_string()];
    let mut before = plan.boundary(last);
    loop {
        let window = Window::Before {
            boundary: before.clone(),
            limit,
        };
        let page = bed
            .backend
            .query(&Plan {
                window,
                ..plan.clone()
            })
            .await
            .expect("a page");
        let Some(first) = page.first() else { break };
        before = plan.boundary(first);
        back.splice(0..0, page.iter().map(|record| record.key.to_string()));
    }
    assert_eq!(back, whole, "back by {limit}: {:?} {:?}", plan.sort, plan.filter);
}

#[tokio::test]
async fn pages_by_boundary_joined_are_the_whole_answer() {
    everywhere(async |bed| {
        let table = mixed(&bed).await;
        for sort in orders() {
            for filter in filters() {
                let plan = Plan {
                    sort: sort.clone(),
                    filter,
                    ..all(&table)
                };
                windows(&bed, &plan, 7).await;
            }
            windows(&bed, &Plan { sort, ..all(&table) }, 1).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_boundary_need_not_exist_any_more() {
    everywhere(async |bed| {
        let table = mixed(&bed).await;
        for sort in [
            vec![],
            vec![by(FieldRef::Column(0), true)],
            vec![by(FieldRef::Column(3), false)],
        ] {
            let plan = Plan { sort, ..all(&table) };
            let whole = bed.backend.query(&plan).await.expect("all");
            let (gone, rest) = (whole[20].clone(), &whole[21..24]);
            bed.write(vec![purge(&table, &gone.key, None)]).await;
            let keys = |records: &[Arc<Record>]| -> Vec<String> {
                records.iter().map(|record| record.key.to_string()).collect()
            };
            let boundary = plan.boundary(&gone);
            let after = Plan {
                window: Window::After {
                    boundary: boundary.clone(),
                    limit: 3,
                },
                ..plan.clone()
            };
            assert_eq!(bed.keys(&after).await, keys(rest));
            let before = Plan {
                window: Window::Before { boundary, limit: 2 },
                ..plan
            };
            assert_eq!(bed.keys(&before).await, keys(&whole[18..20]));
        }
    })
    .await;
}

#[tokio::test]
async fn what_comes_after_the_key_in_an_order_decides_nothing() {
    everywhere(async |bed| {
        let table = mixed(&bed).await;
        for descending in [false, true] {
            let plan = Plan {
                sort: vec![by(FieldRef::Key, descending), by(FieldRef::Column(0), true)],
                ..all(&table)
            };
            let whole = bed.keys(&plan).await;
            let records = bed.backend.query(&plan).await.expect("all");
            // The record has changed since the boundary was taken from it.
            for since in [Value::Null, Value::text(""), Value::text("\u{10ffff}")] {
                let mut boundary = plan.boundary(&records[20]);
                boundary.values[1] = since;
                let after = Window::After {
                    boundary: boundary.clone(),
                    limit: 2,
                };
                let before = Window::Before { boundary, limit: 2 };
                for (window, expected) in [(after, &whole[21..23]), (before, &whole[18..20])] {
                    let page = Plan {
                        window,
                        ..plan.clone()
                    };
                    assert_eq!(bed.keys(&page).await, expected);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn trash_and_live_records_together_are_in_order() {
    everywhere(async |bed| {
        let table = mixed(&bed).await;
        let records = bed.backend.query(&all(&table)).await.expect("all");
        bed.write(
            records
                .iter()
                .step_by(3)
                .map(|record| trash(&table, record))
                .collect(),
        )
        .await;
        for scope in [Scope::Live, Scope::Trash, Scope::All] {
            for sort in [
                vec![],
                vec![by(FieldRef::Key, true)],
                vec![by(FieldRef::Column(0), true)],
            ] {
                let plan = Plan {
                    scope,
                    sort,
                    ..all(&table)
                };
                windows(&bed, &plan, 6).await;
                let whole = expected(&bed, &plan).await;
                let part = Plan {
                    window: page(4, 5),
                    ..plan.clone()
                };
                assert_eq!(bed.keys(&part).await, whole[4..9], "{scope:?} {:?}", part.sort);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn keys_of_every_kind_have_their_order() {
    everywhere(async |bed| {
        let uuid = |text: &str| Key::Uuid(text.parse().expect("a UUID"));
        let texts = ["b", "a", "B", "é", "10", "9", " "].map(|text| Key::Text(text.into()));
        let uuids = [
            uuid("0190a2b4-0000-7000-8000-000000000001"),
            uuid("ffffffff-ffff-4fff-8fff-ffffffffffff"),
            uuid("00000000-0000-4000-8000-000000000000"),
        ];
        let ints = [5, -5, 0, i64::MAX, i64::MIN].map(Key::Int);
        let kinds = [
            (KeyKind::Text, texts.to_vec()),
            (KeyKind::Uuid, uuids.to_vec()),
            (KeyKind::Int, ints.to_vec()),
        ];
        for (number, (key_kind, keys)) in (1..).zip(kinds) {
            let table = Arc::new(Table {
                key_kind,
                ..table(number, vec![indexed(column(0, "a", "text"))])
            });
            bed.create(&table).await;
            bed.insert(
                &table,
                keys.iter()
                    .map(|key| record(key.clone(), vec![Value::text("x")]))
                    .collect(),
            )
            .await;
            let mut sorted = keys.clone();
            sorted.sort();
            let texts: Vec<String> = sorted.iter().map(ToString::to_string).collect();
            assert_eq!(bed.keys(&all(&table)).await, texts);
            windows(
                &bed,
                &Plan {
                    sort: vec![by(FieldRef::Key, true)],
                    ..all(&table)
                },
                2,
            )
            .await;
            windows(
                &bed,
                &Plan {
                    sort: vec![by(FieldRef::Column(0), true)],
                    ..all(&table)
                },
                2,
            )
            .await;
            for test in [
                |value: Value| Test::Eq(value),
                |value: Value| Test::Gt(value),
                |value: Value| Test::Le(value),
                |value: Value| Test::Ne(value),
                |value: Value| Test::In(vec![value]),
            ] {
                for key in &keys {
                    let bound = chancery_model::record::key_value(key);
                    let plan = Plan {
                        filter: Filter::Field(FieldRef::Key, test(bound)),
                        ..all(&table)
                    };
                    assert_eq!(
                        bed.keys(&plan).await,
                        expected(&bed, &plan).await,
                        "{:?}",
                        plan.filter
                    );
                }
            }
        }
    })
    .await;
}
