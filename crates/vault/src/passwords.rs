//! Keys from passwords: Argon2id with settings that are stored, authenticated and bounded, in a fixed pool of memory. It
//! keeps no password and decides nothing about attempts.
//!
//! One derivation serves all records of a scope for as long as a [`PasswordKey`] is held; what each record needs is then
//! derived from it in microseconds. Passwords are bytes: they are neither trimmed nor normalised.

use std::fmt;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use parking_lot::{Condvar, Mutex};
use zeroize::Zeroize;

use crate::context::{Context, Purpose};
use crate::keys::{Extracted, Key, Label, MacKeys, MacPurpose, fill_random};
use crate::limits::{
    MAX_KDF_LANES, MAX_KDF_MEMORY_KIB, MAX_KDF_PASSES, MAX_PASSWORD_BYTES, MIN_KDF_MEMORY_KIB,
};
use crate::sealing::SealingKey;

/// Bytes of the salt of a scope, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;
/// Bytes of a code over a stored setting.
const MAC_BYTES: usize = 32;
/// Layout of a stored setting.
const STORED_VERSION: u8 = 1;
/// Bytes of a stored setting before its code: version, three numbers, salt.
pub(crate) const STORED_HEAD_BYTES: usize = 1 + 3 * 4 + SALT_BYTES;
/// Bytes of a stored setting.
const STORED_BYTES: usize = STORED_HEAD_BYTES + MAC_BYTES;

/// Why no key was derived from a password. No variant holds any of the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KdfError {
    /// A setting is outside of what is allowed; nothing was allocated.
    #[error("{what} of Argon2id is {value}, which is not between {min} and {max}")]
    OutOfBounds {
        /// Which one, with its unit.
        what: &'static str,
        /// What it is.
        value: u32,
        /// The least allowed.
        min: u32,
        /// The most allowed.
        max: u32,
    },
    /// What was stored is not a setting of a known version.
    #[error("the stored Argon2id setting cannot be read")]
    Stored,
    /// What was stored was changed, or belongs to another number or another vault.
    #[error("the stored Argon2id setting was altered")]
    Altered,
    /// The password is empty, or over [`MAX_PASSWORD_BYTES`].
    #[error("a password of {bytes} bytes is not between 1 and {MAX_PASSWORD_BYTES} bytes")]
    PasswordLength {
        /// Its length.
        bytes: usize,
    },
    /// The setting needs more memory than a buffer of the pool has.
    #[error("the setting needs {needed_kib} KiB of memory, and a buffer has {buffer_kib} KiB")]
    BufferTooSmall {
        /// What it needs, in KiB.
        needed_kib: u32,
        /// What there is, in KiB.
        buffer_kib: u32,
    },
    /// All buffers were in use for as long as the caller would wait.
    #[error("all {buffers} buffers for passwords are in use; try again")]
    Busy {
        /// How many there are.
        buffers: usize,
    },
    /// The operating system gave no memory.
    #[error("there is no memory of {kib} KiB for a password")]
    NoMemory {
        /// How much was asked for, in KiB.
        kib: u32,
    },
}

