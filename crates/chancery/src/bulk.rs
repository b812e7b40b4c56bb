//! Bulk create, update, delete and upsert: one request, one commit, one answer for each item. Unbounded loads are imports.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chancery_model::admit::{self, Input, Protected, UpdateMode};
use chancery_model::change::{ChangeKind, Reason};
use chancery_model::encryption;
use chancery_model::query::unknown_column;
use chancery_model::{Code, Issue, Json, JsonMap, Key, Table, limits};
use chancery_storage::{Mode, OnReject, Outcome, Rejection, Write};

use crate::error::Error;
use crate::handle::TableHandle;
use crate::record::Record;
use crate::records::{external_id_issue, key_of, knowing};
use crate::related;
use crate::rows::items::coerce;
use crate::rows::{Blank, Ignored, OnMany, RowOptions, RowOutcome, RowsOutcome, rejection_issue};
use crate::rules::{Refusal, Unsettled};
use crate::store::{Commit, Store};
use crate::transaction::Transacted;
use crate::wrong::Origin;

/// How often a bulk is decided again after others changed what it was decided on.
const ATTEMPTS: usize = 16;

/// What a bad item does to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// Nothing is written, and every bad item is named.
    #[default]
    Abort,
    /// The good ones are written.
    Continue,
}

/// How a bulk is done.
#[derive(Clone, Debug, Default)]
pub struct BulkOptions {
    /// What a bad item does to the others.
    pub on_error: OnError,
    /// Answer as if done, write nothing.
    pub dry_run: bool,
    /// What happens to fields that callers may not write.
    pub protected: Protected,
    /// Read texts as the column's type.
    pub from_text: bool,
    /// Delete for good instead of to the trash.
    pub permanent: bool,
}

/// What became of a bulk: one entry for each item, in order.
#[derive(Debug)]
pub struct BulkOutcome {
    /// The items.
    pub items: Vec<Bulk>,
    /// The newest revision after it.
    pub revision: u64,
    /// Whether anything was written: false in a dry run, and when a bad item stopped all.
    pub committed: bool,
    /// By the place of an item: fields that were left out of it because callers may not write them.
    pub ignored: BTreeMap<usize, Vec<String>>,
}

/// What became of one item.
#[derive(Debug)]
pub enum Bulk {
    /// It made this record.
    Created(Record),
    /// It changed these records.
    Updated(Vec<Record>),
    /// It matched, and nothing differed.
    Unchanged(Record),
    /// It deleted this record.
    Deleted(Record),
    /// It is good, but another item stopped all.
    Stopped,
    /// It is bad.
    Failed(Vec<Issue>),
}

/// One item of a bulk update.
#[derive(Clone, Debug, Default)]
pub struct UpdateItem {
    /// The key as text.
    pub id: String,
    /// The changes.
    pub data: JsonMap,
    /// The version it must have.
    pub version: Option<u64>,
    /// Its id in an outside system, if that changes.
    pub external_id: Option<String>,
}

impl BulkOutcome {
    /// The bad items with their index.
    pub fn failures(&self) -> impl Iterator<Item = (usize, &Vec<Issue>)> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| match item {
                Bulk::Failed(issues) => Some((index, issues)),
                _ => None,
            })
    }

    /// The same with everything that its records show.
    async fn shown(mut self, store: &Store) -> Result<BulkOutcome, Error> {
        let records = self.items.iter_mut().flat_map(|item| match item {
            Bulk::Created(record) | Bulk::Unchanged(record) | Bulk::Deleted(record) => {
                std::slice::from_mut(record)
            }
            Bulk::Updated(records) => &mut records[..],
            Bulk::Stopped | Bulk::Failed(_) => &mut [],
        });
        related::fill(store, records.collect()).await?;
        Ok(self)
    }

    fn from_rows(outcome: RowsOutcome, dry_run: bool) -> BulkOutcome {
        let committed = outcome.committed;
        let stopped = !committed
            && !dry_run
            && outcome
                .rows
                .iter()
                .any(|row| matches!(row, RowOutcome::Failed(_)));
        let item = |row| match row {
            RowOutcome::Failed(issues) if issues.is_empty() => Bulk::Stopped,
            RowOutcome::Failed(issues) => Bulk::Failed(issues),
            _ if stopped => Bulk::Stopped,
            RowOutcome::Created(record) => Bulk::Created(record),
            RowOutcome::Updated(records) => Bulk::Updated(records),
            RowOutcome::Unchanged(record) => Bulk::Unchanged(record),
        };
        BulkOutcome {
            items: outcome.rows.into_iter().map(item).collect(),
            revision: outcome.revision,
            committed,
            ignored: outcome.ignored,
        }
    }
}

