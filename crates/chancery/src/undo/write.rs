//! One window of an undo: gather, decide, write. It goes no further than that window.

use std::collections::{HashMap, HashSet};
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
use crate::history::{Field, operation_id};
use crate::records::key_of;
use crate::store::{Commit, Store};

/// What the backend refused of a record, so that it is decided without it.
#[derive(Clone, Debug)]
enum Refusal {
    KeyTaken,
    Unique(HashSet<u16>),
}

type Refusals = HashMap<(TableId, Key), Refusal>;

/// What a window writes, and what it leaves.
#[derive(Default)]
struct Planned {
    writes: Vec<Write>,
    checks: Vec<Check>,
    left: Vec<Left>,
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
            let trails = self.trails(&touched).await?;
            let now = self.store.now();

            // Decide.
            let mut planned = Planned::default();
            for (item, trail) in touched.items.iter().zip(trails) {
                planned.item(&self.store, item, trail, &refusals, now);
            }
            self.leave_room(&mut planned).await?;
            let before = self.running.clone();
            self.running.report.reverted += planned.writes.len() as u64;
            self.running.position = stretch.position;
            for skipped in self.told(&planned.left, touched.orphans).await? {
                self.running.report.skip(skipped);
            }
            if self.running.all_or_nothing
                && pass == Pass::Write
                && before.report.operation.is_none()
                && self.running.report.skipped_total > 0
            {
                return Err(Error::Kept(Box::new(self.running.report.clone())));
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
        let idle = planned.writes.is_empty();
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
        let places: Vec<(TableId, Key)> = planned
            .writes
            .iter()
            .map(|write| (table_of(write), key_of(write)))
            .collect();
        let how = Commit {
            on_reject: OnReject::Abort,
            mode: pass.mode(),
            reason: Reason::Undo,
            operation: Some(self.running.undo.clone()),
            checks: planned.checks,
            documents,
        };
        match self.store.commit(planned.writes, now, how).await {
            Ok(committed) => {
                if pass == Pass::Write {
                    self.committed(committed.revision);
                }
                Ok(())
            }
            Err(StorageError::Overtaken(_)) => Err(None),
            Err(StorageError::Rejected(why)) => {
                for (index, rejection) in why {
                    match rejection {
                        Rejection::SchemaChanged => self.store.reload().await.map_err(Some)?,
                        rejection => note(refusals, places[index].clone(), rejection),
                    }
                }
                Err(None)
            }
            Err(error) => Err(Some(error.into())),
        }
    }

    /// Leaves out what a table with a greatest size has no room for.
    async fn leave_room(&self, planned: &mut Planned) -> Result<(), Error> {
        let limited = |write: &Write| match write {
            Write::Insert { table, .. } => table.max_size.map(|max| (table.clone(), max)),
            _ => None,
        };
        let tables: HashMap<TableId, (Arc<Table>, u64)> = planned
            .writes
            .iter()
            .filter_map(limited)
            .map(|found| (found.0.number, found))
            .collect();
        for (table, max) in tables.into_values() {
            let stats = self.store.backend().stats(&table).await?;
            let gone = |write: &&Write| matches!(write, Write::Purge { table: other, .. } if other.number == table.number);
            let gone = planned.writes.iter().filter(gone).count() as u64;
            let mut room = max.saturating_sub((stats.live + stats.trash).saturating_sub(gone));
            let mut left = Vec::new();
            planned.writes.retain(|write| match write {
                Write::Insert {
                    table: other, record, ..
                } if other.number == table.number => {
                    if room == 0 {
                        left.push(Left {
                            table: table.clone(),
                            key: record.key.clone(),
                            fields: Vec::new(),
                            why: Why::Full,
                            revision: None,
                        });
                        return false;
                    }
                    room -= 1;
                    true
                }
                _ => true,
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
            Some(Refusal::KeyTaken) => return self.leave(item, Vec::new(), Why::KeyTaken, None),
            Some(Refusal::Unique(columns)) => {
                let plain = match (current, &target) {
                    (Some(now), Some(target)) => now.deleted_at.is_some() == target.deleted_at.is_some(),
                    _ => false,
                };
                let fields: Vec<Field> = columns.iter().map(|column| Field::Column(*column)).collect();
                if let (true, Some(now), Some(target)) = (plain, current, &mut target) {
                    for field in &fields {
                        set(&item.table, field, target, now);
                    }
                    self.leave(item, fields, Why::Unique, None);
                } else {
                    return self.leave(item, Vec::new(), Why::Unique, None);
                }
            }
            None => {}
        }
        self.write(store, item, target, now);
    }

    /// The write that makes the record what it should be.
    fn write(&mut self, store: &Store, item: &Item, target: Option<Record>, now: i64) {
        let (table, stamp) = (&item.table, |record: &mut Record, version: u64| {
            record.version = version + 1;
            record.updated_at = now;
            record.updated_by = store.actor.id.clone();
        });
        match (item.now.as_deref(), target) {
            (None, None) => {}
            (Some(current), None) => self
                .writes
                .push(Write::purge(table, &item.key, Some(current.version))),
            (None, Some(mut record)) => {
                if record.expires_at.is_some_and(|expires| expires <= now) {
                    return self.leave(item, Vec::new(), Why::Expired, None);
                }
                let version = record.version;
                stamp(&mut record, version);
                record.change = 0;
                lengthen(&mut record, table.columns.len());
                self.writes.push(Write::Insert {
                    table: table.clone(),
                    record,
                    draws: Vec::new(),
                });
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
                stamp(&mut record, current.version);
                record.change = current.change;
                record.created_at = current.created_at;
                record.created_by.clone_from(&current.created_by);
                lengthen(&mut record, table.columns.len());
                self.writes
                    .push(Write::update(table, current, record, before, kind));
            }
        }
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

/// Notes what the backend refused. A record that moved or went meanwhile is simply looked at again.
fn note(refusals: &mut Refusals, place: (TableId, Key), rejection: Rejection) {
    match rejection {
        Rejection::KeyTaken => {
            refusals.insert(place, Refusal::KeyTaken);
        }
        Rejection::UniqueTaken { column, .. } => {
            let refusal = refusals
                .entry(place)
                .or_insert_with(|| Refusal::Unique(HashSet::new()));
            if let Refusal::Unique(columns) = refusal {
                columns.insert(column);
            }
        }
        Rejection::NotFound | Rejection::Version { .. } | Rejection::SchemaChanged => {}
    }
}

fn table_of(write: &Write) -> TableId {
    match write {
        Write::Insert { table, .. }
        | Write::Update { table, .. }
        | Write::Purge { table, .. }
        | Write::Clear { table } => table.number,
        Write::Schema(_) => TableId::default(),
    }
}

/// Makes a record as long as its table has columns by now.
fn lengthen(record: &mut Record, columns: usize) {
    if record.values.len() < columns {
        let mut values = std::mem::take(&mut record.values).into_vec();
        values.resize(columns, Value::Null);
        record.values = values.into_boxed_slice();
    }
}
