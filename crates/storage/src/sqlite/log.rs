//! The change log as rows. It does not decide what is logged.

use chancery_model::change::{Change, ChangeKind, Commit};
use chancery_model::{Key, TableId};
use rusqlite::{CachedStatement, Connection, Row, Statement};

use super::fault::{Sql, unreadable};
use super::rows::{decode_any_key, encode_key};
use crate::batch::Batch;
use crate::forms::{REASONS, read_before};

/// The columns of the log.
pub(super) const COLUMNS: &str = "number, revision, table_number, key, kind, previous, before";

/// A row of the log about to be written.
pub(super) struct Entry<'a> {
    pub(super) number: u64,
    pub(super) revision: u64,
    pub(super) table: TableId,
    pub(super) key: Option<&'a Key>,
    pub(super) kind: ChangeKind,
    pub(super) previous: u64,
    pub(super) before: Option<String>,
}

/// The statement that writes a row of the log.
pub(super) fn appending(connection: &Connection) -> Sql<CachedStatement<'_>> {
    connection.prepare_cached(
        "INSERT INTO changes (number, revision, table_number, key, kind, previous, before) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
}

/// Writes a row of the log with [`appending`]'s statement.
pub(super) fn append(insert: &mut Statement<'_>, entry: Entry<'_>) -> Sql<()> {
    insert.raw_bind_parameter(1, entry.number as i64)?;
    insert.raw_bind_parameter(2, entry.revision as i64)?;
    insert.raw_bind_parameter(3, entry.table.0)?;
    match entry.key {
        Some(key) => insert.raw_bind_parameter(4, encode_key(key))?,
        None => insert.raw_bind_parameter(4, rusqlite::types::Null)?,
    }
    insert.raw_bind_parameter(5, entry.kind.number())?;
    insert.raw_bind_parameter(6, entry.previous as i64)?;
    insert.raw_bind_parameter(7, entry.before)?;
    insert.raw_execute()?;
    Ok(())
}

/// Writes the row of a commit.
pub(super) fn append_commit(connection: &Connection, revision: u64, first: u64, batch: &Batch) -> Sql<()> {
    let commit = Commit {
        revision,
        at: batch.at,
        actor: batch.actor.clone(),
        operation: batch.operation.clone(),
        reason: batch.reason,
    };
    put_commit(connection, &commit, first)
}

/// Writes the row of a commit whose first change has this number.
pub(super) fn put_commit(connection: &Connection, commit: &Commit, first: u64) -> Sql<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO commits (revision, at, actor, operation, reason, first_change) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let reason = REASONS
        .iter()
        .position(|reason| *reason == commit.reason)
        .unwrap_or_default();
    let actor = commit.actor.as_deref();
    let operation = commit.operation.as_deref();
    insert.execute((
        commit.revision as i64,
        commit.at,
        actor,
        operation,
        reason as i64,
        first as i64,
    ))?;
    Ok(())
}

/// The newest revision and the newest change.
pub(super) fn newest(connection: &Connection) -> Sql<(u64, u64)> {
    let sql = "SELECT (SELECT coalesce(max(revision), 0) FROM commits), (SELECT coalesce(max(number), 0) FROM changes)";
    let (revision, change): (i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((revision as u64, change as u64))
}

/// Reads the log after a number.
pub(super) fn read(connection: &Connection, after: u64, limit: usize) -> Sql<Vec<Change>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM changes WHERE number > ? ORDER BY number LIMIT ?"
    ))?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let changes = select.query_map((after, limit), change)?;
    changes.collect()
}

/// Reads a row of [`COLUMNS`].
pub(super) fn change(row: &Row<'_>) -> Sql<Change> {
    let whole = |index: usize| -> Sql<u64> { Ok(row.get_ref(index)?.as_i64()? as u64) };
    let kind = ChangeKind::ALL.get(whole(4)? as usize);
    Ok(Change {
        number: whole(0)?,
        revision: whole(1)?,
        table: TableId(row.get(2)?),
        key: decode_any_key(row.get_ref(3)?)?,
        kind: *kind.ok_or_else(|| unreadable("a change of a kind that does not exist"))?,
        previous: whole(5)?,
        before: match row.get_ref(6)?.as_str_or_null()? {
            None => Vec::new(),
            Some(text) => read_before(text).map_err(unreadable)?,
        },
        was: None,
    })
}
