//! API keys: what programs show. A key is shown once and kept as a fingerprint.

use std::path::Path;
use std::sync::Arc;

use chancery_model::{Code, Issue, limits};
use chancery_storage::{Document, DocumentWrite, StorageError};
use chancery_vault::credentials::{Fingerprint, Secret};
use serde::{Deserialize, Serialize};

use super::grants::{Grant, check_grants};
use super::{Access, AccessError, LAST_USED_STEP_MS, Principal, body, now_ms, read};
use crate::limits::API_KEYS_MAX;

/// How a key starts, so that people and scanners recognise one.
const KEY_PREFIX: &str = "chy_";
/// Characters of a key that stay visible, the prefix included.
const VISIBLE_CHARS: usize = 12;

/// What an API key may do. Each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Nothing but what grants give.
    None,
    /// Read.
    Read,
    /// Read and write records and tables.
    Write,
    /// Everything.
    Admin,
}

impl Scope {
    /// The name on the wire and the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::None => "none",
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }

    /// The scope with this name.
    pub fn parse(name: &str) -> Option<Scope> {
        [Scope::None, Scope::Read, Scope::Write, Scope::Admin]
            .into_iter()
            .find(|scope| scope.as_str() == name)
    }
}

/// An API key, without what makes it secret.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    /// A UUID.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// How it starts.
    pub prefix: String,
    /// What it may do.
    pub scope: Scope,
    /// Where it may do something else.
    pub grants: Vec<Grant>,
    /// When it was made, in ms.
    pub created_at: i64,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it ends, in ms.
    pub expires_at: Option<i64>,
    /// When it was last used, in ms, to the minute.
    pub last_used_at: Option<i64>,
}

/// A key to make.
#[derive(Clone, Debug)]
pub struct KeyInput {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Where it may do something else; see [`crate::Store::check_grants`].
    pub grants: Vec<Grant>,
    /// When it ends, in ms; never when absent.
    pub expires_at: Option<i64>,
    /// Who makes it.
    pub created_by: Option<String>,
}

/// A key that was made, with its secret.
pub struct NewKey {
    /// The key.
    pub key: ApiKey,
    /// What the program shows from now on; kept nowhere.
    pub secret: Secret,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyBody {
    name: String,
    prefix: String,
    scope: Scope,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grants: Vec<Grant>,
    created_at: i64,
    created_by: Option<String>,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl KeyBody {
    fn key(&self, id: &str) -> ApiKey {
        ApiKey {
            id: id.to_owned(),
            name: self.name.clone(),
            prefix: self.prefix.clone(),
            scope: self.scope,
            grants: self.grants.clone(),
            created_at: self.created_at,
            created_by: self.created_by.clone(),
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
        }
    }
}

impl Access {
    /// Makes an API key.
    ///
    /// # Errors
    /// [`AccessError::Invalid`], [`AccessError::Limit`].
    pub async fn create_key(&self, input: KeyInput) -> Result<NewKey, AccessError> {
        let (made, document) = new_key(input)?;
        if self.all::<KeyBody>("apiKey").await?.len() >= API_KEYS_MAX {
            return Err(AccessError::Limit {
                what: "API keys",
                max: API_KEYS_MAX,
            });
        }
        self.write(vec![DocumentWrite::Put {
            document,
            expected: Some(0),
        }])
        .await?;
        Ok(made)
    }

    /// What people call an API key; none if there is no such one.
    pub(crate) async fn key_name(&self, id: &str) -> Result<Option<String>, AccessError> {
        let found = self.document("apiKey", id).await?;
        let key = found.map(|document| read::<KeyBody>(&document)).transpose()?;
        Ok(key.map(|key| key.name))
    }

    /// All API keys, newest first.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn keys(&self) -> Result<Vec<ApiKey>, AccessError> {
        let all = self.all::<KeyBody>("apiKey").await?;
        let mut keys: Vec<ApiKey> = all
            .iter()
            .map(|(document, kept)| kept.key(&document.id))
            .collect();
        keys.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| b.id.cmp(&a.id)));
        Ok(keys)
    }

    /// Ends an API key at once.
    ///
    /// # Errors
    /// [`AccessError::NotFound`].
    pub async fn delete_key(&self, id: &str) -> Result<(), AccessError> {
        if self.document("apiKey", id).await?.is_none() {
            return Err(AccessError::NotFound {
                what: "API key",
                id: id.to_owned(),
            });
        }
        self.delete("apiKey", id).await?;
        self.forget();
        Ok(())
    }

    /// Who shows this key, if it is one and goes on. Costs a hash when it was checked a moment ago.
    ///
    /// # Errors
    /// [`AccessError::Storage`].
    pub async fn key(&self, shown: &str) -> Result<Option<Arc<Principal>>, AccessError> {
        if !shown.starts_with(KEY_PREFIX) {
            return Ok(None);
        }
        let proof = Fingerprint::of(shown.as_bytes());
        if let Some(principal) = self.believed(&proof) {
            return Ok(Some(principal));
        }
        let Some(document) = self.lookup("apiKey", &proof.to_text()).await? else {
            return Ok(None);
        };
        let kept: KeyBody = read(&document)?;
        let now = now_ms();
        if kept.expires_at.is_some_and(|at| at <= now) {
            return Ok(None);
        }
        let principal = Arc::new(Principal::Key(kept.key(&document.id)));
        self.believe(proof, principal.clone(), kept.expires_at);
        if kept.last_used_at.is_none_or(|at| now - at >= LAST_USED_STEP_MS) {
            self.note_use(document, kept, now).await?;
        }
        Ok(Some(principal))
    }

    /// Writes down when a key was used. Expects the version that was read, so a key deleted meanwhile stays deleted.
    async fn note_use(&self, document: Document, mut kept: KeyBody, now: i64) -> Result<(), AccessError> {
        kept.last_used_at = Some(now);
        let written = self
            .put(
                "apiKey",
                &document.id,
                document.lookup,
                body(&kept)?,
                Some(document.version),
            )
            .await;
        match written {
            // Somebody else wrote it down or deleted the key; a full disk must not keep readers out.
            Err(AccessError::Storage(StorageError::DocumentConflict { .. } | StorageError::Full)) => Ok(()),
            written => written,
        }
    }
}

