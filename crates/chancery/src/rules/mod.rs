//! The rules of a commit that go beyond the records it was asked for, in one place for every kind of write: references, size
//! limits, and expired records that make room. [`Store::write`] is the one way from decided writes to a commit.
//!
//! It completes the writes with those that the rules demand and with checks of what that rests on. A commit that is overtaken
//! is completed and tried again. It decides nothing about a record's own values.
//!
//! - `net` says what a batch leaves of each record it touches,
//! - `room` lets expired records make room, `refs` follows references to what goes, `targets` those of what is written,
//!   `files` those that are files, `eviction` keeps size limits, `held` what somebody may not do,
//! - `clashes` says all that stands in the way of what is refused,
//! - `locks` lets writers of this process wait instead of overtaking each other.
//!
//! A new rule is a file here and a line in [`complete`].

mod clashes;
mod eviction;
mod files;
mod held;
mod locks;
mod net;
mod refs;
mod room;
mod targets;

use std::collections::BTreeMap;
use std::time::Duration;

use chancery_model::change::ChangeKind;
use chancery_model::{Code, Issue, Key, Table, TableId};
use chancery_storage::{Check, Mode, OnReject, Outcome, Rejection, StorageError, Write};

use crate::catalog::Catalog;
use crate::error::Error;
use crate::rows::rejection_issue;
use crate::store::{Commit, Store};

pub(crate) use clashes::{Suspect, given_key, new_value};
pub(crate) use locks::{Hold, Locks};
use net::Net;

/// How often a commit is completed again after somebody else was faster, before giving up.
const ATTEMPTS: u64 = 64;
/// Attempts after which the next one waits a little.
const ATTEMPTS_AT_ONCE: u64 = 3;
/// In how many rounds the other refusals of a batch are named that is refused as a whole: each round names whatever the rounds
/// before do not bring about, so there are few.
const ROUNDS_TO_NAME: usize = 8;
/// Longest wait before an attempt, in ms.
const WAIT_MS: u64 = 20;

/// What became of decided writes: one outcome for each, in their order.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) revision: u64,
    /// Refusals only where the others are written all the same.
    pub(crate) outcomes: Vec<Result<Outcome, Refusal>>,
    /// How many other records went or changed because of what they refer to.
    pub(crate) followed: u64,
}

/// Why decided writes were not done.
#[derive(Debug)]
pub(crate) enum Unsettled {
    /// These are refused, so none was done.
    Refused(Vec<(usize, Refusal)>),
    /// It has nothing to do with one of them.
    Failed(Error),
}

/// Why one write is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// A precondition of its own failed.
    Seam(Rejection),
    /// It refers to a record that is not there.
    Dangling {
        /// The column.
        column: u16,
        /// The slug of the table it refers to.
        target: String,
        /// The key it gives.
        key: String,
    },
    /// It names a file that does not fit.
    Unfit {
        /// The column.
        column: u16,
        /// Why not.
        issue: Box<Issue>,
    },
    /// Others refer to a record that would go with it.
    Referenced(Box<Dependent>),
    /// Whoever asks may not do it; says why.
    Beyond(String),
}

/// Who refers to a record and restricts its end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dependent {
    pub(crate) table: String,
    pub(crate) key: Key,
    pub(crate) by: String,
    pub(crate) by_key: Key,
    pub(crate) field: String,
}

impl From<Error> for Unsettled {
    fn from(error: Error) -> Unsettled {
        Unsettled::Failed(error)
    }
}

impl From<StorageError> for Unsettled {
    fn from(error: StorageError) -> Unsettled {
        Unsettled::Failed(error.into())
    }
}

impl Refusal {
    /// Whether the writes have to be decided again, by another definition.
    pub(crate) fn is_outdated(&self) -> bool {
        *self == Refusal::Seam(Rejection::SchemaChanged)
    }

