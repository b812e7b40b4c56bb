//! Changing secrets: new values, times, metadata, passwords; deleting and restoring. Knowing a token is not enough for any of it.

use std::sync::Arc;

use chancery_vault::credentials::{Secret, SecretBytes};
use chancery_vault::passwords::PasswordKey;

use super::audit::Event;
use super::create::{Held, check_data, check_value, verifier};
use super::error::VaultError;
use super::keyring::Keyring;
use super::lookup::changeable;
use super::session::{PasswordSession, Unlock};
use super::tables::{Row, SECRETS, SecretKind, SecretRow, VERSIONS, VersionRow, VersionState};
use super::types::{
    By, Created, NewPassword, NewSecret, Proof, SecretInfo, SecretPatch, SecretStatus, SecretUpdate,
};
use super::{Step, Vault, VaultOp};

/// A secret that somebody may change.
pub(super) struct Proven<'a> {
    pub(super) row: SecretRow,
    /// The password that was given, if the secret has one.
    pub(super) session: Option<Held<'a>>,
}

/// How often a change is done again that somebody else overtook.
const ATTEMPTS: usize = 64;

impl Vault {
    /// A new value behind a token. Older ones stay, as versions.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Expired`], [`VaultError::Exhausted`], [`VaultError::ProofRequired`],
    /// [`VaultError::PasswordRequired`], [`VaultError::InvalidPassword`], [`VaultError::TooManyAttempts`],
    /// [`VaultError::Conflict`], [`VaultError::Invalid`], [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn update(&self, by: By<'_>, update: SecretUpdate<'_>) -> Result<u64, VaultError> {
        let updated = self.checked_update(by, &update).await;
        self.written_down(VaultOp::Update, Some(by), updated).await
    }

    async fn checked_update(&self, by: By<'_>, update: &SecretUpdate<'_>) -> Result<u64, VaultError> {
        let mut issues = Vec::new();
        check_value(update.value.expose(), &mut issues);
        if let NewPassword::Set(password) = update.password {
            self.check_password("newPassword", password, &mut issues);
        }
        if !issues.is_empty() {
            return Err(VaultError::Invalid(issues));
        }
        again(update.expected, async || self.try_update(by, update).await).await
    }

    async fn try_update(&self, by: By<'_>, update: &SecretUpdate<'_>) -> Result<Option<u64>, VaultError> {
        let proven = self.proven(by, update.proof).await?;
        expect(&proven.row, update.expected)?;
        proven.row.readable(SecretKind::Secret, self.now())?;
        // Read before what is sealed with it, and looked at again in the commit.
        let keyring = self.keyring()?;
        let old = proven.session.as_deref();
        let (password, rewrapped) = match update.password {
            NewPassword::Remove => (None, self.rewrapped(&keyring, &proven.row, old, None).await?),
            NewPassword::Set(new) => {
                let session = self.unlock(new.clone());
                let key = session.key(&keyring, keyring.setting()?.id()).await?;
                let changed = self.rewrapped(&keyring, &proven.row, old, Some(&key)).await?;
                (Some(key), changed)
            }
            NewPassword::Keep => match (proven.row.setting, old) {
                (None, _) => (None, Vec::new()),
                (Some(setting), Some(session)) => {
                    let known = self.keyring_with(&keyring, setting).await?;
                    (Some(session.key(&known, setting).await?), Vec::new())
                }
                // What it is to be locked with is not known.
                (Some(_), None) => return Err(VaultError::PasswordRequired),
            },
        };
        let number = proven.row.version + 1;
        let sealed = self.sealed(
            &keyring,
            &proven.row.id,
            number,
            &update.value,
            password.as_deref(),
        )?;
        self.append(VaultOp::Update, &proven, sealed, rewrapped).await
    }

    /// The versions of a secret that a password opens, or all that need none, under another password.
    async fn rewrapped(
        &self,
        keyring: &Arc<Keyring>,
        row: &SecretRow,
        old: Option<&PasswordSession>,
        new: Option<&PasswordKey>,
    ) -> Result<Vec<(VersionRow, VersionRow)>, VaultError> {
        let mut changed = Vec::new();
        for version in self.versions_of(row).await? {
            if version.state == VersionState::Destroyed {
                continue;
            }
            let known = match keyring.knows(version.kid, version.setting) {
                true => keyring.clone(),
                false => self.refreshed().await?,
            };
            let password = match (version.setting, old) {
                (Some(setting), Some(old)) => Some(old.key(&known, setting).await?),
                _ => None,
            };
            let next = match version.clone().relocked(&known, password.as_deref(), new) {
                // An older version that was set under another password keeps it.
                Err(VaultError::InvalidPassword | VaultError::PasswordRequired) => continue,
                next => next?,
            };
            changed.push((version, next));
        }
        Ok(changed)
    }

    /// Adds a version to a secret, with what else of its versions changes; the oldest go if there are too many. None if the keys
    /// or the versions changed meanwhile.
    pub(super) async fn append(
        &self,
        op: VaultOp,
        proven: &Proven<'_>,
        sealed: VersionRow,
        rewrapped: Vec<(VersionRow, VersionRow)>,
    ) -> Result<Option<u64>, VaultError> {
        let number = sealed.number;
        let kept = self.inner.options.versions_max.max(1);
        self.attempt(async |step| {
            let row = changeable(step.secret(&proven.row.id).await?, &proven.row)?;
            // Another key was made meanwhile: all of it has to be sealed again.
            if step.keyring()?.active()?.kid() != sealed.kid {
                return Ok(None);
            }
            let mut next = row.clone();
            next.version = number;
            next.setting = sealed.setting;
            next.password_hash.clone_from(&sealed.password_hash);
            for version in step.versions(&row).await? {
                if version.number + kept <= number {
                    step.table(VERSIONS)?.delete(version.id.as_str()).await?;
                    next.versions.remove(&version.number);
                } else if let Some((_, after)) = rewrapped.iter().find(|(before, _)| before.id == version.id)
                {
                    step.put_version(&mut next, &version, after.clone()).await?;
                }
            }
            let mut newest = sealed.clone();
            next.claim(&mut newest, &step.keyring()?.mac);
            step.table(VERSIONS)?.insert(newest.to_json()).await?;
            let next = step.put(&row, next).await?;
            step.note(Event::of(op, &next), "ok").await?;
            Ok(Some(number))
        })
        .await
    }

    /// A new value behind a token, or a new secret if none is given. Answers the token of a new one.
    ///
    /// # Errors
    /// As [`Vault::create`] and [`Vault::update`]; a token that nobody has is [`VaultError::NotFound`].
    pub async fn upsert(
        &self,
        token: Option<&str>,
        value: impl Into<Vec<u8>>,
        unlock: Unlock<'_>,
        authority: bool,
    ) -> Result<Option<Created>, VaultError> {
        match token.filter(|token| !token.is_empty()) {
            None => {
                let new = NewSecret {
                    unlock,
                    ..NewSecret::new(value)
                };
                self.create(new).await.map(Some)
            }
            Some(token) => {
                let proof = match (unlock, authority) {
                    (Unlock::None, true) => Proof::Authority,
                    _ => Proof::Unlock(unlock),
                };
                let update = SecretUpdate {
                    value: SecretBytes::new(value.into()),
                    proof,
                    password: NewPassword::Keep,
                    expected: None,
                };
                self.update(By::Token(token), update).await.map(|_| None)
            }
        }
    }

    /// Another time at which a secret is over; none for never. One that is over already can be renewed.
    ///
    /// # Errors
    /// As [`Vault::update`].
    pub async fn renew(
        &self,
        by: By<'_>,
        expires_at: Option<i64>,
        proof: Proof<'_>,
    ) -> Result<SecretInfo, VaultError> {
        self.change_row(VaultOp::Renew, by, proof, None, |row| {
            row.expires_at = expires_at;
        })
        .await
    }

    /// Other metadata or another time, for whoever may manage the vault. Only what differs is written.
    ///
    /// # Errors
    /// [`VaultError::NotFound`], [`VaultError::Conflict`], [`VaultError::Invalid`], [`VaultError::Store`].
    pub async fn update_record(&self, id: &str, patch: SecretPatch) -> Result<SecretInfo, VaultError> {
        let mut issues = Vec::new();
        if let Some(data) = &patch.data {
            check_data(data, &mut issues);
        }
        if !issues.is_empty() {
            let refused = Err(VaultError::Invalid(issues));
            return self
                .written_down(VaultOp::Update, Some(By::Id(id)), refused)
                .await;
        }
        self.change_row(
            VaultOp::Update,
            By::Id(id),
            Proof::Authority,
            patch.expected,
            |row| {
                if let Some(data) = &patch.data {
                    row.data.clone_from(data);
                }
                if let Some(expires_at) = patch.expires_at {
                    row.expires_at = expires_at;
                }
            },
        )
        .await
    }

    /// Deletes a secret so that it can be restored. Its token stays taken.
    ///
    /// # Errors
    /// As [`Vault::update`].
    pub async fn soft_delete(&self, by: By<'_>, proof: Proof<'_>) -> Result<SecretInfo, VaultError> {
        let now = self.now();
        self.change_row(VaultOp::SoftDelete, by, proof, None, |row| {
            row.soft_deleted_at = Some(now);
        })
        .await
    }

    /// Restores a secret that was deleted.
    ///
    /// # Errors
    /// As [`Vault::update`].
    pub async fn restore(&self, by: By<'_>, proof: Proof<'_>) -> Result<SecretInfo, VaultError> {
        self.change_row(VaultOp::Restore, by, proof, None, |row| {
            row.soft_deleted_at = None;
        })
        .await
    }

    /// Deletes a secret with all its versions, for good. Whether there was one.
    ///
    /// # Errors
    /// As [`Vault::update`], but nothing to delete is no error.
    pub async fn delete(&self, by: By<'_>, proof: Proof<'_>) -> Result<bool, VaultError> {
        let deleted = again(None, async || {
            let proven = self.proven_any(by, proof).await?;
            let deleted = self.attempt(async |step| {
                let row = changeable(step.secret(&proven.row.id).await?, &proven.row)?;
                step.remove(&row, VaultOp::Delete).await
            });
            deleted.await.map(Some)
        });
        let deleted = deleted.await;
        match self.written_down(VaultOp::Delete, Some(by), deleted).await {
            Err(VaultError::NotFound) => Ok(false),
            deleted => deleted.map(|()| true),
        }
    }

    /// Another password for one secret and all its versions that the old one opens. No value is touched.
    ///
    /// # Errors
    /// As [`Vault::update`].
    pub async fn change_password(
        &self,
        by: By<'_>,
        old: Unlock<'_>,
        new: Option<&Secret>,
    ) -> Result<SecretInfo, VaultError> {
        let mut issues = Vec::new();
        if let Some(new) = new {
            self.check_password("newPassword", new, &mut issues);
        }
        let changed = match issues.is_empty() {
            true => again(None, async || self.try_change_password(by, old, new).await).await,
            false => Err(VaultError::Invalid(issues)),
        };
        self.written_down(VaultOp::ChangePassword, Some(by), changed)
            .await
    }

    async fn try_change_password(
        &self,
        by: By<'_>,
        old: Unlock<'_>,
        new: Option<&Secret>,
    ) -> Result<Option<SecretInfo>, VaultError> {
        let proof = match old {
            // A secret that has no password gets one from whoever may manage the vault.
            Unlock::None => Proof::Authority,
            old => Proof::Unlock(old),
        };
        let proven = self.proven_any(by, proof).await?;
        let keyring = self.keyring()?;
        if proven.row.setting.is_some() && proven.session.is_none() {
            return Err(VaultError::PasswordRequired);
        }
        let key = match new {
            None => None,
            Some(new) => {
                let session = self.unlock(new.clone());
                Some(session.key(&keyring, keyring.setting()?.id()).await?)
            }
        };
        let old = proven.session.as_deref();
        let changed = self.rewrapped(&keyring, &proven.row, old, key.as_deref()).await?;
        let (now, kid) = (self.now(), keyring.active()?.kid());
        self.attempt(async |step| {
            let row = changeable(step.secret(&proven.row.id).await?, &proven.row)?;
            if step.keyring()?.active()?.kid() != kid {
                return Ok(None);
            }
            let mut next = row.clone();
            for (before, after) in &changed {
                step.put_version(&mut next, before, after.clone()).await?;
            }
            next.setting = key.as_ref().map(|key| key.setting());
            next.password_hash = key.as_ref().map(|key| verifier(&keyring, &row.id, key));
            let next = step.put(&row, next).await?;
            step.note(Event::of(VaultOp::ChangePassword, &next), "ok").await?;
            Ok(Some(next.info(now)))
        })
        .await
    }

    async fn change_row(
        &self,
        op: VaultOp,
        by: By<'_>,
        proof: Proof<'_>,
        expected: Option<u64>,
        change: impl Fn(&mut SecretRow),
    ) -> Result<SecretInfo, VaultError> {
        let changed = again(expected, async || {
            let proven = match op {
                VaultOp::Restore => self.proven_any(by, proof).await?,
                _ => self.proven(by, proof).await?,
            };
            expect(&proven.row, expected)?;
            let now = self.now();
            let changed = self.attempt(async |step| {
                let row = changeable(step.secret(&proven.row.id).await?, &proven.row)?;
                let mut next = row.clone();
                change(&mut next);
                let next = step.put(&row, next).await?;
                step.note(Event::of(op, &next), "ok").await?;
                Ok(next.info(now))
            });
            changed.await.map(Some)
        });
        let changed = changed.await;
        self.written_down(op, Some(by), changed).await
    }

    /// A secret that is not deleted, once it is proven that it may be changed.
    pub(super) async fn proven<'a>(&self, by: By<'_>, proof: Proof<'a>) -> Result<Proven<'a>, VaultError> {
        let proven = self.proven_any(by, proof).await?;
        match proven.row.status(self.now()) {
            SecretStatus::Deleted => Err(VaultError::NotFound),
            _ => Ok(proven),
        }
    }

    /// As [`Vault::proven`], of deleted ones too.
    async fn proven_any<'a>(&self, by: By<'_>, proof: Proof<'a>) -> Result<Proven<'a>, VaultError> {
        let keyring = self.keyring()?;
        let session = match proof {
            Proof::Authority => None,
            // Whoever proves nothing learns nothing, not even by which error.
            Proof::Unlock(unlock) => Some(self.session_of(unlock).ok_or(VaultError::ProofRequired)?),
        };
        let found = self.look_up(by).await?;
        let Some(session) = session else {
            let row = found.ok_or(VaultError::NotFound)?;
            return Ok(Proven { row, session: None });
        };
        match (found, by) {
            // As long as for one that is there.
            (None, By::Token(token)) => {
                let hash = self.counted_by(&keyring, token);
                let setting = keyring.setting()?.id();
                self.guess(&keyring, &hash, &session, setting, |_| false).await?;
                Err(VaultError::NotFound)
            }
            (None, By::Id(_)) => Err(VaultError::NotFound),
            (Some(row), _) => {
                // What has no password is opened by none; that takes as long as any other that is wrong.
                let setting = match row.setting {
                    Some(setting) => setting,
                    None => keyring.setting()?.id(),
                };
                let keyring = self.keyring_with(&keyring, setting).await?;
                let right = |key: &PasswordKey| {
                    row.setting.is_some()
                        && row.password_hash.as_deref() == Some(verifier(&keyring, &row.id, key).as_str())
                };
                match self
                    .guess(&keyring, &row.token_hash, &session, setting, right)
                    .await?
                {
                    true => Ok(Proven {
                        row,
                        session: Some(session),
                    }),
                    false => Err(VaultError::InvalidPassword),
                }
            }
        }
    }

    /// Counts an attempt at a token and makes it: whether the key of the password is right.
    async fn guess(
        &self,
        keyring: &Arc<Keyring>,
        hash: &str,
        session: &PasswordSession,
        setting: u32,
        right: impl Fn(&PasswordKey) -> bool,
    ) -> Result<bool, VaultError> {
        self.charge_one(keyring, hash).await?;
        let right = match session.key(keyring, setting).await {
            Ok(key) => right(&key),
            // What can be no password is none of a secret either.
            Err(VaultError::InvalidPassword) => false,
            Err(error) => {
                self.take_back(keyring, &[hash]).await?;
                return Err(error);
            }
        };
        let settled = self.attempt(async |step| {
            step.settle(hash, right).await?;
            step.settle_call(true, u64::from(!right)).await
        });
        settled.await?;
        Ok(right)
    }
}

