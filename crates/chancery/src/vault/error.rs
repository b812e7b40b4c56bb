//! What can go wrong in the vault, by what the caller can do about it. No variant holds a value, a token or a password.

use chancery_model::Issue;
use chancery_storage::StorageError;
use chancery_vault::passwords::KdfError;

use crate::error::Error;

/// An error of the vault.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// No token was given.
    #[error("token is required")]
    TokenRequired,
    /// The secret is protected by a password, and none was given.
    #[error("password is required")]
    PasswordRequired,
    /// No secret has this token or id, or it is deleted.
    #[error("record not found")]
    NotFound,
    /// Another secret has the token.
    #[error("token already exists")]
    TokenTaken,
    /// A deleted secret has the token; it can be restored.
    #[error("the token belongs to a deleted secret")]
    TokenReserved,
    /// The password is not the secret's.
    #[error("invalid password")]
    InvalidPassword,
    /// What is stored does not open: altered, moved, or of another vault.
    #[error("decryption failed: {what}")]
    DecryptionFailed {
        /// What did not open.
        what: &'static str,
    },
    /// What is stored is not what the vault wrote.
    #[error("{what} was altered outside of the vault")]
    Tampered {
        /// What was altered.
        what: &'static str,
    },
    /// The time of the secret is over.
    #[error("the token has expired")]
    Expired {
        /// When it was over, in ms since 1970.
        at: i64,
    },
    /// All reads that the secret allowed were made.
    #[error("the token has been read as often as it allowed")]
    Exhausted,
    /// The wrapped secret was handed over before: if not to you, then to somebody else.
    #[error("the wrapped secret was already taken")]
    WrapTaken {
        /// When, in ms since 1970.
        at: i64,
    },
    /// The token is no wrapping token, or is one where a secret's own is needed.
    #[error("this token is {found}, not {wanted}")]
    OtherKind {
        /// What it is.
        found: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// The version of the secret does not exist any more.
    #[error("version {version} of the secret {state}")]
    Version {
        /// The version asked for.
        version: u64,
        /// What became of it.
        state: &'static str,
    },
    /// The vault has no root key, so nothing can be opened, sealed, changed, deleted or swept: none of it could be written down so
    /// that it can be told from what somebody else wrote. Lists work.
    #[error(
        "the vault is sealed: without its root key nothing in it is opened, changed, deleted or swept; lists work"
    )]
    Sealed,
    /// Knowing a token does not allow to change what it stands for.
    #[error("changing a secret needs its password, or the right to manage the vault")]
    ProofRequired,
    /// There were too many wrong attempts.
    #[error("too many attempts; try again in {} s", .retry_after_ms.div_euclid(1_000) + 1)]
    TooManyAttempts {
        /// How long to wait, in ms.
        retry_after_ms: i64,
    },
    /// All buffers for passwords are in use.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// Values break limits or the policy; all of them are named.
    #[error("Validation failed: {}", .0.iter().map(|issue| issue.message.as_str()).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Issue>),
    /// The secret changed since it was read.
    #[error("the secret is at row version {found}, not {expected}")]
    Conflict {
        /// The row version that was expected.
        expected: u64,
        /// The row version it has.
        found: u64,
    },
    /// The root key cannot be used.
    #[error("{0}")]
    Root(#[from] chancery_vault::root::RootError),
    /// The database.
    #[error("{0}")]
    Store(#[source] Error),
    /// What anybody else is told of a token that is missing or a password that is wrong.
    #[error("access denied: the token or the password is wrong")]
    Denied,
}

impl VaultError {
    /// What is told to somebody who has proved nothing: whether the token or the password is wrong, whether there was a secret
    /// once, is one answer. [`VaultError::ProofRequired`] stays, as it depends on what was given alone.
    #[must_use]
    pub fn public(self) -> VaultError {
        match self {
            VaultError::NotFound
            | VaultError::PasswordRequired
            | VaultError::InvalidPassword
            | VaultError::Expired { .. }
            | VaultError::Exhausted
            | VaultError::OtherKind { .. }
            | VaultError::Version { .. } => VaultError::Denied,
            other => other,
        }
    }

    /// A name of the kind of error that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            VaultError::TokenRequired => "tokenRequired",
            VaultError::PasswordRequired => "passwordRequired",
            VaultError::NotFound => "notFound",
            VaultError::TokenTaken => "tokenTaken",
            VaultError::TokenReserved => "tokenReserved",
            VaultError::InvalidPassword => "invalidPassword",
            VaultError::DecryptionFailed { .. } => "decryptionFailed",
            VaultError::Tampered { .. } => "tampered",
            VaultError::Expired { .. } => "expired",
            VaultError::Exhausted => "exhausted",
            VaultError::WrapTaken { .. } => "wrapTaken",
            VaultError::OtherKind { .. } => "otherKind",
            VaultError::Version { .. } => "noSuchVersion",
            VaultError::Sealed => "sealed",
            VaultError::ProofRequired => "proofRequired",
            VaultError::TooManyAttempts { .. } => "tooManyAttempts",
            VaultError::Busy => "busy",
            VaultError::Invalid(_) => "invalid",
            VaultError::Conflict { .. } => "conflict",
            VaultError::Root(_) => "rootKey",
            VaultError::Store(_) => "database",
            VaultError::Denied => "denied",
        }
    }

    /// What to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            VaultError::TokenReserved => {
                "Restore the deleted secret, delete it for good, or choose another token.".into()
            }
            VaultError::TokenTaken => "Update the secret that has it, or choose another token.".into(),
            VaultError::Sealed => "Start the server with the root key: see `chancery vault --help`.".into(),
            VaultError::ProofRequired => "Give the secret's password.".into(),
            VaultError::Expired { .. } => "Renew it, if you may.".into(),
            VaultError::WrapTaken { .. } => {
                "If it was not you who took it, treat the secret as known to others and replace it.".into()
            }
            VaultError::Tampered { .. } | VaultError::DecryptionFailed { .. } => {
                "Run `chancery vault verify`, and restore what is altered from a backup.".into()
            }
            VaultError::Conflict { .. } => "Read it again and repeat the change.".into(),
            VaultError::Busy => "Try again in a moment.".into(),
            VaultError::Store(error) => return error.hint(),
            _ => return None,
        })
    }
}

impl From<Error> for VaultError {
    fn from(error: Error) -> VaultError {
        VaultError::Store(error)
    }
}

impl From<StorageError> for VaultError {
    fn from(error: StorageError) -> VaultError {
        VaultError::Store(error.into())
    }
}

impl From<KdfError> for VaultError {
    fn from(error: KdfError) -> VaultError {
        match error {
            KdfError::Busy { .. } | KdfError::NoMemory { .. } => VaultError::Busy,
            KdfError::PasswordLength { .. } => VaultError::InvalidPassword,
            _ => VaultError::Tampered {
                what: "a setting of passwords",
            },
        }
    }
}
