//! The store: the open handle. It routes to the other files and holds no rule of its own.

use std::path::Path;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use chancery_model::change::Reason;
use chancery_model::issue::unknown_name;
use chancery_model::{Source, Table};
use chancery_storage::{
    Backend, Batch, CacheStatus, Check, Committed, Document, DocumentWrite, Mode, OnReject, ReadFigures,
    StorageError, Write,
};
use tracing::Instrument;
use uuid::Uuid;

use crate::access::{Access, Rights};
use crate::catalog::{self, Catalog, DEFAULT_WORKSPACE, Workspace};
use crate::clock::Clock;
use crate::error::Error;
use crate::expiry::{self, Expiry};
use crate::handle::TableHandle;
use crate::held::Reader;
use crate::opening::OpenOptions;
use crate::retention;
use crate::rules::Locks;
use crate::slow::SlowQueries;
use crate::transaction::Turns;
use crate::vault::CellKeys;

/// The name of the database inside a data directory.
pub const DATABASE_FILE: &str = "chancery.db";

/// The URL of the database inside a data directory, for [`Store::open`].
///
/// ```
/// assert_eq!(chancery::data_url("data".as_ref()), "sqlite:data/chancery.db");
/// ```
pub fn data_url(directory: &Path) -> String {
    format!("sqlite:{}", directory.join(DATABASE_FILE).display())
}

/// Who acts, and by what means: written into every record and change.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actor {
    /// The id of the user or API key; none for the embedding program itself.
    pub id: Option<Arc<str>>,
    /// By what means.
    pub source: Source,
}

/// The open handle on a store, one workspace of it, on behalf of one actor. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) core: Arc<Core>,
    pub(crate) workspace: Arc<str>,
    pub(crate) actor: Actor,
    pub(crate) once: Option<Arc<DocumentWrite>>,
    /// What its commits are part of, if they are not operations by themselves.
    pub(crate) operation: Option<Arc<str>>,
    /// Where records are read for somebody to look at, perhaps a replica: no write may be decided by them.
    pub(crate) reader: Reader,
    /// What whoever it is for is held to; everything is allowed if none.
    pub(crate) rights: Option<Arc<Rights>>,
}

pub(crate) struct Core {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) catalog: ArcSwap<Catalog>,
    /// Held while a definition changes, so that changes follow each other.
    pub(crate) defining: tokio::sync::Mutex<()>,
    /// Held while matching writes run, so that no two of them create the same record.
    pub(crate) matching: tokio::sync::Mutex<()>,
    /// Held while definitions are read because somebody missed one.
    refreshing: tokio::sync::Mutex<()>,
    pub(crate) access: Access,
    pub(crate) imports: crate::import::Imports,
    pub(crate) finds: crate::duplicates::Finds,
    pub(crate) slow: SlowQueries,
    pub(crate) live: crate::live::Hub,
    pub(crate) counted: crate::history::Counted,
    pub(crate) clock: Clock,
    pub(crate) locks: Locks,
    pub(crate) turns: Turns,
    pub(crate) expiry: Expiry,
    /// Seals cells of encrypted columns; none until a vault was opened.
    pub(crate) cells: ArcSwapOption<CellKeys>,
    pub(crate) workers: crate::jobs::Workers,
    pub(crate) files: crate::files::Kept,
}

impl Core {
    /// Reads the definitions if anything was committed since they were read.
    async fn catch_up(self: &Arc<Self>) -> Result<(), Error> {
        let revision = self.backend.revision().await?;
        let _one_at_a_time = self.refreshing.lock().await;
        match self.catalog.load().revision >= revision {
            true => Ok(()),
            false => self.reload().await,
        }
    }

    /// Reads all definitions anew, unless newer ones are there by then.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<(), Error> {
        let catalog = Arc::new(Catalog::load(&*self.backend).await?);
        self.catalog.rcu(|held| match held.revision > catalog.revision {
            true => held.clone(),
            false => catalog.clone(),
        });
        self.live.look_again();
        expiry::keep_swept(self);
        Ok(())
    }
}

