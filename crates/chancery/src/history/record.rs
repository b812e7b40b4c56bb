//! The history of one record, an old version of it, and that version written anew. Rebuilds backwards; caches nothing.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::admit::UpdateMode;
use chancery_model::change::{Change, ChangeKind, Reason};
use chancery_model::{Json, Table, define};
use chancery_storage::{CommitQuery, LoggedCommit};

use super::diff::{FieldChange, told};
use super::{before, operation_id};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::{CHAIN_AT_ONCE, HISTORY_STEPS_MAX};
use crate::record::Record;
use crate::records::{IntoKey, WriteOptions, Written, no_record};
use crate::replace::check_settled;

/// One step of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryStep {
    /// The version it left.
    pub version: u64,
    /// The commit.
    pub revision: u64,
    /// When, in ms since 1970.
    pub at: i64,
    /// Who; none for the embedding program itself.
    pub actor: Option<Arc<str>>,
    /// What for.
    pub reason: Reason,
    /// The operation it is part of, as [`crate::Store::operation`] takes it.
    pub operation: Arc<str>,
    /// What happened.
    pub kind: ChangeKind,
    /// Field by field; of an insert every field that it set.
    pub changes: Vec<FieldChange>,
}

/// A part of the history of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The newest first.
    pub steps: Vec<HistoryStep>,
    /// Whether there are older ones: ask again before the version of the last.
    pub has_more: bool,
}

/// A step with the states around it.
struct Walked {
    change: Change,
    after: chancery_model::Record,
    before: Option<chancery_model::Record>,
}

impl TableHandle {
    /// What happened to a record, newest first: at most `limit` steps, those that left a version before `before` if that
    /// is given. A record that is gone for good has no history of its own: what it was stands in the operation that
    /// removed it, and reverting that brings it back. So does a key that was taken again: it begins anew.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Forbidden`] where the table's setting `enableRevisions` is off, [`Error::Limit`] beyond [`HISTORY_STEPS_MAX`] steps at once.
    pub async fn history(
        &self,
        key: impl IntoKey,
        limit: usize,
        before: Option<u64>,
    ) -> Result<History, Error> {
        if limit > HISTORY_STEPS_MAX {
            return Err(Error::Limit {
                what: "steps of a history at once",
                max: HISTORY_STEPS_MAX as u64,
                got: limit as u64,
            });
        }
        let (table, current) = self.stored(key).await?;
        let mut walk = Walk::new(self, current);
        let mut walked = Vec::new();
        let mut has_more = false;
        while let Some(step) = walk.next().await? {
            if before.is_some_and(|before| step.after.version >= before) {
                continue;
            }
            if walked.len() == limit {
                has_more = true;
                break;
            }
            walked.push(step);
        }
        let revisions = walked.iter().map(|step| step.change.revision).collect();
        let commits = self.commits(revisions).await?;
        let steps = walked.iter().map(|step| told_step(&table, step, &commits));
        Ok(History {
            steps: steps.collect(),
            has_more,
        })
    }

    /// A record as it was at a version.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such record, or its log does not reach back so far; [`Error::Forbidden`] as for a history.
    pub async fn record_at(&self, key: impl IntoKey, version: u64) -> Result<Record, Error> {
        let (table, current) = self.stored(key).await?;
        let key = current.key.clone();
        let mut walk = Walk::new(self, current.clone());
        if current.version == version {
            return Ok(Record::new(table, current));
        }
        while let Some(step) = walk.next().await? {
            match step.before {
                Some(before) if before.version == version => {
                    return Ok(Record::new(table, Arc::new(before)));
                }
                _ => {}
            }
        }
        Err(Error::NotFound {
            what: "version",
            message: format!(
                "Record with key \"{key}\" of table \"{}\" has no version {version}",
                table.slug
            ),
        })
    }

    /// Writes the values of an old version as a new one. It is decided like any change: what the definition refuses by now is
    /// an issue, what callers may not write stays and is named in [`Written::ignored`].
    ///
    /// # Errors
    /// As [`TableHandle::record_at`] and [`TableHandle::replace`].
    pub async fn restore_version(&self, key: impl IntoKey, version: u64) -> Result<Written, Error> {
        self.restore_version_with(key, version, WriteOptions::default())
            .await
    }