impl TableHandle {
    /// Creates records in one commit. Where no column is called so and undeclared fields are not taken, `externalId` is a record's id in an
    /// outside system.
    ///
    /// # Errors
    /// [`Error::Limit`] beyond [`limits::BULK_RECORDS_MAX`]; bad items are in the outcome.
    #[doc(alias = "insertMany")]
    pub async fn bulk_create(&self, records: &[JsonMap], options: BulkOptions) -> Result<BulkOutcome, Error> {
        check_size(records.len())?;
        self.store.refresh().await?;
        let records = self.named_outside(records)?;
        let rows = self.rows(&records, &options);
        let outcome = self.write_rows(&rows, &row_options(&options), None).await?;
        BulkOutcome::from_rows(outcome, options.dry_run)
            .shown(&self.store)
            .await
    }

    /// Creates or updates records, matched by one or more columns (or `externalId`), in one commit.
    ///
    /// # Errors
    /// As [`TableHandle::bulk_create`], and [`Error::Query`] for match columns that do not exist.
    pub async fn bulk_upsert(
        &self,
        match_on: &[String],
        records: &[JsonMap],
        policy: (OnMany, Blank),
        options: BulkOptions,
    ) -> Result<BulkOutcome, Error> {
        self.whole("an upsert")?;
        check_size(records.len())?;
        self.store.refresh().await?;
        let matching = self.match_fields(match_on)?;
        let records = self.named_outside(records)?;
        let rows = self.rows(&records, &options);
        let (on_many, blank) = policy;
        let options_of_rows = RowOptions {
            matching,
            on_many,
            blank,
            ..row_options(&options)
        };
        let outcome = self.write_rows(&rows, &options_of_rows, None).await?;
        BulkOutcome::from_rows(outcome, options.dry_run)
            .shown(&self.store)
            .await
    }

    /// The fields that find existing records.
    pub(crate) fn match_fields(
        &self,
        match_on: &[String],
    ) -> Result<Vec<chancery_model::filter::FieldRef>, Error> {
        use chancery_model::filter::FieldRef;
        let table = self.definition()?;
        if match_on.is_empty() {
            return Err(Error::Query(vec![Issue::new(
                "matchOn",
                Code::Required,
                "Name at least one column to match by",
            )]));
        }
        let mut issues = Vec::new();
        let mut fields = Vec::with_capacity(match_on.len());
        for name in match_on {
            match table.field(name) {
                Some(FieldRef::Column(ordinal)) if !table.at(ordinal).is_comparable() => {
                    issues.push(encryption::unmatchable(table.at(ordinal)));
                }
                Some(FieldRef::Column(ordinal)) if table.at(ordinal).kind().flags().related => {
                    issues.extend(encryption::worked_out(table.at(ordinal), "matched"));
                }
                Some(field @ (FieldRef::Column(_) | FieldRef::Key | FieldRef::ExternalId)) => {
                    fields.push(field)
                }
                Some(_) => {
                    issues.push(Issue::new(
                        name,
                        Code::Operator,
                        "Match by a column, the key or externalId",
                    ));
                }
                None => issues.push(unknown_column(&table, name)),
            }
        }
        if issues.is_empty() {
            Ok(fields)
        } else {
            Err(Error::Query(issues))
        }
    }