/// What one guess costs: memory, passes over it, and lanes, always within the limits of [`crate::limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KdfParams {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl KdfParams {
    /// 19 MiB, 2 passes, 1 lane: OWASP's recommendation for servers with many sign-ins.
    pub const LIGHT: KdfParams = KdfParams {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// 64 MiB, 3 passes, 1 lane: the memory and passes of RFC 9106's second recommendation.
    pub const DEFAULT: KdfParams = KdfParams {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// 256 MiB, 3 passes, 1 lane: for few, precious secrets.
    pub const HIGH: KdfParams = KdfParams {
        memory_kib: MAX_KDF_MEMORY_KIB,
        passes: 3,
        lanes: 1,
    };

    /// Settings of one's own: memory in KiB, passes, lanes.
    ///
    /// # Errors
    /// [`KdfError::OutOfBounds`].
    ///
    /// ```
    /// use chancery_vault::passwords::{KdfError, KdfParams};
    /// assert_eq!(KdfParams::new(64 * 1024, 3, 1), Ok(KdfParams::DEFAULT));
    /// assert!(matches!(KdfParams::new(u32::MAX, 3, 1), Err(KdfError::OutOfBounds { .. })));
    /// ```
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<KdfParams, KdfError> {
        within(
            "memory in KiB",
            memory_kib,
            MIN_KDF_MEMORY_KIB,
            MAX_KDF_MEMORY_KIB,
        )?;
        within("number of passes", passes, 1, MAX_KDF_PASSES)?;
        within("number of lanes", lanes, 1, MAX_KDF_LANES)?;
        Ok(KdfParams {
            memory_kib,
            passes,
            lanes,
        })
    }

    /// Memory in KiB.
    pub fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Lanes. They are worked through one after the other.
    pub fn lanes(&self) -> u32 {
        self.lanes
    }
}

impl Default for KdfParams {
    fn default() -> KdfParams {
        KdfParams::DEFAULT
    }
}

fn within(what: &'static str, value: u32, min: u32, max: u32) -> Result<(), KdfError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(KdfError::OutOfBounds {
        what,
        value,
        min,
        max,
    })
}

/// How passwords of one scope become keys: parameters and a salt under a number. Stored with the data it protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KdfSetting {
    id: u32,
    params: KdfParams,
    salt: [u8; SALT_BYTES],
}

impl KdfSetting {
    /// A new setting with a fresh salt. No two settings of a vault may have one number.
    pub fn random(id: u32, params: KdfParams) -> KdfSetting {
        let mut salt = [0; SALT_BYTES];
        fill_random(&mut salt);
        KdfSetting { id, params, salt }
    }

    /// Its number, which every inner lock names.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// What a guess costs.
    pub fn params(&self) -> KdfParams {
        self.params
    }

    /// For keeping: 61 bytes that end in a code which only this vault can make.
    pub fn store(&self, keys: &MacKeys) -> Vec<u8> {
        let mut bytes = self.head();
        let code = keys.mac(MacPurpose::KdfSetting, &[&self.id.to_be_bytes(), &bytes]);
        bytes.extend_from_slice(&code);
        bytes
    }

    /// Reads back what [`KdfSetting::store`] gave for this number. Its code is checked first, its bounds then.
    ///
    /// # Errors
    /// [`KdfError::Stored`], [`KdfError::Altered`] or [`KdfError::OutOfBounds`].
    ///
    /// ```
    /// use chancery_vault::{passwords::{KdfError, KdfParams, KdfSetting}, keys::{Key, MacKeys}};
    /// let keys = MacKeys::of(&Key::random());
    /// let setting = KdfSetting::random(1, KdfParams::LIGHT);
    /// let mut stored = setting.store(&keys);
    /// assert_eq!(KdfSetting::load(&keys, 1, &stored), Ok(setting));
    /// assert_eq!(KdfSetting::load(&keys, 2, &stored), Err(KdfError::Altered));
    /// stored[1] = 0xff;
    /// assert_eq!(KdfSetting::load(&keys, 1, &stored), Err(KdfError::Altered));
    /// ```
    pub fn load(keys: &MacKeys, id: u32, stored: &[u8]) -> Result<KdfSetting, KdfError> {
        let (body, code) = stored
            .split_last_chunk::<MAC_BYTES>()
            .filter(|_| stored.len() == STORED_BYTES)
            .ok_or(KdfError::Stored)?;
        if !keys.verify(MacPurpose::KdfSetting, &[&id.to_be_bytes(), body], code) {
            return Err(KdfError::Altered);
        }
        KdfSetting::from_head(id, body)
    }

