//! History and undo on the wire: steps of a record, operations, and what became of taking one back. Holds no rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::Pagination;

/// What a step of a record was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum StepKind {
    /// It was created.
    Inserted,
    /// Values changed.
    Updated,
    /// It was put in the trash.
    Deleted,
    /// It came back from the trash.
    Restored,
}

/// One step of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryStep {
    /// The version it left.
    pub version: u64,
    /// The commit.
    pub revision: u64,
    /// When, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub at: String,
    /// The id of the user or API key that did it.
    pub actor: Option<String>,
    /// `user`, `ttl`, `eviction`, `merge`, `import`, `undo` or `upkeep`.
    pub reason: String,
    /// The operation it is part of.
    pub operation: String,
    /// What happened.
    pub kind: StepKind,
    /// Field by field.
    pub changes: Vec<FieldChange>,
}

/// One field that a step changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The column's slug, the name of an undeclared field, `metadata.…` or `expiresAt`.
    pub column: String,
    /// The value before; null for none.
    #[schema(value_type = Value)]
    pub from: serde_json::Value,
    /// The value after; null for none.
    #[schema(value_type = Value)]
    pub to: serde_json::Value,
}

/// A page of a record's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    /// The newest first.
    pub steps: Vec<HistoryStep>,
    /// How to go on.
    pub pagination: Pagination,
}

/// Which version comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VersionRestore {
    /// The version, as the history tells it.
    #[schema(minimum = 1)]
    pub version: u64,
}

/// What somebody did, as a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its id: `r` and the revision of a single commit, or the id of an import, an undo …
    pub operation: String,
    /// When its newest commit was, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub at: String,
    /// The id of the user or API key that did it.
    pub actor: Option<String>,
    /// `user`, `ttl`, `eviction`, `merge`, `import`, `undo` or `upkeep`.
    pub reason: String,
    /// What it did to which table. Of one with more than 500,000 changes only the table of the newest commit is told, and nothing is
    /// counted.
    pub tables: Vec<TableCounts>,
    /// How many changes it has in all.
    pub changes: u64,
    /// Its newest commit.
    pub revision: u64,
    /// Its first commit.
    pub first_revision: u64,
    /// How many commits it has.
    pub commits: u64,
    /// The operation that it took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<String>,
    /// The newest operation that took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverted_by: Option<String>,
}

/// What an operation did to a table: how many records of each kind of change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableCounts {
    /// The table's slug.
    pub table: String,
    /// Created.
    pub inserted: u64,
    /// Changed.
    pub updated: u64,
    /// Put in the trash.
    pub deleted: u64,
    /// Brought back from the trash.
    pub restored: u64,
    /// Removed for good.
    pub purged: u64,
    /// Removed for good to make room.
    pub evicted: u64,
    /// How often the whole table was cleared.
    pub cleared: u64,
}

/// A page of operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationPage {
    /// The newest first. With a filter a page may be short, even empty, although more follow.
    pub operations: Vec<Operation>,
    /// How to go on.
    pub pagination: Pagination,
}

/// How an operation is taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Revert {
    /// Whether to answer the same but write nothing.
    pub dry_run: bool,
    /// Whether the whole is refused if anything of it cannot be taken back; otherwise that stays and is told.
    pub all_or_nothing: bool,
}

/// What became of taking an operation back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevertReport {
    /// The undo itself, an operation that can be taken back; absent if nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The operation that was taken back.
    pub reverts: String,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Records that are, or would be, as before; some of them only in part.
    pub reverted: u64,
    /// Other records that went, or would go, with what is removed, or that name it no more, as the columns that refer to it say. Doing the
    /// operation again brings them back.
    pub followed: u64,
    /// Records of which something was left as it is.
    pub skipped_total: u64,
    /// The first 1,000 of them.
    pub skipped: Vec<SkippedRecord>,
    /// The newest commit of the undo; absent if nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// A record of which something was left as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedRecord {
    /// The table's slug; empty if the table was dropped.
    pub table: String,
    /// The record's key as text; empty if the table was dropped.
    pub key: String,
    /// The fields; empty for the whole record.
    pub fields: Vec<String>,
    /// Why, for a program.
    pub why: SkippedWhy,
    /// Why, for a person.
    pub message: String,
    /// Who changed it since: the id of a user or API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The operation that changed it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
}

/// Why something was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SkippedWhy {
    /// It was changed since.
    Changed,
    /// It is gone for good since.
    Gone,
    /// Its key belongs to another record by now.
    KeyTaken,
    /// Another record has its unique value by now.
    Unique,
    /// A record that it refers to is gone, or another record refers to it.
    Reference,
    /// The table has a greatest size, and no room.
    Full,
    /// It would have expired by now.
    Expired,
    /// The table was dropped.
    TableGone,
}
