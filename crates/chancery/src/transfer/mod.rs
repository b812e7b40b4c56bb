//! Moving everything a store holds into an empty one on any backend, and proving that both are the same. It changes
//! nothing of what it carries: versions, numbers, times and the change log arrive as they were.
//!
//! A target is marked unfinished from the first step until it has been compared with its source; a marked database opens
//! for nothing but another move or restore into it, which starts again from nothing. So a move that is broken off at any
//! point leaves no database that looks whole.

mod compare;
mod items;
mod tally;

use std::sync::Arc;

use chancery_storage::{Backend, CacheOptions, Durability, Fill, Part, StorageError, Totals};
use serde::Serialize;

use crate::error::Error;
use crate::store::Store;

pub(crate) use compare::compare;
pub(crate) use items::Items;
pub(crate) use tally::{Tally, feed_value};

/// How far a move, backup or restore is.
#[derive(Clone, Debug)]
pub struct TransferProgress {
    /// What is being done.
    pub phase: TransferPhase,
    /// The slug of the table whose records are carried just now.
    pub table: Option<String>,
    /// Items carried or compared in this phase: documents, tables, records, changes and commits.
    pub done: u64,
    /// Of how many.
    pub total: u64,
}

/// What a move, backup or restore is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferPhase {
    /// Carrying.
    Copying,
    /// Building the indexes of the target.
    Indexing,
    /// Comparing.
    Verifying,
}

/// Is told how far it is.
pub type Watcher<'a> = &'a (dyn Fn(TransferProgress) + Send + Sync);

/// What was carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Carried {
    /// The revision that was carried.
    pub revision: u64,
    /// Tables.
    pub tables: u64,
    /// Records, trash and expired ones too.
    pub records: u64,
    /// Rows of the change log.
    pub changes: u64,
    /// Commits.
    pub commits: u64,
    /// Definitions, workspaces, users, keys and whatever else is kept beside records.
    pub documents: u64,
}

impl From<Totals> for Carried {
    fn from(totals: Totals) -> Carried {
        Carried {
            revision: totals.revision,
            tables: totals.tables,
            records: totals.records,
            changes: totals.changes,
            commits: totals.commits,
            documents: totals.documents,
        }
    }
}

/// What a move did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MoveReport {
    /// What was carried.
    pub carried: Carried,
    /// The first differences between source and target, at most [`crate::limits::DIFFERENCES_MAX`]; none if they are equal.
    pub differences: Vec<Difference>,
    /// How many there are in all.
    pub difference_count: u64,
}

impl MoveReport {
    /// Whether the target holds what the source holds; only then does it open.
    pub fn is_equal(&self) -> bool {
        self.difference_count == 0
    }
}

/// One difference between two stores. It names no values: those may be secret.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// `record 7 of tasks`, `counter …`.
    pub place: String,
    /// `missing`, `too much`, or the fields that differ.
    pub what: String,
}

/// Moves everything from one database into an empty one and compares both, record by record. The source is only read.
///
/// # Errors
/// [`Error::NotFound`] if there is no database at `from`; [`Error::Storage`] with [`StorageError::NotEmpty`] if `to` holds
/// something; [`Error::Changed`] if somebody wrote to the source meanwhile. After any error the target is unfinished, and
/// another move into it starts again from nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (from, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
/// # let (from, to) = (format!("sqlite:{}", from.display()), format!("sqlite:{}", to.display()));
/// chancery::Store::open(&from).await?.close().await?;
/// let report = chancery::transfer::move_store(&from, &to, &|_| {}).await?;
/// assert!(report.is_equal());
/// # Ok(()) }
/// ```
pub async fn move_store(from: &str, to: &str, watch: Watcher<'_>) -> Result<MoveReport, Error> {
    if chancery_storage::place(from) == chancery_storage::place(to) {
        return Err(StorageError::Url("source and target are the same database".into()).into());
    }
    let source = open_source(from).await?;
    let moved = into(&*source, to, watch).await;
    source.close().await?;
    moved
}

