//! What of other records stands in the way of a transaction's writes, all of it. Only who is refused waits for it; it decides nothing.

use std::sync::Arc;

use chancery_model::{Code, Issue, Key, Table};
use chancery_storage::{Rejection, Write};

use super::Transaction;
use crate::error::Error;
use crate::record::Record;
use crate::rules::{Refusal, Suspect};
use crate::wrong::joined;

/// A write that clashes with what other records hold: unique values, references, files.
pub(super) struct Clash {
    /// The place of the write in the commit.
    at: usize,
    pub(super) table: Arc<Table>,
    pub(super) key: Key,
    why: Refusal,
    /// The value that is in use, as JSON.
    value: String,
    /// All that stands in its way.
    pub(super) issues: Vec<Issue>,
}

impl Clash {
    pub(super) fn new(at: usize, (table, key): (Arc<Table>, Key), why: Refusal, write: &Write) -> Clash {
        let value = match &why {
            Refusal::Seam(Rejection::UniqueTaken { column, .. }) => told(write, &table, *column),
            _ => String::new(),
        };
        Clash {
            issues: vec![why.issue(&table, &key)],
            at,
            table,
            key,
            why,
            value,
        }
    }

    /// The error it means to the caller.
    pub(super) fn into_error(self) -> Error {
        let Clash {
            table,
            why,
            value,
            issues,
            ..
        } = self;
        let in_use = issues.iter().all(|issue| issue.code == Code::Unique);
        match why {
            Refusal::Seam(Rejection::UniqueTaken { column, holder }) if in_use => Error::Unique {
                table: table.slug.clone(),
                field: table.at(column).slug.clone(),
                value,
                holder,
                issues,
            },
            Refusal::Referenced(dependent) => Error::from(*dependent),
            _ => Error::Invalid {
                table: table.slug.clone(),
                issues,
            },
        }
    }
}

impl Transaction {
    /// Adds to clashes what else stands in the way of their writes.
    pub(super) async fn all_of(
        &self,
        mut clashes: Vec<Clash>,
        writes: Vec<Write>,
    ) -> Result<Vec<Clash>, Error> {
        let suspects = suspects(writes, &clashes);
        for (at, issue) in self.store.clashes(suspects, self.store.now()).await? {
            if let Some(clash) = clashes.iter_mut().find(|clash| clash.at == at) {
                clash.issues = joined(std::mem::take(&mut clash.issues), [issue]);
            }
        }
        Ok(clashes)
    }

    /// What stands in the way of writes that were refused before they could be part of the commit, by their place.
    pub(super) async fn beside(
        &self,
        writes: Vec<Write>,
        clashes: &[Clash],
        refused: Vec<Suspect>,
    ) -> Result<Vec<(usize, Issue)>, Error> {
        let count = writes.len();
        let mut suspects = suspects(writes, clashes);
        suspects.extend(refused);
        let found = self.store.clashes(suspects, self.store.now()).await?;
        Ok(found
            .into_iter()
            .filter_map(|(at, issue)| Some((at.checked_sub(count)?, issue)))
            .collect())
    }
}

/// The writes of a commit, those that clash marked.
fn suspects(writes: Vec<Write>, clashes: &[Clash]) -> Vec<Suspect> {
    let clashing: std::collections::HashSet<usize> = clashes.iter().map(|clash| clash.at).collect();
    let suspect = |(at, write)| Suspect {
        write,
        // A key that others have by now is a conflict, which is told as one.
        keyed: false,
        refused: clashing.contains(&at),
    };
    writes.into_iter().enumerate().map(suspect).collect()
}

/// A value that a write brings, as messages repeat it; what is encrypted is not repeated.
fn told(write: &Write, table: &Arc<Table>, column: u16) -> String {
    let record = match write {
        Write::Insert { record, .. } | Write::Update { record, .. } => record,
        _ => return "this".into(),
    };
    let column = table.at(column);
    match column.encrypted {
        Some(_) => "this".into(),
        None => Record::new(table.clone(), Arc::new(record.clone()))
            .get(&column.slug)
            .to_string(),
    }
}
