//! Takes back what an import wrote before it failed, was cancelled or was cut short by the end of the program. It reads the
//! change log, so it needs to remember nothing but where the import began.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind, Reason};
use chancery_model::{Key, Record, RecordMetadata, Table};
use chancery_storage::{Backend, DocumentQuery, OnReject, StorageError, Write};
use serde::{Deserialize, Serialize};

use super::kept::{RUNNING_KIND, delete_document, put_document};
use super::report::{ImportEnd, ImportReport};
use crate::error::Error;
use crate::rules::Unsettled;
use crate::store::{Commit, Store, TableHandle};

/// Changes looked at together.
const WINDOW: u64 = 5_000;

/// What is written down of an import while it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Running {
    pub(super) import: String,
    pub(super) workspace: String,
    pub(super) table: String,
    /// The newest change before it began.
    pub(super) after: u64,
    /// Its commits that are known, all but the last few.
    pub(super) revisions: Vec<u64>,
    /// The table was made by it.
    pub(super) new_table: bool,
    /// Columns it made.
    pub(super) columns: Vec<String>,
    /// Options it made: column and name.
    pub(super) options: Vec<(String, String)>,
    pub(super) report: ImportReport,
}

/// The number of the newest change: the largest after which there is none.
pub(super) async fn newest_change(backend: &dyn Backend) -> Result<u64, StorageError> {
    let (mut low, mut step) = (0_u64, 1_u64);
    while !backend.changes(low + step - 1, 1).await?.is_empty() {
        low += step;
        step *= 2;
    }
    let mut high = low + step - 1;
    while low < high {
        let middle = low + (high - low) / 2;
        if backend.changes(middle, 1).await?.is_empty() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// Takes an import back as if it had not been: its records are purged, records it changed are as they were, the table,
/// columns and options it made are gone. What others changed since stays as they left it.
///
/// # Errors
/// Whatever the backend says; then it can be tried again.
pub(super) async fn take_back(store: &Store, running: &Running) -> Result<(), Error> {
    let store = store.repeatable();
    let Some(table) = store.core.catalog.load().by_id.get(&running.table).cloned() else {
        return Ok(());
    };
    let handle = store.handle(&table);
    if running.new_table {
        return handle.drop_table().await;
    }
    let known: HashSet<u64> = running.revisions.iter().copied().collect();
    let mut undoing = Undoing {
        handle: &handle,
        table: &table,
        running,
        known,
        earlier: HashMap::new(),
    };
    let mut end = newest_change(handle.backend()).await?;
    while end > running.after {
        let start = end.saturating_sub(WINDOW).max(running.after);
        let changes = handle.backend().changes(start, (end - start) as usize).await?;
        undoing
            .window(
                changes
                    .into_iter()
                    .filter(|change| change.number <= end)
                    .collect(),
            )
            .await?;
        end = start;
    }
    for (column, name) in &running.options {
        let made = handle.column(column).ok();
        let id = made.and_then(|column| {
            column
                .live_options()
                .find(|option| option.name == *name)
                .map(|o| o.id.clone())
        });
        if let Some(id) = id {
            handle.delete_option(column, &id).await?;
        }
    }
    for column in &running.columns {
        match handle.delete_column(column).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

struct Undoing<'a> {
    handle: &'a TableHandle,
    table: &'a Arc<Table>,
    running: &'a Running,
    known: HashSet<u64>,
    /// Records whose newer change by the import is taken back already: the change before it.
    earlier: HashMap<Key, u64>,
}

impl Undoing<'_> {
    /// Takes back a stretch of the log, newest first.
    async fn window(&mut self, changes: Vec<Change>) -> Result<(), Error> {
        let ours = |change: &Change| {
            change.table == self.table.number
                && matches!(change.kind, ChangeKind::Inserted | ChangeKind::Updated)
                && change.key.is_some()
        };
        let changes: Vec<Change> = changes.into_iter().rev().filter(ours).collect();
        let keys: Vec<Key> = changes.iter().filter_map(|change| change.key.clone()).collect();
        let found = self.handle.backend().get_many(self.table, &keys).await?;
        let mut now: HashMap<Key, Record> = HashMap::new();
        for record in found.into_iter().flatten() {
            now.entry(record.key.clone())
                .or_insert_with(|| Record::clone(&record));
        }
        let mut writes = Vec::new();
        for change in changes {
            let Some(key) = &change.key else { continue };
            let Some(record) = now.get_mut(key) else { continue };
            if !self.is_ours(&change, record) {
                continue;
            }
            if change.kind == ChangeKind::Inserted {
                writes.push(Write::purge(self.table, key, None));
                now.remove(key);
                continue;
            }
            self.earlier.insert(key.clone(), change.previous);
            writes.push(self.restored(record, change));
        }
        if writes.is_empty() {
            return Ok(());
        }
        let how = Commit {
            on_reject: OnReject::Skip,
            reason: Reason::Undo,
            operation: Some(self.running.import.as_str().into()),
            ..Commit::default()
        };
        // What others refer to by now stays, as what others changed does.
        match self
            .handle
            .store
            .write(writes, self.handle.store.now(), how)
            .await
        {
            Ok(_) => Ok(()),
            Err(Unsettled::Failed(error)) => Err(error),
            Err(Unsettled::Refused(_)) => Err(Error::Internal("the table changed meanwhile".into())),
        }
    }

    /// Whether a change is the import's and nobody changed the record since. The last commits before the end of a program
    /// are not written down; of these the record itself says whether the import made them.
    fn is_ours(&self, change: &Change, record: &Record) -> bool {
        let marked = record.metadata.import_id.as_deref() == Some(self.running.import.as_str());
        if change.kind == ChangeKind::Inserted {
            return marked || self.earlier.contains_key(&record.key);
        }
        let newest = match change.key.as_ref().and_then(|key| self.earlier.get(key)) {
            Some(earlier) => *earlier == change.number,
            None => marked && record.change == change.number,
        };
        let last = self.running.revisions.iter().max().copied().unwrap_or(0);
        newest && (self.known.contains(&change.revision) || change.revision > last)
    }

    /// The record as it was before a change.
    fn restored(&self, record: &mut Record, change: Change) -> Write {
        let now = record.clone();
        record.version += 1;
        record.updated_at = self.handle.store.now();
        record.updated_by = self.handle.store.actor.id.clone();
        record.metadata = RecordMetadata {
            import_id: None,
            import_row: None,
            ..record.metadata.clone()
        };
        if record.values.len() < self.table.columns.len() {
            let mut longer = std::mem::take(&mut record.values).into_vec();
            longer.resize(self.table.columns.len(), chancery_model::Value::Null);
            record.values = longer.into_boxed_slice();
        }
        let mut before = Vec::with_capacity(change.before.len());
        for (ordinal, value) in change.before {
            let slot = &mut record.values[usize::from(ordinal)];
            before.push((ordinal, std::mem::replace(slot, value)));
        }
        Write::update(self.table, &now, record.clone(), before, ChangeKind::Updated)
    }
}

/// Takes back every import that was running when the program ended. Called when a store is opened.
///
/// # Errors
/// Whatever the backend says.
pub(crate) async fn recover(store: &Store) -> Result<(), Error> {
    let documents = store
        .backend()
        .documents(DocumentQuery::Kind(RUNNING_KIND.into()))
        .await?;
    for document in documents {
        let Ok(mut running) = serde_json::from_value::<Running>(document.body) else {
            continue;
        };
        tracing::warn!(import = %running.import, "an import was interrupted; taking back what it wrote");
        let here = store
            .in_workspace(&running.workspace)
            .unwrap_or_else(|_| store.clone());
        take_back(&here, &running).await?;
        running.report.end = ImportEnd::Interrupted;
        let kept = super::kept::Kept::new(&running.workspace, running.report);
        let documents = vec![
            put_document(super::kept::REPORT_KIND, &document.id, &kept)?,
            delete_document(RUNNING_KIND, &document.id),
        ];
        here.commit(
            Vec::new(),
            here.now(),
            Commit {
                documents,
                ..Commit::default()
            },
        )
        .await?;
    }
    Ok(())
}
