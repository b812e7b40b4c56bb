//! Undo and redo: every kind of operation is taken back as a unit, to the same checksum, and done again, to the same
//! checksum; what was changed since stays. Large operations are tried by `cargo xtask undo-large`.

use chancery::{
    Actor, Blank, BulkOptions, ColumnInput, Error, ImportFile, ImportOptions, Mapping, OnMany,
    OperationQuery, Reason, RevertOptions, RevertReport, Store, TableHandle, TableInput, UpdateItem, Why,
    json,
};
use chancery_scenarios::on_every_backend;

pub(crate) async fn tasks(store: &Store) -> TableHandle {
    let input = TableInput::new("Tasks")
        .column(ColumnInput::new("Title", "text").required())
        .column(ColumnInput::new("Code", "text").unique())
        .column(ColumnInput::new("Priority", "number"))
        .column(ColumnInput::new("Tags", "json"));
    store.create_table(input).await.expect("defined")
}

/// An open table without a trash, as buckets are.
pub(crate) async fn notes(store: &Store) -> TableHandle {
    let definition = json!({"key": "id", "schema": {"id": {"type": "string"}, "text": {"type": "string"}}});
    store.define_bucket("notes", &definition).await.expect("defined")
}

async fn filled(table: &TableHandle, count: usize) -> Vec<String> {
    let rows = (0..count).map(
        |n| json!({"title": format!("task {n}"), "code": format!("c{n}"), "priority": n, "tags": [n, "a"]}),
    );
    let made = table.insert_many(rows.collect()).await.expect("inserted");
    made.iter().map(|record| record.id()).collect()
}

pub(crate) async fn sums(tables: &[&TableHandle]) -> Vec<u64> {
    let mut sums = Vec::new();
    for table in tables {
        sums.push(table.checksum().await.expect("summed"));
    }
    sums
}

pub(crate) async fn newest(store: &Store) -> String {
    let page = store.operations(OperationQuery::default()).await.expect("listed");
    page.operations.first().expect("there is one").id.to_string()
}

pub(crate) async fn revert(store: &Store, operation: &str) -> RevertReport {
    store
        .revert(operation, RevertOptions::default())
        .await
        .expect("taken back")
}

async fn tried(store: &Store, operation: &str) -> RevertReport {
    let options = RevertOptions {
        dry_run: true,
        ..RevertOptions::default()
    };
    store.revert(operation, options).await.expect("tried")
}

/// The newest operation goes there and back: undo, redo, undo, each to the same checksums.
pub(crate) async fn there_and_back(store: &Store, tables: &[&TableHandle], before: Vec<u64>) {
    let after = sums(tables).await;
    assert_ne!(before, after, "the operation did something");
    let operation = newest(store).await;
    let trial = tried(store, &operation).await;
    assert!(trial.dry_run && trial.operation.is_none() && trial.reverted > 0);
    assert_eq!(sums(tables).await, after, "a trial writes nothing");

    let undone = revert(store, &operation).await;
    assert_eq!((undone.reverted, undone.skipped), (trial.reverted, vec![]));
    assert_eq!(sums(tables).await, before, "undone");
    let undo = undone.operation.expect("something was written");
    let told = store.operation(&operation).await.expect("told");
    assert_eq!(told.reverted_by.as_ref(), Some(&undo));
    let told = store.operation(&undo).await.expect("told");
    assert_eq!(
        (told.reverts.as_deref(), told.reason),
        (Some(&*operation), Reason::Undo)
    );

    let redone = revert(store, &undo).await;
    assert_eq!((redone.reverted, redone.skipped), (trial.reverted, vec![]));
    assert_eq!(sums(tables).await, after, "done again");
    let redo = redone.operation.expect("something was written");
    revert(store, &redo).await;
    assert_eq!(sums(tables).await, before, "undone again");
    assert_eq!(
        newest(store).await,
        *store
            .operation(&redo)
            .await
            .expect("told")
            .reverted_by
            .expect("it was")
    );
}

