//! Defects of the bucket store that this one replaces, by the numbers of docs/adr/0021-one-place-for-rules.md: each would show
//! here again. Knows nothing of how that store works.

use chancery::{BulkOptions, ChangeKind, Error, Json, JsonMap, Query, json};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

fn maps(records: Json) -> Vec<JsonMap> {
    serde_json::from_value(records).expect("objects")
}

#[test]
fn defect_1_a_duplicate_key_is_a_conflict_and_leaves_no_stale_unique_value() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {
            "id": {"type": "string"}, "mail": {"type": "string", "unique": true}, "team": {"type": "string"}}, "indexes": ["team"]});
        let users = store.define_bucket("users", &definition).await.expect("defined");
        users
            .insert(json!({"id": "1", "mail": "a@x", "team": "red"}))
            .await
            .expect("inserted");
        let again = users
            .insert(json!({"id": "1", "mail": "b@x", "team": "blue"}))
            .await;
        assert!(matches!(again, Err(Error::KeyTaken { .. })), "{again:?}");
        let kept = users.get("1").await.expect("read").expect("there");
        assert_eq!((kept.get("mail"), kept.version()), (json!("a@x"), 1));
        assert!(
            users
                .filter(json!({"team": "blue"}))
                .await
                .expect("read")
                .is_empty()
        );
        users
            .insert(json!({"id": "2", "mail": "b@x"}))
            .await
            .expect("the value is free");
    });
}

#[test]
fn defect_7_every_way_to_write_keeps_to_lifetimes_sizes_and_references() {
    on_every_backend_by_hand(|store, clock| async move {
        let users = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let users = store.define_bucket("users", &users).await.expect("defined");
        users.insert(json!({"id": "ann"})).await.expect("inserted");
        let visits = json!({"key": "id", "ttl": 1_000, "maxSize": 3, "schema": {
            "id": {"type": "string"}, "user": {"type": "string", "ref": "users"}}});
        let visits = store.define_bucket("visits", &visits).await.expect("defined");
        let policy = || (chancery::OnMany::Error, chancery::Blank::Keep);
        let by = ["id".to_owned()];
        let rows = |from: u32, user: &str| {
            maps(
                (from..from + 2)
                    .map(|n| json!({"id": n.to_string(), "user": user}))
                    .collect(),
            )
        };

        visits
            .insert(json!({"id": "1", "user": "ann"}))
            .await
            .expect("inserted");
        clock.pass(1);
        visits
            .insert_many(vec![json!({"id": "2", "user": "ann"})])
            .await
            .expect("inserted");
        clock.pass(1);
        visits
            .bulk_create(&rows(3, "ann"), BulkOptions::default())
            .await
            .expect("answered");
        clock.pass(1);
        visits
            .bulk_upsert(&by, &rows(5, "ann"), policy(), BulkOptions::default())
            .await
            .expect("answered");
        clock.pass(1);
        let file = chancery::ImportFile::bytes(b"id,user\n7,ann\n".to_vec());
        let (mapping, options) = (chancery::Mapping::default(), chancery::ImportOptions::default());
        visits
            .import_csv(&file, &mapping, &options)
            .await
            .expect("imported");
        let left: Vec<String> = visits
            .all()
            .await
            .expect("read")
            .iter()
            .map(|visit| visit.id())
            .collect();
        assert_eq!(left, ["5", "6", "7"], "never more than three, the newest");
        assert!(
            visits
                .all()
                .await
                .expect("read")
                .iter()
                .all(|visit| visit.expires_at().is_some())
        );

        assert!(visits.insert(json!({"id": "8", "user": "bob"})).await.is_err());
        assert!(
            !visits
                .bulk_create(&rows(8, "bob"), BulkOptions::default())
                .await
                .expect("answered")
                .committed
        );
        let refused = visits
            .bulk_upsert(&by, &rows(5, "bob"), policy(), BulkOptions::default())
            .await;
        assert!(!refused.expect("answered").committed);
        let file = chancery::ImportFile::bytes(b"id,user\n9,bob\n".to_vec());
        assert_eq!(
            visits
                .import_csv(&file, &mapping, &options)
                .await
                .expect("answered")
                .created,
            0
        );
        assert!(users.delete("ann").await.is_err() && users.clear().await.is_err());
        clock.pass(1);
        let work = store.transaction(async |tx| {
            let visits = tx.table("visits")?;
            visits.insert(json!({"id": "10", "user": "ann"})).await
        });
        assert!(work.await.expect("committed").expires_at().is_some());
        let left: Vec<String> = visits
            .all()
            .await
            .expect("read")
            .iter()
            .map(|visit| visit.id())
            .collect();
        assert_eq!(left, ["10", "6", "7"], "the oldest made room");
        for bad in [
            json!({"id": "11", "user": "bob"}),
            json!({"id": "12", "user": "eve"}),
        ] {
            let work = store.transaction(async |tx| tx.table("visits")?.insert(bad.clone()).await);
            assert!(matches!(work.await, Err(Error::Invalid { .. })));
        }
        let work = store.transaction(async |tx| tx.table("users")?.delete("ann").await);
        assert!(matches!(work.await, Err(Error::Referenced { .. })));
        assert_eq!(visits.count(&Query::new()).await.expect("counted"), 3);
    });
}

