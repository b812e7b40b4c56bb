//! What records show that is not kept in them: whom relations and users name, who names them, lookups, rollups, buttons. Worked out
//! for a whole page at once, with one question for each relation; nothing of it is ever stored, so nothing of it is ever stale.
//!
//! Writes nothing, and decides nothing about what may be written.

mod people;
mod work;

use std::sync::Arc;

use chancery_model::{Json, Record as Row, Table};

use crate::error::Error;
use crate::record::Record;
use crate::store::Store;
pub(crate) use people::{ids as user_ids, named as users_named};
use work::Page;

/// Records that are worked on at once.
const ROWS_AT_ONCE: usize = 1_000;

/// What a column of a record shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The column's ordinal.
    pub(crate) ordinal: u16,
    /// Its value; that of the record itself if none.
    pub json: Option<Json>,
    /// What people read.
    pub display: Option<String>,
}

/// Records with everything that they show.
pub(crate) async fn records(
    store: &Store,
    table: &Arc<Table>,
    rows: Vec<Arc<Row>>,
) -> Result<Vec<Record>, Error> {
    if !table.is_related() {
        let plain = |row| Record::new(table.clone(), row);
        return Ok(rows.into_iter().map(plain).collect());
    }
    let mut records = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut shown: Vec<Vec<Shown>> = vec![Vec::new(); rows.len()];
        let page = Page::new(store, table.clone(), rows.to_vec());
        for column in table.live() {
            let flags = column.kind().flags();
            if !flags.related && !flags.reference {
                continue;
            }
            let several = work::shows_several(&page.catalog, table, column);
            for (all, parts) in shown.iter_mut().zip(page.parts(column, 0).await?.iter()) {
                all.push(work::shown(column, several, parts));
            }
        }
        for (row, shown) in rows.iter().zip(shown) {
            records.push(Record::new(table.clone(), row.clone()).showing(shown));
        }
    }
    Ok(records)
}

/// Adds to records of one table what they show.
pub(crate) async fn fill(store: &Store, all: Vec<&mut Record>) -> Result<(), Error> {
    let Some(table) = all.first().map(|record| record.table().clone()) else {
        return Ok(());
    };
    if !table.is_related() {
        return Ok(());
    }
    let rows = all.iter().map(|record| record.row().clone()).collect();
    for (record, filled) in all.into_iter().zip(records(store, &table, rows).await?) {
        *record = filled;
    }
    Ok(())
}

/// One record with everything that it shows.
pub(crate) async fn record(store: &Store, table: &Arc<Table>, row: Arc<Row>) -> Result<Record, Error> {
    if !table.is_related() {
        return Ok(Record::new(table.clone(), row));
    }
    let mut records = records(store, table, vec![row]).await?;
    records
        .pop()
        .ok_or_else(|| Error::Internal("a record was lost on its way".into()))
}
