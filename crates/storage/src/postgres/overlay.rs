//! Batches decided in memory, on what was read under the lock of commits: nobody else writes meanwhile, so what was read
//! stays true. Each write is judged where it stands; what a batch did is taken back if it is not to be. It runs nothing.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;

use chancery_model::change::{ChangeKind, Was};
use chancery_model::{Key, Record, Table, TableId, Value};
use uuid::Uuid;

use super::checks::Facts;
use super::log::{CommitRow, Entry};
use super::numeric;
use super::relation::Relation;
use crate::batch::{
    Batch, Committed, Counter, DocumentWrite, Draw, Mode, OnReject, Outcome, Rejection, Write,
};
use crate::claims::{Claims, Place};
use crate::error::StorageError;
use crate::forms;

/// One record: as it is stored, and as it is to be.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// As it is stored.
    pub(super) base: Option<Arc<Record>>,
    /// As it is to be.
    pub(super) now: Option<Arc<Record>>,
    /// Columns that differ.
    pub(super) columns: BTreeSet<u16>,
    /// Whether it is another record than the stored one, under the same key.
    pub(super) anew: bool,
}

/// The records of one table that writes may touch.
#[derive(Debug)]
pub(super) struct Rows {
    /// How the table is kept.
    pub(super) relation: Arc<Relation>,
    /// By key; what is not here is not there.
    pub(super) states: HashMap<Key, State>,
    /// Who has a unique value, by column and value.
    pub(super) holders: HashMap<(u16, String), Key>,
}

/// What is in force of a table's definition.
#[derive(Clone, Debug)]
pub(super) struct Defined {
    /// The version of the definition.
    pub(super) version: u64,
    /// The columns of its full-text index, if it has one.
    pub(super) searched: Option<Vec<u16>>,
}

/// A document, its body aside.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) version: u64,
    pub(super) lookup: Option<String>,
}

pub(super) type Name = (String, String);

/// How to take one step back.
#[derive(Debug)]
pub(super) enum Undo {
    State(TableId, Key, Option<State>),
    Holder(TableId, (u16, String), Option<Key>),
    Counter(Counter, Option<u64>),
    Document(Name, Option<Kept>),
    Lookup(Name, Option<String>),
    Touched(TableId, Option<i64>),
}

/// A place to go back to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    revision: u64,
    change: u64,
    steps: usize,
    entries: usize,
    documents: usize,
    commits: usize,
}

/// The database as far as it was read, and what is to become of it.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    /// The newest revision.
    pub(super) revision: u64,
    /// The newest change.
    pub(super) change: u64,
    /// Definitions in force.
    pub(super) defined: HashMap<TableId, Defined>,
    /// Tables.
    pub(super) tables: HashMap<TableId, Rows>,
    /// The last number given by each counter.
    pub(super) counters: HashMap<Counter, u64>,
    /// Counters to be written.
    pub(super) drawn: BTreeSet<(u32, u16)>,
    /// Documents.
    pub(super) documents: HashMap<Name, Kept>,
    /// Ids of documents by kind and second name.
    pub(super) lookups: HashMap<Name, String>,
    /// Writes of documents, with the version each leaves.
    pub(super) document_writes: Vec<(DocumentWrite, u64)>,
    /// Rows of the log.
    pub(super) entries: Vec<Entry>,
    /// Rows of commits.
    pub(super) commits: Vec<CommitRow>,
    /// When tables changed.
    pub(super) touched: HashMap<TableId, i64>,
    /// Unique values that change hands in the running batch, where they are judged by what the whole batch leaves.
    pub(super) claims: Option<Claims>,
    /// The write of the running batch that is being decided.
    at: usize,
    /// What checks are judged by.
    pub(super) facts: Facts,
    pub(super) undo: Vec<Undo>,
}

/// What a write answers: done, or refused.
pub(super) type Verdict = Result<Outcome, Rejection>;

/// A unique value as what tells it from others: numbers by their value.
pub(super) fn distinct(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::List(list) => forms::list_text(list),
        Value::Json(json) => json.to_string(),
        Value::Bool(bool) => bool.to_string(),
        number => {
            let digits = numeric::digits(number).unwrap_or_default();
            digits.strip_suffix(".0").map(str::to_owned).unwrap_or(digits)
        }
    }
}

