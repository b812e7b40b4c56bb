//! What of other records stands in the way of writes that are refused, all of it: keys and values in use, and records, users and files
//! that are not there. Only who is refused waits for it. It refuses nothing itself.

use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::{Code, Column, Issue, Json, Key, Table, Value};
use chancery_storage::{DrawTarget, Rejection, Write};
use hashbrown::{HashMap, HashSet};

use super::net::{Net, record_of};
use super::{Added, Refusal, files, held, table_of, targets};
use crate::error::Error;
use crate::limits::TOLD_VALUE_BYTES_MAX;
use crate::rows::rejection_issue;
use crate::store::Store;

/// A write that is refused, or that stands in one batch with such.
pub(crate) struct Suspect {
    /// It, as far as it can be read.
    pub(crate) write: Write,
    /// Whether a new record brings its key.
    pub(crate) keyed: bool,
    /// Whether it is refused: only then it is told about.
    pub(crate) refused: bool,
}

impl Store {
    /// Everything of other records that stands in the way of refused writes, by their place, of whichever tables they are. Whoever may not
    /// do a write at all is told nothing.
    pub(crate) async fn clashes(
        &self,
        suspects: Vec<Suspect>,
        now: i64,
    ) -> Result<Vec<(usize, Issue)>, Error> {
        let keyed: Vec<bool> = suspects.iter().map(|suspect| suspect.keyed).collect();
        let refused: Vec<bool> = suspects.iter().map(|suspect| suspect.refused).collect();
        let writes: Vec<Write> = suspects.into_iter().map(|suspect| suspect.write).collect();
        let mut added = Added::default();
        held::check(self, &writes, &mut added).await?;
        let beyond: HashSet<usize> = added.refused.iter().map(|(at, _)| *at).collect();
        let told = (0..writes.len()).filter(|at| refused[*at] && !beyond.contains(at));
        let looking = Looking {
            store: self,
            told: told.collect(),
            writes,
            keyed,
            refused,
            now,
        };
        if looking.told.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for table in looking.tables() {
            found.extend(looking.keys(&table).await?);
            found.extend(looking.values(&table).await?);
        }
        found.extend(looking.named().await?);
        found.sort_by_key(|(at, _)| *at);
        found.dedup();
        Ok(found)
    }

    /// Records, users and files that writes name and that are not there or do not fit, by the place of the write. Nothing is looked
    /// up for tables whose records name nobody.
    pub(crate) async fn misnamed(&self, writes: &[Write], now: i64) -> Result<Vec<(usize, Refusal)>, Error> {
        let mut added = Added::default();
        if names_any(writes) {
            let (catalog, net) = (self.core.catalog.load_full(), Net::of(writes));
            targets::check(self, &catalog, writes, &net, now, &mut added).await?;
            files::check(self, &catalog, writes, &net, now, &mut added).await?;
        }
        Ok(added.refused)
    }
}

/// Whether tables of writes have columns that name records, users or files.
fn names_any(writes: &[Write]) -> bool {
    let names =
        |column: &Column| column.names_users() || column.names_files() || column.refers_to().is_some();
    let mut last = None;
    writes.iter().filter_map(table_of).any(|table| {
        // Writes of one table stand together mostly.
        last.replace(table.number) != Some(table.number) && table.live().any(names)
    })
}

struct Looking<'a> {
    store: &'a Store,
    writes: Vec<Write>,
    keyed: Vec<bool>,
    refused: Vec<bool>,
    /// The writes that are told about.
    told: Vec<usize>,
    now: i64,
}

