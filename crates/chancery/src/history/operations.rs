//! Operations: what people and programs did, each as a unit. Tells of them; takes none back.
//!
//! A commit that names no operation is one by itself. Only what changed records counts: definitions, users and keys are not
//! in the change log.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chancery_model::change::{ChangeKind, Commit, Reason};
use chancery_model::{Table, TableId};
use chancery_storage::{CommitQuery, LoggedCommit};
use parking_lot::Mutex;
use serde::Serialize;

use super::span::spans;
use super::{Span, operation_id, spans_of};
use crate::error::Error;
use crate::limits::{
    COMMITS_EXAMINED_MAX, COMMITS_PASSED_MAX, COUNTED_CHANGES_MAX, COUNTS_KEPT_MAX, OPERATIONS_MAX,
    UNDO_WINDOW,
};
use crate::store::Store;

/// Commits that are looked at together.
const LOOK_AT: usize = 100;

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its id: `r` and the revision of a single commit, or the id of an import, an undo …
    pub id: Arc<str>,
    /// Its newest commit.
    pub revision: u64,
    /// Its first commit.
    pub first_revision: u64,
    /// How many commits it has.
    pub commits: u64,
    /// When its newest commit was, in ms since 1970.
    pub at: i64,
    /// Who; none for the embedding program itself.
    pub actor: Option<Arc<str>>,
    /// What for.
    pub reason: Reason,
    /// How many changes it has in all.
    pub changes: u64,
    /// What it did to which table. Of one with more than [`COUNTED_CHANGES_MAX`] changes only the table of the newest commit is told, and
    /// nothing is counted.
    pub tables: Vec<TableCounts>,
    /// The operation that it took back.
    pub reverts: Option<Arc<str>>,
    /// The newest operation that took it back.
    pub reverted_by: Option<Arc<str>>,
}

/// What an operation did to a table: how many records of each kind of change.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableCounts {
    /// The table's slug.
    pub table: String,
    /// Inserted.
    pub inserted: u64,
    /// Changed.
    pub updated: u64,
    /// Moved to the trash.
    pub deleted: u64,
    /// Brought back from the trash.
    pub restored: u64,
    /// Removed for good.
    pub purged: u64,
    /// Removed for good to make room.
    pub evicted: u64,
    /// How often the whole table was cleared.
    pub cleared: u64,
}

impl TableCounts {
    fn count(&mut self, kind: ChangeKind) {
        *match kind {
            ChangeKind::Inserted => &mut self.inserted,
            ChangeKind::Updated => &mut self.updated,
            ChangeKind::Deleted => &mut self.deleted,
            ChangeKind::Restored => &mut self.restored,
            ChangeKind::Purged => &mut self.purged,
            ChangeKind::Evicted => &mut self.evicted,
            ChangeKind::Cleared => &mut self.cleared,
        } += 1;
    }
}

/// Which operations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationQuery {
    /// Only those of this actor.
    pub actor: Option<String>,
    /// Only those that touched this table, by id or slug.
    pub table: Option<String>,
    /// At most so many; 50 if absent.
    pub limit: Option<usize>,
    /// Only those whose newest commit is before this revision.
    pub before: Option<u64>,
}

/// A page of operations.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationPage {
    /// The newest first.
    pub operations: Vec<Operation>,
    /// Where the next page begins, as [`OperationQuery::before`]; none at the end. A page may be short, even empty, and
    /// yet have a next one: so many commits are looked at for a page and no more.
    pub next: Option<u64>,
}

/// Counts of operations that were looked at. Commits never change, so neither do they.
#[derive(Default)]
pub(crate) struct Counted(Mutex<HashMap<Place, Arc<Counts>>>);

/// The id of an operation and the revision of its newest commit.
type Place = (Arc<str>, u64);

type Counts = BTreeMap<TableId, TableCounts>;

/// The newest commits of operations that were asked about for one page.
type Newest = HashMap<Arc<str>, u64>;

