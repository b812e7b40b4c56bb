//! What a transaction has read and will write. Asks no backend.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::{Key, Record, Table, TableId, Value};
use chancery_storage::{Check, Draw, Write};

use crate::error::Error;
use crate::limits::{TRANSACTION_READS_MAX, TRANSACTION_WRITES_MAX};

/// A record as a place: its table and key.
pub(super) type Place = (TableId, Key);

/// What a transaction has gathered so far.
#[derive(Default)]
pub(super) struct State {
    end: End,
    /// The revision it was committed with.
    committed: Option<u64>,
    /// Records that were read, as they were when first read.
    reads: HashMap<Place, Read>,
    /// Tables of which more than single records were read, with a revision from before the first such read.
    tables: HashMap<TableId, (Arc<Table>, u64)>,
    /// Where the pending state of a record stands in `pending`.
    places: HashMap<Place, usize>,
    /// What will be written, in the order of first touch.
    pending: Vec<Pending>,
}

/// Whether a transaction has ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum End {
    /// It has not.
    #[default]
    Open,
    /// Everything it wrote was discarded.
    Discarded,
    /// Its commit was sent.
    Sent,
}

/// A record as it was read.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) table: Arc<Table>,
    pub(super) record: Option<Arc<Record>>,
}

/// A record that the transaction has written, first and last state.
pub(super) struct Pending {
    pub(super) table: Arc<Table>,
    pub(super) key: Key,
    /// As it is in the store.
    base: Option<Arc<Record>>,
    /// As the transaction leaves it.
    now: Option<Arc<Record>>,
    /// Whether it went for good in between, so that it is another record under the same key.
    replaced: bool,
    /// Numbers that the caller brought.
    draws: Vec<Draw>,
}

/// A new state of one record.
pub(super) struct Put {
    pub(super) table: Arc<Table>,
    pub(super) key: Key,
    /// As it is in the store.
    pub(super) base: Option<Arc<Record>>,
    /// Whether it takes the place of one that has expired.
    pub(super) replaces: bool,
    /// As it is now.
    pub(super) now: Option<Arc<Record>>,
    /// Numbers that the caller brought.
    pub(super) draws: Vec<Draw>,
}

/// Something that a commit rests on, and whom to name if it is no longer so.
#[derive(Clone)]
pub(super) enum Basis {
    /// A record as it was read.
    Record { key: Key, read: Read },
    /// All of a table.
    Table(Arc<Table>),
}

/// Everything that the commit of a transaction is made of; one owner for each write, one basis for each check.
pub(super) struct Gathered {
    pub(super) writes: Vec<Write>,
    pub(super) owners: Vec<(Arc<Table>, Key)>,
    pub(super) checks: Vec<Check>,
    pub(super) bases: Vec<Basis>,
}

impl State {
    /// Refuses what comes after the end.
    pub(super) fn open(&self) -> Result<(), Error> {
        match self.end {
            End::Open => Ok(()),
            End::Discarded | End::Sent => Err(Error::TransactionEnded),
        }
    }

    /// Whether it has ended, and how.
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// The revision that it was committed with, if it was.
    pub(super) fn committed(&self) -> Option<u64> {
        self.committed
    }

    /// Notes that the commit that was sent is done.
    pub(super) fn sent(&mut self, revision: u64) {
        if self.end == End::Sent {
            self.committed = Some(revision);
        }
    }

    /// Ends it; everything written is discarded.
    pub(super) fn discard(&mut self) {
        if self.end == End::Open {
            self.end = End::Discarded;
        }
        self.places.clear();
        self.pending.clear();
    }

    /// A record as it was first read, if it was.
    pub(super) fn read(&self, place: &Place) -> Option<&Read> {
        self.reads.get(place)
    }

    /// Notes a record as it was read, and answers it as it was first read.
    pub(super) fn note_read(
        &mut self,
        table: &Arc<Table>,
        key: &Key,
        record: Option<Arc<Record>>,
    ) -> Result<Option<Arc<Record>>, Error> {
        self.open()?;
        let place = (table.number, key.clone());
        if let Some(read) = self.reads.get(&place) {
            return Ok(read.record.clone());
        }
        bounded(
            "records read in one transaction",
            TRANSACTION_READS_MAX,
            self.reads.len(),
        )?;
        let table = table.clone();
        let read = Read { table, record };
        Ok(self.reads.entry(place).or_insert(read).record.clone())
    }

    /// Whether more than single records of a table were read.
    pub(super) fn has_read(&self, table: TableId) -> bool {
        self.tables.contains_key(&table)
    }

    /// Notes that all of a table is read, after a revision.
    pub(super) fn note_table(&mut self, table: &Arc<Table>, revision: u64) {
        let noted = self
            .tables
            .entry(table.number)
            .or_insert_with(|| (table.clone(), revision));
        noted.1 = noted.1.min(revision);
    }

    /// A record as the transaction has written it; none if it has not.
    pub(super) fn written(&self, place: &Place) -> Option<Option<Arc<Record>>> {
        let at = *self.places.get(place)?;
        Some(self.pending[at].now.clone())
    }

