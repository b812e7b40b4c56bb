//! Tests of the backend through the seam: what only a file can do. What every backend does is in `tests/conformance.rs`.

use std::path::Path;
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::plan::{Plan, Scope, Search, SortKey, Window};
use chancery_model::{Column, Constraints, Key, KeyKind, Record, RecordMetadata, Table, TableId, Value};

use super::Sqlite;
use crate::batch::{Batch, Document, DocumentWrite, SchemaWrite, Write};
use crate::error::StorageError;
use crate::open::OpenOptions;
use crate::seam::{Backend, DocumentQuery};

pub(super) fn column(ordinal: u16, slug: &str, field_type: &str) -> Column {
    Column {
        ordinal,
        slug: slug.into(),
        field_type: field_type.into(),
        ..Column::default()
    }
}

/// `name` (text), `code` (text, unique), `size` (number, indexed).
pub(super) fn table() -> Arc<Table> {
    let unique = Constraints {
        unique: true,
        ..Constraints::default()
    };
    Arc::new(Table {
        number: TableId(1),
        id: "table-1".into(),
        slug: "things".into(),
        key_kind: KeyKind::Int,
        columns: vec![
            column(0, "name", "text"),
            Column {
                constraints: unique,
                ..column(1, "code", "text")
            },
            Column {
                indexed: true,
                ..column(2, "size", "number")
            },
        ],
        schema_version: 1,
        ..Table::default()
    })
}

pub(super) fn thing(key: i64, name: &str) -> Record {
    Record {
        key: Key::Int(key),
        version: 1,
        change: 0,
        created_at: 1,
        updated_at: 1,
        created_by: Some("ann".into()),
        updated_by: None,
        expires_at: None,
        deleted_at: None,
        metadata: RecordMetadata::default(),
        values: [
            Value::text(name),
            Value::text(format!("code-{key}")),
            Value::Int(key),
        ]
        .into(),
        extra: None,
    }
}

pub(super) fn insert(table: &Arc<Table>, record: Record) -> Write {
    Write::Insert {
        table: table.clone(),
        record,
        draws: Vec::new(),
    }
}

pub(super) fn batch(writes: Vec<Write>) -> Batch {
    Batch {
        at: 1,
        writes,
        ..Batch::default()
    }
}

pub(super) async fn open(path: &Path) -> Sqlite {
    Sqlite::open(path, OpenOptions::default()).await.unwrap()
}

async fn open_with_table(path: &Path) -> (Sqlite, Arc<Table>) {
    let store = open(path).await;
    let table = table();
    let create = Write::Schema(SchemaWrite::Create(table.clone()));
    store.commit(batch(vec![create])).await.unwrap();
    (store, table)
}

#[tokio::test]
async fn what_was_committed_is_there_after_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let (store, table) = open_with_table(&path).await;
    let done = store
        .commit(batch(vec![insert(&table, thing(1, "one"))]))
        .await
        .unwrap();
    store.close().await.unwrap();
    assert!(matches!(
        store.get(&table, &Key::Int(1)).await,
        Err(StorageError::Closed)
    ));
    let store = open(&path).await;
    assert_eq!(store.revision().await.unwrap(), done.revision);
    let found = store.get(&table, &Key::Int(1)).await.unwrap().unwrap();
    assert_eq!(
        *found,
        Record {
            change: 1,
            ..thing(1, "one")
        }
    );
    assert_eq!(store.stats(&table).await.unwrap().last_change_at, Some(1));
    let again = store
        .commit(batch(vec![insert(&table, thing(2, "two"))]))
        .await
        .unwrap();
    assert_eq!(again.revision, done.revision + 1);
}

#[tokio::test]
async fn callers_that_write_together_are_committed_together_and_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (store, table) = open_with_table(&folder.path().join("app.db")).await;
    let store = Arc::new(store);
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let (store, table) = (store.clone(), table.clone());
            // Every tenth caller wants a key that somebody else has or will have.
            let key = if number % 10 == 9 { number - 1 } else { number };
            tokio::spawn(async move { store.commit(batch(vec![insert(&table, thing(key, "x"))])).await })
        })
        .collect();
    let mut revisions = Vec::new();
    for task in tasks {
        if let Ok(done) = task.await.unwrap() {
            revisions.push(done.revision);
        }
    }
    revisions.sort_unstable();
    assert_eq!(
        revisions,
        (2..182).collect::<Vec<u64>>(),
        "one revision each, without gaps"
    );
    let changes = store.changes(0, 1_000).await.unwrap();
    assert!(changes.iter().map(|change| change.number).eq(1..=180));
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path).await;
    let second = Sqlite::open(&path, OpenOptions::default()).await;
    assert!(matches!(second, Err(StorageError::Locked { .. })));
    store.close().await.unwrap();
    open(&path).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    std::fs::write(&path, vec![b'x'; 8_192]).unwrap();
    let opened = Sqlite::open(&path, OpenOptions::default()).await;
    assert!(
        matches!(opened, Err(StorageError::Damaged { .. })),
        "{:?}",
        opened.err()
    );
}