impl Store {
    /// What was done in this workspace, newest first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, OperationQuery, RevertOptions, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("Tasks").column(ColumnInput::new("Title", "text"))).await?;
    /// let task = tasks.insert(json!({"title": "Write"})).await?;
    /// tasks.update(task.key(), json!({"title": "Rewrite"})).await?;
    ///
    /// let newest = store.operations(OperationQuery::default()).await?.operations.remove(0);
    /// assert_eq!(newest.tables[0].updated, 1);
    /// store.revert(&newest.id, RevertOptions::default()).await?;
    /// assert_eq!(tasks.get(task.key()).await?.expect("it is there").get("title"), json!("Write"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown table, [`Error::Limit`] beyond [`OPERATIONS_MAX`].
    pub async fn operations(&self, query: OperationQuery) -> Result<OperationPage, Error> {
        self.unheld("The list of operations")?;
        let limit = query.limit.unwrap_or(50);
        if limit > OPERATIONS_MAX {
            return Err(Error::Limit {
                what: "operations at once",
                max: OPERATIONS_MAX as u64,
                got: limit as u64,
            });
        }
        self.refresh().await?;
        let only = match &query.table {
            Some(name) => Some(self.table(name)?.definition()?.number),
            None => None,
        };
        let backend = &*self.core.backend;
        let mut place = query.before.unwrap_or(u64::MAX);
        let (mut examined, mut passed) = (0, 0);
        let mut newest = Newest::new();
        let mut operations = Vec::new();
        loop {
            let look = CommitQuery::Before {
                revision: place,
                operation: None,
                limit: LOOK_AT,
            };
            let commits = backend.commits(look).await?;
            let all = spans(backend, &commits).await?;
            for (logged, span) in commits.iter().zip(&all) {
                let enough = examined == COMMITS_EXAMINED_MAX || passed == COMMITS_PASSED_MAX;
                if operations.len() == limit || enough {
                    return Ok(OperationPage {
                        operations,
                        next: Some(place),
                    });
                }
                place = logged.commit.revision;
                // Definitions, users, jobs: commits that changed no record are no operations.
                if span.len() == Some(0) {
                    passed += 1;
                    continue;
                }
                examined += 1;
                let actor = logged.commit.actor.as_deref();
                if query.actor.is_none() || query.actor.as_deref() == actor {
                    operations.extend(self.newest_of(logged, *span, only, &mut newest).await?);
                }
            }
            if commits.len() < LOOK_AT {
                return Ok(OperationPage {
                    operations,
                    next: None,
                });
            }
        }
    }

    /// One operation of this workspace.
    ///
    /// # Errors
    /// [`Error::NotFound`]: also for one whose tables were dropped since, and for one that the log does not hold any more.
    pub async fn operation(&self, id: &str) -> Result<Operation, Error> {
        self.unheld("An operation")?;
        self.refresh().await?;
        let found = match spans_of(&*self.core.backend, id).await? {
            Some((spans, commit)) => self.told(&commit, &spans, None).await?,
            None => None,
        };
        found.ok_or_else(|| no_operation(id))
    }

    /// The operation whose newest commit this is, if it is to be told.
    async fn newest_of(
        &self,
        logged: &LoggedCommit,
        span: Span,
        only: Option<TableId>,
        newest: &mut Newest,
    ) -> Result<Option<Operation>, Error> {
        let commit = &logged.commit;
        let Some(id) = &commit.operation else {
            return self.told(commit, &[span], only).await;
        };
        if newest
            .get(id)
            .is_some_and(|revision| *revision != commit.revision)
        {
            return Ok(None);
        }
        let Some((spans, last)) = spans_of(&*self.core.backend, id).await? else {
            return Ok(None);
        };
        newest.insert(id.clone(), last.revision);
        match last.revision == commit.revision {
            true => self.told(&last, &spans, only).await,
            false => Ok(None),
        }
    }

    /// Everything about an operation; none if it touched nothing in this workspace, or not the table that is asked for.
    pub(crate) async fn told(
        &self,
        newest: &Commit,
        spans: &[Span],
        only: Option<TableId>,
    ) -> Result<Option<Operation>, Error> {
        self.told_counting(COUNTED_CHANGES_MAX, newest, spans, only).await
    }

    /// The same, counting at most so many changes.
    async fn told_counting(
        &self,
        most: u64,
        newest: &Commit,
        spans: &[Span],
        only: Option<TableId>,
    ) -> Result<Option<Operation>, Error> {
        let id = operation_id(newest);
        let Some(changes) = self.sum(spans).await? else {
            return Ok(None);
        };
        let counts = match changes <= most {
            true => self.counts(&id, newest.revision, spans).await?,
            false => Arc::new(self.first_table(spans).await?),
        };
        let catalog = self.core.catalog.load();
        let here = |number: &TableId| -> Option<&Arc<Table>> {
            catalog
                .numbered(*number)
                .filter(|table| *table.workspace == *self.workspace)
        };
        let tables: Vec<TableCounts> = counts
            .iter()
            .filter_map(|(number, counts)| {
                here(number).map(|table| TableCounts {
                    table: table.slug.clone(),
                    ..counts.clone()
                })
            })
            .collect();
        if tables.is_empty() || only.is_some_and(|only| !counts.contains_key(&only)) {
            return Ok(None);
        }
        let marks = self.undo_marks(&id, newest.reason).await?;
        Ok(Some(Operation {
            revision: newest.revision,
            first_revision: spans.last().map_or(newest.revision, |span| span.revision),
            commits: spans.len() as u64,
            at: newest.at,
            actor: newest.actor.clone(),
            reason: newest.reason,
            changes,
            tables,
            reverts: marks.reverts,
            reverted_by: marks.reverted_by,
            id,
        }))
    }

