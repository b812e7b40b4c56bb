//! Many writes at once: all or nothing, leaving out what fails, and trying without doing.

use std::sync::Arc;

use chancery_model::Value;
use chancery_storage::{
    Batch, Document, DocumentQuery, DocumentWrite, Mode, OnReject, Rejection, StorageError, Write,
};
use serde_json::json;

use crate::bed::{
    NOW, all, column, everywhere, insert, key, people, person, purge, record, set, table, trash, written,
};

#[tokio::test]
async fn every_write_that_fails_is_reported_and_none_is_done() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let people = bed
            .insert(
                &table,
                vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 2)],
            )
            .await;
        let (revision, log) = (bed.revision().await, bed.log().await);
        let stale = chancery_model::Record {
            version: 7,
            ..(*people[1]).clone()
        };
        let writes = vec![
            insert(&table, person(3, "c@x", "red", 3)),
            insert(&table, person(1, "d@x", "red", 3)),
            insert(&table, person(4, "a@x", "red", 3)),
            set(&table, &people[0], &[(2, Value::Int(50))]),
            set(&table, &stale, &[(2, Value::Int(50))]),
            purge(&table, &key(9), None),
            insert(&table, person(5, "c@x", "red", 3)),
        ];
        let expected = [
            (1, Rejection::KeyTaken),
            (
                2,
                Rejection::UniqueTaken {
                    column: 0,
                    holder: Some(key(1)),
                },
            ),
            (4, Rejection::Version { found: 1 }),
            (5, Rejection::NotFound),
            (
                6,
                Rejection::UniqueTaken {
                    column: 0,
                    holder: Some(key(3)),
                },
            ),
        ];
        assert_eq!(bed.refused(writes).await, expected);
        assert_eq!(bed.keys(&all(&table)).await, ["1", "2"]);
        assert_eq!(
            bed.get(&table, &key(1)).await.expect("it").value(2),
            &Value::Int(1)
        );
        assert_eq!((bed.revision().await, bed.log().await), (revision, log));
    })
    .await;
}

#[tokio::test]
async fn skip_writes_the_good_ones_and_numbers_them_without_gaps() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let writes = vec![
            insert(&table, person(1, "a@x", "red", 1)),
            insert(&table, person(2, "a@x", "red", 2)),
            insert(&table, person(3, "c@x", "red", 3)),
            purge(&table, &key(2), None),
        ];
        let taken = Rejection::UniqueTaken {
            column: 0,
            holder: Some(key(1)),
        };
        assert_eq!(bed.skipped(writes).await, [(1, taken), (3, Rejection::NotFound)]);
        assert_eq!(bed.keys(&all(&table)).await, ["1", "3"]);
        let numbers: Vec<u64> = bed.log().await.iter().map(|change| change.number).collect();
        assert_eq!(numbers, [1, 2]);
        assert_eq!(bed.get(&table, &key(3)).await.expect("it").change, 2);
        let revision = bed.revision().await;
        assert_eq!(
            bed.skipped(vec![purge(&table, &key(9), None)]).await,
            [(0, Rejection::NotFound)]
        );
        assert_eq!(
            bed.revision().await,
            revision,
            "a batch of which nothing is done is no commit"
        );
    })
    .await;
}

