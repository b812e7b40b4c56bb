//! Events on the wire, and pages of them. Decides nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JsonMap;

/// What happened to a record, or to a whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EventType {
    /// It was inserted.
    Inserted,
    /// It changed.
    Updated,
    /// A live record left: to the trash, or for good; then `record` has no `_deletedAt`.
    Deleted,
    /// It came back from the trash.
    Restored,
    /// It left the trash for good.
    Purged,
    /// All records of the table are gone for good.
    Cleared,
}

/// What a commit was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EventReason {
    /// Somebody asked for it.
    User,
    /// Records expired.
    Ttl,
    /// Records made room for newer ones.
    Eviction,
    /// Duplicates were merged.
    Merge,
    /// A file was imported.
    Import,
    /// An operation was taken back.
    Undo,
    /// The store keeps values in another way from then on; what people see of the records stays. No event tells of it.
    Upkeep,
}

/// One step of one record. Records are flat: values by slug, the key under its own name or `id`, and `_version`, `_createdAt`,
/// `_updatedAt` and the like, times in ms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct Event {
    /// Rises by one with each change of the store; what to resume after.
    pub number: u64,
    /// The commit.
    pub revision: u64,
    /// When that was, in ms.
    pub at: i64,
    /// `table.tasks.inserted`.
    pub topic: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The slug of the table.
    pub table: String,
    /// The key of the record; absent if the table was cleared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub key: Option<serde_json::Value>,
    /// What for.
    pub reason: EventReason,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The operation it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The record: what it became, or what it was if it is gone. Absent of an update, and where the log does not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub record: Option<JsonMap>,
    /// What it was before an update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub old_record: Option<JsonMap>,
    /// What it became by an update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub new_record: Option<JsonMap>,
}

/// Events of whole commits, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// The events.
    pub events: Vec<Event>,
    /// Everything up to this revision is told: the next `since`.
    pub revision: u64,
    /// Whether there is more already.
    pub has_more: bool,
}
