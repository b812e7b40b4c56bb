//! How a table's definition is kept: as a document, the same on every backend. It does not judge definitions.

use chancery_model::Table;

use crate::batch::Document;
use crate::error::StorageError;

/// The kind of the documents that hold definitions.
pub const DEFINITION_KIND: &str = "table";
/// The kind of the documents that hold workspaces: with the definitions they are what every process keeps in memory.
pub const WORKSPACE_KIND: &str = "workspace";

/// The document that holds a definition: its id is the table's public id, its body the definition.
///
/// # Errors
/// [`StorageError::Internal`] if the definition cannot be written as JSON.
pub(crate) fn definition_document(table: &Table) -> Result<Document, StorageError> {
    let body = serde_json::to_value(table).map_err(|error| {
        StorageError::Internal(format!("the definition of {} is no JSON: {error}", table.slug))
    })?;
    Ok(Document {
        kind: DEFINITION_KIND.into(),
        id: table.id.clone(),
        lookup: None,
        body,
        version: 0,
    })
}
