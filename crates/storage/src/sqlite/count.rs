//! How many records a plan has, exactly or about. It reads no records.

use std::rc::Rc;

use chancery_model::filter::{Filter, Test};
use chancery_model::query::plan::{Plan, Scope};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, OptionalExtension};

use super::fault::Sql;
use super::relation::Relation;
use super::select::conditions;
use super::statement::{Param, Statement};
use crate::seam::{CountMode, TableStats};

/// Up to this many rows everything is counted exactly.
const EXACT_ROWS_MAX: i64 = 20_000;
/// Rows looked at for an estimate.
const SAMPLE_ROWS: i64 = 2_000;
/// Records that an index finds are counted exactly up to this many.
const INDEXED_MAX: i64 = 2_000;

/// How many records a plan has, its window aside.
pub(super) fn count(connection: &Connection, relation: &Relation, plan: &Plan, mode: CountMode) -> Sql<u64> {
    let plain = matches!(&plan.filter, Filter::All) && plan.search.is_none();
    let count = match mode {
        CountMode::Exact if plain => plain_count(connection, relation, plan)?,
        CountMode::Exact => exact(connection, relation, plan)?,
        CountMode::Estimated => estimate(connection, relation, plan, plain)?,
    };
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Without a filter the small indexes say what is not seen; no row is looked at.
fn plain_count(connection: &Connection, relation: &Relation, plan: &Plan) -> Sql<i64> {
    let name = &relation.name;
    let (all, expired) = match plan.scope {
        Scope::All => (format!("(SELECT count(*) FROM {name})"), ""),
        Scope::Trash => (
            format!("(SELECT count(*) FROM {name} WHERE deleted_at IS NOT NULL)"),
            "deleted_at IS NOT NULL AND ",
        ),
        Scope::Live => (
            format!(
                "(SELECT count(*) FROM {name}) - (SELECT count(*) FROM {name} WHERE deleted_at IS NOT NULL)"
            ),
            "deleted_at IS NULL AND ",
        ),
    };
    let mut out = Statement::default();
    out.push("SELECT ")
        .push(&all)
        .push(" - (SELECT count(*) FROM ")
        .push(name)
        .push(" WHERE ")
        .push(expired);
    out.push("expires_at IS NOT NULL AND expires_at <= ")
        .bind(plan.now)
        .push(")");
    out.number(connection)
}

fn exact(connection: &Connection, relation: &Relation, plan: &Plan) -> Sql<i64> {
    let mut out = Statement::default();
    out.push("SELECT count(*) FROM ").push(&relation.name);
    conditions(plan, relation, &mut out);
    out.number(connection)
}

fn estimate(connection: &Connection, relation: &Relation, plan: &Plan, plain: bool) -> Sql<i64> {
    let ends = format!(
        "SELECT (SELECT min(seq) FROM {0}), (SELECT max(seq) FROM {0})",
        relation.name
    );
    let ends: Option<(Option<i64>, Option<i64>)> = connection
        .prepare_cached(&ends)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((Some(first), Some(last))) = ends else {
        return Ok(0);
    };
    let span = last - first + 1;
    if span <= EXACT_ROWS_MAX {
        return if plain {
            plain_count(connection, relation, plan)
        } else {
            exact(connection, relation, plan)
        };
    }
    if plan.search.is_some() {
        return exact(connection, relation, plan);
    }
    if served(&plan.filter, relation) {
        let mut out = Statement::default();
        out.push("SELECT count(*) FROM (SELECT 1 FROM ")
            .push(&relation.name);
        conditions(plan, relation, &mut out);
        out.push(" LIMIT ").bind(INDEXED_MAX).push(")");
        let found = out.number(connection)?;
        if found < INDEXED_MAX {
            return Ok(found);
        }
    }
    // Rows are numbered as they came, so rows at even distances are a fair sample, gaps included.
    let places = (0..SAMPLE_ROWS).map(|index| SqlValue::Integer(first + index * span / SAMPLE_ROWS));
    let mut out = Statement::default();
    out.push("SELECT count(*) FROM rarray(?) AS sample CROSS JOIN ")
        .push(&relation.name);
    out.params.push(Param::Many(Rc::new(places.collect())));
    conditions(plan, relation, &mut out);
    out.push(" AND seq = sample.value");
    let found = out.number(connection)?;
    Ok((i128::from(found) * i128::from(span) / i128::from(SAMPLE_ROWS)) as i64)
}

/// Whether an index finds what a filter asks for.
fn served(filter: &Filter, relation: &Relation) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().any(|part| served(part, relation)),
        Filter::Field(field, Test::Eq(_) | Test::In(_)) => relation.has_index(field),
        _ => false,
    }
}

/// Sizes of a table; when it last changed is known elsewhere.
pub(super) fn stats(connection: &Connection, relation: &Relation) -> Sql<TableStats> {
    let sql = format!(
        "SELECT (SELECT count(*) FROM {0}), (SELECT count(*) FROM {0} WHERE deleted_at IS NOT NULL)",
        relation.name
    );
    connection.prepare_cached(&sql)?.query_row([], |row| {
        let (all, trash): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(TableStats {
            live: (all - trash) as u64,
            trash: trash as u64,
            last_change_at: None,
        })
    })
}

/// When a record of the table was last written, by looking at all of them.
pub(super) fn last_written(connection: &Connection, relation: &Relation) -> Sql<Option<i64>> {
    let sql = format!("SELECT max(updated_at) FROM {}", relation.name);
    connection.query_row(&sql, [], |row| row.get(0))
}
