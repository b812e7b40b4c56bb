//! Exact states written into an empty file, on the writer's connection. It begins and ends no transaction, and decides
//! nothing about what it writes.

use std::path::Path;
use std::sync::Arc;

use chancery_model::{Record, Table};
use rusqlite::Connection;

use super::fault::Sql;
use super::log::{self, Entry};
use super::relation::Relation;
use super::rows::bind_record;
use super::writer::Shared;
use super::{ddl, documents, dump};
use crate::batch::{Counter, Document};
use crate::error::StorageError;
use crate::forms;
use crate::part::{Fill, LoggedCommit, Part, UNFINISHED_ID, UNFINISHED_KIND};

/// Does one step.
pub(super) fn fill(
    connection: &Connection,
    path: &Path,
    shared: &Shared,
    step: &Fill,
) -> Sql<Result<(), StorageError>> {
    let done = match step {
        Fill::Begin => return begin(connection, path, shared),
        Fill::Part(part) => take(connection, shared, part),
        Fill::Finish => finish(connection),
        Fill::Open => connection
            .execute("DELETE FROM documents WHERE kind = ?", [UNFINISHED_KIND])
            .map(drop),
    };
    done.map(Ok)
}

fn begin(connection: &Connection, path: &Path, shared: &Shared) -> Sql<Result<(), StorageError>> {
    let has = |sql: &str| -> Sql<bool> { connection.query_row(sql, [], |row| row.get(0)) };
    let mark = format!("SELECT EXISTS (SELECT 1 FROM documents WHERE kind = '{UNFINISHED_KIND}')");
    if has(&mark)? {
        empty(connection, shared)?;
    } else if has("SELECT EXISTS (SELECT 1 FROM documents) OR EXISTS (SELECT 1 FROM commits)")? {
        let place = path.display().to_string();
        return Ok(Err(StorageError::NotEmpty { place }));
    }
    let put = "INSERT INTO documents (kind, id, body, version) VALUES (?, ?, 'null', 1)";
    connection.execute(put, [UNFINISHED_KIND, UNFINISHED_ID])?;
    Ok(Ok(()))
}

/// Takes away what an earlier filling left.
fn empty(connection: &Connection, shared: &Shared) -> Sql<()> {
    let mut select =
        connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 't[0-9]*'")?;
    let names: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<Sql<_>>()?;
    for name in names.iter().filter(|name| is_relation(name)) {
        connection.execute_batch(&format!("DROP TABLE \"{name}\""))?;
    }
    connection.execute_batch(
        "DELETE FROM documents; DELETE FROM counters; DELETE FROM changes; DELETE FROM commits; \
         DELETE FROM meta WHERE key = 'touched'",
    )?;
    shared.touched.lock().clear();
    Ok(())
}

/// Whether a relation of this name holds the records of a table.
pub(super) fn is_relation(name: &str) -> bool {
    name.strip_prefix('t')
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn take(connection: &Connection, shared: &Shared, part: &Part) -> Sql<()> {
    match part {
        Part::Start(_) => Ok(()),
        Part::Documents(documents) => put_documents(connection, documents),
        Part::Table {
            table,
            last_change_at,
        } => {
            shared.relations.forget(table.number);
            connection.execute_batch(&ddl::create(&Relation::new(table.clone())))?;
            if let Some(at) = last_change_at {
                shared.touched.lock().insert(table.number, *at);
            }
            Ok(())
        }
        Part::Records(table, records) => put_records(connection, table, records),
        Part::Counters(counters) => put_counters(connection, counters),
        Part::Changes(changes) => {
            let mut insert = log::appending(connection)?;
            for change in changes {
                let entry = Entry {
                    number: change.number,
                    revision: change.revision,
                    table: change.table,
                    key: change.key.as_ref(),
                    kind: change.kind,
                    previous: change.previous,
                    before: forms::logged_text(change),
                };
                log::append(&mut insert, entry)?;
            }
            Ok(())
        }
        Part::Commits(commits) => {
            for LoggedCommit { commit, first_change } in commits {
                log::put_commit(connection, commit, *first_change)?;
            }
            Ok(())
        }
    }
}

fn put_documents(connection: &Connection, documents: &[Document]) -> Sql<()> {
    let sql = format!(
        "INSERT INTO documents ({}) VALUES (?, ?, ?, ?, ?)",
        documents::COLUMNS
    );
    let mut insert = connection.prepare_cached(&sql)?;
    for document in documents {
        let Document {
            kind,
            id,
            lookup,
            body,
            version,
        } = document;
        insert.execute((kind, id, lookup, body.to_string(), *version as i64))?;
    }
    Ok(())
}

fn put_records(connection: &Connection, table: &Arc<Table>, records: &[Arc<Record>]) -> Sql<()> {
    let relation = Relation::new(table.clone());
    let mut insert = connection.prepare_cached(&relation.insert)?;
    for record in records {
        bind_record(&mut insert, &relation, record)?;
        insert.raw_execute()?;
    }
    Ok(())
}

fn put_counters(connection: &Connection, counters: &[(Counter, u64)]) -> Sql<()> {
    let mut insert =
        connection.prepare_cached("INSERT INTO counters (table_number, ordinal, last) VALUES (?, ?, ?)")?;
    for (counter, last) in counters {
        let (table, ordinal) = counter.place();
        insert.execute((table, ordinal, *last as i64))?;
    }
    Ok(())
}

fn finish(connection: &Connection) -> Sql<()> {
    for table in dump::definitions(connection)? {
        for index in ddl::indexes(&Relation::new(table)).values() {
            connection.execute_batch(&index.create)?;
        }
    }
    Ok(())
}
