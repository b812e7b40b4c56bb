//! A window of the change log as events: one read of the commits, one of the records of each table, and of what changed since
//! only the steps back. It waits for nothing and keeps no place.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind, Commit, Reason};
use chancery_model::{Key, Record as Row, Table, TableId};
use chancery_storage::{Backend, CommitQuery};
use futures::{StreamExt, TryStreamExt};

use super::ahead::{Ahead, Place};
use super::{Event, kind_of, rebuild};
use crate::error::Error;
use crate::record::Record;
use crate::store::Store;

/// Steps back in time that are read first; four times as many each time that they do not suffice.
const STEPS_AT_FIRST: usize = 4;
/// Most steps back in time that are read at once.
const STEPS_AT_ONCE: usize = 1_024;
/// Records whose steps are read at the same time.
const WALKS_AT_ONCE: usize = 8;

/// What the records of a window were after the change that is looked at; none where that cannot be known.
type States = HashMap<(TableId, Key), Option<Arc<Row>>>;

/// The events of these changes, in their order.
pub(super) async fn events(
    store: &Store,
    ahead: &mut Ahead,
    changes: &[Change],
) -> Result<Vec<Event>, Error> {
    let tables = tables(store, changes).await?;
    let changes: Vec<&Change> = changes
        .iter()
        .filter(|change| tables.contains_key(&change.table))
        .collect();
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let backend = &*store.core.backend;
    let commits = commits(backend, &changes).await?;
    let mut states = newest(store, ahead, &tables, &changes).await?;
    let trashed = trashed(backend, &changes).await?;
    let mut events: Vec<Event> = changes
        .into_iter()
        .rev()
        .filter_map(|change| {
            let table = &tables[&change.table];
            let event = event(change, table, &commits, &mut states, &trashed);
            // What people see of the record stays.
            (event.reason != Reason::Upkeep).then_some(event)
        })
        .collect();
    events.reverse();
    Ok(events)
}

/// The definitions of the tables of this workspace that are changed. Of tables that were dropped nothing can be told.
async fn tables(store: &Store, changes: &[Change]) -> Result<HashMap<TableId, Arc<Table>>, Error> {
    let numbers: HashSet<TableId> = changes.iter().map(|change| change.table).collect();
    let known = |number: &TableId| store.core.catalog.load().numbered(*number).is_some();
    if !numbers.iter().all(known) {
        // Perhaps another process has made it just now.
        store.refresh().await?;
    }
    let catalog = store.core.catalog.load();
    let own = numbers.into_iter().filter_map(|number| {
        let table = catalog.numbered(number)?;
        (*table.workspace == *store.workspace).then(|| (number, table.clone()))
    });
    Ok(own.collect())
}

async fn commits(backend: &dyn Backend, changes: &[&Change]) -> Result<HashMap<u64, Commit>, Error> {
    let mut revisions: Vec<u64> = changes.iter().map(|change| change.revision).collect();
    revisions.dedup();
    let found = backend.commits(CommitQuery::Revisions(revisions)).await?;
    Ok(found
        .into_iter()
        .map(|logged| (logged.commit.revision, logged.commit))
        .collect())
}

/// What each record was after its newest change of the window.
async fn newest(
    store: &Store,
    ahead: &mut Ahead,
    tables: &HashMap<TableId, Arc<Table>>,
    changes: &[&Change],
) -> Result<States, Error> {
    let backend = &*store.core.backend;
    let mut states = States::new();
    let mut walks: Vec<(Key, TableId, u64, Row)> = Vec::new();
    let mut gone: Vec<Place> = Vec::new();
    for (table, wanted) in wanted(changes) {
        let keys: Vec<Key> = wanted.iter().map(|(key, _)| key.clone()).collect();
        let found = match backend.get_many(&tables[&table], &keys).await {
            Ok(found) => found,
            // It may have been dropped since; then there is nothing to tell of its records.
            Err(_) if is_dropped(store, table).await? => vec![None; keys.len()],
            Err(error) => return Err(error.into()),
        };
        for ((key, number), record) in wanted.into_iter().zip(found) {
            match record {
                Some(record) if record.change == number => {
                    states.insert((table, key), Some(record));
                }
                Some(record) if record.change > number => {
                    walks.push((key, table, number, Row::clone(&record)))
                }
                _ => gone.push((table, key, number)),
            }
        }
    }
    walk(backend, walks, &mut states, &mut gone).await?;
    // What is gone, or another record by now, was removed somewhere further on.
    let removals = ahead.removals(backend, &gone).await?;
    let mut walks = Vec::new();
    for ((table, key, number), removal) in gone.into_iter().zip(removals) {
        let step = match removal {
            Some(removal) => backend.chain(removal, 1).await?.pop(),
            None => None,
        };
        let Some(step) = step else { continue };
        let row = rebuild::removed(&step, &key);
        match row.change == number {
            true => {
                states.insert((table, key), Some(Arc::new(row)));
            }
            false => walks.push((key, table, number, row)),
        }
    }
    walk(backend, walks, &mut states, &mut Vec::new()).await?;
    Ok(states)
}

