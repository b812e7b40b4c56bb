//! What a record should be once an operation is taken back. Pure: it reads nothing and writes nothing.
//!
//! A field that nobody touched since becomes what it was; one that somebody touched since stays, and is told.

use std::collections::HashMap;

use chancery_model::change::ChangeKind;
use chancery_model::{JsonMap, Record, Table, Value};

use super::trail::Link;
use crate::events::rebuild::lengthen;
use crate::history::{Field, before, removed, touched};

/// What a record should be.
#[derive(Debug)]
pub(super) struct Decided {
    /// The state it should have; none if it should be gone.
    pub(super) target: Option<Record>,
    /// Fields that stay because they were changed since, each with the newest commit that did.
    pub(super) kept: Vec<(Field, u64)>,
}

/// Decides what a record should be, from its steps since the operation began, the newest first.
pub(super) fn decide(table: &Table, now: Option<&Record>, links: &[Link]) -> Decided {
    let mut state = now.cloned();
    let mut target = now.cloned();
    let mut since: HashMap<Field, u64> = HashMap::new();
    let mut kept: Vec<(Field, u64)> = Vec::new();
    for link in links {
        let change = &link.change;
        let Some(key) = &change.key else { continue };
        let old = match (change.kind, &state) {
            (ChangeKind::Purged | ChangeKind::Evicted, _) => Some(removed(change, key)),
            (ChangeKind::Inserted, _) | (_, None) => None,
            (_, Some(after)) => Some(before(change, after)),
        };
        match (&state, &old) {
            (Some(after), Some(old)) if !change.kind.removes() => {
                for field in touched(change, old, after) {
                    // What this undo itself did before is not in its own way.
                    if link.own || is_superseded(table, &field) {
                        continue;
                    }
                    if !link.ours {
                        since.entry(field).or_insert(change.revision);
                        continue;
                    }
                    let Some(target) = &mut target else { continue };
                    match since.get(&field) {
                        Some(revision) if !same(&field, target, old) => {
                            kept.retain(|(other, _)| *other != field);
                            kept.push((field, *revision));
                        }
                        Some(_) => kept.retain(|(other, _)| *other != field),
                        None => set(table, &field, target, old),
                    }
                }
            }
            // The operation inserted it: it goes, unless somebody has worked on it since.
            (Some(_), None) if link.ours && !since.is_empty() => {
                let mut all: Vec<(Field, u64)> = since.into_iter().collect();
                all.sort();
                return Decided {
                    target: now.cloned(),
                    kept: all,
                };
            }
            (Some(_), None) if link.ours => target = None,
            // The operation removed it, or another record of its key.
            (_, Some(old)) if link.ours => target = Some(old.clone()),
            _ => {}
        }
        state = old;
    }
    if now.is_none() {
        for column in table.columns.iter().filter(|column| !column.live()) {
            if let Some(target) = &mut target {
                clear(target, column.ordinal);
            }
        }
    }
    Decided { target, kept }
}

/// Whether another column tells what this one held.
fn is_superseded(table: &Table, field: &Field) -> bool {
    let Field::Column(ordinal) = field else {
        return false;
    };
    table
        .columns
        .get(usize::from(*ordinal))
        .is_some_and(|column| column.superseded)
}

/// Whether a field is the same in both.
fn same(field: &Field, a: &Record, b: &Record) -> bool {
    match field {
        Field::Column(ordinal) => a.value(*ordinal) == b.value(*ordinal),
        Field::Extra(name) => extra(a, name) == extra(b, name),
        Field::Metadata => a.metadata == b.metadata,
        Field::Trash => a.deleted_at.is_some() == b.deleted_at.is_some(),
        Field::Expiry => a.expires_at == b.expires_at,
    }
}

fn extra<'a>(record: &'a Record, name: &str) -> Option<&'a chancery_model::Json> {
    record.extra.as_ref().and_then(|extra| extra.get(name))
}

/// Gives a field of the target the value it had. Columns that are deleted by now stay as they are.
pub(super) fn set(table: &Table, field: &Field, target: &mut Record, old: &Record) {
    match field {
        Field::Column(ordinal) => {
            let live = table
                .columns
                .get(usize::from(*ordinal))
                .is_some_and(|column| column.live());
            if live {
                lengthen(target, usize::from(*ordinal) + 1);
                target.values[usize::from(*ordinal)] = old.value(*ordinal).clone();
            }
        }
        Field::Extra(name) => {
            let map: &mut JsonMap = target.extra.get_or_insert_default();
            match extra(old, name) {
                Some(json) => {
                    map.insert(name.clone(), json.clone());
                }
                None => {
                    map.shift_remove(name);
                }
            }
            if map.is_empty() {
                target.extra = None;
            }
        }
        Field::Metadata => target.metadata.clone_from(&old.metadata),
        Field::Trash => target.deleted_at = old.deleted_at,
        Field::Expiry => target.expires_at = old.expires_at,
    }
}

/// Takes a value away, if the record has one.
fn clear(record: &mut Record, ordinal: u16) {
    if let Some(value) = record.values.get_mut(usize::from(ordinal)) {
        *value = Value::Null;
    }
}
