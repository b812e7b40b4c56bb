//! Size limits: the oldest records of a table make room for new ones, in the same commit. Records in the trash do not count.

use std::sync::Arc;

use chancery_model::Table;
use chancery_model::change::ChangeKind;
use chancery_model::filter::FieldRef;
use chancery_model::query::{Plan, SortKey, Window};
use chancery_storage::{Check, Write};

use super::Added;
use super::net::{Net, record_of};
use crate::error::Error;
use crate::store::Store;

/// Adds the end of as many of the oldest records as a batch has too many.
pub(super) async fn evict(store: &Store, own: &[Write], net: &Net, added: &mut Added) -> Result<(), Error> {
    let mut tables: Vec<(&Arc<Table>, u64)> = Vec::new();
    for left in net.all_left() {
        // What was there before and stays makes nothing fuller.
        let Some((table, _)) = record_of(&own[left.write]).filter(|_| left.changed.is_none()) else {
            continue;
        };
        if table.max_size.is_none() {
            continue;
        }
        match tables.iter_mut().find(|(known, _)| known.number == table.number) {
            Some((_, new)) => *new += 1,
            None => tables.push((table, 1)),
        }
    }
    for (table, new) in tables {
        let max = table.max_size.unwrap_or(u64::MAX);
        if new > max {
            return Err(Error::Limit {
                what: "records that one batch adds to a table of this maxSize",
                max,
                got: new,
            });
        }
        evict_of(store, table, new, max, net, added).await?;
    }
    Ok(())
}

async fn evict_of(
    store: &Store,
    table: &Arc<Table>,
    new: u64,
    max: u64,
    net: &Net,
    added: &mut Added,
) -> Result<(), Error> {
    let backend = &store.core.backend;
    let revision = backend.revision().await?;
    let live = match net.cleared.contains_key(&table.number) {
        true => 0,
        false => backend.stats(table).await?.live,
    };
    added.checks.push(Check::Table {
        table: table.number,
        revision,
    });
    let gone = net.gone_of(table.number) as u64;
    if live + new <= max {
        return Ok(());
    }
    let oldest = Plan {
        sort: vec![SortKey {
            field: FieldRef::CreatedAt,
            descending: false,
            nulls_first: false,
        }],
        window: Window::Offset {
            offset: 0,
            limit: live + new - max + gone,
        },
        // Expired ones count as long as they are there, so they are among those that may go.
        ..Plan::all(table.clone(), i64::MIN)
    };
    let oldest = backend.query(&oldest).await?;
    // What the batch deletes anyway makes room too, as far as it is among the live.
    let mut over = live + new - max;
    if gone > 0 {
        let keys: Vec<_> = net
            .all_gone()
            .into_iter()
            .filter(|gone| gone.table.number == table.number)
            .map(|gone| gone.key)
            .collect();
        let found = backend.get_many(table, &keys).await?;
        let were_live = found
            .iter()
            .flatten()
            .filter(|record| record.deleted_at.is_none());
        over = over.saturating_sub(were_live.count() as u64);
    }
    let victims = oldest
        .iter()
        .filter(|record| !net.is_gone(table.number, &record.key));
    for victim in victims.take(over as usize) {
        added.after.push(Write::Purge {
            table: table.clone(),
            key: victim.key.clone(),
            expected: None,
            kind: ChangeKind::Evicted,
        });
    }
    Ok(())
}
