//! Undo where rules beyond the records took part or stand in the way: references, size limits, lifetimes, dropped tables, and
//! units over two tables.

use chancery::{
    BulkOptions, Error, ImportFile, ImportOptions, Json, Mapping, Operation, OperationQuery, RevertOptions,
    RevertReport, Skipped, Store, TableHandle, Why, json,
};
use chancery_scenarios::{on_every_backend, on_every_backend_by_hand};

use crate::undo::{newest, notes, revert, sums, tasks, there_and_back};

/// Users, and posts that refer to them.
async fn blog(store: &Store, on_delete: &str, soft: bool) -> (TableHandle, TableHandle) {
    let users = json!({"key": "id", "softDelete": soft, "schema": {"id": {"type": "string"}, "name": {"type": "string"}}});
    let users = store.define_bucket("users", &users).await.expect("defined");
    let posts = json!({"key": "id", "softDelete": soft, "schema": {
        "id": {"type": "string"},
        "owner": {"type": "string", "ref": "users", "onDelete": on_delete},
        "text": {"type": "string"},
    }});
    let posts = store.define_bucket("posts", &posts).await.expect("defined");
    for id in ["ann", "bob"] {
        insert(&users, json!({"id": id, "name": id})).await;
    }
    (users, posts)
}

async fn recent(store: &Store, most: u64) -> TableHandle {
    let definition =
        json!({"key": "id", "maxSize": most, "schema": {"id": {"type": "string"}, "n": {"type": "number"}}});
    store.define_bucket("recent", &definition).await.expect("defined")
}

async fn insert(table: &TableHandle, data: Json) {
    table.insert(data).await.expect("inserted");
}

async fn keys(table: &TableHandle) -> Vec<String> {
    let records = table.all().await.expect("read");
    records.iter().map(|record| record.key().to_string()).collect()
}

/// Takes the newest operation back while something stands in the way; all or nothing does nothing.
async fn hindered(store: &Store, operation: &str, tables: &[&TableHandle]) -> RevertReport {
    let before = sums(tables).await;
    let strict = RevertOptions {
        all_or_nothing: true,
        ..RevertOptions::default()
    };
    let refused = store.revert(operation, strict).await;
    assert!(matches!(refused, Err(Error::Kept(_))), "{refused:?}");
    assert_eq!(sums(tables).await, before, "nothing was changed");
    revert(store, operation).await
}

fn told(skipped: &[Skipped]) -> Vec<(&str, &str, Why)> {
    let told = skipped.iter();
    told.map(|skipped| (&*skipped.table, &*skipped.key, skipped.why))
        .collect()
}

#[test]
fn a_deletion_comes_back_with_all_that_went_or_was_emptied_with_it() {
    on_every_backend(|store| async move {
        for (on_delete, soft) in [
            ("cascade", false),
            ("cascade", true),
            ("setNull", false),
            ("setNull", true),
        ] {
            let (users, posts) = blog(&store, on_delete, soft).await;
            for n in 0..20 {
                let owner = if n % 4 == 0 { "bob" } else { "ann" };
                insert(
                    &posts,
                    json!({"id": format!("p{n}"), "owner": owner, "text": format!("text {n}")}),
                )
                .await;
            }
            let before = sums(&[&users, &posts]).await;
            assert!(users.delete("ann").await.expect("deleted"));
            let told = store.operation(&newest(&store).await).await.expect("told");
            assert_eq!(told.changes, 16, "{on_delete}, {soft}: one goes, 15 with it");
            there_and_back(&store, &[&users, &posts], before).await;
            posts.delete_table().await.expect("dropped");
            users.delete_table().await.expect("dropped");
        }
    });
}

#[test]
fn a_transaction_over_two_tables_goes_there_and_back() {
    on_every_backend(|store| async move {
        let (tasks, notes) = (tasks(&store).await, notes(&store).await);
        let task = tasks
            .insert(json!({"title": "one", "code": "a"}))
            .await
            .expect("inserted");
        insert(&notes, json!({"id": "old", "text": "old"})).await;
        let before = sums(&[&tasks, &notes]).await;
        store
            .transaction(async |tx| {
                let (tasks, notes) = (tx.table("tasks")?, tx.table("notes")?);
                tasks
                    .update(task.key(), json!({"code": "b", "priority": 3}))
                    .await?;
                tasks.insert(json!({"title": "two", "code": "a"})).await?;
                notes.delete("old").await?;
                notes.insert(json!({"id": "new", "loose": [1]})).await
            })
            .await
            .expect("committed");
        let told = store.operation(&newest(&store).await).await.expect("told");
        assert_eq!((told.commits, told.changes, told.tables.len()), (1, 4, 2));
        there_and_back(&store, &[&tasks, &notes], before).await;
    });
}

