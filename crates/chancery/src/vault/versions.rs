//! The versions of a secret: listed, put back, destroyed. Values are opened only to be sealed again.

use chancery_model::filter::Operator;
use chancery_model::query::Query;
use serde::Serialize;

use super::audit::Event;
use super::change::again;
use super::error::VaultError;
use super::lookup::changeable;
use super::tables::{Row, SecretKind, SecretRow, VERSIONS, VersionRow, VersionState};
use super::types::{By, Proof};
use super::{Step, Vault, VaultOp};

/// A version of a secret, without its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionInfo {
    /// Its number, from 1.
    pub number: u64,
    /// Whether it can be read.
    pub state: VersionState,
    /// Bytes of the value.
    pub bytes: u64,
    /// Whether a password is needed.
    pub password: bool,
    /// When it was made, in ms since 1970.
    pub created_at: i64,
}

impl Vault {
    /// The versions of a secret that are kept, newest first.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Store`].
    pub async fn versions(&self, by: By<'_>) -> Result<Vec<VersionInfo>, VaultError> {
        let versions = again(None, async || {
            let row = self.look_up(by).await?.ok_or(VaultError::NotFound)?;
            let versions = self.versions_of(&row).await?;
            Ok(Some((row, versions)))
        });
        let versions = versions.await;
        let (event, outcome) = match &versions {
            Ok((row, _)) => (Event::of(VaultOp::Versions, row), "ok"),
            Err(error) => (Event::new(VaultOp::Versions), error.code()),
        };
        self.looked(event, outcome).await;
        let (_, versions) = versions?;
        let versions = versions.into_iter().rev().map(|version| VersionInfo {
            number: version.number,
            state: version.state,
            bytes: version.bytes,
            password: version.setting.is_some(),
            created_at: version.created_at,
        });
        Ok(versions.collect())
    }

    /// All versions of a secret as it was when it was looked at, the oldest first.
    ///
    /// # Errors
    /// [`VaultError::Tampered`]; [`VaultError::Conflict`] or [`VaultError::NotFound`] if the secret changed meanwhile.
    pub(super) async fn versions_of(&self, row: &SecretRow) -> Result<Vec<VersionRow>, VaultError> {
        let query = Query::new().filter("secret", Operator::Eq, row.id.as_str());
        let found = self.store.table(VERSIONS)?.select(&query).await?;
        // What cannot be read is not there, and its secret says that it was.
        let versions = found.iter().filter_map(|record| VersionRow::of(record).ok());
        let mut versions: Vec<VersionRow> = versions.collect();
        versions.sort_by_key(|version| version.number);
        match self.inner.keyring.load().as_ref() {
            Some(keyring) if !row.owns_all(&versions, &keyring.mac) => {}
            // While it is sealed nobody can tell.
            _ => return Ok(versions),
        }
        // They were read after the secret: it may be another one by now.
        let now = self.attempt(async |step| step.secret(&row.id).await).await?;
        changeable(now, row)?;
        Err(VaultError::Tampered {
            what: "a version of the secret",
        })
    }

    /// Makes an older version the newest again: what it holds becomes a new version. Answers its number.
    ///
    /// # Errors
    /// As [`Vault::update`](Vault::update), and [`VaultError::Version`].
    pub async fn roll_back(&self, by: By<'_>, version: u64, proof: Proof<'_>) -> Result<u64, VaultError> {
        let rolled = again(None, async || self.try_roll_back(by, version, proof).await).await;
        self.written_down(VaultOp::RollBack, Some(by), rolled).await
    }

    async fn try_roll_back(
        &self,
        by: By<'_>,
        version: u64,
        proof: Proof<'_>,
    ) -> Result<Option<u64>, VaultError> {
        let proven = self.proven(by, proof).await?;
        proven.row.readable(SecretKind::Secret, self.now())?;
        let keyring = self.keyring()?;
        let versions = self.versions_of(&proven.row).await?;
        let old = versions.into_iter().find(|old| old.number == version);
        let old = old.ok_or(VaultError::Version {
            version,
            state: "does not exist",
        })?;
        let session = proven.session.as_deref();
        let value = self.open_version(&keyring, &old, session).await?;
        let password = match (old.setting, session) {
            (Some(setting), Some(session)) => {
                let known = self.keyring_with(&keyring, setting).await?;
                Some(session.key(&known, setting).await?)
            }
            _ => None,
        };
        let sealed = self.sealed(
            &keyring,
            &proven.row.id,
            proven.row.version + 1,
            &value,
            password.as_deref(),
        )?;
        self.append(VaultOp::RollBack, &proven, sealed, Vec::new()).await
    }

