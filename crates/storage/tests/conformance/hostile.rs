//! Hostile names and values through everything: quotes, SQL, Unicode, long texts, extreme numbers.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Search, Window};
use chancery_model::{Key, KeyKind, Record, RecordMetadata, Table, Value};
use chancery_storage::{Batch, Document, DocumentQuery, DocumentWrite};
use serde_json::json;

use crate::bed::{
    Bed, NOW, all, assert_same, by, column, everywhere, extra, indexed, record, set, table, trash, unique,
    with, written,
};

const TEXTS: &[&str] = &[
    "'; DROP TABLE t1; --",
    "\"quoted\" `back` [bracket]",
    "%_\\",
    "a\tb\r\nc",
    "\u{202e}right to left\u{202c}",
    "👩‍👩‍👧‍👦 family",
    "ﬁ ligature, ß, İ, ı, Å (two forms: Å)",
    "?1 :name @name $name",
    "NULL",
    "null",
    "0",
    "1e5",
    " 1 ",
    "00501",
    "true",
    "{\"json\": true}",
    "\u{1}\u{7f}\u{feff}",
    "日本語 テキスト",
];

/// A record that has a text wherever a record can have one.
fn named(text: &str) -> Record {
    let value = Value::text(text);
    let values = vec![
        value.clone(),
        value.clone(),
        value,
        Value::List(vec![text.into(), "other".into()]),
        Value::Json(Box::new(json!({ text: [text] }))),
    ];
    Record {
        created_by: Some(text.into()),
        metadata: RecordMetadata {
            external_id: Some(text.into()),
            import_id: Some(text.into()),
            ..RecordMetadata::default()
        },
        extra: extra(json!({ text: text })),
        ..record(Key::Text(text.into()), values)
    }
}

/// The record with a text is found by it in every field, and by its own words.
async fn finds(bed: &Bed, table: &Arc<Table>, text: &str) {
    let value = Value::text(text);
    let columns = [0, 1, 2].map(FieldRef::Column);
    let undeclared = FieldRef::Extra(text.into());
    let others = [
        FieldRef::Key,
        FieldRef::ExternalId,
        FieldRef::CreatedBy,
        undeclared,
    ];
    for field in columns.into_iter().chain(others) {
        let filter = Filter::Field(field.clone(), Test::Eq(value.clone()));
        assert_eq!(
            bed.keys(&Plan { filter, ..all(table) }).await,
            [text],
            "{field:?}"
        );
        let tuples = [vec![value.clone()]];
        let found = bed
            .backend
            .find(table, &[field], &tuples, 5)
            .await
            .expect("found");
        assert_eq!(found[0].len(), 1);
    }
    let words = chancery_model::query::plan::words(text).collect();
    let search = Some(Search {
        words,
        columns: vec![0, 2],
        fuzzy: false,
    });
    let found = bed.keys(&Plan { search, ..all(table) }).await;
    assert!(
        found.contains(&text.to_owned()),
        "a text is found by its own words"
    );
}

/// Tests with a text answer what the model says.
async fn filters(bed: &Bed, table: &Arc<Table>, text: &str) {
    let records = bed.backend.query(&all(table)).await.expect("all");
    for (column, test) in [
        (1, Test::StartsWith(text.into())),
        (2, Test::EndsWith(text.into())),
        (2, Test::Contains(text.into())),
        (4, Test::Contains("family".into())),
        (3, Test::ListAll(vec![text.into(), "other".into()])),
        (3, Test::ListAny(vec![text.into()])),
        (3, Test::Contains(text.into())),
        (1, Test::In(vec![Value::text(text)])),
        (1, Test::Ne(Value::text(text))),
    ] {
        let plan = with(table, column, test);
        let admitted = records.iter().filter(|record| plan.admits(record));
        let expected: Vec<String> = admitted.map(|record| record.key.to_string()).collect();
        assert_eq!(bed.keys(&plan).await, expected, "{:?}", plan.filter);
    }
}

