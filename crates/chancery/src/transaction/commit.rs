//! The end of a transaction: one batch of its net effects that rests on everything it read. Decides no values.

use std::sync::Arc;

use chancery_model::{Key, Table};
use chancery_storage::{Mode, Rejection, StorageError};
use uuid::Uuid;

use super::Transaction;
use super::state::{Basis, End, Gathered, Read};
use crate::error::Error;
use crate::record::Record;
use crate::store::Commit;

/// Why a transaction was not committed.
pub(super) enum Refusal {
    /// What it read has changed since; it may be run again.
    Overtaken(Error),
    /// Unique values that others have: all of them.
    Taken(Vec<Taken>),
    /// Something that running it again does not change.
    Other(Error),
}

/// A unique value that a record of the transaction was to have and another has.
pub(super) struct Taken {
    pub(super) table: Arc<Table>,
    pub(super) key: Key,
    pub(super) rejection: Rejection,
    value: String,
}

impl Refusal {
    /// The error it means to the caller.
    pub(super) fn into_error(self) -> Error {
        match self {
            Refusal::Overtaken(error) | Refusal::Other(error) => error,
            Refusal::Taken(taken) => {
                let first = taken.into_iter().next();
                first.map_or_else(
                    || Error::Internal("a transaction was rejected without a reason".into()),
                    Taken::into_error,
                )
            }
        }
    }
}

impl Taken {
    fn into_error(self) -> Error {
        let Rejection::UniqueTaken { column, holder } = self.rejection else {
            return Error::Internal("a transaction was rejected for another reason".into());
        };
        Error::Unique {
            table: self.table.slug.clone(),
            field: self.table.at(column).slug.clone(),
            value: self.value,
            holder,
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
    /// Commits it and answers the revision it became visible with.
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

    /// Sends the commit; of what was discarded, only that all reads were so at one moment.
    pub(super) async fn end(&self) -> Result<u64, Refusal> {
        let gathered = {
            let mut state = self.state.lock();
            match state.end() {
                End::Discarded => state.read_set(),
                End::Open | End::Sent => state.gather()?,
            }
        };
        self.send(gathered, self.mode()).await
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

    /// Discards it, and answers which unique values others have.
    pub(super) async fn rehearse(&self) -> Result<Vec<Taken>, Error> {
        let gathered = self.state.lock().gather_and_discard()?;
        match self.send(gathered, Mode::Rehearse).await {
            Err(Refusal::Taken(taken)) => Ok(taken),
            // Whether it was overtaken is found out when the transaction ends.
            Ok(_) | Err(Refusal::Overtaken(_)) => Ok(Vec::new()),
            Err(Refusal::Other(error)) => Err(error),
        }
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
        let values: Vec<Option<Record>> = writes.iter().map(written).collect();
        let how = Commit {
            mode,
            operation: (!writes.is_empty()).then(|| Uuid::now_v7().to_string().into()),
            checks,
            ..Commit::default()
        };
        match self.store.commit(writes, self.store.now(), how).await {
            Ok(committed) => Ok(committed.revision),
            Err(StorageError::Overtaken(indexes)) => {
                let basis = indexes.first().and_then(|index| bases.get(*index));
                let basis = basis.ok_or_else(|| Error::Internal("an unknown check failed".into()))?;
                Err(Refusal::Overtaken(self.conflict(basis).await?))
            }
            Err(StorageError::Rejected(rejections)) => self.rejected(rejections, &owners, &values).await,
            Err(error) => Err(error.into()),
        }
    }

    /// What writes that were refused mean: only unique values are the work's own doing.
    async fn rejected(
        &self,
        rejections: Vec<(usize, Rejection)>,
        owners: &[(Arc<Table>, Key)],
        values: &[Option<Record>],
    ) -> Result<u64, Refusal> {
        let mut taken = Vec::new();
        for (index, rejection) in rejections {
            let Some((table, key)) = owners.get(index) else {
                continue;
            };
            let detail = match rejection {
                Rejection::UniqueTaken { column, .. } => {
                    let slug = &table.at(column).slug;
                    let value = values.get(index).and_then(Option::as_ref);
                    taken.push(Taken {
                        table: table.clone(),
                        key: key.clone(),
                        rejection,
                        value: value.map_or_else(|| "this".into(), |record| record.get(slug).to_string()),
                    });
                    continue;
                }
                Rejection::Version { found } => format!("Version mismatch: it is at version {found}"),
                Rejection::NotFound => format!("Record with key \"{key}\" not found"),
                Rejection::KeyTaken => format!("Record with key \"{key}\" already exists"),
                Rejection::SchemaChanged => {
                    self.store.reload().await?;
                    "The definition of the table changed meanwhile".into()
                }
            };
            return Err(Refusal::Overtaken(conflict(table, Some(key.clone()), detail)));
        }
        Err(Refusal::Taken(taken))
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

/// The record that a write leaves.
fn written(write: &chancery_storage::Write) -> Option<Record> {
    use chancery_storage::Write;
    match write {
        Write::Insert { table, record, .. } | Write::Update { table, record, .. } => {
            Some(Record::new(table.clone(), Arc::new(record.clone())))
        }
        _ => None,
    }
}
