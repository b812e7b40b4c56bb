//! Lays what a transaction has written over what a backend answers. Pure: asks nothing.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::query::{Plan, Window};
use chancery_model::{Key, Record};

use super::state::Written;

/// The plan to ask the backend for: as many records more as the transaction may take out of its answer. What it has inserted
/// is in no answer.
pub(super) fn widened(plan: &Plan, written: &[Written]) -> Plan {
    let more = written.iter().filter(|written| written.base.is_some()).count() as u64;
    let window = match plan.window.clone() {
        Window::All => Window::All,
        Window::Offset { offset, limit } => Window::Offset {
            offset: 0,
            limit: offset.saturating_add(limit).saturating_add(more),
        },
        Window::After { boundary, limit } => Window::After {
            boundary,
            limit: limit.saturating_add(more),
        },
        Window::Before { boundary, limit } => Window::Before {
            boundary,
            limit: limit.saturating_add(more),
        },
    };
    Plan {
        window,
        ..plan.clone()
    }
}

/// What the plan answers, once what the transaction has written is counted in; `rows` is the answer to the widened plan.
pub(super) fn laid(plan: &Plan, rows: Vec<Arc<Record>>, written: &[Written]) -> Vec<Arc<Record>> {
    let changed: HashSet<&Key> = written.iter().map(|written| &written.key).collect();
    let kept = rows.into_iter().filter(|row| !changed.contains(&row.key));
    let own = written.iter().filter_map(|written| written.now.clone());
    let mut records: Vec<Arc<Record>> = kept.chain(own.filter(|record| plan.admits(record))).collect();
    records.sort_by(|a, b| plan.compare(a, b));
    match &plan.window {
        Window::All => {}
        Window::Offset { offset, limit } => {
            let from = usize::try_from(*offset).unwrap_or(usize::MAX).min(records.len());
            records.drain(..from);
            records.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
        }
        Window::After { boundary, limit } => {
            records.retain(|record| plan.compare_to(record, boundary).is_gt());
            records.truncate(usize::try_from(*limit).unwrap_or(usize::MAX));
        }
        Window::Before { boundary, limit } => {
            records.retain(|record| plan.compare_to(record, boundary).is_lt());
            let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
            records.drain(..records.len().saturating_sub(limit));
        }
    }
    records
}

/// How many records the plan has, once what the transaction has written is counted in.
pub(super) fn counted(plan: &Plan, count: u64, written: &[Written]) -> u64 {
    let admitted = |record: &Option<Arc<Record>>| record.as_ref().is_some_and(|record| plan.admits(record));
    let gone = written.iter().filter(|written| admitted(&written.base)).count() as u64;
    let come = written.iter().filter(|written| admitted(&written.now)).count() as u64;
    (count + come).saturating_sub(gone)
}