#[tokio::test]
async fn hostile_texts_pass_through_every_operation() {
    everywhere(async |bed| {
        let columns = vec![
            unique(column(0, "select", "text")),
            indexed(column(1, "\"; DROP TABLE x; --", "text")),
            column(2, "é日本", "longText"),
            column(3, "list", "multiSelect"),
            column(4, "json", "json"),
        ];
        let definition = Table {
            key_kind: KeyKind::Text,
            name: TEXTS[0].into(),
            slug: TEXTS[1].into(),
            ..table(1, columns)
        };
        let table = Arc::new(definition);
        bed.create(&table).await;
        for text in TEXTS {
            let inserted = bed.insert(&table, vec![named(text)]).await.remove(0);
            let found = bed.get(&table, &inserted.key).await.expect("it is there");
            assert_same(&found, &inserted);
            finds(&bed, &table, text).await;
            filters(&bed, &table, text).await;
            let emptied = set(&table, &found, &[(1, Value::Null)]);
            let emptied = written(&bed.write(vec![emptied]).await.outcomes[0]);
            bed.write(vec![set(&table, &emptied, &[(1, Value::text(*text))])])
                .await;
        }
        let changes = bed.log().await;
        let before: Vec<&Value> = changes
            .iter()
            .filter_map(|change| change.before.first())
            .map(|(_, value)| value)
            .collect();
        assert!(TEXTS.iter().all(|text| before.contains(&&Value::text(*text))));
        for field in [FieldRef::Column(1), FieldRef::Column(2), FieldRef::Key] {
            let plan = Plan {
                sort: vec![by(field, true)],
                ..all(&table)
            };
            let records = bed.backend.query(&plan).await.expect("all");
            assert!(records.is_sorted_by(|a, b| plan.compare(a, b).is_lt()));
            let boundary = plan.boundary(&records[7]);
            let after = Plan {
                window: Window::After { boundary, limit: 1 },
                ..plan
            };
            assert_eq!(bed.keys(&after).await, [records[8].key.to_string()]);
        }
        let first = bed.get(&table, &Key::Text(TEXTS[0].into())).await.expect("it");
        bed.write(vec![trash(&table, &first)]).await;
        assert_eq!(bed.count(&all(&table)).await, TEXTS.len() as u64 - 1);
    })
    .await;
}

#[tokio::test]
async fn hostile_texts_pass_through_documents_and_commits() {
    everywhere(async |bed| {
        for (index, text) in TEXTS.iter().enumerate() {
            let document = Document {
                kind: format!("kind {text}"),
                id: (*text).into(),
                lookup: Some((*text).into()),
                body: json!({ *text: text }),
                version: 0,
            };
            let batch = Batch {
                at: NOW,
                actor: Some((*text).into()),
                operation: Some((*text).into()),
                documents: vec![DocumentWrite::Put {
                    document: document.clone(),
                    expected: Some(0),
                }],
                ..Batch::default()
            };
            let committed = bed.backend.commit(batch).await.expect("it is kept");
            assert_eq!(committed.revision, index as u64 + 1);
            let query = DocumentQuery::Lookup {
                kind: document.kind.clone(),
                lookup: (*text).into(),
            };
            let found = bed.backend.documents(query).await.expect("it is found");
            assert_eq!(
                found,
                [Document {
                    version: 1,
                    ..document
                }]
            );
        }
    })
    .await;
}

/// Characters that an engine may not be able to keep as they are, and their neighbours.
const RESERVED: &[&str] = &[
    "\0",
    "\0\0",
    "\u{1}",
    "\u{1}\u{1}",
    "\0\u{1}",
    "\u{1}\0",
    "\u{1}\u{2}",
    "\u{2}",
    "a",
    "a\0",
    "a\0b",
    "a\u{1}b",
    "a\u{2}b",
    "ab",
];