#[test]
fn single_edits_go_there_and_back() {
    on_every_backend(|store| async move {
        let (tasks, notes) = (tasks(&store).await, notes(&store).await);
        let ids = filled(&tasks, 3).await;
        let both = [&tasks, &notes];

        let before = sums(&both).await;
        tasks
            .insert(json!({"title": "new", "code": "x"}))
            .await
            .expect("inserted");
        there_and_back(&store, &both, before).await;

        let before = sums(&both).await;
        let change = json!({"title": "other", "code": "y", "priority": null, "tags": {"deep": [1]}});
        tasks.update(&ids[0], change).await.expect("updated");
        there_and_back(&store, &both, before).await;

        notes
            .insert(json!({"id": "n", "text": "t", "loose": 1, "gone": true}))
            .await
            .expect("inserted");
        let before = sums(&both).await;
        notes
            .replace("n", json!({"text": "u", "loose": {"a": 2}, "fresh": []}))
            .await
            .expect("replaced");
        there_and_back(&store, &both, before).await;

        let before = sums(&both).await;
        notes.delete("n").await.expect("removed for good");
        there_and_back(&store, &both, before).await;
    });
}

#[test]
fn trash_and_purge_go_there_and_back_with_everything_a_record_was() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let ann = store.acting(Actor {
            id: Some("ann".into()),
            ..Actor::default()
        });
        let ids = filled(&ann.table("tasks").expect("there"), 2).await;
        tasks
            .update(&ids[0], json!({"priority": 7}))
            .await
            .expect("updated");
        let was = tasks.get(&ids[0]).await.expect("read").expect("there");

        let before = sums(&[&tasks]).await;
        tasks.delete(&ids[0]).await.expect("to the trash");
        there_and_back(&store, &[&tasks], before).await;

        let before = sums(&[&tasks]).await;
        tasks.purge(&ids[0]).await.expect("for good");
        let operation = newest(&store).await;
        there_and_back(&store, &[&tasks], before).await;
        let back = tasks.get(&ids[0]).await.expect("read").expect("there again");
        assert_eq!(
            (back.data(), back.created_at(), back.created_by()),
            (was.data(), was.created_at(), Some("ann"))
        );
        assert_eq!(back.metadata(), was.metadata());
        assert!(back.version() > was.version(), "versions go on rising");

        tasks.delete(&ids[1]).await.expect("to the trash");
        let before = sums(&[&tasks]).await;
        tasks.restore(&ids[1]).await.expect("restored");
        there_and_back(&store, &[&tasks], before).await;
        let again = revert(&store, &operation).await;
        assert_eq!(
            (again.reverted, again.skipped[0].why),
            (0, Why::KeyTaken),
            "the undo made it anew"
        );
    });
}

#[test]
fn bulk_work_goes_there_and_back() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let ids = filled(&tasks, 40).await;

        let before = sums(&[&tasks]).await;
        // Unique values are handed round, so none of these can be taken back before the others.
        let rounds = ids.iter().enumerate().map(|(n, id)| UpdateItem {
            id: id.clone(),
            data: json!({"title": "same", "code": format!("c{}", (n + 1) % 40), "priority": 40 - n})
                .as_object()
                .cloned()
                .expect("an object"),
            ..UpdateItem::default()
        });
        let updates: Vec<UpdateItem> = rounds.collect();
        let done = tasks
            .bulk_update(&updates, BulkOptions::default())
            .await
            .expect("answered");
        assert!(done.committed);
        there_and_back(&store, &[&tasks], before).await;

        for permanent in [false, true] {
            let before = sums(&[&tasks]).await;
            let options = BulkOptions {
                permanent,
                ..BulkOptions::default()
            };
            let done = tasks.bulk_delete(&ids[..30], options).await.expect("answered");
            assert!(done.committed);
            there_and_back(&store, &[&tasks], before).await;
        }

        let before = sums(&[&tasks]).await;
        let rows: Vec<_> = (30..50)
            .map(|n| {
                json!({"code": format!("c{n}"), "title": "upserted"})
                    .as_object()
                    .cloned()
                    .expect("an object")
            })
            .collect();
        let policy = (OnMany::Error, Blank::Keep);
        let done = tasks
            .bulk_upsert(&["code".into()], &rows, policy, BulkOptions::default())
            .await
            .expect("answered");
        assert!(done.committed);
        let told = store.operation(&newest(&store).await).await.expect("told");
        assert_eq!(
            (told.tables[0].inserted, told.tables[0].updated, told.changes),
            (10, 10, 20)
        );
        there_and_back(&store, &[&tasks], before).await;
    });
}