/// Does something again as long as somebody else overtakes it: it is done on top of what that left, unless somebody said which
/// state it must be in.
pub(super) async fn again<T, W, F>(expected: Option<u64>, attempt: W) -> Result<T, VaultError>
where
    W: Fn() -> F,
    F: Future<Output = Result<Option<T>, VaultError>>,
{
    for _ in 0..ATTEMPTS {
        match attempt().await {
            Ok(None) => {}
            Err(VaultError::Conflict { .. }) if expected.is_none() => {}
            Ok(Some(done)) => return Ok(done),
            Err(error) => return Err(error),
        }
    }
    Err(crate::Error::Internal("a secret was overtaken again and again".into()).into())
}

fn expect(row: &SecretRow, expected: Option<u64>) -> Result<(), VaultError> {
    match expected {
        Some(expected) if expected != row.row_version => Err(VaultError::Conflict {
            expected,
            found: row.row_version,
        }),
        _ => Ok(()),
    }
}

impl Step<'_> {
    /// Removes a secret with all its versions.
    pub(super) async fn remove(&self, row: &SecretRow, op: VaultOp) -> Result<(), VaultError> {
        self.remove_versions(&row.id).await?;
        self.table(SECRETS)?.delete(row.id.as_str()).await?;
        let event = Event {
            // So one that is put back is older than this says.
            row_version: Some(row.row_version + 1),
            ..Event::of(op, row)
        };
        self.note(event, "ok").await
    }
}
