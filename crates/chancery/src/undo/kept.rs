//! What is written down of undos: which operation each took back, and how far a running one is. Takes nothing back itself.

use std::sync::Arc;

use chancery_model::change::Reason;
use chancery_storage::{Document, DocumentQuery, DocumentWrite};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::report::RevertReport;
use crate::error::Error;
use crate::store::{Actor, Store};

/// A running undo of more than one commit; its id is that of the operation it takes back, so that there is one at a time.
const RUNNING_KIND: &str = "undoRunning";
/// An undo that was done; its second name is the operation that it took back, for the newest that did.
const MARK_KIND: &str = "undo";

/// How far a running undo is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Running {
    /// The undo's own operation.
    pub(super) undo: Arc<str>,
    pub(super) workspace: Arc<str>,
    pub(super) actor: Option<Arc<str>>,
    /// Everything of the operation from this change on is dealt with.
    pub(super) position: u64,
    pub(super) all_or_nothing: bool,
    /// How often all of the operation was gone through before.
    #[serde(default)]
    pub(super) round: u32,
    /// Records that were written in this round.
    #[serde(default)]
    pub(super) written: u64,
    /// Of what was left out in this round, how much an older part of the operation may make possible.
    #[serde(default)]
    pub(super) waiting: u64,
    pub(super) report: RevertReport,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    reverts: Arc<str>,
    workspace: Arc<str>,
}

/// How an operation stands to undos.
#[derive(Clone, Debug, Default)]
pub(crate) struct UndoMarks {
    pub(crate) reverts: Option<Arc<str>>,
    pub(crate) reverted_by: Option<Arc<str>>,
}

impl Running {
    /// The document, to be written where it has this version (0: where there is none).
    pub(super) fn put(&self, version: u64) -> Result<DocumentWrite, Error> {
        put(RUNNING_KIND, &self.report.reverts, None, self, Some(version))
    }

    /// What takes the document away.
    pub(super) fn removal(&self) -> DocumentWrite {
        DocumentWrite::Delete {
            kind: RUNNING_KIND.into(),
            id: self.report.reverts.to_string(),
        }
    }

    /// The documents that say which operation this undo takes back, and that an earlier one is not the newest any more.
    pub(super) async fn mark(&self, store: &Store) -> Result<Vec<DocumentWrite>, Error> {
        let mut writes = Vec::new();
        let earlier = DocumentQuery::Lookup {
            kind: MARK_KIND.into(),
            lookup: self.report.reverts.to_string(),
        };
        for document in store.backend().documents(earlier).await? {
            if document.id == *self.undo {
                return Ok(Vec::new());
            }
            writes.push(DocumentWrite::Put {
                expected: Some(document.version),
                document: Document {
                    lookup: None,
                    ..document
                },
            });
        }
        let mark = Mark {
            reverts: self.report.reverts.clone(),
            workspace: self.workspace.clone(),
        };
        writes.push(put(
            MARK_KIND,
            &self.undo,
            Some(&self.report.reverts),
            &mark,
            None,
        )?);
        Ok(writes)
    }
}

fn put(
    kind: &str,
    id: &str,
    lookup: Option<&str>,
    body: &impl Serialize,
    expected: Option<u64>,
) -> Result<DocumentWrite, Error> {
    let body = serde_json::to_value(body).map_err(|error| Error::Internal(error.to_string()))?;
    let document = Document {
        kind: kind.into(),
        id: id.into(),
        lookup: lookup.map(str::to_owned),
        body,
        version: 0,
    };
    Ok(DocumentWrite::Put { document, expected })
}

/// Whether a refusal is about the document of a running undo: somebody else went on with it.
pub(super) fn is_progress(kind: &str) -> bool {
    kind == RUNNING_KIND || kind == MARK_KIND
}

impl Store {
    /// How an operation stands to undos.
    pub(crate) async fn undo_marks(&self, operation: &str, reason: Reason) -> Result<UndoMarks, Error> {
        let mut marks = UndoMarks::default();
        if reason == Reason::Undo {
            let own = DocumentQuery::Id {
                kind: MARK_KIND.into(),
                id: operation.into(),
            };
            let found = self.backend().documents(own).await?.pop();
            marks.reverts = found.map(read::<Mark>).transpose()?.map(|mark| mark.reverts);
        }
        let of = DocumentQuery::Lookup {
            kind: MARK_KIND.into(),
            lookup: operation.into(),
        };
        let found = self.backend().documents(of).await?.pop();
        marks.reverted_by = found.map(|document| document.id.into());
        Ok(marks)
    }

    /// The running undo of an operation with the version of its document.
    pub(super) async fn running_undo(&self, operation: &str) -> Result<Option<(Running, u64)>, Error> {
        let query = DocumentQuery::Id {
            kind: RUNNING_KIND.into(),
            id: operation.into(),
        };
        let Some(document) = self.backend().documents(query).await?.pop() else {
            return Ok(None);
        };
        let version = document.version;
        Ok(Some((read(document)?, version)))
    }
}

fn read<T: DeserializeOwned>(document: Document) -> Result<T, Error> {
    let Document { kind, id, body, .. } = document;
    serde_json::from_value(body)
        .map_err(|error| Error::Internal(format!("the document {kind} {id} cannot be read: {error}")))
}

/// Finishes every undo that was running when the program ended. Called when a store is opened. One that cannot be finished
/// is told in the log and kept as it is, to be tried again the next time or when it is asked for: the store opens all the same.
///
/// # Errors
/// [`Error::Storage`].
pub(crate) async fn recover(store: &Store) -> Result<(), Error> {
    let documents = store
        .backend()
        .documents(DocumentQuery::Kind(RUNNING_KIND.into()))
        .await?;
    for document in documents {
        let running: Running = match read(document) {
            Ok(running) => running,
            Err(error) => {
                tracing::error!(%error, "an interrupted undo cannot be finished");
                continue;
            }
        };
        let reverts = running.report.reverts.clone();
        tracing::warn!(operation = %reverts, "an undo was interrupted; finishing it");
        let here = store
            .in_workspace(&running.workspace)
            .unwrap_or_else(|_| store.clone())
            .acting(Actor {
                id: running.actor.clone(),
                ..Actor::default()
            });
        // A record that stands in the way was told to whoever asked; here nobody is left to be told.
        match super::run::resume(&here, &reverts).await {
            Ok(_) | Err(Error::Kept(_) | Error::NotFound { .. }) => {}
            Err(error @ Error::Storage(_)) => return Err(error),
            Err(error) => {
                tracing::error!(operation = %reverts, %error, "an interrupted undo cannot be finished")
            }
        }
    }
    Ok(())
}
