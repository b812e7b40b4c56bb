//! Time to live: expired records are seen by nobody, stand in nobody's way, and go with what refers to them.

use std::time::Duration;

use chancery::{
    BulkOptions, Error, JsonMap, OpenOptions, OperationQuery, Query, RevertOptions, Store, TableHandle, json,
};
use chancery_scenarios::{Hands, on_every_backend, on_every_backend_by_hand, on_postgres};

async fn sessions(store: &Store) -> TableHandle {
    let definition = json!({"key": "id", "ttl": 1_000, "schema": {
        "id": {"type": "string"}, "user": {"type": "string", "unique": true}, "n": {"type": "number"},
    }});
    store
        .define_bucket("sessions", &definition)
        .await
        .expect("defined")
}

#[test]
fn an_expired_record_is_seen_by_no_read() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        sessions
            .insert(json!({"id": "a", "user": "ann", "n": 1}))
            .await
            .expect("inserted");
        clock.pass(600);
        let updated = sessions.update("a", json!({"n": 2})).await.expect("updated");
        assert_eq!(
            updated.expires_at(),
            Some(1_001_000),
            "an update does not extend it"
        );
        sessions
            .insert(json!({"id": "b", "user": "bob", "n": 5}))
            .await
            .expect("inserted");
        clock.pass(399);
        assert!(sessions.get("a").await.expect("read").is_some());
        clock.pass(1);
        assert!(sessions.get("a").await.expect("read").is_none());
        assert!(sessions.get_any("a").await.expect("read").is_none());
        let past = sessions.record_at("a", 1).await;
        assert!(matches!(past, Err(Error::NotFound { .. })), "{past:?}");
        assert_eq!(sessions.all().await.expect("read").len(), 1);
        assert_eq!(sessions.count(&Query::new()).await.expect("counted"), 1);
        assert!(
            sessions
                .filter(json!({"user": "ann"}))
                .await
                .expect("read")
                .is_empty()
        );
        assert!(sessions.find_one(json!({"n": 2})).await.expect("read").is_none());
        assert_eq!(sessions.first(9).await.expect("read").len(), 1);
        assert_eq!(sessions.paginate(None, 9).await.expect("read").records.len(), 1);
        let total = sessions.sum("n").await.expect("summed");
        assert_eq!(total, json!(5));
        let gone = sessions.update("a", json!({"n": 3})).await;
        assert!(matches!(gone, Err(Error::NotFound { .. })), "{gone:?}");
        assert!(!sessions.delete("a").await.expect("nothing to delete"));
        // A clock that steps back brings nothing in disorder: what is there is judged again.
        clock.pass(-600);
        assert!(sessions.get("a").await.expect("read").is_some());
        assert_eq!(sessions.all().await.expect("read").len(), 2);
        assert_eq!(sessions.count(&Query::new()).await.expect("counted"), 2);
    });
}

#[test]
fn an_expired_record_makes_room_for_its_key_and_its_unique_values() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        sessions
            .insert(json!({"id": "a", "user": "ann"}))
            .await
            .expect("inserted");
        sessions
            .insert(json!({"id": "b", "user": "bob"}))
            .await
            .expect("inserted");
        let taken = sessions.insert(json!({"id": "a", "user": "eve"})).await;
        assert!(matches!(taken, Err(Error::KeyTaken { .. })));
        clock.pass(1_000);
        let before = store.revision().await.expect("read");
        // One key and one unique value, each held by another expired record.
        let made = sessions
            .insert(json!({"id": "a", "user": "bob"}))
            .await
            .expect("both made room");
        assert_eq!(made.version(), 1);
        assert_eq!(store.revision().await.expect("read"), before + 1, "in one commit");
        assert_eq!(
            store.purge_ttl().await.expect("swept"),
            0,
            "nothing is left of them"
        );

        clock.pass(1_000);
        let rows: Vec<JsonMap> =
            serde_json::from_value(json!([{"id": "a", "user": "x", "n": 7}])).expect("objects");
        let policy = (chancery::OnMany::Error, chancery::Blank::Keep);
        let outcome = sessions
            .bulk_upsert(&["id".to_owned()], &rows, policy, BulkOptions::default())
            .await
            .expect("answered");
        assert!(
            matches!(outcome.items[0], chancery::Bulk::Created(_)),
            "{outcome:?}"
        );
        assert_eq!(sessions.all().await.expect("read").len(), 1);
    });
}

