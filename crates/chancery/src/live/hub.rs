//! The one feed of a store: reads the change log in order, once for all subscriptions, and hands them the steps. It runs as a
//! task, or in whoever calls [`crate::Store::settle`]. A commit that concerns nobody is not looked at twice.

use std::sync::Arc;
use std::time::Duration;

use chancery_model::change::{Change, ChangeKind};
use chancery_model::{Key, Record as Row, Table, TableId};
use chancery_storage::{CommitQuery, StorageError};
use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::index::{Id, Interest};
use super::limits::{CHANGES_AT_ONCE_MAX, LOOK_SECONDS, STEPS_BACK_MAX};
use super::state::State;
use super::step::{Step, before};
use crate::error::Error;
use crate::store::Core;

/// How long to wait after the log could not be read.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Up to so many records are read one by one.
const ONE_BY_ONE_MAX: usize = 4;

/// The feed of a store and its subscriptions.
#[derive(Default)]
pub(crate) struct Hub {
    /// Held while the log is read, so that steps are handed out in order.
    position: tokio::sync::Mutex<Position>,
    /// Held while lost results are read again, so that no older one replaces a newer one.
    reloading: tokio::sync::Mutex<()>,
    pub(crate) state: Mutex<State>,
    /// Rings when there is something to look at besides the log.
    look: Arc<Notify>,
}

/// How far the log was read.
#[derive(Default)]
struct Position {
    is_known: bool,
    number: u64,
    revision: u64,
}

/// A change that somebody wants to know of.
struct Wanted<'a> {
    change: &'a Change,
    key: &'a Key,
    table: Arc<Table>,
    interest: Interest,
}

/// What a record was after the last change that was read.
enum Anchor {
    Known(Option<Arc<Row>>),
    Unknown,
}

impl Hub {
    /// How many subscriptions there are in a workspace.
    pub(crate) fn subscriptions_in(&self, workspace: &str) -> u64 {
        let state = self.state.lock();
        let all = state.subscriptions.values();
        all.filter(|subscription| *subscription.wanted.store.workspace == *workspace)
            .count() as u64
    }

    /// Hands out everything that is committed by now; answers up to which revision that is.
    pub(crate) async fn advance(&self, core: &Core) -> Result<u64, Error> {
        let mut position = self.position.lock().await;
        if self.state.lock().subscriptions.is_empty() {
            position.is_known = false;
            return Ok(core.backend.revision().await?);
        }
        if !position.is_known {
            *position = start(core).await?;
            self.state.lock().revision = position.revision;
        }
        self.look_at_definitions(core);
        loop {
            let newest = core.backend.revision().await?;
            if newest <= position.revision {
                return Ok(position.revision);
            }
            let mut changes = core.backend.changes(position.number, CHANGES_AT_ONCE_MAX).await?;
            let is_full = changes.len() == CHANGES_AT_ONCE_MAX;
            if is_full {
                whole_commits(core, &mut changes).await?;
            }
            if changes
                .first()
                .is_some_and(|first| first.number != position.number + 1)
            {
                // Part of the log is gone: nobody knows what was in it.
                self.lose_all();
            }
            let last = changes.last().map(|last| (last.number, last.revision));
            let (number, mut revision) = last.unwrap_or((position.number, position.revision));
            if !is_full {
                revision = revision.max(newest);
            }
            self.hand_out(core, &changes, revision).await?;
            (position.number, position.revision) = (number, revision);
            if !is_full {
                return Ok(position.revision);
            }
        }
    }

    /// Reads again every result that is lost by now. One that cannot be read just now stays lost, and so do those after it.
    pub(crate) async fn reload(&self, core: &Core) -> Result<(), Error> {
        if self.state.lock().lost.is_empty() {
            // Somebody else may be at it; whoever settles must see it done.
            drop(self.reloading.lock().await);
            return Ok(());
        }
        let _one_at_a_time = self.reloading.lock().await;
        let mut lost = std::mem::take(&mut self.state.lock().lost).into_iter();
        while let Some(id) = lost.next() {
            let wanted = self
                .state
                .lock()
                .subscriptions
                .get(&id)
                .map(|had| had.wanted.clone());
            let Some(wanted) = wanted else { continue };
            match self.load(core, &wanted, id).await {
                Ok(_) => {}
                Err(error) if error.is_passing() => {
                    let mut state = self.state.lock();
                    // The others first, when it is tried again.
                    state.lost.extend(lost);
                    state.lose_again(id);
                    return Err(error);
                }
                Err(error) => self.state.lock().fail(id, error),
            }
        }
        Ok(())
    }

