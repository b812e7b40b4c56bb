//! Records on a PostgreSQL server: for more than one process or machine. It holds no rule; it enforces only what must be
//! atomic.
//!
//! Each table is a relation of its own with a typed column for each declared column ([`relation`], [`ddl`]). One task of
//! each process commits what waits together ([`writer`]): under a lock that all processes share it reads what the batches
//! need ([`needs`], [`load`]), decides them in memory ([`overlay`]) and writes the result ([`flush`]). Plans become SQL in
//! [`select`], [`filter`] and [`aggregate`]; what SQL cannot say as the model means it is tested on the records
//! themselves ([`read`]). Texts and numbers are kept in forms that compare as the model's do ([`text`], [`numeric`]).
//!
//! Servers that follow the one that is written to may answer reads: [`route`] chooses one that shows enough ([`replicas`]),
//! and [`watch`] knows which are well.

use std::sync::Arc;

use async_trait::async_trait;
use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::change::Change;
use chancery_model::filter::FieldRef;
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, TableId, Value};
use futures::future::Either;
use tokio::sync::watch::Receiver;
use tokio::sync::{Semaphore, mpsc, oneshot};
use uuid::Uuid;

use self::fault::{Fault, Pg};
use self::listen::Listener;
use self::pool::{Lent, Pools};
use self::relation::{Relation, Relations};
use self::replicas::Replicas;
use self::route::{Route, Source};
use self::search::Searches;
use self::settings::Settings;
use self::statement::Statement;
use self::stream::NotBegun;
use self::watch::Watcher;
use self::writer::{Job, Reply, Shared, Writer};
use crate::batch::{Batch, Committed, Counter, Document};
use crate::bell::{Bell, News};
use crate::error::StorageError;
use crate::finding::Finding;
use crate::gauges;
use crate::need::Need;
use crate::open::OpenOptions;
use crate::part::{Dump, Fill, LoggedCommit, PARTS_WAITING};
use crate::read_figures::ReadFigures;
use crate::seam::{
    Answer, Backend, CommitQuery, CountMode, DocumentQuery, RecordStream, TableChanges, TableStats,
};

mod aggregate;
mod alone;
mod beside;
mod checks;
mod connection;
mod count;
pub mod database;
mod ddl;
mod documents;
mod dump;
mod examine;
mod fault;
mod fill;
mod filter;
mod flush;
mod fold;
mod forget;
mod listen;
mod load;
mod log;
pub mod migrate;
mod needs;
mod numeric;
mod online;
mod operand;
mod overlay;
mod pipeline;
mod pool;
mod read;
mod relation;
mod replicas;
mod route;
mod rows;
mod schema;
mod search;
mod select;
mod settings;
mod state;
mod statement;
mod stream;
mod text;
mod tls;
mod watch;
mod writer;

/// Jobs that may wait for the writer; more callers wait for their turn to wait.
const WAITING_MAX: usize = 4_096;
/// Chunks of a stream that wait to be taken.
const STREAM_CHUNKS_WAITING: usize = 2;
/// How often a read is tried on another connection, or with a statement or index made anew.
const READ_ATTEMPTS_MAX: u32 = 4;
/// The oldest server that is supported.
const SERVER_VERSION_MIN: i64 = 150_000;

/// A store on a PostgreSQL server.
#[derive(Clone)]
pub struct Postgres {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    streams: Arc<Semaphore>,
    /// Which servers may answer its reads of records.
    source: Source,
    listener: Arc<Listener>,
}

/// Reads along a way, and again where [`Route::failed`] says so. A table that is not there has no records.
macro_rules! read {
    ($route:expr, $table:expr, |$client:ident| $read:expr) => {{
        let mut route = $route;
        loop {
            let mut lease = route.next().await?;
            let (guard, $client) = lease.parts();
            match guard.keep(async { $read }).await {
                Ok(answer) => match route.done(&mut lease).await {
                    Ok(()) => break Ok(Some(answer)),
                    Err(fault) => route.failed(lease, fault, $table)?,
                },
                Err(fault) if fault.is_missing_relation() && !lease.is_replica() => break Ok(None),
                Err(fault) => route.failed(lease, fault, $table)?,
            }
        }
    }};
}

