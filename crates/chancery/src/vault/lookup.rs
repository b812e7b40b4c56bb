//! Finding secrets by id or token, outside of a transaction and inside of one. It opens nothing.

use std::collections::HashMap;

use chancery_model::filter::Operator;
use chancery_model::query::Query;
use chancery_vault::context::Purpose;
use chancery_vault::keys::MacPurpose;
use chancery_vault::sealing;
use chancery_vault::tokens::{Token, TokenError};
use uuid::Uuid;

use super::audit::Event;
use super::error::VaultError;
use super::keyring::Keyring;
use super::tables::{Row, SECRETS, SecretRow, VERSIONS, VersionRow, hex};
use super::types::{By, SecretInfo, SecretStatus};
use super::{Step, Vault, VaultOp, issue};
use crate::record::Record;

impl Vault {
    /// The hash that a token is found by.
    ///
    /// # Errors
    /// [`VaultError::TokenRequired`] for an empty one; [`VaultError::NotFound`] for what cannot be a token.
    pub(super) fn hash(&self, keyring: &Keyring, token: &str) -> Result<String, VaultError> {
        match Token::parse(token) {
            Ok(token) => Ok(hex(token.hash(&keyring.mac).as_bytes())),
            Err(TokenError::Length { bytes: 0 }) => Err(VaultError::TokenRequired),
            Err(_) => Err(VaultError::NotFound),
        }
    }

    /// What attempts are counted by: the hash of a token, or of what cannot be one, which no secret has.
    pub(super) fn counted_by(&self, keyring: &Keyring, token: &str) -> String {
        self.hash(keyring, token).unwrap_or_else(|_| {
            let parts = [b"no token".as_slice(), token.as_bytes()];
            hex(&keyring.mac.mac(MacPurpose::Attempts, &parts))
        })
    }

    /// The secret with a token hash or id, in whatever state.
    pub(super) async fn look_up(&self, by: By<'_>) -> Result<Option<SecretRow>, VaultError> {
        let table = self.store.table(SECRETS)?;
        match by {
            By::Id("") => Err(VaultError::Invalid(vec![issue("id", "An id is required")])),
            By::Id(id) if !is_id(id) => Ok(None),
            By::Id(id) => self.genuine(table.get(id).await?),
            By::Token(token) => {
                let keyring = self.keyring()?;
                let hash = match self.hash(&keyring, token) {
                    Err(VaultError::NotFound) => return Ok(None),
                    hash => hash?,
                };
                let found = table.find_one(serde_json::json!({ "token_hash": hash })).await?;
                self.genuine(found)
            }
        }
    }

    /// The secrets with these token hashes, by them; of one that was altered, that it was.
    pub(super) async fn with_hashes(
        &self,
        hashes: &[String],
    ) -> Result<HashMap<String, Result<SecretRow, VaultError>>, VaultError> {
        let query = Query::new().filter("token_hash", Operator::In, hashes.to_vec());
        let found = self.store.table(SECRETS)?.select(&query).await?;
        let mut rows = HashMap::with_capacity(found.len());
        for record in found {
            let hash = record.get("token_hash").as_str().unwrap_or_default().to_owned();
            if let Some(row) = self.genuine(Some(record)).transpose() {
                rows.insert(hash, row);
            }
        }
        Ok(rows)
    }

    /// A row as the vault wrote it. While it is sealed nobody can tell.
    pub(super) fn genuine(&self, record: Option<Record>) -> Result<Option<SecretRow>, VaultError> {
        let Some(record) = record else {
            return Ok(None);
        };
        let Ok(row) = SecretRow::of(&record) else {
            return Err(VaultError::Tampered { what: "the secret" });
        };
        match self.inner.keyring.load().as_ref() {
            Some(keyring) if !row.is_genuine(&keyring.mac) => {
                tracing::error!(secret = row.id, "a secret was altered outside of the vault");
                Err(VaultError::Tampered { what: "the secret" })
            }
            _ => Ok(Some(row)),
        }
    }

    /// What is known of a secret; none if there is none, or it is deleted. Its value stays sealed.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] or [`VaultError::TokenRequired`] for an empty name; [`VaultError::Sealed`] if it is named by its
    /// token; [`VaultError::Tampered`], [`VaultError::Store`].
    pub async fn find(&self, by: By<'_>) -> Result<Option<SecretInfo>, VaultError> {
        let now = self.now();
        let found = self.seen(VaultOp::Find, by).await?;
        let live = found.filter(|row| row.status(now) != SecretStatus::Deleted);
        Ok(live.map(|row| row.info(now)))
    }

    /// Whether a token can be read now.
    ///
    /// # Errors
    /// As [`Vault::find`].
    pub async fn exists(&self, token: &str) -> Result<bool, VaultError> {
        Ok(self.status(token).await? == Some(SecretStatus::Live))
    }