#[test]
fn an_import_of_thousands_that_changes_and_adds_goes_there_and_back() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let rows = |from: usize, to: usize, title: &str| {
            let rows: String = (from..to).map(|n| format!("c{n},{title} {n},{n}\n")).collect();
            ImportFile::bytes(format!("code,title,priority\n{rows}").into_bytes())
        };
        let options = ImportOptions {
            update_existing: true,
            match_on: vec!["code".into()],
            ..ImportOptions::default()
        };
        tasks
            .import_csv(&rows(0, 2_000, "first"), &Mapping::default(), &options)
            .await
            .expect("imported");
        let before = sums(&[&tasks]).await;
        let report = tasks
            .import_csv(&rows(1_000, 4_000, "second"), &Mapping::default(), &options)
            .await
            .expect("imported");
        assert_eq!((report.created, report.updated), (2_000, 1_000));
        assert_eq!(newest(&store).await, report.import_id);
        there_and_back(&store, &[&tasks], before).await;
    });
}

#[test]
fn what_made_room_comes_back_when_the_others_go() {
    on_every_backend(|store| async move {
        let recent = recent(&store, 5).await;
        for id in ["a", "b", "c", "d", "e"] {
            insert(&recent, json!({"id": id})).await;
        }
        let before = sums(&[&recent]).await;
        let rows = json!([{"id": "v"}, {"id": "w"}, {"id": "x"}]);
        let rows: Vec<chancery::JsonMap> = serde_json::from_value(rows).expect("objects");
        let done = recent.bulk_create(&rows, BulkOptions::default()).await;
        assert!(done.expect("answered").committed);
        assert_eq!(keys(&recent).await.len(), 5);
        there_and_back(&store, &[&recent], before).await;
    });
}

#[test]
fn what_has_no_room_stays_away() {
    on_every_backend(|store| async move {
        let recent = recent(&store, 2).await;
        for id in ["a", "b"] {
            insert(&recent, json!({"id": id})).await;
        }
        recent.delete("a").await.expect("removed for good");
        let operation = newest(&store).await;
        insert(&recent, json!({"id": "c"})).await;
        let report = hindered(&store, &operation, &[&recent]).await;
        assert_eq!((report.reverted, report.operation.is_none()), (0, true));
        assert_eq!(told(&report.skipped), [("recent", "a", Why::Full)]);
        assert_eq!(keys(&recent).await, ["b", "c"], "an undo evicts nobody");

        recent.delete("b").await.expect("removed for good");
        assert_eq!(revert(&store, &operation).await.skipped, []);
        assert_eq!(keys(&recent).await, ["a", "c"]);
    });
}

#[test]
fn references_are_kept_by_an_undo() {
    on_every_backend(|store| async move {
        let (users, posts) = blog(&store, "restrict", false).await;
        let both = [&users, &posts];
        // The record that it refers to is gone.
        insert(&posts, json!({"id": "p", "owner": "ann"})).await;
        posts.delete("p").await.expect("removed for good");
        let removed = newest(&store).await;
        // So is the one that a field referred to, and another field of the same change is free.
        insert(&posts, json!({"id": "q", "owner": "ann", "text": "old"})).await;
        posts
            .update("q", json!({"owner": "bob", "text": "new"}))
            .await
            .expect("updated");
        let moved = newest(&store).await;
        users.delete("ann").await.expect("nobody refers to it any more");
        let report = hindered(&store, &removed, &both).await;
        assert_eq!((report.reverted, report.operation.is_none()), (0, true));
        assert_eq!(told(&report.skipped), [("posts", "p", Why::Reference)]);
        let report = hindered(&store, &moved, &both).await;
        assert_eq!((report.reverted, report.skipped_total), (1, 1));
        assert_eq!(report.skipped[0].fields, ["owner"]);
        assert_eq!(told(&report.skipped), [("posts", "q", Why::Reference)]);
        let post = posts.get("q").await.expect("read").expect("there");
        assert_eq!(
            (post.get("owner"), post.get("text")),
            (json!("bob"), json!("old"))
        );

        // Another record refers to what would go.
        insert(&users, json!({"id": "eve"})).await;
        let made = newest(&store).await;
        insert(&posts, json!({"id": "r", "owner": "eve"})).await;
        let report = hindered(&store, &made, &both).await;
        assert_eq!(told(&report.skipped), [("users", "eve", Why::Reference)]);
        assert!(users.get("eve").await.expect("read").is_some());
    });
}