impl Postgres {
    /// Connects, makes the tables that are not there, and brings them to the newest schema.
    ///
    /// # Errors
    /// [`StorageError::Url`] if the URL or its database is none, [`StorageError::Unavailable`] if the server cannot be
    /// reached, [`StorageError::Denied`] if it refuses the user, [`StorageError::Newer`] if a newer program wrote it. A replica
    /// that cannot be reached is no error: it is asked again.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Postgres, StorageError> {
        let replicas = Replicas::new(&options.replicas)?;
        let pools = Pools::new(Settings::parse(url, options.durability)?)?;
        let outward = |fault: Fault| fault.outward(pools.name());
        let client = pools.writer().await.map_err(outward)?;
        check_server(&client, pools.name()).await.map_err(outward)?;
        migrate::apply(&client, pools.name(), migrate::MIGRATIONS)
            .await
            .map_err(outward)?;
        drop(client);
        pools.warm().await.map_err(outward)?;
        let streams = Arc::new(Semaphore::new(pools.settings.pool_max.div_ceil(2)));
        let shared = Arc::new(Shared {
            pools,
            relations: Relations::default(),
            searches: Default::default(),
            bell: Bell::default(),
            replicas,
        });
        if !shared.replicas.is_empty() {
            let mut watcher = Watcher::default();
            watcher.look(&shared).await;
            let bell = shared.replicas.bell.clone();
            let watching = tokio::spawn(watcher.run(Arc::downgrade(&shared), bell));
            shared.replicas.watched_by(watching);
        }
        let (jobs, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer::new(shared.clone(), receiver).run());
        let listener = Listener::start(&shared);
        Ok(Postgres {
            shared,
            jobs,
            streams,
            source: Source::Primary,
            listener: Arc::new(listener),
        })
    }

    /// The revision of the commit with this id ([`StorageError::Unsure`] names it); none if it never happened.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if the server cannot be asked.
    pub async fn outcome(&self, commit: &str) -> Result<Option<u64>, StorageError> {
        let Ok(id) = uuid::Uuid::try_parse(commit) else {
            return Ok(None);
        };
        writer::outcome(&self.shared.pools, &[id])
            .await
            .map_err(|fault| fault.outward(self.shared.pools.name()))
    }

    /// Gives the writer a job and waits for the answer.
    async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StorageError> {
        if self.shared.pools.is_closed() {
            return Err(StorageError::Closed);
        }
        let _waiting = gauges::Waiting::new("postgres");
        let (reply, answer) = oneshot::channel();
        self.jobs
            .send(job(reply))
            .await
            .map_err(|_| StorageError::Closed)?;
        answer.await.map_err(|_| StorageError::Closed)?
    }

    /// The way of a read of records.
    fn route(&self) -> Route<'_> {
        Route::new(&self.shared, self.source)
    }

    /// The way of a read that only the primary answers.
    fn way_to_primary(&self) -> Route<'_> {
        Route::new(&self.shared, Source::Primary)
    }

    /// Builds the full-text index that a plan needs, if it is not known to be there. Answers what it is asked: an index of
    /// another definition does not serve, and then every record is looked at.
    async fn prepare_search(&self, plan: &Plan) -> Result<Option<Arc<str>>, StorageError> {
        let Some(search) = &plan.search else {
            return Ok(None);
        };
        let serves = || self.shared.searches.read().serve(&plan.table, search);
        for _ in 0..READ_ATTEMPTS_MAX {
            if !serves() {
                if !Searches::could_serve(&plan.table, search) {
                    return Ok(None);
                }
                self.ask(|reply| Job::BuildSearch(plan.table.clone(), Need::of(search), reply))
                    .await?;
                if !serves() {
                    return Ok(None);
                }
            }
            if !search.fuzzy {
                let plain = search.words.iter().map(|word| (word.as_str(), &[][..]));
                return Ok(search::query_text(plain, search, &plan.table));
            }
            let near: Result<Option<search::Found>, StorageError> =
                read!(self.route(), Some(&plan.table), |client| {
                    search::near(client, search, &plan.table).await
                });
            if let Some(near) = near? {
                let words = near.iter().map(|(word, near)| (word.as_str(), near.as_slice()));
                return Ok(search::query_text(words, search, &plan.table));
            }
            // Another process took the list of words away.
            self.shared.searches.write().note(plan.table.number, None);
        }
        Ok(None)
    }
}

/// As [`read`], for a plan that may need a full-text index.
macro_rules! search {
    ($self:ident, $plan:expr, |$client:ident, $searched:ident| $read:expr) => {{
        let mut route = $self.route();
        loop {
            let text = $self.prepare_search($plan).await?;
            let $searched = text.as_deref();
            let mut lease = route.next().await?;
            let (guard, $client) = lease.parts();
            match guard.keep(async { $read }).await {
                Ok(answer) => match route.done(&mut lease).await {
                    Ok(()) => break Ok(Some(answer)),
                    Err(fault) => route.failed(lease, fault, Some(&$plan.table))?,
                },
                Err(fault) if fault.is_missing_relation() && !lease.is_replica() => break Ok(None),
                Err(fault) => route.failed(lease, fault, Some(&$plan.table))?,
            }
        }
    }};
}

