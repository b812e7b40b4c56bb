//! Handing a value over: a wrapping token gives it once, and whoever comes second learns that somebody came first.

use serde::Serialize;

use chancery_vault::tokens::Token;

use super::audit::Event;
use super::change::again;
use super::create::sealed_token;
use super::error::VaultError;
use super::lookup::changeable;
use super::read::Revealed;
use super::session::Unlock;
use super::tables::{SecretKind, hex};
use super::types::{By, Created, NewSecret, SecretStatus};
use super::{Vault, VaultOp};

/// What is wrapped.
pub enum WrapSource<'a> {
    /// A value.
    Value(&'a [u8]),
    /// The value of a secret as it is now, with its password if it has one. Wrapping reads it.
    Secret(&'a str, Unlock<'a>),
}

impl std::fmt::Debug for WrapSource<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            WrapSource::Value(_) => "Value(…)",
            WrapSource::Secret(..) => "Secret(…)",
        })
    }
}

/// What is known of a wrapping token without taking what it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrapInfo {
    /// Whether it can still be taken.
    pub status: SecretStatus,
    /// The id of the secret that it was copied from.
    pub origin: Option<String>,
    /// The id of the user or API key that wrapped it.
    pub created_by: Option<String>,
    /// When it was wrapped, in ms since 1970.
    pub created_at: i64,
    /// Until when it can be taken.
    pub expires_at: Option<i64>,
    /// When it was taken.
    pub taken_at: Option<i64>,
}

impl Vault {
    /// Wraps a value: the token gives it once, until a time.
    ///
    /// # Errors
    /// As [`Vault::read`] and [`Vault::create`].
    pub async fn wrap(&self, source: WrapSource<'_>, expires_at: Option<i64>) -> Result<Created, VaultError> {
        let (new, origin) = match source {
            WrapSource::Value(value) => (NewSecret::new(value), None),
            WrapSource::Secret(token, unlock) => {
                let read = self.read(token, unlock).await?;
                (NewSecret::new(read.value.expose()), Some(read.id))
            }
        };
        let new = NewSecret {
            expires_at,
            max_reads: Some(1),
            ..new
        };
        self.create_as(VaultOp::Wrap, SecretKind::Wrap, origin, new).await
    }

    /// Takes what was wrapped. It is gone then.
    ///
    /// # Errors
    /// [`VaultError::WrapTaken`] if somebody took it before, [`VaultError::NotFound`], [`VaultError::Expired`],
    /// [`VaultError::OtherKind`], [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn unwrap(&self, token: &str) -> Result<Revealed, VaultError> {
        self.read_one(VaultOp::Unwrap, SecretKind::Wrap, token, None, Unlock::None)
            .await
    }

    /// What is known of a wrapping token. It stays as it is.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::OtherKind`], [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn wrap_info(&self, token: &str) -> Result<WrapInfo, VaultError> {
        let row = self
            .seen(VaultOp::Find, By::Token(token))
            .await?
            .ok_or(VaultError::NotFound)?;
        match row.readable(SecretKind::Wrap, self.now()) {
            Err(error @ (VaultError::NotFound | VaultError::OtherKind { .. })) => Err(error),
            _ => Ok(WrapInfo {
                status: row.status(self.now()),
                origin: row.origin,
                created_by: row.created_by,
                created_at: row.created_at,
                expires_at: row.expires_at,
                taken_at: row.taken_at,
            }),
        }
    }

    /// Another token for what was wrapped, in the place of the one that is shown. What it holds stays sealed.
    ///
    /// # Errors
    /// As [`Vault::unwrap`].
    pub async fn rewrap(&self, token: &str, expires_at: Option<i64>) -> Result<Created, VaultError> {
        let rewrapped = again(None, async || self.try_rewrap(token, expires_at).await).await;
        self.written_down(VaultOp::Wrap, Some(By::Token(token)), rewrapped)
            .await
    }

    async fn try_rewrap(&self, token: &str, expires_at: Option<i64>) -> Result<Option<Created>, VaultError> {
        let seen = self
            .look_up(By::Token(token))
            .await?
            .ok_or(VaultError::NotFound)?;
        self.attempt(async |step| {
            let row = changeable(step.secret(&seen.id).await?, &seen)?;
            row.readable(SecretKind::Wrap, self.now())?;
            let (token, keyring) = (Token::random(), step.keyring()?);
            let mut next = row.clone();
            next.token_hash = hex(token.hash(&keyring.mac).as_bytes());
            next.token_sealed = sealed_token(keyring, &row.id, &token)?;
            next.expires_at = expires_at;
            let next = step.put(&row, next).await?;
            step.note(Event::of(VaultOp::Wrap, &next), "ok").await?;
            Ok(Some(Created {
                token,
                id: next.id,
                version: next.version,
            }))
        })
        .await
    }
}