    /// Starts following, if nobody does.
    pub(crate) fn follow(core: &Arc<Core>) {
        if std::mem::replace(&mut core.live.state.lock().is_followed, true) {
            return;
        }
        let mut news = core.backend.news();
        let core = Arc::downgrade(core);
        tokio::spawn(async move {
            loop {
                news.mark_unchanged();
                let Some(core) = core.upgrade() else { return };
                let hub = &core.live;
                let done = match hub.advance(&core).await {
                    Ok(_) => hub.reload(&core).await,
                    Err(error) => Err(error),
                };
                match done {
                    Ok(()) => {}
                    Err(Error::Storage(StorageError::Closed)) => {
                        let mut state = hub.state.lock();
                        state.is_followed = false;
                        state.fail_all(|| StorageError::Closed.into());
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the change log or a live result could not be read; trying again");
                        tokio::time::sleep(AGAIN_AFTER).await;
                        continue;
                    }
                }
                {
                    let mut state = hub.state.lock();
                    if state.subscriptions.is_empty() {
                        state.is_followed = false;
                        return;
                    }
                    if !state.lost.is_empty() {
                        continue;
                    }
                }
                let look = hub.look.clone();
                drop(core);
                tokio::select! {
                    _ = news.changed() => {}
                    () = tokio::time::sleep(Duration::from_secs(LOOK_SECONDS)) => {}
                    () = look.notified() => {}
                }
            }
        });
    }

    /// Has the definitions looked at soon: they have changed.
    pub(crate) fn look_again(&self) {
        self.look.notify_one();
    }

    fn lose_all(&self) {
        let mut state = self.state.lock();
        let ids: Vec<Id> = state.subscriptions.keys().copied().collect();
        ids.into_iter().for_each(|id| state.lose(id));
    }

    /// Has results read again whose table is not defined as it was.
    fn look_at_definitions(&self, core: &Core) {
        let catalog = core.catalog.load();
        let mut state = self.state.lock();
        if state
            .catalog
            .as_ref()
            .is_some_and(|had| Arc::ptr_eq(had, &catalog))
        {
            return;
        }
        state.catalog = Some(catalog.clone());
        let changed = |table: &Table| {
            let newest = catalog.newest(table.number, &table.id);
            newest.is_none_or(|newest| {
                newest.schema_version != table.schema_version || newest.slug != table.slug
            })
        };
        let watched = state.index.tables();
        let ids: Vec<Id> = watched
            .filter(|watched| changed(&watched.table))
            .flat_map(|watched| watched.everybody())
            .collect();
        ids.into_iter().for_each(|id| state.lose(id));
    }

    /// Makes steps out of changes, and lets everybody follow them whom they concern; then all are at that revision.
    async fn hand_out(&self, core: &Core, changes: &[Change], revision: u64) -> Result<(), Error> {
        let mut cleared: Vec<TableId> = Vec::new();
        let wanted: Vec<Wanted<'_>> = {
            let state = self.state.lock();
            let wanted = changes.iter().filter_map(|change| {
                let Some(key) = &change.key else {
                    if change.kind == ChangeKind::Cleared {
                        cleared.push(change.table);
                    }
                    return None;
                };
                let interest = state.index.interest(change.table, key)?;
                Some(Wanted {
                    change,
                    key,
                    table: state.index.watched(change.table)?.table.clone(),
                    interest,
                })
            });
            wanted.collect()
        };
        let mut steps = Vec::with_capacity(wanted.len());
        if let [wanted] = wanted.as_slice() {
            let current = core.backend.get(&wanted.table, wanted.key).await?;
            steps_of(
                core,
                std::slice::from_ref(&wanted),
                current,
                &mut steps,
                &mut cleared,
            )
            .await?;
        } else if !wanted.is_empty() {
            self.many_steps(core, &wanted, &mut steps, &mut cleared).await?;
        }
        let mut state = self.state.lock();
        // Before anything is followed: what was cleared cannot be followed step by step.
        cleared.drain(..).for_each(|table| state.lose_table(table));
        state.follow(&steps);
        state.revision = revision;
        Ok(())
    }

    async fn many_steps(
        &self,
        core: &Core,
        wanted: &[Wanted<'_>],
        steps: &mut Vec<(u64, TableId, Arc<Step>)>,
        unknown: &mut Vec<TableId>,
    ) -> Result<(), Error> {
        let mut tables: HashMap<TableId, HashMap<&Key, Vec<&Wanted<'_>>>> = HashMap::new();
        for wanted in wanted {
            let records = tables.entry(wanted.change.table).or_default();
            records.entry(wanted.key).or_default().push(wanted);
        }
        let mut found: Vec<(u64, u64, TableId, Arc<Step>)> = Vec::with_capacity(wanted.len());
        for records in tables.values() {
            let keys: Vec<Key> = records.keys().map(|key| (*key).clone()).collect();
            let Some(table) = records.values().flatten().next().map(|wanted| &wanted.table) else {
                continue;
            };
            let rows = match keys.len() {
                0..=ONE_BY_ONE_MAX => {
                    let mut rows = Vec::with_capacity(keys.len());
                    for key in &keys {
                        rows.push(core.backend.get(table, key).await?);
                    }
                    rows
                }
                _ => core.backend.get_many(table, &keys).await?,
            };
            for (key, row) in keys.iter().zip(rows) {
                let Some(changes) = records.get(key) else { continue };
                let mut own = Vec::with_capacity(changes.len());
                steps_of(core, changes, row, &mut own, unknown).await?;
                let numbered = own.into_iter().zip(changes);
                found.extend(
                    numbered.map(|((revision, table, step), wanted)| {
                        (wanted.change.number, revision, table, step)
                    }),
                );
            }
        }
        found.sort_unstable_by_key(|(number, ..)| *number);
        steps.extend(
            found
                .into_iter()
                .map(|(_, revision, table, step)| (revision, table, step)),
        );
        Ok(())
    }
}

