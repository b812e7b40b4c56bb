//! Transactions on every backend: what they see, what they leave, and what others cannot do to them. Row numbers are those of
//! the faults that the store which Chancery replaces had. No test here knows a backend's inside.

mod alone;
mod rules;
mod together;
mod wrong;

use chancery::{Error, Store, TableHandle, Transaction, json};

/// A table by a text key, whose records go for good when they are deleted.
pub(super) async fn table(store: &Store, name: &str) -> TableHandle {
    let definition = json!({
        "key": "id",
        "schema": {
            "id": {"type": "string", "required": true},
            "n": {"type": "number", "default": 0},
            "code": {"type": "string", "unique": true},
            "on": {"type": "boolean", "default": true},
        },
        "indexes": ["n"],
    });
    store.define_bucket(name, &definition).await.expect("defined")
}

pub(super) async fn make(table: &TableHandle, id: &str, n: i64) {
    table.insert(json!({"id": id, "n": n})).await.expect("inserted");
}

pub(super) async fn n(table: &TableHandle, id: &str) -> i64 {
    let record = table.get(id).await.expect("read").expect("there");
    record.get("n").as_i64().expect("a number")
}

/// The same inside a transaction.
pub(super) async fn n_in(tx: &Transaction, table: &str, id: &str) -> Result<i64, Error> {
    let record = tx.table(table)?.get(id).await?;
    Ok(record
        .and_then(|record| record.get("n").as_i64())
        .unwrap_or_default())
}

pub(super) fn ids(records: &[chancery::Record]) -> Vec<String> {
    records.iter().map(chancery::Record::id).collect()
}

/// How many changes the log has.
pub(super) async fn changes(store: &Store) -> usize {
    store.changes(0, 100_000).await.expect("read").len()
}

pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::TransactionConflict { .. })
}