    /// The refusal as the issue of an item.
    pub(crate) fn issue(&self, table: &Table, key: &Key) -> Issue {
        match self {
            Refusal::Seam(rejection) => rejection_issue(table, key, rejection),
            Refusal::Dangling { column, target, key } => {
                let column_of = table.at(*column);
                let message = match (column_of.names_users(), column_of.names_files()) {
                    (true, _) => format!("No user has the id \"{key}\""),
                    (_, true) => format!("There is no file \"{key}\" in this workspace; upload it first"),
                    _ => {
                        format!("References table \"{target}\" with key \"{key}\", but no such record exists")
                    }
                };
                let issue = Issue::new(&column_of.slug, Code::Reference, message);
                column_of
                    .worded(issue)
                    .with("table", target.as_str())
                    .with("key", key.as_str())
            }
            Refusal::Beyond(why) => Issue::new("id", Code::Forbidden, why.as_str()),
            Refusal::Unfit { column, issue } => table.at(*column).worded(Issue::clone(issue)),
            Refusal::Referenced(dependent) => Issue::new(
                "id",
                Code::Reference,
                Error::from((**dependent).clone()).to_string(),
            )
            .with("table", dependent.by.as_str())
            .with("key", dependent.by_key.to_string())
            .with("field", dependent.field.as_str()),
        }
    }
}

impl From<Dependent> for Error {
    fn from(dependent: Dependent) -> Error {
        let Dependent {
            table,
            key,
            by,
            by_key,
            field,
        } = dependent;
        Error::Referenced {
            table,
            key,
            by,
            by_key,
            field,
        }
    }
}

/// What the rules add to a batch.
#[derive(Debug, Default)]
struct Added {
    /// Writes before the decided ones.
    before: Vec<Write>,
    /// Writes after them.
    after: Vec<Write>,
    checks: Vec<Check>,
    refused: Vec<(usize, Refusal)>,
    /// How many other records go or change because of what they refer to.
    followed: u64,
}

/// How a try to commit ended.
enum Tried {
    Done {
        revision: u64,
        outcomes: Vec<Outcome>,
        followed: u64,
    },
    Refused(Vec<(usize, Refusal)>),
    /// Something that the rules were applied to is no longer so.
    Overtaken,
}