    /// How many changes the spans have; none if they have none.
    async fn sum(&self, spans: &[Span]) -> Result<Option<u64>, Error> {
        let mut sum = 0;
        for span in spans {
            sum += match span.len() {
                Some(len) => len,
                None => self.open_length(span).await?,
            };
        }
        Ok((sum > 0).then_some(sum))
    }

    /// How many changes the newest commit has.
    pub(crate) async fn open_length(&self, span: &Span) -> Result<u64, Error> {
        let mut length = 0;
        loop {
            let changes = self.changes(span.first + length - 1, UNDO_WINDOW).await?;
            let own = changes
                .iter()
                .take_while(|change| change.revision == span.revision)
                .count();
            length += own as u64;
            if own < UNDO_WINDOW {
                return Ok(length);
            }
        }
    }

    /// What the spans hold, counted once.
    async fn counts(&self, id: &Arc<str>, newest: u64, spans: &[Span]) -> Result<Arc<Counts>, Error> {
        let key = (id.clone(), newest);
        if let Some(known) = self.core.counted.0.lock().get(&key) {
            return Ok(known.clone());
        }
        let mut counts = Counts::new();
        for span in spans {
            let mut next = span.first;
            while span.end.is_none_or(|end| next < end) {
                let changes = self.changes(next - 1, UNDO_WINDOW).await?;
                let from = next;
                for change in changes
                    .into_iter()
                    .take_while(|change| change.revision == span.revision)
                {
                    counts.entry(change.table).or_default().count(change.kind);
                    next = change.number + 1;
                }
                if next - from < UNDO_WINDOW as u64 {
                    break;
                }
            }
        }
        let counts = Arc::new(counts);
        let mut kept = self.core.counted.0.lock();
        if kept.len() >= COUNTS_KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, counts.clone());
        Ok(counts)
    }

    /// The table of the newest change, of an operation too large to be counted.
    async fn first_table(&self, spans: &[Span]) -> Result<Counts, Error> {
        let Some(span) = spans.first() else {
            return Ok(Counts::new());
        };
        let first = self.changes(span.first - 1, 1).await?.pop();
        Ok(first
            .map(|change| (change.table, TableCounts::default()))
            .into_iter()
            .collect())
    }
}

/// The refusal of an operation that is not there.
pub(crate) fn no_operation(id: &str) -> Error {
    Error::NotFound {
        what: "operation",
        message: format!("No operation \"{id}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Commit;
    use crate::{ColumnInput, TableInput, json};

    #[tokio::test]
    async fn commits_that_changed_no_record_make_no_page_short() {
        let store = Store::open("memory:").await.expect("a store");
        let input = TableInput::new("Tasks").column(ColumnInput::new("Title", "text"));
        let tasks = store.create_table(input).await.expect("defined");
        let task = tasks.insert(json!({"title": "one"})).await.expect("inserted");
        for _ in 0..=COMMITS_EXAMINED_MAX {
            let nothing = store.commit(Vec::new(), store.now(), Commit::default()).await;
            nothing.expect("written");
        }
        let (unit, name) = store.begin_operation();
        let unit_tasks = unit.table("tasks").expect("there");
        for n in 0..3 {
            let change = json!({"title": format!("title {n}")});
            unit_tasks.update(task.key(), change).await.expect("updated");
        }
        // Its last commit wrote no more than down that it is over.
        let nothing = unit.commit(Vec::new(), store.now(), Commit::default()).await;
        nothing.expect("written");
        tasks
            .update(task.key(), json!({"title": "two"}))
            .await
            .expect("updated");
        let page = store.operations(OperationQuery::default()).await.expect("listed");
        let told: Vec<(u64, u64)> = page
            .operations
            .iter()
            .map(|op| (op.commits, op.changes))
            .collect();
        assert_eq!(told, [(1, 1), (3, 3), (1, 1)]);
        assert_eq!(page.operations[1].id, name);
        assert_eq!(page.next, None);

        // As it is told of one that is too large to be counted.
        let found = spans_of(store.backend().as_ref(), &name).await.expect("read");
        let (spans, newest) = found.expect("there");
        let told = |most| store.told_counting(most, &newest, &spans, None);
        let (counted, uncounted) = (told(3).await.expect("read"), told(2).await.expect("read"));
        let of = |updated| TableCounts {
            table: "tasks".into(),
            updated,
            ..TableCounts::default()
        };
        assert_eq!(counted.expect("told").tables, [of(3)]);
        let uncounted = uncounted.expect("told");
        assert_eq!((uncounted.changes, uncounted.tables), (3, vec![of(0)]));
    }
}
