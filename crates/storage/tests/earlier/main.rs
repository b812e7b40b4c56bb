//! Databases as every released schema has left them: opened, they are brought to the newest, and everything is there.
//!
//! # To add a fixture, when a schema is released
//! Fill a SQLite file with that program: `chancery import fixtures/every-field.json --create --data DIR`, change one record and
//! delete another. Its file is `fixtures/sqlite-NNNN.db`. `chancery move` it to PostgreSQL, and write that down without what
//! psql alone understands: `pg_dump --inserts --no-owner --no-privileges` is `fixtures/postgres-NNNN.sql`. Never change one.

#[path = "../throwaway/sql.rs"]
mod sql;
#[path = "../throwaway/mod.rs"]
mod throwaway;

use std::sync::Arc;

use chancery_storage::{Backend, Batch, Document, DocumentWrite, OpenOptions, Part};
use sql::sql;
use throwaway::Throwaway;

/// What a store holds, part by part, as text.
async fn everything(store: &Arc<dyn Backend>) -> Vec<String> {
    let mut dump = store.dump().await.expect("a snapshot");
    let mut parts = Vec::new();
    while let Some(part) = dump.recv().await {
        parts.push(match part.expect("read") {
            Part::Start(totals) => format!("{totals:#?}"),
            other => format!("{other:?}"),
        });
    }
    parts
}

/// Nothing is missing, nothing is wrong, and it can be worked with.
async fn is_whole(store: &Arc<dyn Backend>) {
    let found = store.examine().await.expect("examined");
    assert!(found.is_empty(), "{found:?}");
    let revision = store.revision().await.expect("asked");
    let document = Document {
        kind: "note".into(),
        id: "1".into(),
        lookup: None,
        body: serde_json::json!({}),
        version: 0,
    };
    let batch = Batch {
        documents: vec![DocumentWrite::Put {
            document,
            expected: Some(0),
        }],
        ..Batch::default()
    };
    let done = store.commit(batch).await.expect("written");
    assert!(done.revision > revision);
    store.close().await.expect("closed");
}

async fn sqlite(file: &[u8]) -> (tempfile::TempDir, Arc<dyn Backend>) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("chancery.db");
    std::fs::write(&path, file).expect("copied");
    let url = format!("sqlite:{}", path.display());
    let store = chancery_storage::open(&url, OpenOptions::default()).await;
    (folder, store.expect("it opens"))
}

async fn postgres(dump: &str) -> (Throwaway, Arc<dyn Backend>) {
    let database = Throwaway::create().await;
    sql(&database.url, dump).await;
    let store = chancery_storage::open(&database.url, OpenOptions::default()).await;
    (database, store.expect("it opens"))
}

#[tokio::test]
async fn schema_1_of_both_engines_opens_and_holds_the_same() {
    let (_folder, file) = sqlite(include_bytes!("fixtures/sqlite-0001.db")).await;
    let (database, server) = postgres(include_str!("fixtures/postgres-0001.sql")).await;
    let held = everything(&file).await;
    insta::assert_snapshot!(held[0]);
    assert_eq!(everything(&server).await, held);
    is_whole(&file).await;
    is_whole(&server).await;
    database.remove().await;
}
