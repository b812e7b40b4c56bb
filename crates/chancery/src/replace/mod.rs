//! A column takes the place of another one, while everybody reads and writes: its values are made from those of the other. First it is
//! filled behind it, with whatever is written meanwhile written into both ([`chancery_model::admit`]); then it stands in its place; last,
//! nothing of the other stays, neither in records nor in the history, which has the new values from then on. Where the field type changes, the
//! old values stay too, unseen, for the way back. What a value becomes is decided elsewhere.

mod abandon;
mod retell;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use chancery_model::change::{Change, ChangeKind, Reason};
use chancery_model::column::Replaces;
use chancery_model::convert::taken_over;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Boundary, Plan, Scope, Window};
use chancery_model::{Code, Column, Issue, Key, Record, Table, Value, define};
use chancery_storage::{Backend, CommitQuery, CountMode, Write};
use uuid::Uuid;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::jobs::{JobState, Step, Work};
use crate::records::IntoKey;
use crate::schema::find;

/// What the new column is like, as far as it differs from the old one.
pub(crate) type Shape = Box<dyn Fn(&mut Column) -> Result<(), Vec<Issue>> + Send + Sync>;

/// One column taking the place of another.
pub(crate) struct Replacement {
    pub(crate) table: TableHandle,
    /// The slug of both.
    pub(crate) column: String,
    /// The id of the job that it is.
    pub(crate) job: String,
    pub(crate) dry_run: bool,
    pub(crate) shape: Shape,
}

/// Where it stands, as the job keeps it.
#[derive(Debug, PartialEq)]
enum Place<'a> {
    /// The new column is filled; the key of the last record.
    Fill(Option<&'a str>),
    /// All is filled and committed.
    Filled,
    /// The old column is cleared; the key of the last record.
    Clear(Option<&'a str>),
    /// The log is written anew; the number of the last change.
    Log(u64),
}

impl Place<'_> {
    fn of(cursor: Option<&str>) -> Option<Place<'_>> {
        let Some(cursor) = cursor else {
            return Some(Place::Fill(None));
        };
        Some(match cursor.split_once(':')? {
            ("fill", key) => Place::Fill(Some(key)),
            ("filled", _) => Place::Filled,
            ("clear", key) => Place::Clear(Some(key)),
            ("log", number) => Place::Log(number.parse().ok()?),
            _ => return None,
        })
    }
}

/// Both columns, by a definition that has them.
#[derive(Clone, Copy)]
struct Pair<'a> {
    table: &'a Table,
    old: &'a Column,
    new: &'a Column,
}

impl Pair<'_> {
    fn converted(
        &self,
        handle: &TableHandle,
        key: &Key,
        value: &Value,
        kept: &dyn Fn(u16) -> Value,
    ) -> Result<Value, Issue> {
        handle
            .store
            .sealing(|cells| taken_over(cells, self.table, (self.old, self.new), key, value, kept))
    }

    /// Whether the field type changes: then what the old column holds is kept, so that it can change back.
    fn retypes(&self) -> bool {
        self.new
            .made_from
            .as_ref()
            .is_some_and(|made| made.ordinal == self.old.ordinal)
    }

    /// Whether something may become of no value: what was lost comes back.
    fn goes_back(&self) -> bool {
        self.new
            .made_from
            .as_ref()
            .is_some_and(|made| made.back.is_some())
    }
}

