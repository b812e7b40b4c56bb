//! Several stores on one database, as several processes are: they migrate once, number commits together, and notice when
//! another changes a definition.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chancery_model::query::plan::{Plan, Search};
use chancery_model::{Key, Value};
use chancery_storage::{Counter, Rejection, SchemaWrite, StorageError, Write};

use crate::throwaway::Throwaway;
use crate::{NOW, changed, commit, create, note, notes, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_that_start_at_once_migrate_once() {
    let database = Throwaway::create().await;
    let starts = (0..6).map(|_| {
        let url = database.url.clone();
        tokio::spawn(async move { open(&url).await.expect("it opens") })
    });
    for start in starts.collect::<Vec<_>>() {
        let store = start.await.expect("no task fails");
        assert_eq!(store.revision().await.expect("a revision"), 0);
        store.close().await.expect("it closes");
    }
    let status = chancery_storage::postgres::migrate::status(&database.url)
        .await
        .expect("it is asked");
    assert!(
        status
            .iter()
            .all(|migration| migration.applied_at.is_some() && migration.unchanged)
    );
    assert_eq!(
        chancery_storage::postgres::migrate::up(&database.url)
            .await
            .expect("nothing to do"),
        []
    );
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_of_several_stores_are_seen_in_the_order_of_their_numbers() {
    let database = Throwaway::create().await;
    let table = notes();
    let first = open(&database.url).await.expect("it opens");
    commit(&first, vec![create(&table)]).await.expect("a table");
    let stores = [first.clone(), open(&database.url).await.expect("it opens")];
    let done = Arc::new(AtomicBool::new(false));
    let (watched, stop) = (open(&database.url).await.expect("it opens"), done.clone());
    let watcher = tokio::spawn(async move {
        let mut seen = 0;
        loop {
            let last = stop.load(Ordering::SeqCst);
            for change in watched.changes(seen, 1_000).await.expect("the log") {
                assert_eq!(
                    change.number,
                    seen + 1,
                    "no number is seen before the one below it"
                );
                seen = change.number;
            }
            if last {
                watched.close().await.expect("it closes");
                return seen;
            }
        }
    });
    let writers = (0..16_i64).map(|writer| {
        let (store, table) = (stores[writer as usize % 2].clone(), table.clone());
        tokio::spawn(async move {
            let mut revisions = Vec::new();
            for step in 0..10 {
                let committed = commit(&store, vec![note(&table, writer * 100 + step)])
                    .await
                    .expect("a write");
                revisions.push(committed.revision);
                store.draw(Counter::Tables, 1).await.expect("a number");
            }
            revisions
        })
    });
    let mut revisions = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        revisions.extend(writer.await.expect("no task fails"));
    }
    done.store(true, Ordering::SeqCst);
    assert_eq!(watcher.await.expect("it does not fail"), 160);
    revisions.sort_unstable();
    assert!(revisions.into_iter().eq(2..162));
    assert_eq!(first.draw(Counter::Tables, 1).await.expect("a number"), 161);
    for store in stores {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test]
async fn a_definition_that_another_store_changed_is_noticed() {
    let database = Throwaway::create().await;
    let (one, other) = (
        open(&database.url).await.expect("it opens"),
        open(&database.url).await.expect("it opens"),
    );
    let before = notes();
    commit(&one, vec![create(&before)]).await.expect("a table");
    commit(&other, vec![note(&before, 1)])
        .await
        .expect("the other knows it");
    let search = |table: &Arc<chancery_model::Table>| Plan {
        search: Some(Search {
            words: vec!["note".into()],
            columns: vec![0],
            fuzzy: false,
        }),
        ..Plan::all(table.clone(), NOW)
    };
    assert_eq!(other.query(&search(&before)).await.expect("records").len(), 1);
    let after = changed(&before);
    let change = Write::Schema(SchemaWrite::Change {
        before: before.clone(),
        after: after.clone(),
    });
    commit(&one, vec![change]).await.expect("it is changed");
    let stale = commit(&other, vec![note(&before, 2)]).await;
    let Err(StorageError::Rejected(refused)) = &stale else {
        panic!("{stale:?}");
    };
    assert_eq!(*refused, [(0, Rejection::SchemaChanged)]);
    commit(&other, vec![note(&after, 2)])
        .await
        .expect("decided again");
    assert_eq!(one.query(&search(&after)).await.expect("records").len(), 2);
    // The index is another one now; whoever still has the older definition is answered all the same.
    assert_eq!(other.query(&search(&before)).await.expect("records").len(), 2);
    let found = other
        .get(&before, &Key::Int(2))
        .await
        .expect("a read")
        .expect("it");
    assert_eq!(found.value(0), &Value::text("note 2"));
    commit(&one, vec![Write::Schema(SchemaWrite::Drop(after.clone()))])
        .await
        .expect("it is dropped");
    assert_eq!(
        other
            .get(&after, &Key::Int(2))
            .await
            .expect("no table, no record"),
        None
    );
    let gone = commit(&other, vec![note(&after, 3)]).await;
    assert!(matches!(gone, Err(StorageError::Rejected(_))), "{gone:?}");
    commit(&one, vec![create(&before)]).await.expect("made again");
    commit(&other, vec![note(&before, 1)])
        .await
        .expect("the other knows it");
    for store in [one, other] {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}
