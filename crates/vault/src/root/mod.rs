//! Root keys: what locks the master key of a vault, and where it comes from. It keeps no wrapped key and decides nothing
//! about which of several root keys is the current one.
//!
//! A root key never stands beside what it locks: it is in the environment ([`EnvRoot`]), in a file ([`FileRoot`]), or made
//! from a passphrase ([`PassphraseRoot`]). Whoever keeps it elsewhere writes a [`RootKey`] of their own.

mod env;
mod file;
mod passphrase;
mod text;

use std::fmt;
use std::io;
use std::path::PathBuf;

use async_trait::async_trait;

use crate::context::Context;
use crate::keys::Key;
use crate::passwords::KdfError;
use crate::sealing::{SealingKey, UNNUMBERED};

pub use env::EnvRoot;
pub use file::FileRoot;
pub use passphrase::PassphraseRoot;
pub use text::KeyTextError;

/// Where a root key comes from, and what it does: it locks the master key of a vault, and nothing else.
///
/// ```
/// use chancery_vault::{context::{Context, Kind, Purpose}, keys::Key, root::{FileRoot, RootError, RootKey}};
/// # futures::executor::block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("root.key");
/// let place = Context { vault: [7; 16], kind: Kind::Key, table: b"", record: b"master", column: b"", version: 1,
///     purpose: Purpose::Key, schema: 1 };
/// let (root, master) = (FileRoot::create(&path)?, Key::random());
/// let wrapped = root.wrap(&place, &master).await?;
///
/// // Years later, from a backup of the key file:
/// let root = FileRoot::open(&path)?;
/// assert_eq!(root.unwrap(&place, &wrapped).await?.expose(), master.expose());
/// # Ok::<(), RootError>(())
/// # }).unwrap();
/// ```
#[async_trait]
pub trait RootKey: Send + Sync + 'static {
    /// Where it comes from, for people: `the environment variable X`, `the file /path`. Never the key.
    fn origin(&self) -> String;

    /// Locks the vault's master key for one place.
    ///
    /// # Errors
    /// Those of the provider.
    async fn wrap(&self, place: &Context<'_>, master: &Key) -> Result<Wrapped, RootError>;

    /// The master key again, which [`RootKey::wrap`] locked for the same place.
    ///
    /// # Errors
    /// [`RootError::OtherKey`], [`RootError::Refused`] or [`RootError::Altered`], and those of the provider.
    async fn unwrap(&self, place: &Context<'_>, wrapped: &Wrapped) -> Result<Key, RootError>;
}

/// A master key under a root key. It is kept in the vault, and is no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// The name of the root key, as [`Key::fingerprint`] gives it: by it people find the key for an old backup.
    pub fingerprint: String,
    /// The master key, locked.
    pub bytes: Vec<u8>,
}

/// Why there is no root key, or why it does not unlock. No variant holds any of a key or of a passphrase.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The environment variable does not exist.
    #[error(
        "the environment variable {variable} is not set; it has to hold a root key: {}",
        text::EXPECTED
    )]
    NotSet {
        /// Its name.
        variable: String,
    },
    /// What is there is no key.
    #[error("{origin} holds no root key: {fault}; a root key is {}", text::EXPECTED)]
    Text {
        /// Where it was read from.
        origin: String,
        /// What is wrong with it.
        fault: KeyTextError,
    },
    /// There is no key file.
    #[error(
        "there is no key file '{}'; if the vault has data already, bring the file back from its backup",
        path.display()
    )]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A folder, a device or a pipe stands where the key file is to be.
    #[error("'{}' is no file, so it is no key file", path.display())]
    NotFile {
        /// What is something else.
        path: PathBuf,
    },
    /// Others than its owner may read or write the key file.
    #[error(
        "others than its owner can read or write the key file '{path}' (mode {mode:04o}); take that from them with: chmod 600 '{path}'",
        path = path.display()
    )]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A new key file would have replaced another file. Nothing was changed.
    #[error("'{}' is there already, and a key file is never replaced", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("the key file '{}' cannot be {doing}: {source}", path.display())]
    File {
        /// The key file.
        path: PathBuf,
        /// What was tried: `read` or `made`.
        doing: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// No key was made from the passphrase.
    #[error("the passphrase of the vault: {0}")]
    Passphrase(#[source] KdfError),
    /// What is kept was not locked by a passphrase.
    #[error(
        "the vault is not locked by a passphrase but by root key {wanted}, or what is kept of it was cut"
    )]
    NoPassphrase {
        /// The name of the key it is locked by.
        wanted: String,
    },
    /// The vault is locked by another root key.
    #[error("the vault is locked by root key {wanted}, and {origin} holds root key {offered}")]
    OtherKey {
        /// The name of the key it is locked by.
        wanted: String,
        /// The name of the key that was offered.
        offered: String,
        /// Where that one comes from.
        origin: String,
    },
    /// The passphrase is wrong, or its setting was altered. Which of them cannot be known.
    #[error("the passphrase is not the one that the vault was locked by")]
    Refused,
    /// It is the right root key, and still does not unlock.
    #[error(
        "the locked master key was altered, or belongs elsewhere: root key {fingerprint} does not unlock it"
    )]
    Altered {
        /// The name of the root key.
        fingerprint: String,
    },
    /// A provider outside of this crate could not do its work. The reason is shown, so it must not hold a secret.
    #[error("{origin}: {why}")]
    Provider {
        /// Where the root key comes from.
        origin: String,
        /// What went wrong.
        why: String,
    },
}

/// A root key that is at hand, under its name.
struct Held {
    key: SealingKey,
    fingerprint: String,
}

impl Held {
    fn new(key: Key) -> Held {
        Held {
            fingerprint: key.fingerprint(),
            key: SealingKey::new(UNNUMBERED, key),
        }
    }

    fn wrap(&self, place: &Context<'_>, master: &Key) -> Wrapped {
        Wrapped {
            fingerprint: self.fingerprint.clone(),
            bytes: self
                .key
                .seal(place, master.expose())
                .expect("a master key is short"),
        }
    }

    /// Unlocks what the key of this name locked.
    fn unwrap(&self, place: &Context<'_>, sealed: &[u8]) -> Result<Key, RootError> {
        let opened = self.key.open(place, sealed).ok();
        opened
            .and_then(|master| Key::from_bytes(master.expose()))
            .ok_or_else(|| RootError::Altered {
                fingerprint: self.fingerprint.clone(),
            })
    }

    /// Unlocks, if the name is that of this key.
    fn unwrap_own(&self, origin: String, place: &Context<'_>, wrapped: &Wrapped) -> Result<Key, RootError> {
        if wrapped.fingerprint != self.fingerprint {
            return Err(RootError::OtherKey {
                wanted: wrapped.fingerprint.clone(),
                offered: self.fingerprint.clone(),
                origin,
            });
        }
        self.unwrap(place, &wrapped.bytes)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.fingerprint)
    }
}