#[test]
fn an_import_goes_there_and_back() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        filled(&tasks, 5).await;
        let before = sums(&[&tasks]).await;
        let text = "code,title,priority\nc1,imported,10\nc2,imported,\nn1,new,1\nn2,new,2\n";
        let options = ImportOptions {
            update_existing: true,
            match_on: vec!["code".into()],
            ..ImportOptions::default()
        };
        let file = ImportFile::bytes(text.as_bytes());
        let report = tasks
            .import_csv(&file, &Mapping::default(), &options)
            .await
            .expect("imported");
        assert_eq!((report.created, report.updated), (2, 2));
        assert_eq!(newest(&store).await, report.import_id);
        let told = store.operation(&report.import_id).await.expect("told");
        assert_eq!((told.reason, told.tables[0].inserted), (Reason::Import, 2));
        there_and_back(&store, &[&tasks], before).await;
    });
}

#[test]
fn what_was_changed_since_stays_field_by_field_and_is_told() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let ids = filled(&tasks, 4).await;
        let items: Vec<UpdateItem> = ids
            .iter()
            .map(|id| UpdateItem {
                id: id.clone(),
                data: json!({"title": "bulk", "priority": 100})
                    .as_object()
                    .cloned()
                    .expect("an object"),
                ..UpdateItem::default()
            })
            .collect();
        tasks
            .bulk_update(&items, BulkOptions::default())
            .await
            .expect("answered");
        let operation = newest(&store).await;
        let bob = store.acting(Actor {
            id: Some("bob".into()),
            ..Actor::default()
        });
        let table = bob.table("tasks").expect("there");
        table
            .update(&ids[0], json!({"title": "bob's"}))
            .await
            .expect("updated");
        let theirs = newest(&store).await;
        table
            .update(&ids[1], json!({"code": "bob's"}))
            .await
            .expect("updated");
        table.purge(&ids[2]).await.expect("purged");

        let strict = RevertOptions {
            all_or_nothing: true,
            ..RevertOptions::default()
        };
        let before = sums(&[&tasks]).await;
        let refused = store.revert(&operation, strict).await;
        assert!(matches!(refused, Err(Error::Kept(report)) if report.skipped_total == 2));
        assert_eq!(sums(&[&tasks]).await, before, "nothing was changed");

        let report = revert(&store, &operation).await;
        assert_eq!((report.reverted, report.skipped_total), (3, 2));
        let of = |key: &str| {
            report
                .skipped
                .iter()
                .find(|skipped| skipped.key == key)
                .expect("told")
        };
        let first = of(&ids[0]);
        assert_eq!(
            (first.fields.as_slice(), first.why, first.by.as_deref()),
            (&["title".to_owned()][..], Why::Changed, Some("bob"))
        );
        assert_eq!(first.operation.as_deref(), Some(&*theirs));
        assert_eq!(of(&ids[2]).why, Why::Gone);
        let values = |record: chancery::Record| ["title", "code", "priority"].map(|slug| record.get(slug));
        let record = |id: String| {
            let tasks = tasks.clone();
            async move { tasks.get(&id).await.expect("read").expect("there") }
        };
        assert_eq!(
            values(record(ids[0].clone()).await),
            [json!("bob's"), json!("c0"), json!(0)]
        );
        assert_eq!(
            values(record(ids[1].clone()).await),
            [json!("task 1"), json!("bob's"), json!(1)]
        );
        assert_eq!(
            values(record(ids[3].clone()).await),
            [json!("task 3"), json!("c3"), json!(3)]
        );
    });
}

#[test]
fn an_insert_that_somebody_worked_on_since_stays() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let ids = filled(&tasks, 2).await;
        let operation = newest(&store).await;
        tasks
            .update(&ids[0], json!({"priority": 9}))
            .await
            .expect("updated");
        let report = revert(&store, &operation).await;
        assert_eq!(
            (
                report.reverted,
                report.skipped[0].fields.len(),
                report.skipped[0].why
            ),
            (1, 0, Why::Changed)
        );
        assert!(tasks.get(&ids[0]).await.expect("read").is_some());
        assert!(tasks.get_any(&ids[1]).await.expect("read").is_none());
    });
}

