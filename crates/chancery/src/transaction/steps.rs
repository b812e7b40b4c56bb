//! A list of steps as one transaction: all are done or none, and every bad one is named. Knows nothing of the wire.

use std::collections::HashMap;

use chancery_model::admit::{Input, Protected, UpdateMode};
use chancery_model::change::Reason;
use chancery_model::{Issue, Json, Key, TableId};
use parking_lot::Mutex;

use super::clash::Clash;
use super::commit::{Refusal, conflict};
use super::{Transacted, Transaction, TransactionOptions, TransactionTable};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::limits::TRANSACTION_STEPS_MAX;
use crate::record::Record;
use crate::records::{WriteOptions, coerce};
use crate::rules::Suspect;
use crate::store::Store;
use crate::wrong::{Origin, joined, may_clash};

/// One step of a transaction.
#[derive(Clone)]
pub struct Step {
    /// Where.
    pub table: TableHandle,
    /// What.
    pub action: Action,
    /// The version that the record must have when its turn comes.
    pub version: Option<u64>,
}

/// What a step does. Keys are texts.
#[derive(Clone, Debug)]
pub enum Action {
    /// Makes a record of this data.
    Create(Json),
    /// Changes the given fields of the record with this key.
    Update(String, Json),
    /// Replaces all data of the record with this key.
    Replace(String, Json),
    /// Deletes the record with this key: to the trash where the table has one.
    Delete(String),
    /// Brings the record with this key back from the trash.
    Restore(String),
    /// Does nothing to the record with this key, which must be there; with the version 0, which must not be there.
    Check(String),
}

/// What a step answers: the record as it is now; none if it is gone.
pub type Stepped = Option<Record>;

impl Store {
    /// Does steps as one transaction, and answers for each.
    ///
    /// # Errors
    /// [`Error::Bulk`] with every bad step, [`Error::TransactionConflict`] if a record is at another version than a step
    /// expects, [`Error::Limit`] beyond [`TRANSACTION_STEPS_MAX`].
    pub async fn steps(
        &self,
        steps: &[Step],
        protected: Protected,
        options: TransactionOptions,
    ) -> Result<Transacted<Vec<Stepped>>, Error> {
        if steps.len() > TRANSACTION_STEPS_MAX {
            let (max, got) = (TRANSACTION_STEPS_MAX as u64, steps.len() as u64);
            let what = "operations in one transaction";
            return Err(Error::Limit { what, max, got });
        }
        let places = Mutex::new(Places::new());
        let done = self
            .repeat(Reason::User, options, async |transaction| {
                places.lock().clear();
                all(&transaction, steps, protected, &places).await
            })
            .await;
        done.map_err(|refusal| match refusal {
            Refusal::Clashes(clashes) => Error::Bulk(issues_of(clashes, &places.lock())),
            refusal => refusal.into_error(),
        })
    }
}

/// The last step that wrote a record, by its place.
type Places = HashMap<(TableId, Key), usize>;

async fn all(
    transaction: &Transaction,
    steps: &[Step],
    protected: Protected,
    places: &Mutex<Places>,
) -> Result<Vec<Stepped>, Error> {
    let (mut done, mut bad, mut conflicts) = (Vec::with_capacity(steps.len()), Vec::new(), Vec::new());
    // Bad steps as what they would have done, and where they stand among the bad.
    let (mut suspects, mut places_of) = (Vec::new(), Vec::new());
    for (index, step) in steps.iter().enumerate() {
        match one(&transaction.on(&step.table), step, protected).await {
            Ok((record, wrote)) => {
                if let Some(place) = wrote {
                    places.lock().insert(place, index);
                }
                done.push(record);
            }
            Err(error) => {
                let on = transaction.on(&step.table);
                if let Error::Version {
                    key,
                    expected,
                    current,
                } = &error
                {
                    let detail = format!("Version mismatch: expected {expected}, got {}", current.version());
                    conflicts.push(conflict(current.table(), Some(key.clone()), detail));
                }
                let issues = error.into_item_issues()?;
                if may_clash(&issues)
                    && let Some(suspect) = on.suspect(step, protected).await?
                {
                    places_of.push(bad.len());
                    suspects.push(suspect);
                }
                bad.push((index, issues));
            }
        }
    }
    if bad.is_empty() {
        return Ok(done);
    }
    if bad.len() == conflicts.len() {
        return Err(conflicts.swap_remove(0));
    }
    // The rest is rehearsed, so that its conflicts are named too.
    let (clashes, beside) = transaction.rehearse(suspects).await?;
    for (at, issue) in beside {
        let (_, issues) = &mut bad[places_of[at]];
        *issues = joined(std::mem::take(issues), [issue]);
    }
    bad.extend(issues_of(clashes, &places.lock()));
    bad.sort_by_key(|(index, _)| *index);
    Err(Error::Bulk(bad))
}

