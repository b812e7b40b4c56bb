//! Commits in memory: each write is checked and done in order, under one lock, and all are taken back if the batch is
//! not to be. It does not lock and does not answer reads.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind, Commit, Was};
use chancery_model::{Key, Record, Table, Value};

use super::State;
use super::checks;
use super::relation::{Relation, Taken, Touched, refused};
use super::undo::{self, Undo};
use crate::batch::{
    Batch, Committed, Counter, DocumentWrite, Draw, DrawTarget, Mode, OnReject, Outcome, Rejection,
    SchemaWrite, Write,
};
use crate::claims::{Claims, Place};
use crate::definition::{DEFINITION_KIND, definition_document};
use crate::error::StorageError;
use crate::part::LoggedCommit;

/// Why a write was not done.
enum Refusal {
    /// Its precondition failed.
    Rejected(Rejection),
    /// The batch cannot go on.
    Failed(StorageError),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Refusal {
        Refusal::Rejected(rejection)
    }
}

/// Applies a batch, or answers why not and leaves everything as it was.
pub(super) fn commit(state: &mut State, batch: Batch) -> Result<Committed, StorageError> {
    let claims = Claims::of(&batch);
    let Batch {
        at,
        actor,
        operation,
        reason,
        checks,
        writes,
        documents,
        on_reject,
        mode,
    } = batch;
    checks::judge(state, &checks)?;
    let logged = state.log.newest();
    let reversible = mode == Mode::Rehearse || writes.len() + documents.len() > 1;
    let mut step = Step {
        touch: Touched {
            at: Some(at),
            revision: state.revision + 1,
        },
        reversible,
        undo: Vec::new(),
        at: 0,
        claims,
        state,
    };
    let mut outcomes = Vec::with_capacity(writes.len());
    let mut failed = step.writes(writes, on_reject, &mut outcomes).err();
    let done = !documents.is_empty()
        || outcomes
            .iter()
            .any(|outcome| !matches!(outcome, Outcome::Rejected(_)));
    if failed.is_none() {
        failed = documents
            .into_iter()
            .find_map(|document| step.document(document).err());
    }
    if failed.is_some() || mode == Mode::Rehearse {
        let steps = step.undo;
        undo::take_back(state, steps, logged);
    } else if done {
        state.revision += 1;
        let commit = Commit {
            revision: state.revision,
            at,
            actor,
            operation,
            reason,
        };
        state.log.commit(LoggedCommit {
            commit,
            first_change: logged + 1,
        });
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(Committed {
            revision: state.revision,
            outcomes,
        }),
    }
}

/// A batch being applied.
struct Step<'a> {
    state: &'a mut State,
    /// What every change is stamped with.
    touch: Touched,
    /// Whether steps may have to be taken back: not so for a single write, which checks before it does.
    reversible: bool,
    undo: Vec<Undo>,
    /// Which write is being done.
    at: usize,
    /// Unique values that change hands, where they are judged by what the whole batch leaves.
    claims: Option<Claims>,
}

