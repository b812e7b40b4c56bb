//! One window of an undo: gather, decide, write. It goes no further than that window.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::change::{ChangeKind, Reason};
use chancery_model::{Key, Record, Table, TableId, Value};
use chancery_storage::{Check, CommitQuery, OnReject, Rejection, StorageError, Write};

use super::decide::{Decided, decide, set};
use super::report::{Skipped, Why};
use super::run::{ATTEMPTS, Pass, Undo};
use super::trail::{Item, Trail};
use super::window::{Stretch, Touched};
use crate::error::Error;
use crate::events::rebuild::lengthen;
use crate::history::{Field, operation_id};
use crate::replace::check_settled;
use crate::rules::{Refusal, Unsettled};
use crate::store::{Commit, Store};

/// What was refused of a record, so that it is decided without it.
#[derive(Clone, Debug)]
enum Barred {
    /// All of it.
    Whole(Why),
    /// The values of these columns.
    Columns(HashMap<u16, Why>),
}

/// A record: its table and key.
type Place = (TableId, Key);

type Refusals = HashMap<Place, Barred>;

/// What a window writes, and what it leaves.
#[derive(Default)]
struct Planned {
    deeds: Vec<Deed>,
    checks: Vec<Check>,
    left: Vec<Left>,
    /// How many records each table has fewer, those that come back aside.
    freed: HashMap<TableId, u64>,
}

/// The write of one record.
struct Deed {
    write: Write,
    place: Place,
    /// Whether this undo has written the record before, so that it is counted already.
    again: bool,
}

/// What is left as it is.
struct Left {
    table: Arc<Table>,
    key: Key,
    fields: Vec<Field>,
    why: Why,
    /// The commit that is in the way.
    revision: Option<u64>,
}

impl Undo {
    /// Takes one stretch back. Answers whether there may be more to do.
    ///
    /// # Errors
    /// [`Error::Kept`] if it is all or nothing, this is the first commit, and something stands in the way.
    pub(super) async fn window(&mut self, stretch: &Stretch, pass: Pass) -> Result<bool, Error> {
        let mut refusals = Refusals::new();
        for _ in 0..ATTEMPTS {
            // Gather.
            let touched = stretch.items(&self.store).await?;
            for item in &touched.items {
                check_settled(&item.table)?;
            }
            let trails = self.trails(&touched).await?;
            let now = self.store.now();

            // Decide.
            let mut planned = Planned::default();
            for (item, trail) in touched.items.iter().zip(trails) {
                planned.item(&self.store, item, trail, &refusals, now);
            }
            self.leave_room(&mut planned).await?;
            let before = self.running.clone();
            let anew = planned.deeds.iter().filter(|deed| !deed.again).count();
            self.running.report.reverted += anew as u64;
            self.running.written += planned.deeds.len() as u64;
            self.running.position = stretch.position;
            for skipped in self.told(&planned.left, touched.orphans).await? {
                self.running.waiting += u64::from(skipped.why.may_pass());
                self.running.report.skip(skipped);
            }
            if pass == Pass::Write {
                let first = before.report.operation.is_none();
                if self.running.all_or_nothing && first && self.is_stopped() {
                    return Err(Error::Kept(Box::new(self.running.report.clone())));
                }
                self.turn();
            }

            // Write.
            match self.commit(planned, pass, now, &mut refusals).await {
                Ok(()) => return Ok(true),
                Err(Some(error)) => {
                    self.running = before;
                    if let Error::Storage(error) = &error
                        && let Some(more) = self.overtaken(error).await?
                    {
                        return Ok(more);
                    }
                    return Err(error);
                }
                Err(None) => self.running = before,
            }
        }
        Err(Error::Internal(format!("an undo was overtaken {ATTEMPTS} times")))
    }

    async fn trails(&self, touched: &Touched) -> Result<Vec<Trail>, Error> {
        let backend = self.store.backend().clone();
        let mut trails = Vec::with_capacity(touched.items.len());
        for item in &touched.items {
            trails.push(item.trail(backend.as_ref(), &self.taking).await?);
        }
        Ok(trails)
    }