impl Overlay {
    /// The place to go back to.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            revision: self.revision,
            change: self.change,
            steps: self.undo.len(),
            entries: self.entries.len(),
            documents: self.document_writes.len(),
            commits: self.commits.len(),
        }
    }

    /// Goes back.
    pub(super) fn take_back(&mut self, mark: Mark) {
        self.revision = mark.revision;
        self.change = mark.change;
        self.entries.truncate(mark.entries);
        self.document_writes.truncate(mark.documents);
        self.commits.truncate(mark.commits);
        for undo in self.undo.split_off(mark.steps).into_iter().rev() {
            match undo {
                Undo::State(table, key, old) => {
                    if let Some(rows) = self.tables.get_mut(&table) {
                        put(&mut rows.states, key, old);
                    }
                }
                Undo::Holder(table, value, old) => {
                    if let Some(rows) = self.tables.get_mut(&table) {
                        put(&mut rows.holders, value, old);
                    }
                }
                Undo::Counter(counter, old) => put(&mut self.counters, counter, old),
                Undo::Document(name, old) => put(&mut self.documents, name, old),
                Undo::Lookup(name, old) => put(&mut self.lookups, name, old),
                Undo::Touched(table, old) => put(&mut self.touched, table, old),
            }
        }
    }

    /// Decides a batch that changes no definitions; takes it back if it is refused or only rehearsed.
    pub(super) fn batch(&mut self, batch: &Batch, id: Uuid) -> Result<Committed, StorageError> {
        self.judge(&batch.checks)?;
        let mark = self.mark();
        let (revision, first) = (self.revision, self.change + 1);
        let mut verdicts = Vec::with_capacity(batch.writes.len());
        self.claims = Claims::of(batch);
        for write in &batch.writes {
            match self.write(verdicts.len(), write, (revision + 1, batch.at)) {
                Ok(verdict) => verdicts.push(verdict),
                Err(error) => {
                    self.take_back(mark);
                    return Err(error);
                }
            }
        }
        self.settle_claims(&mut verdicts);
        let decided = self.settle(batch, verdicts, first, id);
        if decided.is_err() || batch.mode == Mode::Rehearse {
            self.take_back(mark);
        }
        decided.map(|outcomes| Committed {
            revision: self.revision,
            outcomes,
        })
    }

    /// Decides what is left of a batch once each of its writes has a verdict: documents, and the row of the commit.
    pub(super) fn settle(
        &mut self,
        batch: &Batch,
        verdicts: Vec<Verdict>,
        first: u64,
        id: Uuid,
    ) -> Result<Vec<Outcome>, StorageError> {
        if batch.on_reject == OnReject::Abort && verdicts.iter().any(Result::is_err) {
            let refused = verdicts.into_iter().enumerate();
            let refused = refused.filter_map(|(index, verdict)| Some((index, verdict.err()?)));
            return Err(StorageError::Rejected(refused.collect()));
        }
        for document in &batch.documents {
            self.document(document)?;
        }
        if !batch.documents.is_empty() || verdicts.iter().any(Result::is_ok) {
            self.revision += 1;
            self.commits.push(CommitRow::new(batch, self.revision, first, id));
        }
        let outcomes = verdicts
            .into_iter()
            .map(|verdict| verdict.unwrap_or_else(Outcome::Rejected));
        Ok(outcomes.collect())
    }

    /// Decides one write that changes no definition and clears no table.
    pub(super) fn write(
        &mut self,
        index: usize,
        write: &Write,
        (revision, at): (u64, i64),
    ) -> Result<Verdict, StorageError> {
        self.at = index;
        match write {
            Write::Insert { table, record, draws } => self.insert(table, record, draws, (revision, at)),
            Write::Update {
                table,
                record,
                expected,
                before,
                kind,
                was,
            } => {
                let change = Update {
                    record,
                    expected: *expected,
                    before,
                    was,
                    kind: *kind,
                };
                Ok(self.update(table, change, (revision, at)))
            }
            Write::Purge {
                table,
                key,
                expected,
                kind,
            } => Ok(self.purge(table, key, (*expected, *kind), (revision, at))),
            Write::Clear { .. } | Write::Schema(_) => Err(StorageError::Internal(
                "a definition cannot be changed in memory".into(),
            )),
        }
    }

    /// Judges the unique values that changed hands in the writes so far, and refuses those that leave one to two records.
    pub(super) fn settle_claims(&mut self, verdicts: &mut [Verdict]) {
        let tables = &self.tables;
        let has = |place: &Place, key: &Key| {
            let rows = tables.get(&place.table);
            // Who is not among the records is not written: it has what it was found by.
            let Some(state) = rows.and_then(|rows| rows.states.get(key)) else {
                return Ok(true);
            };
            let live = state.now.as_ref().filter(|record| record.deleted_at.is_none());
            Ok(live.is_some_and(|record| distinct(record.value(place.column)) == distinct(&place.value)))
        };
        let refused = self
            .claims
            .as_mut()
            .map_or(Ok(Vec::new()), |claims| claims.settle(has));
        for (index, rejection) in refused.unwrap_or_else(|never: Infallible| match never {}) {
            verdicts[index] = Err(rejection);
        }
    }

    /// Whether a definition is the one in force.
    pub(super) fn is_current(&self, table: &Table) -> bool {
        self.defined
            .get(&table.number)
            .is_some_and(|defined| defined.version == table.schema_version)
    }

    fn insert(
        &mut self,
        table: &Table,
        record: &Record,
        draws: &[Draw],
        (revision, at): (u64, i64),
    ) -> Result<Verdict, StorageError> {
        if !self.is_current(table) {
            return Ok(Err(Rejection::SchemaChanged));
        }
        let mut record = record.clone();
        let mut drawn = Vec::new();
        for draw in draws {
            self.draw(draw, &mut record, &mut drawn)?;
        }
        let Some(rows) = self.tables.get(&table.number) else {
            return Ok(Err(Rejection::SchemaChanged));
        };
        let state = rows.states.get(&record.key);
        if state.is_some_and(|state| state.now.is_some()) {
            return Ok(Err(Rejection::KeyTaken));
        }
        if let Err(rejection) = claim(&mut self.claims, self.at, rows, (None, &record)) {
            return Ok(Err(rejection));
        }
        let mut state = state.cloned().unwrap_or_default();
        for (counter, last) in drawn {
            let old = self.counters.insert(counter, last);
            self.undo.push(Undo::Counter(counter, old));
            self.drawn.insert(counter.place());
        }
        record.change = self.change + 1;
        let record = Arc::new(record);
        state.anew = true;
        state.now = Some(record.clone());
        self.set(table.number, record.key.clone(), state);
        self.hold(table.number, None, Some(&record));
        let step = Step {
            kind: ChangeKind::Inserted,
            previous: 0,
            before: None,
        };
        self.append(table.number, &record.key, step, (revision, at));
        Ok(Ok(Outcome::Written(record)))
    }

    fn update(&mut self, table: &Table, change: Update<'_>, (revision, at): (u64, i64)) -> Verdict {
        let Update {
            record,
            expected,
            before,
            was,
            kind,
        } = change;
        let (_, old) = self.locate(table, &record.key, Some(expected))?;
        let mut record = record.clone();
        keep_the_others(&mut record, &old, before);
        let rows = self.tables.get(&table.number).ok_or(Rejection::SchemaChanged)?;
        claim(&mut self.claims, self.at, rows, (Some(&old), &record))?;
        let mut state = rows.states.get(&record.key).cloned().unwrap_or_default();
        record.change = self.change + 1;
        let record = Arc::new(record);
        state.columns.extend(before.iter().map(|(ordinal, _)| *ordinal));
        state.now = Some(record.clone());
        self.set(table.number, record.key.clone(), state);
        self.hold(table.number, Some(&old), Some(&record));
        let step = Step {
            kind,
            previous: old.change,
            before: Some(forms::changed_text(table, before, was)),
        };
        self.append(table.number, &record.key, step, (revision, at));
        Ok(Outcome::Written(record))
    }

    fn purge(
        &mut self,
        table: &Table,
        key: &Key,
        (expected, kind): (Option<u64>, ChangeKind),
        (revision, at): (u64, i64),
    ) -> Verdict {
        let (rows, old) = self.locate(table, key, expected)?;
        let mut state = rows.states.get(key).cloned().unwrap_or_default();
        state.now = None;
        self.set(table.number, key.clone(), state);
        self.hold(table.number, Some(&old), None);
        let step = Step {
            kind,
            previous: old.change,
            before: Some(forms::removed_text(table, &old)),
        };
        self.append(table.number, key, step, (revision, at));
        Ok(Outcome::Purged(old))
    }

    /// The record that a write is about, at the version that it expects.
    fn locate(
        &self,
        table: &Table,
        key: &Key,
        expected: Option<u64>,
    ) -> Result<(&Rows, Arc<Record>), Rejection> {
        let rows = self.tables.get(&table.number).filter(|_| self.is_current(table));
        let rows = rows.ok_or(Rejection::SchemaChanged)?;
        let state = rows.states.get(key).and_then(|state| state.now.clone());
        let old = state.ok_or(Rejection::NotFound)?;
        match expected {
            Some(expected) if expected != old.version => Err(Rejection::Version { found: old.version }),
            _ => Ok((rows, old)),
        }
    }

    fn set(&mut self, table: TableId, key: Key, state: State) {
        if let Some(rows) = self.tables.get_mut(&table) {
            let old = rows.states.insert(key.clone(), state);
            self.undo.push(Undo::State(table, key, old));
        }
    }

    /// Notes which unique values a record gives up and which it takes.
    fn hold(&mut self, table: TableId, old: Option<&Record>, new: Option<&Record>) {
        let Some(rows) = self.tables.get_mut(&table) else {
            return;
        };
        let live = |record: Option<&Record>, ordinal: u16| {
            let record = record.filter(|record| record.deleted_at.is_none())?;
            let value = record.value(ordinal);
            (!value.is_null()).then(|| (distinct(value), record.key.clone()))
        };
        for slot in rows.relation.slots.iter().filter(|slot| slot.unique) {
            let (gives, takes) = (live(old, slot.ordinal), live(new, slot.ordinal));
            if gives == takes {
                continue;
            }
            if let Some((value, key)) = gives {
                let place = (slot.ordinal, value);
                // While it changes hands, somebody else may be noted for it.
                if rows.holders.get(&place) == Some(&key) {
                    let old = rows.holders.remove(&place);
                    self.undo.push(Undo::Holder(table, place, old));
                }
            }
            if let Some((value, key)) = takes {
                let place = (slot.ordinal, value);
                let old = rows.holders.insert(place.clone(), key);
                self.undo.push(Undo::Holder(table, place, old));
            }
        }
    }

    fn append(&mut self, table: TableId, key: &Key, step: Step, (revision, at): (u64, i64)) {
        self.log(Entry {
            number: self.change + 1,
            revision,
            table,
            key: Some(key.clone()),
            kind: step.kind,
            previous: step.previous,
            before: step.before,
        });
        self.touch(table, at);
    }

    /// Adds a row to the log.
    pub(super) fn log(&mut self, entry: Entry) {
        self.change = entry.number;
        self.entries.push(entry);
    }

    /// Notes when a table changed.
    pub(super) fn touch(&mut self, table: TableId, at: i64) {
        let old = self.touched.insert(table, at);
        if old != Some(at) {
            self.undo.push(Undo::Touched(table, old));
        }
    }
}

