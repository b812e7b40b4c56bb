//! A column that was to take the place of another is taken away again, with what it holds if that is readable.

use chancery_model::change::{Change, Reason};
use chancery_model::{Code, Column, Issue, Value};
use chancery_storage::{Mode, OnReject, Write};

use super::{Replacement, put};
use crate::error::Error;
use crate::jobs::JobStatus;
use crate::rules::Unsettled;
use crate::store::Commit;

/// Records, and changes of the log, that are wiped at once.
const WIPED_AT_ONCE: u64 = 500;

impl Replacement {
    /// Whether the new column can be taken away again: it is not in its place yet.
    ///
    /// # Errors
    /// [`Error::Taken`] if it is.
    fn check_waits(&self) -> Result<(), Error> {
        let table = self.table.definition()?;
        match self.pair(&table) {
            Ok(pair) if !pair.new.waits() => Err(Error::Taken {
                what: "job",
                message: "Its column is in its place already, and what is left is to clear the old values; let it end, or resume it".into(),
            }),
            _ => Ok(()),
        }
    }

    /// Calls the job off for good, and takes its column away.
    ///
    /// # Errors
    /// [`Error::Taken`] if it is over, or its column is in its place already.
    pub(crate) async fn call_off(&self) -> Result<JobStatus, Error> {
        let store = &self.table.store;
        self.check_waits()?;
        // Nobody works on it any more while its column is taken away.
        store.pause_job(&self.job).await?;
        self.abandon().await?;
        store.cancel_job(&self.job).await
    }

    /// Takes the new column away again, with what it holds if that is readable, unless it is in its place by now.
    ///
    /// # Errors
    /// [`Error::Taken`] if it is.
    pub(crate) async fn abandon(&self) -> Result<(), Error> {
        self.check_waits()?;
        let of_job = |column: &&Column| column.replaces.as_ref().is_some_and(|own| own.job == self.job);
        let table = self.table.definition()?;
        let Some((ordinal, readable)) = table
            .columns
            .iter()
            .find(of_job)
            .map(|column| (column.ordinal, column.encrypted.is_none()))
        else {
            return Ok(());
        };
        let now = self.table.store.now();
        self.table
            .change(|table| {
                let column = &mut table.columns[usize::from(ordinal)];
                if column.deleted_at.is_none() && !column.waits() {
                    let message = "It is in its place already";
                    return Err(vec![Issue::new("column", Code::Definition, message)]);
                }
                column.deleted_at = Some(now);
                column.indexed = false;
                column.constraints.unique = false;
                Ok(())
            })
            .await?;
        if readable {
            self.wipe(ordinal).await?;
        }
        self.table
            .change(|table| {
                let column = &mut table.columns[usize::from(ordinal)];
                column.replaces = None;
                if let Some(encryption) = &mut column.encrypted {
                    encryption.kid = 0;
                }
                Ok(())
            })
            .await
            .map(drop)
    }

    /// Takes the values of a column that nobody sees out of all records and out of the log.
    pub(super) async fn wipe(&self, ordinal: u16) -> Result<(), Error> {
        let store = &self.table.store;
        let mut after: Option<String> = None;
        loop {
            let table = self.table.definition()?;
            let records = self.page(&table, after.as_deref(), WIPED_AT_ONCE).await?;
            let Some(last) = records.last() else { break };
            let left = records.iter().filter(|record| !record.value(ordinal).is_null());
            let writes: Vec<Write> = left
                .map(|record| put(&table, record, ordinal, Value::Null))
                .collect();
            if writes.is_empty() {
                after = Some(last.key.to_string());
                continue;
            }
            let how = Commit {
                on_reject: OnReject::Skip,
                mode: Mode::Apply,
                reason: Reason::Upkeep,
                operation: Some(self.job.as_str().into()),
                ..Commit::default()
            };
            // Records that others wrote meanwhile are looked at again.
            match store.write(writes, store.now(), how).await {
                Ok(_) => {}
                Err(Unsettled::Refused(_)) => store.reload().await?,
                Err(Unsettled::Failed(error)) => return Err(error),
            }
        }
        let (backend, number) = (self.table.backend(), self.table.definition()?.number);
        let mut after = 0;
        loop {
            let found = backend.changes_of(number, after, WIPED_AT_ONCE as usize).await?;
            if found.looked_at == after {
                return Ok(());
            }
            after = found.looked_at;
            let tells = |change: &Change| change.before.iter().any(|(of, _)| *of == ordinal);
            let mut told: Vec<Change> = found.changes.into_iter().filter(tells).collect();
            for change in &mut told {
                change.before.retain(|(of, _)| *of != ordinal);
            }
            if !told.is_empty() {
                backend.rewrite(told).await?;
            }
        }
    }
}
