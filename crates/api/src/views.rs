//! Views on the wire: ways to look at a table that people keep. Shows none.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JsonMap;
use crate::query::{Filter, Sort};
use crate::records::Pagination;

/// What a view shows, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewSettings {
    /// Which records; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// In which order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub sort: Vec<Sort>,
    /// The slugs of the columns that are shown, in their order; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// The slugs of the columns that records are grouped by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub group_by: Vec<String>,
    /// What else whoever shows it wants to keep: widths, heights …
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    #[schema(value_type = Object)]
    pub layout: JsonMap,
}

/// A view of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// A UUID.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether only who made it sees it.
    pub personal: bool,
    /// What it shows, and how.
    pub settings: ViewSettings,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A view to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Open", "settings": {"sort": [{"column": "createdAt", "direction": "desc"}]}}))]
pub struct ViewCreate {
    /// For people; 1 to 120 characters.
    pub name: String,
    /// Whether only you see it.
    #[serde(default)]
    pub personal: bool,
    /// What it shows, and how.
    #[serde(default)]
    pub settings: ViewSettings,
}

/// What to change of a view; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewUpdate {
    /// For people; 1 to 120 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether only you see it.
    #[serde(default)]
    pub personal: Option<bool>,
    /// What it shows, and how; replaced as a whole.
    #[serde(default)]
    pub settings: Option<ViewSettings>,
}

/// A page of views.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViewList {
    /// The views, by name.
    pub views: Vec<View>,
    /// Where the next page is.
    pub pagination: Pagination,
}