#[test]
fn who_follows_what_an_undo_removes_is_counted_and_comes_back() {
    for on_delete in ["setNull", "cascade"] {
        on_every_backend(move |store| async move {
            let (users, posts) = blog(&store, on_delete, false).await;
            let both = [&users, &posts];
            insert(&users, json!({"id": "eve"})).await;
            let made = newest(&store).await;
            for id in ["r", "s"] {
                insert(&posts, json!({"id": id, "owner": "eve"})).await;
            }
            let before = sums(&both).await;

            let dry = RevertOptions {
                dry_run: true,
                ..RevertOptions::default()
            };
            let tried = store.revert(&made, dry).await.expect("tried");
            assert_eq!((tried.reverted, tried.followed, tried.skipped_total), (1, 2, 0));
            assert_eq!(sums(&both).await, before, "a dry run writes nothing");
            let undone = revert(&store, &made).await;
            assert_eq!(
                (undone.reverted, undone.followed, undone.skipped_total),
                (1, 2, 0)
            );
            let post = posts.get("r").await.expect("read");
            match on_delete {
                "setNull" => assert_eq!(post.expect("there").get("owner"), json!(null)),
                _ => assert!(post.is_none(), "it went along"),
            }
            let again = undone.operation.expect("it wrote");
            let redone = revert(&store, &again).await;
            assert_eq!((redone.followed, redone.skipped_total), (0, 0));
            let post = posts.get("r").await.expect("read").expect("there");
            assert_eq!(post.get("owner"), json!("eve"));
        });
    }
}

#[test]
fn what_would_have_expired_by_now_stays_away() {
    on_every_backend_by_hand(|store, clock| async move {
        let definition = json!({"key": "id", "ttl": 1_000, "schema": {"id": {"type": "string"}}});
        let sessions = store
            .define_bucket("sessions", &definition)
            .await
            .expect("defined");
        insert(&sessions, json!({"id": "a"})).await;
        clock.pass(600);
        insert(&sessions, json!({"id": "b"})).await;
        let (unit, operation) = store.begin_operation();
        let unit = unit.table("sessions").expect("there");
        for id in ["a", "b"] {
            assert!(unit.delete(id).await.expect("removed for good"));
        }
        clock.pass(500);
        let report = hindered(&store, &operation, &[&sessions]).await;
        assert_eq!(
            (report.reverted, told(&report.skipped)),
            (1, vec![("sessions", "a", Why::Expired)])
        );
        assert_eq!(keys(&sessions).await, ["b"]);
    });
}

#[test]
fn a_dropped_table_is_told_and_the_others_are_taken_back() {
    on_every_backend(|store| async move {
        let (tasks, notes) = (tasks(&store).await, notes(&store).await);
        let before = sums(&[&notes]).await;
        store
            .transaction(async |tx| {
                tx.table("tasks")?
                    .insert(json!({"title": "one", "code": "a"}))
                    .await?;
                tx.table("notes")?.insert(json!({"id": "n"})).await
            })
            .await
            .expect("committed");
        let operation = newest(&store).await;
        tasks.delete_table().await.expect("dropped");
        let page = store.operations(OperationQuery::default()).await.expect("listed");
        let listed = |told: &Operation| *told.id == *operation;
        assert!(page.operations.iter().any(listed));
        let report = hindered(&store, &operation, &[&notes]).await;
        assert_eq!((report.reverted, report.skipped_total), (1, 1));
        assert_eq!(report.skipped[0].why, Why::TableGone);
        assert_eq!(sums(&[&notes]).await, before);

        notes.delete_table().await.expect("dropped");
        let unknown = store.revert(&operation, RevertOptions::default()).await;
        assert!(matches!(unknown, Err(Error::NotFound { .. })), "{unknown:?}");
    });
}

#[test]
fn what_it_made_and_somebody_else_removed_is_gone_as_it_should_be() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        insert(&notes, json!({"id": "kept", "text": "old"})).await;
        let before = sums(&[&notes]).await;
        let (unit, operation) = store.begin_operation();
        let unit = unit.table("notes").expect("there");
        insert(&unit, json!({"id": "made", "text": "one"})).await;
        unit.update("made", json!({"text": "two"}))
            .await
            .expect("updated");
        unit.update("kept", json!({"text": "new"}))
            .await
            .expect("updated");
        notes.delete("made").await.expect("removed for good");
        let strict = RevertOptions {
            all_or_nothing: true,
            ..RevertOptions::default()
        };
        let report = store.revert(&operation, strict).await.expect("taken back");
        assert_eq!((report.reverted, report.skipped), (1, vec![]));
        assert_eq!(sums(&[&notes]).await, before);
    });
}
