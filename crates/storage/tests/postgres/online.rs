//! An index on a table that is in use: writers go on while it is built, and it is used afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chancery_model::Table;
use chancery_storage::{SchemaWrite, Write};

use crate::throwaway::Throwaway;
use crate::{commit, create, note, notes, open, sql, with};

/// So many that the table is over the size from which indexes are built beside the writers.
const RECORDS: i64 = 120_000;
const BULK: i64 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_go_on_while_an_index_is_built() {
    let database = Throwaway::create().await;
    let store = open(&database.url).await.expect("it opens");
    let before = notes();
    commit(&store, vec![create(&before)]).await.expect("a table");
    for bulk in 0..RECORDS / BULK {
        let writes = (1..=BULK).map(|key| note(&before, bulk * BULK + key)).collect();
        commit(&store, writes).await.expect("records");
    }
    // Whoever reads in a transaction that stays open keeps the build waiting, for as long as the test wants.
    let (holder, connection) = tokio_postgres::connect(&database.url, tokio_postgres::NoTls)
        .await
        .expect("the server is there");
    tokio::spawn(connection);
    holder
        .batch_execute("BEGIN; LOCK TABLE t1 IN ROW EXCLUSIVE MODE")
        .await
        .expect("a transaction");
    let mut columns = before.columns.clone();
    columns[0].indexed = true;
    let mut after = Table {
        schema_version: 2,
        columns,
        ..Table::clone(&before)
    };
    after.refresh();
    let after = Arc::new(after);
    let change = Write::Schema(SchemaWrite::Change {
        before: before.clone(),
        after: after.clone(),
    });
    let building = tokio::spawn({
        let store = store.clone();
        async move { commit(&store, vec![change]).await }
    });
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
    let writer = tokio::spawn({
        let (store, before, stop, written) = (store.clone(), before.clone(), stop.clone(), written.clone());
        async move {
            while !stop.load(Ordering::SeqCst) {
                let key = RECORDS + 1 + written.load(Ordering::SeqCst);
                commit(&store, vec![note(&before, key)])
                    .await
                    .expect("a write while the index is built");
                written.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let deadline = Instant::now() + Duration::from_secs(30);
    while written.load(Ordering::SeqCst) < 50 {
        assert!(Instant::now() < deadline, "the writer stands still");
        assert!(!building.is_finished(), "the build was to wait");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::SeqCst);
    writer.await.expect("it writes");
    holder.batch_execute("COMMIT").await.expect("it ends");
    building
        .await
        .expect("it builds")
        .expect("the definition is in force");
    sql(
        &database.url,
        "DO $$ BEGIN ASSERT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('t1_c0_index')); END $$",
    )
    .await;
    commit(&store, vec![note(&after, RECORDS * 2)])
        .await
        .expect("written by the new definition");
    store.close().await.expect("it closes");
    database.remove().await;
}

#[tokio::test]
async fn what_an_interrupted_build_has_left_is_built_again() {
    let database = Throwaway::create().await;
    let store = open(&with(&database.url, "pool_max=2")).await.expect("it opens");
    let before = notes();
    commit(&store, vec![create(&before), note(&before, 1), note(&before, 2)])
        .await
        .expect("a table");
    // A build that fails leaves an index that serves nobody.
    sql(
        &database.url,
        "CREATE INDEX t1_c0_index ON t1 (id); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't1_c0_index'::regclass",
    )
    .await;
    let mut columns = before.columns.clone();
    columns[0].indexed = true;
    let mut after = Table {
        schema_version: 2,
        columns,
        ..Table::clone(&before)
    };
    after.refresh();
    let change = Write::Schema(SchemaWrite::Change {
        before,
        after: Arc::new(after),
    });
    commit(&store, vec![change])
        .await
        .expect("the definition is in force");
    sql(
        &database.url,
        "DO $$ BEGIN ASSERT (SELECT indisvalid AND indnatts = 2 FROM pg_index \
         WHERE indexrelid = to_regclass('t1_c0_index')); END $$",
    )
    .await;
    store.close().await.expect("it closes");
    database.remove().await;
}
