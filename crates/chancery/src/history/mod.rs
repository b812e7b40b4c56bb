//! History: what happened to a record, step by step, and the operations of a workspace. It reads the change log and writes
//! nothing but an old version anew; taking operations back is in [`crate::undo`].
//!
//! The log holds what was *before* each change, so every answer here is rebuilt backwards from the record as it is.

mod checksum;
mod diff;
mod operations;
mod record;
mod span;

pub(crate) use crate::events::rebuild::{before, removed};
pub use diff::FieldChange;
pub(crate) use diff::{Field, touched};
pub(crate) use operations::{Counted, no_operation};
pub use operations::{Operation, OperationPage, OperationQuery, TableCounts};
pub use record::{History, HistoryStep};
pub(crate) use span::{Span, spans_of};

use chancery_model::change::Commit;
use std::sync::Arc;

/// The id of the operation a commit belongs to: its own, if it is part of none.
pub(crate) fn operation_id(commit: &Commit) -> Arc<str> {
    match &commit.operation {
        Some(id) => id.clone(),
        None => format!("r{}", commit.revision).into(),
    }
}

/// The revision that an operation id names, if it names a single commit.
pub(crate) fn single_revision(operation: &str) -> Option<u64> {
    let digits = operation.strip_prefix('r')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_revisions_name_a_commit() {
        let cases = [
            ("r12", Some(12)),
            ("r0", None),
            ("r012", None),
            ("r+1", None),
            ("12", None),
            ("r", None),
        ];
        for (id, revision) in cases {
            assert_eq!(single_revision(id), revision, "{id}");
        }
    }
}
