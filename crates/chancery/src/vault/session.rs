//! Passwords that were given: one run of Argon2id for a password and a setting, however many secrets are read with it. It reads
//! no secret.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chancery_vault::credentials::Secret;
use chancery_vault::passwords::{KdfPool, PasswordKey};
use tokio::sync::{Mutex, Semaphore};

use super::error::VaultError;
use super::keyring::Keyring;

/// How long to wait for a buffer.
const WAIT: Duration = Duration::from_secs(2);

/// The buffers for passwords, and who may use one: whoever waits for it blocks no thread.
#[derive(Debug)]
pub(super) struct Gate {
    pool: KdfPool,
    free: Arc<Semaphore>,
}

impl Gate {
    pub(super) fn new(buffers: usize, buffer_kib: u32) -> Gate {
        Gate {
            pool: KdfPool::new(buffers, buffer_kib),
            free: Arc::new(Semaphore::new(buffers.max(1))),
        }
    }
}

/// A password that somebody gave, for as many secrets as it opens. Forgotten, it is wiped.
///
/// Made by [`Vault::unlock`](super::Vault::unlock). It tells nothing about whether the password is right: that is found out
/// by each secret.
#[derive(Debug)]
pub struct PasswordSession {
    password: Secret,
    gate: Arc<Gate>,
    keys: Mutex<HashMap<u32, Arc<PasswordKey>>>,
    runs: AtomicUsize,
}

impl PasswordSession {
    pub(super) fn new(password: Secret, gate: Arc<Gate>) -> PasswordSession {
        PasswordSession {
            password,
            gate,
            keys: Mutex::default(),
            runs: AtomicUsize::new(0),
        }
    }

    pub(super) fn password(&self) -> &Secret {
        &self.password
    }

    /// The key of the password under a setting of the vault.
    pub(super) async fn key(&self, keyring: &Keyring, setting: u32) -> Result<Arc<PasswordKey>, VaultError> {
        // Held while it is derived: whoever asks meanwhile waits for that, and derives nothing.
        let mut keys = self.keys.lock().await;
        if let Some(known) = keys.get(&setting) {
            return Ok(known.clone());
        }
        let (gate, setting_of) = (self.gate.clone(), *keyring.setting_of(setting)?);
        let free = tokio::time::timeout(WAIT, gate.free.clone().acquire_owned());
        let permit = free.await.map_err(|_| VaultError::Busy)?;
        let permit = permit.map_err(|_| VaultError::Busy)?;
        let password = self.password.clone();
        self.runs.fetch_add(1, Ordering::Relaxed);
        let derived = tokio::task::spawn_blocking(move || {
            metrics::counter!("chancery_vault_kdf_runs_total").increment(1);
            let derived = gate.pool.derive(password.expose().as_bytes(), &setting_of, WAIT);
            // Not before: whoever gave up waiting for it leaves it running.
            drop(permit);
            derived
        });
        let key = Arc::new(derived.await.map_err(|_| VaultError::Busy)??);
        keys.insert(setting, key.clone());
        Ok(key)
    }

    /// How often Argon2id ran for it.
    pub fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

/// How somebody unlocks secrets.
#[derive(Clone, Copy, Debug, Default)]
pub enum Unlock<'a> {
    /// Without a password.
    #[default]
    None,
    /// With a password.
    Password(&'a Secret),
    /// With a password that was given before.
    Session(&'a PasswordSession),
}
