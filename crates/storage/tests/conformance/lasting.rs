//! What is written stays: a backend that lasts answers the same after it was closed and opened again.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Test};
use chancery_model::query::{Plan, Scope, Search};
use chancery_model::{Record, RecordMetadata, Table, Value};
use chancery_storage::{Batch, Counter, Document, DocumentQuery, DocumentWrite, Rejection, Write};
use serde_json::json;

use crate::bed::{
    Bed, NOW, all, by, column, everywhere, extra, indexed, insert, key, record, set, table, trash, unique,
    with,
};

/// A table with a record of every kind of value, changed once, and one in the trash.
async fn filled(bed: &Bed) -> Arc<Table> {
    let columns = vec![
        unique(column(0, "email", "text")),
        indexed(column(1, "n", "number")),
        column(2, "amount", "currency"),
        column(3, "tags", "multiSelect"),
        column(4, "data", "json"),
        column(5, "flag", "boolean"),
    ];
    let table = Arc::new(table(3, columns));
    bed.create(&table).await;
    let full = Record {
        created_by: Some("user:1".into()),
        expires_at: Some(NOW + 9),
        metadata: RecordMetadata {
            external_id: Some("E".into()),
            ..RecordMetadata::default()
        },
        extra: extra(json!({"x": [1, 2.50, {"y": null}]})),
        ..record(
            1,
            vec![
                Value::text("a@x"),
                Value::Float(0.1),
                Value::Decimal("1.10".parse().expect("a decimal")),
                Value::List(vec!["b".into(), "a".into()]),
                Value::Json(Box::new(json!({"z": 1, "a": [1.0]}))),
                Value::Bool(false),
            ],
        )
    };
    let second = record(2, vec![Value::text("b@x"), Value::Int(5)]);
    let rows = bed.insert(&table, vec![full, second]).await;
    bed.write(vec![
        set(&table, &rows[0], &[(1, Value::Int(7))]),
        trash(&table, &rows[1]),
    ])
    .await;
    table
}

fn questions(table: &Arc<Table>) -> [Plan; 4] {
    let search = Search {
        words: vec!["a".into()],
        columns: vec![0],
        fuzzy: false,
    };
    [
        all(table),
        Plan {
            scope: Scope::All,
            sort: vec![by(FieldRef::Column(1), true)],
            ..all(table)
        },
        with(table, 1, Test::Gt(Value::Int(1))),
        Plan {
            search: Some(search),
            ..all(table)
        },
    ]
}

#[tokio::test]
async fn everything_survives_close_and_reopen() {
    everywhere(async |mut bed| {
        if !bed.lasting {
            return;
        }
        let table = filled(&bed).await;
        let document = Document {
            kind: "k".into(),
            id: "i".into(),
            lookup: Some("l".into()),
            body: json!([1]),
            version: 1,
        };
        let put = DocumentWrite::Put {
            document: document.clone(),
            expected: None,
        };
        bed.backend
            .commit(Batch {
                at: NOW,
                documents: vec![put],
                ..Batch::default()
            })
            .await
            .expect("kept");
        bed.backend.draw(Counter::Tables, 7).await.expect("numbers");
        let plans = questions(&table);
        let mut before = Vec::new();
        for plan in &plans {
            before.push(bed.backend.query(plan).await.expect("records"));
        }
        let (log, revision) = (bed.log().await, bed.revision().await);
        let stats = bed.backend.stats(&table).await.expect("stats");
        for _ in 0..2 {
            bed.reopen().await;
            for (plan, before) in plans.iter().zip(&before) {
                assert_eq!(&bed.backend.query(plan).await.expect("records"), before);
            }
            assert_eq!((bed.log().await, bed.revision().await), (log.clone(), revision));
            assert_eq!(bed.backend.stats(&table).await.expect("stats"), stats);
            let kept = bed
                .backend
                .documents(DocumentQuery::Kind("k".into()))
                .await
                .expect("documents");
            assert_eq!(kept, std::slice::from_ref(&document));
        }
        assert_eq!(bed.backend.draw(Counter::Tables, 1).await.expect("a number"), 8);
        let taken = Rejection::UniqueTaken {
            column: 0,
            holder: Some(key(1)),
        };
        let again = insert(&table, record(9, vec![Value::text("a@x")]));
        assert_eq!(bed.refused(vec![again]).await, [(0, taken)]);
        let older = Arc::new(Table {
            schema_version: 0,
            ..(*table).clone()
        });
        let stale = Write::Clear { table: older };
        assert_eq!(bed.refused(vec![stale]).await, [(0, Rejection::SchemaChanged)]);
        let next = bed
            .insert(&table, vec![record(9, vec![Value::text("c@x")])])
            .await
            .remove(0);
        assert_eq!(next.change, log.len() as u64 + 1);
        assert_eq!(bed.revision().await, revision + 1);
    })
    .await;
}

#[tokio::test]
async fn when_a_table_last_changed_survives_a_refusal_and_reopening() {
    everywhere(async |mut bed| {
        let table = crate::bed::people();
        bed.create(&table).await;
        bed.insert(&table, vec![crate::bed::person(1, "a@x", "", 0)])
            .await;
        let purge = crate::bed::purge(&table, &key(1), None);
        let later = Batch {
            at: NOW + 5,
            writes: vec![purge.clone()],
            ..Batch::default()
        };
        bed.backend.commit(later).await.expect("it is there");
        bed.refused(vec![purge]).await;
        if bed.lasting {
            bed.reopen().await;
        }
        let stats = bed.backend.stats(&table).await.expect("stats");
        assert_eq!(stats.last_change_at, Some(NOW + 5));
    })
    .await;
}

#[tokio::test]
async fn a_name_is_an_address_or_refused() {
    for url in ["postgres://", "sqlite:", "mysql://x/y", "nonsense:"] {
        let refused = chancery_storage::open(url, Default::default()).await;
        assert!(
            matches!(refused, Err(chancery_storage::StorageError::Url(_))),
            "{url}"
        );
    }
    for url in ["memory:", "memory"] {
        assert_eq!(
            chancery_storage::open(url, Default::default())
                .await
                .expect("it opens")
                .name(),
            "memory"
        );
    }
}
