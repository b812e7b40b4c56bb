//! Workspaces on the wire: the tenants, each an isolated set of tables. Holds no rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{access::Scope, patch::present, records::Pagination};

/// An isolated set of tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// A UUID.
    pub id: String,
    /// For people.
    pub name: String,
    /// For paths; never changes.
    pub slug: String,
    /// What it is for.
    pub description: Option<String>,
    /// What the caller may do there.
    pub access: WorkspaceAccess,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// What a caller may do in a workspace, beside what they may do in its tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceAccess {
    /// With `write` and more they may make tables there; `none` if they see single tables only.
    pub scope: Scope,
}

/// A new workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceCreate {
    /// For people; 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    pub name: String,
    /// For paths; made from the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A change of a workspace: absent keeps, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkspaceUpdate {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 120)]
    pub name: Option<String>,
    /// The new description.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub description: Option<Option<String>>,
}

/// A page of workspaces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceList {
    /// By name.
    pub workspaces: Vec<Workspace>,
    /// How to go on.
    pub pagination: Pagination,
}