/// Does one step; answers the record, and its place if it was written.
async fn one(
    table: &TransactionTable,
    step: &Step,
    protected: Protected,
) -> Result<(Stepped, Option<(TableId, Key)>), Error> {
    let options = WriteOptions {
        expected_version: step.version,
        protected,
        ..WriteOptions::default()
    };
    let merge = UpdateMode::Merge;
    let record = match &step.action {
        Action::Create(data) => table.insert_with(data, options).await?,
        Action::Update(key, data) => table.update_with(key, data, merge, options).await?,
        Action::Replace(key, data) => table.update_with(key, data, UpdateMode::Replace, options).await?,
        Action::Restore(key) => table.restore_with(key, options).await?,
        Action::Delete(key) => {
            let gone = table.delete_with(key, options).await?;
            return Ok((None, Some((gone.table().number, gone.key().clone()))));
        }
        Action::Check(key) => return Ok((check(table, key, step.version).await?, None)),
    };
    let place = (record.table().number, record.key().clone());
    Ok((Some(record), Some(place)))
}

/// Looks whether a record is there, at a version if one is given, or is not there if that is 0.
async fn check(table: &TransactionTable, key: &str, version: Option<u64>) -> Result<Stepped, Error> {
    match (table.get(key).await?, version) {
        (None, Some(0)) => Ok(None),
        (None, _) => Err(crate::records::no_record(&*table.definition()?, key)),
        (Some(record), None) => Ok(Some(record)),
        (Some(record), Some(version)) if record.version() == version => Ok(Some(record)),
        (Some(record), Some(expected)) => Err(Error::Version {
            key: record.key().clone(),
            expected,
            current: Box::new(record),
        }),
    }
}

/// Clashes with other records, as issues of the steps that wrote them.
fn issues_of(clashes: Vec<Clash>, places: &Places) -> Vec<(usize, Vec<Issue>)> {
    let issues = |clash: Clash| {
        let index = places.get(&(clash.table.number, clash.key));
        (index.copied().unwrap_or_default(), clash.issues)
    };
    clashes.into_iter().map(issues).collect()
}

impl TransactionTable {
    /// What a step that is refused would have done, if that can be said.
    async fn suspect(&self, step: &Step, protected: Protected) -> Result<Option<Suspect>, Error> {
        let (data, changed) = match &step.action {
            Action::Create(data) => (data, None),
            Action::Update(key, data) => (data, Some((key, UpdateMode::Merge))),
            Action::Replace(key, data) => (data, Some((key, UpdateMode::Replace))),
            Action::Delete(_) | Action::Restore(_) | Action::Check(_) => return Ok(None),
        };
        let current = match changed {
            None => None,
            Some((key, mode)) => match self.get(key).await? {
                Some(record) => Some((record, mode)),
                None => return Ok(None),
            },
        };
        let Some(data) = data.as_object() else {
            return Ok(None);
        };
        let options = WriteOptions {
            protected,
            ..WriteOptions::default()
        };
        let origin = Origin {
            input: Input::Object(data, coerce(&options)),
            current: current.as_ref().map(|(record, mode)| (record.row(), *mode)),
            key: None,
            cells: None,
        };
        let (table, now) = (self.definition()?, self.handle.store.now());
        Ok(Some(self.handle.suspect(&table, origin, now, true)))
    }
}
