//! The cache under stress and beside broken servers: whatever happens, a read is never older than what was seen or
//! acknowledged before it began. What the seam promises is in the conformance suite.

mod alone;
mod broken;
mod others;
mod server;
#[path = "../throwaway/sql.rs"]
mod sql;
#[path = "../throwaway/mod.rs"]
mod throwaway;

use std::sync::Arc;
use std::time::Duration;

use chancery_model::change::ChangeKind;
use chancery_model::query::Plan;
use chancery_model::{Column, Key, KeyKind, Record, RecordMetadata, Table, TableId, Value};
use chancery_storage::{
    Backend, Batch, CacheOptions, CacheStatus, Durability, OpenOptions, RedisState, RedisStatus, RedisUrl,
    SchemaWrite, Write,
};

/// The time of every commit and of most questions, in ms.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// Opens a store that holds every answer, however soon it was made.
pub(crate) async fn open(url: &str, redis: Option<&RedisUrl>) -> Arc<dyn Backend> {
    let options = OpenOptions {
        durability: Durability::Relaxed,
        cache: CacheOptions {
            redis: redis.cloned(),
            worth: Duration::ZERO,
            ..CacheOptions::default()
        },
        ..OpenOptions::default()
    };
    chancery_storage::open(url, options).await.expect("it opens")
}

/// A table with one number.
pub(crate) fn counters(number: u32) -> Arc<Table> {
    Arc::new(Table {
        number: TableId(number),
        id: format!("table-{number}"),
        workspace: "default".into(),
        slug: format!("counters_{number}"),
        key_kind: KeyKind::Int,
        columns: vec![column(0)],
        schema_version: 1,
        ..Table::default()
    })
}

/// A column of numbers.
pub(crate) fn column(ordinal: u16) -> Column {
    Column {
        id: format!("column-{ordinal}"),
        ordinal,
        slug: format!("count_{ordinal}"),
        name: "Count".into(),
        field_type: "number".into(),
        ..Column::default()
    }
}

/// A record that counts.
pub(crate) fn counter(key: i64, count: i64) -> Record {
    Record {
        key: key.into(),
        version: 1,
        change: 0,
        created_at: NOW,
        updated_at: NOW,
        created_by: None,
        updated_by: None,
        expires_at: None,
        deleted_at: None,
        metadata: RecordMetadata::default(),
        values: vec![Value::Int(count)].into(),
        extra: None,
    }
}

/// An insert.
pub(crate) fn insert(table: &Arc<Table>, record: Record) -> Write {
    Write::Insert {
        table: table.clone(),
        record,
        draws: Vec::new(),
    }
}

/// A write that sets the count of a record as it was read.
pub(crate) fn set(table: &Arc<Table>, old: &Record, count: i64) -> Write {
    let next = Record {
        version: old.version + 1,
        values: vec![Value::Int(count)].into(),
        ..old.clone()
    };
    Write::update(
        table,
        old,
        next,
        vec![(0, old.value(0).clone())],
        ChangeKind::Updated,
    )
}

/// A batch.
pub(crate) fn batch(writes: Vec<Write>) -> Batch {
    Batch {
        at: NOW,
        writes,
        ..Batch::default()
    }
}

/// Commits writes that must succeed.
pub(crate) async fn write(store: &dyn Backend, writes: Vec<Write>) {
    store.commit(batch(writes)).await.expect("the writes are done");
}

/// Makes a table with counters that stand at 0.
pub(crate) async fn create(store: &dyn Backend, table: &Arc<Table>, keys: std::ops::Range<i64>) {
    let make = Write::Schema(SchemaWrite::Create(table.clone()));
    write(store, vec![make]).await;
    write(store, keys.map(|key| insert(table, counter(key, 0))).collect()).await;
}

/// The record with a key.
pub(crate) async fn get(store: &dyn Backend, table: &Arc<Table>, key: i64) -> Option<Arc<Record>> {
    store.get(table, &Key::Int(key)).await.expect("a read")
}

/// The counts of all records, by a question.
pub(crate) async fn counts(store: &dyn Backend, table: &Arc<Table>) -> Vec<i64> {
    let records = store
        .query(&Plan::all(table.clone(), NOW))
        .await
        .expect("an answer");
    records.iter().map(|record| count(record)).collect()
}

/// The count of a record.
pub(crate) fn count(record: &Record) -> i64 {
    record.value(0).as_int().expect("a count")
}

/// What the cache has done.
pub(crate) fn status(store: &dyn Backend) -> CacheStatus {
    store.cache().expect("it has a cache")
}

/// What the shared level has done.
pub(crate) fn shared(store: &dyn Backend) -> RedisStatus {
    status(store).redis.expect("it has a shared level")
}

/// Waits until the shared level is in a state.
pub(crate) async fn until(store: &dyn Backend, state: RedisState) {
    for _ in 0..1_000 {
        if shared(store).state == state {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the shared level is not {state:?} after 10 s");
}