#[tokio::test]
async fn characters_that_engines_reserve_are_kept_and_keep_their_order() {
    everywhere(async |bed| {
        let columns = vec![
            unique(column(0, "unique", "text")),
            indexed(column(1, "indexed", "text")),
            column(2, "plain", "longText"),
            column(3, "list", "multiSelect"),
            column(4, "json", "json"),
        ];
        let table = Arc::new(table(1, columns));
        bed.create(&table).await;
        for (index, text) in RESERVED.iter().enumerate() {
            let new = Record {
                key: Key::Int(index as i64),
                ..named(text)
            };
            let inserted = bed.insert(&table, vec![new]).await.remove(0);
            assert_same(&bed.get(&table, &inserted.key).await.expect("it"), &inserted);
        }
        let records = bed.backend.query(&all(&table)).await.expect("all");
        for text in RESERVED {
            let text = || (*text).to_owned();
            for (column, test) in [
                (0, Test::Eq(Value::Text(text()))),
                (1, Test::Gt(Value::Text(text()))),
                (1, Test::StartsWith(text())),
                (2, Test::Contains(text())),
                (2, Test::NotContains(text())),
                (2, Test::EndsWith(text())),
                (3, Test::ListAny(vec![text()])),
                (4, Test::Contains(text())),
                (1, Test::In(vec![Value::Text(text()), Value::Null])),
            ] {
                let plan = with(&table, column, test);
                let admitted = records.iter().filter(|record| plan.admits(record));
                let expected: Vec<String> = admitted.map(|record| record.key.to_string()).collect();
                assert_eq!(bed.keys(&plan).await, expected, "{:?}", plan.filter);
                assert_eq!(bed.count(&plan).await, expected.len() as u64, "{:?}", plan.filter);
            }
        }
        for column in [0, 1, 2, 3] {
            let plan = Plan {
                sort: vec![by(FieldRef::Column(column), true)],
                ..all(&table)
            };
            let sorted = bed.backend.query(&plan).await.expect("all");
            assert!(
                sorted.is_sorted_by(|a, b| plan.compare(a, b).is_lt()),
                "column {column}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_megabyte_of_text_is_kept_whole() {
    everywhere(async |bed| {
        let table = Arc::new(table(
            1,
            vec![
                indexed(column(0, "a", "text")),
                column(1, "b", "longText"),
                column(2, "j", "json"),
            ],
        ));
        bed.create(&table).await;
        let long: String = "0123456789 é日\n".chars().cycle().take(1_000_000).collect();
        let json = Value::Json(Box::new(json!([long, { "deep": long }])));
        let new = Record {
            extra: extra(json!({"long": long})),
            ..record(1, vec![Value::text("short"), Value::text(long.as_str()), json])
        };
        let inserted = bed.insert(&table, vec![new]).await.remove(0);
        assert_same(&bed.get(&table, &inserted.key).await.expect("it"), &inserted);
        assert_eq!(
            bed.keys(&with(&table, 1, Test::Eq(Value::text(long.as_str()))))
                .await,
            ["1"]
        );
        assert_eq!(
            bed.keys(&with(
                &table,
                1,
                Test::EndsWith(long[500_000..].chars().skip(2).collect())
            ))
            .await,
            ["1"]
        );
        bed.write(vec![set(
            &table,
            &inserted,
            &[(0, Value::text(long.as_str())), (1, Value::Null)],
        )])
        .await;
        assert_eq!(
            bed.keys(&with(&table, 0, Test::Eq(Value::text(long.as_str()))))
                .await,
            ["1"]
        );
        let before = bed.log().await[1].before[1].1.clone();
        assert_eq!(before.as_text().map(str::len), Some(long.len()));
    })
    .await;
}

#[tokio::test]
async fn extreme_numbers_are_kept_and_ordered_exactly() {
    everywhere(async |bed| {
        let columns = vec![
            indexed(column(0, "number", "number")),
            column(1, "plain", "number"),
            indexed(column(2, "time", "dateTime")),
            column(3, "money", "currency"),
        ];
        let table = Arc::new(table(1, columns));
        bed.create(&table).await;
        let numbers = [
            Value::Int(i64::MAX),
            Value::Int(i64::MAX - 1),
            Value::Int(i64::MIN),
            Value::Int(9_007_199_254_740_993),
            Value::Int(9_007_199_254_740_991),
            Value::Float(9_007_199_254_740_994.0),
            Value::Float(0.1),
            Value::Float(0.1 + f64::EPSILON),
            Value::Float(5e-324),
            Value::Float(-5e-324),
            Value::Float(f64::MAX),
            Value::Float(f64::MIN),
            Value::Float(-9.3e18),
            Value::Float(9.3e18),
            Value::Int(0),
            Value::Int(-1),
        ];
        let money = |index: usize| Value::Decimal(rust_decimal::Decimal::new(i64::MAX - index as i64 * 3, 2));
        for (index, number) in numbers.iter().enumerate() {
            let time = number.as_int().map_or(Value::Null, Value::Int);
            let new = record(
                index as i64,
                vec![number.clone(), number.clone(), time, money(index)],
            );
            let inserted = bed.insert(&table, vec![new]).await.remove(0);
            assert_same(&bed.get(&table, &inserted.key).await.expect("it"), &inserted);
        }
        let records = bed.backend.query(&all(&table)).await.expect("all");
        for column in 0..4 {
            for bound in numbers.iter().cloned().chain([money(3)]) {
                let tests: [fn(Value) -> Test; 6] =
                    [Test::Eq, Test::Ne, Test::Lt, Test::Le, Test::Gt, Test::Ge];
                for test in tests {
                    let plan = with(&table, column, test(bound.clone()));
                    let admitted = records.iter().filter(|record| plan.admits(record));
                    let expected: Vec<String> = admitted.map(|record| record.key.to_string()).collect();
                    assert_eq!(bed.keys(&plan).await, expected, "{:?}", plan.filter);
                    assert_eq!(bed.count(&plan).await, expected.len() as u64, "{:?}", plan.filter);
                }
            }
            let plan = Plan {
                sort: vec![by(FieldRef::Column(column), false)],
                ..all(&table)
            };
            let sorted = bed.backend.query(&plan).await.expect("sorted");
            assert!(
                sorted.is_sorted_by(|a, b| plan.compare(a, b).is_lt()),
                "column {column}"
            );
        }
    })
    .await;
}
