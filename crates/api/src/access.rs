//! Set-up, sign-in, users and API keys on the wire. Checks nothing itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{patch::present, query::Filter, records::Pagination};

/// Making the first user with the one-time token the server printed.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setup {
    /// The token of the set-up link.
    pub token: String,
    /// Who will sign in.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    /// For people.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// At least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    pub password: String,
}

/// Signing in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// Who.
    pub email: String,
    /// The password.
    #[schema(format = Password)]
    pub password: String,
}

/// A new password of one's own.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PasswordChange {
    /// The password as it is.
    #[schema(format = Password)]
    pub current: String,
    /// The new one; at least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    pub password: String,
}

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The user; absent when an API key asks.
    pub user: Option<User>,
    /// What X-CSRF-Token must say with every change; absent when an API key asks.
    pub csrf_token: Option<String>,
    /// When the session ends, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// The API key that asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKey>,
}

/// What a stranger may know: whether there is anybody yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthState {
    /// Whether the first user has still to be made.
    pub needs_setup: bool,
}

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// A UUID.
    pub id: String,
    /// Who signs in.
    pub email: String,
    /// For people.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Where the user may do something else.
    pub grants: Vec<Grant>,
    /// Whether the user may sign in.
    pub active: bool,
    /// When the user was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the user last signed in.
    #[schema(format = DateTime)]
    pub last_sign_in_at: Option<String>,
}

/// Who a user is, for everybody who reads what users are named in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The user's id.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether the user may sign in.
    pub active: bool,
}

/// A page of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PersonList {
    /// The people.
    pub people: Vec<Person>,
    /// Where the next page is.
    pub pagination: Pagination,
}

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Everything, including users.
    Owner,
    /// Everything in the store.
    Admin,
    /// Read and write records.
    Editor,
    /// Read and comment.
    Commenter,
    /// Read.
    Viewer,
    /// Nothing but what grants give.
    Guest,
}

/// A new user.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserCreate {
    /// Who will sign in.
    #[schema(format = Email, max_length = 254)]
    pub email: String,
    /// For people.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// Where the user may do something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub grants: Vec<Grant>,
    /// At least 8 characters.
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    pub password: String,
}

/// A change of a user: absent keeps. A new password, role, status or other grants end all sessions of the user.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserUpdate {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// The new role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// All grants the user has from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    pub grants: Option<Vec<Grant>>,
    /// Whether the user may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The new password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = Password, min_length = 8, max_length = 1024)]
    pub password: Option<String>,
}

/// A page of users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserList {
    /// By e-mail.
    pub users: Vec<User>,
    /// How to go on.
    pub pagination: Pagination,
}

/// What somebody may do in one place instead of what they may do around it: in a workspace, in a table, or in a column of a
/// table. The smaller place decides. Records that `filter` leaves out are not there for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// The id or slug of a workspace; answered as its id. Beside a table's slug, where that table is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The id or slug of a table; answered as its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The slug of a column of the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What may be done there. In a column: `none` hides it, `read` keeps it from being written.
    pub scope: Scope,
    /// Only these records of the table, as in a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// Nothing but what grants give.
    #[default]
    None,
    /// Read.
    Read,
    /// Read and write records and tables.
    Write,
    /// Everything.
    Admin,
}

/// A new API key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApiKeyCreate {
    /// What it is for; 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// Where it may do something else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub grants: Vec<Grant>,
    /// When it ends, RFC 3339; never when absent.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<String>>,
}

/// An API key, without what makes it secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// A UUID.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// How it starts, to tell it from others.
    pub prefix: String,
    /// What it may do.
    pub scope: Scope,
    /// Where it may do something else.
    pub grants: Vec<Grant>,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it ends.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
}

/// A new API key with its secret, which is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyCreated {
    /// A UUID.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// What to send as `Authorization: Bearer`; kept nowhere.
    pub key: String,
    /// How it starts.
    pub prefix: String,
    /// When it ends.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

/// A page of API keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyList {
    /// Newest first.
    pub api_keys: Vec<ApiKey>,
    /// How to go on.
    pub pagination: Pagination,
}