#[tokio::test]
async fn a_rehearsal_answers_as_if_done_and_leaves_nothing() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let people = bed
            .insert(
                &table,
                vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 2)],
            )
            .await;
        let (revision, log) = (bed.revision().await, bed.log().await);
        let stats = bed.backend.stats(&table).await.expect("stats");
        let writes = vec![
            insert(&table, person(3, "c@x", "red", 3)),
            set(&table, &people[0], &[(1, Value::text("blue"))]),
            trash(&table, &people[1]),
            insert(&table, person(4, "b@x", "red", 3)),
            purge(&table, &key(3), None),
            Write::Clear { table: table.clone() },
        ];
        let document = Document {
            kind: "k".into(),
            id: "1".into(),
            lookup: None,
            body: json!(1),
            version: 0,
        };
        let batch = Batch {
            at: NOW + 77,
            writes,
            documents: vec![DocumentWrite::Put {
                document,
                expected: Some(0),
            }],
            mode: Mode::Rehearse,
            ..Batch::default()
        };
        let rehearsed = bed.backend.commit(batch).await.expect("it would work");
        assert_eq!(rehearsed.revision, revision);
        assert_eq!(written(&rehearsed.outcomes[1]).value(1), &Value::text("blue"));
        assert_eq!(written(&rehearsed.outcomes[3]).key, key(4));
        assert_eq!(bed.keys(&all(&table)).await, ["1", "2"]);
        assert_eq!((bed.revision().await, bed.log().await), (revision, log));
        assert_eq!(bed.backend.stats(&table).await.expect("stats"), stats);
        assert_eq!(
            bed.backend
                .documents(DocumentQuery::Kind("k".into()))
                .await
                .expect("none"),
            []
        );
        let taken = vec![
            insert(&table, person(5, "a@x", "", 1)),
            insert(&table, person(6, "z@x", "", 1)),
        ];
        let batch = Batch {
            at: NOW,
            writes: taken,
            mode: Mode::Rehearse,
            ..Batch::default()
        };
        let Err(StorageError::Rejected(rejected)) = bed.backend.commit(batch).await else {
            panic!("a rehearsal is refused as the real thing would be");
        };
        assert_eq!(rejected.len(), 1);
        // And the store goes on from where it was.
        assert_eq!(
            bed.insert(&table, vec![person(3, "c@x", "red", 3)]).await[0].change,
            3
        );
    })
    .await;
}

#[tokio::test]
async fn an_empty_batch_answers_the_newest_revision() {
    everywhere(async |bed| {
        assert_eq!(bed.write(Vec::new()).await.revision, 0);
        let table = people();
        bed.create(&table).await;
        let revision = bed.insert(&table, vec![person(1, "a", "b", 1)]).await.len() as u64 + 1;
        assert_eq!(bed.write(Vec::new()).await.revision, revision);
        assert_eq!(bed.revision().await, revision);
    })
    .await;
}

#[tokio::test]
async fn a_batch_across_tables_is_one_commit() {
    everywhere(async |bed| {
        let (first, second) = (
            people(),
            std::sync::Arc::new(crate::bed::table(2, (*people()).clone().columns)),
        );
        bed.create(&first).await;
        bed.create(&second).await;
        let writes = vec![
            insert(&first, person(1, "a", "b", 1)),
            insert(&second, person(1, "a", "b", 1)),
        ];
        let revision = bed.write(writes).await.revision;
        assert!(bed.log().await.iter().all(|change| change.revision == revision));
        let half = vec![
            insert(&first, person(2, "c", "b", 1)),
            insert(&second, person(1, "d", "b", 1)),
        ];
        assert_eq!(bed.refused(half).await, [(1, Rejection::KeyTaken)]);
        assert_eq!(
            (bed.count(&all(&first)).await, bed.count(&all(&second)).await),
            (1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn skipping_in_a_rehearsal_leaves_nothing_either() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let writes = vec![
            insert(&table, person(1, "a", "b", 1)),
            insert(&table, person(1, "c", "b", 1)),
        ];
        let batch = Batch {
            at: NOW,
            writes,
            mode: Mode::Rehearse,
            on_reject: OnReject::Skip,
            ..Batch::default()
        };
        let rehearsed = bed.backend.commit(batch).await.expect("it would work");
        assert_eq!(written(&rehearsed.outcomes[0]).key, key(1));
        assert!(matches!(
            rehearsed.outcomes[1],
            chancery_storage::Outcome::Rejected(Rejection::KeyTaken)
        ));
        assert_eq!(bed.count(&all(&table)).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_wide_table_takes_many_records_at_once() {
    everywhere(async |bed| {
        let names: Vec<String> = (0..700).map(|ordinal| format!("c{ordinal}")).collect();
        let columns = names
            .iter()
            .zip(0..)
            .map(|(name, ordinal)| column(ordinal, name, "number"));
        let table = Arc::new(table(1, columns.collect()));
        bed.create(&table).await;
        let values = |key: i64| {
            (0..700)
                .map(|ordinal| Value::Int(key * 1_000 + ordinal))
                .collect()
        };
        let records = (1..=75).map(|key| record(key, values(key))).collect();
        bed.insert(&table, records).await;
        let kept = bed.get(&table, &key(75)).await.expect("it");
        assert_eq!(kept.value(699), &Value::Int(75_699));
        assert_eq!(bed.keys(&all(&table)).await.len(), 75);
    })
    .await;
}
