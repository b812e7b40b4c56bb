//! References between buckets: what may be written, and what the end of a record does to those that refer to it.

use std::time::{Duration, Instant};

use chancery::{
    BulkOptions, ChangeKind, Code, Error, Json, JsonMap, OnError, Query, Store, TableHandle, json,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

/// Users, and tasks that refer to them and to each other.
async fn tables(store: &Store, on_delete: &str, soft: bool) -> (TableHandle, TableHandle) {
    let users = json!({"key": "id", "softDelete": soft, "schema": {"id": {"type": "string"}, "name": {"type": "string"}}});
    let users = store.define_bucket("users", &users).await.expect("defined");
    let tasks = json!({"key": "id", "softDelete": soft, "schema": {
        "id": {"type": "string"},
        "owner": {"type": "string", "ref": "users", "onDelete": on_delete},
        "parent": {"type": "string", "ref": "tasks", "onDelete": "cascade"},
    }});
    let tasks = store.define_bucket("tasks", &tasks).await.expect("defined");
    (users, tasks)
}

async fn insert(table: &TableHandle, data: Json) {
    table.insert(data).await.expect("inserted");
}

async fn keys(table: &TableHandle) -> Vec<String> {
    let records = table.all().await.expect("read");
    records.iter().map(|record| record.key().to_string()).collect()
}

fn maps(records: Json) -> Vec<JsonMap> {
    serde_json::from_value(records).expect("objects")
}

/// The columns and codes of a refused write.
fn refused<T>(result: Result<T, Error>) -> Vec<(String, Code)> {
    match result {
        Err(Error::Invalid { issues, .. }) => issues
            .into_iter()
            .map(|issue| (issue.field, issue.code))
            .collect(),
        Err(other) => panic!("expected a refused reference, got {other:?}"),
        Ok(_) => panic!("expected a refused reference"),
    }
}

#[test]
fn a_reference_must_be_to_a_live_record() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "restrict", true).await;
        insert(&users, json!({"id": "ann"})).await;
        let nobody = tasks.insert(json!({"id": "1", "owner": "bob"})).await;
        assert_eq!(
            nobody.as_ref().map_err(ToString::to_string).expect_err("refused"),
            "Validation failed for table \"tasks\": owner: References table \"users\" with key \"bob\", but no such record exists"
        );
        assert_eq!(refused(nobody), [("owner".to_owned(), Code::Reference)]);
        insert(&tasks, json!({"id": "1", "owner": "ann"})).await;
        insert(&tasks, json!({"id": "2", "owner": null})).await;
        assert_eq!(refused(tasks.update("2", json!({"owner": "bob"})).await).len(), 1);
        tasks.update("1", json!({"owner": "ann"})).await.expect("updated");

        insert(&users, json!({"id": "eve"})).await;
        users.delete("eve").await.expect("to the trash");
        assert_eq!(refused(tasks.update("2", json!({"owner": "eve"})).await).len(), 1);
        assert_eq!(keys(&tasks).await, ["1", "2"]);
    });
}

#[test]
fn many_rows_are_checked_and_every_bad_one_is_named() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "restrict", false).await;
        insert(&users, json!({"id": "ann"})).await;
        let rows = maps(json!([
            {"id": "1", "owner": "ann"}, {"id": "2", "owner": "bob"}, {"id": "3", "parent": "2"}, {"id": "4", "parent": "1"},
            {"id": "4"}, {"id": "5", "parent": "9"},
        ]));
        let outcome = tasks
            .bulk_create(&rows, BulkOptions::default())
            .await
            .expect("answered");
        assert!(!outcome.committed);
        let bad: Vec<(usize, Code)> = outcome
            .failures()
            .map(|(at, issues)| (at, issues[0].code))
            .collect();
        // Row 2 refers to a row that cannot be written itself.
        assert_eq!(
            bad,
            [
                (1, Code::Reference),
                (2, Code::Reference),
                (4, Code::KeyTaken),
                (5, Code::Reference)
            ]
        );
        assert!(keys(&tasks).await.is_empty());

        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let outcome = tasks.bulk_create(&rows, options).await.expect("answered");
        assert_eq!(
            outcome.failures().map(|(at, _)| at).collect::<Vec<_>>(),
            [1, 2, 4, 5]
        );
        assert_eq!(keys(&tasks).await, ["1", "4"]);
    });
}