#[test]
fn purge_ttl_removes_and_counts_what_has_expired() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        let rows: Vec<JsonMap> = (0..2_500)
            .map(|n| serde_json::from_value(json!({"id": format!("{n:04}")})).expect("an object"))
            .collect();
        sessions
            .bulk_create(&rows, BulkOptions::default())
            .await
            .expect("answered");
        clock.pass(500);
        sessions.insert(json!({"id": "late"})).await.expect("inserted");
        clock.pass(500);
        let newest = store.changes(0, 10_000).await.expect("read").len() as u64;
        assert_eq!(store.purge_ttl().await.expect("swept"), 2_500);
        assert_eq!(store.purge_ttl().await.expect("swept"), 0);
        assert_eq!(sessions.stats().await.expect("counted").live, 1);
        assert_eq!(
            store.changes(newest, 10_000).await.expect("read").len(),
            2_500,
            "each is logged"
        );
    });
}

#[test]
fn the_end_of_a_record_takes_along_what_refers_to_it() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        let carts = json!({"key": "id", "schema": {
            "id": {"type": "string"}, "session": {"type": "string", "ref": "sessions", "onDelete": "cascade"},
            "last": {"type": "string", "ref": "sessions", "onDelete": "setNull"},
        }});
        let carts = store.define_bucket("carts", &carts).await.expect("defined");
        sessions.insert(json!({"id": "a"})).await.expect("inserted");
        carts
            .insert(json!({"id": "1", "session": "a"}))
            .await
            .expect("inserted");
        carts
            .insert(json!({"id": "2", "last": "a"}))
            .await
            .expect("inserted");
        clock.pass(1_000);
        let refused = carts.insert(json!({"id": "3", "session": "a"})).await;
        assert!(
            matches!(refused, Err(Error::Invalid { .. })),
            "an expired record is not there: {refused:?}"
        );
        assert_eq!(
            store.purge_ttl().await.expect("swept"),
            1,
            "what it takes along has not expired"
        );
        let left = carts.all().await.expect("read");
        assert_eq!(left.len(), 1);
        assert_eq!((left[0].id(), left[0].get("last")), ("2".to_owned(), json!(null)));

        let restricting = json!({"key": "id", "schema": {"id": {"type": "string", "ref": "sessions"}}});
        let refused = store
            .define_bucket("holds", &restricting)
            .await
            .expect_err("refused");
        assert!(refused.to_string().contains("expire"), "{refused}");
    });
}

#[test]
fn only_records_of_a_table_with_a_time_to_live_expire() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        sessions.insert(json!({"id": "a"})).await.expect("inserted");
        clock.pass(2_000);
        assert!(sessions.get("a").await.expect("read").is_none());
        store
            .update_bucket("sessions", &json!({"ttl": null}))
            .await
            .expect("changed");
        assert!(sessions.get("a").await.expect("read").is_some());
        assert_eq!(sessions.count(&Query::new()).await.expect("counted"), 1);
        sessions.purge("a").await.expect("purged");
        let page = store.operations(OperationQuery::default()).await.expect("listed");
        let undone = store
            .revert(&page.operations[0].id, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!((undone.reverted, undone.skipped), (1, vec![]));
        sessions.update("a", json!({"n": 1})).await.expect("updated");
        assert_eq!(store.purge_ttl().await.expect("swept"), 0);
    });
}

#[test]
fn the_sweep_starts_with_the_first_table_that_needs_it() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = OpenOptions {
            ttl_check_interval: Duration::from_millis(5),
            ..OpenOptions::default()
        };
        let store = Store::open_with("memory:", options).await.expect("opened");
        let definition = json!({"key": "id", "ttl": 20, "schema": {"id": {"type": "string"}}});
        let passing = store
            .define_bucket("passing", &definition)
            .await
            .expect("defined");
        passing.insert(json!({"id": "a"})).await.expect("inserted");
        for _ in 0..400 {
            if passing.stats().await.expect("counted").live == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody swept");
    });
}

