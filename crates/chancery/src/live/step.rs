//! One record's step from what it was to what it is, made out of the change log. Reads nothing.

use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind};
use chancery_model::{Key, Record as Row, RecordMetadata, Value};

/// What one change did to one record.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) key: Key,
    /// What it was, in whatever state; none if it was not there, or if nobody wants to know.
    pub(crate) old: Option<Arc<Row>>,
    /// What it is, in whatever state; none if it is gone.
    pub(crate) new: Option<Arc<Row>>,
}

/// What a record was before a change, from what it was after it.
pub(crate) fn before(change: &Change, after: Option<&Row>) -> Option<Row> {
    match (change.kind, after) {
        (ChangeKind::Inserted | ChangeKind::Cleared, _) => None,
        (kind, _) if kind.removes() => removed(change),
        (_, None) => None,
        (kind, Some(after)) => {
            let mut row = after.clone();
            let mut values = std::mem::take(&mut row.values).into_vec();
            put(&mut values, &change.before);
            row.values = values.into_boxed_slice();
            row.change = change.previous;
            match &change.was {
                Some(was) => {
                    row.version = was.version;
                    row.updated_at = was.updated_at;
                    row.updated_by.clone_from(&was.updated_by);
                    row.deleted_at = was.deleted_at;
                    row.expires_at = was.expires_at;
                    if let Some(metadata) = &was.metadata {
                        row.metadata = metadata.clone();
                    }
                    if let Some(extra) = &was.extra {
                        row.extra = (!extra.is_empty()).then(|| Box::new(extra.clone()));
                    }
                }
                // A log of an older program: what can be told from the kind of the change.
                None => match kind {
                    ChangeKind::Deleted => row.deleted_at = None,
                    ChangeKind::Restored => row.deleted_at = Some(row.updated_at),
                    _ => row.version = row.version.saturating_sub(1),
                },
            }
            Some(row)
        }
    }
}

fn removed(change: &Change) -> Option<Row> {
    let mut values = Vec::new();
    put(&mut values, &change.before);
    let was = change.was.clone().unwrap_or_default();
    let (created_at, created_by) = was.created.unwrap_or_default();
    Some(Row {
        key: change.key.clone()?,
        deleted_at: was.deleted_at,
        expires_at: was.expires_at,
        version: was.version,
        change: change.previous,
        created_at,
        updated_at: was.updated_at,
        created_by,
        updated_by: was.updated_by,
        metadata: was.metadata.unwrap_or_else(RecordMetadata::default),
        values: values.into_boxed_slice(),
        extra: was.extra.filter(|extra| !extra.is_empty()).map(Box::new),
    })
}

fn put(values: &mut Vec<Value>, before: &[(u16, Value)]) {
    for (ordinal, value) in before {
        let at = usize::from(*ordinal);
        if values.len() <= at {
            values.resize(at + 1, Value::Null);
        }
        values[at] = value.clone();
    }
}
