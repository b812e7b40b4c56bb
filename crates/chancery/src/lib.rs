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
//! The same from a struct, whose mistakes the compiler finds ([`Store::define`], [`derive@Record`]):
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
//! use chancery::{Choices, Error, Record, Store, json};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Record, Serialize, Deserialize)]
//! #[record(table = "tasks", soft_delete)]
//! struct Task {
//!     id: Option<String>,
//!     #[record(min_length = 1, max_length = 200)]
//!     title: String,
//!     #[record(indexed)]
//!     status: Status,
//!     #[record(min = 1, max = 5, default = 3)]
//!     priority: Option<u8>,
//! }
//!
//! #[derive(Choices, Serialize, Deserialize)]
//! enum Status {
//!     Todo,
//!     Done,
//! }
//!
//! let store = Store::open("memory:").await?;
//! let tasks = store.define::<Task>().await?;
//! let title = "Write documentation".to_owned();
//! let task = tasks.insert(&Task { id: None, title, status: Status::Todo, priority: None }).await?;
//! let key = task.id.as_deref().unwrap();
//! tasks.update(key, json!({"status": "Done"})).await?;
//! let done: Vec<Task> = tasks.filter(json!({"status": "Done"})).await?;
//! assert_eq!(done[0].priority, Some(3));
//! let refused = tasks.update(key, json!({"priority": 9})).await;
//! assert!(matches!(refused, Err(Error::Invalid { .. })));
//! # Ok(()) }
//! ```
//!
//! It speaks no HTTP and holds no SQL: storage is behind [`chancery_storage::Backend`].

pub mod access;
pub mod backup;
mod bucket_filter;
mod buckets;
mod bulk;
mod catalog;
mod clock;
mod constraining;
pub mod cursor;
mod decide;
mod define;
mod deleting;
#[doc(hidden)]
pub mod derived;
pub mod doctor;
mod duplicates;
mod error;
mod events;
mod expiry;
mod export;
mod figures;
mod files;
mod follow;
mod forms;
mod handle;
mod held;
mod history;
mod import;
mod jobs;
mod kept;
pub mod limits;
mod line;
pub mod live;
mod merge;
mod names;
mod opening;
mod option_merge;
mod options;
mod reads;
mod record;
mod records;
mod related;
mod replace;
pub mod replies;
mod retention;
mod retype;
mod rows;
mod rules;
mod schema;
mod slow;
mod store;
mod sweep;
mod transaction;
pub mod transfer;
mod typed;
mod undo;
pub mod vault;
mod views;
pub mod webhooks;
mod workspaces;
mod wrong;

pub use buckets::{BucketStats, StoreStats};
pub use bulk::{Bulk, BulkOptions, BulkOutcome, OnError, UpdateItem};
pub use catalog::Workspace;
pub use chancery_derive::{Choices, Record};
pub use chancery_model as model;
pub use chancery_model::aggregate::Function;
pub use chancery_model::change::{Change, ChangeKind, Reason};
pub use chancery_model::column::{DefaultFunction, DefaultValue, Format, Generated, OnDelete, OnLoss};
pub use chancery_model::define::{ColumnInput, OptionInput, TableInput, bucket};
pub use chancery_model::field::{DateOrder, FIELD_TYPES, TextFormat};
pub use chancery_model::filter::Operator;
pub use chancery_model::issue::unknown_name;
pub use chancery_model::query::{Boundary, Condition, FilterInput, Query, Scope, SortInput};
pub use chancery_model::{
    Code, Column, Issue, Json, JsonMap, Key, RecordMetadata, Source, Table, Value, admit::Protected,
    admit::UpdateMode,
};
pub use chancery_storage::files::{BucketOptions, ContentStream, FilesPlace};
pub use chancery_storage::postgres::{database as postgres, migrate as postgres_migrations};
pub use chancery_storage::sqlite::migrate as migrations;
pub use chancery_storage::{
    CACHE_BYTES, CacheOptions, CacheStatus, Durability, News, ReadFigures, RedisState, RedisStatus, RedisUrl,
    ReplicaFigures, StorageError, TableStats,
};
pub use chancery_vault::credentials;
pub use clock::Clock;
pub use derived::{AsColumn, AsRecord, Meta};
pub use duplicates::{
    ColumnLikeness, ComparedColumn, DuplicateCompare, DuplicateGroup, DuplicateOptions, Duplicates,
    DuplicatesTold, FindControl, FindPhase, FindProgress, FindState, FindStatus, GroupNow, NotDuplicates,
    PairNow, SIMILARITY,
};
pub use error::Error;
pub use events::{
    Bridge, BridgeOptions, Event, EventKind, Events, HandlerError, Look, Receiver, Since, Subscription, Topic,
};
pub use export::{Escape, ExportOptions, ExportStream, Header, LinkForm};
pub use figures::{AggregateInput, Aggregated, MeasureInput};
pub use files::{
    Copied, File, FilePage, FileSending, FileUpload, FileUse, FilesOptions, SignedUrl, SweptFiles,
};
pub use follow::Changes;
pub use forms::{Form, FormField, FormPatch};
pub use handle::TableHandle;
pub use history::{FieldChange, History, HistoryStep, Operation, OperationPage, OperationQuery, TableCounts};
pub use import::{
    AnalysedColumn, Analysis, FileFormat, GuardRule, ImportChange, ImportControl, ImportDraft, ImportEnd,
    ImportFile, ImportInto, ImportJob, ImportOptions, ImportReport, ImportStage, ImportUpload,
    ImportedColumn, Mapping, Notation, PREVIEW_ROWS, Phase, Progress, ReadOptions, RowError, SavedMapping,
    Suggestion,
};
pub use jobs::{JobHandle, JobOptions, JobState, JobStatus};
pub use live::{
    Live, LiveAggregate, LiveChange, LiveInbox, LiveNews, LiveQuery, LiveResult, LiveShape, NamedQuery, Push,
    ReadTable, Reads, SnapshotReason,
};
pub use merge::{MergeChoice, MergeOptions, Merged};
pub use opening::OpenOptions;
pub use option_merge::MergedOption;
pub use options::OptionPatch;
pub use reads::{Count, Page, PageWindow, Stream};
pub use record::Record;
pub use records::{IntoKey, WriteOptions, Written};
pub use retype::{Losses, LostValue, TypeChange, TypeChoice, TypePlan, ValueChange};
pub use rows::{Blank, OnMany};
pub use schema::{ColumnPatch, TablePatch};
pub use serde_json::json;
pub use slow::SlowQuery;
pub use store::{Actor, DATABASE_FILE, Store, data_url};
pub use transaction::{Action, Step, Stepped, Transacted, Transaction, TransactionOptions, TransactionTable};
pub use typed::Typed;
pub use undo::{RevertOptions, RevertReport, Skipped, Why};
pub use views::{View, ViewPatch};
pub use workspaces::{WorkspaceInput, WorkspacePatch};
