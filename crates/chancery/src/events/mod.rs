//! Events: the change log told as what happened to records, with what they were and what they became. They are read from the
//! log, never kept in a queue, so a slow reader costs no memory. Nothing is written here.
//!
//! - [`Store::events`] reads them, from any place of the log on: every event once, in order, whichever process wrote it.
//! - [`Store::on`] calls a handler for those of a [`Topic`].
//! - [`Store::bridge`] forwards them to something else.

mod ahead;
mod bridge;
mod reader;
pub(crate) mod rebuild;
mod subscription;
mod topic;
mod window;

use std::sync::Arc;

use chancery_model::change::{ChangeKind, Reason};
use chancery_model::{Json, JsonMap, Key, Table};
use serde::{Deserialize, Serialize};

pub use bridge::{Bridge, BridgeOptions, Receiver};
pub use reader::{Events, Look};
pub(crate) use reader::{check_place, gone};
pub use subscription::{HandlerError, Subscription};
pub use topic::Topic;

use crate::record::{Record, key_json};
use crate::store::Store;

/// What happened to a record, or to a whole table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// It was inserted.
    Inserted,
    /// It changed.
    Updated,
    /// A live record left: to the trash, or for good; then there is no new state.
    Deleted,
    /// It came back from the trash.
    Restored,
    /// It left the trash for good.
    Purged,
    /// All records of the table are gone for good; there is no key and no state.
    Cleared,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [EventKind; 6] = [
        EventKind::Inserted,
        EventKind::Updated,
        EventKind::Deleted,
        EventKind::Restored,
        EventKind::Purged,
        EventKind::Cleared,
    ];

    /// The last segment of its topics.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Inserted => "inserted",
            EventKind::Updated => "updated",
            EventKind::Deleted => "deleted",
            EventKind::Restored => "restored",
            EventKind::Purged => "purged",
            EventKind::Cleared => "cleared",
        }
    }
}

/// One step of one record, as the commit that made it left it.
///
/// States are rebuilt from the log. One that the log does not hold any more is absent: of records that went when their whole
/// table was cleared, the log keeps no values.
#[derive(Clone, Debug)]
pub struct Event {
    /// The number of its change: rises by one with each change of the store, and is what to resume after.
    pub number: u64,
    /// The commit it belongs to.
    pub revision: u64,
    /// When that was, in ms. Times never decide an order; numbers do.
    pub at: i64,
    /// Who did it; none for the embedding program itself.
    pub actor: Option<Arc<str>>,
    /// The operation it is part of, if that is more than one commit.
    pub operation: Option<Arc<str>>,
    /// What for.
    pub reason: Reason,
    /// The table, in its newest definition.
    pub table: Arc<Table>,
    /// What happened.
    pub kind: EventKind,
    /// Which record; none if the table was cleared.
    pub key: Option<Key>,
    /// What the record was before; none of an insert.
    pub old: Option<Record>,
    /// What it became; none if it is gone for good.
    pub new: Option<Record>,
}

impl Event {
    /// The topic, such as `table.tasks.inserted`.
    pub fn topic(&self) -> String {
        format!("table.{}.{}", self.table.slug, self.kind.as_str())
    }

    /// The record that it is about: what it became, or what it was if it is gone.
    pub fn record(&self) -> Option<&Record> {
        self.new.as_ref().or(self.old.as_ref())
    }

    /// The flat form, as it stands on the wire and in what a webhook sends: records as [`Record::flat`]; `oldRecord` and
    /// `newRecord` of an update, `record` of everything else. Absent values are absent.
    pub fn flat(&self) -> JsonMap {
        let mut flat = JsonMap::new();
        flat.insert("number".into(), self.number.into());
        flat.insert("revision".into(), self.revision.into());
        flat.insert("at".into(), self.at.into());
        flat.insert("topic".into(), self.topic().into());
        flat.insert("type".into(), self.kind.as_str().into());
        flat.insert("table".into(), self.table.slug.as_str().into());
        if let Some(key) = &self.key {
            flat.insert("key".into(), key_json(key));
        }
        flat.insert("reason".into(), self.reason.as_str().into());
        if let Some(actor) = &self.actor {
            flat.insert("actor".into(), (&**actor).into());
        }
        if let Some(operation) = &self.operation {
            flat.insert("operation".into(), (&**operation).into());
        }
        let mut add = |name: &str, record: Option<&Record>| {
            if let Some(record) = record {
                flat.insert(name.into(), Json::Object(record.flat()));
            }
        };
        match self.kind {
            EventKind::Updated => {
                add("oldRecord", self.old.as_ref());
                add("newRecord", self.new.as_ref());
            }
            _ => add("record", self.record()),
        }
        flat
    }
}

/// What a step of the log is as an event; `trashed` says whether the record was in the trash before it.
pub(crate) fn kind_of(kind: ChangeKind, trashed: bool) -> EventKind {
    match kind {
        ChangeKind::Inserted => EventKind::Inserted,
        ChangeKind::Updated => EventKind::Updated,
        ChangeKind::Deleted | ChangeKind::Evicted => EventKind::Deleted,
        ChangeKind::Restored => EventKind::Restored,
        ChangeKind::Purged if trashed => EventKind::Purged,
        ChangeKind::Purged => EventKind::Deleted,
        ChangeKind::Cleared => EventKind::Cleared,
    }
}

/// Where to begin to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// With what is committed from now on.
    Now,
    /// After this revision; 0 for everything.
    Revision(u64),
    /// After the change with this number; 0 for everything.
    Change(u64),
}

impl Store {
    /// Reads the events of this workspace: first what is there, then what comes, whichever process writes it. Every event
    /// comes once, in the order of the commits, and all events of a commit come together.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use chancery::{ColumnInput, EventKind, Since, Store, TableInput, json};
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("Tasks").column(ColumnInput::new("Title", "text"))).await?;
    /// let mut events = store.events(Since::Now);
    /// tasks.insert(json!({"title": "Write"})).await?;
    /// let event = events.next().await?;
    /// assert_eq!((event.kind, event.topic().as_str()), (EventKind::Inserted, "table.tasks.inserted"));
    /// assert_eq!(event.new.unwrap().get("title"), json!("Write"));
    /// # Ok(()) }
    /// ```
    pub fn events(&self, since: Since) -> Events {
        Events::new(self.clone(), since)
    }
}