    /// The records of a table that the transaction has written: as they are in the store, and now.
    pub(super) fn written_of(&self, table: TableId) -> Vec<Written> {
        let of_table = self
            .pending
            .iter()
            .filter(|pending| pending.table.number == table);
        of_table
            .map(|pending| Written {
                key: pending.key.clone(),
                base: pending.base.clone(),
                now: pending.now.clone(),
            })
            .collect()
    }

    /// Notes new states of records.
    pub(super) fn put(&mut self, puts: Vec<Put>) -> Result<(), Error> {
        self.open()?;
        let known = |put: &&Put| self.places.contains_key(&(put.table.number, put.key.clone()));
        let new = puts.iter().filter(|put| !known(put)).count();
        if let Some(others) = new.checked_sub(1) {
            bounded(
                "records written in one transaction",
                TRANSACTION_WRITES_MAX,
                self.pending.len() + others,
            )?;
        }
        for put in puts {
            let place = (put.table.number, put.key.clone());
            let at = *self.places.entry(place).or_insert(self.pending.len());
            match self.pending.get_mut(at) {
                Some(pending) => {
                    pending.replaced |= put.replaces || (pending.now.is_none() && pending.base.is_some());
                    if pending.now.is_none() {
                        pending.draws = put.draws;
                    }
                    // What was decided by an earlier definition is not what it would be by this one: the commit is refused by it.
                    if pending.table.schema_version >= put.table.schema_version {
                        pending.table = put.table;
                    }
                    pending.now = put.now;
                }
                None => self.pending.push(Pending {
                    table: put.table,
                    key: put.key,
                    base: put.base,
                    now: put.now,
                    replaced: put.replaces,
                    draws: put.draws,
                }),
            }
        }
        Ok(())
    }

    /// What was read, as checks.
    pub(super) fn read_set(&self) -> Gathered {
        let (mut checks, mut bases) = (Vec::new(), Vec::new());
        for ((table, key), read) in &self.reads {
            checks.push(Check::Record {
                table: *table,
                key: key.clone(),
                change: read.record.as_ref().map_or(0, |record| record.change),
            });
            bases.push(Basis::Record {
                key: key.clone(),
                read: read.clone(),
            });
        }
        for (number, (table, revision)) in &self.tables {
            checks.push(Check::Table {
                table: *number,
                revision: *revision,
            });
            bases.push(Basis::Table(table.clone()));
        }
        Gathered {
            writes: Vec::new(),
            owners: Vec::new(),
            checks,
            bases,
        }
    }

    /// Ends it and answers everything its commit is made of: the net effect on each record.
    pub(super) fn gather(&mut self) -> Result<Gathered, Error> {
        self.open()?;
        self.end = End::Sent;
        let mut gathered = self.read_set();
        // Whoever still asks is told that it has ended, not sent to what is not there any more.
        self.places.clear();
        for pending in std::mem::take(&mut self.pending) {
            let owner = (pending.table.clone(), pending.key.clone());
            for write in pending.writes() {
                gathered.writes.push(write);
                gathered.owners.push(owner.clone());
            }
        }
        Ok(gathered)
    }

    /// As [`State::gather`], of a transaction that is not to be committed.
    pub(super) fn gather_and_discard(&mut self) -> Result<Gathered, Error> {
        let gathered = self.gather()?;
        self.end = End::Discarded;
        Ok(gathered)
    }
}

/// A record that a transaction has written.
pub(super) struct Written {
    pub(super) key: Key,
    /// As it is in the store.
    pub(super) base: Option<Arc<Record>>,
    /// As it is in the transaction.
    pub(super) now: Option<Arc<Record>>,
}

impl Pending {
    /// The net effect: an insert, one update, a removal, a removal and an insert, or nothing.
    fn writes(self) -> Vec<Write> {
        let Pending {
            table,
            base,
            now,
            draws,
            ..
        } = self;
        let remove = |base: &Record| Write::purge(&table, &base.key, Some(base.version));
        let insert = |now: &Record, draws| Write::Insert {
            table: table.clone(),
            record: now.clone(),
            draws,
        };
        match (base, now) {
            (None, None) => Vec::new(),
            (None, Some(now)) => vec![insert(&now, draws)],
            (Some(base), None) => vec![remove(&base)],
            (Some(base), Some(now)) if self.replaced => vec![remove(&base), insert(&now, draws)],
            (Some(base), Some(now)) => {
                let kind = match (base.deleted_at, now.deleted_at) {
                    (None, Some(_)) => ChangeKind::Deleted,
                    (Some(_), None) => ChangeKind::Restored,
                    _ => ChangeKind::Updated,
                };
                let before = differences(&base, &now);
                vec![Write::update(&table, &base, Record::clone(&now), before, kind)]
            }
        }
    }
}

/// The columns in which two states of a record differ, with the older values.
fn differences(base: &Record, now: &Record) -> Vec<(u16, Value)> {
    let columns = base.values.len().max(now.values.len());
    (0..columns as u16)
        .filter(|ordinal| base.value(*ordinal) != now.value(*ordinal))
        .map(|ordinal| (ordinal, base.value(ordinal).clone()))
        .collect()
}

fn bounded(what: &'static str, max: usize, held: usize) -> Result<(), Error> {
    if held >= max {
        let (max, got) = (max as u64, held as u64 + 1);
        return Err(Error::Limit { what, max, got });
    }
    Ok(())
}
