//! Expired records make room: one that still holds a key or a unique value that a batch wants goes in the same commit. When
//! the others go is the sweep's affair.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::{Key, Record, Table, Value};
use chancery_storage::{Check, DrawTarget, Write};

use super::Added;
use super::net::{Gone, Net, record_of};
use crate::error::Error;
use crate::store::Store;

/// Adds the end of every expired record that stands in a batch's way.
pub(super) async fn make(
    store: &Store,
    own: &[Write],
    net: &mut Net,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
    let mut in_the_way: Vec<(Gone, u64)> = Vec::new();
    let mut tables: Vec<Arc<Table>> = Vec::new();
    for write in own {
        if let Some((table, _)) = record_of(write)
            && table.ttl_ms.is_some()
            && !tables.iter().any(|known| known.number == table.number)
        {
            tables.push(table.clone());
        }
    }
    for table in tables {
        let is_own = |write: usize| record_of(&own[write]).is_some_and(|(of, _)| of.number == table.number);
        let left: Vec<(usize, Option<Vec<u16>>)> = net
            .all_left()
            .into_iter()
            .filter(|left| is_own(left.write))
            .map(|left| (left.write, left.changed.clone()))
            .collect();
        let mut note = |record: &Record, origin: usize| {
            if table.expired(record, now) {
                let gone = Gone {
                    table: table.clone(),
                    key: record.key.clone(),
                    for_good: true,
                    origin,
                };
                in_the_way.push((gone, record.change));
            }
        };

        // Those with a key that is inserted.
        let (at, keys): (Vec<usize>, Vec<Key>) = left
            .iter()
            .filter_map(|(at, _)| Some((*at, new_key(&own[*at])?)))
            .unzip();
        if !keys.is_empty() {
            let found = store.core.backend.get_many(&table, &keys).await?;
            for (at, record) in at.into_iter().zip(found) {
                if let Some(record) = record {
                    note(&record, at);
                }
            }
        }

        // Those with a unique value that is written.
        for column in table.live().filter(|column| column.constraints.unique) {
            let wanted = |(at, changed): &(usize, Option<Vec<u16>>)| {
                let writes = changed
                    .as_ref()
                    .is_none_or(|changed| changed.contains(&column.ordinal));
                let (_, record) = record_of(&own[*at])?;
                let value = record.value(column.ordinal);
                (writes && !value.is_null()).then(|| (*at, vec![value.clone()]))
            };
            let (at, tuples): (Vec<usize>, Vec<Vec<Value>>) = left.iter().filter_map(wanted).unzip();
            if tuples.is_empty() {
                continue;
            }
            let field = [FieldRef::Column(column.ordinal)];
            let found = store.core.backend.find(&table, &field, &tuples, 1).await?;
            for (at, records) in at.into_iter().zip(found) {
                let same =
                    |record: &Record| record_of(&own[at]).is_some_and(|(_, own)| own.key == record.key);
                if let Some(record) = records.first().filter(|record| !same(record)) {
                    note(record, at);
                }
            }
        }
    }
    for (gone, change) in in_the_way {
        let table = gone.table.number;
        if net.is_removed(table, &gone.key) {
            net.had_expired(gone);
            continue;
        }
        // Somebody who was faster may have a record under the key that has not expired.
        let key = gone.key.clone();
        added.checks.push(Check::Record { table, key, change });
        added.before.push(Write::purge(&gone.table, &gone.key, None));
        net.make_room(gone);
    }
    Ok(())
}

/// The key that a write wants to be free, if it is known already.
fn new_key(write: &Write) -> Option<Key> {
    match write {
        Write::Insert { record, draws, .. } => {
            let drawn = draws
                .iter()
                .any(|draw| draw.target == DrawTarget::Key && draw.given.is_none());
            (!drawn).then(|| record.key.clone())
        }
        _ => None,
    }
}
