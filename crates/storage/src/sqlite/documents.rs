//! Documents: small things beside records. Always read from the file, so that what another process appended is seen.

use std::path::Path;

use chancery_model::Json;
use rusqlite::{Connection, OptionalExtension, Row};

use super::connect;
use super::fault::{Sql, is_unique, outward, unreadable};
use crate::batch::{Document, DocumentWrite};
use crate::error::StorageError;
use crate::seam::DocumentQuery;

/// Writes one document into a file that a running server may have open; the server sees it at once.
///
/// The write is a short transaction of its own and takes no part in the change log. The file must exist.
///
/// # Errors
/// [`StorageError::DocumentConflict`] if its precondition fails, [`StorageError::Locked`] if the other process does
/// not let go of the file for some seconds.
pub fn append_document(path: &Path, document: &DocumentWrite) -> Result<(), StorageError> {
    let sql = |error: rusqlite::Error| outward(error, path);
    let connection = connect::visitor(path, crate::Durability::Full).map_err(sql)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(sql)?;
    match write(&connection, document).map_err(sql)? {
        Ok(()) => connection.execute_batch("COMMIT").map_err(sql),
        Err(conflict) => Err(conflict),
    }
}

/// Writes a document in the running transaction. The inner error is a failed precondition.
pub(super) fn write(connection: &Connection, write: &DocumentWrite) -> Sql<Result<(), StorageError>> {
    let (document, expected) = match write {
        DocumentWrite::Delete { kind, id } => {
            let mut delete = connection.prepare_cached("DELETE FROM documents WHERE kind = ? AND id = ?")?;
            delete.execute([kind, id])?;
            return Ok(Ok(()));
        }
        DocumentWrite::Put { document, expected } => (document, expected),
    };
    let conflict = || StorageError::DocumentConflict {
        kind: document.kind.clone(),
        id: document.id.clone(),
    };
    let mut find = connection.prepare_cached("SELECT version FROM documents WHERE kind = ? AND id = ?")?;
    let found: Option<i64> = find
        .query_row([&document.kind, &document.id], |row| row.get(0))
        .optional()?;
    let found = found.unwrap_or(0);
    if expected.is_some_and(|expected| expected != found as u64) {
        return Ok(Err(conflict()));
    }
    let mut put = connection.prepare_cached(
        "INSERT INTO documents (kind, id, lookup, body, version) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (kind, id) DO UPDATE SET lookup = excluded.lookup, body = excluded.body, \
         version = excluded.version",
    )?;
    let body = document.body.to_string();
    match put.execute((&document.kind, &document.id, &document.lookup, body, found + 1)) {
        Ok(_) => Ok(Ok(())),
        Err(error) if is_unique(&error) => Ok(Err(conflict())),
        Err(error) => Err(error),
    }
}

/// The columns of a document, as [`document`] reads them.
pub(super) const COLUMNS: &str = "kind, id, lookup, body, version";

/// Reads documents.
pub(super) fn read(connection: &Connection, query: &DocumentQuery) -> Sql<Vec<Document>> {
    let (condition, params): (&str, Vec<&str>) = match query {
        DocumentQuery::Id { kind, id } => ("kind = ? AND id = ?", vec![kind, id]),
        DocumentQuery::Lookup { kind, lookup } => ("kind = ? AND lookup = ?", vec![kind, lookup]),
        DocumentQuery::Kind(kind) => ("kind = ?", vec![kind]),
    };
    let mut select = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM documents WHERE {condition} ORDER BY id"
    ))?;
    let documents = select.query_map(rusqlite::params_from_iter(params), document)?;
    documents.collect()
}

/// Reads a document from a row of [`COLUMNS`].
pub(super) fn document(row: &Row<'_>) -> Sql<Document> {
    let body: Json =
        serde_json::from_str(row.get_ref(3)?.as_str()?).map_err(|error| unreadable(error.to_string()))?;
    let version: i64 = row.get(4)?;
    Ok(Document {
        kind: row.get(0)?,
        id: row.get(1)?,
        lookup: row.get(2)?,
        body,
        version: version as u64,
    })
}
