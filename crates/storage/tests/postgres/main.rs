//! What goes wrong around a PostgreSQL server, and what several processes do to each other. What the seam promises is in
//! the conformance suite.

mod examine;
mod faults;
mod lost;
#[path = "../notes/mod.rs"]
mod notes;
mod online;
mod several;
#[path = "../throwaway/sql.rs"]
mod sql;
#[path = "../throwaway/mod.rs"]
mod throwaway;

use std::sync::Arc;

use chancery_model::{Column, Table};
use chancery_storage::{Backend, OpenOptions, StorageError};

pub(crate) use self::notes::{NOW, commit, create, note, notes};
pub(crate) use self::sql::sql;

/// Opens a store.
pub(crate) async fn open(url: &str) -> Result<Arc<dyn Backend>, StorageError> {
    chancery_storage::open(url, OpenOptions::default()).await
}

/// The URL with more parameters.
pub(crate) fn with(url: &str, parameters: &str) -> String {
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}{parameters}")
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
