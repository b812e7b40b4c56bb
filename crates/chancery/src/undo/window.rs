//! The changes of an operation, from the newest back, in stretches that fit into memory and one commit. Decides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::change::Change;
use chancery_model::{Key, Record, Table, TableId};
use chancery_storage::Backend;

use super::run::Taking;
use super::trail::Item;
use crate::error::Error;
use crate::files::rows::FILES_WORKSPACE;
use crate::limits::UNDO_WINDOW;
use crate::store::Store;

/// A stretch of an operation.
pub(super) struct Stretch {
    /// Its changes, newest first.
    changes: Vec<Change>,
    /// Where it begins: everything of the operation from this change on is in it or was before.
    pub(super) position: u64,
}

/// What a stretch touched.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) items: Vec<Item>,
    /// How many of its changes are about tables that are not there any more.
    pub(super) orphans: u64,
}

impl Taking {
    /// The stretch before a position, or none where the operation began. Commits that fit into one stretch are not divided.
    pub(super) async fn stretch(
        &self,
        backend: &dyn Backend,
        position: u64,
    ) -> Result<Option<Stretch>, Error> {
        let mut stretch = Stretch {
            changes: Vec::new(),
            position,
        };
        for span in &self.spans {
            let end = position.min(span.end);
            let room = UNDO_WINDOW - stretch.changes.len();
            if end <= span.first {
                continue;
            }
            let wanted = (end - span.first) as usize;
            if room == 0 || !stretch.changes.is_empty() && wanted > room {
                break;
            }
            let start = end - wanted.min(room) as u64;
            let found = backend.changes(start - 1, (end - start) as usize).await?;
            let own = found
                .into_iter()
                .filter(|change| change.number < end && change.revision == span.revision);
            stretch.changes.extend(own.rev());
            stretch.position = start;
        }
        Ok((stretch.position < position).then_some(stretch))
    }
}

impl Stretch {
    /// The records that the stretch touched, as they are now.
    pub(super) async fn items(&self, store: &Store) -> Result<Touched, Error> {
        let catalog = store.core.catalog.load_full();
        let mut places: HashMap<(TableId, &Key), usize> = HashMap::new();
        let mut touched = Touched::default();
        for change in &self.changes {
            let Some(key) = &change.key else { continue };
            let Some(table) = catalog.numbered(change.table) else {
                touched.orphans += 1;
                continue;
            };
            // That a file is used is noted beside the record, and stays noted.
            if *table.workspace == *FILES_WORKSPACE {
                continue;
            }
            let place = *places.entry((change.table, key)).or_insert_with(|| {
                touched.items.push(Item {
                    table: table.clone(),
                    key: key.clone(),
                    changes: Vec::new(),
                    now: None,
                });
                touched.items.len() - 1
            });
            touched.items[place].changes.push(change.clone());
        }
        look_up(store, &mut touched.items).await?;
        Ok(touched)
    }
}

/// Reads the records, table by table.
async fn look_up(store: &Store, items: &mut [Item]) -> Result<(), Error> {
    let mut by_table: HashMap<TableId, (Arc<Table>, Vec<usize>)> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let (_, all) = by_table
            .entry(item.table.number)
            .or_insert_with(|| (item.table.clone(), Vec::new()));
        all.push(index);
    }
    for (table, indexes) in by_table.into_values() {
        let keys: Vec<Key> = indexes.iter().map(|index| items[*index].key.clone()).collect();
        let found: Vec<Option<Arc<Record>>> = store.backend().get_many(&table, &keys).await?;
        for (index, record) in indexes.into_iter().zip(found) {
            items[index].now = record;
        }
    }
    Ok(())
}
