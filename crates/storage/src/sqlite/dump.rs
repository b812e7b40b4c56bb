//! Everything in a file as a dump, read in one transaction. It writes nothing.

use std::sync::Arc;

use chancery_model::{Record, Table};
use rusqlite::{Connection, Row};
use tokio::sync::oneshot;

use super::fault::{Sql, unreadable};
use super::readers::{Reader, snapshot};
use super::relation::Relation;
use super::rows;
use super::writer::Shared;
use super::{count, documents, log};
use crate::batch::{Counter, Document};
use crate::definition::DEFINITION_KIND;
use crate::part::{IDENTITY_KIND, PART_ROWS, Part, Totals, UNFINISHED_KIND};

/// Sends every part until nobody takes them any more; says when the snapshot is fixed.
pub(super) fn dump(
    reader: &Reader,
    shared: &Shared,
    begun: oneshot::Sender<()>,
    mut send: impl FnMut(Part) -> bool,
) -> Sql<()> {
    snapshot(reader, || {
        let connection = &reader.connection;
        let tables = definitions(connection)?;
        let totals = totals(connection, &tables)?;
        let _ = begun.send(());
        if !send(Part::Start(totals)) || !documents_of(connection, &mut send)? {
            return Ok(());
        }
        for table in &tables {
            let last_change_at = last_change_at(connection, shared, table)?;
            let table = table.clone();
            if !send(Part::Table {
                table,
                last_change_at,
            }) {
                return Ok(());
            }
        }
        for table in &tables {
            if !records(reader, table, &mut send)? {
                return Ok(());
            }
        }
        if send(Part::Counters(counters(connection)?)) && changes(connection, &mut send)? {
            commits(connection, &mut send)?;
        }
        Ok(())
    })
}

/// Every definition, by number.
pub(super) fn definitions(connection: &Connection) -> Sql<Vec<Arc<Table>>> {
    let mut select = connection.prepare("SELECT body FROM documents WHERE kind = ?")?;
    let mut rows = select.query([DEFINITION_KIND])?;
    let mut tables = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(0)?.as_str()?;
        let table: Table = serde_json::from_str(body).map_err(|error| unreadable(error.to_string()))?;
        tables.push(Arc::new(table));
    }
    tables.sort_by_key(|table| table.number);
    Ok(tables)
}

fn totals(connection: &Connection, tables: &[Arc<Table>]) -> Sql<Totals> {
    let number = |sql: &str| -> Sql<u64> {
        let number: i64 = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(number as u64)
    };
    let mut totals = Totals {
        revision: log::newest(connection)?.0,
        documents: number(&format!(
            "SELECT count(*) FROM documents WHERE kind NOT IN ('{UNFINISHED_KIND}', '{IDENTITY_KIND}')"
        ))?,
        tables: tables.len() as u64,
        records: 0,
        changes: number("SELECT count(*) FROM changes")?,
        commits: number("SELECT count(*) FROM commits")?,
    };
    for table in tables {
        let name = Relation::new(table.clone()).name;
        totals.records += number(&format!("SELECT count(*) FROM {name}"))?;
    }
    Ok(totals)
}

/// As `stats` tells it.
fn last_change_at(connection: &Connection, shared: &Shared, table: &Arc<Table>) -> Sql<Option<i64>> {
    let known = shared.touched.lock().get(&table.number).copied();
    match known {
        Some(at) => Ok(Some(at)),
        None => count::last_written(connection, &Relation::new(table.clone())),
    }
}

/// Sends what a statement finds in parts; answers whether somebody still takes them.
fn each<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Sql<T>,
    part: impl Fn(Vec<T>) -> Part,
    send: &mut impl FnMut(Part) -> bool,
) -> Sql<bool> {
    let mut select = connection.prepare(sql)?;
    let mut rows = select.query([])?;
    let mut chunk = Vec::with_capacity(PART_ROWS);
    while let Some(row) = rows.next()? {
        chunk.push(read(row)?);
        if chunk.len() == PART_ROWS {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(PART_ROWS));
            if !send(part(full)) {
                return Ok(false);
            }
        }
    }
    Ok(chunk.is_empty() || send(part(chunk)))
}

fn documents_of(connection: &Connection, send: &mut impl FnMut(Part) -> bool) -> Sql<bool> {
    let sql = format!(
        "SELECT {} FROM documents WHERE kind NOT IN ('{UNFINISHED_KIND}', '{IDENTITY_KIND}') ORDER BY kind, id",
        documents::COLUMNS
    );
    let read = |row: &Row<'_>| -> Sql<Document> { documents::document(row) };
    each(connection, &sql, read, Part::Documents, send)
}

fn records(reader: &Reader, table: &Arc<Table>, send: &mut impl FnMut(Part) -> bool) -> Sql<bool> {
    let relation = Relation::new(table.clone());
    let sql = format!(
        "SELECT {} FROM {} ORDER BY id",
        relation.select_list, relation.name
    );
    let names = &reader.names;
    let read = |row: &Row<'_>| -> Sql<Arc<Record>> {
        Ok(Arc::new(rows::record(row, &relation, &mut names.borrow_mut())?))
    };
    let part = |records| Part::Records(table.clone(), records);
    each(&reader.connection, &sql, read, part, send)
}

fn counters(connection: &Connection) -> Sql<Vec<(Counter, u64)>> {
    let sql =
        "SELECT table_number, ordinal, last FROM counters WHERE last > 0 ORDER BY table_number, ordinal";
    let mut select = connection.prepare(sql)?;
    let counters = select.query_map([], |row| {
        let last: i64 = row.get(2)?;
        Ok((Counter::at(row.get(0)?, row.get(1)?), last as u64))
    })?;
    counters.collect()
}

fn changes(connection: &Connection, send: &mut impl FnMut(Part) -> bool) -> Sql<bool> {
    let sql = format!("SELECT {} FROM changes ORDER BY number", log::COLUMNS);
    each(connection, &sql, log::change, Part::Changes, send)
}

fn commits(connection: &Connection, send: &mut impl FnMut(Part) -> bool) -> Sql<bool> {
    let sql = format!("SELECT {} FROM commits ORDER BY revision", log::COMMIT_COLUMNS);
    each(connection, &sql, log::commit, Part::Commits, send)
}
