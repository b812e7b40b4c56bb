//! The vault on the wire: secret values behind tokens. Values, tokens and passwords stand in bodies only, and in a type that prints
//! nothing; none of them is ever part of a path or a query.

mod care;
mod listed;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::concealed::{self, Concealed};
use crate::patch::present;

pub use care::*;
pub use listed::*;

/// Which encrypted columns of a record are to be shown.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"columns": ["iban"]}))]
pub struct RevealCells {
    /// Their slugs.
    #[schema(min_items = 1)]
    pub columns: Vec<String>,
}

/// Values of encrypted columns of a record.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CellsRevealed {
    /// By slug; null where the record has none.
    #[schema(value_type = Object)]
    pub values: BTreeMap<String, serde_json::Value>,
}

/// A new secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretCreate {
    /// The value, as text. Either this or `valueBase64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value: Option<Concealed>,
    /// The value as bytes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value_base64: Option<Concealed>,
    /// What reading it needs besides the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
    /// The token, of 1 to 255 bytes; one is drawn when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub token: Option<Concealed>,
    /// How many characters a drawn token has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// When its time is over, RFC 3339; never when absent.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<String>>,
    /// How often it can be read; without limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000000)]
    pub max_reads: Option<u64>,
    /// Names and texts that are not secret, and that lists are filtered by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// A secret that was made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretCreated {
    /// Whoever shows it gets the value. It is told here only.
    #[schema(value_type = String)]
    pub token: Concealed,
    /// A UUID, which gives nobody the value.
    pub id: String,
    /// The version of the value.
    pub version: u64,
}

/// Which secret is read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRead {
    /// Its token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// Its password, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
    /// An older version; the newest when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// A value that was read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretValue {
    /// The value, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value: Option<Concealed>,
    /// The value in base64, if it is not text in UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value_base64: Option<Concealed>,
    /// Which version of it.
    pub version: u64,
    /// How often it can be read after this; absent if there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads_left: Option<u64>,
}

/// Which secrets are read.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretReadMany {
    /// Their tokens; one that is there twice counts once.
    #[serde(deserialize_with = "concealed::list")]
    #[schema(value_type = Vec<String>, max_items = 1000)]
    pub tokens: Vec<Concealed>,
    /// The password of those that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}

/// What became of one token. Who may not manage the vault is told `value`, `denied`, `tooManyAttempts` and `unreadable` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ReadStatus {
    /// Here is the value.
    Value,
    /// No secret has this token, or it is deleted.
    Missing,
    /// Its time is over.
    Expired,
    /// It was read as often as it allowed.
    Exhausted,
    /// The password is missing or wrong; or why not is not yours to know.
    Denied,
    /// It is a wrapping token: unwrap it.
    Wrapped,
    /// There were too many wrong attempts: try again later.
    TooManyAttempts,
    /// What is stored does not open: it was altered.
    Unreadable,
}

/// What became of one token of several.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretResult {
    /// The token, as it was sent.
    #[schema(value_type = String)]
    pub token: Concealed,
    /// What became of it.
    pub status: ReadStatus,
    /// The value, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value: Option<Concealed>,
    /// The value in base64, if it is not text in UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value_base64: Option<Concealed>,
    /// Which version of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// How often it can be read after this; absent if there is no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads_left: Option<u64>,
}

/// What became of the tokens, in their order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretResults {
    /// One for each token.
    pub results: Vec<SecretResult>,
}

/// Names of tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretResolve {
    /// A token for each name.
    #[serde(deserialize_with = "concealed::map")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub map: BTreeMap<String, Concealed>,
    /// The password of those that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}

/// The values of names. Who may not manage the vault finds all that have none in `denied`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretResolved {
    /// The values, empty ones too.
    #[schema(value_type = BTreeMap<String, String>)]
    pub values: BTreeMap<String, Concealed>,
    /// Values that are not text in UTF-8, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub values_base64: BTreeMap<String, Concealed>,
    /// Names whose token is none, or is deleted.
    pub missing: Vec<String>,
    /// Names whose token has expired, or gives no more reads.
    pub expired: Vec<String>,
    /// Names whose password is missing or another one.
    pub denied: Vec<String>,
}

/// A new value of a secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretUpdate {
    /// Its token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// The value, as text. Either this or `valueBase64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value: Option<Concealed>,
    /// The value as bytes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value_base64: Option<Concealed>,
    /// Its password, which proves that you may; whoever manages the vault needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
    /// Its password from then on; null for none. It stays when absent.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = Password)]
    pub new_password: Option<Option<Concealed>>,
}

/// The number of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretVersionNumber {
    /// The version that is read from now on.
    pub version: u64,
}

/// A value for a token, or a new secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretUpsert {
    /// The token of a secret that is there; a new one is made when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub token: Option<Concealed>,
    /// The value, as text. Either this or `valueBase64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value: Option<Concealed>,
    /// The value as bytes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value_base64: Option<Concealed>,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}

/// Another time at which a secret is over.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRenew {
    /// Its token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// When its time is over, RFC 3339; null for never.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, format = DateTime)]
    pub expires_at: Option<String>,
    /// Its password, which proves that you may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}

/// Another password of a secret.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretPassword {
    /// Its token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// Its password, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
    /// The new one; null for none.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, value_type = Option<String>, format = Password)]
    pub new_password: Option<Concealed>,
}

/// A token by itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretToken {
    /// The token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
}

/// Whether a token can be read now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretExists {
    /// Whether it can.
    pub exists: bool,
    /// In which state it is, for whoever manages the vault; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SecretStatus>,
}

/// A secret that is deleted.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretDelete {
    /// Its token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// Whether it is deleted for good; otherwise it can be restored.
    #[serde(default)]
    pub permanent: bool,
    /// Its password, which proves that you may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}

/// A secret that is restored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRestore {
    /// Its token.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// Its password, which proves that you may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
}

/// What is wrapped: a value, or the value of a secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretWrap {
    /// A value, as text. One of this, `valueBase64` and `token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value: Option<Concealed>,
    /// A value as bytes, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub value_base64: Option<Concealed>,
    /// The token of a secret, which is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub token: Option<Concealed>,
    /// The password of that secret, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Concealed>,
    /// Until when it can be taken, RFC 3339; for ever when absent.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<String>>,
}

/// Another token for what was wrapped.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRewrap {
    /// The wrapping token, which is none any more then.
    #[schema(value_type = String, format = Password)]
    pub token: Concealed,
    /// Until when it can be taken, RFC 3339; for ever when absent.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<String>>,
}

/// A wrapping token.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretWrapped {
    /// Gives the value once.
    #[schema(value_type = String)]
    pub token: Concealed,
}

/// What was wrapped.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretUnwrapped {
    /// The value, if it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value: Option<Concealed>,
    /// The value in base64, if it is not text in UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub value_base64: Option<Concealed>,
}

/// What is known of a wrapping token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretWrapInfo {
    /// Whether it can still be taken; `exhausted` if somebody took it.
    pub status: SecretStatus,
    /// The id of the secret that it was copied from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The id of the user or API key that wrapped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// When it was wrapped, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when it can be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub taken_at: Option<String>,
}
