//! Mappings that an import used, remembered for each table and set of headers, so that the next one can be offered the same.
//! They are only offered: nobody is mapped by them unasked.

use chancery_storage::DocumentQuery;
use serde::{Deserialize, Serialize};

use super::kept::put_document;
use super::options::Mapping;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::MAPPINGS_OF_TABLE_MAX;
use crate::store::{Commit, Store};

const KIND: &str = "importMappings";

/// A mapping that was used before for files with the same headers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedMapping {
    /// Header to slug, none for a column that was left out.
    pub mapping: Mapping,
    /// The columns by which records were found again.
    pub match_on: Vec<String>,
    /// When it was used last, in ms since 1970.
    pub used_at: i64,
    /// The headers, sorted: their order in the file does not matter.
    headers: Vec<String>,
}

fn sorted(headers: &[String]) -> Vec<String> {
    let mut headers = headers.to_vec();
    headers.sort();
    headers
}

/// The mapping that was used last for these headers; columns that are gone since are left out of it.
///
/// # Errors
/// Whatever the backend says.
pub(super) async fn recall(handle: &TableHandle, headers: &[String]) -> Result<Option<SavedMapping>, Error> {
    let table = handle.definition()?;
    let known = all(&handle.store, &table.id.to_string()).await?;
    let headers = sorted(headers);
    let found = known.into_iter().find(|saved| saved.headers == headers);
    let is_there = |slug: &str| table.column(slug).is_some() || matches!(slug, "id" | "externalId");
    Ok(found.map(|mut saved| {
        saved
            .mapping
            .retain(|_, slug| slug.as_deref().is_none_or(is_there));
        saved.match_on.retain(|slug| is_there(slug));
        saved
    }))
}

/// Remembers a mapping for a table, by its id, and these headers.
///
/// # Errors
/// Whatever the backend says.
pub(super) async fn remember(
    store: &Store,
    table: &str,
    headers: &[String],
    mapping: &Mapping,
    match_on: &[String],
) -> Result<(), Error> {
    let saved = SavedMapping {
        mapping: mapping.clone(),
        match_on: match_on.to_vec(),
        used_at: store.now(),
        headers: sorted(headers),
    };
    let mut known = all(store, table).await?;
    known.retain(|other| other.headers != saved.headers);
    known.insert(0, saved);
    known.truncate(MAPPINGS_OF_TABLE_MAX);
    let how = Commit {
        documents: vec![put_document(KIND, table, &known)?],
        ..Commit::default()
    };
    let store = store.repeatable();
    store.commit(Vec::new(), store.now(), how).await?;
    Ok(())
}

async fn all(store: &Store, table: &str) -> Result<Vec<SavedMapping>, Error> {
    let query = DocumentQuery::Id {
        kind: KIND.into(),
        id: table.into(),
    };
    let found = store.backend().documents(query).await?.pop();
    // What another version wrote is no reason to refuse an import.
    Ok(found
        .and_then(|document| serde_json::from_value(document.body).ok())
        .unwrap_or_default())
}
