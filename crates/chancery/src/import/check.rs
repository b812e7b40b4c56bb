//! Decides every row of a file and writes nothing: the trial, and the first half of all-or-nothing. Files of any length
//! pass in little memory; what rows of a file do to each other is seen across chunks.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::{Issue, Key, Record, Table, Value};
use chancery_storage::{DrawTarget, Rejection, Write};

use super::collect::ChunkDone;
use super::read::Part;
use super::shape::Shape;
use super::unique::Taken;
use crate::error::Error;
use crate::rows::{Decided, Pending, Planned, RowOptions, match_values, rejection_issue};
use crate::store::TableHandle;

/// The check of one file.
pub(super) struct Checker {
    pub(super) handle: TableHandle,
    /// The definition as it will be when the rows are written.
    pub(super) table: Arc<Table>,
    /// Columns that are there already.
    pub(super) made: usize,
    /// Whether the table has records that rows could meet.
    pub(super) fresh: bool,
    pub(super) options: RowOptions,
    pub(super) taken: Taken,
    /// Hashes of match values that more than one row of the file has.
    pub(super) repeated: HashSet<u64>,
    /// What rows with such values will have done.
    pub(super) carried: Pending,
    /// Rows so far.
    pub(super) rows: u64,
}

/// Which records have the keys and unique values of writes: the write, the column (none is the key), the record; by write.
type Holders = Vec<(usize, Option<u16>, Key)>;

/// What is known of the writes of a chunk.
struct Facts {
    writes: Vec<Write>,
    /// The keys that new records bring.
    keys: Vec<Option<Key>>,
    holders: Holders,
}

/// Who has a value already.
enum Holder {
    Row(u64),
    Record(Option<Key>),
}

impl Checker {
    /// Notes the match values of a chunk; `seen` holds those of earlier chunks.
    pub(super) fn note(&mut self, shape: &Shape, chunk: &Part, seen: &mut HashSet<u64>) {
        let cells = shape.cells(chunk);
        for row in &shape.prepare(chunk, &cells).rows {
            let matching = &self.options.matching;
            let store = &self.handle.store;
            if let Ok(tuple) = store.sealing(|cells| match_values(&self.table, row, matching, cells)) {
                let hash = self.taken.hash(&tuple);
                if !seen.insert(hash) {
                    self.repeated.insert(hash);
                }
            }
        }
    }

    /// Decides the rows of a chunk.
    pub(super) async fn chunk(&mut self, shape: &Shape, chunk: &Part) -> Result<ChunkDone, Error> {
        // Gather.
        let cells = shape.cells(chunk);
        let prepared = shape.prepare(chunk, &cells);
        let found = self
            .handle
            .gather(&self.table, &prepared.rows, &self.options)
            .await?;
        let pending = found
            .iter()
            .filter_map(|found| self.carried.get_key_value(&found.tuple));
        let pending: Pending = pending
            .map(|(tuple, records)| (tuple.clone(), records.clone()))
            .collect();

        // Decide.
        let now = self.handle.store.now();
        let rows = (prepared.rows.as_slice(), found.as_slice());
        let decided = self
            .handle
            .decide_rows(&self.table, rows, &self.options, now, pending);
        let Decided {
            planned,
            writes,
            pending,
        } = decided;
        let mut keys: Vec<Option<Key>> = vec![None; writes.len()];
        for (row, plan) in prepared.rows.iter().zip(&planned) {
            if let Planned::Create { write } = plan {
                keys[*write] = given_key(&self.table, &writes[*write], row.key.is_some());
            }
        }
        let holders = self.holders(&writes, &keys).await?;
        let facts = Facts {
            writes,
            keys,
            holders,
        };
        for (tuple, records) in pending {
            if self.repeated.contains(&self.taken.hash(&tuple)) {
                self.carried.insert(tuple, records);
            }
        }

        // Answer.
        let mut done = ChunkDone {
            rows: chunk.len() as u64,
            bytes: chunk.bytes(),
            ..ChunkDone::default()
        };
        let (mut bad, first) = (prepared.bad, self.rows + 1);
        for (index, plan) in prepared.at.into_iter().zip(planned) {
            let row = first + index as u64;
            let outcome = match plan {
                Planned::Failed(issues) => Err(issues),
                Planned::Unchanged(_) => Ok(&mut done.unchanged),
                Planned::Create { write } => self.claim(&[write], &facts, row).map(|()| &mut done.created),
                Planned::Update { writes: many } => {
                    self.claim(&many, &facts, row).map(|()| &mut done.updated)
                }
            };
            match outcome {
                Ok(count) => *count += 1,
                Err(issues) => bad.push((index, issues)),
            }
        }
        self.rows += done.rows;
        shape.refuse(chunk, bad, &mut done);
        Ok(done)
    }

