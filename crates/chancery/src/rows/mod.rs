//! Many rows at once: one decision for bulk, upsert and import alike. Reads no file and knows no HTTP.

mod deciding;
pub(crate) mod items;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chancery_model::admit::{Input, Protected, UpdateMode};
use chancery_model::change::Reason;
use chancery_model::encryption::{Cells, sealed_value};
use chancery_model::filter::FieldRef;
use chancery_model::{Code, Issue, Key, RecordMetadata, Table, Value};
use chancery_storage::{DocumentWrite, Mode, OnReject, Outcome, Rejection, Write};

use crate::bulk::OnError;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::line::{Place, started};
use crate::record::Record;
use crate::records::{key_of, no_record};
use crate::rules::{Refusal, Settled, Suspect, Unsettled};
use crate::store::Commit;
use crate::wrong::Origin;

use deciding::{DECIDED_ALONE_MIN, Deciding, Keys, deciders, kept};

/// What happens when more than one record matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMany {
    /// The row is bad.
    #[default]
    Error,
    /// The first one, in key order, is updated.
    First,
    /// All of them are updated.
    All,
}

/// What a blank value does to the record it matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blank {
    /// Nothing: the record keeps what it has.
    #[default]
    Keep,
    /// It clears the value.
    Clear,
    /// Only blanks of the record are filled; what it has is kept.
    FillOnly,
}

/// One row to write.
pub(crate) struct Row<'a> {
    pub(crate) input: Input<'a>,
    pub(crate) key: Option<Key>,
    pub(crate) metadata: RecordMetadata,
    /// What a new record takes over from where it was before.
    pub(crate) stamps: Option<Stamps>,
    /// What is wrong with it already.
    pub(crate) known: Vec<Issue>,
}

/// What a record that comes back from an export takes over.
#[derive(Clone, Debug)]
pub(crate) struct Stamps {
    pub(crate) version: u64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) expires_at: Option<i64>,
    pub(crate) created_by: Option<Arc<str>>,
    pub(crate) updated_by: Option<Arc<str>>,
}

/// How rows are written.
#[derive(Clone, Debug)]
pub(crate) struct RowOptions {
    pub(crate) on_error: OnError,
    pub(crate) dry_run: bool,
    pub(crate) protected: Protected,
    /// Fields that find existing records; none means that every row is new.
    pub(crate) matching: Vec<FieldRef>,
    pub(crate) on_many: OnMany,
    pub(crate) blank: Blank,
    pub(crate) reason: Reason,
    pub(crate) operation: Option<Arc<str>>,
    /// Whether a row that matches nothing is an issue instead of a new record.
    pub(crate) update_only: bool,
    /// Documents written in the same commit.
    pub(crate) documents: Vec<DocumentWrite>,
}

/// What became of one row.
#[derive(Clone, Debug)]
pub(crate) enum RowOutcome {
    Created(Record),
    Updated(Vec<Record>),
    /// It matched, and nothing differed.
    Unchanged(Record),
    Failed(Vec<Issue>),
}

/// What became of all rows.
#[derive(Debug)]
pub(crate) struct RowsOutcome {
    pub(crate) rows: Vec<RowOutcome>,
    pub(crate) revision: u64,
    /// What was left out of rows.
    pub(crate) ignored: Ignored,
    /// Whether anything was written; false when a bad row stopped all, and in a dry run.
    pub(crate) committed: bool,
}

/// A row's part in the batch.
pub(crate) enum Planned {
    Create { write: usize },
    Update { writes: Vec<usize> },
    Unchanged(Arc<chancery_model::Record>),
    Failed(Vec<Issue>),
}

/// What a backend answered to a batch: outcomes and revision, or why it was refused.
type Sent = Result<Settled, Vec<(usize, Refusal)>>;

/// How often a batch is decided again after others changed what it was decided on.
const ATTEMPTS: usize = 16;