#[test]
fn restrict_names_who_refers() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "restrict", false).await;
        for name in ["ann", "bob"] {
            insert(&users, json!({"id": name})).await;
        }
        insert(&tasks, json!({"id": "1", "owner": "ann"})).await;
        let message = "Cannot delete from table \"users\" (key \"ann\"): referenced by table \"tasks\" (key \"1\") via field \"owner\"";
        for ended in [users.delete("ann").await, users.purge("ann").await] {
            match ended {
                Err(error @ Error::Referenced { .. }) => assert_eq!(error.to_string(), message),
                other => panic!("expected a refusal, got {other:?}"),
            }
        }
        match users.clear().await {
            Err(error @ Error::Referenced { .. }) => assert_eq!(error.to_string(), message),
            other => panic!("expected a refusal, got {other:?}"),
        }
        let ids = ["ann".to_owned(), "bob".to_owned()];
        let stopped = users
            .bulk_delete(&ids, BulkOptions::default())
            .await
            .expect("answered");
        assert!(!stopped.committed);
        assert_eq!(stopped.failures().map(|(at, _)| at).collect::<Vec<_>>(), [0]);
        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let done = users.bulk_delete(&ids, options).await.expect("answered");
        assert_eq!(done.failures().map(|(at, _)| at).collect::<Vec<_>>(), [0]);
        assert_eq!(keys(&users).await, ["ann"]);

        tasks.update("1", json!({"owner": null})).await.expect("updated");
        assert!(users.delete("ann").await.expect("nobody refers to it any more"));
        assert!(tasks.clear().await.is_ok());
    });
}

#[test]
fn cascade_takes_everything_along_in_one_commit() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "cascade", false).await;
        for name in ["ann", "bob"] {
            insert(&users, json!({"id": name})).await;
        }
        insert(&tasks, json!({"id": "1", "owner": "ann"})).await;
        insert(&tasks, json!({"id": "2", "owner": "bob", "parent": "1"})).await;
        insert(&tasks, json!({"id": "3", "parent": "2"})).await;
        insert(&tasks, json!({"id": "4", "owner": "bob"})).await;
        // A circle ends too.
        tasks.update("1", json!({"parent": "3"})).await.expect("updated");
        let before = store.revision().await.expect("read");
        assert!(users.delete("ann").await.expect("deleted"));
        assert_eq!(store.revision().await.expect("read"), before + 1);
        assert_eq!(keys(&tasks).await, ["4"]);
        assert_eq!(keys(&users).await, ["bob"]);
        let log = store.changes(0, 1_000).await.expect("read");
        let ended: Vec<ChangeKind> = log
            .iter()
            .filter(|change| change.revision == before + 1)
            .map(|change| change.kind)
            .collect();
        assert_eq!(ended, [ChangeKind::Purged; 4]);
        assert_eq!(users.clear().await.expect("cleared"), 1);
        assert!(keys(&tasks).await.is_empty(), "clear takes along too");
    });
}

#[test]
fn cascade_goes_to_the_trash_with_what_it_refers_to() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "cascade", true).await;
        insert(&users, json!({"id": "ann"})).await;
        insert(&tasks, json!({"id": "1", "owner": "ann"})).await;
        insert(&tasks, json!({"id": "2", "parent": "1"})).await;
        users.delete("ann").await.expect("deleted");
        assert!(keys(&tasks).await.is_empty());
        let trashed = tasks.get_any("2").await.expect("read").expect("in the trash");
        assert_eq!(trashed.version(), 2);
        // A child cannot come back before what it refers to.
        assert_eq!(
            refused(tasks.restore("2").await),
            [("parent".to_owned(), Code::Reference)]
        );
        users.restore("ann").await.expect("restored");
        assert!(
            keys(&tasks).await.is_empty(),
            "those it took along do not come back by themselves"
        );
        tasks.restore("1").await.expect("restored");
        tasks.restore("2").await.expect("restored");
        assert_eq!(keys(&tasks).await, ["1", "2"]);
        users.purge("ann").await.expect("for good");
        assert!(
            tasks.get_any("2").await.expect("read").is_none(),
            "for good as well"
        );
    });
}

