//! A root key from a passphrase. It keeps no setting: that travels with what it locks.
//!
//! What is locked is
//!
//! ```text
//! version 1 | memory in KiB 4 | passes 4 | lanes 4 | salt 16 | the master key, sealed 113
//! ```
//!
//! with numbers big-endian. From the passphrase, under these parameters and this salt, Argon2id makes a key, and from that
//! and all bytes before the sealed ones HKDF makes the root key; so none of them can be changed. Every locking draws a new
//! salt and thereby makes a new root key, with another fingerprint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Held, RootError, RootKey, Wrapped};
use crate::context::Context;
use crate::credentials::Secret;
use crate::keys::{KEY_BYTES, Key};
use crate::limits::MAX_PASSWORD_BYTES;
use crate::passwords::{KdfError, KdfParams, KdfPool, KdfSetting, STORED_HEAD_BYTES};
use crate::sealing::{OVERHEAD_BYTES, UNNUMBERED};

/// How long is waited for a free buffer of the pool.
const WAIT: Duration = Duration::from_secs(10);
/// Bytes of a locked master key.
const LOCKED_BYTES: usize = STORED_HEAD_BYTES + OVERHEAD_BYTES + KEY_BYTES;

/// A root key that is made from a passphrase each time it is needed.
///
/// Locking and unlocking **block** the thread for as long as the setting costs (about 0.15 s for the default), and before
/// that up to ten seconds for a free buffer of the pool. Their futures never wait, so run them where blocking is allowed,
/// on a thread for such work or before anything is served.
///
/// A passphrase is bytes: it is neither trimmed nor normalised.
///
/// ```
/// use chancery_vault::{context::{Context, Kind, Purpose}, credentials::Secret, keys::Key,
///     passwords::{KdfParams, KdfPool}, root::{PassphraseRoot, RootError, RootKey}};
/// use std::sync::Arc;
/// # futures::executor::block_on(async {
/// let place = Context { vault: [7; 16], kind: Kind::Key, table: b"", record: b"master", column: b"", version: 1,
///     purpose: Purpose::Key, schema: 1 };
/// let pool = Arc::new(KdfPool::new(1, KdfParams::LIGHT.memory_kib()));
/// let root = |passphrase| PassphraseRoot::new(Secret::new(passphrase), KdfParams::LIGHT, Arc::clone(&pool));
/// let master = Key::random();
/// let wrapped = root("correct horse")?.wrap(&place, &master).await?;
/// assert_eq!(root("correct horse")?.unwrap(&place, &wrapped).await?.expose(), master.expose());
/// assert!(matches!(root("battery staple")?.unwrap(&place, &wrapped).await, Err(RootError::Refused)));
/// # Ok::<(), RootError>(())
/// # }).unwrap();
/// ```
pub struct PassphraseRoot {
    passphrase: Secret,
    params: KdfParams,
    pool: Arc<KdfPool>,
}

impl PassphraseRoot {
    /// A passphrase, what a guess at it costs from now on, and the memory in which keys are made from it.
    ///
    /// What was locked at another cost is still unlocked, if a buffer of the pool is large enough.
    ///
    /// # Errors
    /// [`RootError::Passphrase`]: it is empty or too long.
    pub fn new(
        passphrase: Secret,
        params: KdfParams,
        pool: Arc<KdfPool>,
    ) -> Result<PassphraseRoot, RootError> {
        let bytes = passphrase.expose().len();
        if bytes == 0 || bytes > MAX_PASSWORD_BYTES {
            return Err(RootError::Passphrase(KdfError::PasswordLength { bytes }));
        }
        Ok(PassphraseRoot {
            passphrase,
            params,
            pool,
        })
    }

    /// The root key under a setting.
    fn key(&self, setting: &KdfSetting) -> Result<Held, RootError> {
        let password = self
            .pool
            .derive(self.passphrase.expose().as_bytes(), setting, WAIT)
            .map_err(RootError::Passphrase)?;
        Ok(Held::new(password.root_key(&setting.head())))
    }
}

impl fmt::Debug for PassphraseRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PassphraseRoot({:?}, …)", self.params)
    }
}

#[async_trait]
impl RootKey for PassphraseRoot {
    fn origin(&self) -> String {
        "a passphrase".to_owned()
    }

    async fn wrap(&self, place: &Context<'_>, master: &Key) -> Result<Wrapped, RootError> {
        let setting = KdfSetting::random(UNNUMBERED, self.params);
        let Wrapped { fingerprint, bytes } = self.key(&setting)?.wrap(place, master);
        Ok(Wrapped {
            fingerprint,
            bytes: [setting.head(), bytes].concat(),
        })
    }

    async fn unwrap(&self, place: &Context<'_>, wrapped: &Wrapped) -> Result<Key, RootError> {
        let (setting, sealed) = parts(wrapped)?;
        let held = self.key(&setting)?;
        if held.fingerprint != wrapped.fingerprint {
            return Err(RootError::Refused);
        }
        held.unwrap(place, sealed)
    }
}

/// The setting, within its bounds, and the sealed master key.
fn parts(wrapped: &Wrapped) -> Result<(KdfSetting, &[u8]), RootError> {
    let (head, sealed) = wrapped
        .bytes
        .split_at_checked(STORED_HEAD_BYTES)
        .filter(|_| wrapped.bytes.len() == LOCKED_BYTES)
        .ok_or_else(|| RootError::NoPassphrase {
            wanted: wrapped.fingerprint.clone(),
        })?;
    let setting = KdfSetting::from_head(UNNUMBERED, head).map_err(RootError::Passphrase)?;
    Ok((setting, sealed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::MIN_KDF_MEMORY_KIB;

    fn wrapped(bytes: Vec<u8>) -> Wrapped {
        Wrapped {
            fingerprint: "0123456789abcdef".to_owned(),
            bytes,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_as_a_setting_is_within_bounds_and_has_one_spelling(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                prop::collection::vec(any::<u8>(), LOCKED_BYTES),
            ],
            (memory_kib, passes, lanes) in (MIN_KDF_MEMORY_KIB - 2..MIN_KDF_MEMORY_KIB + 9, 0..12_u32, 0..10_u32),
            as_head in any::<bool>(),
            at in any::<prop::sample::Index>(),
            to in any::<u8>(),
        ) {
            let mut bytes = bytes;
            if as_head && bytes.len() >= STORED_HEAD_BYTES {
                bytes[0] = 1;
                for (place, number) in bytes[1..].chunks_exact_mut(4).zip([memory_kib, passes, lanes]) {
                    place.copy_from_slice(&number.to_be_bytes());
                }
                // Half of the time at a place that a byte does not change.
                if let Some(byte) = bytes.get_mut(at.index(2 * LOCKED_BYTES)) {
                    *byte = to;
                }
            }
            let wrapped = wrapped(bytes);
            match parts(&wrapped) {
                Ok((setting, sealed)) => {
                    let again = [&setting.head(), sealed].concat();
                    prop_assert_eq!(&again, &wrapped.bytes);
                    let params = setting.params();
                    let within = KdfParams::new(params.memory_kib(), params.passes(), params.lanes());
                    prop_assert_eq!(within, Ok(params));
                }
                Err(RootError::NoPassphrase { wanted }) => {
                    prop_assert_ne!(wrapped.bytes.len(), LOCKED_BYTES);
                    prop_assert_eq!(wanted, wrapped.fingerprint);
                }
                Err(RootError::Passphrase(KdfError::Stored | KdfError::OutOfBounds { .. })) => {}
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }
}
