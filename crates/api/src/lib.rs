//! The wire contract: every body that crosses HTTP, as it is written in JSON, and the table of error codes.
//!
//! A leaf: it knows no domain type, no HTTP framework and no storage. Names are camel case on the wire; bodies that
//! come in refuse members they do not know, so that a typo is an error and not a silence.
//!
//! A new error code is one line in [`codes`]. A new resource is one file here and one under the server's `routes/`.

pub mod access;
pub mod aggregate;
pub mod buckets;
pub mod bulk;
pub mod changes;
pub mod codes;
pub mod columns;
pub mod concealed;
pub mod duplicates;
pub mod exports;
pub mod fields;
pub mod files;
pub mod forms;
pub mod health;
pub mod history;
pub mod import_jobs;
pub mod imports;
pub mod jobs;
pub mod limits;
pub mod live;
pub mod problem;
pub mod query;
pub mod records;
pub mod retype;
pub mod tables;
pub mod transactions;
pub mod vault;
pub mod views;
pub mod webhooks;
pub mod workspaces;

mod patch;

pub use codes::ErrorCode;
pub use problem::{Issue, Problem};

/// A JSON object, its members in the order they were written.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