impl Step<'_> {
    /// Does the writes in order.
    fn writes(
        &mut self,
        writes: Vec<Write>,
        on_reject: OnReject,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(), StorageError> {
        let mut rejected: Vec<(usize, Rejection)> = Vec::new();
        for (index, write) in writes.into_iter().enumerate() {
            if !write.is_of_a_record() && self.settle(&mut rejected) {
                return Err(StorageError::Rejected(rejected));
            }
            match self.write(index, write) {
                Ok(outcome) => outcomes.push(outcome),
                Err(Refusal::Rejected(rejection)) if on_reject == OnReject::Skip => {
                    outcomes.push(Outcome::Rejected(rejection))
                }
                Err(Refusal::Rejected(rejection)) => rejected.push((index, rejection)),
                Err(Refusal::Failed(error)) => return Err(error),
            }
        }
        self.settle(&mut rejected);
        if rejected.is_empty() {
            return Ok(());
        }
        Err(StorageError::Rejected(rejected))
    }

    /// Judges the unique values that changed hands, and answers whether any has two records now.
    fn settle(&mut self, rejected: &mut Vec<(usize, Rejection)>) -> bool {
        let relations = &self.state.relations;
        let has = |place: &Place, key: &Key| {
            let record = relations.get(&place.table).and_then(|relation| relation.get(key));
            let live = record.filter(|record| record.deleted_at.is_none());
            Ok(live.is_some_and(|record| record.value(place.column).cmp(&place.value).is_eq()))
        };
        let refused = self
            .claims
            .as_mut()
            .map_or(Ok(Vec::new()), |claims| claims.settle(has));
        let refused: Vec<_> = refused.unwrap_or_else(|never: Infallible| match never {});
        let some = !refused.is_empty();
        rejected.extend(refused);
        rejected.sort_by_key(|(index, _)| *index);
        some
    }

    fn write(&mut self, index: usize, write: Write) -> Result<Outcome, Refusal> {
        self.at = index;
        match write {
            Write::Insert { table, record, draws } => self.insert(&table, record, &draws),
            Write::Update {
                table,
                record,
                expected,
                before,
                was,
                kind,
            } => self.update(&table, record, expected, (before, was), kind),
            Write::Purge {
                table,
                key,
                expected,
                kind,
            } => self.purge(&table, &key, expected, kind),
            Write::Clear { table } => self.clear(&table),
            Write::Schema(SchemaWrite::Create(table)) => self.create_table(table),
            Write::Schema(SchemaWrite::Change { before, after }) => self.change_table(&before, after),
            Write::Schema(SchemaWrite::Drop(table)) => self.drop_table(&table),
        }
    }

    fn insert(&mut self, table: &Table, mut record: Record, draws: &[Draw]) -> Result<Outcome, Refusal> {
        let State {
            relations,
            counters,
            log,
            ..
        } = &mut *self.state;
        let relation = decided_on(relations, table)?;
        let mut drawn = Vec::new();
        for draw in draws {
            fill(draw, &mut record, &mut drawn, counters)?;
        }
        let vacancy = relation.vacancy(&record)?;
        claim(
            &mut self.claims,
            self.at,
            relation,
            (None, &record),
            &vacancy.taken,
        )?;
        for (counter, value) in drawn {
            let old = counters.insert(counter, value).unwrap_or_default();
            if self.reversible {
                self.undo.push(Undo::Counted { counter, old });
            }
        }
        let number = log.newest() + 1;
        record.change = number;
        let key = record.key.clone();
        let touched = std::mem::replace(&mut relation.touched, self.touch);
        if self.reversible {
            self.undo.push(Undo::Inserted {
                table: table.number,
                key: key.clone(),
                touched,
            });
        }
        log.push(Change {
            number,
            revision: self.touch.revision,
            table: table.number,
            key: Some(key),
            kind: ChangeKind::Inserted,
            previous: 0,
            before: Vec::new(),
            was: None,
        });
        let record = Arc::new(record);
        relation.add(record.clone(), vacancy);
        Ok(Outcome::Written(record))
    }

    fn update(
        &mut self,
        table: &Table,
        mut record: Record,
        expected: u64,
        (before, was): (Vec<(u16, Value)>, Box<Was>),
        kind: ChangeKind,
    ) -> Result<Outcome, Refusal> {
        let State { relations, log, .. } = &mut *self.state;
        let relation = decided_on(relations, table)?;
        let slot = relation.slots.find(&record.key).ok_or(Rejection::NotFound)?;
        let old = relation.slots.get(slot);
        if old.version != expected {
            return Err(Rejection::Version { found: old.version }.into());
        }
        keep_the_others(&mut record, old, &before);
        let taken = relation.taken_from(old, &record);
        claim(&mut self.claims, self.at, relation, (Some(old), &record), &taken)?;
        let number = log.newest() + 1;
        record.change = number;
        log.push(Change {
            number,
            revision: self.touch.revision,
            table: table.number,
            key: Some(record.key.clone()),
            kind,
            previous: old.change,
            before: remembered(table, before),
            was: Some(remembered_state(table, was)),
        });
        let record = Arc::new(record);
        let old = relation.replace(slot, record.clone());
        let touched = std::mem::replace(&mut relation.touched, self.touch);
        if self.reversible {
            self.undo.push(Undo::Updated {
                table: table.number,
                old,
                touched,
            });
        }
        Ok(Outcome::Written(record))
    }

    fn purge(
        &mut self,
        table: &Table,
        key: &Key,
        expected: Option<u64>,
        kind: ChangeKind,
    ) -> Result<Outcome, Refusal> {
        let State { relations, log, .. } = &mut *self.state;
        let relation = decided_on(relations, table)?;
        let slot = relation.slots.find(key).ok_or(Rejection::NotFound)?;
        let found = relation.slots.get(slot).version;
        if expected.is_some_and(|expected| expected != found) {
            return Err(Rejection::Version { found }.into());
        }
        let old = relation.remove(slot);
        let touched = std::mem::replace(&mut relation.touched, self.touch);
        log.push(Change {
            number: log.newest() + 1,
            revision: self.touch.revision,
            table: table.number,
            key: Some(old.key.clone()),
            kind,
            previous: old.change,
            before: remembered(table, all_values(&old)),
            was: Some(remembered_state(table, Was::removed(&old))),
        });
        if self.reversible {
            self.undo.push(Undo::Purged {
                table: table.number,
                old: old.clone(),
                touched,
            });
        }
        Ok(Outcome::Purged(old))
    }

    fn clear(&mut self, table: &Table) -> Result<Outcome, Refusal> {
        let State { relations, log, .. } = &mut *self.state;
        let relation = decided_on(relations, table)?;
        let mut empty = Relation::new(relation.definition.clone());
        empty.touched = self.touch;
        let old = std::mem::replace(relation, empty);
        let count = old.live.len() + old.trash.len();
        log.push(Change {
            number: log.newest() + 1,
            revision: self.touch.revision,
            table: table.number,
            key: None,
            kind: ChangeKind::Cleared,
            previous: 0,
            before: Vec::new(),
            was: None,
        });
        if self.reversible {
            self.undo.push(Undo::Cleared { old: Box::new(old) });
        }
        Ok(Outcome::Cleared(count as u64))
    }

    fn create_table(&mut self, table: Arc<Table>) -> Result<Outcome, Refusal> {
        if self.state.relations.contains_key(&table.number) {
            return Err(Rejection::SchemaChanged.into());
        }
        self.keep_definition(&table)?;
        self.undo.push(Undo::Created { table: table.number });
        self.state.relations.insert(table.number, Relation::new(table));
        Ok(Outcome::Defined)
    }

    fn change_table(&mut self, before: &Table, after: Arc<Table>) -> Result<Outcome, Refusal> {
        let relation = decided_on(&mut self.state.relations, before)?;
        let (definition, retired) = relation.redefine(after.clone())?;
        self.undo.push(Undo::Changed { definition, retired });
        self.keep_definition(&after)?;
        Ok(Outcome::Defined)
    }

    fn drop_table(&mut self, table: &Table) -> Result<Outcome, Refusal> {
        decided_on(&mut self.state.relations, table)?;
        let old = self.state.documents.set(DEFINITION_KIND, &table.id, None);
        self.undo.push(Undo::Document {
            kind: DEFINITION_KIND.into(),
            id: table.id.clone(),
            old,
        });
        let own =
            |counter: &Counter| matches!(counter, Counter::Column(number, _) if *number == table.number);
        let counters = self.state.counters.extract_if(|counter, _| own(counter));
        self.undo
            .extend(counters.map(|(counter, old)| Undo::Counted { counter, old }));
        if let Some(old) = self.state.relations.remove(&table.number) {
            self.undo.push(Undo::Dropped { old: Box::new(old) });
        }
        Ok(Outcome::Defined)
    }

    fn keep_definition(&mut self, table: &Table) -> Result<(), Refusal> {
        let document = definition_document(table).map_err(Refusal::Failed)?;
        self.document(DocumentWrite::Put {
            document,
            expected: None,
        })
        .map_err(Refusal::Failed)
    }

    fn document(&mut self, write: DocumentWrite) -> Result<(), StorageError> {
        let (kind, id, old) = match write {
            DocumentWrite::Put { document, expected } => {
                let (kind, id) = (document.kind.clone(), document.id.clone());
                match self.state.documents.put(document, expected) {
                    Ok(old) => (kind, id, old),
                    Err(_) => return Err(StorageError::DocumentConflict { kind, id }),
                }
            }
            DocumentWrite::Delete { kind, id } => {
                let old = self.state.documents.set(&kind, &id, None);
                (kind, id, old)
            }
        };
        self.undo.push(Undo::Document { kind, id, old });
        Ok(())
    }
}