    /// Which records have the keys and unique values of the writes already.
    async fn holders(&self, writes: &[Write], keys: &[Option<Key>]) -> Result<Holders, Error> {
        let mut holders = Vec::new();
        if self.fresh {
            return Ok(holders);
        }
        for column in self.table.live().filter(|column| column.constraints.unique) {
            if usize::from(column.ordinal) >= self.made {
                continue;
            }
            let values = writes.iter().map(|write| new_value(write, column.ordinal));
            let (at, tuples): (Vec<usize>, Vec<Vec<Value>>) = values
                .enumerate()
                .filter_map(|(index, value)| Some((index, vec![value?.clone()])))
                .unzip();
            let fields = [FieldRef::Column(column.ordinal)];
            let found = self
                .handle
                .backend()
                .find(&self.table, &fields, &tuples, 1)
                .await?;
            for (index, records) in at.into_iter().zip(found) {
                if let Some(record) = records.first() {
                    holders.push((index, Some(column.ordinal), record.key.clone()));
                }
            }
        }
        let (at, keys): (Vec<usize>, Vec<Key>) = keys
            .iter()
            .enumerate()
            .filter_map(|(index, key)| Some((index, key.clone()?)))
            .unzip();
        if !keys.is_empty() {
            let found = self.handle.backend().get_many(&self.table, &keys).await?;
            let known = at
                .into_iter()
                .zip(keys)
                .zip(found)
                .filter(|(_, record)| record.is_some());
            holders.extend(known.map(|((index, key), _)| (index, None, key)));
        }
        holders.sort_by_key(|(index, ..)| *index);
        Ok(holders)
    }

    /// Takes the keys and unique values of a row's writes, or says who has them.
    fn claim(&mut self, row_writes: &[usize], facts: &Facts, row: u64) -> Result<(), Vec<Issue>> {
        let Facts {
            writes,
            keys,
            holders,
        } = facts;
        let table = self.table.clone();
        let mut claims = Vec::new();
        for index in row_writes {
            let write = &writes[*index];
            let from = holders.partition_point(|(at, ..)| at < index);
            let known = holders[from..].iter().take_while(|(at, ..)| at == index);
            let holder = |ordinal: Option<u16>| {
                known
                    .clone()
                    .find(|(_, at, _)| *at == ordinal)
                    .map(|(.., key)| key)
            };
            if let Some(key) = &keys[*index] {
                let claim = (u16::MAX, Value::Text(key.to_string()));
                if self.taken.by(&claim).is_some() || holder(None).is_some() {
                    return Err(vec![rejection_issue(&table, key, &Rejection::KeyTaken)]);
                }
                claims.push(claim);
            }
            for column in table.live().filter(|column| column.constraints.unique) {
                let Some(value) = new_value(write, column.ordinal) else {
                    continue;
                };
                let claim = (column.ordinal, value.clone());
                let other = match (self.taken.by(&claim), holder(Some(column.ordinal))) {
                    (Some(row), _) => Holder::Row(row),
                    (None, Some(key)) if !self.taken.freed(&claim) => Holder::Record(Some(key.clone())),
                    _ => {
                        claims.push(claim);
                        continue;
                    }
                };
                let holder = match &other {
                    Holder::Record(holder) => holder.clone(),
                    Holder::Row(_) => None,
                };
                let rejection = Rejection::UniqueTaken {
                    column: column.ordinal,
                    holder,
                };
                let issue = rejection_issue(&table, &Key::Int(0), &rejection);
                return Err(vec![match other {
                    Holder::Row(row) => issue.with("row", row),
                    Holder::Record(_) => issue,
                }]);
            }
        }
        for index in row_writes {
            self.give_up(&table, &writes[*index]);
        }
        for claim in &claims {
            self.taken.take(claim, row);
        }
        Ok(())
    }

    /// An update gives up the unique values that it changes.
    fn give_up(&mut self, table: &Table, write: &Write) {
        let Write::Update { before, .. } = write else {
            return;
        };
        for (ordinal, value) in before {
            if table.at(*ordinal).constraints.unique && !value.is_null() {
                self.taken.free(&(*ordinal, value.clone()));
            }
        }
    }
}

/// The value that a write newly gives to a column; none if it gives none.
fn new_value(write: &Write, ordinal: u16) -> Option<&Value> {
    let value = |record: &'_ Record| -> Option<usize> {
        (!record.value(ordinal).is_null()).then_some(usize::from(ordinal))
    };
    match write {
        Write::Insert { record, .. } => value(record).map(|at| &record.values[at]),
        Write::Update { record, before, .. } if before.iter().any(|(changed, _)| *changed == ordinal) => {
            value(record).map(|at| &record.values[at])
        }
        _ => None,
    }
}

/// The key that a new record brings; none if the store makes it.
fn given_key(table: &Table, write: &Write, says_key: bool) -> Option<Key> {
    let Write::Insert { record, draws, .. } = write else {
        return None;
    };
    let drawn = draws
        .iter()
        .any(|draw| draw.target == DrawTarget::Key && draw.given.is_none());
    (!drawn && (says_key || table.key_column.is_some())).then(|| record.key.clone())
}
