//! The domain of Chancery: tables, columns, field types, values, validation, query plans, changes and limits.
//!
//! This crate does no I/O, reads no clock and draws no randomness: the time, the actor and fresh identifiers
//! come in as arguments ([`admit::Context`]). It knows no database, no HTTP and no wire format.

pub mod admit;
pub mod aggregate;
pub mod change;
pub mod column;
pub mod convert;
pub mod define;
pub mod duplicates;
pub mod encryption;
pub mod field;
pub mod filter;
pub mod issue;
pub mod key;
pub mod limits;
pub mod nested;
pub mod query;
pub mod record;
pub mod table;
pub mod tally;
pub mod time;
pub mod value;

pub use column::{Column, ColumnId, Constraints, DefaultValue, Format, Generated, SelectOption};
pub use field::{FieldType, field_type};
pub use issue::{Code, Issue};
pub use key::{Key, KeyKind};
pub use record::{Record, RecordMetadata, Source};
pub use table::{Table, TableId, WorkspaceId};
pub use value::Value;

/// A JSON value as it comes in and goes out. Numbers keep every digit that was written.
pub type Json = serde_json::Value;
/// A JSON object in the order it was written.
pub type JsonMap = serde_json::Map<String, Json>;
