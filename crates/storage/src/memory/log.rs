//! The change log in memory: changes and commits in order, from a first one that is still kept. It decides nothing about
//! what is logged or let go.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::TableId;
use chancery_model::change::Change;

use crate::part::LoggedCommit;
use crate::seam::{CommitQuery, LOG_SPAN, TableChanges};

/// The log.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many changes are let go; the change with number `n` is at `n - forgotten - 1`.
    forgotten: u64,
    changes: Vec<Change>,
    commits: Vec<LoggedCommit>,
    /// The revisions of each operation, rising.
    operations: HashMap<Arc<str>, Vec<u64>>,
}

impl Log {
    /// The number of the newest change.
    pub(super) fn newest(&self) -> u64 {
        self.forgotten + self.changes.len() as u64
    }

    /// All changes that are kept.
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// All commits that are kept.
    pub(super) fn commits(&self) -> &[LoggedCommit] {
        &self.commits
    }

    /// Adds a change; its number is the next one.
    pub(super) fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Adds a commit.
    pub(super) fn commit(&mut self, logged: LoggedCommit) {
        if let Some(operation) = &logged.commit.operation {
            let revisions = self.operations.entry(operation.clone()).or_default();
            revisions.push(logged.commit.revision);
        }
        self.commits.push(logged);
    }

    /// Takes a change of another log in; answers whether it follows the one before. A log that was cut begins later.
    pub(super) fn fill(&mut self, change: Change) -> bool {
        if self.changes.is_empty() {
            self.forgotten = change.number.saturating_sub(1);
        }
        let follows = change.number == self.newest() + 1;
        if follows {
            self.changes.push(change);
        }
        follows
    }

    /// Takes a commit of another log in.
    pub(super) fn fill_commit(&mut self, logged: LoggedCommit) {
        if self.changes.is_empty() {
            self.forgotten = logged.first_change.saturating_sub(1);
        }
        self.commit(logged);
    }

    /// Takes changes back until this one is the newest.
    pub(super) fn take_back(&mut self, newest: u64) {
        self.changes.truncate(self.index(newest));
    }

    /// How many changes are kept up to a number.
    fn index(&self, number: u64) -> usize {
        let index = usize::try_from(number.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        index.min(self.changes.len())
    }

    /// Writes down anew what was before changes; those that are let go stay so.
    pub(super) fn rewrite(&mut self, changes: Vec<Change>) {
        for change in changes {
            let at = change.number.checked_sub(self.forgotten + 1);
            let kept = at.and_then(|at| self.changes.get_mut(usize::try_from(at).ok()?));
            if let Some(kept) = kept {
                (kept.before, kept.was) = (change.before, change.was);
            }
        }
    }

    /// The changes after a number, at most `limit`.
    pub(super) fn after(&self, number: u64, limit: usize) -> &[Change] {
        let from = self.index(number);
        let to = from.saturating_add(limit).min(self.changes.len());
        &self.changes[from..to]
    }

    /// The changes of a table after a number, at most `limit`.
    pub(super) fn of_table(&self, table: TableId, after: u64, limit: usize) -> TableChanges {
        let next = self.after(after, usize::try_from(LOG_SPAN).unwrap_or(usize::MAX));
        let own = next
            .iter()
            .filter(|change| change.table == table && change.number <= after.saturating_add(LOG_SPAN));
        TableChanges::new(own.take(limit).cloned().collect(), (after, limit), self.newest())
    }

    /// A change and those of its record before it, newest first, at most `limit`.
    pub(super) fn chain(&self, number: u64, limit: usize) -> Vec<Change> {
        let mut chain: Vec<Change> = Vec::new();
        let mut number = number;
        while chain.len() < limit && number > self.forgotten {
            let Some(change) = self.after(number - 1, 1).first() else {
                break;
            };
            number = change.previous;
            chain.push(change.clone());
        }
        chain
    }

    /// Commits.
    pub(super) fn query(&self, query: &CommitQuery) -> Vec<LoggedCommit> {
        match query {
            CommitQuery::Revisions(revisions) => {
                let mut revisions = revisions.clone();
                revisions.sort_unstable();
                revisions.dedup();
                let found = revisions.into_iter().filter_map(|revision| self.find(revision));
                found.cloned().collect()
            }
            CommitQuery::Before {
                revision,
                operation: None,
                limit,
            } => {
                let to = self.before(*revision);
                self.commits[..to].iter().rev().take(*limit).cloned().collect()
            }
            CommitQuery::Before {
                revision,
                operation: Some(operation),
                limit,
            } => {
                let revisions = self.operations.get(operation).map_or(&[][..], Vec::as_slice);
                let to = revisions.partition_point(|other| other < revision);
                let found = revisions[..to].iter().rev().take(*limit);
                found
                    .filter_map(|revision| self.find(*revision))
                    .cloned()
                    .collect()
            }
        }
    }

    /// How many commits are kept before a revision.
    fn before(&self, revision: u64) -> usize {
        self.commits
            .partition_point(|logged| logged.commit.revision < revision)
    }

    fn find(&self, revision: u64) -> Option<&LoggedCommit> {
        let found = self.commits.get(self.before(revision))?;
        (found.commit.revision == revision).then_some(found)
    }

    /// The oldest revision that is kept whole; 0 if nothing was ever let go.
    pub(super) fn oldest(&self) -> u64 {
        let oldest = self.commits.first().map_or(0, |logged| logged.commit.revision);
        if oldest > 1 { oldest } else { 0 }
    }

    /// Lets go of what is before a revision, and answers how many changes that were. The newest commit stays.
    pub(super) fn forget(&mut self, revision: u64) -> u64 {
        let to = self.before(revision).min(self.commits.len().saturating_sub(1));
        let Some(first) = self.commits.get(to) else {
            return 0;
        };
        let changes = self.index(first.first_change.saturating_sub(1));
        let kept = first.commit.revision;
        self.commits.drain(..to);
        self.changes.drain(..changes);
        self.forgotten += changes as u64;
        self.operations.retain(|_, revisions| {
            let from = revisions.partition_point(|other| *other < kept);
            revisions.drain(..from);
            !revisions.is_empty()
        });
        changes as u64
    }
}