impl Store {
    /// Opens `memory:`, `sqlite:PATH`, a path or `postgres://user@host/database`, making what does not exist.
    ///
    /// # Errors
    /// [`Error::Storage`] when the file is in use, damaged, newer than this program, or the disk is full; or when the server
    /// cannot be reached or refuses the user.
    pub async fn open(url: &str) -> Result<Store, Error> {
        Store::open_with(url, OpenOptions::default()).await
    }

    /// Opens with options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_with(url: &str, options: OpenOptions) -> Result<Store, Error> {
        let opened = chancery_storage::OpenOptions {
            durability: options.durability,
            cache: options.cache.clone(),
            replicas: options.replicas.clone(),
        };
        Store::made(chancery_storage::open(url, opened).await?, Some(url), options).await
    }

    /// A store on a backend that is open already.
    ///
    /// # Errors
    /// [`Error::Storage`] if the backend cannot be read.
    pub async fn over(backend: Arc<dyn Backend>) -> Result<Store, Error> {
        Store::made(backend, None, OpenOptions::default()).await
    }

    async fn made(
        backend: Arc<dyn Backend>,
        url: Option<&str>,
        options: OpenOptions,
    ) -> Result<Store, Error> {
        let catalog = Catalog::load(&*backend).await?;
        let core = Core {
            access: Access::new(backend.clone()),
            backend,
            catalog: ArcSwap::from_pointee(catalog),
            defining: tokio::sync::Mutex::new(()),
            matching: tokio::sync::Mutex::new(()),
            imports: crate::import::Imports::default(),
            finds: crate::duplicates::Finds::default(),
            refreshing: tokio::sync::Mutex::new(()),
            live: crate::live::Hub::default(),
            counted: crate::history::Counted::default(),
            slow: SlowQueries::new(options.slow_query_ms),
            clock: options.clock,
            locks: Locks::default(),
            turns: Turns::default(),
            expiry: Expiry::new(options.ttl_check_interval),
            cells: ArcSwapOption::empty(),
            workers: crate::jobs::Workers::default(),
            files: crate::files::Kept::open(url, options.files)?,
        };
        let core = Arc::new(core);
        catalog::keep_fresh(&core);
        let store = Store {
            reader: Reader::of(core.backend.replicated(0).unwrap_or_else(|| core.backend.clone())),
            ..Store::of(core, DEFAULT_WORKSPACE)
        };
        crate::undo::recover(&store).await?;
        crate::import::recover(&store).await?;
        store.forget_transient().await?;
        expiry::keep_swept(&store.core);
        retention::keep_trimmed(&store, options.keep_changes);
        Ok(store)
    }

    /// A workspace on behalf of the program itself, read where it is written.
    pub(crate) fn of(core: Arc<Core>, workspace: &str) -> Store {
        Store {
            reader: Reader::of(core.backend.clone()),
            core,
            workspace: workspace.into(),
            actor: Actor::default(),
            once: None,
            operation: None,
            rights: None,
        }
    }

    /// The same store on behalf of somebody.
    pub fn acting(&self, actor: Actor) -> Store {
        Store {
            actor,
            ..self.clone()
        }
    }

    /// The same store in another workspace, by id or slug.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn in_workspace(&self, name: &str) -> Result<Store, Error> {
        let catalog = self.core.catalog.load();
        let found = catalog
            .workspace(name)
            .filter(|found| self.sees_workspace(&catalog, found));
        let workspace = found.ok_or_else(|| {
            let there = catalog
                .workspaces
                .iter()
                .filter(|found| self.sees_workspace(&catalog, found));
            let names = there.map(|workspace| workspace.slug.as_str());
            Error::NotFound {
                what: "workspace",
                message: unknown_name("workspace", name, names),
            }
        })?;
        Ok(Store {
            workspace: workspace.id.as_str().into(),
            ..self.clone()
        })
    }

    /// The same store for one request that is done at most once: the first commit writes down `key` in the same
    /// moment, and a later one with the same key is refused with [`Error::Repeated`].
    pub fn once(&self, key: &str, body: chancery_model::Json) -> Store {
        let document = Document {
            kind: "idempotency".into(),
            id: key.into(),
            lookup: None,
            body,
            version: 0,
        };
        let write = DocumentWrite::Put {
            document,
            expected: Some(0),
        };
        Store {
            once: Some(Arc::new(write)),
            ..self.clone()
        }
    }

    /// The same store without the request that is done at most once: for the commits after its first.
    pub(crate) fn repeatable(&self) -> Store {
        Store {
            once: None,
            ..self.clone()
        }
    }

    /// The same store where files are described, or in a workspace that a file belongs to.
    pub(crate) fn within(&self, workspace: &str) -> Store {
        Store {
            workspace: workspace.into(),
            ..self.clone()
        }
    }

    /// The same store for several commits that are one operation, and the id of that: they are told of together by
    /// [`Store::operations`] and taken back together by [`Store::revert`].
    pub fn begin_operation(&self) -> (Store, Arc<str>) {
        let operation: Arc<str> = Uuid::now_v7().to_string().into();
        let store = Store {
            operation: Some(operation.clone()),
            ..self.clone()
        };
        (store, operation)
    }

    /// What its commits are part of, if they are not operations by themselves.
    pub(crate) fn open_operation(&self) -> Option<Arc<str>> {
        self.operation.clone()
    }

    /// The workspace this handle works in.
    pub fn workspace(&self) -> Arc<Workspace> {
        let catalog = self.core.catalog.load();
        catalog
            .workspace(&self.workspace)
            .or_else(|| catalog.workspaces.first())
            .cloned()
            .expect("one workspace always exists")
    }

    /// The tables of the workspace, by slug.
    pub fn tables(&self) -> Vec<TableHandle> {
        let tables = self.core.catalog.load().tables(&self.workspace);
        let there = tables.iter().filter(|table| self.sees(table));
        there.map(|table| self.handle(table)).collect()
    }

    /// A table by slug or id.
    ///
    /// # Errors
    /// [`Error::NotFound`], with the nearest name.
    #[doc(alias = "bucket")]
    pub fn table(&self, name: &str) -> Result<TableHandle, Error> {
        let catalog = self.core.catalog.load();
        match catalog
            .table(&self.workspace, name)
            .filter(|table| self.sees(table))
        {
            Some(table) => Ok(self.handle(table)),
            None => {
                let tables = catalog.tables(&self.workspace);
                let there = tables.iter().filter(|table| self.sees(table));
                let slugs = there.map(|table| table.slug.as_str());
                Err(Error::NotFound {
                    what: "table",
                    message: unknown_name("table", name, slugs),
                })
            }
        }
    }

    pub(crate) fn handle(&self, table: &Table) -> TableHandle {
        TableHandle {
            store: self.clone(),
            id: table.id.as_str().into(),
            number: table.number,
        }
    }

    /// Users, sessions and API keys.
    pub fn access(&self) -> &Access {
        &self.core.access
    }

    /// The backend, for what the library does not offer.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.core.backend
    }

    /// The newest revision.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn revision(&self) -> Result<u64, Error> {
        Ok(self.core.backend.revision().await?)
    }

    /// What the cache has done so far, in plain numbers; none if it is off.
    pub fn cache(&self) -> Option<CacheStatus> {
        self.core.backend.cache()
    }

    /// The same store for reads that show at least this revision: that of a write of another process, or of an earlier
    /// answer. Without it a read shows at least what this process has written or shown before.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use chancery::{Error, Store, StorageError};
    /// let store = Store::open("memory:").await?;
    /// let newest = store.revision().await?;
    /// assert!(store.at_least(newest).await.is_ok());
    /// let future = store.at_least(newest + 1).await;
    /// assert!(matches!(future, Err(Error::Storage(StorageError::Behind { .. }))));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`StorageError::Behind`] if there is no such revision, here or, where there are replicas, at the read.
    pub async fn at_least(&self, revision: u64) -> Result<Store, Error> {
        let reader = match self.core.backend.replicated(revision) {
            Some(reader) => reader,
            None => {
                let newest = self.revision().await?;
                if newest < revision {
                    let wanted = revision;
                    return Err(StorageError::Behind { wanted, newest }.into());
                }
                self.core.backend.clone()
            }
        };
        Ok(Store {
            reader: self.reader.at(reader),
            ..self.clone()
        })
    }

    /// A revision that contains everything that was shown so far: what to ask for with [`Store::at_least`] in order to see
    /// at least that again, wherever it is asked. Without replicas it is the newest.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn shown(&self) -> Result<u64, Error> {
        Ok(self.reader.revision().await?)
    }

    /// Where reads were answered, and how the replicas are; empty where there are none.
    pub fn read_figures(&self) -> ReadFigures {
        self.core.backend.read_figures()
    }

    /// Finishes what waits and lets go of the files.
    ///
    /// # Errors
    /// [`Error::Storage`] if the last writes cannot be finished.
    pub async fn close(&self) -> Result<(), Error> {
        if let Err(error) = self.keep_slow_queries().await {
            tracing::debug!(target: "chancery::slow", %error, "the slowest queries were not written down");
        }
        if let Err(error) = self.keep_downloads().await {
            tracing::debug!(%error, "the last downloads were not counted");
        }
        Ok(self.core.backend.close().await?)
    }

    /// Reads all definitions anew.
    pub(crate) async fn reload(&self) -> Result<(), Error> {
        self.core.reload().await
    }

    /// Makes sure that definitions which another process has changed before this call are known. They are soon known by
    /// themselves; this is for who cannot wait.
    ///
    /// # Errors
    /// [`Error::Storage`] if the backend cannot be read.
    pub async fn refresh(&self) -> Result<(), Error> {
        let core = &self.core;
        if !core.backend.is_shared() {
            return Ok(());
        }
        // Boxed: it stands in every operation, and its future would be part of all of theirs.
        Box::pin(core.catch_up()).await
    }

    /// The time by the store's clock, in ms since 1970.
    pub fn now(&self) -> i64 {
        self.core.clock.now()
    }

    /// Whether a record has expired by now. Asks for the time only if it can.
    pub(crate) fn expired(&self, table: &Table, record: &chancery_model::Record) -> bool {
        record.expires_at.is_some() && table.expired(record, self.now())
    }

    /// Commits writes on behalf of the actor.
    pub(crate) async fn commit(
        &self,
        writes: Vec<Write>,
        now: i64,
        how: Commit,
    ) -> Result<Committed, StorageError> {
        let batch = Batch {
            at: now,
            actor: self.actor.id.clone(),
            operation: how.operation.or_else(|| self.operation.clone()),
            reason: how.reason,
            checks: how.checks,
            writes,
            documents: match (&self.once, how.mode) {
                (Some(once), Mode::Apply) => how
                    .documents
                    .into_iter()
                    .chain([DocumentWrite::clone(once)])
                    .collect(),
                _ => how.documents,
            },
            on_reject: how.on_reject,
            mode: how.mode,
        };
        let span = tracing::debug_span!(target: "chancery::trace", "commit", writes = batch.writes.len());
        self.core.backend.commit(batch).instrument(span).await
    }
}

/// How a batch is committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commit {
    pub(crate) on_reject: OnReject,
    pub(crate) mode: Mode,
    pub(crate) reason: Reason,
    pub(crate) operation: Option<Arc<str>>,
    pub(crate) checks: Vec<Check>,
    pub(crate) documents: Vec<DocumentWrite>,
    /// Whether it is the one that others wait for.
    pub(crate) in_turn: bool,
}
