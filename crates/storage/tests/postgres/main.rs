//! What goes wrong around a PostgreSQL server, and what several processes do to each other. What the seam promises is in
//! the conformance suite.

mod examine;
mod faults;
mod lost;
mod several;
#[path = "../throwaway/mod.rs"]
mod throwaway;

use std::sync::Arc;

use chancery_model::{Column, KeyKind, Record, RecordMetadata, Table, TableId, Value};
use chancery_storage::{Backend, Batch, Committed, OpenOptions, SchemaWrite, StorageError, Write};

/// The time of every commit, in ms.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// Opens a store.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Backend>, StorageError> {
    chancery_storage::open(url, OpenOptions::default()).await
}

/// The URL with more parameters.
pub(crate) fn with(url: &str, parameters: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameters}")
}

/// A table with one text column.
pub(crate) fn notes() -> Arc<Table> {
    let column = Column {
        id: "column-0".into(),
        slug: "note".into(),
        name: "note".into(),
        field_type: "text".into(),
        ..Column::default()
    };
    Arc::new(Table {
        number: TableId(1),
        id: "table-1".into(),
        workspace: "default".into(),
        slug: "notes".into(),
        name: "Notes".into(),
        key_kind: KeyKind::Int,
        columns: vec![column],
        schema_version: 1,
        ..Table::default()
    })
}

/// The same table, changed.
pub(crate) fn changed(table: &Table) -> Arc<Table> {
    let mut after = Table {
        schema_version: table.schema_version + 1,
        ..table.clone()
    };
    let added = Column {
        id: "column-1".into(),
        ordinal: 1,
        slug: "more".into(),
        ..table.columns[0].clone()
    };
    after.columns.push(added);
    after.refresh();
    Arc::new(after)
}

/// A new record.
pub(crate) fn note(table: &Arc<Table>, key: i64) -> Write {
    let record = Record {
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
        values: vec![Value::text(format!("note {key}"))].into(),
        extra: None,
    };
    Write::Insert {
        table: table.clone(),
        record,
        draws: Vec::new(),
    }
}

/// Makes a table.
pub(crate) fn create(table: &Arc<Table>) -> Write {
    Write::Schema(SchemaWrite::Create(table.clone()))
}

/// Commits writes.
pub(crate) async fn commit(store: &Arc<dyn Backend>, writes: Vec<Write>) -> Result<Committed, StorageError> {
    let batch = Batch {
        at: NOW,
        writes,
        ..Batch::default()
    };
    store.commit(batch).await
}

/// Runs SQL as whoever the URL names, past the store.
pub(crate) async fn sql(url: &str, statements: &str) {
    let plain = url.split_once('?').map_or(url, |(plain, _)| plain);
    let (client, connection) = tokio_postgres::connect(plain, tokio_postgres::NoTls)
        .await
        .expect("the server is there");
    let connection = tokio::spawn(connection);
    client
        .batch_execute(statements)
        .await
        .expect("the statements run");
    drop(client);
    let _ = connection.await;
}