    /// Updates records in one commit.
    ///
    /// # Errors
    /// [`Error::Limit`]; bad items are in the outcome.
    #[doc(alias = "updateMany")]
    pub async fn bulk_update(
        &self,
        updates: &[UpdateItem],
        options: BulkOptions,
    ) -> Result<BulkOutcome, Error> {
        let coerce = coerce(&options);
        let items: Vec<(&str, Option<u64>)> = updates
            .iter()
            .map(|item| (item.id.as_str(), item.version))
            .collect();
        let input = |index: usize| Input::Object(&updates[index].data, coerce);
        let decide = |index: usize,
                      table: &Arc<Table>,
                      current: &chancery_model::Record,
                      context: &mut admit::Context| {
            let (item, input) = (&updates[index], input(index));
            let decided = admit::update(
                table,
                current,
                input,
                UpdateMode::Merge,
                options.protected,
                context,
            );
            let mut updated = knowing(decided, &external_id_issue(item.external_id.as_deref()))?;
            if let Some(external_id) = &item.external_id {
                updated.record.metadata.external_id = Some(external_id.clone());
            }
            let kind = ChangeKind::Updated;
            let write = Write::update(table, current, updated.record, updated.before, kind);
            Ok((write, updated.ignored))
        };
        self.bulk_change(&items, &options, decide, |index| Some(input(index)))
            .await
    }

    /// Deletes records in one commit: to the trash where the table has one and `permanent` is off.
    ///
    /// # Errors
    /// [`Error::Limit`]; bad items are in the outcome.
    #[doc(alias = "deleteMany")]
    pub async fn bulk_delete(&self, ids: &[String], options: BulkOptions) -> Result<BulkOutcome, Error> {
        let items: Vec<(&str, Option<u64>)> = ids.iter().map(|id| (id.as_str(), None)).collect();
        let permanent = options.permanent;
        let decide =
            |_: usize, table: &Arc<Table>, current: &chancery_model::Record, context: &mut admit::Context| {
                if permanent || !table.soft_delete {
                    return Ok((Write::purge(table, &current.key, None), Vec::new()));
                }
                let mut record = current.next(context.now, context.actor.clone());
                record.deleted_at = Some(context.now);
                let kind = ChangeKind::Deleted;
                let write = Write::update(table, current, record, Vec::new(), kind);
                Ok((write, Vec::new()))
            };
        self.bulk_change(&items, &options, decide, |_| None).await
    }

