//! The end of a transaction: one batch of its net effects that rests on everything it read. Decides no values.

use std::sync::Arc;

use chancery_model::{Issue, Key, Table};
use chancery_storage::{Mode, Rejection, StorageError, Write};
use uuid::Uuid;

use super::Transaction;
use super::clash::Clash;
use super::state::{Basis, End, Gathered, Read};
use crate::error::Error;
use crate::rules::{Refusal as Refused, Suspect, Unsettled};
use crate::store::Commit;

/// Why a transaction was not committed.
pub(super) enum Refusal {
    /// What it read has changed since; it may be run again.
    Overtaken(Error),
    /// Writes that clash with other records: all of them.
    Clashes(Vec<Clash>),
    /// Something that running it again does not change.
    Other(Error),
}

impl Refusal {
    /// The error it means to the caller.
    pub(super) fn into_error(self) -> Error {
        match self {
            Refusal::Overtaken(error) | Refusal::Other(error) => error,
            Refusal::Clashes(clashes) => {
                let first = clashes.into_iter().next();
                let none = || Error::Internal("a transaction was refused without a reason".into());
                first.map_or_else(none, Clash::into_error)
            }
        }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Other(error)
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Refusal {
        Refusal::Other(error.into())
    }
}

impl Transaction {
    /// Commits it and answers the revision it became visible with; of one that is committed already, that revision again.
    ///
    /// # Errors
    /// [`Error::TransactionConflict`] if others changed what it read, [`Error::Unique`], [`Error::TransactionEnded`]. Nothing
    /// was written then.
    pub async fn commit(self) -> Result<u64, Error> {
        self.end().await.map_err(Refusal::into_error)
    }

    /// Discards everything it has written and ends it. Inside the work of
    /// [`Store::transaction`](crate::Store::transaction), the work's value is still answered.
    pub fn rollback(&self) {
        self.state.lock().discard();
    }

    /// Sends the commit; of what was discarded, only that all reads were so at one moment. What was committed before, by a
    /// clone, is not written again.
    pub(super) async fn end(&self) -> Result<u64, Refusal> {
        let gathered = {
            let mut state = self.state.lock();
            if let Some(revision) = state.committed() {
                return Ok(revision);
            }
            match state.end() {
                End::Discarded => state.read_set(),
                End::Open | End::Sent => state.gather()?,
            }
        };
        let revision = self.send(gathered, self.mode()).await?;
        self.state.lock().sent(revision);
        Ok(revision)
    }

    /// Discards it, and makes sure that everything it read was so at one moment.
    pub(super) async fn confirm(&self) -> Result<u64, Refusal> {
        let gathered = {
            let mut state = self.state.lock();
            if state.end() == End::Sent {
                return Ok(0);
            }
            state.discard();
            state.read_set()
        };
        self.send(gathered, Mode::Rehearse).await
    }

    /// Discards it, and answers which of its writes clash with other records, and what of those, and of its writes, stands in the way of
    /// others that were refused already.
    pub(super) async fn rehearse(
        &self,
        refused: Vec<Suspect>,
    ) -> Result<(Vec<Clash>, Vec<(usize, Issue)>), Error> {
        let gathered = self.state.lock().gather_and_discard()?;
        let writes = gathered.writes.clone();
        let clashes = match self.send(gathered, Mode::Rehearse).await {
            Err(Refusal::Clashes(clashes)) => clashes,
            // Whether it was overtaken is found out when the transaction ends.
            Ok(_) | Err(Refusal::Overtaken(_)) => Vec::new(),
            Err(Refusal::Other(error)) => return Err(error),
        };
        let beside = self.beside(writes, &clashes, refused).await?;
        Ok((clashes, beside))
    }

    /// What its commit is part of: by itself it is an operation.
    fn operation(&self) -> Arc<str> {
        let own = || Uuid::now_v7().to_string().into();
        self.store.open_operation().unwrap_or_else(own)
    }

