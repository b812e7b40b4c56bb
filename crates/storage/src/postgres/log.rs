//! The change log as rows. It does not decide what is logged.

use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind, Commit};
use chancery_model::{Key, TableId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::fault::Pg;
use super::pipeline::AsClient;
use super::rows::unreadable;
use super::statement::{Param, Statement};
use super::text::unescape;
use crate::batch::Batch;
use crate::forms::{REASONS, logged_text, read_before};
use crate::part::LoggedCommit;
use crate::seam::{CommitQuery, LOG_SPAN, TableChanges};

/// The columns of the log, in the order of [`Entry::params`].
pub(super) const COLUMNS: &str =
    "number, revision, table_number, key_int, key_text, key_uuid, kind, previous, before";
/// Their types.
pub(super) const TYPES: [Type; 9] = [
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::UUID,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
];

/// A row of the log about to be written.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) number: u64,
    pub(super) revision: u64,
    pub(super) table: TableId,
    pub(super) key: Option<Key>,
    pub(super) kind: ChangeKind,
    pub(super) previous: u64,
    pub(super) before: Option<String>,
}

impl Entry {
    /// The row, as [`COLUMNS`] orders it.
    pub(super) fn params(&self) -> Vec<Param> {
        let null = |ty: Type| Param::Null(ty);
        let mut keys = [null(Type::INT8), null(Type::TEXT), null(Type::UUID)];
        match &self.key {
            Some(Key::Int(int)) => keys[0] = Param::Int(*int),
            Some(Key::Text(text)) => keys[1] = Param::Text(text.to_string()),
            Some(Key::Uuid(uuid)) => keys[2] = Param::Uuid(*uuid),
            None => {}
        }
        let mut params = vec![
            Param::Int(self.number as i64),
            Param::Int(self.revision as i64),
            Param::Int(i64::from(self.table.0)),
        ];
        params.extend(keys);
        params.extend([
            Param::Int(self.kind.number()),
            Param::Int(self.previous as i64),
            Param::text(self.before.as_deref()),
        ]);
        params
    }
}

/// A row of a commit about to be written.
#[derive(Clone, Debug)]
pub(super) struct CommitRow {
    revision: u64,
    at: i64,
    actor: Option<String>,
    operation: Option<String>,
    reason: i64,
    first: u64,
    pub(super) id: Uuid,
}

/// The columns of a commit, in the order of [`CommitRow::params`].
pub(super) const COMMIT_COLUMNS: &str = "revision, committed_at, actor, operation, reason, first_change, id";
/// Their types.
pub(super) const COMMIT_TYPES: [Type; 7] = [
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::UUID,
];

impl CommitRow {
    /// The row of a commit that happened elsewhere.
    pub(super) fn of(logged: &LoggedCommit) -> CommitRow {
        let batch = Batch {
            at: logged.commit.at,
            actor: logged.commit.actor.clone(),
            operation: logged.commit.operation.clone(),
            reason: logged.commit.reason,
            ..Batch::default()
        };
        // Nobody here asks for the outcome of that commit, so its id is as good as any.
        CommitRow::new(
            &batch,
            logged.commit.revision,
            logged.first_change,
            Uuid::new_v4(),
        )
    }

    /// The row, as [`COMMIT_COLUMNS`] orders it.
    pub(super) fn params(&self) -> Vec<Param> {
        vec![
            Param::Int(self.revision as i64),
            Param::Int(self.at),
            Param::text(self.actor.as_deref()),
            Param::text(self.operation.as_deref()),
            Param::Int(self.reason),
            Param::Int(self.first as i64),
            Param::Uuid(self.id),
        ]
    }

    /// The row of a batch.
    pub(super) fn new(batch: &Batch, revision: u64, first: u64, id: Uuid) -> CommitRow {
        let reason = REASONS
            .iter()
            .position(|reason| *reason == batch.reason)
            .unwrap_or_default();
        CommitRow {
            revision,
            at: batch.at,
            actor: batch.actor.as_deref().map(str::to_owned),
            operation: batch.operation.as_deref().map(str::to_owned),
            reason: reason as i64,
            first,
            id,
        }
    }
}

/// Asks for the newest revision and the newest change. Where all changes are let go, the newest commit says how many there
/// were.
pub(super) const NEWEST: &str = "SELECT (SELECT coalesce(max(revision), 0) FROM commits), greatest((SELECT coalesce(max(number), 0) FROM changes), \
     (SELECT first_change - 1 FROM commits ORDER BY revision DESC LIMIT 1))";

/// Asks for the oldest commit; 0 if there is none.
pub(super) const OLDEST: &str = "SELECT coalesce(min(revision), 0)::bigint FROM commits";

/// The beginning of an operation's name, as the index of commits holds it.
const OPERATION_LEAD: &str = "left(operation, 100)";

