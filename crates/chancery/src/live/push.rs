//! What a subscriber is told: results, changes of lists, and how they look as JSON. Decides nothing.

use std::sync::Arc;

use chancery_model::{Json, JsonMap, Key};

use crate::record::{Record, key_json};

/// The answer of a live query at one revision.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveResult {
    /// Records, in order.
    Records(Vec<Record>),
    /// One record, or none.
    Record(Option<Record>),
    /// A figure, or what a closure made.
    Value(Json),
    /// A figure for each value of a field, in the order of the values.
    Groups(Vec<(Json, Json)>),
}

/// News of a live query. The pushes of one query come in rising revisions; one commit is one push.
#[derive(Clone, Debug, PartialEq)]
pub struct Push {
    /// Everything committed up to this revision is in the result that the push makes.
    pub revision: u64,
    /// What is new.
    pub news: LiveNews,
}

/// What is new in a result.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveNews {
    /// The steps from the list before to the list now, to be done in this order.
    Changes(Vec<LiveChange>),
    /// The whole result.
    Snapshot(LiveResult, Option<SnapshotReason>),
}

/// One step from a list to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveChange {
    /// The record stands, as it is here, before the record with that key, or at the end; wherever it stood.
    Put {
        /// The record.
        record: Record,
        /// What it stands before.
        before: Option<Key>,
    },
    /// The record has left the list.
    Remove {
        /// Its key.
        key: Key,
    },
}

/// Why a whole result comes instead of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotReason {
    /// The subscriber was too slow, and pushes were left out.
    Overflow,
    /// The result had to be read again.
    Resumed,
    /// It is smaller than the changes.
    Smaller,
}

impl SnapshotReason {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SnapshotReason::Overflow => "overflow",
            SnapshotReason::Resumed => "resumed",
            SnapshotReason::Smaller => "smaller",
        }
    }
}

/// How the results of one query look as JSON: flat records, with the fields that were asked for.
#[derive(Clone, Debug, Default)]
pub struct LiveShape {
    pub(crate) fields: Option<Arc<[String]>>,
}

impl LiveShape {
    /// A record: the fields that were asked for and the key, or everything.
    pub fn record(&self, record: &Record) -> Json {
        let flat = record.flat();
        let Some(fields) = &self.fields else {
            return Json::Object(flat);
        };
        let key = key_name(record);
        let seen = |name: &str| name == key || fields.iter().any(|field| field == name);
        let mut shown: JsonMap = flat.into_iter().filter(|(name, _)| seen(name)).collect();
        for name in fields.iter() {
            if !shown.contains_key(name) {
                let value = record.get(name);
                if !value.is_null() {
                    shown.insert(name.clone(), value);
                }
            }
        }
        Json::Object(shown)
    }

    /// A whole result.
    pub fn result(&self, result: &LiveResult) -> Json {
        match result {
            LiveResult::Records(records) => records.iter().map(|record| self.record(record)).collect(),
            LiveResult::Record(record) => record.as_ref().map_or(Json::Null, |record| self.record(record)),
            LiveResult::Value(value) => value.clone(),
            LiveResult::Groups(groups) => groups
                .iter()
                .map(|(key, value)| serde_json::json!({"key": key, "value": value}))
                .collect(),
        }
    }

    /// One step of a list.
    pub fn change(&self, change: &LiveChange) -> Json {
        match change {
            LiveChange::Put { record, before } => serde_json::json!({
                "op": "put",
                "key": key_json(record.key()),
                "before": before.as_ref().map(key_json),
                "record": self.record(record),
            }),
            LiveChange::Remove { key } => serde_json::json!({"op": "remove", "key": key_json(key)}),
        }
    }

    /// What a push says, besides the subscription it belongs to.
    pub fn push(&self, push: &Push) -> JsonMap {
        let mut body = JsonMap::new();
        body.insert("revision".into(), push.revision.into());
        match &push.news {
            LiveNews::Changes(changes) => {
                let changes = changes.iter().map(|change| self.change(change)).collect();
                body.insert("changes".into(), changes);
            }
            LiveNews::Snapshot(result, reason) => {
                body.insert("snapshot".into(), self.result(result));
                if let Some(reason) = reason {
                    body.insert("reason".into(), reason.as_str().into());
                }
            }
        }
        body
    }
}

/// The name under which a flat record holds its key.
fn key_name(record: &Record) -> &str {
    let table = record.table();
    match table.key_column {
        Some(_) => table.key_name(),
        None if table.column("id").is_some() => "_id",
        None => "id",
    }
}

impl Push {
    /// How many records it holds on to.
    pub(crate) fn weight(&self) -> usize {
        match &self.news {
            LiveNews::Changes(changes) => changes.len(),
            LiveNews::Snapshot(LiveResult::Records(records), _) => records.len(),
            LiveNews::Snapshot(LiveResult::Groups(groups), _) => groups.len(),
            LiveNews::Snapshot(..) => 1,
        }
    }
}