    /// The setting without its number and without a code: for whoever authenticates it in another way.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(STORED_BYTES);
        bytes.push(STORED_VERSION);
        for number in [self.params.memory_kib, self.params.passes, self.params.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// Reads back what [`KdfSetting::head`] gave, and checks its bounds. Nobody vouches for it yet.
    pub(crate) fn from_head(id: u32, head: &[u8]) -> Result<KdfSetting, KdfError> {
        let (&version, numbers_and_salt) = head.split_first().ok_or(KdfError::Stored)?;
        if version != STORED_VERSION || head.len() != STORED_HEAD_BYTES {
            return Err(KdfError::Stored);
        }
        let (numbers, salt) = numbers_and_salt.split_at(3 * 4);
        let (&[memory_kib, passes, lanes], _) = numbers
            .as_chunks::<4>()
            .0
            .split_first_chunk::<3>()
            .ok_or(KdfError::Stored)?;
        let [memory_kib, passes, lanes] = [memory_kib, passes, lanes].map(u32::from_be_bytes);
        Ok(KdfSetting {
            id,
            params: KdfParams::new(memory_kib, passes, lanes)?,
            salt: salt.try_into().map_err(|_| KdfError::Stored)?,
        })
    }
}

/// What a password became under one setting; wiped when dropped. Holding it is what unlocking means.
pub struct PasswordKey {
    setting: u32,
    key: Key,
    /// What all proofs come from: a job makes two for each secret.
    unsalted: Extracted,
}

impl PasswordKey {
    /// The number of the setting it was derived under.
    pub fn setting(&self) -> u32 {
        self.setting
    }

    /// What may be kept to tell this password from others for one record: without the vault's own keys it allows no guess.
    pub fn verifier(&self, keys: &MacKeys, place: &Context<'_>) -> [u8; 32] {
        let place = place.with_purpose(Purpose::InnerLock).encode();
        let proof = self.unsalted.derive(Label::PasswordProof, &[&place]);
        keys.mac(MacPurpose::PasswordVerifier, &[proof.expose()])
    }

    /// The key of the inner lock of one record and version.
    pub(crate) fn lock_key(&self, place: &Context<'_>, salt: &[u8]) -> SealingKey {
        let key = self.key.derive(salt, Label::PasswordLock, &[&place.encode()]);
        SealingKey::new(self.setting, key)
    }

    /// The root key of a vault whose passphrase this was; another head of its setting makes another key.
    pub(crate) fn root_key(&self, head: &[u8]) -> Key {
        self.key.derive(&[], Label::RootPassphrase, &[head])
    }
}

impl fmt::Debug for PasswordKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PasswordKey({}, …)", self.setting)
    }
}

/// A fixed number of memory buffers in which passwords become keys: at most so many at a time, and never more memory.
///
/// A buffer is allocated when it is first needed, grows to the largest setting it served, is wiped after each use and
/// kept for the next.
///
/// ```
/// use chancery_vault::passwords::{KdfParams, KdfPool, KdfSetting};
/// use std::time::Duration;
/// let pool = KdfPool::new(2, KdfParams::LIGHT.memory_kib());
/// let setting = KdfSetting::random(1, KdfParams::LIGHT);
/// let key = pool.derive(b"correct horse", &setting, Duration::from_secs(2))?;
/// assert_eq!(format!("{key:?}"), "PasswordKey(1, …)");
/// # Ok::<(), chancery_vault::passwords::KdfError>(())
/// ```
pub struct KdfPool {
    free: Mutex<Vec<Vec<Block>>>,
    returned: Condvar,
    buffers: usize,
    buffer_kib: u32,
}

impl KdfPool {
    /// A pool of at least one buffer, each of at most so many KiB. Nothing is allocated yet.
    pub fn new(buffers: usize, buffer_kib: u32) -> KdfPool {
        let buffers = buffers.max(1);
        KdfPool {
            free: Mutex::new(std::iter::repeat_with(Vec::new).take(buffers).collect()),
            returned: Condvar::new(),
            buffers,
            buffer_kib,
        }
    }