/// Refuses a server that is too old, or a database whose texts are not Unicode.
async fn check_server(client: &Lent, name: &str) -> Pg<()> {
    let version = "SELECT current_setting('server_version_num')::bigint";
    if Statement::new(version).number(client).await? < SERVER_VERSION_MIN {
        return Err(StorageError::Url(format!("{name}: PostgreSQL 15 or newer is needed")).into());
    }
    let unicode = "SELECT (current_setting('server_encoding') = 'UTF8')::int::bigint";
    if Statement::new(unicode).number(client).await? == 0 {
        return Err(StorageError::Url(format!("{name}: the database's encoding is not UTF8")).into());
    }
    Ok(())
}

#[async_trait]
impl Backend for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        online::build(&self.shared.pools, &batch).await?;
        self.ask(|reply| Job::Commit(Box::new(batch), reply)).await
    }

    fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>> {
        Either::Right(Box::pin(async move {
            let relation = self.shared.relations.get(table);
            let positioned = self.source != Source::Primary;
            let found: Result<_, StorageError> = read!(self.route(), None, |client| {
                match positioned {
                    true => read::get_with_position(client, &relation, key).await,
                    false => read::get(client, &relation, key).await,
                }
            });
            Ok(found?.flatten())
        }))
    }

    async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        let relation = self.shared.relations.get(table);
        let found: Result<_, StorageError> = read!(self.route(), None, |client| read::get_many(
            client, &relation, keys
        )
        .await);
        Ok(found?.unwrap_or_else(|| vec![None; keys.len()]))
    }

    async fn find(
        &self,
        table: &Arc<Table>,
        fields: &[FieldRef],
        tuples: &[Vec<Value>],
        limit: usize,
    ) -> Result<Vec<Vec<Arc<Record>>>, StorageError> {
        let relation = self.shared.relations.get(table);
        let found: Result<_, StorageError> = read!(self.route(), None, |client| {
            read::find(client, &relation, fields, tuples, limit).await
        });
        Ok(found?.unwrap_or_else(|| vec![Vec::new(); tuples.len()]))
    }

    async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        let found: Result<_, StorageError> = search!(self, plan, |client, searched| {
            read::query(client, &relation, plan, searched).await
        });
        Ok(found?.unwrap_or_default())
    }

    async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        let counted: Result<_, StorageError> = search!(self, plan, |client, searched| {
            count::count(client, &relation, plan, searched, mode).await
        });
        Ok(counted?.unwrap_or_default())
    }

    async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError> {
        let permit = self.streams.clone().acquire_owned().await;
        let mut permit = permit.map_err(|_| StorageError::Closed)?;
        let mut route = self.route();
        loop {
            let searched = self.prepare_search(plan).await?;
            let lease = route.next().await?;
            let (sender, receiver) = mpsc::channel(STREAM_CHUNKS_WAITING);
            // The stream shows the state of now, not of when somebody starts to take from it.
            match stream::begin(&self.shared, lease, plan, searched, sender, permit).await {
                Ok(()) => return Ok(receiver),
                Err(not_begun) => {
                    let NotBegun {
                        lease,
                        fault,
                        permit: kept,
                    } = *not_begun;
                    if fault.is_missing_relation() && !lease.is_replica() {
                        return Ok(receiver);
                    }
                    permit = kept;
                    route.failed(lease, fault, Some(&plan.table))?;
                }
            }
        }
    }

    async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError> {
        let relation = self.shared.relations.get(&plan.over.table);
        let over = &plan.over;
        let groups: Result<_, StorageError> = search!(self, over, |client, searched| {
            aggregate::aggregate(client, &relation, plan, searched).await
        });
        Ok(groups?.unwrap_or_else(|| aggregate::of_nothing(plan)))
    }

    async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        let lines: Result<_, StorageError> = search!(self, plan, |client, searched| {
            read::explain(client, &relation, plan, searched).await
        });
        Ok(lines?.unwrap_or_default())
    }

    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, StorageError> {
        let found: Result<_, StorageError> = read!(self.way_to_primary(), None, |client| documents::read(
            client, &query
        )
        .await);
        Ok(found?.unwrap_or_default())
    }

    async fn draw(&self, counter: Counter, count: u64) -> Result<u64, StorageError> {
        self.ask(|reply| Job::Draw(counter, count, reply)).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        let found: Result<_, StorageError> = read!(self.way_to_primary(), None, |client| {
            let changes = log::read(client, after, limit).await?;
            // A server whose first process has died shows, until its other processes notice, commits that no standby has. They
            // notice between two questions.
            if !changes.is_empty() {
                client.check_connection().await?;
            }
            Ok(changes)
        });
        Ok(found?.unwrap_or_default())
    }

    async fn changes_of(
        &self,
        table: TableId,
        after: u64,
        limit: usize,
    ) -> Result<TableChanges, StorageError> {
        let found: Result<_, StorageError> = read!(self.way_to_primary(), None, |client| log::read_of(
            client, table, after, limit
        )
        .await);
        Ok(found?.unwrap_or_default())
    }

    async fn chain(&self, number: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        let found: Result<_, StorageError> = read!(self.way_to_primary(), None, |client| log::chain(
            client, number, limit
        )
        .await);
        Ok(found?.unwrap_or_default())
    }

    async fn commits(&self, query: CommitQuery) -> Result<Vec<LoggedCommit>, StorageError> {
        let found: Result<_, StorageError> =
            read!(self.way_to_primary(), None, |client| log::commits(client, &query)
                .await);
        Ok(found?.unwrap_or_default())
    }

    async fn oldest(&self) -> Result<u64, StorageError> {
        let oldest = Statement::new(log::OLDEST);
        let found: Result<_, StorageError> =
            read!(self.way_to_primary(), None, |client| oldest.number(client).await);
        Ok(log::oldest_whole(found?.unwrap_or_default()))
    }

    async fn forget(&self, revision: u64) -> Result<u64, StorageError> {
        let mut removed = 0;
        loop {
            let step = self.ask(|reply| Job::Forget(revision, reply)).await?;
            removed += step.removed;
            if step.is_last {
                return Ok(removed);
            }
        }
    }

    async fn rewrite(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        self.ask(|reply| Job::Rewrite(changes, reply)).await
    }

    fn news(&self) -> Receiver<News> {
        self.shared.bell.listen()
    }

    async fn revision(&self) -> Result<u64, StorageError> {
        if self.source != Source::Primary {
            return Ok(self.shared.replicas.seen());
        }
        let mut newest = Statement::new(log::NEWEST);
        newest.keep();
        let found: Result<_, StorageError> =
            read!(self.way_to_primary(), None, |client| newest.number(client).await);
        Ok(found?.unwrap_or_default() as u64)
    }

    async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError> {
        let relation: Arc<Relation> = self.shared.relations.get(table);
        let found: Result<_, StorageError> =
            read!(self.route(), None, |client| count::stats(client, &relation).await);
        Ok(found?.unwrap_or_default())
    }

    async fn state(&self, table: TableId) -> Result<Option<Uuid>, StorageError> {
        let found: Result<_, StorageError> =
            read!(self.way_to_primary(), None, |client| state::newest(client, table)
                .await);
        Ok(found?.flatten())
    }

    async fn dump(&self) -> Result<Dump, StorageError> {
        let permit = self.streams.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StorageError::Closed)?;
        let client = self.shared.pools.reader().await;
        let mut client = client.map_err(|fault| fault.outward(self.shared.pools.name()))?;
        let shared = self.shared.clone();
        let (sender, receiver) = mpsc::channel(PARTS_WAITING);
        let (begun, began) = oneshot::channel();
        tokio::spawn(async move {
            if let Err(fault) = dump::dump(&mut client, begun, &sender).await {
                let _ = sender.send(Err(fault.outward(shared.pools.name()))).await;
            }
            drop(permit);
        });
        // The dump shows the state of now, not of when somebody starts to take from it.
        let _ = began.await;
        Ok(receiver)
    }

    async fn fill(&self, step: Fill) -> Result<(), StorageError> {
        self.ask(|reply| Job::Fill(Box::new(step), reply)).await
    }

    async fn examine(&self) -> Result<Vec<Finding>, StorageError> {
        let found: Result<_, StorageError> =
            read!(self.way_to_primary(), None, |client| examine::examine(client)
                .await);
        Ok(found?.unwrap_or_default())
    }

    async fn mend(&self, finding: &Finding) -> Result<bool, StorageError> {
        self.ask(|reply| Job::Mend(Box::new(finding.clone()), reply))
            .await
    }

    async fn check(&self) -> Result<(), StorageError> {
        let one = Statement::new("SELECT 1::bigint");
        let found: Result<_, StorageError> =
            read!(self.way_to_primary(), None, |client| one.number(client).await);
        found.map(drop)
    }

    fn replicated(&self, revision: u64) -> Option<Arc<dyn Backend>> {
        if self.shared.replicas.is_empty() {
            return None;
        }
        let source = Source::Any(revision);
        Some(Arc::new(Postgres {
            source,
            ..self.clone()
        }))
    }

    fn read_figures(&self) -> ReadFigures {
        self.shared.replicas.figures()
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.listener.stop();
        self.shared.pools.close_readers();
        self.shared.replicas.close();
        self.streams.close();
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            let _ = closed.await;
            tracing::debug!(server = self.shared.pools.name(), "closed the connections");
        }
        Ok(())
    }
}
