//! Decides every row of a file and writes nothing: the trial, and the first half of all-or-nothing. Files of any length
//! pass in little memory; what rows of a file do to each other is seen across chunks. A chunk is here what one commit is
//! then, so that a row may name a later one here where it may then.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::{Issue, Key, Table, Value};
use chancery_storage::{Rejection, Write};

use super::collect::ChunkDone;
use super::links::Links;
use super::read::Part;
use super::shape::Shape;
use super::unique::Taken;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::rows::{Decided, Pending, Planned, RowOptions, match_values, rejection_issue};
use crate::rules::{Refusal, Suspect, given_key, new_value};
use crate::wrong::{joined, may_clash};

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
    /// Whom cells name.
    pub(super) links: Links,
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
    /// Who is named and is not there, by the write that names them.
    missing: HashMap<usize, Vec<Issue>>,
}

/// What stands for the key of a new record among the values that are taken.
fn key_claim(key: &str) -> (u16, Value) {
    (u16::MAX, Value::Text(key.to_owned()))
}

impl Checker {
    /// Notes the match values of a chunk; `seen` holds those of earlier chunks.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub(super) async fn note(
        &mut self,
        shape: &Shape,
        chunk: &Part,
        seen: &mut HashSet<u64>,
    ) -> Result<(), Error> {
        let resolved = self.links.resolve(chunk).await?;
        let cells = shape.cells(chunk, &resolved);
        for row in &shape.prepare(chunk, &cells, &resolved).rows {
            let matching = &self.options.matching;
            let store = &self.handle.store;
            if let Ok(tuple) = store.sealing(|cells| match_values(&self.table, row, matching, cells)) {
                let hash = self.taken.hash(&tuple);
                if !seen.insert(hash) {
                    self.repeated.insert(hash);
                }
            }
        }
        Ok(())
    }

    /// Decides the rows of a chunk.
    pub(super) async fn chunk(&mut self, shape: &Shape, chunk: &Part) -> Result<ChunkDone, Error> {
        // Gather.
        let resolved = self.links.resolve(chunk).await?;
        let cells = shape.cells(chunk, &resolved);
        let prepared = shape.prepare(chunk, &cells, &resolved);
        let found = self
            .handle
            .gather(&self.stored()?, &prepared.rows, &self.options)
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
            mut writes,
            pending,
            ..
        } = decided;
        let mut keys: Vec<Option<Key>> = vec![None; writes.len()];
        for (row, plan) in prepared.rows.iter().zip(&planned) {
            if let Planned::Create { write } = plan {
                keys[*write] = given_key(&self.table, &writes[*write], row.key.is_some());
            }
        }
        let good = writes.len();
        // What else is in the way of bad rows is told with them.
        let mut beside: HashMap<usize, usize> = HashMap::new();
        for (at, (row, plan)) in prepared.rows.iter().zip(&planned).enumerate() {
            let Planned::Failed(issues) = plan else { continue };
            let (of, options) = ((row, found.get(at)), &self.options);
            let suspect = may_clash(issues)
                .then(|| self.handle.suspect_row(&self.table, of, options, (now, true)))
                .flatten();
            if let Some(Suspect { write, keyed, .. }) = suspect {
                keys.push(given_key(&self.table, &write, keyed).filter(|_| keyed));
                beside.insert(at, writes.len());
                writes.push(write);
            }
        }
        let holders = self.holders(&writes, &keys).await?;
        let mut missing = self.missing(&writes, 0..good, &keys, now).await?;
        missing.extend(self.missing(&writes, good..writes.len(), &keys, now).await?);
        let facts = Facts {
            writes,
            keys,
            holders,
            missing,
        };
        for (tuple, records) in pending {
            if self.repeated.contains(&self.taken.hash(&tuple)) {
                self.carried.insert(tuple, records);
            }
        }

        // Answer.
        let mut done = ChunkDone {
            rows: chunk.len() as u64,
            masked: chunk.masked(),
            bytes: chunk.bytes(),
            ..ChunkDone::default()
        };
        let (mut bad, first) = (prepared.bad, self.rows + 1);
        for (at, (index, plan)) in prepared.at.into_iter().zip(planned).enumerate() {
            let row = first + index as u64;
            let outcome = match plan {
                Planned::Failed(issues) => {
                    let write = beside.get(&at).copied();
                    let (clashes, _) = self.clashes(write.into_iter(), &facts);
                    Err(joined(issues, clashes))
                }
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

    /// The definition that records are read by: columns that are yet to be made cannot be read.
    fn stored(&self) -> Result<Arc<Table>, Error> {
        match self.fresh {
            true => Ok(self.table.clone()),
            false => self.handle.definition(),
        }
    }

    /// Which records have the keys and unique values of the writes already.
    async fn holders(&self, writes: &[Write], keys: &[Option<Key>]) -> Result<Holders, Error> {
        let mut holders = Vec::new();
        if self.fresh {
            return Ok(holders);
        }
        let stored = self.stored()?;
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
            let found = self.handle.backend().find(&stored, &fields, &tuples, 1).await?;
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
            let found = self.handle.backend().get_many(&stored, &keys).await?;
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

    /// Who is named by some of the writes and is not there, unless a write up to their end, an earlier row of the file or a record that is
    /// made on the way brings it; `keys` are those that the writes bring.
    async fn missing(
        &self,
        writes: &[Write],
        of: Range<usize>,
        keys: &[Option<Key>],
        now: i64,
    ) -> Result<HashMap<usize, Vec<Issue>>, Error> {
        let mut open = Vec::new();
        for (at, refusal) in self.handle.store.misnamed(&writes[of.clone()], now).await? {
            match &refusal {
                Refusal::Dangling { key, .. } if self.links.stands_in(key).await => {}
                _ => open.push((of.start + at, refusal)),
            }
        }
        // Who names a row of the chunk falls with it, not with what that row names: an earlier row may bring it.
        let brought = keys[..of.end].iter().flatten();
        let mut brought: HashSet<String> = brought.map(Key::to_string).collect();
        let mut missing: HashMap<usize, Vec<Issue>> = HashMap::new();
        loop {
            let (refused, rest): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(_, refusal)| match refusal {
                    Refusal::Dangling { target, key, .. } if *target == self.table.slug => {
                        self.taken.by(&key_claim(key)).is_none() && !brought.contains(key)
                    }
                    _ => true,
                });
            if refused.is_empty() {
                break;
            }
            for (write, refusal) in refused {
                if let Some(key) = &keys[write] {
                    brought.remove(&key.to_string());
                }
                if let Write::Insert { record, .. } | Write::Update { record, .. } = &writes[write] {
                    let issue = refusal.issue(&self.table, &record.key);
                    missing.entry(write).or_default().push(issue);
                }
            }
            open = rest;
        }
        for issues in missing.values_mut() {
            issues.sort_by_cached_key(|issue| self.table.column(&issue.field).map(|column| column.ordinal));
        }
        Ok(missing)
    }

    /// Takes the keys and unique values of a row's writes, or says who has them, and who is named and is not there.
    fn claim(&mut self, row_writes: &[usize], facts: &Facts, row: u64) -> Result<(), Vec<Issue>> {
        let (issues, claims) = self.clashes(row_writes.iter().copied(), facts);
        if !issues.is_empty() {
            return Err(issues);
        }
        let table = self.table.clone();
        for index in row_writes {
            self.give_up(&table, &facts.writes[*index]);
        }
        for claim in &claims {
            self.taken.take(claim, row);
        }
        Ok(())
    }

    /// All that is in the way of writes, and the keys and unique values that are free.
    fn clashes(&self, of: impl Iterator<Item = usize>, facts: &Facts) -> (Vec<Issue>, Vec<(u16, Value)>) {
        let Facts {
            writes,
            keys,
            holders,
            missing,
        } = facts;
        let table = &self.table;
        let (mut issues, mut claims) = (Vec::new(), Vec::new());
        for index in of {
            let write = &writes[index];
            let from = holders.partition_point(|(at, ..)| *at < index);
            let known = holders[from..].iter().take_while(|(at, ..)| *at == index);
            let holder = |ordinal: Option<u16>| {
                known
                    .clone()
                    .find(|(_, at, _)| *at == ordinal)
                    .map(|(.., key)| key)
            };
            if let Some(key) = &keys[index] {
                let claim = key_claim(&key.to_string());
                if self.taken.by(&claim).is_some() || holder(None).is_some() {
                    issues.push(rejection_issue(table, key, &Rejection::KeyTaken));
                } else {
                    claims.push(claim);
                }
            }
            for column in table.live().filter(|column| column.constraints.unique) {
                let Some(value) = new_value(write, column.ordinal) else {
                    continue;
                };
                let claim = (column.ordinal, value.clone());
                let (row, holder) = match (self.taken.by(&claim), holder(Some(column.ordinal))) {
                    (Some(row), _) => (Some(row), None),
                    (None, Some(key)) if !self.taken.freed(&claim) => (None, Some(key.clone())),
                    _ => {
                        claims.push(claim);
                        continue;
                    }
                };
                let rejection = Rejection::UniqueTaken {
                    column: column.ordinal,
                    holder,
                };
                let issue = rejection_issue(table, &Key::Int(0), &rejection);
                issues.push(row.into_iter().fold(issue, |issue, row| issue.with("row", row)));
            }
            issues = joined(issues, missing.get(&index).into_iter().flatten().cloned());
        }
        (issues, claims)
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