    /// The key of a password under a setting.
    ///
    /// Blocks the thread for the whole work (about 0.15 s for the default), and before that up to `wait` for a free
    /// buffer; with a `wait` of zero it answers at once that there is none. Call it outside an async executor, and let
    /// the call own whatever counts the work: it cannot be called off.
    ///
    /// # Errors
    /// [`KdfError::PasswordLength`], [`KdfError::BufferTooSmall`], [`KdfError::Busy`] or [`KdfError::NoMemory`].
    pub fn derive(
        &self,
        password: &[u8],
        setting: &KdfSetting,
        wait: Duration,
    ) -> Result<PasswordKey, KdfError> {
        if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
            return Err(KdfError::PasswordLength {
                bytes: password.len(),
            });
        }
        let params = setting.params;
        if params.memory_kib > self.buffer_kib {
            return Err(KdfError::BufferTooSmall {
                needed_kib: params.memory_kib,
                buffer_kib: self.buffer_kib,
            });
        }
        let argon2_params = Params::new(params.memory_kib, params.passes, params.lanes, None)
            .expect("our bounds are narrower than those of Argon2");
        let mut buffer = self.take(wait)?;
        buffer.reserve(argon2_params.block_count())?;
        let mut key = Key::zero();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, argon2_params)
            .hash_password_into_with_memory(password, &setting.salt, key.slot(), buffer.used())
            .expect("password, salt, key and memory have lengths that Argon2 takes");
        Ok(PasswordKey {
            setting: setting.id,
            unsalted: key.extract(&[]),
            key,
        })
    }

    fn take(&self, wait: Duration) -> Result<Buffer<'_>, KdfError> {
        let busy = KdfError::Busy {
            buffers: self.buffers,
        };
        let until = Instant::now().checked_add(wait);
        let mut free = self.free.lock();
        loop {
            if let Some(blocks) = free.pop() {
                return Ok(Buffer {
                    pool: self,
                    blocks,
                    used: 0,
                });
            }
            match until {
                Some(until) if self.returned.wait_until(&mut free, until).timed_out() => {
                    // One may have come back in the very moment.
                    if free.is_empty() {
                        return Err(busy);
                    }
                }
                Some(_) => {}
                None => self.returned.wait(&mut free),
            }
        }
    }
}

impl fmt::Debug for KdfPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KdfPool({} of {} KiB)", self.buffers, self.buffer_kib)
    }
}

/// A buffer in use: wiped and given back when dropped, after a panic too.
struct Buffer<'p> {
    pool: &'p KdfPool,
    blocks: Vec<Block>,
    used: usize,
}

