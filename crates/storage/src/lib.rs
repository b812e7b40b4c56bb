//! Durability: one seam ([`Backend`]) and the backends behind it. Holds no rule: what may be written is decided above.
//!
//! # To add a backend
//! 1. Write `<name>/mod.rs` with a type that implements [`Backend`].
//! 2. Add its URL scheme to [`open`].
//! 3. Add it to the list in `tests/conformance/bed.rs`; every case there must pass.

mod batch;
mod bell;
pub mod cache;
mod claims;
mod definition;
mod error;
pub mod files;
mod finding;
mod forms;
mod gauges;
pub mod memory;
mod migration;
mod need;
mod open;
mod part;
pub mod postgres;
mod read_figures;
mod relations;
mod seam;
pub mod sqlite;

pub use batch::{
    Batch, Check, Committed, Counter, Document, DocumentWrite, Draw, DrawTarget, Mode, OnReject, Outcome,
    Rejection, SchemaWrite, Write,
};
pub use bell::News;
pub use cache::{CACHE_BYTES, CacheOptions, CacheStatus, RedisState, RedisStatus, RedisUrl};
pub use definition::{DEFINITION_KIND, WORKSPACE_KIND};
pub use error::StorageError;
pub use finding::{Finding, FindingKind};
pub use migration::MigrationStatus;
pub use open::{Durability, OpenOptions, file, open, open_to_fill, place};
pub use part::{Dump, Fill, LoggedCommit, Part, Totals};
pub use read_figures::{ReadFigures, ReplicaFigures};
pub use seam::{
    Answer, Backend, CommitQuery, CountMode, DocumentQuery, LOG_SPAN, RecordStream, TableChanges, TableStats,
};