    /// In which state a token is; none if there is no such secret.
    ///
    /// # Errors
    /// As [`Vault::find`].
    pub async fn status(&self, token: &str) -> Result<Option<SecretStatus>, VaultError> {
        let now = self.now();
        let found = self.seen(VaultOp::Status, By::Token(token)).await?;
        Ok(found.map(|row| row.status(now)))
    }

    /// As [`Vault::look_up`], for somebody who asks what is known of a secret; written down.
    pub(super) async fn seen(&self, op: VaultOp, by: By<'_>) -> Result<Option<SecretRow>, VaultError> {
        let found = self.look_up(by).await;
        let (event, outcome) = match &found {
            Ok(Some(row)) => (Event::of(op, row), "ok"),
            Ok(None) => (Event::new(op), VaultError::NotFound.code()),
            Err(error) => (Event::new(op), error.code()),
        };
        self.looked(event, outcome).await;
        found
    }

    /// Whether a text is a token that this program drew: the prefix, the letters and the check characters.
    pub fn is_token(text: &str) -> bool {
        Token::parse(text).is_ok_and(|token| token.kind() == chancery_vault::tokens::TokenKind::Drawn)
    }

    /// The token of a secret, for whoever may manage the vault; written down.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Sealed`], [`VaultError::DecryptionFailed`].
    pub async fn token_of(&self, id: &str) -> Result<Token, VaultError> {
        self.operate(Event::new(VaultOp::Reveal), async |step| {
            let row = step.secret(id).await?.ok_or(VaultError::NotFound)?;
            let keyring = step.keyring()?;
            let failed = VaultError::DecryptionFailed { what: "the token" };
            let place = keyring.place(&row.id, 0, Purpose::Token);
            let sealed = sealing::from_text(&row.token_sealed)
                .map_err(|_| VaultError::DecryptionFailed { what: "the token" })?;
            let opened = keyring.tokens.open(&place, &sealed);
            let text = opened.ok().and_then(|bytes| bytes.into_text());
            let token = text
                .and_then(|text| Token::parse(text.expose()).ok())
                .ok_or(failed)?;
            step.note(Event::of(VaultOp::Reveal, &row), "ok").await?;
            Ok(token)
        })
        .await
    }
}

/// Whether a text can be the id of a secret. What cannot may be a token in the wrong place: the database, whose log may hold what it
/// is asked, is not asked for it.
pub(super) fn is_id(text: &str) -> bool {
    Uuid::parse_str(text).is_ok()
}

impl Step<'_> {
    /// A secret as the transaction sees it, in whatever state.
    pub(super) async fn secret(&self, id: &str) -> Result<Option<SecretRow>, VaultError> {
        if !is_id(id) {
            return Ok(None);
        }
        let found = self.table(SECRETS)?.get(id).await?;
        self.vault.genuine(found)
    }

    /// Writes what changed of a secret, and gives it its next row version.
    pub(super) async fn put(&self, old: &SecretRow, mut new: SecretRow) -> Result<SecretRow, VaultError> {
        new.row_version = old.row_version + 1;
        new.sign(&self.keyring()?.mac);
        self.table(SECRETS)?
            .update(new.id.as_str(), differences(&old.to_json(), &new.to_json()))
            .await?;
        Ok(new)
    }

    /// Writes what changed of a version, and lets its secret, which is yet to be put, say so.
    pub(super) async fn put_version(
        &self,
        secret: &mut SecretRow,
        old: &VersionRow,
        mut new: VersionRow,
    ) -> Result<(), VaultError> {
        secret.claim(&mut new, &self.keyring()?.mac);
        let changes = differences(&old.to_json(), &new.to_json());
        self.table(VERSIONS)?.update(new.id.as_str(), changes).await?;
        Ok(())
    }
}

/// A secret as it is now, if it is still as it was when it was looked at.
pub(super) fn changeable(now: Option<SecretRow>, seen: &SecretRow) -> Result<SecretRow, VaultError> {
    let now = now.ok_or(VaultError::NotFound)?;
    match now.row_version == seen.row_version {
        true => Ok(now),
        false => Err(VaultError::Conflict {
            expected: seen.row_version,
            found: now.row_version,
        }),
    }
}

/// The fields in which two rows differ, as they are to be; null for what is not there any more.
fn differences(old: &chancery_model::Json, new: &chancery_model::Json) -> chancery_model::Json {
    use chancery_model::Json;
    let empty = chancery_model::JsonMap::new();
    let (old, new) = (
        old.as_object().unwrap_or(&empty),
        new.as_object().unwrap_or(&empty),
    );
    let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    let mut changes: chancery_model::JsonMap = changed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        changes.insert(name.clone(), Json::Null);
    }
    Json::Object(changes)
}