impl Store {
    /// Commits decided writes with everything that the rules demand. If it must be all or nothing, any refusal stops all and
    /// every refused write is named; otherwise the others are written.
    pub(crate) async fn write(
        &self,
        writes: Vec<Write>,
        now: i64,
        how: Commit,
    ) -> Result<Settled, Unsettled> {
        if !how.in_turn && how.mode == Mode::Apply && !writes.is_empty() {
            self.core.turns.wait().await;
        }
        if self.is_ruled(&writes) {
            return Box::pin(self.write_ruled(writes, now, how)).await;
        }
        match self.commit(writes, now, how).await {
            Ok(committed) => Ok(Settled {
                revision: committed.revision,
                outcomes: committed.outcomes.into_iter().map(judged).collect(),
                followed: 0,
            }),
            Err(StorageError::Rejected(why)) => {
                let refused = why.into_iter().map(|(at, why)| (at, Refusal::Seam(why)));
                Err(Unsettled::Refused(refused.collect()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether rules beyond the records themselves are to be kept.
    pub(crate) fn is_ruled(&self, writes: &[Write]) -> bool {
        if self.rights.is_some() {
            return true;
        }
        let catalog = self.core.catalog.load();
        let mut last = None;
        writes.iter().any(|write| match table_of(write) {
            Some(table) if last != Some(table.number) => {
                last = Some(table.number);
                catalog.is_ruled(table.number)
            }
            _ => false,
        })
    }

    async fn write_ruled(&self, writes: Vec<Write>, now: i64, how: Commit) -> Result<Settled, Unsettled> {
        for attempt in 0..ATTEMPTS {
            if attempt > ATTEMPTS_AT_ONCE {
                tokio::time::sleep(Duration::from_millis(attempt.min(WAIT_MS))).await;
            }
            let catalog = self.core.catalog.load_full();
            let _held = self
                .core
                .locks
                .hold(&wanted(&catalog, &writes, attempt > 0))
                .await;
            let settled = match how.on_reject {
                OnReject::Abort => self.all_or_nothing(&catalog, &writes, now, &how).await?,
                // Each round leaves out one at least.
                OnReject::Skip => {
                    let rounds = (writes.len() + 1, now);
                    self.all_that_can_be(&catalog, &writes, rounds, &how).await?
                }
            };
            if let Some(settled) = settled {
                return Ok(settled);
            }
        }
        Err(Error::Internal(format!("a commit was overtaken {ATTEMPTS} times")).into())
    }

    /// None if it was overtaken.
    async fn all_or_nothing(
        &self,
        catalog: &Catalog,
        writes: &[Write],
        now: i64,
        how: &Commit,
    ) -> Result<Option<Settled>, Unsettled> {
        match self.attempt(catalog, writes.to_vec(), now, how.clone()).await? {
            Tried::Done {
                revision,
                outcomes,
                followed,
            } => Ok(Some(Settled {
                revision,
                outcomes: outcomes.into_iter().map(Ok).collect(),
                followed,
            })),
            Tried::Overtaken => Ok(None),
            Tried::Refused(refused)
                if writes.len() == 1 || refused.iter().any(|(_, why)| why.is_outdated()) =>
            {
                Err(Unsettled::Refused(refused))
            }
            // What else would be refused is named too.
            Tried::Refused(_) => {
                let rehearsal = Commit {
                    mode: Mode::Rehearse,
                    ..how.clone()
                };
                let rounds = ROUNDS_TO_NAME.min(writes.len() + 1);
                let settled = self.all_that_can_be(catalog, writes, (rounds, now), &rehearsal);
                let Some(settled) = settled.await? else {
                    return Ok(None);
                };
                let outcomes = settled.outcomes.into_iter().enumerate();
                let refused = outcomes.filter_map(|(at, outcome)| Some((at, outcome.err()?)));
                let refused: Vec<(usize, Refusal)> = refused.collect();
                // Whatever was in the way is gone by now.
                match refused.is_empty() {
                    true => Ok(None),
                    false => Err(Unsettled::Refused(refused)),
                }
            }
        }
    }

    /// Leaves out what is refused until the rest can be done; after so many rounds, all is refused. None if it was overtaken.
    async fn all_that_can_be(
        &self,
        catalog: &Catalog,
        writes: &[Write],
        (rounds, now): (usize, i64),
        how: &Commit,
    ) -> Result<Option<Settled>, Unsettled> {
        let mut left_out: BTreeMap<usize, Refusal> = BTreeMap::new();
        for _ in 0..rounds {
            let kept: Vec<usize> = (0..writes.len())
                .filter(|at| !left_out.contains_key(at))
                .collect();
            let rest = kept.iter().map(|at| writes[*at].clone()).collect();
            match self.attempt(catalog, rest, now, how.clone()).await? {
                Tried::Overtaken => return Ok(None),
                Tried::Refused(refused) => {
                    left_out.extend(refused.into_iter().map(|(at, why)| (kept[at], why)))
                }
                Tried::Done {
                    revision,
                    outcomes,
                    followed,
                } => {
                    let mut outcomes = outcomes.into_iter();
                    let outcome = |at| match left_out.remove(&at) {
                        Some(refusal) => Err(refusal),
                        None => outcomes.next().ok_or(Refusal::Seam(Rejection::SchemaChanged)),
                    };
                    let outcomes = (0..writes.len()).map(outcome).collect();
                    return Ok(Some(Settled {
                        revision,
                        outcomes,
                        followed,
                    }));
                }
            }
            if left_out.values().any(Refusal::is_outdated) {
                return Err(Unsettled::Refused(left_out.into_iter().collect()));
            }
        }
        Err(Unsettled::Refused(left_out.into_iter().collect()))
    }

    /// Completes a batch and commits it, whole or not at all.
    async fn attempt(
        &self,
        catalog: &Catalog,
        mut own: Vec<Write>,
        now: i64,
        how: Commit,
    ) -> Result<Tried, Unsettled> {
        let count = own.len();
        // Only who sees a part of a table has to be kept from being told of the rest.
        let held = own.iter().filter(|_| self.rights.is_some());
        let tables: Vec<_> = held.map(|write| table_of(write).cloned()).collect();
        let asked_of = |at: usize| tables.get(at).and_then(Option::as_ref);
        let added = complete(self, catalog, &mut own, now).await?;
        if !added.refused.is_empty() {
            return Ok(Tried::Refused(added.refused));
        }
        let (first, asked, followed) = (added.before.len(), how.checks.len(), added.followed);
        let mut batch = added.before;
        batch.append(&mut own);
        batch.extend(added.after);
        let mut checks = how.checks.clone();
        checks.extend(added.checks);
        let how = Commit {
            checks,
            on_reject: OnReject::Abort,
            ..how
        };
        match self.commit(batch, now, how).await {
            Ok(committed) => Ok(Tried::Done {
                revision: committed.revision,
                outcomes: committed.outcomes.into_iter().skip(first).take(count).collect(),
                followed,
            }),
            Err(StorageError::Overtaken(which)) => {
                // What the caller rests on is for the caller to judge.
                let callers: Vec<usize> = which.into_iter().filter(|at| *at < asked).collect();
                match callers.is_empty() {
                    true => Ok(Tried::Overtaken),
                    false => Err(StorageError::Overtaken(callers).into()),
                }
            }
            Err(StorageError::Rejected(why)) => {
                let own = |at: &usize| (first..first + count).contains(at);
                let mut refused = Vec::with_capacity(why.len());
                for (at, why) in why {
                    if own(&at) {
                        refused.push((
                            at - first,
                            Refusal::Seam(held::untold(self, asked_of(at - first), why)),
                        ));
                    } else if why == Rejection::SchemaChanged {
                        self.reload().await?;
                        return Ok(Tried::Overtaken);
                    } else {
                        return Ok(Tried::Overtaken);
                    }
                }
                Ok(Tried::Refused(refused))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Applies every rule to a batch: what it adds, and which of its writes it refuses.
async fn complete(store: &Store, catalog: &Catalog, own: &mut [Write], now: i64) -> Result<Added, Error> {
    let mut added = Added::default();
    let mut net = Net::of(own);
    held::check(store, own, &mut added).await?;
    if !added.refused.is_empty() {
        return Ok(added);
    }
    room::make(store, own, &mut net, now, &mut added).await?;
    refs::follow(store, catalog, own, &mut net, now, &mut added).await?;
    targets::check(store, catalog, own, &net, now, &mut added).await?;
    files::check(store, catalog, own, &net, now, &mut added).await?;
    if added.refused.is_empty() {
        eviction::evict(store, own, &net, now, &mut added).await?;
    }
    held::untell(store, catalog, own, &mut added.refused);
    added.refused.sort_by_key(|(at, _)| *at);
    added.refused.dedup_by_key(|(at, _)| *at);
    Ok(added)
}

/// How the tables of a batch are held. Who adds to a table of limited size is alone with it; whoever was overtaken is alone
/// with everything that could overtake it again.
fn wanted(catalog: &Catalog, writes: &[Write], again: bool) -> BTreeMap<TableId, Hold> {
    let mut wanted: BTreeMap<TableId, Hold> = BTreeMap::new();
    let mut gone: Vec<TableId> = Vec::new();
    for write in writes {
        let Some(table) = table_of(write) else { continue };
        if !catalog.is_ruled(table.number) {
            continue;
        }
        let adds = matches!(write, Write::Insert { .. })
            || matches!(write, Write::Update { kind, .. } if *kind == ChangeKind::Restored);
        let hold = if adds && table.max_size.is_some() {
            Hold::Alone
        } else {
            Hold::Shared
        };
        let held = wanted.entry(table.number).or_insert(hold);
        *held = hold.max(*held);
        let ends = matches!(write, Write::Purge { .. } | Write::Clear { .. })
            || matches!(write, Write::Update { kind, .. } if *kind == ChangeKind::Deleted)
            || table.ttl_ms.is_some();
        if again && ends && !gone.contains(&table.number) {
            gone.push(table.number);
        }
    }
    let mut next = 0;
    while let Some(table) = gone.get(next).copied() {
        next += 1;
        for referrer in catalog.referrers(table) {
            let number = referrer.table.number;
            wanted.insert(number, Hold::Alone);
            if !gone.contains(&number) {
                gone.push(number);
            }
        }
    }
    wanted
}

/// The table whose records a write is about.
fn table_of(write: &Write) -> Option<&std::sync::Arc<Table>> {
    match write {
        Write::Insert { table, .. }
        | Write::Update { table, .. }
        | Write::Purge { table, .. }
        | Write::Clear { table } => Some(table),
        Write::Schema(_) => None,
    }
}

fn judged(outcome: Outcome) -> Result<Outcome, Refusal> {
    match outcome {
        Outcome::Rejected(why) => Err(Refusal::Seam(why)),
        done => Ok(done),
    }
}
