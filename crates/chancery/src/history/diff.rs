//! What differs between two states of a record, field by field. Pure: it knows no log and decides nothing.

use chancery_model::change::Change;
use chancery_model::{Column, Json, Record, RecordMetadata, Table};
use serde::Serialize;

use crate::record::key_json;

/// A part of a record that can change by itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Field {
    /// A column.
    Column(u16),
    /// An undeclared field.
    Extra(String),
    /// Where it came from.
    Metadata,
    /// Whether it is in the trash.
    Trash,
    /// When it expires.
    Expiry,
}

impl Field {
    /// What people call it.
    pub(crate) fn name(&self, table: &Table) -> String {
        match self {
            Field::Column(ordinal) => match table.columns.get(usize::from(*ordinal)) {
                Some(column) => column.slug.clone(),
                None => format!("column {ordinal}"),
            },
            Field::Extra(name) => name.clone(),
            Field::Metadata => "metadata".into(),
            Field::Trash => "deletedAt".into(),
            Field::Expiry => "expiresAt".into(),
        }
    }
}

/// One field that a step of a record changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The column's slug, the name of an undeclared field, `metadata.…` or `expiresAt`.
    pub column: String,
    /// The value before; null for none.
    pub from: Json,
    /// The value after; null for none.
    pub to: Json,
}

/// The fields that a change touched, given the states around it.
pub(crate) fn touched(change: &Change, before: &Record, after: &Record) -> Vec<Field> {
    let mut fields: Vec<Field> = change
        .before
        .iter()
        .map(|(ordinal, _)| Field::Column(*ordinal))
        .collect();
    if before.extra != after.extra {
        fields.extend(extra_names(before, after).into_iter().map(Field::Extra));
    }
    if before.metadata != after.metadata {
        fields.push(Field::Metadata);
    }
    if before.deleted_at != after.deleted_at {
        fields.push(Field::Trash);
    }
    if before.expires_at != after.expires_at {
        fields.push(Field::Expiry);
    }
    fields
}

/// The undeclared fields that differ, each once.
fn extra_names(before: &Record, after: &Record) -> Vec<String> {
    let of = |record: &Record, name: &str| record.extra.as_ref().and_then(|extra| extra.get(name).cloned());
    let mut names: Vec<String> = [before, after]
        .iter()
        .flat_map(|record| record.extra.iter().flat_map(|extra| extra.keys().cloned()))
        .filter(|name| of(before, name) != of(after, name))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What a step changed, for people: columns in the order they see, then undeclared fields, metadata and expiry.
pub(crate) fn told(table: &Table, before: Option<&Record>, after: &Record) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    let mut say = |column: String, from: Json, to: Json| {
        if from != to {
            changes.push(FieldChange { column, from, to });
        }
    };
    // What one column holds for another is told as that one's.
    let own = |column: &&Column| !column.superseded && !column.waits();
    let mut columns: Vec<&Column> = table.columns.iter().filter(own).collect();
    columns.sort_by_key(|column| (!column.live(), column.order_index, column.ordinal));
    for column in columns {
        let json = |record: Option<&Record>| record.map_or(Json::Null, |record| value(table, column, record));
        say(column.slug.clone(), json(before), json(Some(after)));
    }
    let none = Record {
        extra: None,
        ..after.clone()
    };
    for name in extra_names(before.unwrap_or(&none), after) {
        let json = |record: Option<&Record>| {
            let extra = record.and_then(|record| record.extra.as_ref());
            extra
                .and_then(|extra| extra.get(&name).cloned())
                .unwrap_or_default()
        };
        let (from, to) = (json(before), json(Some(after)));
        say(name.clone(), from, to);
    }
    if let Some(before) = before {
        let parts = |metadata: &RecordMetadata| serde_json::to_value(metadata).unwrap_or_default();
        let (from, to) = (parts(&before.metadata), parts(&after.metadata));
        for name in ["source", "importId", "importRow", "externalId", "duplicateOf"] {
            let part = |json: &Json| json.get(name).cloned().unwrap_or_default();
            say(format!("metadata.{name}"), part(&from), part(&to));
        }
        let time = |at: Option<i64>| at.map_or(Json::Null, Json::from);
        say(
            "expiresAt".into(),
            time(before.expires_at),
            time(after.expires_at),
        );
    }
    changes
}

/// A column's value as JSON. What the store computes (times, users) is no part of a history.
fn value(table: &Table, column: &Column, record: &Record) -> Json {
    if table.key_column == Some(column.ordinal) {
        return key_json(&record.key);
    }
    match record.value(column.ordinal) {
        value if value.is_null() || column.kind().system().is_some() => Json::Null,
        value => column.kind().to_json(value, column),
    }
}
