//! What batches rest on, read under the lock of commits and judged against what earlier batches of the group did. It writes
//! nothing.

use std::collections::{BTreeSet, HashMap, HashSet};

use chancery_model::{Key, TableId};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Pg;
use super::log;
use super::overlay::Overlay;
use super::relation::relation_name;
use super::statement::{Param, Statement};
use super::text::unescape;
use crate::batch::Check;
use crate::error::StorageError;

/// What has to be known to judge checks.
#[derive(Debug, Default)]
pub(super) struct CheckNeeds {
    /// Records by table.
    records: HashMap<TableId, HashSet<Key>>,
    /// Tables as a whole.
    tables: BTreeSet<TableId>,
    /// The least revision that one of those is to be as at.
    since: u64,
}

impl CheckNeeds {
    /// Adds a check, and answers which table's definition is needed.
    pub(super) fn add(&mut self, check: &Check) -> TableId {
        match check {
            Check::Record { table, key, .. } | Check::Live { table, key } => {
                self.records.entry(*table).or_default().insert(key.clone());
                *table
            }
            Check::Table { table, revision } => {
                self.since = match self.tables.is_empty() {
                    true => *revision,
                    false => self.since.min(*revision),
                };
                self.tables.insert(*table);
                *table
            }
        }
    }

    /// Tables of which records are asked for.
    pub(super) fn asked(&self) -> impl Iterator<Item = TableId> {
        self.records.keys().copied()
    }

    /// Asks for the newest changes of tables since the least revision; the oldest commit comes as that of table 0.
    pub(super) fn newest(&self) -> Option<Statement> {
        if self.tables.is_empty() {
            return None;
        }
        let mut out = Statement::new("SELECT 0::bigint, (");
        out.push(log::OLDEST).push(
            ") UNION ALL SELECT table_number, max(revision) FROM changes WHERE number >= \
             (SELECT first_change FROM commits WHERE revision > ",
        );
        out.bind(i64::try_from(self.since).unwrap_or(i64::MAX));
        out.push(" ORDER BY revision LIMIT 1) AND table_number = ANY(");
        let tables = self.tables.iter().map(|table| i64::from(table.0));
        out.bind(Param::Ints(tables.collect()));
        out.push(") GROUP BY table_number").keep();
        Some(out)
    }

    /// Asks for the records of a table that there is.
    pub(super) fn records(&self, table: TableId) -> Statement {
        let mut out = Statement::new("SELECT id, change, deleted_at IS NULL FROM \"");
        out.push(&relation_name(table)).push("\" WHERE id = ANY(");
        out.bind(keys(self.records.get(&table).into_iter().flatten()))
            .push(")")
            .keep();
        out
    }
}

/// Keys of one table, which are all of one kind.
fn keys<'a>(keys: impl Iterator<Item = &'a Key>) -> Param {
    let (mut ints, mut texts, mut uuids) = (Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        match key {
            Key::Int(int) => ints.push(*int),
            Key::Text(text) => texts.push(text.to_string()),
            Key::Uuid(uuid) => uuids.push(*uuid),
        }
    }
    match (texts.is_empty(), uuids.is_empty()) {
        (false, _) => Param::Texts(texts),
        (_, false) => Param::Uuids(uuids),
        _ => Param::Ints(ints),
    }
}

/// What is known to judge checks.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The newest change of records and whether they are live; what is not here is not there.
    records: HashMap<(TableId, Key), (u64, bool)>,
    /// The newest revision of tables that changed.
    newest: HashMap<TableId, u64>,
    /// The oldest revision that the log holds whole.
    oldest: u64,
}

impl Facts {
    /// Takes the answer to [`CheckNeeds::newest`] in.
    pub(super) fn newest(&mut self, rows: &[Row]) -> Pg<()> {
        for row in rows {
            let (table, revision): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            match table {
                0 => self.oldest = log::oldest_whole(revision),
                table => drop(self.newest.insert(TableId(table as u32), revision as u64)),
            }
        }
        Ok(())
    }

    /// Takes the answer to [`CheckNeeds::records`] in.
    pub(super) fn records(&mut self, table: TableId, rows: &[Row]) -> Pg<()> {
        for row in rows {
            let (change, live): (i64, bool) = (row.try_get(1)?, row.try_get(2)?);
            let key = match row.try_get::<_, i64>(0) {
                Ok(int) => Key::Int(int),
                Err(_) => match row.try_get::<_, Uuid>(0) {
                    Ok(uuid) => Key::Uuid(uuid),
                    Err(_) => Key::Text(unescape(row.try_get(0)?).into()),
                },
            };
            self.records.insert((table, key), (change as u64, live));
        }
        Ok(())
    }
}

impl Overlay {
    /// Refuses a batch of whose checks one fails.
    pub(super) fn judge(&self, checks: &[Check]) -> Result<(), StorageError> {
        let failing = checks.iter().enumerate().filter(|(_, check)| !self.holds(check));
        let failing: Vec<usize> = failing.map(|(index, _)| index).collect();
        if failing.is_empty() {
            return Ok(());
        }
        Err(StorageError::Overtaken(failing))
    }

    fn holds(&self, check: &Check) -> bool {
        match check {
            Check::Record { table, key, change } => {
                self.find(*table, key).map_or(0, |(change, _)| change) == *change
            }
            Check::Live { table, key } => self.find(*table, key).is_some_and(|(_, live)| live),
            Check::Table { table, revision } => {
                let newest = self.facts.newest.get(table);
                let ours = |entry: &log::Entry| entry.table == *table && entry.revision > *revision;
                self.defined.contains_key(table)
                    && self.facts.oldest <= revision + 1
                    && newest.is_none_or(|newest| newest <= revision)
                    && !self.entries.iter().any(ours)
            }
        }
    }

    /// The newest change of a record and whether it is live: as an earlier batch of the group left it, or as it is stored.
    fn find(&self, table: TableId, key: &Key) -> Option<(u64, bool)> {
        let written = self.tables.get(&table).and_then(|rows| rows.states.get(key));
        match written {
            Some(state) => state
                .now
                .as_ref()
                .map(|record| (record.change, record.deleted_at.is_none())),
            None => self.facts.records.get(&(table, key.clone())).copied(),
        }
    }
}