/// Where the newest commit begins.
async fn start(core: &Core) -> Result<Position, Error> {
    let newest = CommitQuery::Before {
        revision: u64::MAX,
        operation: None,
        limit: 1,
    };
    let (number, revision) = match core.backend.commits(newest).await?.first() {
        Some(logged) => (
            logged.first_change.saturating_sub(1),
            logged.commit.revision.saturating_sub(1),
        ),
        None => (0, core.backend.revision().await?),
    };
    Ok(Position {
        is_known: true,
        number,
        revision,
    })
}

/// Cuts changes off at the end of a commit; reads on where they are all of one.
async fn whole_commits(core: &Core, changes: &mut Vec<Change>) -> Result<(), Error> {
    loop {
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
            return Ok(());
        };
        let (only, last, number) = (first.revision == last.revision, last.revision, last.number);
        if !only {
            changes.truncate(changes.partition_point(|change| change.revision < last));
            return Ok(());
        }
        let more = core.backend.changes(number, CHANGES_AT_ONCE_MAX).await?;
        let is_end = more.is_empty();
        changes.extend(more);
        if is_end {
            return Ok(());
        }
    }
}

/// The steps of one record, out of its changes in order and of what it is now.
async fn steps_of<'a>(
    core: &Core,
    changes: &[&'a Wanted<'a>],
    current: Option<Arc<Row>>,
    steps: &mut Vec<(u64, TableId, Arc<Step>)>,
    unknown: &mut Vec<TableId>,
) -> Result<(), Error> {
    let Some(last) = changes.last() else { return Ok(()) };
    let Anchor::Known(mut after) = anchor(core, last.change, current).await? else {
        unknown.push(last.change.table);
        return Ok(());
    };
    let start = steps.len();
    for (at, wanted) in changes.iter().enumerate().rev() {
        let needed = at > 0 || wanted.interest == Interest::Both;
        let old = needed
            .then(|| before(wanted.change, after.as_deref()))
            .flatten()
            .map(Arc::new);
        let step = Step {
            key: wanted.key.clone(),
            old: old.clone(),
            new: after,
        };
        steps.push((wanted.change.revision, wanted.change.table, Arc::new(step)));
        after = old;
    }
    steps[start..].reverse();
    Ok(())
}

/// What a record was right after a change, from what it is now.
async fn anchor(core: &Core, last: &Change, current: Option<Arc<Row>>) -> Result<Anchor, Error> {
    if last.kind.removes() {
        return Ok(Anchor::Known(None));
    }
    let Some(row) = current else {
        return Ok(Anchor::Unknown);
    };
    if row.change == last.number {
        return Ok(Anchor::Known(Some(row)));
    }
    // It has changed again since the log was read: back, step by step.
    let mut state = Some(Row::clone(&row));
    for change in core.backend.chain(row.change, STEPS_BACK_MAX).await? {
        if change.number == last.number {
            return Ok(state.map_or(Anchor::Unknown, |row| Anchor::Known(Some(Arc::new(row)))));
        }
        state = before(&change, state.as_ref());
    }
    Ok(Anchor::Unknown)
}
