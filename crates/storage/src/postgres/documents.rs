//! Documents as rows. It judges no precondition: that is done where the batch is decided.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::fault::Pg;
use super::pipeline::AsClient;
use super::rows::unreadable;
use super::statement::{Param, Statement};
use super::text::unescape;
use crate::batch::{Document, DocumentWrite};
use crate::seam::DocumentQuery;

/// The columns of a document.
pub(super) const COLUMNS: &str = "kind, id, lookup, body, version";
/// Their types.
pub(super) const TYPES: [Type; 5] = [Type::TEXT, Type::TEXT, Type::TEXT, Type::TEXT, Type::INT8];

/// The row of a document as it is, as [`COLUMNS`] orders it.
pub(super) fn params(document: &Document) -> Vec<Param> {
    vec![
        Param::from(document.kind.as_str()),
        Param::from(document.id.as_str()),
        Param::text(document.lookup.as_deref()),
        Param::from(document.body.to_string()),
        Param::Int(document.version as i64),
    ]
}

/// Reads documents.
pub(super) async fn read(client: &impl AsClient, query: &DocumentQuery) -> Pg<Vec<Document>> {
    let mut select = Statement::new(&format!("SELECT {COLUMNS} FROM documents WHERE kind = "));
    match query {
        DocumentQuery::Id { kind, id } => select.bind(kind.as_str()).push(" AND id = ").bind(id.as_str()),
        DocumentQuery::Lookup { kind, lookup } => select
            .bind(kind.as_str())
            .push(" AND lookup = ")
            .bind(lookup.as_str()),
        DocumentQuery::Kind(kind) => select.bind(kind.as_str()),
    };
    let rows = select.push(" ORDER BY id").keep().rows(client).await?;
    rows.iter().map(document).collect()
}

/// Reads a document from a row of [`COLUMNS`].
pub(super) fn document(row: &Row) -> Pg<Document> {
    Ok(Document {
        kind: unescape(row.try_get(0)?),
        id: unescape(row.try_get(1)?),
        lookup: row.try_get::<_, Option<&str>>(2)?.map(unescape),
        body: serde_json::from_str(row.try_get(3)?).map_err(unreadable)?,
        version: row.try_get::<_, i64>(4)? as u64,
    })
}

/// The statement that does a write whose precondition holds; a document that is put is at `version` then.
pub(super) fn statement(write: &DocumentWrite, version: u64) -> Statement {
    match write {
        DocumentWrite::Delete { kind, id } => {
            let mut delete = Statement::new("DELETE FROM documents WHERE kind = ");
            delete.bind(kind.as_str()).push(" AND id = ").bind(id.as_str());
            delete
        }
        DocumentWrite::Put { document, .. } => {
            let mut put = Statement::new("INSERT INTO documents (kind, id, lookup, body, version) VALUES (");
            put.bind(document.kind.as_str())
                .push(", ")
                .bind(document.id.as_str())
                .push(", ");
            put.bind(Param::text(document.lookup.as_deref())).push(", ");
            put.bind(document.body.to_string())
                .push(", ")
                .bind(version as i64);
            put.push(
                ") ON CONFLICT (kind, id) DO UPDATE SET lookup = excluded.lookup, body = excluded.body, \
                 version = excluded.version",
            );
            put
        }
    }
}