    /// Restores a version with options.
    ///
    /// # Errors
    /// As [`TableHandle::restore_version`], and [`Error::Version`].
    pub async fn restore_version_with(
        &self,
        key: impl IntoKey,
        version: u64,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        // What the history tells of the column is being written anew.
        check_settled(&*self.definition()?)?;
        let old = self.record_at(key, version).await?;
        let data = Json::Object(old.data());
        let written = self
            .update_keeping(
                old.key(),
                (&data, Some(&old.row().values)),
                UpdateMode::Replace,
                options,
            )
            .await;
        written.map_err(|error| match error {
            Error::Invalid { table, mut issues } => {
                for issue in &mut issues {
                    issue.message = format!("{} (version {version} does not satisfy it)", issue.message);
                }
                Error::Invalid { table, issues }
            }
            other => other,
        })
    }

    /// The record with a key in whatever state, from where it is written.
    async fn stored(&self, key: impl IntoKey) -> Result<(Arc<Table>, Arc<chancery_model::Record>), Error> {
        self.whole("history")?;
        let table = self.definition()?;
        if define::switched_off(&table, define::REVISIONS) {
            let message = format!(
                "Earlier versions of records of \"{}\" are not for reading: its setting {} is off",
                table.slug,
                define::REVISIONS
            );
            return Err(Error::Forbidden { message });
        }
        let missing = || no_record(&table, &key.text());
        let key = key.to_key(&table).ok_or_else(missing)?;
        let found = self.backend().get(&table, &key).await?;
        let now = self.store.now();
        let seen = found.filter(|record| !table.expired(record, now));
        let found = seen.ok_or_else(missing)?;
        Ok((table, found))
    }

    async fn commits(&self, revisions: Vec<u64>) -> Result<HashMap<u64, LoggedCommit>, Error> {
        if revisions.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.backend().commits(CommitQuery::Revisions(revisions)).await?;
        Ok(found
            .into_iter()
            .map(|logged| (logged.commit.revision, logged))
            .collect())
    }
}

fn told_step(table: &Table, step: &Walked, commits: &HashMap<u64, LoggedCommit>) -> HistoryStep {
    let commit = commits.get(&step.change.revision).map(|logged| &logged.commit);
    HistoryStep {
        version: step.after.version,
        revision: step.change.revision,
        at: commit.map_or(step.after.updated_at, |commit| commit.at),
        actor: commit.and_then(|commit| commit.actor.clone()),
        reason: commit.map(|commit| commit.reason).unwrap_or_default(),
        operation: match commit {
            Some(commit) => operation_id(commit),
            None => format!("r{}", step.change.revision).into(),
        },
        kind: step.change.kind,
        changes: told(table, step.before.as_ref(), &step.after),
    }
}

/// Goes back through the states of a record.
struct Walk<'a> {
    handle: &'a TableHandle,
    /// The state after the next step; none at the beginning of the record.
    state: Option<chancery_model::Record>,
    /// Steps read ahead, the newest last.
    ahead: Vec<Change>,
}

impl<'a> Walk<'a> {
    fn new(handle: &'a TableHandle, current: Arc<chancery_model::Record>) -> Walk<'a> {
        Walk {
            handle,
            state: Some(Arc::unwrap_or_clone(current)),
            ahead: Vec::new(),
        }
    }

    async fn next(&mut self) -> Result<Option<Walked>, Error> {
        let Some(after) = self.state.take() else {
            return Ok(None);
        };
        if self.ahead.is_empty() && after.change > 0 {
            self.ahead = self.handle.backend().chain(after.change, CHAIN_AT_ONCE).await?;
            self.ahead.reverse();
        }
        let Some(change) = self.ahead.pop() else {
            return Ok(None);
        };
        let before = match change.kind {
            ChangeKind::Updated | ChangeKind::Deleted | ChangeKind::Restored => Some(before(&change, &after)),
            _ => None,
        };
        self.state.clone_from(&before);
        Ok(Some(Walked {
            change,
            after,
            before,
        }))
    }
}
