//! The care of the vault on the wire: its audit, its keys, its sweep. No secret and no key stands in any of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::Pagination;

/// An entry of the vault's audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultAuditEntry {
    /// A UUID; later ones are greater.
    pub id: String,
    /// When, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub at: String,
    /// What was done: `create`, `read`, `update` …
    pub op: String,
    /// `ok`, or why it was refused.
    pub outcome: String,
    /// The id of the user or API key.
    pub actor: Option<String>,
    /// The address it came from.
    pub client: Option<String>,
    /// The id of the secret.
    pub secret: Option<String>,
    /// The version of the secret that was current.
    pub version: Option<u64>,
}

/// A page of the vault's audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultAudit {
    /// Newest first.
    pub entries: Vec<VaultAuditEntry>,
    /// How to go on.
    pub pagination: Pagination,
}

/// The last closed segment of the audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VaultAuditHead {
    /// Its number.
    #[schema(maximum = 9007199254740991_u64)]
    pub segment: u64,
    /// Its code: 64 hexadecimal digits.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9A-Fa-f]{64}$")]
    pub code: String,
}

/// What the audit is compared with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VaultVerify {
    /// The `head` of an earlier report, kept elsewhere: it shows whether everything before it is what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<VaultAuditHead>,
}

/// What walking the audit found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultReport {
    /// Whether all is well.
    pub sound: bool,
    /// Closed segments that were walked.
    pub segments: u64,
    /// Entries that were looked at.
    pub entries: u64,
    /// Secrets that were compared with the audit.
    pub secrets: u64,
    /// What is wrong.
    pub faults: Vec<String>,
    /// Keep it elsewhere, and give it to the next verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<VaultAuditHead>,
}

/// What a data key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum VaultKeyState {
    /// It seals what is new, and opens.
    Active,
    /// It opens what it sealed.
    Opens,
    /// It is gone.
    Retired,
}

/// A data key and what it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultKey {
    /// Its number.
    pub kid: u32,
    /// What it is used for.
    pub state: VaultKeyState,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Versions of secrets that it locks.
    pub versions: u64,
    /// Encrypted columns, of all tables, whose cells are sealed with it.
    pub columns: u64,
}

/// A root key that locks the vault, or did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultRoot {
    /// Names it for ever, so that a backup finds its key.
    pub fingerprint: String,
    /// Whether it opens the vault.
    pub opens: bool,
    /// Since when, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub added_at: String,
    /// Until when, if it was taken out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub removed_at: Option<String>,
}

/// How the vault is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultStatus {
    /// Whether its keys are not there: then nothing can be opened or sealed.
    pub sealed: bool,
    /// The root keys that lock it, and those that did.
    pub roots: Vec<VaultRoot>,
    /// The data keys and what each holds; empty while it is sealed.
    pub keys: Vec<VaultKey>,
}

/// A data key that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultKeyCreated {
    /// Its number. It seals what is new from now on.
    pub kid: u32,
}

/// How what has expired is deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VaultSweep {
    /// Whether it is deleted for good; otherwise it can be restored.
    #[serde(default)]
    pub permanent: bool,
}

/// What a sweep did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaultSwept {
    /// Secrets that were deleted.
    pub deleted: u64,
    /// Secrets that were renewed, or gone, by the time they were to be deleted.
    pub spared: u64,
}