#[test]
fn set_null_clears_the_column_and_nothing_else() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "setNull", false).await;
        for name in ["ann", "bob"] {
            insert(&users, json!({"id": name})).await;
        }
        insert(&tasks, json!({"id": "1", "owner": "ann"})).await;
        insert(&tasks, json!({"id": "2", "owner": "bob", "parent": "1"})).await;
        users.delete("ann").await.expect("deleted");
        let task = tasks.get("1").await.expect("read").expect("there");
        assert_eq!((task.get("owner"), task.version()), (json!(null), 2));
        users.clear().await.expect("cleared");
        let task = tasks.get("2").await.expect("read").expect("there");
        assert_eq!(
            (task.get("owner"), task.get("parent"), task.version()),
            (json!(null), json!("1"), 2)
        );
    });
}

#[test]
fn who_goes_in_the_same_batch_holds_nobody() {
    on_every_backend(|store| async move {
        let nodes = json!({"key": "id", "schema": {"id": {"type": "number"}, "next": {"type": "number", "ref": "nodes"}}});
        let nodes = store.define_bucket("nodes", &nodes).await.expect("defined");
        let rows = maps(json!([{"id": 1, "next": 2}, {"id": 2, "next": 1}, {"id": 3, "next": 1}]));
        let made = nodes
            .bulk_create(&rows, BulkOptions::default())
            .await
            .expect("answered");
        assert!(
            made.committed,
            "rows of one batch may refer to each other: {made:?}"
        );
        assert!(nodes.delete("3").await.expect("nobody refers to it"));
        assert!(nodes.delete("1").await.is_err());
        let ids = ["1".to_owned(), "2".to_owned()];
        let gone = nodes
            .bulk_delete(&ids, BulkOptions::default())
            .await
            .expect("answered");
        assert!(gone.committed, "{gone:?}");
        assert_eq!(nodes.count(&Query::new()).await.expect("counted"), 0);
    });
}

#[test]
fn a_table_that_is_referred_to_is_not_dropped() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "cascade", false).await;
        let refused = store.drop_bucket("users").await.expect_err("refused").to_string();
        assert!(refused.contains("\"tasks.owner\" refers to it"), "{refused}");
        insert(&users, json!({"id": "ann"})).await;
        tasks.delete_column("owner").await.expect("deleted");
        assert!(store.drop_bucket("users").await.expect("dropped"));
        assert!(
            store
                .drop_bucket("tasks")
                .await
                .expect("a table may refer to itself")
        );
    });
}

#[test]
fn an_import_keeps_to_references() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "restrict", false).await;
        insert(&users, json!({"id": "ann"})).await;
        let file = chancery::ImportFile::bytes(b"id,owner\n1,ann\n2,bob\n".to_vec());
        let report = tasks
            .import_csv(
                &file,
                &chancery::Mapping::default(),
                &chancery::ImportOptions::default(),
            )
            .await
            .expect("answered");
        assert_eq!((report.created, report.failed), (0, 1), "{report:?}");
        assert_eq!(
            (report.errors[0].row, report.errors[0].code),
            (2, Code::Reference)
        );
        assert!(keys(&tasks).await.is_empty());
    });
}

#[test]
fn nothing_refers_to_nothing_whoever_is_faster() {
    on_every_backend(|store| async move {
        let (users, tasks) = tables(&store, "cascade", false).await;
        for round in 0..8 {
            let names: Vec<String> = (0..4).map(|user| format!("{round}-{user}")).collect();
            for name in &names {
                insert(&users, json!({"id": name})).await;
            }
            let adding: Vec<_> = (0..4)
                .map(|writer| {
                    let (tasks, names) = (tasks.clone(), names.clone());
                    tokio::spawn(async move {
                        for (at, name) in names.iter().enumerate() {
                            let task = json!({"id": format!("{name}-{writer}-{at}"), "owner": name});
                            match tasks.insert(task).await {
                                Ok(_) | Err(Error::Invalid { .. }) => {}
                                Err(error) => panic!("{error:?}"),
                            }
                        }
                    })
                })
                .collect();
            for name in &names {
                users.delete(name).await.expect("deleted");
            }
            for adding in adding {
                adding.await.expect("it ends");
            }
            assert_eq!(
                keys(&tasks).await,
                Vec::<String>::new(),
                "round {round}: a task has no owner"
            );
        }
    });
}