    /// Commits a window; no error means that it has to be decided again.
    async fn commit(
        &mut self,
        planned: Planned,
        pass: Pass,
        now: i64,
        refusals: &mut Refusals,
    ) -> Result<(), Option<Error>> {
        let idle = planned.deeds.is_empty();
        let documents = match pass {
            Pass::Try => Vec::new(),
            // Nothing to write and nothing to go on from: then there was no undo.
            Pass::Write
                if idle
                    && self.running.report.operation.is_none()
                    && self.running.position <= self.taking.first =>
            {
                return Ok(());
            }
            Pass::Write => self.documents(self.running.position).await.map_err(Some)?,
        };
        if idle && documents.is_empty() {
            return Ok(());
        }
        let (writes, places): (Vec<Write>, Vec<Place>) = planned
            .deeds
            .into_iter()
            .map(|deed| (deed.write, deed.place))
            .unzip();
        let how = Commit {
            on_reject: OnReject::Abort,
            mode: pass.mode(),
            reason: Reason::Undo,
            operation: Some(self.running.undo.clone()),
            checks: planned.checks,
            documents,
            ..Commit::default()
        };
        match self.store.write(writes, now, how).await {
            Ok(settled) => {
                self.running.report.followed += settled.followed;
                if pass == Pass::Write {
                    self.committed(settled.revision);
                }
                Ok(())
            }
            Err(Unsettled::Failed(Error::Storage(StorageError::Overtaken(_)))) => Err(None),
            Err(Unsettled::Refused(why)) => {
                if why.iter().any(|(_, refusal)| refusal.is_outdated()) {
                    self.store.reload().await.map_err(Some)?;
                }
                for (index, refusal) in why {
                    note(refusals, places[index].clone(), refusal);
                }
                Err(None)
            }
            Err(Unsettled::Failed(error)) => Err(Some(error)),
        }
    }

    /// Leaves out what a table with a greatest size has no room for: an undo evicts nobody.
    async fn leave_room(&self, planned: &mut Planned) -> Result<(), Error> {
        let mut tables: HashMap<TableId, (Arc<Table>, u64)> = HashMap::new();
        for deed in &planned.deeds {
            if let Some(table) = joins(&deed.write)
                && let Some(max) = table.max_size
            {
                tables.insert(table.number, (table.clone(), max));
            }
        }
        for (table, max) in tables.into_values() {
            let live = self.store.backend().stats(&table).await?.live;
            let freed = planned.freed.get(&table.number).copied().unwrap_or_default();
            let mut room = max.saturating_sub(live.saturating_sub(freed));
            let mut left = Vec::new();
            planned.deeds.retain(|deed| {
                if joins(&deed.write).is_none_or(|other| other.number != table.number) {
                    return true;
                }
                if room > 0 {
                    room -= 1;
                    return true;
                }
                left.push(Left {
                    table: table.clone(),
                    key: deed.place.1.clone(),
                    fields: Vec::new(),
                    why: Why::Full,
                    revision: None,
                });
                false
            });
            planned.left.extend(left);
        }
        Ok(())
    }

    /// What is left, for the report: who is in the way.
    async fn told(&self, left: &[Left], orphans: u64) -> Result<Vec<Skipped>, Error> {
        let mut revisions: Vec<u64> = left.iter().filter_map(|left| left.revision).collect();
        revisions.sort_unstable();
        revisions.dedup();
        let mut commits = HashMap::new();
        if !revisions.is_empty() {
            for logged in self
                .store
                .backend()
                .commits(CommitQuery::Revisions(revisions))
                .await?
            {
                commits.insert(logged.commit.revision, logged.commit);
            }
        }
        let skipped = |left: &Left| {
            let commit = left.revision.and_then(|revision| commits.get(&revision));
            Skipped {
                table: left.table.slug.clone(),
                key: left.key.to_string(),
                fields: left.fields.iter().map(|field| field.name(&left.table)).collect(),
                why: left.why,
                by: commit.and_then(|commit| commit.actor.clone()),
                operation: commit.map(operation_id),
            }
        };
        let orphan = |_| Skipped {
            table: String::new(),
            key: String::new(),
            fields: Vec::new(),
            why: Why::TableGone,
            by: None,
            operation: None,
        };
        Ok(left.iter().map(skipped).chain((0..orphans).map(orphan)).collect())
    }
}

impl Planned {
    /// Plans one record.
    fn item(&mut self, store: &Store, item: &Item, trail: Trail, refusals: &Refusals, now: i64) {
        self.checks.push(Check::Record {
            table: item.table.number,
            key: item.key.clone(),
            change: item.now.as_ref().map_or(0, |record| record.change),
        });
        let links = match trail {
            Trail::Done => return,
            Trail::Gone => return self.leave(item, Vec::new(), Why::Gone, None),
            Trail::Taken(revision) => return self.leave(item, Vec::new(), Why::KeyTaken, Some(revision)),
            Trail::TooLong(revision) => return self.leave(item, Vec::new(), Why::Changed, Some(revision)),
            Trail::Links(links) => links,
        };
        let current = item.now.as_deref();
        let Decided { mut target, kept } = decide(&item.table, current, &links);
        let mut by_revision: HashMap<u64, Vec<Field>> = HashMap::new();
        for (field, revision) in kept {
            by_revision.entry(revision).or_default().push(field);
        }
        let mut by_revision: Vec<(u64, Vec<Field>)> = by_revision.into_iter().collect();
        by_revision.sort();
        for (revision, mut fields) in by_revision {
            fields.sort();
            // An insert stays as a whole.
            if links
                .last()
                .is_some_and(|link| link.change.kind == ChangeKind::Inserted)
            {
                fields.clear();
            }
            self.leave(item, fields, Why::Changed, Some(revision));
        }
        match refusals.get(&(item.table.number, item.key.clone())) {
            Some(Barred::Whole(why)) => return self.leave(item, Vec::new(), *why, None),
            Some(Barred::Columns(columns)) => {
                let plain = match (current, &target) {
                    (Some(now), Some(target)) => now.deleted_at.is_some() == target.deleted_at.is_some(),
                    _ => false,
                };
                for (column, why) in columns {
                    let field = Field::Column(*column);
                    if let (true, Some(now), Some(target)) = (plain, current, &mut target) {
                        set(&item.table, &field, target, now);
                        self.leave(item, vec![field], *why, None);
                    } else {
                        return self.leave(item, Vec::new(), *why, None);
                    }
                }
            }
            None => {}
        }
        let before = self.deeds.len();
        self.write(store, item, target, now);
        for deed in &mut self.deeds[before..] {
            deed.again = links.iter().any(|link| link.own);
        }
    }

