//! Tests of the examination of a file: each thing that can go wrong is done to one, found, and mended if it can be.

use std::path::Path;
use std::sync::Arc;

use chancery_model::query::plan::{Plan, Search};
use rusqlite::Connection;

use super::Sqlite;
use super::tests::{table, thing};
use crate::batch::{Batch, SchemaWrite, Write};
use crate::finding::{Finding, FindingKind};
use crate::open::OpenOptions;
use crate::seam::Backend;

async fn open(path: &Path) -> Sqlite {
    Sqlite::open(path, OpenOptions::default()).await.unwrap()
}

async fn fill(path: &Path) {
    let (store, table) = (open(path).await, table());
    let insert = |key: i64| Write::Insert {
        table: table.clone(),
        record: thing(key, &format!("name {key}")),
        draws: Vec::new(),
    };
    let mut writes = vec![Write::Schema(SchemaWrite::Create(table.clone()))];
    writes.extend((1..=20).map(insert));
    let batch = Batch {
        writes,
        ..Batch::default()
    };
    store.commit(batch).await.unwrap();
    assert_eq!(store.query(&search(&table)).await.unwrap().len(), 20);
    store.close().await.unwrap();
}

fn search(table: &Arc<chancery_model::Table>) -> Plan {
    Plan {
        search: Some(Search {
            words: vec!["name".into()],
            columns: vec![0],
            fuzzy: false,
        }),
        ..Plan::all(table.clone(), 0)
    }
}

/// Does something to a file and answers what is found; then mends it and answers what is left.
async fn found(harm: &str) -> (Vec<Finding>, Vec<Finding>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    fill(&path).await;
    Connection::open(&path).unwrap().execute_batch(harm).unwrap();
    let store = open(&path).await;
    let findings = store.examine().await.unwrap();
    for finding in &findings {
        assert_eq!(
            store.mend(finding).await.unwrap(),
            finding.kind.is_mendable(),
            "{finding:?}"
        );
    }
    let left = store.examine().await.unwrap();
    store.close().await.unwrap();
    (findings, left)
}

#[tokio::test]
async fn a_sound_file_has_nothing() {
    assert!(found("SELECT 1").await.0.is_empty());
}

#[tokio::test]
async fn each_harm_is_found_and_mended_where_it_can_be() {
    let check = async |harm: &str, kind: FindingKind, place: &str| {
        let (findings, left) = found(harm).await;
        assert_eq!(findings.len(), 1, "{harm}: {findings:?}");
        assert_eq!(findings[0].kind, kind, "{harm}");
        assert!(findings[0].place.contains(place), "{harm}: {findings:?}");
        assert_eq!(left.is_empty(), kind.is_mendable(), "{harm}: {left:?}");
    };
    check("DROP INDEX t1_c2_index", FindingKind::MissingIndex, "t1_c2_index").await;
    check(
        "DROP INDEX t1_c1_unique; CREATE INDEX t1_c1_unique ON t1 (\"c1_code\")",
        FindingKind::MissingIndex,
        "t1_c1_unique",
    )
    .await;
    check("CREATE TABLE t77 (id)", FindingKind::Orphan, "t77").await;
    check(
        "ALTER TABLE t1 ADD COLUMN stray",
        FindingKind::ExtraColumn,
        "stray",
    )
    .await;
    check(
        "ALTER TABLE t1 RENAME COLUMN extra TO extra_gone; ALTER TABLE t1 ADD COLUMN extra TEXT",
        FindingKind::ExtraColumn,
        "extra_gone",
    )
    .await;
    check(
        "DELETE FROM t1_search WHERE rowid = 3",
        FindingKind::StaleSearch,
        "things",
    )
    .await;
}

#[tokio::test]
async fn a_relation_that_is_gone_is_found() {
    let (findings, left) = found("DROP TABLE t1").await;
    assert!(
        findings
            .iter()
            .any(|one| one.kind == FindingKind::MissingRelation),
        "{findings:?}"
    );
    assert!(!left.is_empty());
}