#[test]
fn an_expired_referrer_hides_none_that_holds() {
    on_every_backend_by_hand(|store, clock| async move {
        let users = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let users = store.define_bucket("users", &users).await.expect("defined");
        let sessions = json!({"key": "id", "ttl": 1_000, "schema": {
            "id": {"type": "string"}, "user": {"type": "string", "ref": "users", "onDelete": "restrict"},
        }});
        let sessions = store.define_bucket("sessions", &sessions).await.expect("defined");
        insert(&users, json!({"id": "ann"})).await;
        for id in ["1", "2", "3"] {
            insert(&sessions, json!({"id": id, "user": "ann"})).await;
        }
        clock.pass(1_000);
        insert(&sessions, json!({"id": "4", "user": "ann"})).await;
        for ended in [users.delete("ann").await.map(u64::from), users.clear().await] {
            match ended {
                Err(Error::Referenced { by_key, .. }) => assert_eq!(by_key.to_string(), "4"),
                other => panic!("expected a refusal, got {other:?}"),
            }
        }
        clock.pass(1_000);
        assert!(users.delete("ann").await.expect("nobody refers to it any more"));
    });
}

#[test]
fn a_row_may_refer_to_a_stored_record_whose_new_row_is_refused() {
    on_every_backend(|store| async move {
        let (_, tasks) = tables(&store, "restrict", false).await;
        insert(&tasks, json!({"id": "1"})).await;
        let rows = maps(json!([{"id": "1", "owner": "nobody"}, {"id": "2", "parent": "1"}]));
        let options = BulkOptions {
            on_error: OnError::Continue,
            ..BulkOptions::default()
        };
        let outcome = tasks.bulk_create(&rows, options).await.expect("answered");
        assert_eq!(outcome.failures().map(|(at, _)| at).collect::<Vec<_>>(), [0]);
        assert_eq!(keys(&tasks).await, ["1", "2"]);
    });
}

/// It is about time, which a busy server would blur, so on one backend only.
#[test]
fn refusals_that_follow_from_each_other_are_named_at_once() {
    const ROWS: usize = 5_000;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Store::open("memory:").await.expect("opened");
        let nodes = json!({"key": "id", "schema": {"id": {"type": "number"}, "next": {"type": "number", "ref": "nodes"}}});
        let nodes = store.define_bucket("nodes", &nodes).await.expect("defined");
        let chain: Vec<JsonMap> = (1..=ROWS)
            .map(|id| serde_json::from_value(json!({"id": id, "next": id - 1})).expect("an object"))
            .collect();
        let ids: Vec<String> = (1..=ROWS).map(|id| id.to_string()).collect();
        let all: Vec<usize> = (0..ROWS).collect();
        for on_error in [OnError::Abort, OnError::Continue] {
            let options = BulkOptions {
                on_error,
                ..BulkOptions::default()
            };
            let began = Instant::now();
            let refused = nodes.bulk_create(&chain, options.clone()).await.expect("answered");
            assert_eq!(refused.failures().map(|(at, _)| at).collect::<Vec<_>>(), all);
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

            // Row 0 brings the others in; one more at the end holds them all.
            insert(&nodes, json!({"id": 0})).await;
            let made = nodes.bulk_create(&chain, options.clone()).await.expect("answered");
            assert!(made.committed);
            insert(&nodes, json!({"id": ROWS + 1, "next": ROWS})).await;
            let began = Instant::now();
            let held = nodes.bulk_delete(&ids, options).await.expect("answered");
            assert_eq!(held.failures().map(|(at, _)| at).collect::<Vec<_>>(), all);
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
            nodes.clear().await.expect("cleared");
        }
    });
}
