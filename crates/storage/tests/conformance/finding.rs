//! Find, search, streams and explanations.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::query::{Plan, Search, Window};
use chancery_model::{Record, RecordMetadata, Value};
use serde_json::json;

use crate::bed::{
    Bed, NOW, all, by, column, everywhere, extra, indexed, insert, key, people, person, record, set, table,
    trash, unique,
};

async fn found(
    bed: &Bed,
    table: &Arc<chancery_model::Table>,
    fields: &[FieldRef],
    tuples: &[Vec<Value>],
    limit: usize,
) -> Vec<String> {
    let groups = bed
        .backend
        .find(table, fields, tuples, limit)
        .await
        .expect("records are found");
    let keys = |records: &Vec<Arc<Record>>| {
        records
            .iter()
            .map(|record| record.key.to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    groups.iter().map(keys).collect()
}

/// Six people and a nobody; the sixth is in the trash.
async fn seven(bed: &Bed) -> Arc<chancery_model::Table> {
    let columns = vec![
        unique(column(0, "email", "text")),
        indexed(column(1, "team", "text")),
        column(2, "age", "number"),
    ];
    let table = Arc::new(table(1, columns));
    bed.create(&table).await;
    let team = |n: i64| if n % 2 == 0 { "even" } else { "odd" };
    let mut people: Vec<Record> = (1..=6)
        .map(|n| person(n, &format!("{n}@x"), team(n), n / 2))
        .collect();
    people.push(record(7, vec![Value::Null, Value::Null, Value::Null]));
    people[0].metadata = RecordMetadata {
        external_id: Some("E1".into()),
        ..RecordMetadata::default()
    };
    people[1].extra = extra(json!({"tag": "t", "n": 5}));
    let people = bed.insert(&table, people).await;
    bed.write(vec![trash(&table, &people[5])]).await;
    table
}

fn text(text: &str) -> Vec<Value> {
    vec![Value::text(text)]
}

#[tokio::test]
async fn find_answers_for_each_tuple_the_live_records_that_equal_it() {
    everywhere(async |bed| {
        let table = seven(&bed).await;
        let check = async |fields: &[FieldRef], tuples: &[Vec<Value>], limit: usize, expected: &[&str]| {
            assert_eq!(
                found(&bed, &table, fields, tuples, limit).await,
                expected,
                "{fields:?} {tuples:?}"
            );
        };
        let [email, team, age] = [0, 1, 2].map(FieldRef::Column);
        check(
            &[email],
            &[text("2@x"), text("6@x"), text("2@X")],
            9,
            &["2", "", ""],
        )
        .await;
        let teams = [text("even"), text("odd"), text("none"), text("even")];
        check(
            std::slice::from_ref(&team),
            &teams,
            9,
            &["2 4", "1 3 5", "", "2 4"],
        )
        .await;
        check(std::slice::from_ref(&team), &teams, 1, &["2", "1", "", "2"]).await;
        let pair = |team: &str, age: i64| vec![Value::text(team), Value::Int(age)];
        let pairs = [pair("odd", 1), pair("even", 1), pair("odd", 9)];
        check(&[team.clone(), age.clone()], &pairs, 9, &["3", "2", ""]).await;
        check(
            &[age, team.clone()],
            &[vec![Value::Int(2), Value::text("odd")]],
            9,
            &["5"],
        )
        .await;
        check(&[team], &[vec![Value::Null]], 9, &["7"]).await;
    })
    .await;
}

#[tokio::test]
async fn find_knows_system_and_undeclared_fields() {
    everywhere(async |bed| {
        let table = seven(&bed).await;
        let check = async |field: FieldRef, tuples: &[Vec<Value>], expected: &[&str]| {
            let fields = std::slice::from_ref(&field);
            assert_eq!(
                found(&bed, &table, fields, tuples, 9).await,
                expected,
                "{field:?} {tuples:?}"
            );
        };
        check(
            FieldRef::Key,
            &[vec![Value::Int(3)], vec![Value::Int(6)], text("3")],
            &["3", "", ""],
        )
        .await;
        check(FieldRef::Key, &[], &[]).await;
        check(FieldRef::ExternalId, &[text("E1"), text("e1")], &["1", ""]).await;
        check(
            FieldRef::ExternalId,
            &[text("E1"), vec![Value::Null]],
            &["1", "2 3 4 5 7"],
        )
        .await;
        check(
            FieldRef::Extra("tag".into()),
            &[text("t"), vec![Value::Null]],
            &["2", "1 3 4 5 7"],
        )
        .await;
        check(
            FieldRef::Extra("n".into()),
            &[vec![Value::Int(5)], text("5")],
            &["2", ""],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_search_finds_the_beginnings_of_words_in_any_column() {
    everywhere(async |bed| {
        let columns = vec![
            column(0, "title", "text"),
            column(1, "body", "longText"),
            column(2, "n", "number"),
        ];
        let table = Arc::new(table(1, columns));
        bed.create(&table).await;
        let row = |number: i64, title: &str, body: &str| {
            record(number, vec![Value::text(title), Value::text(body)])
        };
        let rows = vec![
            row(1, "Hello World", "first \"quoted\" text"),
            row(2, "hello-there", "naïve CAFÉ, straße"),
            row(3, "", "word2vec and 42 things"),
            row(4, "Ünïcode 日本 mixed", "hell o"),
            record(5, vec![Value::Null, Value::text("it's world-wide")]),
        ];
        let rows = bed.insert(&table, rows).await;
        let check = async |words: &[&str], columns: &[u16], expected: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            let search = Some(Search {
                words,
                columns: columns.to_vec(),
                fuzzy: false,
            });
            let plan = Plan {
                search,
                ..all(&table)
            };
            assert_eq!(bed.keys(&plan).await, expected, "{:?}", plan.search);
            assert_eq!(bed.count(&plan).await, expected.len() as u64);
        };
        check(&["hell"], &[0, 1], &["1", "2", "4"]).await;
        check(&["hell"], &[1], &["4"]).await;
        check(&["hello", "world"], &[0, 1], &["1"]).await;
        check(&["hello", "text"], &[0, 1], &["1"]).await;
        check(&["ello"], &[0, 1], &[]).await;
        check(&["café"], &[0, 1], &["2"]).await;
        check(&["cafe"], &[0, 1], &[]).await;
        check(&["stra"], &[0, 1], &["2"]).await;
        check(&["ünï"], &[0, 1], &["4"]).await;
        check(&["日"], &[0, 1], &["4"]).await;
        check(&["word2"], &[0, 1], &["3"]).await;
        check(&["4"], &[0, 1], &["3"]).await;
        check(&["world"], &[0, 1], &["1", "5"]).await;
        check(&["and"], &[0, 1], &["3"]).await;
        check(&["or"], &[0, 1], &[]).await;
        check(&[], &[0, 1], &["1", "2", "3", "4", "5"]).await;
        let changed = set(&table, &rows[0], &[(0, Value::text("Goodbye"))]);
        bed.write(vec![changed, trash(&table, &rows[1])]).await;
        check(&["hell"], &[0, 1], &["4"]).await;
        check(&["goodb"], &[0, 1], &["1"]).await;
        bed.insert(&table, vec![row(6, "hello again", "")]).await;
        check(&["hell"], &[0, 1], &["4", "6"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_fuzzy_search_finds_misspelt_words_the_best_first() {
    everywhere(async |bed| {
        let columns = vec![
            column(0, "name", "text"),
            column(1, "note", "longText"),
            column(2, "n", "number"),
        ];
        let table = Arc::new(table(1, columns));
        bed.create(&table).await;
        let row =
            |number: i64, name: &str, note: &str| record(number, vec![Value::text(name), Value::text(note)]);
        let rows = vec![
            row(1, "Katharina Müller", "Schreibmaschine"),
            row(2, "Katarina Mueller", "Schriebmaschine"),
            row(3, "Catherine Miller", "typewriter"),
            row(4, "Katharinas Mull", ""),
            record(5, vec![Value::Null, Value::text("MÜLLER")]),
            row(6, "Muller", "nothing"),
        ];
        let rows = bed.insert(&table, rows).await;
        let asked = |words: &[&str], columns: &[u16]| Plan {
            search: Some(Search {
                words: words.iter().map(|word| (*word).to_owned()).collect(),
                columns: columns.to_vec(),
                fuzzy: true,
            }),
            sort: vec![chancery_model::query::SortKey::BEST_FIRST],
            ..all(&table)
        };
        let check = async |words: &[&str], columns: &[u16], expected: &[&str]| {
            let plan = asked(words, columns);
            assert_eq!(bed.keys(&plan).await, expected, "{:?}", plan.search);
            assert_eq!(bed.count(&plan).await, expected.len() as u64);
        };
        check(&["muller"], &[0, 1], &["1", "5", "6", "2", "3"]).await;
        check(&["muller"], &[1], &["5"]).await;
        check(&["mulelr"], &[0, 1], &["1", "5", "6"]).await;
        check(&["mull"], &[0], &["4", "1", "6"]).await;
        check(&["katharina"], &[0], &["1", "4", "2"]).await;
        check(&["katherina", "muller"], &[0], &["1", "2", "3"]).await;
        check(&["schreibmaschine"], &[0, 1], &["1", "2"]).await;
        check(&["xyz"], &[0, 1], &[]).await;
        check(&["mu"], &[0, 1], &["1", "2", "4", "5", "6"]).await;
        check(&[], &[0, 1], &["1", "2", "3", "4", "5", "6"]).await;
        // Page by page, in both directions, it is the same.
        let whole = asked(&["muller"], &[0, 1]);
        let first = Plan {
            window: Window::Offset { offset: 0, limit: 2 },
            ..whole.clone()
        };
        let found = bed.backend.query(&first).await.expect("a page");
        let boundary = whole.boundary(&found[1]);
        let rest = Window::After {
            boundary: boundary.clone(),
            limit: 9,
        };
        let before = Window::Before { boundary, limit: 9 };
        let page = |window: Window| Plan {
            window,
            ..whole.clone()
        };
        assert_eq!(bed.keys(&page(rest)).await, ["6", "2", "3"]);
        assert_eq!(bed.keys(&page(before)).await, ["1"]);
        // What is written later is found, what is gone is not, and another order may be asked for.
        let changed = set(&table, &rows[0], &[(0, Value::text("Katharina Möller"))]);
        bed.write(vec![changed, trash(&table, &rows[5])]).await;
        check(&["muller"], &[0, 1], &["5", "1", "2", "3"]).await;
        bed.insert(&table, vec![row(7, "Mullre", ""), row(8, "Muellers Sohn", "")])
            .await;
        check(&["muller"], &[0, 1], &["5", "1", "2", "3", "7"]).await;
        check(&["mueller"], &[0, 1], &["2", "8", "5"]).await;
        let sorted = Plan {
            sort: vec![by(FieldRef::Key, true)],
            ..asked(&["muller"], &[0, 1])
        };
        assert_eq!(bed.keys(&sorted).await, ["7", "5", "3", "2", "1"]);
    })
    .await;
}

#[tokio::test]
async fn a_stream_gives_one_snapshot_in_order_while_others_write() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let rows: Vec<Record> = (0..25_000)
            .map(|n| person(n, &format!("{n}@x"), "red", n % 7))
            .collect();
        let inserted = bed.insert(&table, rows).await;
        let plan = Plan {
            sort: vec![by(FieldRef::Column(2), true)],
            ..all(&table)
        };
        let mut stream = bed.backend.stream(&plan).await.expect("a stream");
        let first = stream.recv().await.expect("a chunk").expect("records");
        let mut writes = vec![insert(&table, person(99_999, "late@x", "red", 1))];
        writes.extend(
            inserted[20_000..]
                .iter()
                .map(|record| set(&table, record, &[(2, Value::Int(100))])),
        );
        writes.push(crate::bed::purge(&table, &key(0), None));
        bed.write(writes).await;
        let mut records = first;
        while let Some(chunk) = stream.recv().await {
            records.extend(chunk.expect("records"));
        }
        assert_eq!(records.len(), 25_000);
        let ordered = records.is_sorted_by(|a, b| plan.compare(a, b).is_lt());
        assert!(ordered, "the order of the plan, nothing twice");
        assert!(
            records.iter().all(|record| record.value(2) < &Value::Int(7)),
            "the state before the writes"
        );
    })
    .await;
}

#[tokio::test]
async fn a_stream_may_be_left_in_the_middle() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let rows = (0..20_000)
            .map(|n| person(n, &format!("{n}@x"), "red", 0))
            .collect();
        bed.insert(&table, rows).await;
        let mut stream = bed.backend.stream(&all(&table)).await.expect("a stream");
        let _ = stream.recv().await.expect("a chunk").expect("records");
        drop(stream);
        let mut empty = bed
            .backend
            .stream(&Plan {
                now: NOW,
                ..crate::bed::with(&table, 1, chancery_model::filter::Test::Blank)
            })
            .await
            .expect("a stream");
        assert!(empty.recv().await.is_none());
        bed.insert(&table, vec![person(20_001, "x", "", 0)]).await;
    })
    .await;
}

#[tokio::test]
async fn a_plan_is_explained_in_words() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let lines = bed.backend.explain(&all(&table)).await.expect("an explanation");
        assert!(lines.iter().any(|line| !line.is_empty()), "{lines:?}");
    })
    .await;
}
