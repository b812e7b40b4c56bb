//! What can be read of an input, whatever else is wrong with it, so that its values are looked for among other records and all that is
//! wrong is told at once. It checks no constraint, and what it makes is never written.

use super::{Context, Input, UpdateMode, absent, choose_key, guarded};
use crate::encryption::{sealed_value, shown};
use crate::{Column, Key, Record, RecordMetadata, Table, Value};

/// A record as an input would make or leave it, of the values that can be read.
#[derive(Debug)]
pub struct Outline {
    /// The record; values that cannot be read are null, or as they were.
    pub record: Record,
    /// Of an update: the columns that it would change, with their old values.
    pub before: Vec<(u16, Value)>,
    /// Whether the key is the caller's; otherwise the store makes one.
    pub keyed: bool,
}

/// The outline of an insert.
pub fn outline_of_insert(table: &Table, input: Input, key: Option<Key>, context: &mut Context) -> Outline {
    let mut values = vec![Value::Null; table.columns.len()].into_boxed_slice();
    for column in table.live() {
        let read = match input.get(column).filter(|_| column.writable()) {
            Some(raw) => raw.read(column),
            None => absent(column, context),
        };
        if let Ok(value) = read {
            values[usize::from(column.ordinal)] = value;
        }
    }
    let given = key.is_some() || table.key_column.is_some();
    let key = choose_key(table, &mut values, key, &[], context);
    let keyed = given && key.is_ok();
    let key = key.unwrap_or(Key::Int(0));
    for column in table.live().filter(|column| column.encrypted.is_some()) {
        let slot = &mut values[usize::from(column.ordinal)];
        *slot = sealed(table, column, &key, std::mem::take(slot), context).unwrap_or_default();
    }
    let record = Record {
        key,
        version: 1,
        change: 0,
        created_at: context.now,
        updated_at: context.now,
        created_by: context.actor.clone(),
        updated_by: context.actor.clone(),
        expires_at: None,
        deleted_at: None,
        metadata: RecordMetadata::default(),
        values,
        extra: None,
    };
    Outline {
        record,
        before: Vec::new(),
        keyed,
    }
}

/// The outline of an update.
pub fn outline_of_update(
    table: &Table,
    current: &Record,
    input: Input,
    mode: UpdateMode,
    context: &mut Context,
) -> Outline {
    let mut record = current.next(context.now, context.actor.clone());
    let mut values = std::mem::take(&mut record.values).into_vec();
    values.resize(values.len().max(table.columns.len()), Value::Null);
    let mut before = Vec::new();
    for column in table.live().filter(|column| !guarded(table, column)) {
        let slot = &mut values[usize::from(column.ordinal)];
        let read = match input.get(column) {
            None if mode == UpdateMode::Merge => continue,
            None => Ok(Value::Null),
            Some(raw) if column.encrypted.is_some() && !slot.is_null() && raw.says(shown(slot)) => continue,
            Some(raw) => raw.read(column),
        };
        let Some(value) = read
            .ok()
            .and_then(|value| sealed(table, column, &current.key, value, context))
        else {
            continue;
        };
        if *slot != value {
            before.push((column.ordinal, std::mem::replace(slot, value)));
        }
    }
    record.values = values.into_boxed_slice();
    Outline {
        record,
        before,
        keyed: true,
    }
}

/// A value as it would be stored; none if it cannot be told from others then.
fn sealed(table: &Table, column: &Column, key: &Key, value: Value, context: &Context) -> Option<Value> {
    match column.is_comparable() {
        true => sealed_value(context.cells, (table, column), Some(key), value).ok(),
        false => None,
    }
}
