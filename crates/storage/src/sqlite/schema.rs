//! Changes of definitions on the writer's connection: relations, indexes and the document that holds the definition.
//! It does not judge definitions.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::{Table, TableId};
use rusqlite::{Connection, OptionalExtension};

use super::fault::{Sql, is_unique};
use super::relation::{Relation, Slot, relation_name};
use super::rows::{Shape, decode_key};
use super::{ddl, documents, search};
use crate::batch::{DocumentWrite, Rejection, SchemaWrite};
use crate::definition::{DEFINITION_KIND, definition_document};

/// The version of every definition.
pub(super) fn versions(connection: &Connection) -> Sql<HashMap<TableId, u64>> {
    let mut select = connection.prepare(
        "SELECT json_extract(body, '$.number'), json_extract(body, '$.schemaVersion') FROM documents WHERE kind = ?",
    )?;
    let versions = select.query_map([DEFINITION_KIND], |row| {
        let version: i64 = row.get(1)?;
        Ok((TableId(row.get(0)?), version as u64))
    })?;
    versions.collect()
}

/// The table whose definition changes.
pub(super) fn number(write: &SchemaWrite) -> TableId {
    match write {
        SchemaWrite::Create(table) | SchemaWrite::Drop(table) => table.number,
        SchemaWrite::Change { after, .. } => after.number,
    }
}

/// Does a change of definitions.
pub(super) fn write(
    connection: &Connection,
    versions: &mut HashMap<TableId, u64>,
    write: &SchemaWrite,
) -> Sql<Result<(), Rejection>> {
    let current = |table: &Table| versions.get(&table.number) == Some(&table.schema_version);
    match write {
        SchemaWrite::Create(table) if versions.contains_key(&table.number) => {
            Ok(Err(Rejection::SchemaChanged))
        }
        SchemaWrite::Create(table) => {
            create(connection, table)?;
            versions.insert(table.number, table.schema_version);
            Ok(Ok(()))
        }
        SchemaWrite::Change { before, .. } if !current(before) => Ok(Err(Rejection::SchemaChanged)),
        SchemaWrite::Change { before, after } => {
            connection.execute_batch("SAVEPOINT definition")?;
            if let Err(rejection) = change(connection, before, after)? {
                connection.execute_batch("ROLLBACK TO definition; RELEASE definition")?;
                return Ok(Err(rejection));
            }
            connection.execute_batch("RELEASE definition")?;
            versions.insert(after.number, after.schema_version);
            Ok(Ok(()))
        }
        SchemaWrite::Drop(table) if !current(table) => Ok(Err(Rejection::SchemaChanged)),
        SchemaWrite::Drop(table) => {
            drop_table(connection, table)?;
            versions.remove(&table.number);
            Ok(Ok(()))
        }
    }
}

fn create(connection: &Connection, table: &Arc<Table>) -> Sql<()> {
    let relation = Relation::new(table.clone());
    connection.execute_batch(&ddl::create(&relation))?;
    for index in ddl::indexes(&relation).values() {
        connection.execute_batch(&index.create)?;
    }
    keep_definition(connection, table)
}

fn change(connection: &Connection, before: &Arc<Table>, after: &Arc<Table>) -> Sql<Result<(), Rejection>> {
    let (old, new) = (Relation::new(before.clone()), Relation::new(after.clone()));
    for statement in ddl::add_columns(&old, &new) {
        connection.execute_batch(&statement)?;
    }
    for (from, to) in old
        .slots
        .iter()
        .filter_map(|from| Some((from, new.slot(from.ordinal)?)))
    {
        rescale(connection, &new, from, to)?;
    }
    let (kept, wanted) = (ddl::indexes(&old), ddl::indexes(&new));
    for (place, index) in &kept {
        if wanted.get(place) != Some(index) {
            connection.execute_batch(&format!("DROP INDEX \"{}\"", place.2))?;
        }
    }
    for (place, index) in &wanted {
        if kept.get(place) == Some(index) {
            continue;
        }
        match (connection.execute_batch(&index.create), index.unique) {
            (Ok(()), _) => {}
            (Err(error), Some(column)) if is_unique(&error) => {
                let holder = holder_of_double(connection, &new, column)?;
                return Ok(Err(Rejection::UniqueTaken { column, holder }));
            }
            (Err(error), _) => return Err(error),
        }
    }
    if search::columns(before) != search::columns(after) {
        search::remove(connection, after)?;
    }
    keep_definition(connection, after)?;
    Ok(Ok(()))
}

/// Keeps exact decimals exact when a column's number of decimals changes.
fn rescale(connection: &Connection, relation: &Relation, from: &Slot, to: &Slot) -> Sql<()> {
    let (Shape::Decimal(old), Shape::Decimal(new)) = (&from.shape, &to.shape) else {
        return Ok(());
    };
    if old == new {
        return Ok(());
    }
    let (table, name) = (&relation.name, &to.name);
    let factor = 10_i64.pow(old.abs_diff(*new));
    let (lost, change) = match new > old {
        true => (
            format!("abs({name}) > {}", i64::MAX / factor),
            format!("{name} * {factor}"),
        ),
        false => (format!("{name} % {factor} <> 0"), format!("{name} / {factor}")),
    };
    let lost: i64 =
        connection.query_row(&format!("SELECT count(*) FROM {table} WHERE {lost}"), [], |row| {
            row.get(0)
        })?;
    if lost > 0 {
        let what = format!("{lost} value(s) do not fit {new} decimals");
        return Err(rusqlite::Error::ToSqlConversionFailure(what.into()));
    }
    connection.execute(
        &format!("UPDATE {table} SET {name} = {change} WHERE {name} IS NOT NULL"),
        [],
    )?;
    Ok(())
}

/// Who had a value first that a live record with a larger key has too.
fn holder_of_double(
    connection: &Connection,
    relation: &Relation,
    column: u16,
) -> Sql<Option<chancery_model::Key>> {
    let Some(slot) = relation.slot(column) else {
        return Ok(None);
    };
    let sql = format!(
        "SELECT holder FROM (SELECT id, min(id) OVER (PARTITION BY {name}) AS holder FROM {table} \
         WHERE deleted_at IS NULL AND {name} IS NOT NULL) WHERE id <> holder ORDER BY id LIMIT 1",
        name = slot.name,
        table = relation.name
    );
    connection
        .query_row(&sql, [], |row| decode_key(relation.key_kind, row.get_ref(0)?))
        .optional()
}

fn drop_table(connection: &Connection, table: &Table) -> Sql<()> {
    search::remove(connection, table)?;
    connection.execute_batch(&format!("DROP TABLE \"{}\"", relation_name(table.number)))?;
    connection.execute("DELETE FROM counters WHERE table_number = ?", [table.number.0])?;
    let delete = DocumentWrite::Delete {
        kind: DEFINITION_KIND.into(),
        id: table.id.clone(),
    };
    documents::write(connection, &delete)?.map_err(|error| unstorable(error.to_string()))
}

fn keep_definition(connection: &Connection, table: &Table) -> Sql<()> {
    let document = definition_document(table).map_err(|error| unstorable(error.to_string()))?;
    let put = DocumentWrite::Put {
        document,
        expected: None,
    };
    documents::write(connection, &put)?.map_err(|error| unstorable(error.to_string()))
}

fn unstorable(what: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(what.into())
}
