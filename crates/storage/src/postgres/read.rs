//! Records by key, by value and by plan, on a connection that reads. What SQL could not say is tested and sorted here.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::plan::{Plan, Window};
use chancery_model::{Key, Record, Value};
use deadpool_postgres::Transaction;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{IsolationLevel, Row};

use super::connection::{Connection, POSITION};
use super::fault::Pg;
use super::filter::condition;
use super::pipeline::answers;
use super::relation::Relation;
use super::rows::{encode_key, encode_keys, record, records};
use super::select::{Selection, selection};
use super::statement::{Statement, typed};

/// Rows fetched at a time where their number is not known.
const FETCH_ROWS: i32 = 500;

/// The record with a key.
pub(super) async fn get(client: &Connection, relation: &Relation, key: &Key) -> Pg<Option<Arc<Record>>> {
    if key.kind() != relation.key_kind {
        return Ok(None);
    }
    let statement = client.prepare_cached(&relation.get).await?;
    let row = client.query_opt(&statement, &[&encode_key(key)]).await?;
    row.map(|row| record(&row, relation).map(Arc::new)).transpose()
}

/// As [`get`], and in the same round trip the position of the server after it, for [`Connection::take_told`].
pub(super) async fn get_with_position(
    client: &Connection,
    relation: &Relation,
    key: &Key,
) -> Pg<Option<Arc<Record>>> {
    if key.kind() != relation.key_kind {
        return Ok(None);
    }
    let statement = client.prepare_cached(&relation.get).await?;
    let position = client.prepare_cached(POSITION).await?;
    let key = encode_key(key);
    let (key, nothing): ([&(dyn ToSql + Sync); 1], [&(dyn ToSql + Sync); 0]) = ([&key], []);
    let mut answers = answers(vec![
        Box::pin(client.query(&statement, &key)),
        Box::pin(client.query(&position, &nothing)),
    ])
    .await?
    .into_iter();
    let (rows, position) = (
        answers.next().unwrap_or_default(),
        answers.next().unwrap_or_default(),
    );
    if let [row] = position.as_slice() {
        client.tell(row.try_get::<_, i64>(0)? as u64);
    }
    let row = rows.first().map(|row| record(row, relation).map(Arc::new));
    row.transpose()
}

/// The records with these keys, in their order.
pub(super) async fn get_many(
    client: &Connection,
    relation: &Relation,
    keys: &[Key],
) -> Pg<Vec<Option<Arc<Record>>>> {
    let statement = client.prepare_cached(&relation.get_many).await?;
    let keys_param = encode_keys(relation.key_kind, keys.iter());
    let rows = client.query(&statement, &[&keys_param]).await?;
    let found = records(&rows, relation)?;
    let by_key: HashMap<&Key, &Arc<Record>> = found.iter().map(|record| (&record.key, record)).collect();
    Ok(keys
        .iter()
        .map(|key| by_key.get(key).map(|record| (*record).clone()))
        .collect())
}

/// For each tuple the live records whose fields equal it.
pub(super) async fn find(
    client: &mut Connection,
    relation: &Relation,
    fields: &[FieldRef],
    tuples: &[Vec<Value>],
    limit: usize,
) -> Pg<Vec<Vec<Arc<Record>>>> {
    let snapshot = snapshot(client).await?;
    let mut statements = Vec::with_capacity(tuples.len());
    for tuple in tuples {
        let mut statement = Statement::new("SELECT ");
        statement
            .push(&relation.select_list)
            .push(" FROM ")
            .push(&relation.name);
        statement.push(" WHERE deleted_at IS NULL");
        for (field, value) in fields.iter().zip(tuple) {
            statement.push(" AND ");
            condition(
                &Filter::Field(field.clone(), Test::Eq(value.clone())),
                relation,
                &mut statement,
            );
        }
        statement.push(" ORDER BY id");
        if !statement.recheck {
            statement
                .push(" LIMIT ")
                .bind(i64::try_from(limit).unwrap_or(i64::MAX));
        }
        statements.push(statement);
    }
    let plain: Vec<&Statement> = statements.iter().filter(|statement| !statement.recheck).collect();
    let mut answered = super::pipeline::rows(&snapshot, &plain).await?.into_iter();
    let mut answers = Vec::with_capacity(tuples.len());
    for (statement, tuple) in statements.iter().zip(tuples) {
        if !statement.recheck {
            answers.push(records(&answered.next().unwrap_or_default(), relation)?);
            continue;
        }
        let mut found = Vec::new();
        walk(&snapshot, relation, statement, |record| {
            let equal = fields
                .iter()
                .zip(tuple)
                .all(|(field, value)| *record.field(field) == *value);
            found.extend((equal && found.len() < limit).then_some(record));
            found.len() < limit
        })
        .await?;
        answers.push(found);
    }
    Ok(answers)
}

