//! One connection to a server: how it is made, where there are several hosts to try, and what is known of the state it
//! shows. It knows nothing of what is read or written over it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use futures::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Notification, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::{Fault, Pg};
use super::settings::{Settings, Tls};
use super::statement::Statement;
use super::tls;
use crate::error::StorageError;

/// A connection that was silent for so long is asked whether it still answers before it is used.
const HEALTH_AFTER: Duration = Duration::from_secs(30);
/// Asks for the newest revision that a server shows.
pub(super) const POSITION: &str = "SELECT coalesce(max(revision), 0) FROM commits";

/// A connection, and what it has shown so far.
pub(super) struct Connection {
    client: ClientWrapper,
    /// A revision that every later read over it sees: a server goes forward only, and a connection stays with its server.
    position: AtomicU64,
    /// The position that came with the last read; 0 if none did.
    told: AtomicU64,
}

impl Connection {
    /// A revision that every read over it sees.
    pub(super) fn position(&self) -> u64 {
        self.position.load(SeqCst)
    }

    /// Notes a position that the server told after a read had begun.
    pub(super) fn tell(&self, position: u64) {
        self.position.fetch_max(position, SeqCst);
        // Never 0 once told.
        self.told.store(position + 1, SeqCst);
    }

    /// The position that came with the last read, once.
    pub(super) fn take_told(&self) -> Option<u64> {
        self.told.swap(0, SeqCst).checked_sub(1)
    }

    /// Asks the server where it is.
    pub(super) async fn ask_position(&self) -> Pg<u64> {
        let position = Statement::new(POSITION).keep().number(self).await? as u64;
        self.position.fetch_max(position, SeqCst);
        Ok(position)
    }
}

impl Deref for Connection {
    type Target = ClientWrapper;

    fn deref(&self) -> &ClientWrapper {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut ClientWrapper {
        &mut self.client
    }
}

/// Makes connections to the first of several hosts that takes them.
pub(super) struct Connector {
    hosts: Vec<Config>,
    tls: Security,
    greeting: String,
    /// The host that took the last connection: it is tried first.
    last: AtomicUsize,
}

/// How connections are encrypted.
#[derive(Clone)]
enum Security {
    None(NoTls),
    Rustls(Box<MakeRustlsConnect>),
}

impl Connector {
    /// What makes the connections that settings describe, and tells each a greeting.
    pub(super) fn new(settings: &Settings, greeting: String) -> Result<Connector, StorageError> {
        let tls = match &settings.tls {
            Tls::Off => Security::None(NoTls),
            tls => Security::Rustls(Box::new(tls::connector(tls)?)),
        };
        Ok(Connector {
            hosts: settings.hosts.clone(),
            tls,
            greeting,
            last: AtomicUsize::new(0),
        })
    }

    /// A connection to one of the hosts.
    pub(super) async fn connect(&self) -> Pg<Connection> {
        self.connect_hearing(None).await
    }

    /// A connection to one of the hosts; what the server tells without being asked goes to `heard`.
    pub(super) async fn connect_hearing(&self, heard: Option<Sender<Notification>>) -> Pg<Connection> {
        let (count, first) = (self.hosts.len().max(1), self.last.load(SeqCst));
        let mut failed = None;
        for index in (0..count).map(|step| (first + step) % count) {
            let Some(host) = self.hosts.get(index) else { break };
            // A host that takes the connection and then says nothing must not keep the others from being tried.
            let patience = host.get_connect_timeout().copied().unwrap_or(Duration::MAX);
            match timeout(patience, self.connect_to(host, heard.clone())).await {
                Ok(Ok(connection)) => {
                    self.last.store(index, SeqCst);
                    return Ok(connection);
                }
                Ok(Err(fault)) if fault.is_lost() => failed = Some(fault),
                Ok(Err(fault)) => return Err(fault),
                Err(_) => failed = failed.or_else(|| Some(silent())),
            }
        }
        Err(failed.unwrap_or_else(silent))
    }

    async fn connect_to(&self, host: &Config, heard: Option<Sender<Notification>>) -> Pg<Connection> {
        let client = match self.tls.clone() {
            Security::None(none) => {
                let (client, connection) = host.connect(none).await?;
                wrap(client, connection, heard)
            }
            Security::Rustls(rustls) => {
                let (client, connection) = host.connect(*rustls).await?;
                wrap(client, connection, heard)
            }
        };
        client.batch_execute(&self.greeting).await?;
        Ok(Connection {
            client,
            position: AtomicU64::new(0),
            told: AtomicU64::new(0),
        })
    }
}

fn silent() -> Fault {
    Fault::Pool("no connection was made in time (connect_timeout_ms)".into())
}

/// A client whose connection is driven by a task of its own.
fn wrap<S>(
    client: Client,
    mut connection: tokio_postgres::Connection<Socket, S>,
    heard: Option<Sender<Notification>>,
) -> ClientWrapper
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let drive = tokio::spawn(async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    if let Some(heard) = &heard
                        && heard.send(notification).await.is_err()
                    {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(%error, "a connection ended");
                    return;
                }
                None => return,
            }
        }
    });
    ClientWrapper::new(client, drive)
}

impl Manager for Connector {
    type Type = Connection;
    type Error = Fault;

    async fn create(&self) -> Result<Connection, Fault> {
        self.connect().await
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Fault> {
        if connection.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        connection.take_told();
        if metrics.last_used() < HEALTH_AFTER {
            return Ok(());
        }
        let alive = connection.check_connection().await;
        alive.map_err(|error| RecycleError::Backend(Fault::Db(error)))
    }
}
