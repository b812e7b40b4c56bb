//! Names of tables that must be free when a table is made, whichever process makes it. It checks no spelling.

use chancery_model::Table;
use chancery_storage::{Document, DocumentWrite};
use serde_json::json;

use crate::error::Error;

/// The kind of the documents that say which names are taken: two processes may make a table of one name at once, and the
/// commit of only one of them finds its document free.
pub(crate) const NAME_KIND: &str = "table-name";

/// Takes the name of a table.
pub(crate) fn name_taken(table: &Table) -> DocumentWrite {
    let document = Document {
        kind: NAME_KIND.into(),
        id: name(table),
        lookup: None,
        body: json!({"table": table.id}),
        version: 0,
    };
    DocumentWrite::Put {
        document,
        expected: Some(0),
    }
}

/// Lets the name of a dropped table go.
pub(crate) fn name_free(table: &Table) -> DocumentWrite {
    DocumentWrite::Delete {
        kind: NAME_KIND.into(),
        id: name(table),
    }
}

fn name(table: &Table) -> String {
    format!("{}/{}", table.workspace, table.slug)
}

/// The refusal of a name that is taken.
pub(crate) fn taken(slug: &str) -> Error {
    Error::Taken {
        what: "table",
        message: format!("A table \"{slug}\" exists already"),
    }
}
