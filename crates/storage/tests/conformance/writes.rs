//! One record at a time: insert, get, update, trash, restore, purge, clear, and their preconditions.

use chancery_model::query::{Plan, Scope};
use chancery_model::{Record, RecordMetadata, Source, Value};
use chancery_storage::{Outcome, Rejection, TableStats, Write};
use serde_json::json;

use crate::bed::{
    NOW, all, assert_same, column, everywhere, extra, insert, key, people, person, purge, record, restore,
    set, table, trash, values, written,
};

#[tokio::test]
async fn what_is_inserted_is_read_back_whole() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let full = Record {
            created_by: Some("user:1".into()),
            updated_by: Some("user:2".into()),
            created_at: NOW - 5,
            expires_at: Some(NOW + 1_000),
            metadata: RecordMetadata {
                source: Source::Import,
                import_id: Some("import-1".into()),
                import_row: Some(7),
                external_id: Some("X 1".into()),
                duplicate_of: Some("9".into()),
            },
            extra: extra(json!({"z": 1, "a": {"deep": [1, 2.50, null]}, "": "nameless"})),
            ..person(1, "a@x", "red", 30)
        };
        let plain = person(2, "b@x", "", i64::MIN);
        for inserted in bed.insert(&table, vec![full.clone(), plain.clone()]).await {
            let found = bed.get(&table, &inserted.key).await.expect("it is there");
            assert_same(&found, &inserted);
        }
        assert_same(
            &bed.get(&table, &key(1)).await.expect("it"),
            &Record { change: 1, ..full },
        );
        assert_same(
            &bed.get(&table, &key(2)).await.expect("it"),
            &Record { change: 2, ..plain },
        );
        assert_eq!(bed.get(&table, &key(3)).await, None);
        let many = bed
            .backend
            .get_many(&table, &[key(2), key(9), key(1), key(2)])
            .await
            .expect("a read");
        let found: Vec<Option<String>> = many
            .iter()
            .map(|record| record.as_ref().map(|record| record.key.to_string()))
            .collect();
        assert_eq!(
            found,
            [Some("2".into()), None, Some("1".into()), Some("2".into())]
        );
    })
    .await;
}

#[tokio::test]
async fn a_key_is_taken_by_live_and_trashed_records() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = bed
            .insert(&table, vec![person(1, "a@x", "red", 1)])
            .await
            .remove(0);
        let again = || vec![insert(&table, person(1, "b@x", "red", 1))];
        assert_eq!(bed.refused(again()).await, [(0, Rejection::KeyTaken)]);
        let trashed = written(&bed.write(vec![trash(&table, &first)]).await.outcomes[0]);
        assert_eq!(bed.refused(again()).await, [(0, Rejection::KeyTaken)]);
        bed.write(vec![purge(&table, &trashed.key, None)]).await;
        bed.write(again()).await;
        let twice = vec![
            insert(&table, person(5, "c@x", "", 1)),
            insert(&table, person(5, "d@x", "", 1)),
        ];
        assert_eq!(bed.refused(twice).await, [(1, Rejection::KeyTaken)]);
    })
    .await;
}

#[tokio::test]
async fn an_update_needs_the_version_it_was_decided_on() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = bed
            .insert(&table, vec![person(1, "a@x", "red", 1)])
            .await
            .remove(0);
        let second = written(
            &bed.write(vec![set(&table, &first, &[(2, Value::Int(2))])])
                .await
                .outcomes[0],
        );
        assert_eq!((second.version, second.value(2)), (2, &Value::Int(2)));
        let stale = set(&table, &first, &[(2, Value::Int(3))]);
        assert_eq!(
            bed.refused(vec![stale]).await,
            [(0, Rejection::Version { found: 2 })]
        );
        assert_same(&bed.get(&table, &key(1)).await.expect("it"), &second);
        let nobody = set(&table, &person(7, "", "", 0), &[]);
        assert_eq!(bed.refused(vec![nobody]).await, [(0, Rejection::NotFound)]);
        let cleared = set(&table, &second, &[(1, Value::Null), (2, Value::Null)]);
        let third = written(&bed.write(vec![cleared]).await.outcomes[0]);
        assert_eq!(values(&third), [Value::text("a@x")]);
        assert_same(&bed.get(&table, &key(1)).await.expect("it"), &third);
    })
    .await;
}

#[tokio::test]
async fn an_update_writes_only_the_columns_it_names_and_all_metadata() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = bed
            .insert(&table, vec![person(1, "a@x", "red", 1)])
            .await
            .remove(0);
        let mut wide = set(&table, &first, &[(2, Value::Int(2))]);
        let Write::Update { record, .. } = &mut wide else {
            unreachable!()
        };
        record.values[1] = Value::text("not named, not written");
        record.updated_by = Some("user:9".into());
        record.expires_at = Some(NOW + 9);
        record.metadata.external_id = Some("out".into());
        record.extra = extra(json!({"kept": true}));
        bed.write(vec![wide]).await;
        let found = bed.get(&table, &key(1)).await.expect("it");
        assert_eq!(
            values(&found),
            [Value::text("a@x"), Value::text("red"), Value::Int(2)]
        );
        assert_eq!(found.updated_by.as_deref(), Some("user:9"));
        assert_eq!(
            (found.expires_at, found.metadata.external_id.as_deref()),
            (Some(NOW + 9), Some("out"))
        );
        assert_eq!(found.extra, extra(json!({"kept": true})));
    })
    .await;
}

