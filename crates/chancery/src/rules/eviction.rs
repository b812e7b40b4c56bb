//! Size limits: the oldest records of a table make room for new ones, in the same commit; those that have expired before all
//! others. Records in the trash do not count.

use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::filter::FieldRef;
use chancery_model::query::{Plan, Scope, SortKey, Window};
use chancery_model::{Record, Table};
use chancery_storage::{Check, Write};

use super::Added;
use super::net::{Net, record_of};
use crate::error::Error;
use crate::expiry::expired;
use crate::store::Store;

/// Adds the end of as many of the oldest records as a batch has too many.
pub(super) async fn evict(
    store: &Store,
    own: &[Write],
    net: &Net,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
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
        // Of a table that is emptied before, only what is new is left.
        if !net.cleared.contains_key(&table.number) {
            evict_of(store, table, (new, max), net, now, added).await?;
        }
    }
    Ok(())
}

async fn evict_of(
    store: &Store,
    table: &Arc<Table>,
    (new, max): (u64, u64),
    net: &Net,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
    let backend = &store.core.backend;
    let revision = backend.revision().await?;
    let live = backend.stats(table).await?.live;
    added.checks.push(Check::Table {
        table: table.number,
        revision,
    });
    let mut over = (live + new).saturating_sub(max);
    if over == 0 {
        return Ok(());
    }
    // What the batch removes makes room too, as far as it is among the live, even where it comes again.
    let removed = net.removed_of(table.number);
    if !removed.is_empty() {
        let found = backend.get_many(table, &removed).await?;
        let were_live = found
            .iter()
            .flatten()
            .filter(|record| record.deleted_at.is_none());
        over = over.saturating_sub(were_live.count() as u64);
    }
    let removed = removed.len() as u64;
    let stays = |record: &Arc<Record>| !net.is_removed(table.number, &record.key);

    let mut victims: Vec<Arc<Record>> = Vec::new();
    if over > 0 && table.ttl_ms.is_some() {
        let unseen = backend
            .query(&expired(table, Scope::Live, now, over + removed, None))
            .await?;
        victims.extend(unseen.into_iter().filter(stays).take(over as usize));
    }
    let more = over - victims.len() as u64;
    if more > 0 {
        let oldest = Plan {
            sort: vec![SortKey {
                field: FieldRef::CreatedAt,
                descending: false,
                nulls_first: false,
            }],
            window: Window::Offset {
                offset: 0,
                limit: more + removed,
            },
            // Those that have expired are among the victims already.
            ..Plan::all(table.clone(), table.judged_at(now))
        };
        let oldest = backend.query(&oldest).await?;
        victims.extend(oldest.into_iter().filter(stays).take(more as usize));
    }
    added.after.extend(victims.into_iter().map(|victim| Write::Purge {
        table: table.clone(),
        key: victim.key.clone(),
        expected: None,
        kind: ChangeKind::Evicted,
    }));
    Ok(())
}