impl Replacement {
    /// What is wrong with it, before anything is begun.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let table = self.table.definition()?;
        self.made(&table).map(drop).map_err(Error::Definition)
    }

    /// The new column, beside the old one.
    fn made(&self, table: &Table) -> Result<Column, Vec<Issue>> {
        let old = find(table, &self.column).map_err(|error| refusal(&error))?;
        let old = table.at(old);
        check_settled_column(table, old.ordinal).map_err(|error| refusal(&error))?;
        let mut column = Column {
            id: Uuid::now_v7().to_string(),
            ordinal: table.columns.len() as u16,
            replaces: Some(Replaces {
                ordinal: old.ordinal,
                job: self.job.clone(),
                waits: true,
            }),
            made_from: None,
            ..old.clone()
        };
        column.refresh();
        (self.shape)(&mut column)?;
        let issues = define::check_replacement(table, (old, &column));
        if issues.is_empty() {
            Ok(column)
        } else {
            Err(issues)
        }
    }

    /// Whether this job's column is there.
    fn is_begun(&self, table: &Table) -> bool {
        table.replacing().any(|(_, replaces)| replaces.job == self.job)
    }

    /// The definition with both columns. A dry run makes the new one only for itself, any other at its first step.
    async fn begun(&self, after: Option<&str>) -> Result<Arc<Table>, Error> {
        let table = self.table.definition()?;
        if self.is_begun(&table) || (after.is_some() && !self.dry_run) {
            return Ok(table);
        }
        if self.dry_run {
            let mut told = Table::clone(&table);
            let column = self.made(&told).map_err(Error::Definition)?;
            told.columns.push(column);
            told.refresh();
            return Ok(Arc::new(told));
        }
        let begun = self.table.change(|table| {
            if !self.is_begun(table) {
                let column = self.made(table)?;
                table.columns.push(column);
            }
            Ok(())
        });
        let begun = begun.await?;
        // Whoever calls a job off stops it first: one of the two sees the other.
        if self.table.store.job(&self.job).await?.state != JobState::Running {
            self.abandon().await?;
            return Err(called_off());
        }
        Ok(begun)
    }

    fn pair<'a>(&self, table: &'a Table) -> Result<Pair<'a>, Error> {
        let mut all = table.replacing();
        let found = all.find(|(_, replaces)| replaces.job == self.job);
        let (new, replaces) = found.ok_or_else(called_off)?;
        Ok(Pair {
            table,
            old: table.at(replaces.ordinal),
            new,
        })
    }

    /// Puts the new column into the place of the old one.
    async fn swap(&self) -> Result<Arc<Table>, Error> {
        let table = self.table.definition()?;
        if !self.pair(&table)?.new.waits() {
            return Ok(table);
        }
        let now = self.table.store.now();
        self.table
            .change(|table| {
                let pair = self.pair(table).map_err(|error| refusal(&error))?;
                let (old, new, retypes) = (pair.old.ordinal, pair.new.ordinal, pair.retypes());
                // One that was made meanwhile may be none that the new column can have.
                if !table.at(new).is_comparable() {
                    table.indexes.retain(|index| !index.contains(&old));
                }
                let ordinals = table.indexes.iter_mut().flatten();
                ordinals
                    .filter(|ordinal| **ordinal == old)
                    .for_each(|ordinal| *ordinal = new);
                let left = &mut table.columns[usize::from(old)];
                left.deleted_at = Some(now);
                left.primary = false;
                left.indexed = false;
                left.constraints.unique = false;
                left.superseded = retypes;
                let (order_index, id) = (left.order_index, left.id.clone());
                let column = &mut table.columns[usize::from(new)];
                column.order_index = order_index;
                if let Some(replaces) = &mut column.replaces {
                    replaces.waits = false;
                }
                if retypes {
                    // To whoever names it by its id, it is the same column.
                    let own = std::mem::replace(&mut column.id, id);
                    table.columns[usize::from(old)].id = own;
                    return self.check_elsewhere(table);
                }
                Ok(())
            })
            .await
    }

    /// Whether what other columns show is there to be shown once the field type has changed.
    fn check_elsewhere(&self, table: &Table) -> Result<(), Vec<Issue>> {
        let issues = crate::retype::check_elsewhere(&self.table.store, table);
        if issues.is_empty() { Ok(()) } else { Err(issues) }
    }

    /// Records after a key, in whatever state.
    async fn page(
        &self,
        table: &Arc<Table>,
        after: Option<&str>,
        rows: u64,
    ) -> Result<Vec<Arc<Record>>, Error> {
        page(&self.table, table, after, rows).await
    }

    /// Fills the new column of some records; none where there are no more.
    async fn fill(&self, after: Option<&str>, rows: u64) -> Result<Option<Step>, Error> {
        let table = self.begun(after).await?;
        let pair = self.pair(&table)?;
        if !pair.new.waits() {
            // It is in its place, and only that this is so was not written down.
            return Ok(None);
        }
        let records = self.page(&self.table.definition()?, after, rows).await?;
        let Some(last) = records.last() else {
            return Ok(None);
        };
        let mut step = Step {
            cursor: format!("fill:{}", last.key),
            seen: records.len() as u64,
            ..Step::default()
        };
        for record in &records {
            let value = record.value(pair.old.ordinal);
            let filled = !self.dry_run && !record.value(pair.new.ordinal).is_null();
            if filled || (value.is_null() && !pair.goes_back()) {
                step.skipped += 1;
                continue;
            }
            let kept = |ordinal: u16| record.value(ordinal).clone();
            match pair.converted(&self.table, &record.key, value, &kept) {
                // It is lost, as was asked.
                Ok(Value::Null) if !value.is_blank() => step.failed += 1,
                Ok(Value::Null) => step.skipped += 1,
                Ok(value) => {
                    step.done += 1;
                    step.writes.push(put(&table, record, pair.new.ordinal, value));
                }
                Err(_) if self.dry_run => step.failed += 1,
                Err(mut issue) => {
                    issue.message = format!("Record \"{}\": {}", record.key, issue.message);
                    return Err(self.refused(issue));
                }
            }
        }
        Ok(Some(step))
    }

    /// Clears the old column of some records; none where there are no more.
    async fn clear(&self, table: &Arc<Table>, after: Option<&str>, rows: u64) -> Result<Option<Step>, Error> {
        let old = self.pair(table)?.old.ordinal;
        let records = self.page(table, after, rows).await?;
        let Some(last) = records.last() else {
            return Ok(None);
        };
        let left = records.iter().filter(|record| !record.value(old).is_null());
        Ok(Some(Step {
            cursor: format!("clear:{}", last.key),
            seen: records.len() as u64,
            writes: left.map(|record| put(table, record, old, Value::Null)).collect(),
            ..Step::default()
        }))
    }

    /// Writes some of the log anew, as if the new column had always been there; none where there is no more. Done twice, it does nothing.
    async fn log(&self, after: u64, rows: u64) -> Result<Option<Step>, Error> {
        let table = self.table.definition()?;
        let pair = self.pair(&table)?;
        let backend = self.table.backend();
        // A log that was cut begins later than its numbers do.
        let after = match after {
            0 => oldest_change(backend).await?.saturating_sub(1),
            after => after,
        };
        let found = backend.changes_of(table.number, after, rows as usize).await?;
        if found.looked_at == after {
            return Ok(None);
        }
        let seen = found.looked_at - after;
        let mut step = Step {
            cursor: format!("log:{}", found.looked_at),
            seen,
            passed: seen - found.changes.len() as u64,
            ..Step::default()
        };
        let mut told: Vec<Change> = found
            .changes
            .into_iter()
            .filter(|change| pair.is_in(change))
            .collect();
        let revisions = told.iter().map(|change| change.revision).collect();
        let commits = backend.commits(CommitQuery::Revisions(revisions)).await?;
        let own = |commit: &chancery_model::change::Commit| commit.operation.as_deref() == Some(&self.job);
        let own: HashSet<u64> = commits
            .iter()
            .filter(|logged| own(&logged.commit))
            .map(|logged| logged.commit.revision)
            .collect();
        for change in &mut told {
            let ours = own.contains(&change.revision);
            match pair.retell(&self.table, change, ours) {
                Ok(()) => {}
                // It would open with the vault's keys: nothing of it is forgotten for want of them.
                Err(issue) if issue.code == Code::Sealed => return Err(self.refused(issue)),
                Err(_) => step.failed += 1,
            }
        }
        if !told.is_empty() {
            backend.rewrite(told).await?;
        }
        Ok(Some(step))
    }

    fn refused(&self, issue: Issue) -> Error {
        Error::Invalid {
            table: self
                .table
                .definition()
                .map_or_else(|_| String::new(), |table| table.slug.clone()),
            issues: vec![issue],
        }
    }
}

