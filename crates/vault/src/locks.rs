//! The two locks on the key of a value: the server's outside, a password's inside where one was set. It names no cipher.
//!
//! The order matters. As the server's lock is outside, a data key is rotated without any password ([`change_server`]), and
//! a stolen database cannot even be used to try passwords. As the password's lock is around the key, not the value, a new
//! password never touches the value ([`Locks::unlock`], then [`Locks::lock`]).
//!
//! What the server's lock holds is one byte for the kind, and either the key or a salt of 16 bytes and the key sealed
//! under the password.

use zeroize::Zeroizing;

use crate::context::{Context, Purpose};
use crate::credentials::SecretBytes;
use crate::keys::{KEY_BYTES, Key, fill_random};
use crate::passwords::PasswordKey;
use crate::sealing::{Header, OVERHEAD_BYTES, SealError, SealingKey};

/// The kind of a key that only the server locks.
const SERVER_ONLY: u8 = 1;
/// The kind of a key that a password locks too.
const WITH_PASSWORD: u8 = 2;
/// Bytes of the salt of the inner lock.
const INNER_SALT_BYTES: usize = 16;

/// Why a lock did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// The server's lock: another data key, another place, or altered.
    #[error("the server's lock: {0}")]
    Server(#[source] SealError),
    /// A password was set, and none was given.
    #[error("a password is needed")]
    PasswordNeeded,
    /// The password was given under another setting than the one it was set under.
    #[error("the password was set under setting {found}, and is given under setting {offered}")]
    OtherSetting {
        /// The setting it was set under.
        found: u32,
        /// The setting of the password given.
        offered: u32,
    },
    /// The password is wrong. Never tell this apart from a missing token to somebody who proved nothing yet.
    #[error("the password is wrong")]
    WrongPassword,
}

/// Whether a password was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protection {
    /// The server's key alone opens it.
    Server,
    /// A password is needed too; it was set under the setting of this number.
    Password {
        /// The number of the setting.
        setting: u32,
    },
}

/// Who locks or unlocks.
///
/// ```
/// use chancery_vault::{context::{Context, Kind, Purpose}, locks::{LockError, Locks},
///     passwords::{KdfParams, KdfPool, KdfSetting}, keys::Key, sealing::SealingKey};
/// use std::time::Duration;
/// let place = Context { vault: [7; 16], kind: Kind::Secret, table: b"", record: &[1; 16], column: b"", version: 1,
///     purpose: Purpose::Value, schema: 1 };
/// let pool = KdfPool::new(1, KdfParams::LIGHT.memory_kib());
/// let setting = KdfSetting::random(1, KdfParams::LIGHT);
/// let password = pool.derive(b"correct horse", &setting, Duration::ZERO).unwrap();
/// let server = SealingKey::new(1, Key::random());
///
/// let (key, both) = (Key::random(), Locks { server: &server, password: Some(&password) });
/// let locked = both.lock(&place, &key);
/// assert_eq!(both.unlock(&place, &locked)?.expose(), key.expose());
/// let alone = Locks { server: &server, password: None };
/// assert_eq!(alone.unlock(&place, &locked).err(), Some(LockError::PasswordNeeded));
/// # Ok::<(), LockError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Locks<'a> {
    /// The data key: the outer lock.
    pub server: &'a SealingKey,
    /// The inner lock, if there is one; for unlocking, the password that somebody gave.
    pub password: Option<&'a PasswordKey>,
}

