//! Answers kept for requests that may come twice. Decides nothing about them and knows no HTTP.

use std::sync::Arc;

use chancery_storage::{Backend, Batch, Document, DocumentQuery, DocumentWrite, StorageError};
use serde::{Deserialize, Serialize};

use crate::sweep::{Sweep, removal};

/// How long an answer is kept, in ms (24 hours).
pub const KEEP_MS: i64 = 24 * 3_600_000;
const KIND: &str = "idempotency";

/// An answer as it was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The fingerprint of what was asked.
    pub asked: String,
    /// The status.
    pub status: u16,
    /// The media type.
    pub content_type: Option<String>,
    /// Where the made thing is.
    pub location: Option<String>,
    /// Its version.
    pub etag: Option<String>,
    /// The body; absent when it was too large to keep, or held a secret, or the process ended before there was one.
    pub body: Option<String>,
    /// Whether the body held a secret that is told once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_once: bool,
}

#[derive(Serialize, Deserialize)]
struct Body {
    at: i64,
    kept: Kept,
}

/// The answers of one store.
pub struct Replies {
    backend: Arc<dyn Backend>,
    swept: Sweep,
}

impl Replies {
    /// The answers that a backend keeps.
    pub fn new(backend: Arc<dyn Backend>) -> Replies {
        Replies {
            backend,
            swept: Sweep::default(),
        }
    }

    /// What a request writes down in the very commit that does it ([`crate::Store::once`]), before it has an answer.
    pub fn claim(asked: &str) -> chancery_model::Json {
        let kept = Kept {
            asked: asked.to_owned(),
            ..Kept::default()
        };
        serde_json::to_value(Body {
            at: crate::access::now_ms(),
            kept,
        })
        .unwrap_or_default()
    }

    /// The answer under a name, if it is not too old.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub async fn find(&self, name: &str) -> Result<Option<Kept>, StorageError> {
        let query = DocumentQuery::Id {
            kind: KIND.to_owned(),
            id: name.to_owned(),
        };
        let Some(document) = self.backend.documents(query).await?.pop() else {
            return Ok(None);
        };
        let body: Body = read(&document)?;
        Ok((crate::access::now_ms() - body.at < KEEP_MS).then_some(body.kept))
    }

    /// Keeps an answer, and now and then removes those that are too old.
    ///
    /// # Errors
    /// Whatever the backend says.
    pub async fn keep(&self, name: &str, kept: Kept) -> Result<(), StorageError> {
        let at = crate::access::now_ms();
        let body = serde_json::to_value(Body { at, kept })
            .map_err(|error| StorageError::Internal(error.to_string()))?;
        let document = Document {
            kind: KIND.into(),
            id: name.into(),
            lookup: None,
            body,
            version: 0,
        };
        let mut documents = vec![DocumentWrite::Put {
            document,
            expected: None,
        }];
        if self.swept.is_due(at) {
            documents.extend(self.too_old(at).await?);
        }
        self.backend
            .commit(Batch {
                at,
                documents,
                ..Batch::default()
            })
            .await
            .map(|_| ())
    }

    async fn too_old(&self, at: i64) -> Result<Vec<DocumentWrite>, StorageError> {
        let all = self
            .backend
            .documents(DocumentQuery::Kind(KIND.to_owned()))
            .await?;
        let old = |document: &Document| read::<Body>(document).map_or(true, |body| at - body.at >= KEEP_MS);
        let over = all.into_iter().filter(old);
        Ok(over.map(removal).collect())
    }
}

fn read<T: serde::de::DeserializeOwned>(document: &Document) -> Result<T, StorageError> {
    T::deserialize(&document.body)
        .map_err(|error| StorageError::Internal(format!("{KIND} {}: {error}", document.id)))
}
