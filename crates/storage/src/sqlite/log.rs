//! The change log as rows. It does not decide what is logged.

use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind, Commit};
use chancery_model::{Key, TableId};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Statement};

use super::fault::{Sql, unreadable};
use super::rows::{decode_any_key, encode_key};
use crate::batch::Batch;
use crate::forms::{REASONS, logged_text, read_before};
use crate::part::LoggedCommit;
use crate::seam::{CommitQuery, LOG_SPAN, TableChanges};

/// The columns of the log.
pub(super) const COLUMNS: &str = "number, revision, table_number, key, kind, previous, before";

/// The columns of a commit, as [`commit`] reads them.
pub(super) const COMMIT_COLUMNS: &str = "revision, at, actor, operation, reason, first_change";

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

/// Writes down anew what was before changes.
pub(super) fn rewrite(connection: &Connection, changes: &[Change]) -> Sql<()> {
    let mut update = connection.prepare_cached("UPDATE changes SET before = ? WHERE number = ?")?;
    for change in changes {
        update.execute((logged_text(change), change.number as i64))?;
    }
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

/// The newest revision and the newest change. Where all changes are let go, the newest commit says how many there were.
pub(super) fn newest(connection: &Connection) -> Sql<(u64, u64)> {
    let sql = "SELECT (SELECT coalesce(max(revision), 0) FROM commits), \
               max((SELECT coalesce(max(number), 0) FROM changes), \
               coalesce((SELECT first_change - 1 FROM commits ORDER BY revision DESC LIMIT 1), 0))";
    let (revision, change): (i64, i64) =
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((revision as u64, change as u64))
}

/// The oldest revision that the log holds whole; 0 if it holds all.
pub(super) fn oldest(connection: &Connection) -> Sql<u64> {
    let mut select = connection.prepare_cached("SELECT coalesce(min(revision), 0) FROM commits")?;
    let oldest: i64 = select.query_row([], |row| row.get(0))?;
    Ok(if oldest > 1 { oldest as u64 } else { 0 })
}

/// Reads the log after a number.
pub(super) fn read(connection: &Connection, after: u64, limit: usize) -> Sql<Vec<Change>> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM changes WHERE number > ? ORDER BY number LIMIT ?"
    ))?;
    let changes = select.query_map((whole(after), most(limit)), change)?;
    changes.collect()
}

/// Reads the log of one table after a number.
pub(super) fn read_of(
    connection: &Connection,
    table: TableId,
    after: u64,
    limit: usize,
) -> Sql<TableChanges> {
    // Up to what was there before: what comes meanwhile is looked at by the next question.
    let (_, newest) = newest(connection)?;
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM changes WHERE number > ? AND number <= ? AND table_number = ? ORDER BY number LIMIT ?"
    ))?;
    let to = whole(after.saturating_add(LOG_SPAN).min(newest));
    let changes = select.query_map((whole(after), to, table.0, most(limit)), change)?;
    let changes = changes.collect::<Sql<Vec<Change>>>()?;
    Ok(TableChanges::new(changes, (after, limit), newest))
}

/// Reads a change and those of its record before it, newest first.
pub(super) fn chain(connection: &Connection, number: u64, limit: usize) -> Sql<Vec<Change>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare_cached(&format!(
        "WITH RECURSIVE chain (at, step) AS (VALUES (?1, 1) UNION ALL \
         SELECT previous, step + 1 FROM chain JOIN changes ON number = at WHERE step < ?2 AND previous > 0) \
         SELECT {COLUMNS} FROM chain CROSS JOIN changes ON number = at ORDER BY step"
    ))?;
    let changes = select.query_map((whole(number), most(limit)), change)?;
    changes.collect()
}

/// Reads commits.
pub(super) fn commits(connection: &Connection, query: &CommitQuery) -> Sql<Vec<LoggedCommit>> {
    match query {
        CommitQuery::Revisions(revisions) => {
            let mut revisions = revisions.clone();
            revisions.sort_unstable();
            revisions.dedup();
            let sql = format!("SELECT {COMMIT_COLUMNS} FROM commits WHERE revision = ?");
            let mut select = connection.prepare_cached(&sql)?;
            let mut found = Vec::with_capacity(revisions.len());
            for revision in revisions {
                found.extend(select.query_row([whole(revision)], commit).optional()?);
            }
            Ok(found)
        }
        CommitQuery::Before {
            revision,
            operation,
            limit,
        } => {
            let of = if operation.is_some() {
                "operation = ?3 AND "
            } else {
                ""
            };
            let mut select = connection.prepare_cached(&format!(
                "SELECT {COMMIT_COLUMNS} FROM commits WHERE {of}revision < ?1 ORDER BY revision DESC LIMIT ?2"
            ))?;
            let (before, limit) = (whole(*revision), most(*limit));
            match operation.as_deref() {
                Some(operation) => select.query_map((before, limit, operation), commit)?.collect(),
                None => select.query_map((before, limit), commit)?.collect(),
            }
        }
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads a row of [`COMMIT_COLUMNS`].
pub(super) fn commit(row: &Row<'_>) -> Sql<LoggedCommit> {
    let text =
        |index: usize| -> Sql<Option<Arc<str>>> { Ok(row.get_ref(index)?.as_str_or_null()?.map(Arc::from)) };
    let reason: i64 = row.get(4)?;
    let reason = usize::try_from(reason)
        .ok()
        .and_then(|reason| REASONS.get(reason));
    let (revision, first_change): (i64, i64) = (row.get(0)?, row.get(5)?);
    Ok(LoggedCommit {
        commit: Commit {
            revision: revision as u64,
            at: row.get(1)?,
            actor: text(2)?,
            operation: text(3)?,
            reason: *reason.ok_or_else(|| unreadable("a commit for a reason that does not exist"))?,
        },
        first_change: first_change as u64,
    })
}

/// Reads a row of [`COLUMNS`].
pub(super) fn change(row: &Row<'_>) -> Sql<Change> {
    let whole = |index: usize| -> Sql<u64> { Ok(row.get_ref(index)?.as_i64()? as u64) };
    let kind = ChangeKind::ALL.get(whole(4)? as usize);
    let (before, was) = match row.get_ref(6)?.as_str_or_null()? {
        None => (Vec::new(), None),
        Some(text) => read_before(text).map_err(unreadable)?,
    };
    Ok(Change {
        number: whole(0)?,
        revision: whole(1)?,
        table: TableId(row.get(2)?),
        key: decode_any_key(row.get_ref(3)?)?,
        kind: *kind.ok_or_else(|| unreadable("a change of a kind that does not exist"))?,
        previous: whole(5)?,
        before,
        was,
    })
}
