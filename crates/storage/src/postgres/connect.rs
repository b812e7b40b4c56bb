//! Connections outside the pools: for what takes long or waits. Each is told what every connection is told first.

use futures::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls, Notification};

use super::fault::Pg;
use super::settings::{Settings, Tls};
use super::tls;

/// Makes a connection that lives as long as its client; what the server tells without being asked goes to `heard`.
pub(super) async fn connect(settings: &Settings, heard: Option<mpsc::Sender<Notification>>) -> Pg<Client> {
    let client = match &settings.tls {
        Tls::Off => {
            let (client, connection) = settings.config.connect(NoTls).await?;
            drive(connection, heard);
            client
        }
        encrypted => {
            let (client, connection) = settings.config.connect(tls::connector(encrypted)?).await?;
            drive(connection, heard);
            client
        }
    };
    client.batch_execute(&settings.greeting).await?;
    Ok(client)
}

/// Moves a connection's bytes until it ends, or nobody hears any more what it was made to hear.
fn drive<S, T>(mut connection: Connection<S, T>, heard: Option<mpsc::Sender<Notification>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
            if let (AsyncMessage::Notification(notification), Some(heard)) = (message, &heard)
                && heard.send(notification).await.is_err()
            {
                return;
            }
        }
    });
}