#[async_trait]
impl Work for Replacement {
    /// Records twice and changes of the log, with its own two of each record that has a value; in a dry run, records.
    async fn total(&self) -> Result<u64, Error> {
        let table = self.table.definition()?;
        let all = Plan {
            scope: Scope::All,
            ..Plan::all(table.clone(), i64::MIN)
        };
        let backend = self.table.backend();
        let records = backend.count(&all, CountMode::Exact).await?;
        if self.dry_run {
            return Ok(records);
        }
        let old = FieldRef::Column(find(&table, &self.column)?);
        let with_value = Plan {
            filter: Filter::Field(old, Test::Present),
            ..all
        };
        let filled = backend.count(&with_value, CountMode::Exact).await?;
        let newest = CommitQuery::Before {
            revision: u64::MAX,
            operation: None,
            limit: 1,
        };
        let newest = backend.commits(newest).await?;
        let newest = newest.first().map_or(0, |logged| logged.first_change);
        let oldest = oldest_change(backend).await?;
        Ok((records + filled) * 2 + newest.saturating_sub(oldest))
    }

    async fn step(&self, after: Option<&str>, rows: u64) -> Result<Option<Step>, Error> {
        let place = Place::of(after).ok_or_else(|| Error::Internal("a job is at no place".into()))?;
        let next = |cursor: &str| Step {
            cursor: cursor.into(),
            ..Step::default()
        };
        match place {
            Place::Fill(key) => match self.fill(key, rows).await? {
                // Before the columns change places, all of it is to be committed: so this is a step of its own.
                None if !self.dry_run => Ok(Some(next("filled:"))),
                step => Ok(step),
            },
            Place::Filled => {
                let table = self.swap().await?;
                if self.pair(&table)?.retypes() {
                    return Ok(Some(next("log:0")));
                }
                let step = self.clear(&table, None, rows).await?;
                Ok(Some(step.unwrap_or_else(|| next("log:0"))))
            }
            Place::Clear(key) => {
                let step = self.clear(&self.table.definition()?, key, rows).await?;
                Ok(Some(step.unwrap_or_else(|| next("log:0"))))
            }
            // That it is finished was perhaps not written down.
            Place::Log(_) if !self.is_begun(&*self.table.definition()?) => Ok(None),
            Place::Log(number) => self.log(number, rows).await,
        }
    }