#[test]
fn a_store_without_a_time_to_live_is_not_swept() {
    on_every_backend(|store| async move {
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let kept = store.define_bucket("kept", &definition).await.expect("defined");
        kept.insert(json!({"id": "a"})).await.expect("inserted");
        assert_eq!(store.purge_ttl().await.expect("swept"), 0);
    });
}

#[test]
fn what_has_expired_is_claimed_by_one_only() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        for round in 0..10 {
            for by_key in [true, false] {
                let claims: Vec<_> = (0..8)
                    .map(|n| {
                        let sessions = sessions.clone();
                        let claim = match by_key {
                            true => json!({"id": "lease", "n": n}),
                            false => json!({"id": format!("{round}-{n}"), "user": "ann", "n": n}),
                        };
                        tokio::spawn(async move { sessions.insert(claim).await })
                    })
                    .collect();
                let mut claimed = Vec::new();
                for claim in claims {
                    match claim.await.expect("it ends") {
                        Ok(record) => claimed.push(record.get("n")),
                        Err(Error::KeyTaken { .. } | Error::Unique { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
                assert_eq!(claimed.len(), 1, "round {round}, by key: {by_key}");
                let live = sessions.all().await.expect("read");
                assert_eq!(live.len(), 1);
                assert_eq!(live[0].get("n"), claimed[0]);
                clock.pass(1_000);
            }
        }
    });
}

#[test]
fn the_sweep_leaves_what_takes_an_expired_records_place() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        for round in 0..15 {
            let inserting: Vec<_> = (0..8)
                .map(|n| {
                    let sessions = sessions.clone();
                    tokio::spawn(async move { sessions.insert(json!({"id": n.to_string()})).await })
                })
                .collect();
            let swept = store.purge_ttl().await;
            assert!(swept.is_ok(), "round {round}: {swept:?}");
            for inserting in inserting {
                inserting.await.expect("it ends").expect("inserted");
            }
            assert_eq!(
                sessions.count(&Query::new()).await.expect("counted"),
                8,
                "round {round}"
            );
            clock.pass(1_000);
        }
    });
}

/// Many records, so on one backend only.
#[test]
fn a_record_that_cannot_be_swept_holds_up_no_other() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let clock = Hands::default();
        let store = Store::open_with("memory:", clock.options())
            .await
            .expect("opened");
        let sessions = sessions(&store).await;
        let carts = json!({"key": "id", "schema": {
            "id": {"type": "number"}, "session": {"type": "string", "ref": "sessions", "onDelete": "cascade"},
        }});
        let carts = store.define_bucket("carts", &carts).await.expect("defined");
        let other = json!({"key": "id", "ttl": 1_000, "schema": {"id": {"type": "string"}}});
        let other = store.define_bucket("zz-other", &other).await.expect("defined");
        other.insert(json!({"id": "a"})).await.expect("inserted");
        for id in ["a", "b", "c"] {
            sessions.insert(json!({"id": id})).await.expect("inserted");
        }
        for batch in 0..11 {
            let session = if batch == 10 { "c" } else { "b" };
            let rows: Vec<JsonMap> = (0..10_000)
                .map(|n| json!({"id": batch * 10_000 + n, "session": if n == 0 { "b" } else { session }}))
                .map(|row| serde_json::from_value(row).expect("an object"))
                .collect();
            let made = carts
                .bulk_create(&rows, BulkOptions::default())
                .await
                .expect("answered");
            assert!(made.committed);
        }
        clock.pass(1_000);
        assert_eq!(store.purge_ttl().await.expect("swept"), 3, "all but one");
        assert_eq!(sessions.stats().await.expect("counted").live, 1);
        assert_eq!(other.stats().await.expect("counted").live, 0);
        assert_eq!(carts.stats().await.expect("counted").live, 100_001);
        carts
            .bulk_delete(&["0".to_owned()], BulkOptions::default())
            .await
            .expect("answered");
        assert_eq!(store.purge_ttl().await.expect("swept"), 1);
        assert_eq!(carts.stats().await.expect("counted").live, 0);
    });
}