    fn mode(&self) -> Mode {
        match self.dry_run {
            true => Mode::Rehearse,
            false => Mode::Apply,
        }
    }

    async fn send(&self, gathered: Gathered, mode: Mode) -> Result<u64, Refusal> {
        let Gathered {
            writes,
            owners,
            checks,
            bases,
        } = gathered;
        if writes.is_empty() && checks.is_empty() {
            return Ok(self.store.revision().await?);
        }
        let sent = writes.clone();
        let how = Commit {
            mode,
            reason: self.reason,
            operation: (!writes.is_empty()).then(|| self.operation()),
            checks,
            in_turn: self.in_turn,
            ..Commit::default()
        };
        match self.store.write(writes, self.store.now(), how).await {
            Ok(settled) => Ok(settled.revision),
            Err(Unsettled::Refused(refused)) => self.refused(refused, &owners, sent).await,
            Err(Unsettled::Failed(Error::Storage(StorageError::Overtaken(indexes)))) => {
                let basis = indexes.first().and_then(|index| bases.get(*index));
                let basis = basis.ok_or_else(|| Error::Internal("an unknown check failed".into()))?;
                Err(Refusal::Overtaken(self.conflict(basis).await?))
            }
            Err(Unsettled::Failed(error)) => Err(error.into()),
        }
    }

    /// What writes that were refused mean: a version or a key that others changed is a conflict, the rest is the work's own doing.
    async fn refused(
        &self,
        refused: Vec<(usize, Refused)>,
        owners: &[(Arc<Table>, Key)],
        sent: Vec<Write>,
    ) -> Result<u64, Refusal> {
        let mut clashes = Vec::new();
        for (index, why) in refused {
            let Some((table, key)) = owners.get(index) else {
                continue;
            };
            let detail = match why {
                Refused::Seam(Rejection::Version { found }) => {
                    format!("Version mismatch: it is at version {found}")
                }
                Refused::Seam(Rejection::NotFound) => format!("Record with key \"{key}\" not found"),
                Refused::Seam(Rejection::KeyTaken) => format!("Record with key \"{key}\" already exists"),
                Refused::Seam(Rejection::SchemaChanged) => {
                    self.store.reload().await?;
                    "The definition of the table changed meanwhile".into()
                }
                Refused::Beyond(message) => return Err(Error::Forbidden { message }.into()),
                Refused::Seam(Rejection::UniqueTaken { .. })
                | Refused::Dangling { .. }
                | Refused::Unfit { .. }
                | Refused::Referenced(_) => {
                    clashes.push(Clash::new(index, (table.clone(), key.clone()), why, &sent[index]));
                    continue;
                }
            };
            return Err(Refusal::Overtaken(conflict(table, Some(key.clone()), detail)));
        }
        Err(Refusal::Clashes(self.all_of(clashes, sent).await?))
    }

    /// The conflict that a failed check means, in words that fit what is there now.
    async fn conflict(&self, basis: &Basis) -> Result<Error, Error> {
        let (key, Read { table, record }) = match basis {
            Basis::Table(table) => {
                return Ok(conflict(
                    table,
                    None,
                    "Records changed after they were read".into(),
                ));
            }
            Basis::Record { key, read } => (key, read),
        };
        let found = self.store.backend().get(table, key).await?;
        let detail = match (record, found) {
            (Some(_), None) => format!("Record with key \"{key}\" not found"),
            (None, Some(_)) => format!("Record with key \"{key}\" already exists"),
            (Some(read), Some(found)) if read.version != found.version => {
                format!(
                    "Version mismatch: expected {}, got {}",
                    read.version, found.version
                )
            }
            _ => "It changed after it was read".into(),
        };
        Ok(conflict(table, Some(key.clone()), detail))
    }
}

/// A conflict over a record, or over a table if no record is named.
pub(super) fn conflict(table: &Table, key: Option<Key>, detail: String) -> Error {
    Error::TransactionConflict {
        table: table.slug.clone(),
        key,
        detail,
    }
}