/// Makes an API key in a SQLite file that another process, a server, has open; the server takes the key at once.
///
/// # Errors
/// [`AccessError::Invalid`], [`AccessError::Storage`].
pub fn append_key(database: &Path, input: KeyInput) -> Result<NewKey, AccessError> {
    let (made, document) = new_key(input)?;
    let write = DocumentWrite::Put {
        document,
        expected: Some(0),
    };
    chancery_storage::sqlite::append_document(database, &write)?;
    Ok(made)
}

/// A fresh key and the document that keeps it.
fn new_key(input: KeyInput) -> Result<(NewKey, Document), AccessError> {
    let mut issues = Vec::new();
    check_name(&input.name, &mut issues);
    check_grants(input.scope, &input.grants, &mut issues);
    if input.expires_at.is_some_and(|at| at <= now_ms()) {
        issues.push(Issue::new("expiresAt", Code::Min, "Must be in the future"));
    }
    if !issues.is_empty() {
        return Err(AccessError::Invalid(issues));
    }
    let secret = Secret::random(KEY_PREFIX);
    let made = KeyBody {
        name: input.name.trim().to_owned(),
        prefix: secret.expose()[..VISIBLE_CHARS].to_owned(),
        scope: input.scope,
        grants: input.grants,
        created_at: now_ms(),
        created_by: input.created_by,
        expires_at: input.expires_at,
        last_used_at: None,
    };
    let document = Document {
        kind: "apiKey".into(),
        id: uuid::Uuid::now_v7().to_string(),
        lookup: Some(secret.fingerprint().to_text()),
        body: body(&made)?,
        version: 0,
    };
    let key = made.key(&document.id);
    Ok((NewKey { key, secret }, document))
}

/// A name for people: 1 to 120 characters.
pub(super) fn check_name(name: &str, issues: &mut Vec<Issue>) {
    let chars = name.trim().chars().count();
    if chars == 0 {
        issues.push(Issue::new("name", Code::Required, "Field is required"));
    } else if chars > limits::NAME_CHARS_MAX {
        let message = format!("Maximum length is {}", limits::NAME_CHARS_MAX);
        issues.push(Issue::new("name", Code::MaxLength, message).with("max", limits::NAME_CHARS_MAX));
    }
}
