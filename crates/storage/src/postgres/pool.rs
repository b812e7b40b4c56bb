//! Connections: a pool that reads, and one that writes apart, so that no number of readers keeps a write waiting. It
//! knows nothing of tables.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::TimeoutType;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use tokio::task::JoinHandle;

use super::fault::{Fault, Pg};
use super::settings::{Settings, Tls};
use super::tls;
use crate::error::StorageError;
use crate::gauges;

/// A connection that was silent for so long is asked whether it still answers before it is used.
const HEALTH_AFTER: Duration = Duration::from_secs(30);
/// How often idle connections are looked over.
const TIDY_EVERY: Duration = Duration::from_secs(15);

/// The connections to a server.
pub(super) struct Pools {
    /// What they were made from.
    pub(super) settings: Settings,
    readers: Pool,
    writer: Pool,
    tidy: JoinHandle<()>,
}

impl Pools {
    /// Pools without connections; they are made as they are needed.
    pub(super) fn new(settings: Settings) -> Result<Pools, StorageError> {
        let reading = format!("{}; SET default_transaction_read_only = on", settings.greeting);
        let readers = build(&settings, settings.pool_max, reading)?;
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
    pub(super) async fn reader(&self) -> Pg<Object> {
        let got = self.get(&self.readers, self.settings.pool_max).await;
        let status = self.readers.status();
        let in_use = status.size.saturating_sub(status.available);
        gauges::reading("postgres", in_use, self.settings.pool_max);
        got
    }

    /// The connection that writes.
    pub(super) async fn writer(&self) -> Pg<Object> {
        self.get(&self.writer, 1).await
    }

    async fn get(&self, pool: &Pool, size: usize) -> Pg<Object> {
        let waited = self.settings.acquire_timeout.as_millis();
        pool.get().await.map_err(|error| match error {
            PoolError::Timeout(TimeoutType::Wait) => Fault::Pool(format!(
                "all {size} connections (pool_max) were in use for {waited} ms (acquire_timeout_ms)"
            )),
            PoolError::Timeout(_) => {
                Fault::Pool("no connection was made in time (connect_timeout_ms)".into())
            }
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => {
                Fault::Db(error)
            }
            PoolError::Closed => Fault::Storage(StorageError::Closed),
            other => Fault::Pool(other.to_string()),
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
pub(super) fn discard(connection: Object) {
    drop(Object::take(connection));
}

fn build(settings: &Settings, size: usize, greeting: String) -> Result<Pool, StorageError> {
    let recycling = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    let config = settings.config.clone();
    let manager = match settings.tls {
        Tls::Off => Manager::from_config(config, tokio_postgres::NoTls, recycling),
        _ => Manager::from_config(config, tls::connector(&settings.tls)?, recycling),
    };
    let greeting: Arc<str> = greeting.into();
    let connect = settings.config.get_connect_timeout().copied();
    let pool = Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(settings.acquire_timeout))
        .create_timeout(connect)
        .recycle_timeout(connect)
        .post_create(Hook::async_fn(move |client, _| {
            let greeting = greeting.clone();
            Box::pin(async move { client.batch_execute(&greeting).await.map_err(HookError::Backend) })
        }))
        .pre_recycle(Hook::async_fn(|client, metrics| {
            Box::pin(async move {
                if metrics.last_used() < HEALTH_AFTER {
                    return Ok(());
                }
                client.check_connection().await.map_err(HookError::Backend)
            })
        }));
    pool.build()
        .map_err(|error| StorageError::Internal(format!("no pool: {error}")))
}

/// Closes what is idle beyond what is kept.
async fn tidy(pool: Pool, keep: usize, idle: Duration) {
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
