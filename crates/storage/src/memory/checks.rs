//! Whether what a batch rests on is still so. It changes nothing.

use super::State;
use crate::batch::Check;
use crate::error::StorageError;

/// Refuses a batch of whose checks one fails.
pub(super) fn judge(state: &State, checks: &[Check]) -> Result<(), StorageError> {
    let failing = checks
        .iter()
        .enumerate()
        .filter(|(_, check)| !holds(state, check));
    let failing: Vec<usize> = failing.map(|(index, _)| index).collect();
    if failing.is_empty() {
        return Ok(());
    }
    Err(StorageError::Overtaken(failing))
}

fn holds(state: &State, check: &Check) -> bool {
    match check {
        Check::Record { table, key, change } => {
            let found = state.relations.get(table).and_then(|relation| relation.get(key));
            found.map_or(0, |record| record.change) == *change
        }
        Check::Live { table, key } => {
            let found = state.relations.get(table).and_then(|relation| relation.get(key));
            found.is_some_and(|record| record.deleted_at.is_none())
        }
        Check::Table { table, revision } => {
            let relation = state.relations.get(table);
            relation.is_some_and(|relation| relation.touched.revision <= *revision)
                && state.log.oldest() <= revision + 1
        }
    }
}
