//! Many rows at once: one decision for bulk, upsert and import alike. Reads no file and knows no HTTP.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::admit::{self, Input, Protected, UpdateMode};
use chancery_model::change::{ChangeKind, Reason};
use chancery_model::encryption::{Cells, sealed_value};
use chancery_model::filter::FieldRef;
use chancery_model::{Code, Issue, Key, RecordMetadata, Table, Value};
use chancery_storage::{DocumentWrite, Mode, OnReject, Outcome, Rejection, Write};

use crate::bulk::OnError;
use crate::error::Error;
use crate::line::{Place, started};
use crate::record::Record;
use crate::records::{insert_write, key_of, no_record};
use crate::rules::{Refusal, Settled, Unsettled};
use crate::store::{Commit, TableHandle};

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
            let Decided { planned, writes, .. } =
                self.decide_rows(&table, (rows, &found), options, now, Pending::new());
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
            return self.answer(&table, planned, outcomes, &keys, mode).await;
        }
        Err(self.gave_up())
    }

    /// Decides rows one after the other; `pending` is what earlier rows of the same load will have done.
    pub(crate) fn decide_rows(
        &self,
        table: &Arc<Table>,
        (rows, found): (&[Row<'_>], &[Found]),
        options: &RowOptions,
        now: i64,
        pending: Pending,
    ) -> Decided {
        let mut deciding = Deciding {
            handle: self,
            table,
            options,
            now,
            writes: Vec::with_capacity(rows.len()),
            pending,
        };
        let mut planned = Vec::with_capacity(rows.len());
        for (index, row) in rows.iter().enumerate() {
            let plan = deciding.row(row, found.get(index));
            planned.push(plan.unwrap_or_else(Planned::Failed));
        }
        Decided {
            planned,
            writes: deciding.writes,
            pending: deciding.pending,
        }
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

/// A rejection as the issue of an item.
pub(crate) fn rejection_issue(table: &Table, key: &Key, rejection: &Rejection) -> Issue {
    match rejection {
        Rejection::UniqueTaken { column, holder } => {
            let slug = &table.at(*column).slug;
            let issue = Issue::new(slug, Code::Unique, "Another record has this value");
            holder
                .iter()
                .fold(issue, |issue, holder| issue.with("recordId", holder.to_string()))
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
pub(crate) struct Decided {
    /// One for each row.
    pub(crate) planned: Vec<Planned>,
    pub(crate) writes: Vec<Write>,
    pub(crate) pending: Pending,
}

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

/// The decision over a batch of rows; a later row sees what an earlier one will have done.
struct Deciding<'a> {
    handle: &'a TableHandle,
    table: &'a Arc<Table>,
    options: &'a RowOptions,
    now: i64,
    writes: Vec<Write>,
    pending: Pending,
}

impl Deciding<'_> {
    fn row(&mut self, row: &Row<'_>, found: Option<&Found>) -> Result<Planned, Vec<Issue>> {
        let Some(found) = found else {
            return self.create(row, None);
        };
        if !found.issues.is_empty() {
            return Err(found.issues.clone());
        }
        let records = self
            .pending
            .get(&found.tuple)
            .cloned()
            .unwrap_or_else(|| found.records.clone());
        match (records.len(), self.options.on_many) {
            (0, _) if self.options.update_only => Err(vec![Issue::new(
                "",
                Code::NotFound,
                "No record matches, and creating is off",
            )]),
            (0, _) => self.create(row, Some(&found.tuple)),
            (1, _) | (_, OnMany::All) => self.update(row, &records, &found.tuple),
            (_, OnMany::First) => self.update(row, &records[..1], &found.tuple),
            (_, OnMany::Error) => {
                let message =
                    "More than one record matches; choose onMany first or all, or match by more columns";
                Err(vec![Issue::new("", Code::Ambiguous, message)])
            }
        }
    }

    fn create(&mut self, row: &Row<'_>, tuple: Option<&Vec<Value>>) -> Result<Planned, Vec<Issue>> {
        let (table, protected) = (self.table, self.options.protected);
        let decide = |context: &mut admit::Context| {
            admit::insert(table, row.input, row.key.clone(), protected, context)
        };
        let mut inserted = self.handle.store.decide(self.now, decide)?;
        inserted.record.metadata = row.metadata.clone();
        if let Some(stamps) = &row.stamps {
            let record = &mut inserted.record;
            record.version = stamps.version;
            (record.created_at, record.updated_at) = (stamps.created_at, stamps.updated_at);
            record.expires_at = stamps.expires_at.filter(|_| table.ttl_ms.is_some());
            record.created_by.clone_from(&stamps.created_by);
            record.updated_by.clone_from(&stamps.updated_by);
        }
        if let Some(tuple) = tuple {
            self.pending
                .insert(tuple.clone(), vec![Arc::new(inserted.record.clone())]);
        }
        self.writes
            .push(insert_write(table, inserted.record, &inserted.draws));
        Ok(Planned::Create {
            write: self.writes.len() - 1,
        })
    }

    fn update(
        &mut self,
        row: &Row<'_>,
        records: &[Arc<chancery_model::Record>],
        tuple: &[Value],
    ) -> Result<Planned, Vec<Issue>> {
        let mut writes = Vec::new();
        let mut states = Vec::with_capacity(records.len());
        for current in records {
            let mut decided = self.decide_update(row, current)?;
            if decided.before.is_empty() && !decided.extra_changed {
                states.push(current.clone());
                continue;
            }
            let kept = &current.metadata;
            decided.record.metadata = RecordMetadata {
                external_id: row
                    .metadata
                    .external_id
                    .clone()
                    .or_else(|| kept.external_id.clone()),
                duplicate_of: kept.duplicate_of.clone(),
                ..row.metadata.clone()
            };
            states.push(Arc::new(decided.record.clone()));
            writes.push(self.writes.len());
            let kind = ChangeKind::Updated;
            self.writes.push(Write::update(
                self.table,
                current,
                decided.record,
                decided.before,
                kind,
            ));
        }
        self.pending.insert(tuple.to_vec(), states.clone());
        if writes.is_empty() {
            return Ok(Planned::Unchanged(states.swap_remove(0)));
        }
        Ok(Planned::Update { writes })
    }

    /// The update of one record, with the blank policy applied to what was sent.
    fn decide_update(
        &self,
        row: &Row<'_>,
        current: &chancery_model::Record,
    ) -> Result<admit::Updated, Vec<Issue>> {
        let (table, protected) = (self.table, self.options.protected);
        let drop = |column: &chancery_model::Column| match self.options.blank {
            Blank::Clear => false,
            Blank::Keep => row.input.blank(column),
            Blank::FillOnly => row.input.blank(column) || !current.value(column.ordinal).is_blank(),
        };
        let kept = row.input.without(table, drop);
        let input = kept.as_input(&row.input);
        self.handle.store.decide(self.now, |context| {
            admit::update(table, current, input, UpdateMode::Merge, protected, context)
        })
    }
}