#[test]
fn a_unique_value_that_another_record_took_is_not_taken_from_it() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let ids = filled(&tasks, 3).await;
        tasks
            .update(&ids[0], json!({"code": "moved", "priority": 50}))
            .await
            .expect("updated");
        let moved = newest(&store).await;
        tasks.purge(&ids[1]).await.expect("purged");
        let purged = newest(&store).await;
        tasks
            .insert(json!({"title": "squatter", "code": "c0"}))
            .await
            .expect("inserted");
        tasks
            .insert(json!({"title": "squatter", "code": "c1"}))
            .await
            .expect("inserted");

        let report = revert(&store, &moved).await;
        assert_eq!((report.reverted, report.skipped[0].why), (1, Why::Unique));
        assert_eq!(report.skipped[0].fields, ["code"]);
        let record = tasks.get(&ids[0]).await.expect("read").expect("there");
        assert_eq!(
            [record.get("code"), record.get("priority")],
            [json!("moved"), json!(0)]
        );

        let report = revert(&store, &purged).await;
        assert_eq!(
            (report.reverted, report.skipped[0].why, report.operation),
            (0, Why::Unique, None)
        );
        assert!(tasks.get_any(&ids[1]).await.expect("read").is_none());
    });
}

#[test]
fn several_commits_can_be_one_operation() {
    on_every_backend(|store| async move {
        let (tasks, notes) = (tasks(&store).await, notes(&store).await);
        let ids = filled(&tasks, 2).await;
        let before = sums(&[&tasks, &notes]).await;
        let (unit, name) = store.begin_operation();
        let table = unit.table("tasks").expect("there");
        table
            .update(&ids[0], json!({"title": "one"}))
            .await
            .expect("updated");
        tasks
            .insert(json!({"title": "another operation"}))
            .await
            .expect("inserted");
        table
            .update(&ids[0], json!({"title": "two", "priority": 5}))
            .await
            .expect("updated");
        table.purge(&ids[1]).await.expect("purged");
        unit.table("notes")
            .expect("there")
            .insert(json!({"id": "n"}))
            .await
            .expect("inserted");

        let page = store.operations(OperationQuery::default()).await.expect("listed");
        let told: Vec<(u64, u64)> = page
            .operations
            .iter()
            .map(|op| (op.commits, op.changes))
            .collect();
        assert_eq!(
            told,
            [(4, 4), (1, 1), (1, 2)],
            "each once, where its newest commit is"
        );
        assert_eq!(page.operations[0].id, name);
        let by_table = OperationQuery {
            table: Some("notes".into()),
            ..OperationQuery::default()
        };
        assert_eq!(
            store.operations(by_table).await.expect("listed").operations.len(),
            1
        );

        revert(&store, &page.operations[1].id).await;
        let report = revert(&store, &name).await;
        assert_eq!((report.reverted, report.skipped_total), (3, 0));
        assert_eq!(sums(&[&tasks, &notes]).await, before);
    });
}

#[test]
fn a_cleared_table_cannot_be_taken_back_and_says_so() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        filled(&tasks, 2).await;
        tasks.clear().await.expect("cleared");
        let operation = newest(&store).await;
        assert_eq!(
            store.operation(&operation).await.expect("told").tables[0].cleared,
            1
        );
        let refused = store.revert(&operation, RevertOptions::default()).await;
        assert!(matches!(refused, Err(Error::Irreversible { .. })), "{refused:?}");
        let missing = store.revert("r999999", RevertOptions::default()).await;
        assert!(
            matches!(
                missing,
                Err(Error::NotFound {
                    what: "operation",
                    ..
                })
            ),
            "{missing:?}"
        );
    });
}

#[test]
fn operations_are_told_page_by_page_and_only_in_their_workspace() {
    on_every_backend(|store| async move {
        let tasks = tasks(&store).await;
        let ids = filled(&tasks, 1).await;
        for n in 0..7 {
            tasks
                .update(&ids[0], json!({"priority": n + 10}))
                .await
                .expect("updated");
        }
        let mut query = OperationQuery {
            limit: Some(3),
            ..OperationQuery::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = store.operations(query.clone()).await.expect("listed");
            assert!(page.operations.len() <= 3);
            seen.extend(page.operations.iter().map(|operation| operation.revision));
            match page.next {
                Some(next) => query.before = Some(next),
                None => break,
            }
        }
        assert_eq!(seen.len(), 8);
        assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");

        let input = chancery::WorkspaceInput {
            name: "Other".into(),
            ..Default::default()
        };
        store.create_workspace(input).await.expect("made");
        let other = store.in_workspace("other").expect("there");
        assert!(
            other
                .operations(OperationQuery::default())
                .await
                .expect("listed")
                .operations
                .is_empty()
        );
        let operation = newest(&store).await;
        let refused = other.revert(&operation, RevertOptions::default()).await;
        assert!(
            matches!(refused, Err(Error::NotFound { .. })),
            "tenants never meet"
        );
    });
}