/// The records of a plan.
pub(super) async fn query(
    client: &mut Connection,
    relation: &Relation,
    plan: &Plan,
    searched: Option<&str>,
) -> Pg<Vec<Arc<Record>>> {
    let selection = selection(plan, relation, searched);
    let reverse = selection.reverse;
    let mut found = match selection.parts.as_slice() {
        [_] if !selection.is_raw() => {
            let Selection {
                mut parts,
                limit,
                offset,
                ..
            } = selection;
            let mut part = parts.swap_remove(0);
            window(&mut part, limit, offset);
            records(&part.rows(client).await?, relation)?
        }
        _ => {
            let snapshot = snapshot(client).await?;
            let mut chunks = Chunks::new(&snapshot, relation, plan, selection);
            let mut found = Vec::new();
            while let Some(chunk) = chunks.next().await? {
                found.extend(chunk);
            }
            found
        }
    };
    if reverse {
        found.reverse();
    }
    Ok(found)
}

/// Appends the limit and what is skipped.
fn window(statement: &mut Statement, limit: Option<u64>, offset: u64) {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if let Some(limit) = limit {
        statement.push(" LIMIT ").bind(number(limit));
    }
    if offset > 0 {
        statement.push(" OFFSET ").bind(number(offset));
    }
}

/// A transaction that only reads, and sees one state.
pub(super) async fn snapshot(client: &mut Connection) -> Pg<Transaction<'_>> {
    Ok(client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?)
}

/// The records of a selection, a chunk at a time; a selection in reverse comes last first.
pub(super) struct Chunks<'a> {
    snapshot: &'a Transaction<'a>,
    relation: &'a Relation,
    plan: &'a Plan,
    selection: Selection,
    /// The part after the one that is being read.
    part: usize,
    rows: Option<(Rows<'a>, bool)>,
    left: u64,
    skip: u64,
}

impl<'a> Chunks<'a> {
    /// Nothing is asked yet.
    pub(super) fn new(
        snapshot: &'a Transaction<'a>,
        relation: &'a Relation,
        plan: &'a Plan,
        selection: Selection,
    ) -> Chunks<'a> {
        Chunks {
            snapshot,
            relation,
            plan,
            part: 0,
            rows: None,
            left: selection.limit.unwrap_or(u64::MAX),
            skip: selection.offset,
            selection,
        }
    }

    /// The next records; none after the last.
    pub(super) async fn next(&mut self) -> Pg<Option<Vec<Arc<Record>>>> {
        if self.selection.unordered {
            let parts = std::mem::take(&mut self.selection.parts);
            return match parts.is_empty() {
                true => Ok(None),
                false => sorted(self.snapshot, self.relation, self.plan, &parts)
                    .await
                    .map(Some),
            };
        }
        while self.left > 0 {
            let Some((rows, recheck)) = &mut self.rows else {
                if !self.open().await? {
                    return Ok(None);
                }
                continue;
            };
            let Some(mut records) = rows.next(self.relation).await? else {
                self.rows = None;
                continue;
            };
            if *recheck {
                records.retain(|record| self.plan.admits(record));
            }
            let skipped = usize::try_from(self.skip)
                .unwrap_or(usize::MAX)
                .min(records.len());
            records.drain(..skipped);
            self.skip -= skipped as u64;
            records.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= records.len() as u64;
            if !records.is_empty() {
                return Ok(Some(records));
            }
        }
        Ok(None)
    }

    /// Asks for the next part, if there is one.
    async fn open(&mut self) -> Pg<bool> {
        let Some(part) = self.selection.parts.get(self.part) else {
            return Ok(false);
        };
        self.part += 1;
        let mut part = part.clone();
        if !self.selection.is_raw() {
            window(&mut part, self.selection.limit.map(|_| self.left), self.skip);
            self.skip = 0;
        }
        self.rows = Some((Rows::open(self.snapshot, &part).await?, part.recheck));
        Ok(true)
    }
}

