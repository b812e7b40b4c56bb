//! A table of notes and writes to it, for tests about servers and connections. It knows no backend.

use std::sync::Arc;

use chancery_model::{Column, KeyKind, Record, RecordMetadata, Table, TableId, Value};
use chancery_storage::{Backend, Batch, Committed, SchemaWrite, StorageError, Write};

/// The time of every commit, in ms.
pub(crate) const NOW: i64 = 1_700_000_000_000;

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
