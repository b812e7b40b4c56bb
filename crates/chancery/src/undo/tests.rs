//! Undos that are interrupted, and two that run at the same time. What an undo does to records is tested on every backend
//! elsewhere.

use std::sync::Arc;

use chancery_storage::Backend;

use super::report::RevertOptions;
use super::run::{Pass, Undo};
use crate::history::spans_of;
use crate::limits::UNDO_WINDOW;
use crate::store::Commit;
use crate::{ColumnInput, Error, OperationQuery, Store, TableHandle, TableInput, json};

/// A store with one operation that is larger than a window.
async fn filled() -> (Arc<dyn Backend>, Store, TableHandle, String) {
    let options = chancery_storage::OpenOptions::default();
    let backend = chancery_storage::open("memory:", options)
        .await
        .expect("it opens");
    let store = Store::over(backend.clone()).await.expect("a store");
    let input = TableInput::new("Parts").column(ColumnInput::new("Name", "text"));
    let table = store.create_table(input).await.expect("defined");
    let (unit, operation) = store.begin_operation();
    let unit = unit.table("parts").expect("it is there");
    for count in [UNDO_WINDOW, 50] {
        let rows = (0..count).map(|n| json!({"name": format!("part {n}")}));
        unit.insert_many(rows.collect()).await.expect("inserted");
    }
    (backend, store, table, operation.to_string())
}

async fn begun(store: &Store, operation: &str) -> Undo {
    let found = spans_of(store.backend().as_ref(), operation).await.expect("read");
    let (spans, newest) = found.expect("it is there");
    let undo = Undo::new(store, &spans, &newest, RevertOptions::default()).await;
    let mut undo = undo.expect("begun");
    undo.go_on().await.expect("read");
    undo
}

/// Takes one window back.
async fn one_window(undo: &mut Undo) {
    let backend = undo.store.backend().clone();
    let stretch = undo
        .taking
        .stretch(backend.as_ref(), undo.running.position)
        .await
        .expect("read");
    assert!(
        undo.window(&stretch.expect("there is more"), Pass::Write)
            .await
            .expect("written")
    );
}

#[tokio::test]
async fn what_was_interrupted_is_finished_when_the_store_opens() {
    let (backend, store, table, operation) = filled().await;
    let mut undo = begun(&store, &operation).await;
    one_window(&mut undo).await;
    assert_eq!(
        table.count(&crate::Query::new()).await.expect("counted"),
        UNDO_WINDOW as u64
    );
    let id = undo.running.undo.clone();
    drop((undo, store));

    let store = Store::over(backend).await.expect("it opens again");
    let table = store.table("parts").expect("it is there");
    assert_eq!(table.count(&crate::Query::new()).await.expect("counted"), 0);
    assert!(store.running_undo(&operation).await.expect("read").is_none());
    let told = store.operation(&operation).await.expect("told");
    assert_eq!(told.reverted_by.as_ref(), Some(&id), "one undo, not two");
    let told = store.operation(&id).await.expect("told");
    assert_eq!((told.commits, told.changes), (2, UNDO_WINDOW as u64 + 50));
    let redone = store
        .revert(&id, RevertOptions::default())
        .await
        .expect("done again");
    assert_eq!(
        (redone.reverted, redone.skipped_total),
        (UNDO_WINDOW as u64 + 50, 0)
    );
}

#[tokio::test]
async fn two_that_run_at_once_do_the_work_once() {
    let (_, store, table, operation) = filled().await;
    let mut first = begun(&store, &operation).await;
    one_window(&mut first).await;
    let mut second = begun(&store, &operation).await;
    assert_eq!(
        second.running.undo, first.running.undo,
        "it goes on with the same undo"
    );
    one_window(&mut second).await;
    assert_eq!(table.count(&crate::Query::new()).await.expect("counted"), 0);
    let backend = store.backend().clone();
    let stretch = first
        .taking
        .stretch(backend.as_ref(), first.running.position)
        .await
        .expect("read");
    let more = first
        .window(&stretch.expect("it thinks there is more"), Pass::Write)
        .await;
    assert!(!more.expect("it finds that all is done"), "nothing is left");
    assert_eq!(
        store.operation(&first.running.undo).await.expect("told").changes,
        UNDO_WINDOW as u64 + 50
    );
}

/// Writes down that an undo runs, as a program does that ends before its first commit after that.
async fn running(store: &Store, operation: &str) {
    let undo = begun(store, operation).await;
    let how = Commit {
        documents: vec![undo.running.put(0).expect("a document")],
        ..Commit::default()
    };
    store
        .commit(Vec::new(), store.now(), how)
        .await
        .expect("written down");
}

#[tokio::test]
async fn an_undo_that_cannot_be_finished_keeps_no_store_shut() {
    let (backend, store, _, operation) = filled().await;
    // More refers to one record than a deletion takes along.
    let owners = json!({"key": "id", "schema": {"id": {"type": "string"}}});
    let owners = store.define_bucket("owners", &owners).await.expect("defined");
    let things = json!({"key": "id", "schema": {"id": {"type": "string"},
        "owner": {"type": "string", "ref": "owners", "onDelete": "cascade"}}});
    let things = store.define_bucket("things", &things).await.expect("defined");
    owners.insert(json!({"id": "all"})).await.expect("inserted");
    let page = store.operations(OperationQuery::default()).await.expect("listed");
    let stuck = page.operations[0].id.clone();
    let most = chancery_model::limits::CASCADE_RECORDS_MAX;
    for from in (0..=most).step_by(UNDO_WINDOW) {
        let rows =
            (from..(most + 1).min(from + UNDO_WINDOW)).map(|n| json!({"id": format!("{n}"), "owner": "all"}));
        things.insert_many(rows.collect()).await.expect("inserted");
    }
    running(&store, &stuck).await;
    running(&store, &operation).await;
    drop((store, owners, things));

    let store = Store::over(backend).await.expect("it opens");
    let owners = store.table("owners").expect("there");
    assert!(owners.get("all").await.expect("read").is_some());
    let kept = store.running_undo(&stuck).await.expect("read");
    assert!(kept.is_some(), "it can be tried again");
    let again = store.revert(&stuck, RevertOptions::default()).await;
    assert!(matches!(again, Err(Error::Limit { .. })), "{again:?}");
    let parts = store.table("parts").expect("there");
    let left = parts.count(&crate::Query::new()).await.expect("counted");
    assert_eq!(left, 0, "the other is finished");
}
