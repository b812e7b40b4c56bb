//! Who may: users, sessions and API keys. Knows nothing of HTTP, cookies or headers, and decides nothing about records.
//!
//! What proves somebody is never kept: passwords as Argon2id hashes, session tokens and API keys as fingerprints.
//! A proof that was checked is believed for [`BELIEVE_MS`], so that a busy key costs no read per call, and whatever
//! is revoked, here or by another process, is refused after that time at the latest.

mod attempts;
mod grants;
mod keys;
mod users;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery_model::{Issue, Json};
use chancery_storage::{Backend, Batch, Document, DocumentQuery, DocumentWrite, StorageError};
use chancery_vault::credentials::{CredentialError, Fingerprint, Signer};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::{OnceCell, Semaphore};

use crate::sweep::Sweep;
pub use attempts::Attempt;
pub use chancery_vault::credentials::Secret;
pub use grants::{Grant, Place, Rights};
pub use keys::{ApiKey, KeyInput, NewKey, Scope, append_key};
pub use users::{Role, SignedIn, User, UserChange, UserInput};

/// How long a proof that was checked is believed without looking again, in ms.
pub const BELIEVE_MS: u64 = 500;
/// How long a session lasts, in ms (7 days).
pub const SESSION_MS: i64 = 7 * 24 * 3_600_000;
/// How long an API key may be used before its last use is written down again, in ms.
pub const LAST_USED_STEP_MS: i64 = 60_000;
/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Password hashes computed at the same time; others wait.
const HASHES_AT_ONCE: usize = 4;
/// Proofs believed at the same time; beyond it all are looked up again.
const BELIEVED_MAX: usize = 50_000;

/// Why access was not given or not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Nobody has this e-mail and password, or the user is not active.
    #[error("e-mail or password is wrong")]
    WrongCredentials,
    /// The first user exists: sign in, or ask one of the owners.
    #[error("the store has users already")]
    SetupDone,
    /// A user has this e-mail.
    #[error("a user with the e-mail {0} exists already")]
    EmailTaken(String),
    /// There is no such user or key.
    #[error("there is no {what} {id}")]
    NotFound {
        /// `user` or `API key`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The store would be left without an owner who can sign in.
    #[error("this is the last owner")]
    LastOwner,
    /// Too many attempts failed.
    #[error("too many failed attempts; the next is possible in {seconds} s")]
    TooMany {
        /// How long to wait.
        seconds: u64,
    },
    /// Values of the input are invalid.
    #[error("{} value(s) are invalid", .0.len())]
    Invalid(Vec<Issue>),
    /// It was changed by somebody else meanwhile: read it again.
    #[error("the {0} was changed meanwhile")]
    Changed(&'static str),
    /// A limit of the store is reached.
    #[error("a store has at most {max} {what}")]
    Limit {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// The storage failed.
    #[error(transparent)]
    Storage(StorageError),
    /// A password could not be hashed, or something kept cannot be read; the text is for the log.
    #[error("access failed: {0}")]
    Internal(String),
}

impl AccessError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            AccessError::SetupDone => Some("Sign in, or ask an owner for an account."),
            AccessError::EmailTaken(_) => Some("Change the existing user instead."),
            AccessError::LastOwner => Some("Make another user an owner first."),
            AccessError::Changed(_) => Some("Read it again and repeat the change."),
            AccessError::Limit { .. } => Some("Delete some that are not used."),
            _ => None,
        }
    }
}

impl From<StorageError> for AccessError {
    fn from(error: StorageError) -> AccessError {
        AccessError::Storage(error)
    }
}

impl From<CredentialError> for AccessError {
    fn from(error: CredentialError) -> AccessError {
        AccessError::Internal(error.to_string())
    }
}

/// Somebody whose proof was checked.
#[derive(Clone, Debug)]
pub enum Principal {
    /// A person with a session.
    User(User),
    /// A program with an API key.
    Key(ApiKey),
    /// Whoever has the database at hand, in the same process: there is nothing left to prove.
    Operator,
}

impl Principal {
    /// The id that records and changes name as their author; none of an operator, who is nobody in the store.
    pub fn id(&self) -> Option<&str> {
        match self {
            Principal::User(user) => Some(&user.id),
            Principal::Key(key) => Some(&key.id),
            Principal::Operator => None,
        }
    }

    /// What the principal may do where no grant says otherwise.
    pub fn scope(&self) -> Scope {
        match self {
            Principal::User(user) => user.role.scope(),
            Principal::Key(key) => key.scope,
            Principal::Operator => Scope::Admin,
        }
    }

    /// Where the principal may do something else; none if the scope holds everywhere.
    pub fn rights(&self) -> Option<Rights> {
        let grants = match self {
            Principal::User(user) => &user.grants,
            Principal::Key(key) => &key.grants,
            Principal::Operator => return None,
        };
        let everywhere = grants.is_empty() && self.scope() > Scope::None;
        (!everywhere).then(|| Rights::new(self.scope(), grants.clone()))
    }
}

/// Users, sessions and API keys of one store.
pub struct Access {
    backend: Arc<dyn Backend>,
    believed: RwLock<HashMap<Fingerprint, Believed>>,
    signer: OnceCell<Signer>,
    hashing: Semaphore,
    attempts_swept: Sweep,
}

#[derive(Clone)]
struct Believed {
    principal: Arc<Principal>,
    until: Instant,
    expires_at: Option<i64>,
}