#[test]
fn defect_8_clear_is_in_the_log() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let notes = store.define_bucket("notes", &definition).await.expect("defined");
        notes.insert(json!({"id": "a"})).await.expect("inserted");
        let before = store.revision().await.expect("read");
        notes.clear().await.expect("cleared");
        let log = store.changes(0, 100).await.expect("read");
        let last = log.last().expect("a change");
        assert_eq!((last.kind, last.revision), (ChangeKind::Cleared, before + 1));
    });
}

#[test]
fn defect_11_a_failed_insert_evicts_nobody() {
    on_every_backend_by_hand(|store, clock| async move {
        let definition = json!({"key": "id", "maxSize": 2, "schema": {
            "id": {"type": "string"}, "mail": {"type": "string", "unique": true}, "n": {"type": "number", "max": 5}}});
        let users = store.define_bucket("users", &definition).await.expect("defined");
        for (id, mail) in [("1", "a@x"), ("2", "b@x")] {
            users
                .insert(json!({"id": id, "mail": mail}))
                .await
                .expect("inserted");
            clock.pass(1);
        }
        let refused = [
            json!({"id": "3", "mail": "b@x"}),
            json!({"id": "3", "n": 6}),
            json!({"id": "2"}),
        ];
        for bad in refused {
            assert!(users.insert(bad.clone()).await.is_err(), "{bad}");
            assert_eq!(users.count(&Query::new()).await.expect("counted"), 2);
            assert!(
                users.get("1").await.expect("read").is_some(),
                "{bad} evicted a record"
            );
        }
    });
}

#[test]
fn defect_13_an_index_changes_no_answer_and_no_window_lies() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {"id": {"type": "number"}, "a": {"type": "string"}}});
        let rows = store.define_bucket("rows", &definition).await.expect("defined");
        for (id, a) in [
            (3, json!("x")),
            (1, json!(null)),
            (2, json!("x")),
            (4, json!("y")),
        ] {
            rows.insert(json!({"id": id, "a": a})).await.expect("inserted");
        }
        let ask = async || {
            let mut answers = Vec::new();
            for filter in [
                json!({"a": "x"}),
                json!({"a": null}),
                json!({"a": {"$neq": "x"}}),
                json!({"a": {"$in": ["x", "y"]}}),
            ] {
                let found = rows.filter(filter).await.expect("read");
                answers.push(found.iter().map(|row| row.get("id")).collect::<Vec<Json>>());
            }
            answers
        };
        let before = ask().await;
        assert_eq!(before[0], [json!(2), json!(3)]);
        assert_eq!(before[1], [json!(1)]);
        store
            .update_bucket("rows", &json!({"addIndexes": ["a"]}))
            .await
            .expect("changed");
        assert_eq!(ask().await, before, "an index changed an answer");

        assert!(rows.last(0).await.expect("read").is_empty());
        let page = rows.paginate(None, 2).await.expect("read");
        rows.delete(page.records[1].key()).await.expect("deleted");
        let next = rows.paginate(Some(&page.records[1].id()), 2).await.expect("read");
        let ids: Vec<Json> = next.records.iter().map(|row| row.get("id")).collect();
        assert_eq!(ids, [3, 4], "the cursor's record is gone, its place is not");
        assert!(matches!(
            rows.filter(json!({"a": {"$foo": 1}})).await,
            Err(Error::Query(_))
        ));
        let dotted = store.define_bucket("a.b", &definition).await;
        assert!(
            matches!(dotted, Err(Error::Definition(_))),
            "a name that no topic could name"
        );
    });
}