impl Locks<'_> {
    /// Locks the key of a value: 114 bytes, or 211 with a password. The purpose of the place does not matter.
    pub fn lock(&self, place: &Context<'_>, key: &Key) -> Vec<u8> {
        let mut inside = Zeroizing::new(Vec::with_capacity(
            1 + INNER_SALT_BYTES + OVERHEAD_BYTES + KEY_BYTES,
        ));
        match self.password {
            None => {
                inside.push(SERVER_ONLY);
                inside.extend_from_slice(key.expose());
            }
            Some(password) => {
                let place = place.with_purpose(Purpose::InnerLock);
                let mut salt = [0; INNER_SALT_BYTES];
                fill_random(&mut salt);
                let sealed = seal_key(&password.lock_key(&place, &salt), &place, key.expose());
                inside.push(WITH_PASSWORD);
                inside.extend_from_slice(&salt);
                inside.extend_from_slice(&sealed);
            }
        }
        seal_key(self.server, &place.with_purpose(Purpose::OuterLock), &inside)
    }

    /// The key that [`Locks::lock`] locked for this place. A password that is given but was not set is not looked at.
    ///
    /// # Errors
    /// Any of [`LockError`].
    pub fn unlock(&self, place: &Context<'_>, locked: &[u8]) -> Result<Key, LockError> {
        let opened = open_server(self.server, place, locked)?;
        match inside(opened.expose())? {
            Inside::Key(key) => Ok(key),
            Inside::Locked { salt, sealed } => {
                let password = self.password.ok_or(LockError::PasswordNeeded)?;
                let place = place.with_purpose(Purpose::InnerLock);
                let opened = password.lock_key(&place, salt).open(&place, sealed);
                match opened {
                    Ok(key) => Key::from_bytes(key.expose()).ok_or(LockError::Server(SealError::Refused)),
                    Err(SealError::OtherKey { found, offered }) => {
                        Err(LockError::OtherSetting { found, offered })
                    }
                    Err(_) => Err(LockError::WrongPassword),
                }
            }
        }
    }
}

/// Whether a password is needed, and under which setting it was set.
///
/// # Errors
/// [`LockError::Server`].
pub fn protection(server: &SealingKey, place: &Context<'_>, locked: &[u8]) -> Result<Protection, LockError> {
    let opened = open_server(server, place, locked)?;
    match inside(opened.expose())? {
        Inside::Key(_) => Ok(Protection::Server),
        Inside::Locked { sealed, .. } => {
            let header = Header::read(sealed).map_err(LockError::Server)?;
            Ok(Protection::Password { setting: header.kid })
        }
    }
}

/// The same key under another data key. The inner lock stays as it is, so no password is needed.
///
/// # Errors
/// [`LockError::Server`].
pub fn change_server(
    from: &SealingKey,
    to: &SealingKey,
    place: &Context<'_>,
    locked: &[u8],
) -> Result<Vec<u8>, LockError> {
    let opened = open_server(from, place, locked)?;
    inside(opened.expose())?;
    Ok(seal_key(
        to,
        &place.with_purpose(Purpose::OuterLock),
        opened.expose(),
    ))
}

fn open_server(server: &SealingKey, place: &Context<'_>, locked: &[u8]) -> Result<SecretBytes, LockError> {
    server
        .open(&place.with_purpose(Purpose::OuterLock), locked)
        .map_err(LockError::Server)
}

/// What the server's lock holds.
enum Inside<'a> {
    Key(Key),
    Locked { salt: &'a [u8], sealed: &'a [u8] },
}

fn inside(bytes: &[u8]) -> Result<Inside<'_>, LockError> {
    let refused = LockError::Server(SealError::Refused);
    let (&kind, rest) = bytes.split_first().ok_or(refused)?;
    match kind {
        SERVER_ONLY => Key::from_bytes(rest).map(Inside::Key).ok_or(refused),
        WITH_PASSWORD if rest.len() == INNER_SALT_BYTES + OVERHEAD_BYTES + KEY_BYTES => {
            let (salt, sealed) = rest.split_at(INNER_SALT_BYTES);
            Ok(Inside::Locked { salt, sealed })
        }
        _ => Err(refused),
    }
}

fn seal_key(by: &SealingKey, place: &Context<'_>, bytes: &[u8]) -> Vec<u8> {
    by.seal(place, bytes).expect("a locked key is short")
}