/// The records of a plan whose order SQL cannot say: an undeclared field's value has no type of its own there, and how well a text
/// fits a search is not its business. They are all held in memory.
async fn sorted(
    snapshot: &Transaction<'_>,
    relation: &Relation,
    plan: &Plan,
    parts: &[Statement],
) -> Pg<Vec<Arc<Record>>> {
    let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for part in parts {
        walk(snapshot, relation, part, |record| {
            let beyond = match &plan.window {
                Window::After { boundary, .. } => plan.compare_to(&record, boundary).is_gt(),
                Window::Before { boundary, .. } => plan.compare_to(&record, boundary).is_lt(),
                _ => true,
            };
            found.extend((beyond && plan.admits(&record)).then_some(record));
            true
        })
        .await?;
    }
    plan.sort(&mut found);
    match &plan.window {
        Window::All => {}
        Window::Offset { offset, limit } => {
            found.drain(..size(*offset).min(found.len()));
            found.truncate(size(*limit));
        }
        Window::After { limit, .. } => found.truncate(size(*limit)),
        Window::Before { limit, .. } => {
            found.drain(..found.len().saturating_sub(size(*limit)));
        }
    }
    Ok(found)
}

/// Feeds every row of a statement to `take` until that answers false.
pub(super) async fn walk(
    snapshot: &Transaction<'_>,
    relation: &Relation,
    statement: &Statement,
    mut take: impl FnMut(Arc<Record>) -> bool,
) -> Pg<()> {
    let mut rows = Rows::open(snapshot, statement).await?;
    while let Some(chunk) = rows.next(relation).await? {
        for record in chunk {
            if !take(record) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The rows of a statement, a few at a time: the server keeps its place.
pub(super) struct Rows<'a> {
    snapshot: &'a Transaction<'a>,
    portal: tokio_postgres::Portal,
    done: bool,
}

impl<'a> Rows<'a> {
    /// Asks for the rows.
    pub(super) async fn open(snapshot: &'a Transaction<'_>, statement: &Statement) -> Pg<Rows<'a>> {
        let types: Vec<Type> = statement.params.iter().map(|param| param.ty()).collect();
        let prepared = snapshot.prepare_typed(&statement.sql, &types).await?;
        let values: Vec<_> = typed(&statement.params)
            .into_iter()
            .map(|(value, _)| value)
            .collect();
        let portal = snapshot.bind(&prepared, &values).await?;
        Ok(Rows {
            snapshot,
            portal,
            done: false,
        })
    }

    /// The next records; none after the last.
    pub(super) async fn next(&mut self, relation: &Relation) -> Pg<Option<Vec<Arc<Record>>>> {
        let rows = self.rows().await?;
        rows.map(|rows| records(&rows, relation)).transpose()
    }

    /// The next rows; none after the last.
    pub(super) async fn rows(&mut self) -> Pg<Option<Vec<Row>>> {
        if self.done {
            return Ok(None);
        }
        let rows = self.snapshot.query_portal(&self.portal, FETCH_ROWS).await?;
        self.done = rows.len() < FETCH_ROWS as usize;
        Ok(Some(rows))
    }
}

/// How PostgreSQL would answer a plan.
pub(super) async fn explain(
    client: &mut Connection,
    relation: &Relation,
    plan: &Plan,
    searched: Option<&str>,
) -> Pg<Vec<String>> {
    let selection = selection(plan, relation, searched);
    let raw = selection.is_raw();
    let mut lines = Vec::new();
    for mut part in selection.parts {
        if !raw {
            window(&mut part, selection.limit, selection.offset);
        }
        part.sql.insert_str(0, "EXPLAIN ");
        for row in part.rows(client).await? {
            lines.push(row.try_get(0)?);
        }
        if part.recheck {
            lines.push("The records found are tested again: SQL cannot say the whole filter".into());
        }
    }
    if selection.unordered {
        lines.push("The records found are sorted in memory: SQL cannot say the order".into());
    }
    Ok(lines)
}
