//! Size limits: the oldest records make room, in the commit that needs it, and never for a write that fails.

use chancery::{
    BulkOptions, ChangeKind, Error, Json, JsonMap, OnError, OperationQuery, Query, RevertOptions, Store,
    TableHandle, json,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

async fn recent(store: &Store, most: u64) -> TableHandle {
    let definition = json!({"key": "id", "maxSize": most, "schema": {
        "id": {"type": "string"}, "mail": {"type": "string", "unique": true}, "n": {"type": "number", "max": 100},
    }});
    store.define_bucket("recent", &definition).await.expect("defined")
}

async fn keys(table: &TableHandle) -> Vec<String> {
    let records = table.all().await.expect("read");
    records.iter().map(|record| record.key().to_string()).collect()
}

fn maps(records: Json) -> Vec<JsonMap> {
    serde_json::from_value(records).expect("objects")
}

#[test]
fn the_oldest_goes_in_the_same_commit() {
    on_every_backend_by_hand(|store, clock| async move {
        let recent = recent(&store, 3).await;
        for id in ["d", "c", "b"] {
            recent.insert(json!({"id": id})).await.expect("inserted");
            clock.pass(10);
        }
        recent
            .update("d", json!({"n": 1}))
            .await
            .expect("an update makes nothing younger");
        let before = store.revision().await.expect("read");
        recent.insert(json!({"id": "a"})).await.expect("inserted");
        assert_eq!(store.revision().await.expect("read"), before + 1);
        assert_eq!(keys(&recent).await, ["a", "b", "c"]);
        let log = store.changes(0, 100).await.expect("read");
        let newest: Vec<ChangeKind> = log
            .iter()
            .filter(|change| change.revision == before + 1)
            .map(|change| change.kind)
            .collect();
        assert_eq!(newest, [ChangeKind::Inserted, ChangeKind::Evicted]);
        // At the same time the key decides, and a clock that steps back makes what it stamps older.
        clock.pass(-1_000);
        recent.insert(json!({"id": "z"})).await.expect("inserted");
        assert_eq!(keys(&recent).await, ["a", "b", "z"]);
        recent.insert(json!({"id": "y"})).await.expect("inserted");
        assert_eq!(keys(&recent).await, ["a", "b", "y"]);
    });
}

#[test]
fn bulk_evicts_as_many_as_it_adds_and_no_more_than_fit() {
    on_every_backend_by_hand(|store, clock| async move {
        let recent = recent(&store, 3).await;
        let rows = maps(json!([{"id": "a"}, {"id": "b"}]));
        assert!(
            recent
                .bulk_create(&rows, BulkOptions::default())
                .await
                .expect("answered")
                .committed
        );
        clock.pass(10);
        let rows = maps(json!([{"id": "c"}, {"id": "d"}, {"id": "e", "n": 101}]));
        let refused = recent
            .bulk_create(&rows, BulkOptions::default())
            .await
            .expect("answered");
        assert!(!refused.committed);
        assert_eq!(keys(&recent).await, ["a", "b"]);
        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        recent.bulk_create(&rows, options).await.expect("answered");
        assert_eq!(keys(&recent).await, ["b", "c", "d"], "the bad row made no room");
        let rows = maps(json!([{"id": "f"}, {"id": "g"}, {"id": "h"}, {"id": "i"}]));
        let refused = recent.bulk_create(&rows, BulkOptions::default()).await;
        assert!(
            matches!(refused, Err(Error::Limit { max: 3, got: 4, .. })),
            "{refused:?}"
        );
        assert_eq!(keys(&recent).await, ["b", "c", "d"]);
        // An upsert that updates adds nothing.
        let rows = maps(json!([{"id": "b", "n": 1}, {"id": "x", "n": 2}]));
        let policy = (chancery::OnMany::Error, chancery::Blank::Keep);
        clock.pass(10);
        recent
            .bulk_upsert(&["id".to_owned()], &rows, policy, BulkOptions::default())
            .await
            .expect("answered");
        assert_eq!(keys(&recent).await, ["c", "d", "x"]);
    });
}

#[test]
fn a_dry_run_evicts_nobody() {
    on_every_backend(|store| async move {
        let recent = recent(&store, 1).await;
        recent.insert(json!({"id": "a"})).await.expect("inserted");
        let options = chancery::WriteOptions {
            dry_run: true,
            ..chancery::WriteOptions::default()
        };
        recent
            .insert_with(&json!({"id": "b"}), options)
            .await
            .expect("tried");
        assert_eq!(keys(&recent).await, ["a"]);
    });
}

#[test]
fn the_trash_does_not_count_and_a_restored_record_needs_room_too() {
    on_every_backend_by_hand(|store, clock| async move {
        let definition =
            json!({"key": "id", "maxSize": 2, "softDelete": true, "schema": {"id": {"type": "string"}}});
        let recent = store.define_bucket("recent", &definition).await.expect("defined");
        for id in ["a", "b", "c"] {
            recent.insert(json!({"id": id})).await.expect("inserted");
            clock.pass(10);
            if id == "a" {
                recent.delete("a").await.expect("to the trash");
            }
        }
        assert_eq!(keys(&recent).await, ["b", "c"]);
        recent.restore("a").await.expect("restored");
        assert_eq!(keys(&recent).await, ["a", "c"]);
    });
}

#[test]
fn who_inserts_at_once_never_exceeds_the_limit() {
    on_every_backend(|store| async move {
        let recent = recent(&store, 5).await;
        let inserting: Vec<_> = (0..8)
            .map(|writer| {
                let recent = recent.clone();
                tokio::spawn(async move {
                    for n in 0..6 {
                        let made = recent.insert(json!({"id": format!("{writer}-{n}")})).await;
                        made.expect("inserted");
                        let count = recent.count(&Query::new()).await.expect("counted");
                        assert!(count <= 5, "{count} records");
                    }
                })
            })
            .collect();
        for inserting in inserting {
            inserting.await.expect("it ends");
        }
        assert_eq!(recent.count(&Query::new()).await.expect("counted"), 5);
    });
}

#[test]
fn two_processes_keep_to_one_limit() {
    chancery_scenarios::twice_on_postgres(|store, other| async move {
        let here = recent(&store, 4).await;
        let there = loop {
            if let Ok(there) = other.table("recent") {
                break there;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        let inserting: Vec<_> = [here.clone(), there]
            .into_iter()
            .enumerate()
            .map(|(process, table)| {
                tokio::spawn(async move {
                    for n in 0..20 {
                        table
                            .insert(json!({"id": format!("{process}-{n}")}))
                            .await
                            .expect("inserted");
                        let count = table.count(&Query::new()).await.expect("counted");
                        assert!(count <= 4, "{count} records");
                    }
                })
            })
            .collect();
        for inserting in inserting {
            inserting.await.expect("it ends");
        }
        assert_eq!(here.count(&Query::new()).await.expect("counted"), 4);
    });
}

#[test]
fn what_comes_in_the_place_of_what_goes_evicts_nobody() {
    on_every_backend_by_hand(|store, clock| async move {
        let recent = recent(&store, 3).await;
        for id in ["a", "b", "c"] {
            recent.insert(json!({"id": id})).await.expect("inserted");
            clock.pass(10);
        }
        for id in ["a", "b"] {
            store
                .transaction(async |tx| {
                    let recent = tx.table("recent")?;
                    recent.delete(id).await?;
                    recent.insert(json!({"id": id, "n": 1})).await
                })
                .await
                .expect("committed");
            assert_eq!(keys(&recent).await, ["a", "b", "c"], "{id} anew");
            let anew = recent.get(id).await.expect("read").expect("there");
            assert_eq!((anew.version(), anew.get("n")), (1, json!(1)));
        }

        let definition =
            json!({"key": "id", "maxSize": 3, "ttl": 1_000, "schema": {"id": {"type": "string"}}});
        let passing = store
            .define_bucket("passing", &definition)
            .await
            .expect("defined");
        passing.insert(json!({"id": "k"})).await.expect("inserted");
        clock.pass(500);
        for id in ["a", "b"] {
            passing.insert(json!({"id": id})).await.expect("inserted");
        }
        clock.pass(500);
        let made = passing.insert(json!({"id": "k"})).await.expect("it makes room");
        assert_eq!(made.version(), 1);
        assert_eq!(keys(&passing).await, ["a", "b", "k"]);
    });
}

#[test]
fn what_has_expired_goes_before_what_is_older() {
    on_every_backend_by_hand(|store, clock| async move {
        let definition =
            json!({"key": "id", "maxSize": 3, "ttl": 10_000, "schema": {"id": {"type": "string"}}});
        let passing = store
            .define_bucket("passing", &definition)
            .await
            .expect("defined");
        passing.insert(json!({"id": "long"})).await.expect("inserted");
        clock.pass(10);
        store
            .update_bucket("passing", &json!({"ttl": 100}))
            .await
            .expect("changed");
        for id in ["short", "shorter"] {
            passing.insert(json!({"id": id})).await.expect("inserted");
        }
        clock.pass(100);
        passing.insert(json!({"id": "new"})).await.expect("inserted");
        assert_eq!(keys(&passing).await, ["long", "new"]);
        assert_eq!(passing.stats().await.expect("counted").live, 3);
        for id in ["newer", "newest"] {
            passing.insert(json!({"id": id})).await.expect("inserted");
        }
        assert_eq!(keys(&passing).await, ["new", "newer", "newest"]);
    });
}

#[test]
fn what_comes_back_into_the_trash_needs_neither_room_nor_what_it_refers_to() {
    on_every_backend_by_hand(|store, clock| async move {
        let owners = json!({"key": "id", "softDelete": true, "schema": {"id": {"type": "string"}}});
        let owners = store.define_bucket("owners", &owners).await.expect("defined");
        let definition = json!({"key": "id", "maxSize": 2, "softDelete": true, "schema": {
            "id": {"type": "string"}, "owner": {"type": "string", "ref": "owners", "onDelete": "setNull"},
        }});
        let recent = store.define_bucket("recent", &definition).await.expect("defined");
        owners.insert(json!({"id": "ann"})).await.expect("inserted");
        recent
            .insert(json!({"id": "a", "owner": "ann"}))
            .await
            .expect("inserted");
        recent.delete("a").await.expect("to the trash");
        owners.delete("ann").await.expect("to the trash");
        for id in ["b", "c"] {
            clock.pass(10);
            recent.insert(json!({"id": id})).await.expect("inserted");
        }
        recent.purge("a").await.expect("purged");
        let page = store.operations(OperationQuery::default()).await.expect("listed");
        let undone = store
            .revert(&page.operations[0].id, RevertOptions::default())
            .await
            .expect("taken back");
        assert_eq!((undone.reverted, undone.skipped), (1, vec![]));
        let back = recent.get_any("a").await.expect("read").expect("there");
        assert!(back.deleted_at().is_some());
        assert_eq!(keys(&recent).await, ["b", "c"], "nobody was evicted");
    });
}
