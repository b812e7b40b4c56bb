//! Records on a PostgreSQL server: for more than one process or machine. It holds no rule; it enforces only what must be
//! atomic.
//!
//! Each table is a relation of its own with a typed column for each declared column ([`relation`], [`ddl`]). One task of
//! each process commits what waits together ([`writer`]): under a lock that all processes share it reads what the batches
//! need ([`needs`], [`load`]), decides them in memory ([`overlay`]) and writes the result ([`flush`]). Plans become SQL in
//! [`select`], [`filter`] and [`aggregate`]; what SQL cannot say as the model means it is tested on the records
//! themselves ([`read`]). Texts and numbers are kept in forms that compare as the model's do ([`text`], [`numeric`]).

use std::sync::Arc;

use async_trait::async_trait;
use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::change::Change;
use chancery_model::filter::FieldRef;
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, Value};
use deadpool_postgres::Object;
use futures::future::Either;
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::fault::{Fault, Pg};
use self::pool::{Pools, discard};
use self::relation::{Relation, Relations};
use self::search::Searches;
use self::settings::Settings;
use self::statement::Statement;
use self::writer::{Job, Reply, Shared, Writer};
use crate::batch::{Batch, Committed, Counter, Document};
use crate::error::StorageError;
use crate::finding::Finding;
use crate::gauges;
use crate::open::OpenOptions;
use crate::part::{Dump, Fill, PARTS_WAITING};
use crate::seam::{Answer, Backend, CountMode, DocumentQuery, RecordStream, TableStats};

mod aggregate;
mod alone;
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
mod load;
mod log;
pub mod migrate;
mod needs;
mod numeric;
mod operand;
mod overlay;
mod pipeline;
mod pool;
mod read;
mod relation;
mod rows;
mod schema;
mod search;
mod select;
mod settings;
mod statement;
mod text;
mod tls;
mod writer;

/// Jobs that may wait for the writer; more callers wait for their turn to wait.
const WAITING_MAX: usize = 4_096;
/// Chunks of a stream that wait to be taken.
const STREAM_CHUNKS_WAITING: usize = 2;
/// How long a stream may wait for whoever takes its records, in ms: it holds a connection and a snapshot.
const STREAM_IDLE_MS: u64 = 600_000;
/// How often a read is tried on another connection, or with a statement or index made anew.
const READ_ATTEMPTS_MAX: u32 = 4;
/// The oldest server that is supported.
const SERVER_VERSION_MIN: i64 = 150_000;

/// A store on a PostgreSQL server.
pub struct Postgres {
    shared: Arc<Shared>,
    jobs: mpsc::Sender<Job>,
    streams: Arc<Semaphore>,
}