#[tokio::test]
async fn the_trash_keeps_records_out_of_sight_until_they_are_restored_or_purged() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let people = bed
            .insert(
                &table,
                vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 2)],
            )
            .await;
        let trashed = written(&bed.write(vec![trash(&table, &people[0])]).await.outcomes[0]);
        assert_eq!((trashed.version, trashed.deleted_at), (2, Some(NOW)));
        let scoped = |scope| Plan { scope, ..all(&table) };
        assert_eq!(bed.keys(&scoped(Scope::Live)).await, ["2"]);
        assert_eq!(bed.keys(&scoped(Scope::Trash)).await, ["1"]);
        assert_eq!(bed.keys(&scoped(Scope::All)).await, ["1", "2"]);
        assert_same(
            &bed.get(&table, &key(1)).await.expect("trash is read by key"),
            &trashed,
        );
        let stats = bed.backend.stats(&table).await.expect("stats");
        assert_eq!((stats.live, stats.trash), (1, 1));
        let back = written(&bed.write(vec![restore(&table, &trashed)]).await.outcomes[0]);
        assert_eq!((back.version, back.deleted_at), (3, None));
        assert_eq!(bed.keys(&scoped(Scope::Live)).await, ["1", "2"]);
        assert_eq!(
            bed.refused(vec![purge(&table, &key(1), Some(2))]).await,
            [(0, Rejection::Version { found: 3 })]
        );
        match &bed.write(vec![purge(&table, &key(1), Some(3))]).await.outcomes[0] {
            Outcome::Purged(gone) => assert_same(gone, &back),
            other => panic!("expected the purged record, got {other:?}"),
        }
        assert_eq!(bed.get(&table, &key(1)).await, None);
        assert_eq!(
            bed.refused(vec![purge(&table, &key(1), None)]).await,
            [(0, Rejection::NotFound)]
        );
    })
    .await;
}

#[tokio::test]
async fn clear_removes_live_and_trashed_records_and_says_how_many() {
    everywhere(async |bed| {
        let (table, other) = (
            people(),
            std::sync::Arc::new(table(2, vec![column(0, "a", "text")])),
        );
        bed.create(&table).await;
        bed.create(&other).await;
        bed.insert(&other, vec![record(1, vec![Value::text("stays")])])
            .await;
        let people = bed
            .insert(
                &table,
                vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 2)],
            )
            .await;
        bed.write(vec![trash(&table, &people[0])]).await;
        let clear = || vec![Write::Clear { table: table.clone() }];
        assert!(matches!(
            bed.write(clear()).await.outcomes[0],
            Outcome::Cleared(2)
        ));
        assert_eq!(
            bed.count(&Plan {
                scope: Scope::All,
                ..all(&table)
            })
            .await,
            0
        );
        assert!(matches!(
            bed.write(clear()).await.outcomes[0],
            Outcome::Cleared(0)
        ));
        let stats = bed.backend.stats(&table).await.expect("stats");
        assert_eq!(
            stats,
            TableStats {
                live: 0,
                trash: 0,
                last_change_at: Some(NOW)
            }
        );
        bed.insert(&table, vec![person(1, "a@x", "red", 1)]).await;
        assert_eq!(bed.keys(&all(&other)).await, ["1"]);
    })
    .await;
}

#[tokio::test]
async fn a_table_that_is_not_there_has_no_records_and_takes_none() {
    everywhere(async |bed| {
        let table = people();
        assert_eq!(bed.get(&table, &key(1)).await, None);
        assert_eq!(bed.keys(&all(&table)).await, [""; 0]);
        assert_eq!(bed.count(&all(&table)).await, 0);
        let writes = vec![
            insert(&table, person(1, "a", "b", 1)),
            Write::Clear { table: table.clone() },
        ];
        let expected = [(0, Rejection::SchemaChanged), (1, Rejection::SchemaChanged)];
        assert_eq!(bed.refused(writes).await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_closed_store_answers_that_it_is_closed() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        bed.backend.check().await.expect("an open store answers");
        bed.backend.close().await.expect("it closes");
        let closed = |what: Result<(), chancery_storage::StorageError>| {
            assert!(
                matches!(what, Err(chancery_storage::StorageError::Closed)),
                "{what:?}"
            );
        };
        closed(bed.backend.check().await);
        closed(bed.backend.get(&table, &key(1)).await.map(drop));
        closed(bed.backend.query(&all(&table)).await.map(drop));
        closed(
            bed.commit(vec![insert(&table, person(1, "a", "b", 1))])
                .await
                .map(drop),
        );
        closed(bed.backend.revision().await.map(drop));
    })
    .await;
}
