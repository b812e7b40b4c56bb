//! The change log as rows. It does not decide what is logged.

use chancery_model::change::{Change, ChangeKind};
use chancery_model::{Key, TableId};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

use super::fault::Pg;
use super::rows::unreadable;
use super::statement::{Param, Statement};
use super::text::unescape;
use crate::batch::Batch;
use crate::forms::{REASONS, read_before};
use crate::part::LoggedCommit;

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

/// Asks for the newest revision and the newest change.
pub(super) const NEWEST: &str =
    "SELECT (SELECT coalesce(max(revision), 0) FROM commits), (SELECT coalesce(max(number), 0) FROM changes)";

/// Reads the log after a number.
pub(super) async fn read(client: &Client, after: u64, limit: usize) -> Pg<Vec<Change>> {
    let mut select = Statement::new("SELECT ");
    select.push(COLUMNS).push(" FROM changes WHERE number > ");
    select
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .push(" ORDER BY number LIMIT ");
    let rows = select
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(client)
        .await?;
    rows.iter().map(change).collect()
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
    Ok(Change {
        number: whole(0)? as u64,
        revision: whole(1)? as u64,
        table: TableId(u32::try_from(whole(2)?).map_err(unreadable)?),
        key,
        kind: *kind.ok_or_else(|| unreadable("a change of a kind that does not exist"))?,
        previous: whole(7)? as u64,
        before: match row.try_get::<_, Option<&str>>(8)? {
            None => Vec::new(),
            Some(text) => read_before(text).map_err(unreadable)?,
        },
        was: None,
    })
}
