//! Whether what a batch rests on is still so, on the writer's connection before the batch writes. It changes nothing.

use std::collections::HashMap;

use chancery_model::{Key, TableId};
use rusqlite::{Connection, OptionalExtension};

use super::fault::Sql;
use super::log;
use super::relation::relation_name;
use super::rows::encode_key;
use crate::batch::Check;

/// The newest revision that changed records of each table. Of what was before this program wrote nothing is kept: the log
/// knows.
#[derive(Debug, Default)]
pub(super) struct Newest {
    /// The revision of the database when the program began to write.
    since: u64,
    tables: HashMap<TableId, u64>,
}

impl Newest {
    /// Nothing is written since a revision.
    pub(super) fn since(revision: u64) -> Newest {
        Newest {
            since: revision,
            tables: HashMap::new(),
        }
    }

    /// A commit changed records of a table.
    pub(super) fn note(&mut self, table: TableId, revision: u64) {
        self.tables.insert(table, revision);
    }

    /// Whether a table is as it was at a revision.
    fn is_still(&self, connection: &Connection, table: TableId, revision: u64) -> Sql<bool> {
        if self.tables.get(&table).is_some_and(|newest| *newest > revision)
            || log::oldest(connection)? > revision + 1
        {
            return Ok(false);
        }
        if revision >= self.since {
            return Ok(true);
        }
        let mut find = connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM changes WHERE number >= (SELECT first_change FROM commits \
             WHERE revision > ? ORDER BY revision LIMIT 1) AND table_number = ?)",
        )?;
        let changed: bool = find.query_row((revision as i64, table.0), |row| row.get(0))?;
        Ok(!changed)
    }
}

/// The indexes of the checks that fail. `is_there` says which tables there are.
pub(super) fn failing(
    connection: &Connection,
    newest: &Newest,
    is_there: impl Fn(TableId) -> bool,
    checks: &[Check],
) -> Sql<Vec<usize>> {
    let mut failing = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        let holds = match check {
            Check::Record { table, key, change } => {
                let found = find(connection, *table, key, &is_there)?;
                found.map_or(0, |(change, _)| change) == *change
            }
            Check::Live { table, key } => {
                find(connection, *table, key, &is_there)?.is_some_and(|(_, live)| live)
            }
            Check::Table { table, revision } => {
                is_there(*table) && newest.is_still(connection, *table, *revision)?
            }
        };
        failing.extend((!holds).then_some(index));
    }
    Ok(failing)
}

/// The newest change of a record and whether it is live.
fn find(
    connection: &Connection,
    table: TableId,
    key: &Key,
    is_there: impl Fn(TableId) -> bool,
) -> Sql<Option<(u64, bool)>> {
    if !is_there(table) {
        return Ok(None);
    }
    let mut find = connection.prepare_cached(&format!(
        "SELECT change, deleted_at IS NULL FROM \"{}\" WHERE id = ?",
        relation_name(table)
    ))?;
    find.query_row([encode_key(key)], |row| {
        let change: i64 = row.get(0)?;
        Ok((change as u64, row.get(1)?))
    })
    .optional()
}