/// By table, the records that have a state after the window, each with its newest change.
fn wanted(changes: &[&Change]) -> HashMap<TableId, Vec<(Key, u64)>> {
    let mut wanted: HashMap<TableId, Vec<(Key, u64)>> = HashMap::new();
    let mut seen: HashSet<(TableId, &Key)> = HashSet::new();
    let mut cleared: HashSet<TableId> = HashSet::new();
    for change in changes.iter().rev() {
        match &change.key {
            None => {
                cleared.insert(change.table);
            }
            Some(key) => {
                let is_newest = seen.insert((change.table, key));
                if is_newest && !change.kind.removes() && !cleared.contains(&change.table) {
                    wanted
                        .entry(change.table)
                        .or_default()
                        .push((key.clone(), change.number));
                }
            }
        }
    }
    wanted
}

async fn is_dropped(store: &Store, table: TableId) -> Result<bool, Error> {
    store.refresh().await?;
    Ok(store.core.catalog.load().numbered(table).is_none())
}

/// Goes back from later states, several records at a time. What another record has the key of by now goes to `gone`.
async fn walk(
    backend: &dyn Backend,
    walks: Vec<(Key, TableId, u64, Row)>,
    states: &mut States,
    gone: &mut Vec<Place>,
) -> Result<(), Error> {
    let walked = futures::stream::iter(walks).map(|(key, table, number, row)| async move {
        let row = back_to(backend, row, number).await?;
        Ok::<_, Error>((key, table, number, row))
    });
    let walked: Vec<_> = walked.buffer_unordered(WALKS_AT_ONCE).try_collect().await?;
    for (key, table, number, row) in walked {
        match row {
            Some(row) => {
                states.insert((table, key), Some(Arc::new(row)));
            }
            None => gone.push((table, key, number)),
        }
    }
    Ok(())
}

/// The record as the change left it, from a later state; none if it was inserted anew since.
async fn back_to(backend: &dyn Backend, mut row: Row, number: u64) -> Result<Option<Row>, Error> {
    let mut limit = STEPS_AT_FIRST;
    loop {
        let steps = backend.chain(row.change, limit).await?;
        if steps.is_empty() {
            return Ok(None);
        }
        for step in &steps {
            if step.number != row.change || step.kind == ChangeKind::Inserted {
                return Ok(None);
            }
            row = rebuild::before(step, &row);
            if row.change <= number {
                return Ok((row.change == number).then_some(row));
            }
        }
        limit = (limit * 4).min(STEPS_AT_ONCE);
    }
}

/// Of the records that went for good, those that were in the trash, by the numbers of their last changes.
async fn trashed(backend: &dyn Backend, changes: &[&Change]) -> Result<HashSet<u64>, Error> {
    let mut trashed = HashSet::new();
    for change in changes.iter().filter(|change| change.kind == ChangeKind::Purged) {
        let was_trashed = match &change.was {
            Some(was) => was.deleted_at.is_some(),
            // The logs of older programs say it by the change before.
            None => {
                let step = backend.chain(change.previous, 1).await?.pop();
                step.is_some_and(|step| step.number == change.previous && step.kind == ChangeKind::Deleted)
            }
        };
        if was_trashed {
            trashed.insert(change.number);
        }
    }
    Ok(trashed)
}

/// The event of a change; takes the record's state one step back.
fn event(
    change: &Change,
    table: &Arc<Table>,
    commits: &HashMap<u64, Commit>,
    states: &mut States,
    trashed: &HashSet<u64>,
) -> Event {
    let mut after = |key: &Key| states.remove(&(change.table, key.clone())).flatten();
    let (old, new) = match (&change.key, change.kind) {
        (None, _) | (_, ChangeKind::Cleared) => {
            states.retain(|(number, _), _| *number != change.table);
            (None, None)
        }
        (Some(key), ChangeKind::Inserted) => (None, after(key)),
        (Some(key), ChangeKind::Purged | ChangeKind::Evicted) => {
            (Some(Arc::new(rebuild::removed(change, key))), None)
        }
        (Some(key), _) => {
            let new = after(key);
            let old = new.as_ref().map(|new| Arc::new(rebuild::before(change, new)));
            (old, new)
        }
    };
    if let (Some(key), Some(old)) = (&change.key, &old) {
        states.insert((change.table, key.clone()), Some(old.clone()));
    }
    let record = |row: Option<Arc<Row>>| row.map(|row| Record::new(table.clone(), row));
    let commit = commits.get(&change.revision);
    Event {
        number: change.number,
        revision: change.revision,
        at: commit.map_or(0, |commit| commit.at),
        actor: commit.and_then(|commit| commit.actor.clone()),
        operation: commit.and_then(|commit| commit.operation.clone()),
        // Room is made in the commit of whoever needs it, for whatever reason that has.
        reason: match change.kind {
            ChangeKind::Evicted => Reason::Eviction,
            _ => commit.map_or_else(Reason::default, |commit| commit.reason),
        },
        table: table.clone(),
        kind: kind_of(change.kind, trashed.contains(&change.number)),
        key: change.key.clone(),
        old: record(old),
        new: record(new),
    }
}