impl Looking<'_> {
    /// The tables of the writes that are told about, each once.
    fn tables(&self) -> Vec<Arc<Table>> {
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for table in self.told.iter().filter_map(|at| table_of(&self.writes[*at])) {
            if !tables.iter().any(|had| had.number == table.number) {
                tables.push(table.clone());
            }
        }
        tables
    }

    /// Whether a write is one of a table.
    fn is_of(&self, at: usize, table: &Table) -> bool {
        table_of(&self.writes[at]).is_some_and(|of| of.number == table.number)
    }

    /// Keys that records have already.
    async fn keys(&self, table: &Arc<Table>) -> Result<Vec<(usize, Issue)>, Error> {
        let brought = |at: usize| match &self.writes[at] {
            Write::Insert { record, .. } if self.keyed[at] && self.is_of(at, table) => {
                Some(record.key.clone())
            }
            _ => None,
        };
        let new = self.told.iter().filter_map(|at| Some((*at, brought(*at)?)));
        let (places, keys): (Vec<usize>, Vec<Key>) = new.unzip();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut earlier: HashMap<Key, usize> = HashMap::new();
        for at in (0..self.writes.len()).filter(|at| !self.refused[*at]) {
            if let Some(key) = brought(at) {
                earlier.entry(key).or_insert(at);
            }
        }
        let net = Net::of(&self.writes);
        let stored = self.store.core.backend.get_many(table, &keys).await?;
        let mut found = Vec::new();
        for ((at, key), stored) in places.into_iter().zip(keys).zip(stored) {
            let holds = stored.is_some_and(|record| {
                !table.expired(&record, self.now) && !net.is_removed(table.number, &key)
            });
            if holds || earlier.get(&key).is_some_and(|first| *first < at) {
                found.push((at, rejection_issue(table, &key, &Rejection::KeyTaken)));
            }
        }
        Ok(found)
    }

    /// Unique values that other records have.
    async fn values(&self, table: &Arc<Table>) -> Result<Vec<(usize, Issue)>, Error> {
        let mut found = Vec::new();
        let unique = |column: &&Column| column.constraints.unique && column.is_comparable();
        for column in table.live().filter(unique) {
            let ordinal = column.ordinal;
            let wanted = |at: &usize| Some((*at, vec![new_value(&self.writes[*at], ordinal)?.clone()]));
            let told = self.told.iter().filter(|at| self.is_of(**at, table));
            let (places, tuples): (Vec<usize>, Vec<Vec<Value>>) = told.filter_map(wanted).unzip();
            if tuples.is_empty() {
                continue;
            }
            let mut earlier: HashMap<&Value, usize> = HashMap::new();
            let mut given_up: HashSet<&Key> = HashSet::new();
            let of_table = self.writes.iter().enumerate();
            for (at, write) in of_table.filter(|(at, _)| self.is_of(*at, table)) {
                given_up.extend(lets_go(write, ordinal));
                if let Some(value) = new_value(write, ordinal).filter(|_| !self.refused[at]) {
                    earlier.entry(value).or_insert(at);
                }
            }
            // Expired ones may stand before the one that has it.
            let limit = table.ttl_ms.map_or(1, |_| usize::MAX);
            let fields = [table.field_of(ordinal)];
            let backend = &self.store.core.backend;
            let records = backend.find(table, &fields, &tuples, limit).await?;
            let judged_at = table.judged_at(self.now);
            for ((at, tuple), records) in places.into_iter().zip(&tuples).zip(records) {
                let own = match &self.writes[at] {
                    Write::Update { record, .. } => Some(&record.key),
                    _ => None,
                };
                let holder = records.iter().find(|record| {
                    record.visible(judged_at) && own != Some(&record.key) && !given_up.contains(&record.key)
                });
                let holder = match holder {
                    Some(record) => Some(record.key.clone()),
                    None if earlier.get(&tuple[0]).is_some_and(|first| *first < at) => None,
                    None => continue,
                };
                let why = Rejection::UniqueTaken {
                    column: ordinal,
                    holder,
                };
                found.push((at, in_use(self.store, table, &tuple[0], why)));
            }
        }
        Ok(found)
    }

    /// Records, users and files that are named and are not there, or do not fit.
    async fn named(&self) -> Result<Vec<(usize, Issue)>, Error> {
        let missing = self.store.misnamed(&self.writes, self.now).await?;
        let told: HashSet<usize> = self.told.iter().copied().collect();
        let missing = missing.into_iter().filter(|(at, _)| told.contains(at));
        let issue = |(at, why): (usize, Refusal)| {
            let (_, record) = record_of(&self.writes[at])?;
            Some((at, why.issue(table_of(&self.writes[at])?, &record.key)))
        };
        let mut found: Vec<(usize, Issue)> = missing.filter_map(issue).collect();
        let place = |at: usize, slug: &str| Some(table_of(&self.writes[at])?.column(slug)?.ordinal);
        let key = |issue: &Issue| issue.params.get("key").map(Json::to_string);
        found.sort_by_cached_key(|(at, issue)| (*at, place(*at, &issue.field), key(issue)));
        Ok(found)
    }
}

/// The issue of a value that is in use, with the value where that is not too long or secret.
fn in_use(store: &Store, table: &Arc<Table>, value: &Value, why: Rejection) -> Issue {
    let why = held::untold(store, Some(table), why);
    let mut issue = rejection_issue(table, &Key::Int(0), &why);
    let Some(column) = table.column(&issue.field) else {
        return issue;
    };
    let json: Json = column.kind().to_json(value, column);
    let text = json.to_string();
    let plain = column.encrypted.is_none() && column.constraints.custom_error_message.is_none();
    if issue.code == Code::Unique && plain && text.len() <= TOLD_VALUE_BYTES_MAX {
        issue.message = format!("Another record has the value {text}");
    }
    issue
}

/// The value that a write newly gives to a column; none if it gives none.
pub(crate) fn new_value(write: &Write, ordinal: u16) -> Option<&Value> {
    let record = match write {
        Write::Insert { record, .. } => record,
        Write::Update {
            record, before, kind, ..
        } => {
            let changed = before.iter().any(|(column, _)| *column == ordinal);
            let comes = changed || *kind == ChangeKind::Restored;
            Some(record).filter(|record| comes && record.deleted_at.is_none())?
        }
        _ => return None,
    };
    record
        .values
        .get(usize::from(ordinal))
        .filter(|value| !value.is_null())
}

/// The record that gives up its value of a column by a write.
fn lets_go(write: &Write, ordinal: u16) -> Option<&Key> {
    match write {
        Write::Purge { key, .. } => Some(key),
        Write::Update { record, before, .. } => {
            let goes = record.deleted_at.is_some() || before.iter().any(|(column, _)| *column == ordinal);
            goes.then_some(&record.key)
        }
        _ => None,
    }
}

/// The key that a new record brings; none if the store makes it.
pub(crate) fn given_key(table: &Table, write: &Write, says_key: bool) -> Option<Key> {
    let Write::Insert { record, draws, .. } = write else {
        return None;
    };
    let drawn = draws
        .iter()
        .any(|draw| draw.target == DrawTarget::Key && draw.given.is_none());
    (!drawn && (says_key || table.key_column.is_some())).then(|| record.key.clone())
}