impl TableHandle {
    /// Writes rows in one commit. All issues of all rows are found; what a bad row does to the others is `on_error`.
    pub(crate) async fn write_rows(
        &self,
        rows: &[Row<'_>],
        options: &RowOptions,
        mut place: Option<Place>,
    ) -> Result<RowsOutcome, Error> {
        if let Some(place) = &place {
            place.come().await;
        }
        let _alone = match options.matching.is_empty() {
            true => None,
            false => Some(self.store.core.matching.lock().await),
        };
        for _ in 0..ATTEMPTS {
            // Gather.
            let table = self.definition()?;
            let found = self.gather(&table, rows, options).await?;
            let now = self.store.now();

            // Decide.
            let Decided {
                planned,
                writes,
                ignored,
                ..
            } = self.decide_rows(&table, (rows, &found), options, now, Pending::new());
            let any_bad = planned.iter().any(|plan| matches!(plan, Planned::Failed(_)));
            let stop = any_bad && options.on_error == OnError::Abort;

            // Write. With bad rows and all-or-nothing the rest is rehearsed, so that its conflicts are named too.
            let mode = if stop || options.dry_run {
                Mode::Rehearse
            } else {
                Mode::Apply
            };
            let on_reject = if stop || options.on_error == OnError::Continue {
                OnReject::Skip
            } else {
                OnReject::Abort
            };
            let how = Commit {
                on_reject,
                mode,
                reason: options.reason,
                operation: options.operation.clone(),
                documents: options.documents.clone(),
                ..Commit::default()
            };
            let keys: Vec<Key> = writes.iter().map(key_of).collect();
            // Rules are looked up before the commit is sent off, so the next in line waits for its end.
            let kept = if self.store.is_ruled(&writes) {
                place.take()
            } else {
                None
            };
            let commit = self.store.write(writes, now, how);
            let outcomes = match started(commit, place.take()).await {
                Ok(settled) => Ok(settled),
                Err(Unsettled::Refused(refused)) => Err(refused),
                Err(Unsettled::Failed(error)) => return Err(error),
            };
            drop(kept);
            if self.overtaken(&outcomes).await? {
                continue;
            }
            let mut outcome = self.answer(&table, planned, outcomes, &keys, mode).await?;
            outcome.ignored = ignored;
            self.all_wrong_of_rows(&table, (rows, &found), options, &mut outcome, now)
                .await?;
            return Ok(outcome);
        }
        Err(self.gave_up())
    }

    /// Adds to what is wrong with rows everything of other records that stands in their way.
    async fn all_wrong_of_rows(
        &self,
        table: &Arc<Table>,
        (rows, found): (&[Row<'_>], &[Found]),
        options: &RowOptions,
        outcome: &mut RowsOutcome,
        now: i64,
    ) -> Result<(), Error> {
        let issues = outcome.rows.iter_mut().map(|row| match row {
            RowOutcome::Failed(issues) if !issues.is_empty() => Some(issues),
            _ => None,
        });
        let suspect = |at: usize, refused: bool| {
            self.suspect_row(table, (&rows[at], found.get(at)), options, (now, refused))
        };
        self.all_wrong_of(table, issues.collect(), suspect, now).await
    }

    /// What can be read of a row; none if it is not known which record it means.
    pub(crate) fn suspect_row(
        &self,
        table: &Arc<Table>,
        (row, found): (&Row<'_>, Option<&Found>),
        options: &RowOptions,
        (now, refused): (i64, bool),
    ) -> Option<Suspect> {
        let insert = Origin {
            input: row.input,
            current: None,
            key: row.key.clone(),
            cells: None,
        };
        match found.map(|found| (found.issues.is_empty(), found.records.as_slice())) {
            None => Some(self.suspect(table, insert, now, refused)),
            Some((true, [])) if !options.update_only => Some(self.suspect(table, insert, now, refused)),
            Some((true, [current])) => {
                let kept = kept(table, row, current, options);
                let origin = Origin {
                    input: kept.as_input(&row.input),
                    current: Some((current, UpdateMode::Merge)),
                    ..insert
                };
                Some(self.suspect(table, origin, now, refused))
            }
            _ => None,
        }
    }

    /// Decides rows; `pending` is what earlier rows of the same load will have done. Rows that match nothing do not look at each other, so
    /// many of them are decided side by side.
    pub(crate) fn decide_rows(
        &self,
        table: &Arc<Table>,
        (rows, found): (&[Row<'_>], &[Found]),
        options: &RowOptions,
        now: i64,
        pending: Pending,
    ) -> Decided {
        let deciding = |pending, keys| Deciding {
            handle: self,
            table,
            options,
            now,
            writes: Vec::new(),
            pending,
            keys,
            ignored: Vec::new(),
        };
        if !options.matching.is_empty() || rows.len() <= DECIDED_ALONE_MIN {
            return deciding(pending, Keys::default()).rows(rows, found);
        }
        let share = rows.len().div_ceil(deciders()).max(DECIDED_ALONE_MIN);
        // Keys say in which order records were made.
        let mut parts = rows.chunks(share).map(|part| (part, Keys::of(table, part.len())));
        let first = parts.next();
        let parts: Vec<_> = parts.collect();
        std::thread::scope(|scope| {
            let decide = |(part, keys)| deciding(Pending::new(), keys).rows(part, &[]);
            let others: Vec<_> = parts
                .into_iter()
                .map(|part| scope.spawn(move || decide(part)))
                .collect();
            let mut all = first.map(decide).unwrap_or_default();
            for other in others {
                all.append(
                    other
                        .join()
                        .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                );
            }
            all.pending = pending;
            all
        })
    }

    /// What each row matches.
    pub(crate) async fn gather(
        &self,
        table: &Arc<Table>,
        rows: &[Row<'_>],
        options: &RowOptions,
    ) -> Result<Vec<Found>, Error> {
        if options.matching.is_empty() {
            return Ok(Vec::new());
        }
        let mut tuples = Vec::with_capacity(rows.len());
        let mut found: Vec<Found> = Vec::with_capacity(rows.len());
        for row in rows {
            let tuple = self
                .store
                .sealing(|cells| match_values(table, row, &options.matching, cells));
            match tuple {
                Ok(tuple) => {
                    found.push(Found {
                        tuple: tuple.clone(),
                        records: Vec::new(),
                        issues: Vec::new(),
                    });
                    tuples.push(tuple);
                }
                Err(issues) => found.push(Found {
                    tuple: Vec::new(),
                    records: Vec::new(),
                    issues,
                }),
            }
        }
        let judged_at = table.judged_at(self.store.now());
        // An expired one may stand before those that match.
        let limit = if options.on_many == OnMany::All || table.ttl_ms.is_some() {
            usize::MAX
        } else {
            2
        };
        let mut answers = self
            .backend()
            .find(table, &options.matching, &tuples, limit)
            .await?
            .into_iter();
        for found in found.iter_mut().filter(|found| found.issues.is_empty()) {
            found.records = answers.next().unwrap_or_default();
            found.records.retain(|record| record.visible(judged_at));
        }
        Ok(found)
    }

    /// Whether the batch has to be decided again: a definition or a record changed meanwhile.
    async fn overtaken(&self, outcomes: &Sent) -> Result<bool, Error> {
        let moved = |why: &Refusal| matches!(why, Refusal::Seam(Rejection::Version { .. }));
        let overtaken = match outcomes {
            Err(refused) => refused.iter().any(|(_, why)| why.is_outdated() || moved(why)),
            Ok(settled) => settled
                .outcomes
                .iter()
                .any(|outcome| outcome.as_ref().is_err_and(Refusal::is_outdated)),
        };
        if overtaken {
            self.store.reload().await?;
        }
        Ok(overtaken)
    }

    async fn answer(
        &self,
        table: &Arc<Table>,
        planned: Vec<Planned>,
        outcomes: Sent,
        keys: &[Key],
        mode: Mode,
    ) -> Result<RowsOutcome, Error> {
        let (outcomes, revision) = match outcomes {
            Ok(settled) => (settled.outcomes, settled.revision),
            Err(refused) => {
                let mut refused: HashMap<usize, Refusal> = refused.into_iter().collect();
                let outcome = |write| refused.remove(&write).map_or(Ok(Outcome::Defined), Err);
                (
                    (0..keys.len()).map(outcome).collect(),
                    self.backend().revision().await?,
                )
            }
        };
        let mut rows = Vec::with_capacity(planned.len());
        let mut written = false;
        for plan in planned {
            let row = match plan {
                Planned::Failed(issues) => RowOutcome::Failed(issues),
                Planned::Unchanged(record) => RowOutcome::Unchanged(Record::new(table.clone(), record)),
                Planned::Create { write } => match self.outcome(table, &outcomes[write], &keys[write]) {
                    Ok(Some(record)) => RowOutcome::Created(record),
                    Ok(None) => RowOutcome::Failed(Vec::new()),
                    Err(issues) => RowOutcome::Failed(issues),
                },
                Planned::Update { writes } => {
                    let results = writes
                        .iter()
                        .map(|write| self.outcome(table, &outcomes[*write], &keys[*write]));
                    match results.collect::<Result<Vec<_>, _>>() {
                        Ok(records) => RowOutcome::Updated(records.into_iter().flatten().collect()),
                        Err(issues) => RowOutcome::Failed(issues),
                    }
                }
            };
            written |= matches!(row, RowOutcome::Created(_) | RowOutcome::Updated(_));
            rows.push(row);
        }
        Ok(RowsOutcome {
            rows,
            revision,
            ignored: Ignored::new(),
            committed: mode == Mode::Apply && written,
        })
    }

    /// The record a write made; nothing if the batch was stopped by others; issues if it was rejected itself.
    fn outcome(
        &self,
        table: &Arc<Table>,
        outcome: &Result<Outcome, Refusal>,
        key: &Key,
    ) -> Result<Option<Record>, Vec<Issue>> {
        match outcome {
            Ok(Outcome::Written(row) | Outcome::Purged(row)) => {
                Ok(Some(Record::new(table.clone(), row.clone())))
            }
            Ok(Outcome::Rejected(why)) => Err(vec![rejection_issue(table, key, why)]),
            Ok(Outcome::Cleared(_) | Outcome::Defined) => Ok(None),
            Err(why) => Err(vec![why.issue(table, key)]),
        }
    }
}

/// The parameter of an issue that says which record has a value.
pub(crate) const HOLDER: &str = "recordId";

/// A rejection as the issue of an item.
pub(crate) fn rejection_issue(table: &Table, key: &Key, rejection: &Rejection) -> Issue {
    match rejection {
        Rejection::UniqueTaken { column, holder } => {
            let column = table.at(*column);
            let issue = column.worded(Issue::new(
                &column.slug,
                Code::Unique,
                "Another record has this value",
            ));
            holder
                .iter()
                .fold(issue, |issue, holder| issue.with(HOLDER, holder.to_string()))
        }
        Rejection::KeyTaken => {
            let message = format!("Record with key \"{key}\" already exists");
            Issue::new(table.key_name(), Code::KeyTaken, message).with("key", key.to_string())
        }
        Rejection::NotFound => Issue::new(
            "id",
            Code::NotFound,
            no_record(table, &key.to_string()).to_string(),
        ),
        Rejection::Version { found } => Issue::new(
            "version",
            Code::Version,
            format!("The record is at version {found}"),
        )
        .with("found", *found),
        Rejection::SchemaChanged => Issue::new(
            "",
            Code::Definition,
            "The definition of the table changed meanwhile",
        ),
    }
}

/// By match values: the records that rows make or change, as they will be.
pub(crate) type Pending = HashMap<Vec<Value>, Vec<Arc<chancery_model::Record>>>;

/// Rows that are decided.
#[derive(Default)]
pub(crate) struct Decided {
    /// One for each row.
    pub(crate) planned: Vec<Planned>,
    pub(crate) writes: Vec<Write>,
    pub(crate) pending: Pending,
    pub(crate) ignored: Ignored,
}

impl Decided {
    /// Adds the rows that come after these.
    fn append(&mut self, later: Decided) {
        let (rows, writes) = (self.planned.len(), self.writes.len());
        self.planned
            .extend(later.planned.into_iter().map(|plan| match plan {
                Planned::Create { write } => Planned::Create {
                    write: writes + write,
                },
                Planned::Update { writes: own } => Planned::Update {
                    writes: own.into_iter().map(|write| writes + write).collect(),
                },
                plan => plan,
            }));
        self.writes.extend(later.writes);
        let ignored = later.ignored.into_iter();
        self.ignored
            .extend(ignored.map(|(row, fields)| (rows + row, fields)));
    }
}

/// By the place of an item: fields that were left out of it because callers may not write them.
pub(crate) type Ignored = BTreeMap<usize, Vec<String>>;

/// What a row matches.
pub(crate) struct Found {
    pub(crate) tuple: Vec<Value>,
    records: Vec<Arc<chancery_model::Record>>,
    issues: Vec<Issue>,
}

/// The values a row is matched by, read as the columns' types; a blank matches nothing and is an issue.
pub(crate) fn match_values(
    table: &Table,
    row: &Row<'_>,
    matching: &[FieldRef],
    cells: Option<&dyn Cells>,
) -> Result<Vec<Value>, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut tuple = Vec::with_capacity(matching.len());
    for field in matching {
        let ordinal = match field {
            FieldRef::Column(ordinal) => Some(*ordinal),
            FieldRef::Key => table.key_column,
            _ => None,
        };
        let value = match (field, ordinal) {
            (FieldRef::ExternalId, _) => row.metadata.external_id.clone().map_or(Value::Null, Value::Text),
            (FieldRef::Key, None) => row
                .key
                .as_ref()
                .map_or(Value::Null, chancery_model::record::key_value),
            (_, Some(ordinal)) => {
                let column = table.at(ordinal);
                let read = row.input.read(column);
                match read.and_then(|value| sealed_value(cells, (table, column), None, value)) {
                    Ok(value) => value,
                    Err(issue) => {
                        issues.push(issue);
                        continue;
                    }
                }
            }
            _ => Value::Null,
        };
        if value.is_blank() {
            let name = ordinal.map_or("externalId", |ordinal| table.at(ordinal).slug.as_str());
            issues.push(Issue::new(
                name,
                Code::Required,
                "A value to match by is required",
            ));
        }
        tuple.push(value);
    }
    if issues.is_empty() { Ok(tuple) } else { Err(issues) }
}