    fn reason(&self) -> Reason {
        Reason::Upkeep
    }

    async fn finish(&self) -> Result<(), Error> {
        let table = self.table.definition()?;
        if !self.is_begun(&table) {
            return Ok(());
        }
        let pair = self.pair(&table)?;
        if pair.new.encrypted.is_some() {
            // Nor does anything readable stay in what it was before its field type changed.
            let mut made = pair.old.made_from.as_ref();
            while let Some(earlier) = made {
                self.wipe(earlier.ordinal).await?;
                made = table.at(earlier.ordinal).made_from.as_ref();
            }
        }
        self.table
            .change(|table| {
                let mut left = Vec::new();
                for column in &mut table.columns {
                    if let Some(replaces) = column.replaces.take_if(|own| own.job == self.job) {
                        left.push(replaces.ordinal);
                    }
                }
                for ordinal in left {
                    // Nothing is sealed for it any more.
                    if let Some(encryption) = &mut table.columns[usize::from(ordinal)].encrypted {
                        encryption.kid = 0;
                    }
                }
                Ok(())
            })
            .await
            .map(drop)
    }

    async fn give_up(&self) -> Result<(), Error> {
        self.abandon().await
    }
}

/// The number of the oldest change that the log holds; 0 if it holds none.
async fn oldest_change(backend: &dyn Backend) -> Result<u64, Error> {
    let oldest = backend.changes(0, 1).await?;
    Ok(oldest.first().map_or(0, |change| change.number))
}

/// Records after a key, in whatever state.
pub(crate) async fn page(
    handle: &TableHandle,
    table: &Arc<Table>,
    after: Option<&str>,
    rows: u64,
) -> Result<Vec<Arc<Record>>, Error> {
    let window = match after.map(|text| text.to_key(table)) {
        None => Window::Offset {
            offset: 0,
            limit: rows,
        },
        Some(Some(key)) => Window::After {
            boundary: Boundary {
                values: Vec::new(),
                key,
            },
            limit: rows,
        },
        Some(None) => return Err(Error::Internal("the place of a job is no key".into())),
    };
    let plan = Plan {
        filter: Filter::All,
        scope: Scope::All,
        window,
        ..Plan::all(table.clone(), i64::MIN)
    };
    Ok(handle.backend().query(&plan).await?)
}

/// Refuses what cannot be done while a column of the table takes the place of another.
///
/// # Errors
/// [`Error::Taken`].
pub(crate) fn check_settled(table: &Table) -> Result<(), Error> {
    table.replacing().next().map_or(Ok(()), busy)
}

/// Refuses to change a column that another one replaces just now, or that takes the place of another.
///
/// # Errors
/// [`Error::Taken`].
pub(crate) fn check_settled_column(table: &Table, ordinal: u16) -> Result<(), Error> {
    let mut all = table.replacing();
    let found = all.find(|(column, replaces)| column.ordinal == ordinal || replaces.ordinal == ordinal);
    found.map_or(Ok(()), busy)
}

fn busy((column, replaces): (&Column, &Replaces)) -> Result<(), Error> {
    let message = format!(
        "All values of column \"{}\" are being changed by job {}; wait for it, or cancel it",
        column.slug, replaces.job
    );
    Err(Error::Taken {
        what: "column",
        message,
    })
}

/// An error as what is wrong with a definition.
pub(crate) fn refusal(error: &Error) -> Vec<Issue> {
    vec![Issue::new("column", Code::Definition, error.to_string())]
}

fn called_off() -> Error {
    Error::Taken {
        what: "job",
        message: "The job was called off, and its column with it".into(),
    }
}

/// A record with another value in one column; when and by whom it was written stays.
pub(crate) fn put(table: &Arc<Table>, record: &Record, ordinal: u16, value: Value) -> Write {
    let mut next = Record {
        version: record.version + 1,
        ..record.clone()
    };
    let mut values = std::mem::take(&mut next.values).into_vec();
    let at = usize::from(ordinal);
    if values.len() <= at {
        values.resize(at + 1, Value::Null);
    }
    let old = std::mem::replace(&mut values[at], value);
    next.values = values.into_boxed_slice();
    Write::update(table, record, next, vec![(ordinal, old)], ChangeKind::Updated)
}
