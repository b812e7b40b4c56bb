//! What callers give to the vault and get from it. Values and tokens are only in types that print nothing.

use std::collections::BTreeMap;

use chancery_vault::credentials::{Secret, SecretBytes};
use chancery_vault::tokens::Token;
use serde::Serialize;

use super::session::Unlock;
use super::tables::{SecretKind, SecretRow};

/// A secret as a caller asks for it.
#[derive(Debug)]
pub struct NewSecret<'a> {
    pub(super) value: SecretBytes,
    pub(super) token: NewToken,
    pub(super) unlock: Unlock<'a>,
    pub(super) expires_at: Option<i64>,
    pub(super) max_reads: Option<u64>,
    pub(super) data: BTreeMap<String, String>,
}

impl<'a> NewSecret<'a> {
    /// A value behind a drawn token, without password, for ever.
    pub fn new(value: impl Into<Vec<u8>>) -> NewSecret<'a> {
        NewSecret {
            value: SecretBytes::new(value.into()),
            token: NewToken::Drawn,
            unlock: Unlock::None,
            expires_at: None,
            max_reads: None,
            data: BTreeMap::new(),
        }
    }

    /// Another token than a drawn one of the usual length.
    #[must_use]
    pub fn token(mut self, token: NewToken) -> Self {
        self.token = token;
        self
    }

    /// A password that reading it needs too.
    #[must_use]
    pub fn password(mut self, password: &'a Secret) -> Self {
        self.unlock = Unlock::Password(password);
        self
    }

    /// A password, given once for many secrets.
    #[must_use]
    pub fn session(mut self, session: &'a super::PasswordSession) -> Self {
        self.unlock = Unlock::Session(session);
        self
    }

    /// When its time is over, in ms since 1970.
    #[must_use]
    pub fn expires_at(mut self, at: i64) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// How often it can be read.
    #[must_use]
    pub fn max_reads(mut self, reads: u64) -> Self {
        self.max_reads = Some(reads);
        self
    }

    /// A field of its metadata, which is not sealed.
    #[must_use]
    pub fn data(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.data.insert(name.into(), text.into());
        self
    }
}

/// The token of a new secret.
#[derive(Clone, Debug, Default)]
pub enum NewToken {
    /// Drawn, of 33 characters.
    #[default]
    Drawn,
    /// Drawn, of so many characters.
    DrawnOf(usize),
    /// Chosen by the caller: 1 to 255 bytes.
    Custom(Secret),
}

/// A secret that was made.
#[derive(Debug)]
pub struct Created {
    /// Whoever shows it gets the value. It is told here only.
    pub token: Token,
    /// The id of the secret, which gives nobody the value.
    pub id: String,
    /// The version of the value.
    pub version: u64,
}

/// Whether a secret can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretStatus {
    /// It can.
    Live,
    /// Its time is over.
    Expired,
    /// It is deleted, and can be restored.
    Deleted,
    /// It was read as often as it allows.
    Exhausted,
}

/// Everything about a secret but its value and its token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub kind: SecretKind,
    /// Whether it can be read.
    pub status: SecretStatus,
    /// The version that is read.
    pub version: u64,
    /// Whether a password is needed.
    pub password: bool,
    /// Whether the caller chose the token.
    pub custom: bool,
    /// When its time is over, in ms since 1970; never if none.
    pub expires_at: Option<i64>,
    /// When it was deleted.
    pub soft_deleted_at: Option<i64>,
    /// How often it can be read; without limit if none.
    pub max_reads: Option<u64>,
    /// How often it can still be read.
    pub reads_left: Option<u64>,
    /// Its metadata.
    pub data: BTreeMap<String, String>,
    /// Rises with each change.
    pub row_version: u64,
    /// When it was made, in ms since 1970.
    pub created_at: i64,
    /// When it last changed.
    pub updated_at: i64,
    /// The id of the user or API key that made it.
    pub created_by: Option<String>,
}

/// How a secret is named.
#[derive(Clone, Copy)]
pub enum By<'a> {
    /// By its id.
    Id(&'a str),
    /// By its token.
    Token(&'a str),
}

impl std::fmt::Debug for By<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            By::Id(id) => write!(out, "Id({id:?})"),
            By::Token(_) => out.write_str("Token(…)"),
        }
    }
}

/// Why somebody may change a secret: knowing its token is not enough.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// Its password.
    Unlock(Unlock<'a>),
    /// The right to manage the vault, which the program has looked at.
    Authority,
}

/// What becomes of the password of a secret that changes.
#[derive(Clone, Copy, Debug, Default)]
pub enum NewPassword<'a> {
    /// It stays.
    #[default]
    Keep,
    /// There is another one.
    Set(&'a Secret),
    /// There is none any more.
    Remove,
}

/// A new value of a secret.
#[derive(Debug)]
pub struct SecretUpdate<'a> {
    /// The value.
    pub value: SecretBytes,
    /// Why it may be changed.
    pub proof: Proof<'a>,
    /// Its password from then on. If it is not known what the old one was, older versions keep that.
    pub password: NewPassword<'a>,
    /// The row version that it must have now.
    pub expected: Option<u64>,
}

/// What changes of a secret beside its value; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct SecretPatch {
    /// All of its metadata.
    pub data: Option<BTreeMap<String, String>>,
    /// When its time is over.
    pub expires_at: Option<Option<i64>>,
    /// The row version that it must have now.
    pub expected: Option<u64>,
}

impl SecretRow {
    /// Whether it can be read: the one place that decides it.
    pub(super) fn status(&self, now: i64) -> SecretStatus {
        if self.soft_deleted_at.is_some_and(|at| at <= now) {
            SecretStatus::Deleted
        } else if self.reads_left == Some(0) {
            SecretStatus::Exhausted
        } else if self.expires_at.is_some_and(|at| at <= now) {
            SecretStatus::Expired
        } else {
            SecretStatus::Live
        }
    }

    /// What is told about it.
    pub(super) fn info(self, now: i64) -> SecretInfo {
        SecretInfo {
            status: self.status(now),
            id: self.id,
            kind: self.kind,
            version: self.version,
            password: self.setting.is_some(),
            custom: self.custom,
            expires_at: self.expires_at,
            soft_deleted_at: self.soft_deleted_at,
            max_reads: self.reads_max,
            reads_left: self.reads_left,
            data: self.data,
            row_version: self.row_version,
            created_at: self.created_at,
            updated_at: self.updated_at,
            created_by: self.created_by,
        }
    }
}
