//! Webhooks: who is told of which events, with what secret, and how far each has got. Everything is a document of the store;
//! nothing is sent from here.

mod progress;

use std::sync::Arc;

use chancery_model::{Code, Issue};
use chancery_storage::{Document, DocumentQuery, DocumentWrite, StorageError};
use chancery_vault::credentials::Secret;
use chancery_vault::webhook;
pub use chancery_vault::webhook::verify;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use progress::{Claim, DELIVERIES_KEPT, Delivery, LEASE_MS, Progress};

use crate::error::Error;
use crate::events::{Since, Topic};
use crate::limits::{WEBHOOK_TOPICS_MAX, WEBHOOK_URL_BYTES_MAX, WEBHOOKS_MAX};
use crate::store::{Commit, Store};

/// The kind of their documents.
const KIND: &str = "webhook";

/// Somebody who is told of events by HTTP.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// A UUID.
    pub id: String,
    /// The id of the workspace whose events they are.
    pub workspace: String,
    /// Where they are sent.
    pub url: String,
    /// Which.
    pub topics: Vec<Topic>,
    /// Whether anything is sent.
    pub active: bool,
    /// Why it was switched off, if that was not somebody's wish.
    pub off_because: Option<String>,
    /// When it was made, in ms.
    pub created_at: i64,
    /// Who made it.
    pub created_by: Option<String>,
    secret: Secret,
}

impl Webhook {
    /// The header `webhook-signature` of a message.
    ///
    /// # Errors
    /// [`Error::Internal`] if the kept secret is damaged.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> Result<String, Error> {
        webhook::sign(&self.secret, id, seconds, body)
            .ok_or_else(|| Error::Internal(format!("the secret of webhook {} is damaged", self.id)))
    }

    /// The id of the message that tells of an event; the same however often it is sent.
    pub fn message_id(&self, number: u64) -> String {
        format!("msg_{}_{number}", self.id.replace('-', ""))
    }

    /// The number of the event that a message tells of.
    pub fn number_of(&self, message: &str) -> Option<u64> {
        let number = message.rsplit_once('_')?.1.parse().ok()?;
        (self.message_id(number) == message).then_some(number)
    }

    /// Whether it is told of an event.
    pub fn wants(&self, event: &crate::Event) -> bool {
        Topic::any(&self.topics, event)
    }
}

/// A webhook to make.
#[derive(Clone, Debug, Default)]
pub struct WebhookInput {
    /// Where events are sent: `https://…` or `http://…`.
    pub url: String,
    /// Which; all if empty.
    pub topics: Vec<String>,
}

/// A change of a webhook: absent keeps.
#[derive(Clone, Debug, Default)]
pub struct WebhookPatch {
    /// The new URL.
    pub url: Option<String>,
    /// The new topics.
    pub topics: Option<Vec<String>>,
    /// Whether anything is sent. Switched on again, it goes on where it stopped.
    pub active: Option<bool>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    workspace: String,
    url: String,
    topics: Vec<String>,
    active: bool,
    off_because: Option<String>,
    secret: String,
    created_at: i64,
    created_by: Option<String>,
}

/// The webhooks of a store.
pub struct Webhooks {
    store: Store,
}

impl Store {
    /// Webhooks: made, listed, changed, and how far each has got.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks { store: self.clone() }
    }
}

impl Webhooks {
    /// Makes a webhook for the events of this workspace from now on; answers its secret, which is told this once.
    ///
    /// # Errors
    /// [`Error::Definition`] if the URL or a topic makes no sense, [`Error::Limit`] beyond [`WEBHOOKS_MAX`].
    pub async fn create(&self, input: WebhookInput) -> Result<(Webhook, Secret), Error> {
        let issues = [url_issue(&input.url).err(), topics_issue(&input.topics).err()];
        let issues: Vec<Issue> = issues.into_iter().flatten().collect();
        if !issues.is_empty() {
            return Err(Error::Definition(issues));
        }
        let had = self.documents(DocumentQuery::Kind(KIND.into())).await?.len();
        if had >= WEBHOOKS_MAX {
            return Err(Error::Limit {
                what: "webhooks",
                max: WEBHOOKS_MAX as u64,
                got: had as u64 + 1,
            });
        }
        let secret = webhook::new_secret();
        let body = Body {
            workspace: self.store.workspace.to_string(),
            url: url_issue(&input.url).unwrap_or(input.url),
            topics: input.topics,
            active: true,
            off_because: None,
            secret: secret.expose().to_owned(),
            created_at: self.store.now(),
            created_by: self.store.actor.id.as_deref().map(str::to_owned),
        };
        let id = Uuid::now_v7().to_string();
        let since = Since::Revision(self.store.revision().await?);
        let documents = vec![put(&id, &body, 0)?, progress::first(&id, since)?];
        self.write(documents).await?;
        Ok((webhook_of(&id, body)?, secret))
    }

