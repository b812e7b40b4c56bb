//! Histories, operations and reports of undos on their way out.

use chancery::{ChangeKind, History, HistoryStep, Operation, RevertReport, Skipped, Why};
use chancery_api::history as wire;
use chancery_api::records::Pagination;

use super::time;

/// The steps of a record.
pub fn history(found: History, pagination: Pagination) -> wire::HistoryPage {
    wire::HistoryPage {
        steps: found.steps.into_iter().map(step).collect(),
        pagination,
    }
}

fn step(step: HistoryStep) -> wire::HistoryStep {
    let change = |change: chancery::FieldChange| wire::FieldChange {
        column: change.column,
        from: change.from,
        to: change.to,
    };
    wire::HistoryStep {
        version: step.version,
        revision: step.revision,
        at: time(step.at),
        actor: step.actor.as_deref().map(str::to_owned),
        reason: step.reason.as_str().to_owned(),
        operation: step.operation.to_string(),
        kind: match step.kind {
            ChangeKind::Inserted => wire::StepKind::Inserted,
            ChangeKind::Deleted => wire::StepKind::Deleted,
            ChangeKind::Restored => wire::StepKind::Restored,
            // A record that is there was not removed; what is left is a change of values.
            _ => wire::StepKind::Updated,
        },
        changes: step.changes.into_iter().map(change).collect(),
    }
}

/// One operation.
pub fn operation(found: Operation) -> wire::Operation {
    let counts = |counts: chancery::TableCounts| wire::TableCounts {
        table: counts.table,
        inserted: counts.inserted,
        updated: counts.updated,
        deleted: counts.deleted,
        restored: counts.restored,
        purged: counts.purged,
        evicted: counts.evicted,
        cleared: counts.cleared,
    };
    let text = |id: Option<std::sync::Arc<str>>| id.as_deref().map(str::to_owned);
    wire::Operation {
        operation: found.id.to_string(),
        at: time(found.at),
        actor: text(found.actor),
        reason: found.reason.as_str().to_owned(),
        tables: found.tables.into_iter().map(counts).collect(),
        changes: found.changes,
        revision: found.revision,
        first_revision: found.first_revision,
        commits: found.commits,
        reverts: text(found.reverts),
        reverted_by: text(found.reverted_by),
    }
}

/// What became of an undo.
pub fn report(report: RevertReport) -> wire::RevertReport {
    wire::RevertReport {
        operation: report.operation.as_deref().map(str::to_owned),
        reverts: report.reverts.to_string(),
        dry_run: report.dry_run,
        reverted: report.reverted,
        followed: report.followed,
        skipped_total: report.skipped_total,
        skipped: report.skipped.into_iter().map(skipped).collect(),
        revision: report.revision,
    }
}

fn skipped(skipped: Skipped) -> wire::SkippedRecord {
    wire::SkippedRecord {
        table: skipped.table,
        key: skipped.key,
        fields: skipped.fields,
        why: why(skipped.why),
        message: skipped.why.text().to_owned(),
        by: skipped.by.as_deref().map(str::to_owned),
        operation: skipped.operation.as_deref().map(str::to_owned),
    }
}

fn why(why: Why) -> wire::SkippedWhy {
    match why {
        Why::Changed => wire::SkippedWhy::Changed,
        Why::Gone => wire::SkippedWhy::Gone,
        Why::KeyTaken => wire::SkippedWhy::KeyTaken,
        Why::Unique => wire::SkippedWhy::Unique,
        Why::Reference => wire::SkippedWhy::Reference,
        Why::Full => wire::SkippedWhy::Full,
        Why::Expired => wire::SkippedWhy::Expired,
        Why::TableGone => wire::SkippedWhy::TableGone,
    }
}
