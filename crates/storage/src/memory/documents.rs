//! Documents in memory: by kind and id, with a second unique name. It knows no kinds.

use std::collections::{BTreeMap, HashMap};

use crate::batch::Document;
use crate::seam::DocumentQuery;

/// All documents.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    kinds: HashMap<String, Kind>,
}

/// The documents of one kind.
#[derive(Debug, Default)]
struct Kind {
    by_id: BTreeMap<String, Document>,
    ids_by_lookup: HashMap<String, String>,
}

impl Documents {
    /// The documents that a query names.
    pub(crate) fn query(&self, query: &DocumentQuery) -> Vec<Document> {
        let (kind, id) = match query {
            DocumentQuery::Kind(kind) => {
                return self
                    .kinds
                    .get(kind)
                    .map(|kind| kind.by_id.values().cloned().collect())
                    .unwrap_or_default();
            }
            DocumentQuery::Id { kind, id } => (self.kinds.get(kind), Some(id)),
            DocumentQuery::Lookup { kind, lookup } => {
                let kind = self.kinds.get(kind);
                (kind, kind.and_then(|kind| kind.ids_by_lookup.get(lookup)))
            }
        };
        kind.zip(id)
            .and_then(|(kind, id)| kind.by_id.get(id))
            .cloned()
            .into_iter()
            .collect()
    }

    /// All documents, by kind and id.
    pub(crate) fn all(&self) -> Vec<Document> {
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_unstable_by_key(|(name, _)| *name);
        let documents = kinds.into_iter().flat_map(|(_, kind)| kind.by_id.values());
        documents.cloned().collect()
    }

    /// Makes or replaces a document and answers what was there; nothing is changed if it is at another version than
    /// expected or its second name is somebody else's, and the document comes back.
    pub(crate) fn put(
        &mut self,
        mut document: Document,
        expected: Option<u64>,
    ) -> Result<Option<Document>, Box<Document>> {
        let kind = self.kinds.entry(document.kind.clone()).or_default();
        let found = kind
            .by_id
            .get(&document.id)
            .map_or(0, |document| document.version);
        let named = document
            .lookup
            .as_ref()
            .and_then(|lookup| kind.ids_by_lookup.get(lookup));
        if expected.is_some_and(|expected| expected != found) || named.is_some_and(|id| *id != document.id) {
            return Err(Box::new(document));
        }
        document.version = found + 1;
        let (name, id) = (document.kind.clone(), document.id.clone());
        Ok(self.set(&name, &id, Some(document)))
    }

    /// Puts a document in its place as it is, or takes it away, and answers what was there.
    pub(crate) fn set(&mut self, kind: &str, id: &str, document: Option<Document>) -> Option<Document> {
        let kind = self.kinds.entry(kind.to_owned()).or_default();
        let old = kind.by_id.remove(id);
        if let Some(lookup) = old.as_ref().and_then(|old| old.lookup.as_ref()) {
            kind.ids_by_lookup.remove(lookup);
        }
        if let Some(document) = document {
            if let Some(lookup) = &document.lookup {
                kind.ids_by_lookup.insert(lookup.clone(), id.to_owned());
            }
            kind.by_id.insert(id.to_owned(), document);
        }
        old
    }
}