    /// Changes existing records in one commit: the shared path of bulk update and delete.
    async fn bulk_change<'a>(
        &self,
        items: &[(&str, Option<u64>)],
        options: &BulkOptions,
        decide: impl Decide,
        input: impl Fn(usize) -> Option<Input<'a>>,
    ) -> Result<BulkOutcome, Error> {
        check_size(items.len())?;
        self.store.refresh().await?;
        for _ in 0..ATTEMPTS {
            // Gather.
            let table = self.definition()?;
            let parsed: Vec<Option<Key>> = items
                .iter()
                .map(|(id, _)| Key::parse(table.key_kind, id))
                .collect();
            let known: Vec<Key> = parsed.iter().flatten().cloned().collect();
            let mut found = self.admitted(&table, &known).await?.into_iter();
            let current: Vec<Option<Arc<chancery_model::Record>>> = parsed
                .iter()
                .map(|key| key.as_ref().and_then(|_| found.next().flatten()))
                .collect();
            let now = self.store.now();

            // Decide.
            let mut seen = HashSet::new();
            let mut writes = Vec::new();
            let mut planned: Vec<Result<usize, Vec<Issue>>> = Vec::with_capacity(items.len());
            let mut left_out = Ignored::new();
            for (index, (item, current)) in items.iter().zip(&current).enumerate() {
                let wanted = changeable(&table, item, current.as_ref(), options, now).and_then(|current| {
                    if !seen.insert(current.key.clone()) {
                        let message = format!("The record {} stands twice in the request", item.0);
                        return Err(vec![Issue::new("id", Code::KeyTaken, message)]);
                    }
                    self.store
                        .decide(now, |context| decide(index, &table, current, context))
                });
                planned.push(wanted.map(|(write, ignored)| {
                    if !ignored.is_empty() {
                        left_out.insert(index, ignored);
                    }
                    writes.push(write);
                    writes.len() - 1
                }));
            }

            // Write. With bad items and all-or-nothing the rest is rehearsed, so that its conflicts are named too.
            let stop = options.on_error == OnError::Abort && planned.iter().any(Result::is_err);
            let how = how(options, stop);
            let mode = how.mode;
            let keys: Vec<Key> = writes.iter().map(key_of).collect();
            let (outcomes, revision) = match self.store.write(writes, now, how).await {
                Ok(settled) => (settled.outcomes, settled.revision),
                Err(Unsettled::Refused(why)) if why.iter().any(|(_, why)| stale(why)) => {
                    self.store.reload().await?;
                    continue;
                }
                Err(Unsettled::Refused(why)) => {
                    let mut outcomes: Vec<Became> = keys.iter().map(|_| Ok(Outcome::Defined)).collect();
                    for (index, why) in why {
                        outcomes[index] = Err(why);
                    }
                    (outcomes, self.backend().revision().await?)
                }
                Err(Unsettled::Failed(error)) => return Err(error),
            };
            let failed = |outcome: &Became| matches!(outcome, Err(_) | Ok(Outcome::Defined));
            let stopped = stop || options.on_error == OnError::Abort && outcomes.iter().any(failed);
            let item = |plan: Result<usize, Vec<Issue>>| match plan {
                Err(issues) => Bulk::Failed(issues),
                Ok(write) => changed(&table, &keys[write], &outcomes[write], stopped),
            };
            let mut items: Vec<Bulk> = planned.into_iter().map(item).collect();
            let committed = mode == Mode::Apply && !stopped;
            let issues = items.iter_mut().map(|item| match item {
                Bulk::Failed(issues) => Some(issues),
                _ => None,
            });
            let suspect = |at: usize, refused: bool| {
                let origin = Origin {
                    input: input(at)?,
                    current: Some((current[at].as_ref()?, UpdateMode::Merge)),
                    key: None,
                    cells: None,
                };
                Some(self.suspect(&table, origin, now, refused))
            };
            self.all_wrong_of(&table, issues.collect(), suspect, now).await?;
            let outcome = BulkOutcome {
                items,
                revision,
                committed,
                ignored: left_out,
            };
            return outcome.shown(&self.store).await;
        }
        Err(self.gave_up())
    }

    /// Inserts records, all or none.
    ///
    /// # Errors
    /// [`Error::Bulk`] with every bad item, [`Error::Limit`].
    pub async fn insert_many(&self, records: Vec<Json>) -> Result<Vec<Record>, Error> {
        Ok(self.insert_many_with(records).await?.value)
    }

    /// As [`TableHandle::insert_many`], and answers the revision too.
    ///
    /// # Errors
    /// As [`TableHandle::insert_many`].
    pub async fn insert_many_with(&self, records: Vec<Json>) -> Result<Transacted<Vec<Record>>, Error> {
        let mut maps = Vec::with_capacity(records.len());
        for record in records {
            match record {
                Json::Object(map) => maps.push(map),
                other => {
                    let table = self.definition()?;
                    crate::records::object(&table, &other)?;
                }
            }
        }
        let outcome = self.bulk_create(&maps, BulkOptions::default()).await?;
        let mut made = Vec::with_capacity(maps.len());
        let mut bad = Vec::new();
        for (index, item) in outcome.items.into_iter().enumerate() {
            match item {
                Bulk::Created(record) => made.push(record),
                Bulk::Failed(issues) => bad.push((index, issues)),
                _ => {}
            }
        }
        match bad.is_empty() {
            true => Ok(Transacted {
                value: made,
                revision: outcome.revision,
            }),
            false => Err(Error::Bulk(bad)),
        }
    }
}