/// Moves everything of an open store, all its workspaces, into an empty database: for what has no URL, as a store in
/// memory.
///
/// # Errors
/// As [`move_store`].
pub async fn move_from(store: &Store, to: &str, watch: Watcher<'_>) -> Result<MoveReport, Error> {
    into(&**store.backend(), to, watch).await
}

/// The first differences between what two stores hold, at most [`crate::limits::DIFFERENCES_MAX`], and how many there are.
///
/// # Errors
/// [`Error::Storage`] if one of them cannot be read.
pub async fn differences(left: &Store, right: &Store) -> Result<(Vec<Difference>, u64), Error> {
    let left = Items::new(left.backend().dump().await?);
    let right = Items::new(right.backend().dump().await?);
    let compared = compare(left, right, &|_| {}).await?;
    Ok((compared.first, compared.count))
}

async fn into(source: &dyn Backend, to: &str, watch: Watcher<'_>) -> Result<MoveReport, Error> {
    let target = open_target(to).await?;
    let moved = transfer(source, &*target, watch).await;
    let closed = target.close().await;
    let report = moved?;
    closed?;
    Ok(report)
}

async fn transfer(
    source: &dyn Backend,
    target: &dyn Backend,
    watch: Watcher<'_>,
) -> Result<MoveReport, Error> {
    let (totals, _) = copy(source, target, watch).await?;
    let (left, right) = (Items::new(source.dump().await?), Items::new(target.dump().await?));
    let compared = compare(left, right, watch).await?;
    let now = source.revision().await?;
    if now != totals.revision {
        return Err(Error::Changed {
            from: totals.revision,
            to: now,
        });
    }
    if compared.count == 0 {
        target.fill(Fill::Open).await?;
    }
    Ok(MoveReport {
        carried: totals.into(),
        differences: compared.first,
        difference_count: compared.count,
    })
}

/// Fills a target with everything of a source, and answers what that was. The target stays unfinished.
pub(crate) async fn copy(
    source: &dyn Backend,
    target: &dyn Backend,
    watch: Watcher<'_>,
) -> Result<(Totals, Tally), Error> {
    target.fill(Fill::Begin).await?;
    let mut dump = source.dump().await?;
    let (mut totals, mut tally, mut done) = (Totals::default(), Tally::default(), 0);
    while let Some(part) = dump.recv().await {
        let part = part?;
        let table = match &part {
            Part::Start(start) => {
                totals = *start;
                None
            }
            Part::Records(table, _) => Some(table.slug.clone()),
            _ => None,
        };
        done += tally.take(&part);
        watch(TransferProgress {
            phase: TransferPhase::Copying,
            table,
            done,
            total: totals.items(),
        });
        target.fill(Fill::Part(part)).await?;
    }
    if done != totals.items() {
        let what = format!("the source gave {done} of {} items", totals.items());
        return Err(Error::Internal(what));
    }
    watch(TransferProgress {
        phase: TransferPhase::Indexing,
        table: None,
        done: 0,
        total: 1,
    });
    target.fill(Fill::Finish).await?;
    Ok((totals, tally))
}

/// Opens what is read; a file that is not there is not made.
pub(crate) async fn open_source(url: &str) -> Result<Arc<dyn Backend>, Error> {
    if let Some(file) = chancery_storage::file(url)
        && !file.exists()
    {
        return Err(Error::NotFound {
            what: "database",
            message: format!("There is no database at {}", file.display()),
        });
    }
    Ok(chancery_storage::open(url, chancery_storage::OpenOptions::default()).await?)
}

/// Opens what is filled. Until the last step nothing of it counts, so that nothing before has to wait for the disk.
pub(crate) async fn open_target(url: &str) -> Result<Arc<dyn Backend>, Error> {
    let options = chancery_storage::OpenOptions {
        durability: Durability::Relaxed,
        // Everything is read once.
        cache: CacheOptions::off(),
        ..chancery_storage::OpenOptions::default()
    };
    Ok(chancery_storage::open_to_fill(url, options).await?)
}
