//! What records show that is not kept in them: whom relations, users and files name, who names them, lookups, rollups, buttons. Worked out
//! for a whole page at once, with one question for each relation; nothing of it is ever stored, so nothing of it is ever stale.
//!
//! Writes nothing, and decides nothing about what may be written.

mod people;
mod work;

use std::sync::Arc;

use chancery_model::{Column, Json, Record as Row, Table};

use crate::error::Error;
use crate::files::File;
use crate::record::Record;
use crate::store::Store;
pub(crate) use people::{name as person, named as users_named, strangers};
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
    /// What people read of each value.
    pub(crate) texts: Vec<String>,
    /// Whether it shows several.
    pub(crate) several: bool,
    /// The files that it names, as they are; those that are gone are left out.
    pub files: Vec<Arc<File>>,
}

/// Records with everything that they show.
pub(crate) async fn records(
    store: &Store,
    table: &Arc<Table>,
    rows: Vec<Arc<Row>>,
) -> Result<Vec<Record>, Error> {
    let (table, rows) = (&store.seen(table), store.reader.blanked(table, rows));
    if !table.is_related() {
        let plain = |row| Record::new(table.clone(), row);
        return Ok(rows.into_iter().map(plain).collect());
    }
    let mut records = Vec::with_capacity(rows.len());
    let all = shown(store, table, &rows, &|_| true).await?;
    for (row, shown) in rows.into_iter().zip(all) {
        records.push(Record::new(table.clone(), row).showing(shown));
    }
    Ok(records)
}

/// What some columns show in records, of those that show what they do not hold.
pub(crate) async fn shown(
    store: &Store,
    table: &Arc<Table>,
    rows: &[Arc<Row>],
    wanted: &(dyn Fn(&Column) -> bool + Sync),
) -> Result<Vec<Vec<Shown>>, Error> {
    let mut all = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut shown: Vec<Vec<Shown>> = vec![Vec::new(); rows.len()];
        let page = Page::new(store, table.clone(), rows.to_vec());
        for column in table.live() {
            let flags = column.kind().flags();
            if !(flags.related || flags.reference) || !wanted(column) {
                continue;
            }
            let several = work::shows_several(&page.catalog, table, column);
            for (all, parts) in shown.iter_mut().zip(page.parts(column, 0).await?.iter()) {
                all.push(work::shown(column, several, parts));
            }
        }
        all.append(&mut shown);
    }
    Ok(all)
}

/// Adds to records of one table what they show.
pub(crate) async fn fill(store: &Store, all: Vec<&mut Record>) -> Result<(), Error> {
    let Some(table) = all.first().map(|record| record.table().clone()) else {
        return Ok(());
    };
    if !table.is_related() && !store.narrows(&table) {
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
        return Ok(store.shown_to(table, row));
    }
    let mut records = records(store, table, vec![row]).await?;
    records
        .pop()
        .ok_or_else(|| Error::Internal("a record was lost on its way".into()))
}
