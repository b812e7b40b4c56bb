//! Secrets as they are listed, described and managed: everything about them but their values and tokens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::concealed::{self, Concealed};
use crate::patch::present;
use crate::query::{Count, Direction};
use crate::records::Pagination;

/// Whether a secret can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretKind {
    /// A value that is kept.
    Secret,
    /// A value that is handed over, once.
    Wrap,
}

/// Everything about a secret but its value and its token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretInfo {
    /// A UUID.
    pub id: String,
    /// What it is for.
    pub kind: SecretKind,
    /// Whether it can be read.
    pub status: SecretStatus,
    /// The version that is read.
    pub version: u64,
    /// Whether a password is needed.
    pub has_password: bool,
    /// Whether whoever made it chose the token.
    pub custom_token: bool,
    /// When its time is over, RFC 3339 in UTC; null for never.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was deleted.
    #[schema(format = DateTime)]
    pub deleted_at: Option<String>,
    /// How often it can be read; without limit if null.
    pub max_reads: Option<u64>,
    /// How often it can still be read.
    pub reads_left: Option<u64>,
    /// What is not secret about it.
    pub metadata: BTreeMap<String, String>,
    /// Rises with each change; also the `ETag`.
    pub row_version: u64,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// The id of the user or API key that made it.
    pub created_by: Option<String>,
}

/// A page of secrets, without their values and tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretList {
    /// The secrets, in the order that was asked for.
    pub secrets: Vec<SecretInfo>,
    /// How to go on.
    pub pagination: Pagination,
}

/// Which secrets, by the time at which they are over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretExpiry {
    /// Whatever that is.
    #[default]
    Any,
    /// Over already.
    Expired,
    /// Not over yet, or never.
    Unexpired,
    /// Never over.
    Never,
}

/// Which secrets, by whether they are deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretState {
    /// Those that are not.
    #[default]
    Live,
    /// Those that are.
    Deleted,
    /// Both.
    All,
}

/// By what secrets are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretOrder {
    /// By their id, which is the order they were made in.
    #[default]
    Id,
    /// By when they were made.
    CreatedAt,
    /// By when they last changed.
    UpdatedAt,
    /// By when they are over.
    ExpiresAt,
}

/// Which secrets are listed.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SecretQuery {
    /// Those with these ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 1000)]
    pub ids: Option<Vec<String>>,
    /// Those with these tokens.
    #[serde(
        deserialize_with = "concealed::list_or_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Vec<String>>, max_items = 1000)]
    pub tokens: Option<Vec<Concealed>>,
    /// Kept values, or wrapped ones; both when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<SecretKind>,
    /// Those made at this time or later, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub created_from: Option<String>,
    /// Those made at this time or earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub created_until: Option<String>,
    /// By the time at which they are over.
    pub expiry: SecretExpiry,
    /// By whether they are deleted.
    pub state: SecretState,
    /// Those with these texts in their metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// In which order.
    pub order: SecretOrder,
    /// Which way.
    pub direction: Direction,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1)]
    pub cursor: Option<String>,
    /// Whether to count all: `exact`. An estimate is exact, too.
    pub count: Count,
}

/// A change of a secret beside its value: absent keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretPatch {
    /// All of its metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, String>>,
    /// When its time is over, RFC 3339; null for never.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<String>>,
}

/// Whether a version can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SecretVersionState {
    /// It can.
    Live,
    /// Its key is gone, and with it its value.
    Destroyed,
}

/// A version of a secret, without its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersion {
    /// Its number, from 1.
    pub number: u64,
    /// Whether it can be read.
    pub state: SecretVersionState,
    /// Bytes of the value.
    pub bytes: u64,
    /// Whether a password is needed.
    pub has_password: bool,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// The versions of a secret that are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersionList {
    /// Newest first.
    pub versions: Vec<SecretVersion>,
}

/// A version that is to be the newest again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRollBack {
    /// Its number.
    pub version: u64,
    /// Its password, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}