/// Refuses values that somebody else has; where the batch is judged as a whole it only notes who takes what.
fn claim(
    claims: &mut Option<Claims>,
    write: usize,
    relation: &Relation,
    (old, record): (Option<&Record>, &Record),
    taken: &[Taken],
) -> Result<(), Rejection> {
    let Some(claims) = claims else {
        return taken.first().map_or(Ok(()), |taken| Err(refused(taken.clone())));
    };
    if taken.is_empty() && claims.is_empty() {
        return Ok(());
    }
    for (column, value) in relation.takes(old, record) {
        let holder = taken.iter().find(|(other, _)| *other == column);
        let place = Place {
            table: relation.definition.number,
            column,
            value: value.clone(),
        };
        claims.take(place, holder.map(|(_, holder)| holder), &record.key, write);
    }
    Ok(())
}

/// The relation of a table, if its definition is still the one that a write was decided on.
fn decided_on<'a>(relations: &'a mut super::Relations, table: &Table) -> Result<&'a mut Relation, Rejection> {
    match relations.get_mut(&table.number) {
        Some(relation) if relation.definition.schema_version == table.schema_version => Ok(relation),
        _ => Err(Rejection::SchemaChanged),
    }
}

/// Puts a drawn or given number in its place and notes in `drawn` how far its counter has gone.
fn fill(
    draw: &Draw,
    record: &mut Record,
    drawn: &mut Vec<(Counter, u64)>,
    counters: &HashMap<Counter, u64>,
) -> Result<(), Refusal> {
    let noted = drawn
        .iter()
        .rev()
        .find(|(counter, _)| *counter == draw.counter)
        .map(|(_, last)| *last);
    let last = noted.unwrap_or_else(|| counters.get(&draw.counter).copied().unwrap_or_default());
    let number = match draw.given {
        Some(given) => {
            drawn.push((draw.counter, last.max(u64::try_from(given).unwrap_or_default())));
            given
        }
        None => {
            let next = i64::try_from(last)
                .ok()
                .and_then(|last| last.checked_add(1))
                .ok_or_else(exhausted)?;
            drawn.push((draw.counter, last + 1));
            next
        }
    };
    match draw.target {
        DrawTarget::Key => record.key = Key::Int(number),
        DrawTarget::Column(column) => set_value(record, usize::from(column), Value::Int(number)),
    }
    Ok(())
}

/// A counter has given its last number.
fn exhausted() -> Refusal {
    Refusal::Failed(StorageError::Internal(format!(
        "a counter is at its end, {}",
        i64::MAX
    )))
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
fn set_value(record: &mut Record, index: usize, value: Value) {
    if index >= record.values.len() {
        let mut values = std::mem::take(&mut record.values).into_vec();
        values.resize(index + 1, Value::Null);
        record.values = values.into_boxed_slice();
    }
    record.values[index] = value;
}

/// What the log keeps of the values that a change replaces.
fn remembered(table: &Table, before: Vec<(u16, Value)>) -> Vec<(u16, Value)> {
    match table.forgetful {
        true => Vec::new(),
        false => before,
    }
}

/// What the log keeps of what else a record was.
fn remembered_state(table: &Table, was: Box<Was>) -> Box<Was> {
    match table.forgetful {
        true => Box::new(was.without_values()),
        false => was,
    }
}

/// Every value of a record that is not null, by ordinal.
fn all_values(record: &Record) -> Vec<(u16, Value)> {
    let numbered = record
        .values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.is_null());
    numbered
        .map(|(index, value)| (index as u16, value.clone()))
        .collect()
}
