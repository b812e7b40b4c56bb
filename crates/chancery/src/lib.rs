//! Chancery, the record store you embed: schema-checked tables of records, bulk work, import and export.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
//! use chancery::{ColumnInput, Store, TableInput, json};
//!
//! let store = Store::open("memory:").await?; // or "sqlite:app.db"
//! let tasks = store
//!     .create_table(
//!         TableInput::new("Tasks")
//!             .column(ColumnInput::new("Title", "text").required())
//!             .column(ColumnInput::new("Priority", "number").range(1, 5).default_value(3)),
//!     )
//!     .await?;
//! let task = tasks.insert(json!({"title": "Write documentation"})).await?;
//! assert_eq!(task.get("priority"), json!(3));
//! # Ok(()) }
//! ```
//!
//! It speaks no HTTP and holds no SQL: storage is behind [`chancery_storage::Backend`].

pub mod access;
pub mod backup;
mod bucket_filter;
mod bulk;
mod catalog;
pub mod cursor;
pub mod doctor;
mod error;
mod events;
mod export;
mod figures;
mod follow;
mod history;
mod import;
pub mod limits;
mod line;
mod names;
mod reads;
mod record;
mod records;
pub mod replies;
mod rows;
mod schema;
mod slow;
mod store;
mod sweep;
pub mod transfer;
mod typed;
mod undo;
mod workspaces;

pub use bulk::{Bulk, BulkOptions, BulkOutcome, OnError, UpdateItem};
pub use catalog::Workspace;
pub use chancery_model as model;
pub use chancery_model::aggregate::Function;
pub use chancery_model::change::{Change, ChangeKind, Reason};
pub use chancery_model::column::{DefaultFunction, DefaultValue, Format, Generated};
pub use chancery_model::define::{ColumnInput, OptionInput, TableInput, bucket};
pub use chancery_model::field::{DateOrder, FIELD_TYPES, TextFormat};
pub use chancery_model::filter::Operator;
pub use chancery_model::issue::unknown_name;
pub use chancery_model::query::{Boundary, Condition, FilterInput, Query, Scope, SortInput};
pub use chancery_model::{
    Code, Column, Issue, Json, JsonMap, Key, RecordMetadata, Source, Table, Value, admit::Protected,
    admit::UpdateMode,
};
pub use chancery_storage::postgres::{database as postgres, migrate as postgres_migrations};
pub use chancery_storage::sqlite::migrate as migrations;
pub use chancery_storage::{
    CACHE_BYTES, CacheOptions, CacheStatus, Durability, ReadFigures, RedisState, RedisStatus, RedisUrl,
    ReplicaFigures, StorageError, TableStats,
};
pub use chancery_vault::credentials;
pub use error::Error;
pub use events::{
    Bridge, BridgeOptions, Event, EventKind, Events, HandlerError, Receiver, Since, Subscription, Topic,
};
pub use export::{Escape, ExportOptions, ExportStream, Header};
pub use figures::{AggregateInput, Aggregated, MeasureInput};
pub use follow::Changes;
pub use history::{FieldChange, History, Operation, OperationPage, OperationQuery, Step, TableCounts};
pub use import::{
    AnalysedColumn, Analysis, GuardRule, ImportControl, ImportEnd, ImportFile, ImportOptions, ImportReport,
    ImportState, ImportedColumn, Mapping, Notation, PREVIEW_ROWS, Phase, Progress, ReadOptions, RowError,
    Suggestion,
};
pub use reads::{Count, Page, PageWindow, Stream};
pub use record::Record;
pub use records::{IntoKey, WriteOptions, Written};
pub use rows::{Blank, OnMany};
pub use schema::{ColumnPatch, OptionPatch, TablePatch};
pub use serde_json::json;
pub use slow::SlowQuery;
pub use store::{Actor, DATABASE_FILE, OpenOptions, Store, TableHandle, data_url};
pub use typed::Typed;
pub use undo::{RevertOptions, RevertReport, Skipped, Why};
pub use workspaces::{WorkspaceInput, WorkspacePatch};
