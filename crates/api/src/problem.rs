//! The one shape of every refusal: RFC 9457 `application/problem+json`, with all issues at once. Decides nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ErrorCode, JsonMap};

/// The media type of a [`Problem`].
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where the code is explained, relative to the server.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same few words for every occurrence of the code.
    pub title: String,
    /// The HTTP status again.
    pub status: u16,
    /// The code a program branches on.
    pub code: ErrorCode,
    /// What is wrong this time, for a person.
    pub detail: String,
    /// What to do next, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The id of the request; the log holds more under it.
    pub request_id: String,
    /// Every single issue, where the body or a file was examined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Issue>,
    /// How many issues there are in all, where `errors` had to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors_total: Option<u64>,
    /// What the code is about, for a program: with `transactionConflict` its table and key.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    #[schema(value_type = Object)]
    pub params: JsonMap,
    /// With 412: the record as it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub current: Option<serde_json::Value>,
}

impl Problem {
    /// A problem of one code; the rest is filled in by whoever knows it.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Problem {
        Problem {
            kind: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            hint: None,
            request_id: String::new(),
            errors: Vec::new(),
            errors_total: None,
            params: JsonMap::new(),
            current: None,
        }
    }
}

/// One report that a value breaks a constraint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// The position of the item in a bulk body, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// The row of a file, from 1, the header not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// The column's slug, or a path into it: `address.street`, `items[0].sku`.
    pub field: String,
    /// The constraint that is broken: `required`, `type`, `unique`, `readOnly` …
    pub code: String,
    /// What is wrong, for a person.
    pub message: String,
    /// The numbers and names in the message, for a program.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    #[schema(value_type = Object)]
    pub params: JsonMap,
}
