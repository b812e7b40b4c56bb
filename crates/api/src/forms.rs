//! Forms on the wire: some columns of a table that strangers may fill in. Shows no records.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JsonMap;
use crate::columns::{SelectOption, Validation};
use crate::records::Pagination;

/// One field of a form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FormField {
    /// The slug of the column.
    pub column: String,
    /// What stands beside it; the name of the column when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What helps to fill it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Whether it must be filled in although the column need not be.
    #[serde(default)]
    pub required: bool,
}

/// A form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// A UUID.
    pub id: String,
    /// For people; the title of its page.
    pub name: String,
    /// What stands above the fields.
    pub description: String,
    /// What is said when it was sent.
    pub thanks: String,
    /// Whether it is taken; otherwise it is not there for strangers. It needs the table's setting `enableForm`, too.
    pub open: bool,
    /// What is asked for.
    pub fields: Vec<FormField>,
    /// Where strangers find it, from the root of the server.
    pub path: String,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
}

/// A form to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Wishes", "fields": [{"column": "wish", "required": true}]}))]
pub struct FormCreate {
    /// For people; 1 to 120 characters.
    pub name: String,
    /// What stands above the fields.
    #[serde(default)]
    pub description: Option<String>,
    /// What is said when it was sent.
    #[serde(default)]
    pub thanks: Option<String>,
    /// Whether it is taken; yes when absent.
    #[serde(default)]
    pub open: Option<bool>,
    /// What is asked for.
    pub fields: Vec<FormField>,
}

/// What to change of a form; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FormUpdate {
    /// For people; 1 to 120 characters.
    #[serde(default)]
    pub name: Option<String>,
    /// What stands above the fields.
    #[serde(default)]
    pub description: Option<String>,
    /// What is said when it was sent.
    #[serde(default)]
    pub thanks: Option<String>,
    /// Whether it is taken.
    #[serde(default)]
    pub open: Option<bool>,
    /// What is asked for, all of it.
    #[serde(default)]
    pub fields: Option<Vec<FormField>>,
}

/// A page of forms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormList {
    /// The forms, by name.
    pub forms: Vec<Form>,
    /// Where the next page is.
    pub pagination: Pagination,
}

/// A form as strangers see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicForm {
    /// Its title.
    pub name: String,
    /// What stands above the fields.
    pub description: String,
    /// What is asked for, in this order.
    pub fields: Vec<PublicField>,
}

/// One field of a form as strangers see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicField {
    /// The member of `data`.
    pub column: String,
    /// What stands beside it.
    pub label: String,
    /// What helps to fill it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The field type.
    pub field_type: String,
    /// The settings of the field type.
    #[schema(value_type = Object)]
    pub config: JsonMap,
    /// The constraints; `required` is what the form asks, too.
    pub validation: Validation,
    /// The choices of a select column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<SelectOption>,
}

/// What somebody filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FormSubmit {
    /// Values by column.
    #[schema(value_type = Object)]
    pub data: JsonMap,
}

/// That it came in. What was made of it is not shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormThanks {
    /// What is said to whoever sent it.
    pub thanks: String,
}