    /// Destroys the key of one version, and with it its value. The newest one cannot be: update or delete the secret.
    ///
    /// # Errors
    /// [`VaultError::Version`], [`VaultError::ProofRequired`] and as [`Vault::update`](Vault::update).
    pub async fn destroy_version(
        &self,
        by: By<'_>,
        version: u64,
        proof: Proof<'_>,
    ) -> Result<(), VaultError> {
        let destroyed = again(None, async || {
            let proven = self.proven(by, proof).await?;
            if proven.row.version == version {
                return Err(VaultError::Version {
                    version,
                    state: "is the newest; update or delete the secret",
                });
            }
            let destroyed = self.attempt(async |step| {
                let row = changeable(step.secret(&proven.row.id).await?, &proven.row)?;
                let versions = step.versions(&row).await?;
                let found = versions.into_iter().find(|found| found.number == version);
                let found = found.ok_or(VaultError::Version {
                    version,
                    state: "does not exist",
                })?;
                let mut next = row.clone();
                step.put_version(&mut next, &found, found.destroyed()).await?;
                let next = step.put(&row, next).await?;
                let mut event = Event::of(VaultOp::DestroyVersion, &next);
                event.version = Some(version);
                step.note(event, "ok").await
            });
            destroyed.await.map(Some)
        });
        let destroyed = destroyed.await;
        self.written_down(VaultOp::DestroyVersion, Some(by), destroyed)
            .await
    }
}

impl Step<'_> {
    /// All versions of a secret that the transaction has read, the oldest first. One that is changed meanwhile changes the secret.
    ///
    /// # Errors
    /// [`VaultError::Tampered`] if they are not what the secret says.
    pub(super) async fn versions(&self, secret: &SecretRow) -> Result<Vec<VersionRow>, VaultError> {
        let mut versions = self.kept_versions(&secret.id).await?;
        if !secret.owns_all(&versions, &self.keyring()?.mac) {
            return Err(VaultError::Tampered {
                what: "a version of the secret",
            });
        }
        versions.sort_by_key(|version| version.number);
        Ok(versions)
    }

    /// Whatever rows say that they are versions of a secret.
    async fn kept_versions(&self, secret: &str) -> Result<Vec<VersionRow>, VaultError> {
        let query = Query::new().filter("secret", Operator::Eq, secret);
        let known = self.vault.store.table(VERSIONS)?.select(&query).await?;
        let mut versions = Vec::with_capacity(known.len());
        for record in known {
            // Each by its key: so the transaction rests on these, not on all of the table.
            let now = self.table(VERSIONS)?.get(record.key()).await?;
            versions.extend(now.as_ref().map(VersionRow::of).transpose()?);
        }
        Ok(versions)
    }

    /// Destroys the keys of all versions of a secret, which is yet to be put.
    pub(super) async fn destroy_all(&self, secret: &mut SecretRow) -> Result<(), VaultError> {
        for version in self.versions(secret).await? {
            self.put_version(secret, &version, version.destroyed()).await?;
        }
        Ok(())
    }

    /// Removes all versions of a secret, also what somebody else put there.
    pub(super) async fn remove_versions(&self, secret: &str) -> Result<(), VaultError> {
        for version in self.kept_versions(secret).await? {
            self.table(VERSIONS)?.delete(version.id.as_str()).await?;
        }
        Ok(())
    }
}

impl VersionRow {
    /// The version without its key and its value.
    pub(super) fn destroyed(&self) -> VersionRow {
        VersionRow {
            state: VersionState::Destroyed,
            locked: None,
            body: None,
            ..self.clone()
        }
    }
}
