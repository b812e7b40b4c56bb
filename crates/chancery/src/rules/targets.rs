//! What is written may only refer to records that are there. The race with whoever takes one away is closed by [`Check::Live`].

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::{Key, Table, TableId};
use chancery_storage::{Check, Write};
use hashbrown::HashMap;

use super::net::{Net, record_of};
use super::{Added, Refusal};
use crate::catalog::Catalog;
use crate::error::Error;
use crate::related::{strangers, users_named};
use crate::store::Store;

/// What refers to each record that is asked for.
type Asked = HashMap<Key, Vec<Reference>>;

/// Where a value that refers to a record stands.
struct Reference {
    write: usize,
    column: u16,
}

/// A record that the batch brings, and what of the batch refers to it.
struct Brought {
    table: Arc<Table>,
    key: Key,
    references: Vec<Reference>,
}

impl Reference {
    fn dangles(&self, target: &Table, key: &Key) -> (usize, Refusal) {
        let refusal = Refusal::Dangling {
            column: self.column,
            target: target.slug.clone(),
            key: key.to_string(),
        };
        (self.write, refusal)
    }
}

/// Refuses what is written with a reference to a record that is not there, and checks that those that are stay until then.
pub(super) async fn check(
    store: &Store,
    catalog: &Catalog,
    own: &[Write],
    net: &Net,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
    let mut asked: BTreeMap<TableId, (Arc<Table>, Asked)> = BTreeMap::new();
    let mut brought: BTreeMap<usize, Brought> = BTreeMap::new();
    refuse_strangers(store, own, net, added).await?;
    for left in net.all_left() {
        let Some((table, record)) = record_of(&own[left.write]) else {
            continue;
        };
        for (column, slug) in table.references() {
            let column = column.ordinal;
            if left
                .changed
                .as_ref()
                .is_some_and(|changed| !changed.contains(&column))
            {
                continue;
            }
            let value = record.field(&table.field_of(column)).into_owned();
            let refuse = |key: String| {
                let target = slug.to_owned();
                (left.write, Refusal::Dangling { column, target, key })
            };
            let Some(target) = catalog.table(&table.workspace, slug) else {
                added
                    .refused
                    .extend((!value.is_null()).then(|| refuse(value.written())));
                continue;
            };
            for key in table.at(column).keys_in(target.key_kind, &value) {
                let key = match key {
                    Ok(key) if net.is_gone(target.number, &key) => Err(key.to_string()),
                    key => key,
                };
                let key = match key {
                    Ok(key) => key,
                    Err(written) => {
                        added.refused.push(refuse(written));
                        continue;
                    }
                };
                let write = left.write;
                let reference = Reference { write, column };
                if let Some(found) = net.left(target.number, &key) {
                    if found.write != write && brings(&own[found.write]) {
                        let brought = brought.entry(found.write).or_insert_with(|| Brought {
                            table: target.clone(),
                            key,
                            references: Vec::new(),
                        });
                        brought.references.push(reference);
                    }
                    continue;
                }
                let (_, keys) = asked
                    .entry(target.number)
                    .or_insert_with(|| (target.clone(), HashMap::new()));
                keys.entry(key).or_default().push(reference);
            }
        }
    }
    for (number, (target, keys)) in asked {
        let (keys, references): (Vec<Key>, Vec<Vec<Reference>>) = keys.into_iter().unzip();
        let found = store.core.backend.get_many(&target, &keys).await?;
        let (judged_at, admitted) = (target.judged_at(now), store.admitted(&target));
        let there = |record: &chancery_model::Record| {
            record.visible(judged_at) && admitted.as_ref().is_none_or(|filter| filter.matches(record))
        };
        for ((key, references), found) in keys.into_iter().zip(references).zip(found) {
            if found.is_some_and(|record| there(&record)) {
                added.checks.push(Check::Live { table: number, key });
                continue;
            }
            let dangling = references
                .iter()
                .map(|reference| reference.dangles(&target, &key));
            added.refused.extend(dangling);
        }
    }
    if !added.refused.is_empty() && !brought.is_empty() {
        fall_with(store, net, brought, now, added).await?;
    }
    Ok(())
}

/// Refuses what names users who are not there.
async fn refuse_strangers(store: &Store, own: &[Write], net: &Net, added: &mut Added) -> Result<(), Error> {
    let mut named = Vec::new();
    for left in net.all_left() {
        let Some((table, record)) = record_of(&own[left.write]) else {
            continue;
        };
        let users = users_named(table, record, left.changed.as_deref());
        named.extend(users.into_iter().map(|(column, id)| (left.write, column, id)));
    }
    if named.is_empty() {
        return Ok(());
    }
    let strangers = strangers(store, named.iter().map(|(_, _, id)| id.clone()).collect()).await?;
    let unknown = named.into_iter().filter(|(_, _, id)| strangers.contains(id));
    let refused = unknown.map(|(write, column, key)| {
        let target = "users".to_owned();
        (write, Refusal::Dangling { column, target, key })
    });
    added.refused.extend(refused);
    Ok(())
}

/// Keys of one table that are looked up together, and the write that each is of.
struct Lookup {
    table: Arc<Table>,
    writes: Vec<usize>,
    keys: Vec<Key>,
}

impl Lookup {
    fn of(table: &Arc<Table>) -> Lookup {
        Lookup {
            table: table.clone(),
            writes: Vec::new(),
            keys: Vec::new(),
        }
    }
}

/// Refuses what refers to records that are refused themselves, however many steps away; unless one is stored under such a key.
async fn fall_with(
    store: &Store,
    net: &Net,
    mut brought: BTreeMap<usize, Brought>,
    now: i64,
    added: &mut Added,
) -> Result<(), Error> {
    let mut stored: BTreeMap<TableId, Lookup> = BTreeMap::new();
    for (write, Brought { table, key, .. }) in &brought {
        if !net.is_removed(table.number, key) {
            let lookup = stored.entry(table.number).or_insert_with(|| Lookup::of(table));
            lookup.writes.push(*write);
            lookup.keys.push(key.clone());
        }
    }
    for lookup in stored.into_values() {
        let found = store.core.backend.get_many(&lookup.table, &lookup.keys).await?;
        for (write, found) in lookup.writes.iter().zip(found) {
            if found.is_some_and(|record| record.visible(lookup.table.judged_at(now))) {
                brought.remove(write);
            }
        }
    }
    let mut next = 0;
    while let Some((write, _)) = added.refused.get(next) {
        next += 1;
        if let Some(Brought {
            table,
            key,
            references,
        }) = brought.remove(write)
        {
            let dangling = references.iter().map(|reference| reference.dangles(&table, &key));
            added.refused.extend(dangling);
        }
    }
    Ok(())
}

/// Whether a write makes a record live that was not.
fn brings(write: &Write) -> bool {
    matches!(write, Write::Insert { .. })
        || matches!(write, Write::Update { kind, .. } if *kind == ChangeKind::Restored)
}
