//! One record's step from what it was to what it is, made out of the change log. Reads nothing.

use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind};
use chancery_model::{Key, Record as Row};

use crate::events::rebuild;

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
    match change.kind {
        ChangeKind::Inserted | ChangeKind::Cleared => None,
        kind if kind.removes() => Some(rebuild::removed(change, change.key.as_ref()?)),
        _ => after.map(|after| rebuild::before(change, after)),
    }
}
