//! Letting go of files that nobody names: no record, none in the trash, no change that can be taken back. And of contents that a
//! program left without a row when it was killed.

use std::collections::{BTreeMap, HashSet};

use chancery_model::query::{Boundary, Query, Scope};
use chancery_model::{Key, TableId, Value};
use chancery_storage::files::{ContentName, ContentPart};
use chancery_storage::{OnReject, StorageError};
use uuid::Uuid;

use super::rows::{Tables, UseRow, read};
use super::{ended_at, key, rows};
use crate::error::Error;
use crate::limits::{FILE_UNUSED_MAX_MS, FILES_AT_ONCE, FILES_SWEPT_MAX};
use crate::reads::{Count, PageWindow};
use crate::record::Record;
use crate::store::{Commit, Store};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweptFiles {
    /// Files that were looked at.
    pub looked_at: usize,
    /// Files that were let go.
    pub files: usize,
    /// Contents without a file that were let go.
    pub contents: usize,
}

impl Store {
    /// Lets go of files of all workspaces that are older than a day and that nobody names; looks at some thousands of them, and the
    /// next time at those behind them.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn sweep_files(&self) -> Result<SweptFiles, Error> {
        let mut swept = SweptFiles::default();
        if let Some(tables) = self.known_file_tables().await? {
            while swept.looked_at < FILES_SWEPT_MAX {
                let after = self.core.files.swept.lock().clone();
                let page = page(&tables, after.as_deref()).await?;
                let old: Vec<Record> = page
                    .iter()
                    .filter(|file| self.is_old(file.created_at()))
                    .cloned()
                    .collect();
                swept.looked_at += page.len();
                swept.files += self.sweep_page(&tables, &old).await?;
                let last = page
                    .last()
                    .filter(|_| page.len() == FILES_AT_ONCE)
                    .map(Record::id);
                let done = last.is_none();
                *self.core.files.swept.lock() = last;
                if done {
                    break;
                }
            }
        }
        swept.contents = self.sweep_contents().await?;
        Ok(swept)
    }

    fn is_old(&self, at: i64) -> bool {
        at < self.now() - FILE_UNUSED_MAX_MS
    }

    async fn sweep_page(&self, tables: &Tables, files: &[Record]) -> Result<usize, Error> {
        if files.is_empty() {
            return Ok(0);
        }
        // What is found from here on is at least as new.
        let revision = self.revision().await?;
        let uses = self.uses_of_all(tables, files).await?;
        let held = self.held(tables, uses, revision).await?;
        let mut gone = 0;
        for file in files.iter().filter(|file| !held.contains(&file.id())) {
            gone += usize::from(self.end_unused(tables, &file.id()).await?);
        }
        Ok(gone)
    }

    /// Lets go of one file, if nothing holds it still.
    async fn end_unused(&self, tables: &Tables, id: &str) -> Result<bool, Error> {
        let Some(record) = self.file_record(id).await? else {
            return Ok(false);
        };
        let oldest = self.core.backend.oldest().await?;
        let uses = self.uses_of(tables, id).await?;
        for (kept, table) in &uses {
            let Some(table) = table else { continue };
            let forgotten = read::<UseRow>(kept)?.ended.is_some_and(|ended| ended < oldest);
            if !forgotten || !self.named_in(table, &[id.to_owned()]).await?.is_empty() {
                return Ok(false);
            }
        }
        self.end_file(&record, &uses).await
    }

    async fn uses_of_all(&self, tables: &Tables, files: &[Record]) -> Result<Vec<(Record, UseRow)>, Error> {
        let ids: Vec<String> = files.iter().map(Record::id).collect();
        let query = Query::new().filter("file", chancery_model::filter::Operator::In, ids);
        let kept = tables.uses.select(&query).await?.into_iter();
        kept.map(|kept| {
            let row = read(&kept)?;
            Ok((kept, row))
        })
        .collect()
    }

    /// The files that are used, or that a change in the log still speaks of. Writes down where one is found to be in no use.
    async fn held(
        &self,
        tables: &Tables,
        uses: Vec<(Record, UseRow)>,
        revision: u64,
    ) -> Result<HashSet<String>, Error> {
        let oldest = self.core.backend.oldest().await?;
        // The uses were read before: a table that another process has just made is no table that was dropped.
        self.refresh().await?;
        let catalog = self.core.catalog.load_full();
        let mut by_table: BTreeMap<u32, Vec<(Record, UseRow)>> = BTreeMap::new();
        for (kept, row) in uses {
            by_table.entry(row.table_number).or_default().push((kept, row));
        }
        let mut held = HashSet::new();
        let mut writes = Vec::new();
        let now = self.now();
        for (number, uses) in by_table {
            // A table that was dropped for good never comes back.
            let Some(table) = catalog.stored(TableId(number)) else {
                continue;
            };
            let ids: Vec<String> = uses.iter().map(|(_, row)| row.file.clone()).collect();
            let named = self.named_in(table, &ids).await?;
            for (kept, row) in uses {
                let is_named = named.contains(&row.file);
                let forgotten = row.ended.is_some_and(|ended| ended < oldest);
                if is_named || !forgotten {
                    held.insert(row.file);
                }
                let ended = match (is_named, row.ended) {
                    (true, _) => Value::Null,
                    (false, None) => Value::Int(revision as i64),
                    (false, Some(_)) => continue,
                };
                writes.extend(ended_at(kept.table(), kept.row(), ended, now));
            }
        }
        let how = Commit {
            on_reject: OnReject::Skip,
            ..Commit::default()
        };
        if !writes.is_empty() {
            tables.uses.store.commit(writes, now, how).await?;
        }
        Ok(held)
    }

    /// Removes contents of which there is no row, and that are older than any upload takes.
    async fn sweep_contents(&self) -> Result<usize, Error> {
        let contents = &self.core.files.contents;
        let names = match contents.names().await {
            Err(StorageError::NoFiles) => return Ok(0),
            names => names?,
        };
        let old = |id: &Uuid| {
            let ms = id.get_timestamp().map(|at| at.to_unix());
            ms.is_none_or(|(seconds, nanos)| {
                self.is_old((seconds * 1_000) as i64 + i64::from(nanos / 1_000_000))
            })
        };
        let names: Vec<ContentName> = names.into_iter().filter(|name| old(&name.file)).collect();
        let mut removed = 0;
        for names in names.chunks(FILES_AT_ONCE) {
            let known = self.known_files(names).await?;
            // What was sent is taken in or left; nobody comes back for it after a day.
            let left = |name: &&ContentName| name.part == ContentPart::Sent || !known.contains(&name.file);
            let strays = names.iter().filter(left);
            let strays: Vec<ContentName> = strays.copied().collect();
            contents.remove(&strays).await?;
            removed += strays.len();
        }
        contents
            .forget_incoming(FILE_UNUSED_MAX_MS.unsigned_abs())
            .await?;
        Ok(removed)
    }

    async fn known_files(&self, names: &[ContentName]) -> Result<HashSet<Uuid>, Error> {
        let Some(tables) = self.known_file_tables().await? else {
            return Ok(HashSet::new());
        };
        let keys: Vec<Key> = names
            .iter()
            .filter_map(|name| key(&name.file.to_string()))
            .collect();
        let found = self
            .core
            .backend
            .get_many(&tables.files.definition()?, &keys)
            .await?;
        let known = names.iter().zip(found).filter(|(_, row)| row.is_some());
        Ok(known.map(|(name, _)| name.file).collect())
    }
}

async fn page(tables: &rows::Tables, after: Option<&str>) -> Result<Vec<Record>, Error> {
    let boundary = after.and_then(key).map(|key| Boundary {
        values: Vec::new(),
        key,
    });
    let window = PageWindow::After(boundary);
    let page = tables
        .files
        .page(
            &Query::new(),
            Scope::Live,
            window,
            FILES_AT_ONCE as u64,
            Count::None,
        )
        .await?;
    Ok(page.records)
}