/// What became of one write.
type Became = Result<Outcome, Refusal>;

/// The write that one item of a bulk means and what was left out of it, or its issues.
trait Decide:
    Fn(usize, &Arc<Table>, &chancery_model::Record, &mut admit::Context) -> Result<Meant, Vec<Issue>>
{
}

impl<F> Decide for F where
    F: Fn(usize, &Arc<Table>, &chancery_model::Record, &mut admit::Context) -> Result<Meant, Vec<Issue>>
{
}

/// A write, and the fields that were left out of it.
type Meant = (Write, Vec<String>);

/// The record that an item means, if it is there to be changed and at the version the caller expects.
fn changeable<'a>(
    table: &Table,
    (id, version): &(&str, Option<u64>),
    current: Option<&'a Arc<chancery_model::Record>>,
    options: &BulkOptions,
    now: i64,
) -> Result<&'a chancery_model::Record, Vec<Issue>> {
    let current = current
        .filter(|record| !table.expired(record, now))
        .filter(|record| record.deleted_at.is_none() || options.permanent)
        .ok_or_else(|| {
            vec![Issue::new(
                "id",
                Code::NotFound,
                format!("Record with key \"{id}\" not found"),
            )]
        })?;
    match version.filter(|version| *version != current.version) {
        None => Ok(current),
        Some(expected) => {
            let found = Rejection::Version {
                found: current.version,
            };
            Err(vec![
                rejection_issue(table, &current.key, &found).with("expected", expected),
            ])
        }
    }
}

/// How a bulk is committed; `stop` if it is known already that nothing will be written.
fn how(options: &BulkOptions, stop: bool) -> Commit {
    let rehearse = stop || options.dry_run;
    let skip = stop || options.on_error == OnError::Continue;
    Commit {
        on_reject: if skip { OnReject::Skip } else { OnReject::Abort },
        mode: if rehearse { Mode::Rehearse } else { Mode::Apply },
        reason: Reason::User,
        ..Commit::default()
    }
}

/// Whether a batch has to be decided again.
fn stale(why: &Refusal) -> bool {
    why.is_outdated()
        || matches!(
            why,
            Refusal::Seam(Rejection::Version { .. } | Rejection::NotFound)
        )
}

/// What became of one item whose write was sent.
fn changed(table: &Arc<Table>, key: &Key, outcome: &Became, stopped: bool) -> Bulk {
    let record = |row: &Arc<chancery_model::Record>| Record::new(table.clone(), row.clone());
    match outcome {
        Err(why) => Bulk::Failed(vec![why.issue(table, key)]),
        _ if stopped => Bulk::Stopped,
        Ok(Outcome::Written(row)) if row.deleted_at.is_some() => Bulk::Deleted(record(row)),
        Ok(Outcome::Written(row)) => Bulk::Updated(vec![record(row)]),
        Ok(Outcome::Purged(row)) => Bulk::Deleted(record(row)),
        Ok(_) => Bulk::Stopped,
    }
}

fn check_size(items: usize) -> Result<(), Error> {
    if items > limits::BULK_RECORDS_MAX {
        let (max, got) = (limits::BULK_RECORDS_MAX as u64, items as u64);
        return Err(Error::Limit {
            what: "records in one bulk request",
            max,
            got,
        });
    }
    Ok(())
}

fn row_options(options: &BulkOptions) -> RowOptions {
    RowOptions {
        on_error: options.on_error,
        dry_run: options.dry_run,
        protected: options.protected,
        matching: Vec::new(),
        on_many: OnMany::Error,
        blank: Blank::Clear,
        reason: Reason::User,
        operation: None,
        update_only: false,
        documents: Vec::new(),
    }
}
