//! Opening versions: the key of a value behind its two locks, and the value under its key. It reads and counts nothing.

use chancery_vault::context::{Context, Purpose};
use chancery_vault::credentials::SecretBytes;
use chancery_vault::keys::Key;
use chancery_vault::locks::{LockError, Locks};
use chancery_vault::passwords::PasswordKey;
use chancery_vault::sealing;

use super::Vault;
use super::create::verifier;
use super::error::VaultError;
use super::keyring::Keyring;
use super::session::PasswordSession;
use super::tables::{VersionRow, VersionState};

impl Vault {
    /// The value of a version. If it has a password and a wrong one is given, that is found out before anything is opened.
    pub(super) async fn open_version(
        &self,
        keyring: &Keyring,
        version: &VersionRow,
        session: Option<&PasswordSession>,
    ) -> Result<SecretBytes, VaultError> {
        let (key, place) = self.unlocked(keyring, version, session).await?;
        let body = version.body.as_deref().map(sealing::from_text);
        let failed = VaultError::DecryptionFailed { what: "the value" };
        let Some(Ok(body)) = body else {
            return Err(failed);
        };
        let encryptor = self.encryptor_named(&version.encryptor)?;
        encryptor.decrypt(&key, &place, &body).map_err(|_| failed)
    }

    /// The key of a version's value.
    pub(super) async fn unlocked<'v>(
        &self,
        keyring: &Keyring,
        version: &'v VersionRow,
        session: Option<&PasswordSession>,
    ) -> Result<(Key, Context<'v>), VaultError> {
        let refreshed;
        let keyring = match keyring.knows(version.kid, version.setting) {
            true => keyring,
            // Another process may have made what it was locked with.
            false => {
                refreshed = self.refreshed().await?;
                &refreshed
            }
        };
        let password = match (version.setting, session) {
            (Some(setting), Some(session)) => Some(session.key(keyring, setting).await?),
            _ => None,
        };
        version.unlocked(keyring, password.as_deref())
    }
}

impl VersionRow {
    /// The key of its value. If a wrong password is given, that is found out before anything is opened.
    pub(super) fn unlocked(
        &self,
        keyring: &Keyring,
        password: Option<&PasswordKey>,
    ) -> Result<(Key, Context<'_>), VaultError> {
        if self.state == VersionState::Destroyed {
            return Err(VaultError::Version {
                version: self.number,
                state: "was destroyed",
            });
        }
        match (self.setting, password) {
            (None, _) => {}
            (Some(_), None) => return Err(VaultError::PasswordRequired),
            (Some(_), Some(password)) if !self.is_opened_by(keyring, password) => {
                return Err(VaultError::InvalidPassword);
            }
            (Some(_), Some(_)) => {}
        }
        let place = keyring.place(&self.secret, self.number, Purpose::Value);
        let locked = self.locked.as_deref().map(sealing::from_text);
        let failed = VaultError::DecryptionFailed {
            what: "the key of the value",
        };
        let Some(Ok(locked)) = locked else {
            return Err(failed);
        };
        let server = keyring.key(self.kid)?;
        match (Locks { server, password }).unlock(&place, &locked) {
            Ok(key) => Ok((key, place)),
            Err(LockError::PasswordNeeded) => Err(VaultError::PasswordRequired),
            Err(LockError::WrongPassword) => Err(VaultError::InvalidPassword),
            Err(LockError::Server(_) | LockError::OtherSetting { .. }) => Err(failed),
        }
    }

    /// It with its key under another password, or under none. The value is not touched.
    pub(super) fn relocked(
        self,
        keyring: &Keyring,
        old: Option<&PasswordKey>,
        new: Option<&PasswordKey>,
    ) -> Result<VersionRow, VaultError> {
        let (key, place) = self.unlocked(keyring, old)?;
        let server = keyring.active()?;
        let locks = Locks {
            server,
            password: new,
        };
        Ok(VersionRow {
            kid: server.kid(),
            setting: new.map(PasswordKey::setting),
            password_hash: new.map(|new| verifier(keyring, &self.secret, new)),
            locked: Some(sealing::to_text(&locks.lock(&place, &key))),
            ..self
        })
    }

    /// Whether a password is that of the version.
    pub(super) fn is_opened_by(&self, keyring: &Keyring, password: &PasswordKey) -> bool {
        self.setting == Some(password.setting())
            && self.password_hash.as_deref() == Some(verifier(keyring, &self.secret, password).as_str())
    }
}