    /// The webhooks of this workspace, newest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn list(&self) -> Result<Vec<Webhook>, Error> {
        let mut all = self.all().await?;
        all.retain(|webhook| webhook.workspace == *self.store.workspace);
        Ok(all)
    }

    /// The webhooks of all workspaces, newest first.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn all(&self) -> Result<Vec<Webhook>, Error> {
        let documents = self.documents(DocumentQuery::Kind(KIND.into())).await?;
        let read = documents
            .into_iter()
            .rev()
            .map(|document| read(document).map(|(webhook, _, _)| webhook));
        read.collect()
    }

    /// A webhook by id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get(&self, id: &str) -> Result<Webhook, Error> {
        Ok(self.kept(id).await?.0)
    }

    /// Changes a webhook. One that is switched on again counts as well until something fails.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Definition`].
    pub async fn update(&self, id: &str, patch: WebhookPatch) -> Result<Webhook, Error> {
        self.change(id, |body| {
            let mut issues = Vec::new();
            if let Some(url) = &patch.url {
                match url_issue(url) {
                    Ok(url) => body.url = url,
                    Err(issue) => issues.push(issue),
                }
            }
            if let Some(topics) = &patch.topics {
                issues.extend(topics_issue(topics).err());
                body.topics = topics.clone();
            }
            if let Some(active) = patch.active {
                (body.active, body.off_because) = (active, None);
            }
            match issues.is_empty() {
                true => Ok(()),
                false => Err(Error::Definition(issues)),
            }
        })
        .await
    }

    /// Switches a webhook off that cannot go on, and says why.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn switch_off(&self, id: &str, because: &str) -> Result<Webhook, Error> {
        self.change(id, |body| {
            (body.active, body.off_because) = (false, Some(because.to_owned()));
            Ok(())
        })
        .await
    }

    /// Removes a webhook.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        self.kept(id).await?;
        let gone = |kind: &str| DocumentWrite::Delete {
            kind: kind.into(),
            id: id.to_owned(),
        };
        self.write(vec![gone(KIND), gone(progress::KIND)]).await
    }

    async fn change(
        &self,
        id: &str,
        change: impl Fn(&mut Body) -> Result<(), Error>,
    ) -> Result<Webhook, Error> {
        loop {
            let (_, mut body, version) = self.kept(id).await?;
            let was_active = body.active;
            change(&mut body)?;
            let mut documents = vec![put(id, &body, version)?];
            if body.active && !was_active {
                documents.push(self.begun_anew(id).await?);
            }
            match self.write(documents).await {
                // Somebody else changed it meanwhile.
                Err(Error::Storage(StorageError::DocumentConflict { .. })) => continue,
                written => written?,
            }
            return webhook_of(id, body);
        }
    }

    async fn kept(&self, id: &str) -> Result<(Webhook, Body, u64), Error> {
        let one = DocumentQuery::Id {
            kind: KIND.into(),
            id: id.to_owned(),
        };
        let document = self.documents(one).await?.pop().ok_or_else(|| Error::NotFound {
            what: "webhook",
            message: format!("No webhook \"{id}\""),
        })?;
        read(document)
    }

    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, Error> {
        Ok(self.store.core.backend.documents(query).await?)
    }

    async fn write(&self, documents: Vec<DocumentWrite>) -> Result<(), Error> {
        let how = Commit {
            documents,
            ..Commit::default()
        };
        self.store.commit(Vec::new(), self.store.now(), how).await?;
        Ok(())
    }
}

fn read(document: Document) -> Result<(Webhook, Body, u64), Error> {
    let damaged = |error| Error::Internal(format!("webhook {} cannot be read: {error}", document.id));
    let body: Body = serde_json::from_value(document.body).map_err(damaged)?;
    Ok((webhook_of(&document.id, body.clone())?, body, document.version))
}

fn webhook_of(id: &str, body: Body) -> Result<Webhook, Error> {
    Ok(Webhook {
        id: id.to_owned(),
        workspace: body.workspace,
        url: body.url,
        topics: body
            .topics
            .iter()
            .map(|topic| Topic::parse(topic))
            .collect::<Result<_, _>>()?,
        active: body.active,
        off_because: body.off_because,
        created_at: body.created_at,
        created_by: body.created_by,
        secret: Secret::new(body.secret),
    })
}

fn put(id: &str, body: &impl Serialize, expected: u64) -> Result<DocumentWrite, Error> {
    document(KIND, id, body, expected)
}

fn document(kind: &str, id: &str, body: &impl Serialize, expected: u64) -> Result<DocumentWrite, Error> {
    let body = serde_json::to_value(body).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(DocumentWrite::Put {
        document: Document {
            kind: kind.into(),
            id: id.to_owned(),
            lookup: None,
            body,
            version: 0,
        },
        expected: Some(expected),
    })
}

/// The URL in its one form, or what is wrong with it.
fn url_issue(text: &str) -> Result<String, Issue> {
    let wrong = |message: String| Issue::new("url", Code::Format, message);
    if text.len() > WEBHOOK_URL_BYTES_MAX {
        return Err(wrong(format!("A URL has at most {WEBHOOK_URL_BYTES_MAX} bytes")));
    }
    let url = url::Url::parse(text).map_err(|error| wrong(format!("This is no URL: {error}")))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(
            "A webhook needs a URL that starts with https:// or http://".into(),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "The URL may hold no user and no password: what is sent is signed".into(),
        ));
    }
    Ok(url.into())
}

fn topics_issue(topics: &[String]) -> Result<(), Issue> {
    let wrong = |message: String| Issue::new("topics", Code::Format, message);
    if topics.len() > WEBHOOK_TOPICS_MAX {
        return Err(wrong(format!(
            "A webhook has at most {WEBHOOK_TOPICS_MAX} topics"
        )));
    }
    for topic in topics {
        if let Err(error) = Topic::parse(topic) {
            let message = error
                .issues()
                .first()
                .map_or_else(|| error.to_string(), |issue| issue.message.clone());
            return Err(wrong(message));
        }
    }
    Ok(())
}

/// Who sends: distinguishes this process from others on the same store.
pub fn new_holder() -> Arc<str> {
    Uuid::now_v7().to_string().into()
}
