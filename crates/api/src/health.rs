//! Health on the wire. Measures nothing itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether the server runs or is ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// `ok`, or what is wrong.
    pub status: String,
    /// The version of the program.
    pub version: String,
}