#[test]
fn what_refers_to_an_expired_record_does_not_pass_to_its_successor() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        let carts = json!({"key": "id", "schema": {
            "id": {"type": "string"}, "session": {"type": "string", "ref": "sessions", "onDelete": "cascade"},
            "last": {"type": "string", "ref": "sessions", "onDelete": "setNull"},
        }});
        let carts = store.define_bucket("carts", &carts).await.expect("defined");
        for way in ["alone", "in a transaction"] {
            sessions
                .insert(json!({"id": way, "user": "ann"}))
                .await
                .expect("inserted");
            let rows: Vec<JsonMap> =
                serde_json::from_value(json!([{"id": "1", "session": way}, {"id": "2", "last": way}]))
                    .expect("objects");
            let made = carts
                .bulk_create(&rows, BulkOptions::default())
                .await
                .expect("answered");
            assert!(made.committed);
            clock.pass(1_000);
            let successor = json!({"id": way, "user": "eve"});
            if way == "alone" {
                sessions.insert(successor).await.expect("it makes room");
            } else {
                store
                    .transaction(async |tx| tx.table("sessions")?.insert(successor.clone()).await)
                    .await
                    .expect("it makes room");
            }
            let left = carts.all().await.expect("read");
            assert_eq!(left.len(), 1, "{way}");
            assert_eq!(
                (left[0].id(), left[0].get("last")),
                ("2".to_owned(), json!(null)),
                "{way}"
            );
            carts.clear().await.expect("cleared");
        }
    });
}

#[test]
fn a_time_to_live_that_comes_back_ends_no_record_at_once() {
    on_every_backend_by_hand(|store, clock| async move {
        let sessions = sessions(&store).await;
        for id in ["a", "b"] {
            sessions.insert(json!({"id": id})).await.expect("inserted");
        }
        store
            .update_bucket("sessions", &json!({"ttl": null}))
            .await
            .expect("changed");
        clock.pass(5_000);
        let refused = store.update_bucket("sessions", &json!({"ttl": "90d"})).await;
        let refused = refused.expect_err("refused").to_string();
        assert!(refused.contains("2 record(s) would be gone at once"), "{refused}");
        sessions.update("a", json!({"n": 1})).await.expect("updated");
        sessions.purge("b").await.expect("purged");
        store
            .update_bucket("sessions", &json!({"ttl": "90d"}))
            .await
            .expect("changed");
        let kept = sessions.get("a").await.expect("read").expect("there");
        assert_eq!(kept.expires_at(), None, "it holds for records from now on");
        let made = sessions.insert(json!({"id": "c"})).await.expect("inserted");
        assert!(made.expires_at().is_some());
        assert_eq!(store.purge_ttl().await.expect("swept"), 0);
    });
}

#[test]
fn a_process_sweeps_tables_that_another_one_has_made() {
    on_postgres(|_, url| async move {
        let never = OpenOptions {
            ttl_check_interval: Duration::ZERO,
            ..OpenOptions::default()
        };
        let often = OpenOptions {
            ttl_check_interval: Duration::from_millis(5),
            ..OpenOptions::default()
        };
        let makes = Store::open_with(&url, never).await.expect("opened");
        let sweeps = Store::open_with(&url, often).await.expect("opened");
        let definition = json!({"key": "id", "ttl": 20, "schema": {"id": {"type": "string"}}});
        let passing = makes
            .define_bucket("passing", &definition)
            .await
            .expect("defined");
        passing.insert(json!({"id": "a"})).await.expect("inserted");
        let mut left = 1;
        for _ in 0..400 {
            left = passing.stats().await.expect("counted").live;
            if left == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(left, 0, "nobody swept");
        sweeps.close().await.expect("closed");
        makes.close().await.expect("closed");
    });
}