impl Access {
    /// The access of whatever a backend keeps.
    pub fn new(backend: Arc<dyn Backend>) -> Access {
        Access {
            backend,
            believed: RwLock::default(),
            signer: OnceCell::new(),
            hashing: Semaphore::new(HASHES_AT_ONCE),
            attempts_swept: Sweep::default(),
        }
    }

    /// The store's own signer, for cursors and CSRF tokens: made at first use and kept, so that what it signed is
    /// recognised after a restart and by other processes.
    ///
    /// # Errors
    /// [`AccessError::Storage`], or [`AccessError::Internal`] when the kept key is damaged.
    pub async fn signer(&self) -> Result<&Signer, AccessError> {
        self.signer.get_or_try_init(|| self.keep_signer()).await
    }

    async fn keep_signer(&self) -> Result<Signer, AccessError> {
        if let Some(kept) = self.kept_signer().await? {
            return Ok(kept);
        }
        let fresh = Signer::random();
        let body = serde_json::json!({"key": fresh.to_text().expose()});
        match self.put("signer", "1", None, body, Some(0)).await {
            Ok(()) => Ok(fresh),
            // Another process made one at the same moment.
            Err(AccessError::Storage(StorageError::DocumentConflict { .. })) => {
                let kept = self.kept_signer().await?;
                kept.ok_or_else(|| AccessError::Internal("the signer vanished".into()))
            }
            Err(error) => Err(error),
        }
    }

    async fn kept_signer(&self) -> Result<Option<Signer>, AccessError> {
        let Some(document) = self.document("signer", "1").await? else {
            return Ok(None);
        };
        let text = document
            .body
            .get("key")
            .and_then(Json::as_str)
            .and_then(Signer::from_text);
        text.map(Some)
            .ok_or_else(|| AccessError::Internal("the kept signer is damaged".into()))
    }

    /// Forgets what was checked, so that the next call looks again.
    fn forget(&self) {
        self.believed.write().clear();
    }

    fn believed(&self, proof: &Fingerprint) -> Option<Arc<Principal>> {
        let believed = self.believed.read();
        let entry = believed.get(proof)?;
        let expired = entry.expires_at.is_some_and(|at| at <= now_ms());
        (entry.until > Instant::now() && !expired).then(|| entry.principal.clone())
    }

    fn believe(&self, proof: Fingerprint, principal: Arc<Principal>, expires_at: Option<i64>) {
        let mut believed = self.believed.write();
        if believed.len() >= BELIEVED_MAX {
            believed.clear();
        }
        let until = Instant::now() + Duration::from_millis(BELIEVE_MS);
        believed.insert(
            proof,
            Believed {
                principal,
                until,
                expires_at,
            },
        );
    }

    async fn hash(&self, password: String) -> Result<String, AccessError> {
        let work = move || chancery_vault::credentials::hash_password(Secret::new(password).expose());
        Ok(self.slowly(work).await??)
    }

    /// Runs a password hash where it does not hold up others, a few at a time.
    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccessError> {
        let internal = |error: &dyn std::fmt::Display| AccessError::Internal(error.to_string());
        let _permit = self.hashing.acquire().await.map_err(|error| internal(&error))?;
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| internal(&error))
    }

    async fn document(&self, kind: &str, id: &str) -> Result<Option<Document>, AccessError> {
        let query = DocumentQuery::Id {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        Ok(self.backend.documents(query).await?.pop())
    }

    async fn lookup(&self, kind: &str, lookup: &str) -> Result<Option<Document>, AccessError> {
        let query = DocumentQuery::Lookup {
            kind: kind.to_owned(),
            lookup: lookup.to_owned(),
        };
        Ok(self.backend.documents(query).await?.pop())
    }

    async fn all<T: DeserializeOwned>(&self, kind: &str) -> Result<Vec<(Document, T)>, AccessError> {
        let documents = self
            .backend
            .documents(DocumentQuery::Kind(kind.to_owned()))
            .await?;
        documents
            .into_iter()
            .map(|document| Ok((document.clone(), read(&document)?)))
            .collect()
    }

    async fn put(
        &self,
        kind: &str,
        id: &str,
        lookup: Option<String>,
        body: Json,
        expected: Option<u64>,
    ) -> Result<(), AccessError> {
        let document = Document {
            kind: kind.into(),
            id: id.into(),
            lookup,
            body,
            version: 0,
        };
        self.write(vec![DocumentWrite::Put { document, expected }]).await
    }

    async fn delete(&self, kind: &str, id: &str) -> Result<(), AccessError> {
        self.write(vec![DocumentWrite::Delete {
            kind: kind.into(),
            id: id.into(),
        }])
        .await
    }

    async fn write(&self, documents: Vec<DocumentWrite>) -> Result<(), AccessError> {
        self.backend
            .commit(Batch {
                at: now_ms(),
                documents,
                ..Batch::default()
            })
            .await?;
        Ok(())
    }
}

/// What a document says, as a type.
fn read<T: DeserializeOwned>(document: &Document) -> Result<T, AccessError> {
    T::deserialize(&document.body)
        .map_err(|error| AccessError::Internal(format!("{} {}: {error}", document.kind, document.id)))
}

/// A type as what a document says.
fn body(value: &impl Serialize) -> Result<Json, AccessError> {
    serde_json::to_value(value).map_err(|error| AccessError::Internal(error.to_string()))
}

/// The time, in ms since 1970.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionBody {
    user_id: String,
    /// The user's `generation` when the session began; a higher one ends it.
    generation: u64,
    created_at: i64,
    expires_at: i64,
}