    /// The write that makes the record what it should be.
    fn write(&mut self, store: &Store, item: &Item, target: Option<Record>, now: i64) {
        let (table, actor) = (&item.table, &store.actor.id);
        let leaves = target.as_ref().is_none_or(|target| target.deleted_at.is_some());
        if leaves && item.now.as_ref().is_some_and(|now| now.deleted_at.is_none()) {
            *self.freed.entry(table.number).or_default() += 1;
        }
        match (item.now.as_deref(), target) {
            (None, None) => {}
            (Some(current), None) => self.add(item, Write::purge(table, &item.key, Some(current.version))),
            (None, Some(target)) => {
                if table.expired(&target, now) {
                    return self.leave(item, Vec::new(), Why::Expired, None);
                }
                let mut record = target.next(now, actor.clone());
                record.change = 0;
                lengthen(&mut record, table.columns.len());
                let insert = Write::Insert {
                    table: table.clone(),
                    record,
                    draws: Vec::new(),
                };
                self.add(item, insert);
            }
            (Some(current), Some(mut record)) => {
                let before: Vec<(u16, Value)> = (0..table.columns.len() as u16)
                    .filter(|ordinal| record.value(*ordinal) != current.value(*ordinal))
                    .map(|ordinal| (ordinal, current.value(ordinal).clone()))
                    .collect();
                let rest = record.extra == current.extra
                    && record.metadata == current.metadata
                    && record.deleted_at == current.deleted_at
                    && record.expires_at == current.expires_at;
                if before.is_empty() && rest {
                    return;
                }
                let kind = match (current.deleted_at, record.deleted_at) {
                    (None, Some(_)) => ChangeKind::Deleted,
                    (Some(_), None) => ChangeKind::Restored,
                    _ => ChangeKind::Updated,
                };
                record.version = current.version;
                let mut record = record.next(now, actor.clone());
                record.change = current.change;
                record.created_at = current.created_at;
                record.created_by.clone_from(&current.created_by);
                lengthen(&mut record, table.columns.len());
                self.add(item, Write::update(table, current, record, before, kind));
            }
        }
    }

    fn add(&mut self, item: &Item, write: Write) {
        self.deeds.push(Deed {
            write,
            place: (item.table.number, item.key.clone()),
            again: false,
        });
    }

    fn leave(&mut self, item: &Item, fields: Vec<Field>, why: Why, revision: Option<u64>) {
        self.left.push(Left {
            table: item.table.clone(),
            key: item.key.clone(),
            fields,
            why,
            revision,
        });
    }
}

/// Notes what was refused. A record that moved or went meanwhile is simply looked at again.
fn note(refusals: &mut Refusals, place: Place, refusal: Refusal) {
    let (column, why) = match refusal {
        Refusal::Seam(Rejection::KeyTaken) => (None, Why::KeyTaken),
        Refusal::Seam(Rejection::UniqueTaken { column, .. }) => (Some(column), Why::Unique),
        Refusal::Dangling { column, .. } | Refusal::Unfit { column, .. } => (Some(column), Why::Reference),
        // Whoever is held to rights takes nothing back, so the second does not come.
        Refusal::Referenced(_) | Refusal::Beyond(_) => (None, Why::Reference),
        Refusal::Seam(Rejection::NotFound | Rejection::Version { .. } | Rejection::SchemaChanged) => return,
    };
    let Some(column) = column else {
        refusals.insert(place, Barred::Whole(why));
        return;
    };
    let barred = refusals
        .entry(place)
        .or_insert_with(|| Barred::Columns(HashMap::new()));
    if let Barred::Columns(columns) = barred {
        columns.insert(column, why);
    }
}

/// The table to whose live records a write adds one.
fn joins(write: &Write) -> Option<&Arc<Table>> {
    match write {
        Write::Insert { table, record, .. } if record.deleted_at.is_none() => Some(table),
        Write::Update {
            table,
            kind: ChangeKind::Restored,
            ..
        } => Some(table),
        _ => None,
    }
}
