//! Records by key, by value and by plan, on a connection that reads. It builds no SQL of its own beyond the window.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::plan::{Plan, Window};
use chancery_model::{Key, Record, Value};

use super::fault::Sql;
use super::filter::condition;
use super::readers::{Reader, snapshot};
use super::relation::Relation;
use super::rows::{encode_key, record};
use super::select::{Selection, selection};
use super::statement::Statement;

/// Pages up to this size are read on the caller's thread, if finding them costs little.
const INLINE_RECORDS_MAX: u64 = 200;

/// The record with a key.
pub(super) fn get(reader: &Reader, relation: &Relation, key: &Key) -> Sql<Option<Arc<Record>>> {
    let mut statement = reader.connection.prepare_cached(&relation.get)?;
    statement.raw_bind_parameter(1, encode_key(key))?;
    let mut rows = statement.raw_query();
    match rows.next()? {
        Some(row) => Ok(Some(Arc::new(record(
            row,
            relation,
            &mut reader.names.borrow_mut(),
        )?))),
        None => Ok(None),
    }
}

/// The records with these keys, in their order.
pub(super) fn get_many(reader: &Reader, relation: &Relation, keys: &[Key]) -> Sql<Vec<Option<Arc<Record>>>> {
    snapshot(reader, || {
        let mut statement = reader.connection.prepare_cached(&relation.get)?;
        let names = &mut *reader.names.borrow_mut();
        let mut records = Vec::with_capacity(keys.len());
        for key in keys {
            statement.raw_bind_parameter(1, encode_key(key))?;
            let mut rows = statement.raw_query();
            let found = rows.next()?.map(|row| record(row, relation, names)).transpose()?;
            records.push(found.map(Arc::new));
        }
        Ok(records)
    })
}

/// For each tuple the live records whose fields equal it.
pub(super) fn find(
    reader: &Reader,
    relation: &Relation,
    fields: &[FieldRef],
    tuples: &[Vec<Value>],
    limit: usize,
) -> Sql<Vec<Vec<Arc<Record>>>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    snapshot(reader, || {
        let names = &mut *reader.names.borrow_mut();
        let mut answers = Vec::with_capacity(tuples.len());
        for tuple in tuples {
            let mut statement = Statement::default();
            statement
                .push("SELECT ")
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
            statement.push(" ORDER BY id LIMIT ").bind(limit);
            let mut found = Vec::new();
            statement.run(&reader.connection, |row| {
                found.push(Arc::new(record(row, relation, names)?));
                Ok(true)
            })?;
            answers.push(found);
        }
        Ok(answers)
    })
}

/// The records of a plan.
pub(super) fn query(reader: &Reader, relation: &Relation, plan: &Plan) -> Sql<Vec<Arc<Record>>> {
    let selection = selection(plan, relation);
    let mut records = Vec::new();
    let reverse = selection.reverse;
    let read = |records: &mut Vec<Arc<Record>>| {
        each(reader, relation, selection, |record| {
            records.push(Arc::new(record));
            Ok(true)
        })
    };
    read(&mut records)?;
    if reverse {
        records.reverse();
    }
    Ok(records)
}

/// Feeds the rows of a selection to `take` until that answers false; a selection in reverse comes last first.
pub(super) fn each(
    reader: &Reader,
    relation: &Relation,
    selection: Selection,
    mut take: impl FnMut(Record) -> Sql<bool>,
) -> Sql<()> {
    let Selection {
        parts,
        limit,
        offset,
        reverse: _,
    } = selection;
    let several = parts.len() > 1;
    let run = || -> Sql<()> {
        let names = &mut *reader.names.borrow_mut();
        let mut left = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
        for mut part in parts {
            if left == Some(0) {
                break;
            }
            window(&mut part, left, offset);
            part.run(&reader.connection, |row| {
                left = left.map(|left| left - 1);
                take(record(row, relation, names)?)
            })?;
        }
        Ok(())
    };
    if several { snapshot(reader, run) } else { run() }
}

/// Appends the limit and what is skipped.
fn window(statement: &mut Statement, limit: Option<i64>, offset: u64) {
    if let Some(limit) = limit {
        statement.push(" LIMIT ").bind(limit);
    }
    if offset > 0 {
        statement
            .push(" OFFSET ")
            .bind(i64::try_from(offset).unwrap_or(i64::MAX));
    }
}

/// How SQLite would answer a plan.
pub(super) fn explain(reader: &Reader, relation: &Relation, plan: &Plan) -> Sql<Vec<String>> {
    let Selection {
        parts, limit, offset, ..
    } = selection(plan, relation);
    let limit = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
    let mut lines = Vec::new();
    for mut part in parts {
        window(&mut part, limit, offset);
        part.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        part.run(&reader.connection, |row| {
            lines.push(row.get::<_, String>(3)?);
            Ok(true)
        })?;
    }
    Ok(lines)
}

/// Whether a plan costs so little that another thread would cost more.
pub(super) fn is_short(relation: &Relation, plan: &Plan) -> bool {
    let (limit, offset) = match &plan.window {
        Window::All => return false,
        Window::Offset { offset, limit } => (*limit, *offset),
        Window::After { limit, .. } | Window::Before { limit, .. } => (*limit, 0),
    };
    if limit + offset > INLINE_RECORDS_MAX || plan.search.is_some() {
        return false;
    }
    let by_key = plan.sort.is_empty() || plan.sort.iter().all(|key| key.field == FieldRef::Key);
    match &plan.filter {
        Filter::All => by_key,
        filter => names_one(filter, relation),
    }
}

/// Whether at most one record can pass a filter.
fn names_one(filter: &Filter, relation: &Relation) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(|part| names_one(part, relation)),
        Filter::Field(FieldRef::Key, Test::Eq(_)) => true,
        Filter::Field(FieldRef::Column(ordinal), Test::Eq(value)) => {
            !value.is_null() && relation.slot(*ordinal).is_some_and(|slot| slot.unique)
        }
        _ => false,
    }
}
