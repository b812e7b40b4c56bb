//! Each thing that can go wrong with relations is done to a database, found, and mended if it can be.

#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

use std::sync::Arc;

use chancery_model::Table;
use chancery_model::query::plan::{Plan, Search};
use chancery_storage::FindingKind;

use crate::throwaway::Throwaway;
use crate::{NOW, commit, create, note, notes, open, sql};

fn searched(table: &Arc<Table>) -> Plan {
    Plan {
        search: Some(Search {
            words: vec!["note".into()],
            columns: vec![0],
            fuzzy: false,
        }),
        ..Plan::all(table.clone(), NOW)
    }
}

/// Does harm to a database with one table that was searched, and says what is found and whether it is mended.
async fn check(harm: &str, kind: FindingKind, place: &str) {
    let database = Throwaway::create().await;
    let store = open(&database.url).await.unwrap();
    let table = notes();
    let mut writes = vec![create(&table)];
    writes.extend((1..=20).map(|key| note(&table, key)));
    commit(&store, writes).await.unwrap();
    assert_eq!(store.query(&searched(&table)).await.unwrap().len(), 20);
    assert!(store.examine().await.unwrap().is_empty(), "sound at first");
    sql(&database.url, harm).await;
    let findings = store.examine().await.unwrap();
    assert_eq!(findings.len(), 1, "{harm}: {findings:?}");
    assert_eq!(findings[0].kind, kind, "{harm}");
    assert!(findings[0].place.contains(place), "{harm}: {findings:?}");
    assert_eq!(
        store.mend(&findings[0]).await.unwrap(),
        kind.is_mendable(),
        "{harm}"
    );
    let left = store.examine().await.unwrap();
    assert_eq!(left.is_empty(), kind.is_mendable(), "{harm}: {left:?}");
    if kind == FindingKind::StaleSearch {
        assert_eq!(store.query(&searched(&table)).await.unwrap().len(), 20);
    }
    store.close().await.unwrap();
    database.remove().await;
}

#[tokio::test]
async fn each_harm_is_found_and_mended_where_it_can_be() {
    check("DROP INDEX t1_trash", FindingKind::MissingIndex, "t1_trash").await;
    check(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't1_expiry'::regclass",
        FindingKind::MissingIndex,
        "t1_expiry",
    )
    .await;
    check("CREATE TABLE t77 (id bigint)", FindingKind::Orphan, "t77").await;
    check(
        "ALTER TABLE t1 ADD COLUMN stray text",
        FindingKind::ExtraColumn,
        "stray",
    )
    .await;
    check(
        "ALTER TABLE t1 DROP COLUMN extra",
        FindingKind::MissingColumn,
        "extra",
    )
    .await;
    check(
        "ALTER TABLE t1 ALTER COLUMN \"c0_note\" TYPE varchar(100)",
        FindingKind::MissingColumn,
        "c0_note",
    )
    .await;
    check("DROP INDEX t1_search", FindingKind::StaleSearch, "notes").await;
    check("DROP TABLE t1", FindingKind::MissingRelation, "notes").await;
}
