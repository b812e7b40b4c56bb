//! Connections: a pool that reads, and one that writes apart, so that no number of readers keeps a write waiting. It
//! knows nothing of tables.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Object, Pool, PoolError, TimeoutType};
use tokio::task::JoinHandle;

use super::connection::{Connection, Connector};
use super::fault::{Fault, Pg};
use super::settings::Settings;
use crate::error::StorageError;
use crate::gauges;

/// How often idle connections are looked over.
const TIDY_EVERY: Duration = Duration::from_secs(15);

/// A connection on loan from a pool; it goes back when dropped.
pub(super) type Lent = Object<Connector>;

/// The connections to a server.
pub(super) struct Pools {
    /// What they were made from.
    pub(super) settings: Settings,
    readers: Pool<Connector>,
    writer: Pool<Connector>,
    tidy: JoinHandle<()>,
}

impl Pools {
    /// Pools without connections; they are made as they are needed.
    pub(super) fn new(settings: Settings) -> Result<Pools, StorageError> {
        let readers = build(&settings, settings.pool_max, reading(&settings))?;
        let writer = build(&settings, 1, settings.greeting.clone())?;
        let tidy = tokio::spawn(tidy(readers.clone(), settings.pool_min, settings.pool_idle));
        Ok(Pools {
            settings,
            readers,
            writer,
            tidy,
        })
    }

    /// A connection that reads.
    pub(super) async fn reader(&self) -> Pg<Lent> {
        let got = self.get(&self.readers, self.settings.pool_max).await;
        let status = self.readers.status();
        let in_use = status.size.saturating_sub(status.available);
        gauges::reading("postgres", in_use, self.settings.pool_max);
        got
    }

    /// The connection that writes.
    pub(super) async fn writer(&self) -> Pg<Lent> {
        self.get(&self.writer, 1).await
    }

    /// At a replica: the connection that asks how it is, which no number of readers keeps waiting.
    pub(super) async fn probe(&self) -> Pg<Lent> {
        self.writer().await
    }

    async fn get(&self, pool: &Pool<Connector>, size: usize) -> Pg<Lent> {
        let waited = self.settings.acquire_timeout.as_millis();
        pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Fault::Pool(format!(
                "all {size} connections (pool_max) were in use for {waited} ms (acquire_timeout_ms)"
            )),
            PoolError::Timeout(_) => {
                Fault::Pool("no connection was made in time (connect_timeout_ms)".into())
            }
            PoolError::Backend(fault) => fault,
            PoolError::Closed => Fault::Storage(StorageError::Closed),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Fault::Pool("the pool is not set up".into())
            }
        })
    }

    /// The server for people.
    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Makes as many connections as are kept, so that the first callers need not wait for them.
    pub(super) async fn warm(&self) -> Pg<()> {
        let mut held = Vec::new();
        for _ in 0..self.settings.pool_min {
            held.push(self.reader().await?);
        }
        Ok(())
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.readers.is_closed()
    }

    /// Lets go of the connections that read.
    pub(super) fn close_readers(&self) {
        self.tidy.abort();
        self.readers.close();
    }

    /// Lets go of the connection that writes.
    pub(super) fn close_writer(&self) {
        self.writer.close();
    }
}

impl Drop for Pools {
    fn drop(&mut self) {
        self.tidy.abort();
    }
}

/// Takes a connection out of its pool, so that nobody gets it again.
pub(super) fn discard(connection: Lent) {
    drop::<Connection>(Object::take(connection));
}

/// What a connection that only reads is told first.
pub(super) fn reading(settings: &Settings) -> String {
    format!("{}; SET default_transaction_read_only = on", settings.greeting)
}

fn build(settings: &Settings, size: usize, greeting: String) -> Result<Pool<Connector>, StorageError> {
    let pool = Pool::builder(Connector::new(settings, greeting)?)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.acquire_timeout))
        .create_timeout(Some(settings.connect_timeout_all()))
        .recycle_timeout(Some(settings.connect_timeout));
    pool.build()
        .map_err(|error| StorageError::Internal(format!("no pool: {error}")))
}

/// Closes what is idle beyond what is kept.
async fn tidy(pool: Pool<Connector>, keep: usize, idle: Duration) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        let mut kept = 0;
        pool.retain(|client, metrics| {
            let stays = !client.is_closed() && (kept < keep || metrics.last_used() < idle);
            kept += usize::from(stays);
            stays
        });
    }
}