/// The oldest revision that the log holds whole, given the oldest commit; 0 if it holds all.
pub(super) fn oldest_whole(oldest: i64) -> u64 {
    if oldest > 1 { oldest as u64 } else { 0 }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Reads the log after a number.
pub(super) async fn read(client: &impl AsClient, after: u64, limit: usize) -> Pg<Vec<Change>> {
    let mut select = Statement::new("SELECT ");
    select.push(COLUMNS).push(" FROM changes WHERE number > ");
    select
        .bind(whole(after))
        .push(" ORDER BY number LIMIT ")
        .bind(most(limit));
    let rows = select.rows(client).await?;
    rows.iter().map(change).collect()
}

/// Reads the log of one table after a number.
pub(super) async fn read_of(
    client: &impl AsClient,
    table: TableId,
    after: u64,
    limit: usize,
) -> Pg<TableChanges> {
    // Up to what was there before: what comes meanwhile is looked at by the next question.
    let newest = Statement::new("SELECT coalesce(max(number), 0)::bigint FROM changes");
    let newest = newest.number(client).await?;
    let mut select = Statement::new("SELECT ");
    select.push(COLUMNS).push(" FROM changes WHERE number > ");
    select
        .bind(whole(after))
        .push(" AND number <= ")
        .bind(newest.min(whole(after.saturating_add(LOG_SPAN))))
        .push(" AND table_number = ")
        .bind(i64::from(table.0))
        .push(" ORDER BY number LIMIT ")
        .bind(most(limit));
    let rows = select.rows(client).await?;
    let changes = rows.iter().map(change).collect::<Pg<Vec<Change>>>()?;
    let newest = u64::try_from(newest).unwrap_or_default();
    Ok(TableChanges::new(changes, (after, limit), newest))
}

/// Writes down anew what was before changes, in one statement.
pub(super) async fn rewrite(client: &impl AsClient, changes: &[Change]) -> Pg<()> {
    let told = changes
        .iter()
        .filter_map(|change| Some((change.number as i64, logged_text(change)?)));
    let (numbers, texts) = told.unzip();
    let mut update = Statement::new("UPDATE changes SET before = new.before FROM unnest(");
    update.bind(Param::Ints(numbers)).push(", ");
    update
        .bind(Param::Texts(texts))
        .push(") AS new (number, before) WHERE changes.number = new.number");
    update.execute(client).await?;
    Ok(())
}

/// Reads a change and those of its record before it, newest first.
pub(super) async fn chain(client: &impl AsClient, number: u64, limit: usize) -> Pg<Vec<Change>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let mut select = Statement::new("WITH RECURSIVE chain (at, step) AS (SELECT ");
    select
        .bind(whole(number))
        .push(
            ", 1::bigint UNION ALL SELECT previous, step + 1 FROM chain JOIN changes ON number = at WHERE step < ",
        )
        .bind(most(limit))
        .push(" AND previous > 0) SELECT ")
        .push(COLUMNS)
        .push(" FROM chain JOIN changes ON number = at ORDER BY step");
    let rows = select.keep().rows(client).await?;
    rows.iter().map(change).collect()
}

/// Reads commits.
pub(super) async fn commits(client: &impl AsClient, query: &CommitQuery) -> Pg<Vec<LoggedCommit>> {
    let mut select = Statement::new(&format!("SELECT {COMMIT_COLUMNS} FROM commits WHERE "));
    match query {
        CommitQuery::Revisions(revisions) => {
            let revisions = revisions.iter().map(|revision| whole(*revision)).collect();
            select.push("revision = ANY(").bind(Param::Ints(revisions));
            select.push(") ORDER BY revision");
        }
        CommitQuery::Before {
            revision,
            operation,
            limit,
        } => {
            if let Some(operation) = operation {
                select.push("operation = ").bind(&**operation);
                select.push(" AND ").push(OPERATION_LEAD);
                select.push(" = left(").bind(&**operation).push(", 100) AND ");
            }
            select.push("revision < ").bind(whole(*revision));
            select.push(" ORDER BY revision DESC LIMIT ").bind(most(*limit));
        }
    }
    let rows = select.keep().rows(client).await?;
    rows.iter().map(commit).collect()
}

/// Reads a row of [`COMMIT_COLUMNS`].
pub(super) fn commit(row: &Row) -> Pg<LoggedCommit> {
    let text = |index: usize| -> Pg<Option<Arc<str>>> {
        Ok(row
            .try_get::<_, Option<&str>>(index)?
            .map(|text| unescape(text).into()))
    };
    let reason = usize::try_from(row.try_get::<_, i64>(4)?).ok();
    let reason = reason.and_then(|reason| REASONS.get(reason));
    Ok(LoggedCommit {
        commit: Commit {
            revision: row.try_get::<_, i64>(0)? as u64,
            at: row.try_get(1)?,
            actor: text(2)?,
            operation: text(3)?,
            reason: *reason.ok_or_else(|| unreadable("a commit for a reason that does not exist"))?,
        },
        first_change: row.try_get::<_, i64>(5)? as u64,
    })
}

/// Reads a row of [`COLUMNS`].
pub(super) fn change(row: &Row) -> Pg<Change> {
    let whole = |index: usize| -> Pg<i64> { Ok(row.try_get(index)?) };
    let kind = usize::try_from(whole(6)?)
        .ok()
        .and_then(|kind| ChangeKind::ALL.get(kind));
    let key = match (
        row.try_get::<_, Option<i64>>(3)?,
        row.try_get::<_, Option<&str>>(4)?,
        row.try_get::<_, Option<Uuid>>(5)?,
    ) {
        (Some(int), ..) => Some(Key::Int(int)),
        (_, Some(text), _) => Some(Key::Text(unescape(text).into())),
        (_, _, uuid) => uuid.map(Key::Uuid),
    };
    let (before, was) = match row.try_get::<_, Option<&str>>(8)? {
        None => (Vec::new(), None),
        Some(text) => read_before(text).map_err(unreadable)?,
    };
    Ok(Change {
        number: whole(0)? as u64,
        revision: whole(1)? as u64,
        table: TableId(u32::try_from(whole(2)?).map_err(unreadable)?),
        key,
        kind: *kind.ok_or_else(|| unreadable("a change of a kind that does not exist"))?,
        previous: whole(7)? as u64,
        before,
        was,
    })
}