impl Buffer<'_> {
    /// Makes sure of so many blocks of 1 KiB.
    fn reserve(&mut self, blocks: usize) -> Result<(), KdfError> {
        let missing = blocks.saturating_sub(self.blocks.len());
        self.blocks
            .try_reserve_exact(missing)
            .map_err(|_| KdfError::NoMemory {
                kib: u32::try_from(blocks).unwrap_or(u32::MAX),
            })?;
        self.blocks.resize(self.blocks.len() + missing, Block::new());
        self.used = blocks;
        Ok(())
    }

    fn used(&mut self) -> &mut [Block] {
        &mut self.blocks[..self.used]
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        self.used().iter_mut().for_each(Zeroize::zeroize);
        let blocks = std::mem::take(&mut self.blocks);
        self.pool.free.lock().push(blocks);
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_wiped_after_use_and_used_again() {
        let params = KdfParams::new(MIN_KDF_MEMORY_KIB, 1, 1).unwrap();
        let pool = KdfPool::new(1, MIN_KDF_MEMORY_KIB);
        let setting = KdfSetting::random(1, params);
        assert!(
            pool.free.lock()[0].is_empty(),
            "nothing is allocated before it is needed"
        );
        for _ in 0..2 {
            pool.derive(b"password", &setting, Duration::ZERO).unwrap();
            let free = pool.free.lock();
            assert_eq!(free.len(), 1);
            assert_eq!(free[0].len(), MIN_KDF_MEMORY_KIB as usize);
            assert!(
                free[0]
                    .iter()
                    .all(|block| block.as_ref().iter().all(|word| *word == 0))
            );
        }
    }

    #[test]
    fn a_buffer_in_use_is_waited_for_or_refused() {
        let pool = KdfPool::new(1, MIN_KDF_MEMORY_KIB);
        let taken = pool.take(Duration::ZERO).unwrap();
        assert_eq!(
            pool.take(Duration::ZERO).err(),
            Some(KdfError::Busy { buffers: 1 })
        );
        assert!(pool.take(Duration::from_millis(20)).is_err());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pool.take(Duration::MAX).is_ok());
            drop(taken);
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_setting_beyond_bounds_is_refused_even_with_a_true_code() {
        let keys = MacKeys::of(&Key::random());
        let hostile = |memory_kib, passes, lanes| {
            let params = KdfParams {
                memory_kib,
                passes,
                lanes,
            };
            let stored = KdfSetting::random(7, params).store(&keys);
            KdfSetting::load(&keys, 7, &stored).err()
        };
        let refused = |error| matches!(error, Some(KdfError::OutOfBounds { .. }));
        assert!(refused(hostile(4 * 1024 * 1024, 1, 1)));
        assert!(refused(hostile(u32::MAX, 1, 1)));
        assert!(refused(hostile(0, 1, 1)));
        assert!(refused(hostile(64 * 1024, 0, 1)));
        assert!(refused(hostile(64 * 1024, 11, 1)));
        assert!(refused(hostile(64 * 1024, 3, 0)));
        assert!(refused(hostile(64 * 1024, 3, 256)));
        assert_eq!(hostile(64 * 1024, 3, 1), None);
    }

    #[test]
    fn every_byte_of_a_stored_setting_counts() {
        let keys = MacKeys::of(&Key::random());
        let stored = KdfSetting::random(7, KdfParams::DEFAULT).store(&keys);
        for at in 0..stored.len() {
            let mut altered = stored.clone();
            altered[at] ^= 1;
            assert_eq!(KdfSetting::load(&keys, 7, &altered), Err(KdfError::Altered));
            assert_eq!(KdfSetting::load(&keys, 7, &stored[..at]), Err(KdfError::Stored));
        }
        let other = MacKeys::of(&Key::random());
        assert_eq!(KdfSetting::load(&other, 7, &stored), Err(KdfError::Altered));
    }

    #[test]
    fn the_pool_derives_what_argon2_derives() {
        let params = KdfParams::new(MIN_KDF_MEMORY_KIB, 2, 3).unwrap();
        let setting = KdfSetting::random(1, params);
        let pool = KdfPool::new(1, MIN_KDF_MEMORY_KIB);
        let key = pool.derive(b"password", &setting, Duration::ZERO).unwrap();
        let mut expected = [0; 32];
        Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            Params::new(MIN_KDF_MEMORY_KIB, 2, 3, Some(32)).unwrap(),
        )
        .hash_password_into(b"password", &setting.salt, &mut expected)
        .unwrap();
        assert_eq!(key.key.expose(), &expected);
    }

    #[test]
    fn passwords_and_buffers_have_limits() {
        let pool = KdfPool::new(0, MIN_KDF_MEMORY_KIB);
        let setting = KdfSetting::random(1, KdfParams::new(MIN_KDF_MEMORY_KIB, 1, 1).unwrap());
        let derive = |password: &[u8], setting| pool.derive(password, setting, Duration::ZERO).err();
        assert_eq!(derive(b"", &setting), Some(KdfError::PasswordLength { bytes: 0 }));
        assert_eq!(
            derive(&[b'x'; 1025], &setting),
            Some(KdfError::PasswordLength { bytes: 1025 })
        );
        assert_eq!(derive(&[b'x'; 1024], &setting), None);
        assert_eq!(
            derive(b"x", &KdfSetting::random(1, KdfParams::LIGHT)),
            Some(KdfError::BufferTooSmall {
                needed_kib: 19 * 1024,
                buffer_kib: 7 * 1024
            })
        );
    }
}