#[tokio::test]
async fn a_document_appended_beside_a_running_store_is_seen_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let (store, _) = open_with_table(&path).await;
    let document = Document {
        kind: "apiKey".into(),
        id: "k1".into(),
        lookup: Some("hash".into()),
        body: serde_json::json!({"name": "ci"}),
        version: 0,
    };
    let put = DocumentWrite::Put {
        document: document.clone(),
        expected: Some(0),
    };
    super::append_document(&path, &put).unwrap();
    let query = DocumentQuery::Lookup {
        kind: "apiKey".into(),
        lookup: "hash".into(),
    };
    let found = store.documents(query).await.unwrap();
    assert_eq!(
        found,
        [Document {
            version: 1,
            ..document
        }]
    );
    let again = super::append_document(&path, &put);
    assert!(matches!(again, Err(StorageError::DocumentConflict { .. })));
}

#[tokio::test]
async fn a_search_index_is_built_on_the_first_search_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (store, table) = open_with_table(&folder.path().join("app.db")).await;
    store
        .commit(batch(vec![insert(&table, thing(1, "Große Äpfel"))]))
        .await
        .unwrap();
    let search = Search {
        words: vec!["äpf".into()],
        columns: vec![0],
        fuzzy: false,
    };
    let plan = Plan {
        search: Some(search),
        ..Plan::all(table.clone(), 0)
    };
    assert_eq!(store.query(&plan).await.unwrap().len(), 1);
    store
        .commit(batch(vec![insert(&table, thing(2, "drei ÄPFEL"))]))
        .await
        .unwrap();
    assert_eq!(store.query(&plan).await.unwrap().len(), 2);
    let mut changed = thing(2, "Birnen");
    changed.version = 2;
    let (old, before) = (thing(2, "drei ÄPFEL"), vec![(0, Value::text("drei ÄPFEL"))]);
    let update = Write::update(&table, &old, changed, before, ChangeKind::Updated);
    store.commit(batch(vec![update])).await.unwrap();
    assert_eq!(store.query(&plan).await.unwrap().len(), 1);
    store
        .commit(batch(vec![Write::Clear { table: table.clone() }]))
        .await
        .unwrap();
    assert_eq!(store.query(&plan).await.unwrap().len(), 0);
    let log = store.changes(2, 1).await.unwrap();
    assert_eq!(log[0].before, [(0, Value::text("drei ÄPFEL"))]);
}

/// Copies a store's files as they are, as a power cut would leave them.
fn copy_as_it_is(from: &Path, to: &Path) {
    for ending in ["", "-wal"] {
        let name = |path: &Path| format!("{}{ending}", path.display());
        std::fs::copy(name(from), name(to)).unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_an_unclean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("app.db"), folder.path().join("copy.db"));
    let (store, table) = open_with_table(&path).await;
    for key in 0..20 {
        store
            .commit(batch(vec![insert(&table, thing(key, "x"))]))
            .await
            .unwrap();
        copy_as_it_is(&path, &copy);
        let copied = open(&copy).await;
        assert_eq!(copied.stats(&table).await.unwrap().live, key as u64 + 1);
        drop(copied);
    }
}

#[tokio::test]
async fn what_a_forgetful_table_deleted_is_overwritten_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let store = open(&path).await;
    let table = Arc::new(Table {
        forgetful: true,
        ..(*table()).clone()
    });
    let create = Write::Schema(SchemaWrite::Create(table.clone()));
    store.commit(batch(vec![create])).await.unwrap();
    let all = (0..100).map(|key| insert(&table, thing(key, &format!("sealed-{key:03}."))));
    store.commit(batch(all.collect())).await.unwrap();
    let purges = (0..100).filter(|key| key % 3 == 0).map(|key| Write::Purge {
        table: table.clone(),
        key: Key::Int(key),
        expected: None,
        kind: ChangeKind::Purged,
    });
    store.commit(batch(purges.collect())).await.unwrap();
    store.close().await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let is_there = |key: &u32| {
        let sealed = format!("sealed-{key:03}.");
        let mut windows = bytes.windows(sealed.len());
        windows.any(|window| window == sealed.as_bytes())
    };
    let (deleted, kept): (Vec<u32>, Vec<u32>) = (0..100).partition(|key| key % 3 == 0);
    assert!(kept.iter().all(is_there));
    // A row that was moved to another page when its own was full may have left a copy.
    let left = deleted.iter().filter(|key| is_there(key)).count();
    assert!(left * 10 < deleted.len(), "{left} of {} are left", deleted.len());
}