pub(super) fn put<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => map.insert(key, value),
        None => map.remove(&key),
    };
}

/// A new state of a record.
struct Update<'a> {
    record: &'a Record,
    expected: u64,
    before: &'a [(u16, Value)],
    was: &'a Was,
    kind: ChangeKind,
}

/// A step of a record in the log.
struct Step {
    kind: ChangeKind,
    previous: u64,
    before: Option<String>,
}

/// The unique values that a record has now and did not have before, its columns in order.
fn takes<'r>(
    rows: &'r Rows,
    (old, record): (Option<&'r Record>, &'r Record),
) -> impl Iterator<Item = (u16, &'r Value)> {
    let old = old.filter(|old| old.deleted_at.is_none());
    let unique = rows.relation.slots.iter().filter(|slot| slot.unique);
    let values = unique.map(|slot| (slot.ordinal, record.value(slot.ordinal)));
    let has = |old: &Record, column: u16, value: &Value| {
        !old.value(column).is_null() && distinct(old.value(column)) == distinct(value)
    };
    values.filter(move |(column, value)| {
        record.deleted_at.is_none() && !value.is_null() && !old.is_some_and(|old| has(old, *column, value))
    })
}

/// Refuses values that somebody else has; where the batch is judged as a whole it only notes who takes what.
fn claim(
    claims: &mut Option<Claims>,
    write: usize,
    rows: &Rows,
    states: (Option<&Record>, &Record),
) -> Result<(), Rejection> {
    for (column, value) in takes(rows, states) {
        let holder = rows.holders.get(&(column, distinct(value)));
        match (&mut *claims, holder) {
            (Some(claims), holder) => {
                let place = Place {
                    table: rows.relation.table.number,
                    column,
                    value: value.clone(),
                };
                claims.take(place, holder, &states.1.key, write);
            }
            (None, Some(holder)) => {
                let holder = Some(holder.clone());
                return Err(Rejection::UniqueTaken { column, holder });
            }
            (None, None) => {}
        }
    }
    Ok(())
}

/// Only the columns that `before` names are written; the others stay as they are stored.
fn keep_the_others(record: &mut Record, old: &Record, before: &[(u16, Value)]) {
    for index in 0..record.values.len().max(old.values.len()) {
        let column = index as u16;
        if record.value(column) != old.value(column) && !before.iter().any(|(named, _)| *named == column) {
            set_value(record, index, old.value(column).clone());
        }
    }
}

/// Sets a value, making room for it if the record is older than the column.
pub(super) fn set_value(record: &mut Record, index: usize, value: Value) {
    if index >= record.values.len() {
        let mut values = std::mem::take(&mut record.values).into_vec();
        values.resize(index + 1, Value::Null);
        record.values = values.into_boxed_slice();
    }
    record.values[index] = value;
}
