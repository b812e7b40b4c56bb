//! How far a webhook has got: a document with its place in the log, who sends for it until when, and what was sent last. The
//! place is written after what was sent, so a process that dies repeats a little and leaves nothing out.

use std::collections::VecDeque;

use chancery_storage::{DocumentQuery, DocumentWrite, StorageError};
use serde::{Deserialize, Serialize};

use super::{Webhooks, document};
use crate::error::Error;
use crate::events::Since;

/// The kind of these documents.
pub(super) const KIND: &str = "webhookProgress";
/// Deliveries that are kept, the newest.
pub const DELIVERIES_KEPT: usize = 50;
/// How long a process sends for a webhook without saying so again, in ms; then another may.
pub const LEASE_MS: i64 = 30_000;

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The id of the message, as in the header `webhook-id`.
    pub id: String,
    /// The number of the event that it tells of.
    pub number: u64,
    /// Its topic.
    pub topic: String,
    /// When it was last sent, in ms.
    pub at: i64,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether it arrived.
    pub delivered: bool,
    /// The status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long the answer took, in ms.
    pub took_ms: u64,
}

/// How far a webhook has got.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Everything up to this change is done; none at first.
    change: Option<u64>,
    /// Where it began.
    revision: u64,
    /// Who sends.
    holder: Option<String>,
    /// Until when, in ms.
    until: i64,
    /// Since when nothing arrives, in ms.
    pub failing_since: Option<i64>,
    /// The newest deliveries, oldest first.
    pub deliveries: VecDeque<Delivery>,
}

impl Progress {
    fn beginning(since: Since) -> Progress {
        let (change, revision) = match since {
            Since::Change(number) => (Some(number), 0),
            Since::Revision(revision) => (None, revision),
            Since::Now => (None, 0),
        };
        Progress {
            change,
            revision,
            holder: None,
            until: 0,
            failing_since: None,
            deliveries: VecDeque::new(),
        }
    }

    /// Where to go on.
    pub fn since(&self) -> Since {
        match self.change {
            Some(number) => Since::Change(number),
            None => Since::Revision(self.revision),
        }
    }

    /// Everything up to this change is done; answers whether that is further than before.
    pub fn passed(&mut self, number: u64) -> bool {
        self.change.replace(number) != Some(number)
    }

    /// Notes what became of a message, in place of what is noted of it already.
    pub fn note(&mut self, delivery: Delivery) {
        self.failing_since = match delivery.delivered {
            true => None,
            false => self.failing_since.or(Some(delivery.at)),
        };
        self.deliveries.retain(|had| had.id != delivery.id);
        self.deliveries.push_back(delivery);
        while self.deliveries.len() > DELIVERIES_KEPT {
            self.deliveries.pop_front();
        }
    }
}

/// The document of a webhook that begins here.
pub(super) fn first(id: &str, since: Since) -> Result<DocumentWrite, Error> {
    document(KIND, id, &Progress::beginning(since), 0)
}

/// The right to send for a webhook, as long as it is kept up.
pub struct Claim {
    id: String,
    version: u64,
    /// How far it has got.
    pub progress: Progress,
}

impl Webhooks {
    /// How far a webhook has got.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn progress(&self, id: &str) -> Result<Progress, Error> {
        Ok(self.held(id).await?.0)
    }

    /// Takes the right to send for a webhook; none while another process has it. A store that nobody shares has one process
    /// only, so there it is never waited for one that died.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn claim(&self, id: &str, holder: &str) -> Result<Option<Claim>, Error> {
        let (progress, version) = self.held(id).await?;
        let others = progress.holder.as_deref().is_some_and(|had| had != holder);
        if others && progress.until > self.store.now() && self.store.core.backend.is_shared() {
            return Ok(None);
        }
        let mut claim = Claim {
            id: id.to_owned(),
            version,
            progress,
        };
        claim.progress.holder = Some(holder.to_owned());
        Ok(self.keep(&mut claim).await?.then_some(claim))
    }

    /// Writes down how far it is, and keeps the right to send; answers whether it is still there.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn keep(&self, claim: &mut Claim) -> Result<bool, Error> {
        claim.progress.until = self.store.now() + LEASE_MS;
        self.replace(claim).await
    }

    /// Writes down how far it is, and lets another process send.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn release(&self, mut claim: Claim) -> Result<(), Error> {
        claim.progress.holder = None;
        self.replace(&mut claim).await?;
        Ok(())
    }

    /// Whether the right to send is still there: nobody has written the place since.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn holds(&self, claim: &Claim) -> Result<bool, Error> {
        match self.held(&claim.id).await {
            Ok((_, version)) => Ok(version == claim.version),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The place of a webhook as it is, where nothing fails yet.
    pub(super) async fn begun_anew(&self, id: &str) -> Result<DocumentWrite, Error> {
        let (progress, version) = self.held(id).await?;
        let progress = Progress {
            failing_since: None,
            ..progress
        };
        document(KIND, id, &progress, version)
    }

    /// Goes back, or ahead: sends everything after a revision, once more if it was sent. Whoever sends now begins anew.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`] if the log does not hold the revision.
    pub async fn rewind(&self, id: &str, revision: u64) -> Result<(), Error> {
        // Read once, so that what could not be sent is refused here and not when nobody looks.
        self.store.events(Since::Revision(revision)).look().await?;
        loop {
            let (progress, version) = self.held(id).await?;
            let mut claim = Claim {
                id: id.to_owned(),
                version,
                progress: Progress {
                    deliveries: progress.deliveries,
                    ..Progress::beginning(Since::Revision(revision))
                },
            };
            if self.replace(&mut claim).await? {
                return Ok(());
            }
        }
    }

    async fn held(&self, id: &str) -> Result<(Progress, u64), Error> {
        let one = DocumentQuery::Id {
            kind: KIND.into(),
            id: id.to_owned(),
        };
        let document = self.documents(one).await?.pop().ok_or_else(|| Error::NotFound {
            what: "webhook",
            message: format!("No webhook \"{id}\""),
        })?;
        let damaged =
            |error| Error::Internal(format!("the progress of webhook {id} cannot be read: {error}"));
        let progress = serde_json::from_value(document.body).map_err(damaged)?;
        Ok((progress, document.version))
    }

    async fn replace(&self, claim: &mut Claim) -> Result<bool, Error> {
        let write = document(KIND, &claim.id, &claim.progress, claim.version)?;
        match self.write(vec![write]).await {
            Ok(()) => {
                claim.version += 1;
                Ok(true)
            }
            Err(Error::Storage(StorageError::DocumentConflict { .. })) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
