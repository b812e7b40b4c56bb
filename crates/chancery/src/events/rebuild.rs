//! What a record was before a change, from what it is after it. Pure: reads nothing, and knows of one change at a time.

use chancery_model::change::{Change, ChangeKind, Was};
use chancery_model::{Key, Record, RecordMetadata, Value};

/// What a record was before a change that left it there: all but an insert and those that remove it.
pub(crate) fn before(change: &Change, after: &Record) -> Record {
    let mut old = after.clone();
    put_back(change, &mut old);
    match &change.was {
        Some(was) => {
            state(was, &mut old);
            if let Some(metadata) = &was.metadata {
                old.metadata = metadata.clone();
            }
            if let Some(extra) = &was.extra {
                old.extra = (!extra.is_empty()).then(|| Box::new(extra.clone()));
            }
        }
        // The logs of older programs say no more than the values: the rest stays as it is known.
        None => {
            old.version = after.version.saturating_sub(1);
            old.deleted_at = match change.kind {
                ChangeKind::Restored => Some(after.updated_at),
                _ => None,
            };
        }
    }
    old
}

/// What a record was that a change removed for good.
pub(crate) fn removed(change: &Change, key: &Key) -> Record {
    let mut old = Record {
        key: key.clone(),
        deleted_at: None,
        expires_at: None,
        version: 0,
        change: change.previous,
        created_at: 0,
        updated_at: 0,
        created_by: None,
        updated_by: None,
        metadata: RecordMetadata::default(),
        values: Box::default(),
        extra: None,
    };
    put_back(change, &mut old);
    if let Some(was) = &change.was {
        state(was, &mut old);
        if let Some((at, by)) = &was.created {
            old.created_at = *at;
            old.created_by = by.clone();
        }
        old.metadata = was.metadata.clone().unwrap_or_default();
        old.extra = was.extra.clone().filter(|extra| !extra.is_empty()).map(Box::new);
    }
    old
}

/// The values that changed, as they were.
fn put_back(change: &Change, old: &mut Record) {
    old.change = change.previous;
    let wanted = change
        .before
        .iter()
        .map(|(ordinal, _)| usize::from(*ordinal) + 1)
        .max()
        .unwrap_or(0);
    lengthen(old, wanted);
    for (ordinal, value) in &change.before {
        old.values[usize::from(*ordinal)] = value.clone();
    }
}

/// Makes a record at least so many columns long: one that is older than a column has no place for it.
pub(crate) fn lengthen(record: &mut Record, columns: usize) {
    if record.values.len() < columns {
        let mut values = std::mem::take(&mut record.values).into_vec();
        values.resize(columns, Value::Null);
        record.values = values.into_boxed_slice();
    }
}

fn state(was: &Was, old: &mut Record) {
    old.version = was.version;
    old.updated_at = was.updated_at;
    old.updated_by = was.updated_by.clone();
    old.deleted_at = was.deleted_at;
    old.expires_at = was.expires_at;
}