impl Postgres {
    /// Connects, makes the tables that are not there, and brings them to the newest schema.
    ///
    /// # Errors
    /// [`StorageError::Url`] if the URL or its database is none, [`StorageError::Unavailable`] if the server cannot be
    /// reached, [`StorageError::Denied`] if it refuses the user, [`StorageError::Newer`] if a newer program wrote it.
    pub async fn open(url: &str, options: OpenOptions) -> Result<Postgres, StorageError> {
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
        });
        let (jobs, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer::new(shared.clone(), receiver).run());
        Ok(Postgres {
            shared,
            jobs,
            streams,
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

    /// A connection that reads.
    async fn reader(&self) -> Result<Object, StorageError> {
        self.shared
            .pools
            .reader()
            .await
            .map_err(|fault| fault.outward(self.shared.pools.name()))
    }

    /// After a read failed: whether it may be tried again. A connection may have been lost while nobody used it, and a
    /// prepared statement or an index may belong to a definition that another program has changed.
    fn again(
        &self,
        client: Object,
        fault: Fault,
        attempt: &mut u32,
        table: Option<&Table>,
    ) -> Result<(), StorageError> {
        *attempt += 1;
        let outlived = fault.is_stale_statement();
        let missing = fault.is_missing_column();
        let lost = fault.is_lost();
        if *attempt >= READ_ATTEMPTS_MAX || !(outlived || missing || lost) {
            return Err(fault.outward(self.shared.pools.name()));
        }
        if lost {
            discard(client);
        } else {
            client.statement_cache.clear();
        }
        if let (true, Some(table)) = (missing, table) {
            self.shared.searches.write().note(table.number, None);
        }
        Ok(())
    }

    /// Builds the full-text index that a plan needs, if it is not known to be there. Answers whether it is: an index of
    /// another definition does not serve, and then every record is looked at.
    async fn prepare_search(&self, plan: &Plan) -> Result<bool, StorageError> {
        let Some(search) = &plan.search else {
            return Ok(true);
        };
        let serves = |searches: &Searches| searches.serve(&plan.table, search);
        if serves(&self.shared.searches.read()) {
            return Ok(true);
        }
        if !Searches::could_serve(&plan.table, search) {
            return Ok(false);
        }
        self.ask(|reply| Job::BuildSearch(plan.table.clone(), reply))
            .await?;
        Ok(serves(&self.shared.searches.read()))
    }
}

/// Reads with a connection, and again where [`Postgres::again`] says so. A table that is not there has no records.
macro_rules! read {
    ($self:ident, $table:expr, |$client:ident| $read:expr) => {{
        let mut attempt = 0;
        loop {
            #[allow(unused_mut, reason = "some reads begin a transaction")]
            let mut $client = $self.reader().await?;
            match $read {
                Ok(answer) => break Ok(Some(answer)),
                Err(fault) if fault.is_missing_relation() => break Ok(None),
                Err(fault) => $self.again($client, fault, &mut attempt, $table)?,
            }
        }
    }};
}

/// As [`read`], for a plan that may need a full-text index.
macro_rules! search {
    ($self:ident, $plan:expr, |$client:ident, $searched:ident| $read:expr) => {{
        let mut attempt = 0;
        loop {
            let $searched = $self.prepare_search($plan).await?;
            let mut $client = $self.reader().await?;
            match $read {
                Ok(answer) => break Ok(Some(answer)),
                Err(fault) if fault.is_missing_relation() => break Ok(None),
                Err(fault) => $self.again($client, fault, &mut attempt, Some(&$plan.table))?,
            }
        }
    }};
}

/// Refuses a server that is too old, or a database whose texts are not Unicode.
async fn check_server(client: &Object, name: &str) -> Pg<()> {
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

    async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        self.ask(|reply| Job::Commit(Box::new(batch), reply)).await
    }

    fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>> {
        Either::Right(Box::pin(async move {
            let relation = self.shared.relations.get(table);
            let found: Result<_, StorageError> =
                read!(self, None, |client| read::get(&client, &relation, key).await);
            Ok(found?.flatten())
        }))
    }

    async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        let relation = self.shared.relations.get(table);
        let found: Result<_, StorageError> =
            read!(self, None, |client| read::get_many(&client, &relation, keys)
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
        let found: Result<_, StorageError> = read!(self, None, |client| {
            read::find(&mut client, &relation, fields, tuples, limit).await
        });
        Ok(found?.unwrap_or_else(|| vec![Vec::new(); tuples.len()]))
    }

    async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        let found: Result<_, StorageError> = search!(self, plan, |client, searched| {
            read::query(&mut client, &relation, plan, searched).await
        });
        Ok(found?.unwrap_or_default())
    }

    async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        let counted: Result<_, StorageError> = search!(self, plan, |client, searched| {
            count::count(&mut client, &relation, plan, searched, mode).await
        });
        Ok(counted?.unwrap_or_default())
    }

    async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError> {
        let searched = self.prepare_search(plan).await?;
        let permit = self.streams.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StorageError::Closed)?;
        let mut client = self.reader().await?;
        let relation = self.shared.relations.get(&plan.table);
        let (plan, shared) = (plan.clone(), self.shared.clone());
        let (sender, receiver) = mpsc::channel(STREAM_CHUNKS_WAITING);
        let (begun, began) = oneshot::channel();
        tokio::spawn(async move {
            let streamed = stream(&mut client, &relation, &plan, searched, &sender, begun).await;
            match streamed {
                Err(fault) if fault.is_missing_relation() => {}
                Err(fault) => drop(sender.send(Err(fault.outward(shared.pools.name()))).await),
                Ok(()) => {}
            }
            drop(permit);
        });
        // The stream shows the state of now, not of when somebody starts to take from it.
        let _ = began.await;
        Ok(receiver)
    }

    async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError> {
        let relation = self.shared.relations.get(&plan.over.table);
        let over = &plan.over;
        let groups: Result<_, StorageError> = search!(self, over, |client, searched| {
            aggregate::aggregate(&mut client, &relation, plan, searched).await
        });
        Ok(groups?.unwrap_or_else(|| aggregate::of_nothing(plan)))
    }

    async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError> {
        let relation = self.shared.relations.get(&plan.table);
        let lines: Result<_, StorageError> = search!(self, plan, |client, searched| {
            read::explain(&mut client, &relation, plan, searched).await
        });
        Ok(lines?.unwrap_or_default())
    }

    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, StorageError> {
        let found: Result<_, StorageError> =
            read!(self, None, |client| documents::read(&client, &query).await);
        Ok(found?.unwrap_or_default())
    }

    async fn draw(&self, counter: Counter, count: u64) -> Result<u64, StorageError> {
        self.ask(|reply| Job::Draw(counter, count, reply)).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        let found: Result<_, StorageError> =
            read!(self, None, |client| log::read(&client, after, limit).await);
        Ok(found?.unwrap_or_default())
    }

    async fn revision(&self) -> Result<u64, StorageError> {
        let newest = Statement::new(log::NEWEST);
        let found: Result<_, StorageError> = read!(self, None, |client| newest.number(&client).await);
        Ok(found?.unwrap_or_default() as u64)
    }

    async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError> {
        let relation: Arc<Relation> = self.shared.relations.get(table);
        let found: Result<_, StorageError> =
            read!(self, None, |client| count::stats(&client, &relation).await);
        Ok(found?.unwrap_or_default())
    }

    async fn dump(&self) -> Result<Dump, StorageError> {
        let permit = self.streams.clone().acquire_owned().await;
        let permit = permit.map_err(|_| StorageError::Closed)?;
        let mut client = self.reader().await?;
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
        let found: Result<_, StorageError> = read!(self, None, |client| examine::examine(&client).await);
        Ok(found?.unwrap_or_default())
    }

    async fn mend(&self, finding: &Finding) -> Result<bool, StorageError> {
        self.ask(|reply| Job::Mend(Box::new(finding.clone()), reply))
            .await
    }

    async fn check(&self) -> Result<(), StorageError> {
        let one = Statement::new("SELECT 1::bigint");
        let found: Result<_, StorageError> = read!(self, None, |client| one.number(&client).await);
        found.map(drop)
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.shared.pools.close_readers();
        self.streams.close();
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            let _ = closed.await;
            tracing::debug!(server = self.shared.pools.name(), "closed the connections");
        }
        Ok(())
    }
}

/// Sends the records of a plan in chunks.
async fn stream(
    client: &mut Object,
    relation: &Relation,
    plan: &Plan,
    searched: bool,
    sender: &mpsc::Sender<Result<Vec<Arc<Record>>, StorageError>>,
    begun: oneshot::Sender<()>,
) -> Pg<()> {
    let selection = select::selection(plan, relation, searched);
    if selection.reverse {
        // Only pages are asked for backwards, and a page fits in memory.
        drop(begun);
        let records = read::query(client, relation, plan, searched).await?;
        let _ = sender.send(Ok(records)).await;
        return Ok(());
    }
    let snapshot = read::snapshot(client).await?;
    // The first statement of the transaction fixes the state that all of it sees.
    snapshot
        .batch_execute(&format!(
            "SET LOCAL idle_in_transaction_session_timeout = {STREAM_IDLE_MS}; SELECT 1"
        ))
        .await?;
    drop(begun);
    let mut chunks = read::Chunks::new(&snapshot, relation, plan, selection);
    while let Some(chunk) = chunks.next().await? {
        if sender.send(Ok(chunk)).await.is_err() {
            break;
        }
    }
    Ok(())
}
