//! What is written by somebody who is held to rights: only where they may write, and only records that they may see, before and
//! after. What other rules add to a batch (the ends of references) is not held against them.

use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::filter::Filter;
use chancery_model::{Key, Table, TableId};
use chancery_storage::{Rejection, Write};
use hashbrown::HashMap;

use super::{Added, Refusal, table_of};
use crate::access::Scope;
use crate::catalog::Catalog;
use crate::error::Error;
use crate::store::Store;

/// Records of one table that a batch touches, and the write that does.
type Touched = HashMap<TableId, (Arc<Table>, Filter, Vec<(usize, Key)>)>;

pub(super) async fn check(store: &Store, own: &[Write], added: &mut Added) -> Result<(), Error> {
    if store.rights.is_none() {
        return Ok(());
    }
    let mut touched = Touched::new();
    for (at, write) in own.iter().enumerate() {
        let Some(table) = table_of(write) else { continue };
        if store.scope_in(table) < Scope::Write {
            let why = format!("You may not write to the table \"{}\"", table.slug);
            added.refused.push((at, Refusal::Beyond(why)));
            continue;
        }
        let Some(filter) = store.admitted(table) else {
            continue;
        };
        let key = match write {
            Write::Clear { .. } => {
                let why = format!(
                    "You see a part of the table \"{}\" only, and cannot clear it",
                    table.slug
                );
                added.refused.push((at, Refusal::Beyond(why)));
                continue;
            }
            Write::Insert { record, .. } => {
                if !filter.matches(record) {
                    added.refused.push((at, leaves(table)));
                }
                continue;
            }
            Write::Update { record, kind, .. } => {
                if *kind != ChangeKind::Deleted && !filter.matches(record) {
                    added.refused.push((at, leaves(table)));
                    continue;
                }
                record.key.clone()
            }
            Write::Purge { key, .. } => key.clone(),
            Write::Schema(_) => continue,
        };
        let of = touched.entry(table.number);
        let (_, _, keys) = of.or_insert_with(|| (table.clone(), filter, Vec::new()));
        keys.push((at, key));
    }
    for (table, filter, touched) in touched.into_values() {
        let (writes, keys): (Vec<usize>, Vec<Key>) = touched.into_iter().unzip();
        let found = store.core.backend.get_many(&table, &keys).await?;
        for ((at, key), found) in writes.into_iter().zip(keys).zip(found) {
            if found.is_some_and(|record| !filter.matches(&record)) {
                let why = format!(
                    "There is no record \"{key}\" for you in the table \"{}\"",
                    table.slug
                );
                added.refused.push((at, Refusal::Beyond(why)));
            }
        }
    }
    Ok(())
}

/// A refusal without the id of a record that whoever asks may not see.
pub(super) fn untold(store: &Store, table: Option<&Arc<Table>>, why: Rejection) -> Rejection {
    match why {
        Rejection::UniqueTaken { column, .. }
            if table.is_some_and(|table| store.admitted(table).is_some()) =>
        {
            Rejection::UniqueTaken { column, holder: None }
        }
        told => told,
    }
}

/// Refusals without the names of records and columns that whoever asks may not see.
pub(super) fn untell(store: &Store, catalog: &Catalog, own: &[Write], refused: &mut [(usize, Refusal)]) {
    if store.rights.is_none() {
        return;
    }
    for (at, refusal) in refused {
        let Refusal::Referenced(dependent) = refusal else {
            continue;
        };
        let workspace = table_of(&own[*at]).map(|table| &table.workspace);
        let by = workspace.and_then(|workspace| catalog.table(workspace, &dependent.by));
        if by.is_none_or(|by| !store.sees(by) || store.narrows(by)) {
            *refusal = Refusal::Beyond("Something that you may not see refers to the record".into());
        }
    }
}

fn leaves(table: &Table) -> Refusal {
    Refusal::Beyond(format!(
        "You see a part of the table \"{}\" only, and the record would not be in it",
        table.slug
    ))
}