#[tokio::test]
async fn damage_is_found_after_an_unclean_stop() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("app.db"), folder.path().join("copy.db"));
    let (store, table) = open_with_table(&path).await;
    let many = (0..5_000)
        .map(|key| insert(&table, thing(key, "a name of some length")))
        .collect();
    store.commit(batch(many)).await.unwrap();
    store.close().await.unwrap();
    // Said not to be clean, and with nonsense in the middle.
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("UPDATE meta SET value = 0 WHERE key = 'clean'; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xa5);
    std::fs::write(&copy, &bytes).unwrap();
    let opened = Sqlite::open(&copy, OpenOptions::default()).await;
    assert!(
        matches!(opened, Err(StorageError::Damaged { .. })),
        "{:?}",
        opened.err()
    );
    assert!(Sqlite::open(&path, OpenOptions::default()).await.is_ok());
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_reads_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let options = OpenOptions::default();
    let lock = super::open::take_lock(&path).unwrap();
    let connection = super::open::prepare(&path, &options).unwrap();
    connection.pragma_update(None, "max_page_count", 60).unwrap();
    let store = Sqlite::start(&path, &options, lock, connection).unwrap();
    let table = table();
    store
        .commit(batch(vec![Write::Schema(SchemaWrite::Create(table.clone()))]))
        .await
        .unwrap();
    let long = "x".repeat(1_000);
    let mut written = 0;
    let refused = loop {
        match store
            .commit(batch(vec![insert(&table, thing(written, &long))]))
            .await
        {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1_000, "60 pages do not hold this");
    };
    assert!(matches!(refused, StorageError::Full), "{refused}");
    let all = store.query(&Plan::all(table.clone(), 0)).await.unwrap();
    assert_eq!(all.len() as i64, written);
    let changes = store.changes(0, 10_000).await.unwrap();
    assert_eq!(changes.len() as i64, written, "nothing was half written");
    let waits = store
        .commit(batch(vec![insert(&table, thing(written + 1, "short"))]))
        .await;
    assert!(
        matches!(waits, Err(StorageError::Full)),
        "only what frees space is written"
    );
    // Whole pages come free, and after a moment writes go on without a new start.
    store
        .commit(batch(vec![Write::Clear { table: table.clone() }]))
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    store
        .commit(batch(vec![insert(&table, thing(1, "short"))]))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_dropped_without_being_closed_can_be_opened_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    for _ in 0..5 {
        drop(open(&path).await);
    }
}

#[tokio::test]
async fn a_long_read_stops_when_its_caller_goes_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("app.db")).await;
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    for _ in 0..20 {
        let read = store
            .readers
            .read(move |reader| reader.connection.query_row(endless, [], |_| Ok(())));
        let gone = tokio::time::timeout(std::time::Duration::from_millis(20), read).await;
        assert!(gone.is_err(), "it has no end");
    }
    store
        .readers
        .read(|reader| reader.connection.query_row("SELECT 1", [], |_| Ok(())))
        .await
        .unwrap();
}

/// A sweep and an eviction find what they take by an index, whose name says whose it is.
#[tokio::test]
async fn sweeps_and_evictions_look_at_what_they_take() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("app.db")).await;
    let table = Arc::new(Table {
        max_size: Some(100),
        ttl_ms: Some(1_000),
        ..Table::clone(&table())
    });
    let create = Write::Schema(SchemaWrite::Create(table.clone()));
    store.commit(batch(vec![create])).await.unwrap();
    let explain = async |table: &Arc<Table>| {
        let by = |field| {
            vec![SortKey {
                field,
                descending: false,
                nulls_first: false,
            }]
        };
        let window = Window::Offset { offset: 0, limit: 10 };
        let sweep = Plan {
            filter: Filter::Field(FieldRef::ExpiresAt, Test::Le(Value::Int(5))),
            scope: Scope::All,
            sort: by(FieldRef::ExpiresAt),
            window: window.clone(),
            ..Plan::all(table.clone(), i64::MIN)
        };
        let eviction = Plan {
            sort: by(FieldRef::CreatedAt),
            window,
            ..Plan::all(table.clone(), i64::MIN)
        };
        let mut lines = store.explain(&sweep).await.unwrap();
        lines.extend(store.explain(&eviction).await.unwrap());
        lines.join("\n")
    };
    let way = explain(&table).await;
    assert!(way.contains("t1_expiry (expires_at<?)"), "{way}");
    assert!(way.contains("USING INDEX t1_created"), "{way}");
}
