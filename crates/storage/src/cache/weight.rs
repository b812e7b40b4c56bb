//! How many bytes of memory records and answers take, as an estimate: the heap is not asked. It holds nothing.

use std::sync::Arc;

use chancery_model::aggregate::Group;
use chancery_model::{Json, Key, Record, Value};

/// What a cache keeps beside an entry: its place in the map and in the order of use.
const ENTRY_BYTES: usize = 160;

/// A weight as the cache takes it.
pub(super) fn entry(bytes: usize) -> u32 {
    u32::try_from(bytes.saturating_add(ENTRY_BYTES)).unwrap_or(u32::MAX)
}

/// A record behind its pointer.
pub(super) fn record(record: &Record) -> usize {
    let actors = [&record.created_by, &record.updated_by];
    let metadata = &record.metadata;
    let texts = [&metadata.external_id, &metadata.duplicate_of];
    size_of::<Record>()
        + 16
        + key(&record.key)
        + record.values.iter().map(value).sum::<usize>()
        + actors
            .into_iter()
            .flatten()
            .map(|actor| actor.len())
            .sum::<usize>()
        + texts.into_iter().flatten().map(String::len).sum::<usize>()
        + metadata.import_id.as_ref().map_or(0, |id| id.len())
        + record.extra.as_ref().map_or(0, |extra| {
            extra
                .iter()
                .map(|(name, value)| name.len() + 48 + json(value))
                .sum()
        })
}

/// Records that an answer points to.
pub(super) fn records(records: &[Arc<Record>]) -> usize {
    records.iter().map(|found| 8 + record(found)).sum()
}

/// Groups of figures.
pub(super) fn groups(groups: &[Group]) -> usize {
    let group = |group: &Group| {
        let values = group.keys.iter().chain(&group.figures);
        size_of::<Group>() + values.map(value).sum::<usize>()
    };
    groups.iter().map(group).sum()
}

/// A key, its own place aside.
pub(super) fn key(key: &Key) -> usize {
    match key {
        Key::Text(text) => text.len(),
        Key::Int(_) | Key::Uuid(_) => 0,
    }
}

fn value(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.capacity(),
            Value::List(list) => list.iter().map(|item| size_of::<String>() + item.len()).sum(),
            Value::Json(inner) => json(inner),
            _ => 0,
        }
}

fn json(value: &Json) -> usize {
    size_of::<Json>()
        + match value {
            Json::String(text) => text.len(),
            Json::Number(number) => number.as_str().len(),
            Json::Array(items) => items.iter().map(json).sum(),
            Json::Object(map) => map
                .iter()
                .map(|(name, value)| name.len() + 48 + json(value))
                .sum(),
            Json::Null | Json::Bool(_) => 0,
        }
}
