//! Definitions of buckets: refused, described, changed, dropped, counted; kinds of buckets and those that a restart empties.

use chancery::{Error, Json, Record, Store, TableHandle, json};
use chancery_scenarios::on_every_backend;

async fn tasks(store: &Store) -> TableHandle {
    let definition = json!({
        "key": "id",
        "schema": {
            "id": {"type": "string", "generated": "uuid"},
            "title": {"type": "string", "required": true, "minLength": 1, "maxLength": 200},
            "status": {"type": "string", "enum": ["todo", "in_progress", "done"], "default": "todo"},
            "priority": {"type": "number", "min": 1, "max": 5, "default": 3},
            "tags": {"type": "array", "default": []},
        },
        "indexes": ["status"],
    });
    store
        .define_bucket("tasks", &definition)
        .await
        .expect("the bucket is defined")
}

#[test]
fn what_cannot_be_kept_to_is_refused_and_leaves_the_name_free() {
    on_every_backend(|store| async move {
        let field = json!({"id": {"type": "string"}});
        let refused = [
            (json!({"key": "id", "maxSize": 0, "schema": field}), "maxSize"),
            (
                json!({"key": "id", "maxSize": "many", "schema": field}),
                "maxSize",
            ),
            (json!({"key": "id", "ttl": "1w", "schema": field}), "ttl"),
            (json!({"key": "id", "etsType": "bag", "schema": field}), "etsType"),
            (
                json!({"key": "id", "schema": {"id": {"type": "string", "ref": "users"}}}),
                "id.ref",
            ),
            (
                json!({"key": "id", "schema": {"id": {"type": "string"}, "a": {"type": "string", "onDelete": "cascade"}}}),
                "columns[1].onDelete",
            ),
        ];
        for (definition, field) in refused {
            let error = store.define_bucket("logs", &definition).await.err();
            match error {
                Some(Error::Definition(issues)) => assert_eq!(issues[0].field, field, "{issues:?}"),
                other => panic!("{definition} gave {other:?}"),
            }
            assert!(!store.has_bucket("logs"), "nothing was made");
        }
        let definition = json!({"key": "id", "etsType": "ordered_set", "schema": field});
        store
            .define_bucket("logs", &definition)
            .await
            .expect("the name is free");
    });
}

#[test]
fn a_bucket_is_described_changed_and_dropped() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let old = tasks.insert(json!({"title": "old"})).await.expect("inserted");
        let other = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let again = store.define_bucket("tasks", &other);
        match again.await {
            Err(error @ Error::Taken { .. }) => assert!(error.hint().is_some()),
            other => panic!("expected that the name is taken, got {:?}", other.err()),
        }
        let changes = json!({"addFields": {"owner": {"type": "string"}, "points": {"type": "number", "min": 0}},
            "addIndexes": ["owner", ["status", "points"]], "ttl": "1h"});
        let tasks = store.update_bucket("tasks", &changes).await.expect("changed");
        let definition = store.bucket_definition("tasks").expect("described");
        assert_eq!(
            definition["schema"]["points"],
            json!({"type": "number", "min": 0})
        );
        assert_eq!(
            definition["indexes"],
            json!(["status", "owner", ["status", "points"]])
        );
        assert_eq!(definition["ttl"], json!(3_600_000));
        let new = tasks
            .insert(json!({"title": "new", "owner": "ann", "points": 2}))
            .await
            .expect("inserted");
        assert!(new.expires_at().is_some(), "the time to live holds from now on");
        let old = tasks.get(old.key()).await.expect("read").expect("still there");
        assert_eq!(old.expires_at(), None);
        assert_eq!(
            tasks.filter(json!({"owner": "ann"})).await.expect("read").len(),
            1
        );
        store
            .update_bucket("tasks", &json!({"ttl": null}))
            .await
            .expect("changed");
        assert_eq!(
            store.bucket_definition("tasks").expect("described").get("ttl"),
            None
        );
        let refused = store
            .update_bucket("tasks", &json!({"addIndexes": ["ownr"]}))
            .await;
        assert!(refused.is_err_and(|error| error.to_string().contains("did you mean \"owner\"")));

        let stats = store.stats().await.expect("counted");
        assert_eq!(stats.buckets.len(), 1);
        assert_eq!(
            (
                stats.buckets[0].name.as_str(),
                stats.buckets[0].records,
                stats.buckets[0].indexes
            ),
            ("tasks", 2, 3)
        );
        assert_eq!(stats.revision, store.revision().await.expect("read"));
        assert!(store.drop_bucket("tasks").await.expect("dropped"));
        assert!(!store.drop_bucket("tasks").await.expect("nothing to drop"));
    });
}

#[test]
fn every_kind_of_bucket_is_in_key_order() {
    on_every_backend(|store| async move {
        for (name, kind) in [("plain", "set"), ("ordered", "ordered_set")] {
            let definition = json!({"key": "n", "etsType": kind, "schema": {"n": {"type": "number"}}});
            let numbers = store.define_bucket(name, &definition).await.expect("defined");
            for n in [10, 9, 2, 1, 30] {
                numbers.insert(json!({"n": n})).await.expect("inserted");
            }
            let order = |records: Vec<Record>| -> Vec<Json> { records.iter().map(|r| r.get("n")).collect() };
            assert_eq!(order(numbers.all().await.expect("read")), [1, 2, 9, 10, 30]);
            assert_eq!(order(numbers.first(2).await.expect("read")), [1, 2]);
            assert_eq!(order(numbers.last(2).await.expect("read")), [10, 30]);
            let page = numbers.paginate(Some("2"), 2).await.expect("read");
            assert_eq!(order(page.records), [9, 10]);
            let found = numbers.filter(json!({"n": {"$gte": 9}})).await.expect("read");
            assert_eq!(order(found), [9, 10, 30]);
        }
    });
}

#[test]
fn what_is_not_persistent_is_gone_when_the_store_is_opened_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = chancery::Store::open(&url).await.expect("opened");
        for (name, persistent) in [("kept", true), ("passing", false)] {
            let definition =
                json!({"key": "id", "persistent": persistent, "schema": {"id": {"type": "string"}}});
            let bucket = store.define_bucket(name, &definition).await.expect("defined");
            bucket.insert(json!({"id": "a"})).await.expect("inserted");
        }
        store.close().await.expect("closed");
        drop(store);
        let store = chancery::Store::open(&url).await.expect("opened again");
        let there = async |name: &str| {
            store
                .table(name)
                .expect("defined")
                .get("a")
                .await
                .expect("read")
                .is_some()
        };
        assert!(there("kept").await);
        assert!(!there("passing").await);
        store.close().await.expect("closed");
    });
}
