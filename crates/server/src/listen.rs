//! Connections: accepting, TLS, HTTP/1.1 and 2, and letting them finish when the server stops. Knows no route.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chancery_api::limits;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, pki_types::pem::PemObject};
use tower::ServiceExt;

use crate::caller::Peer;
use crate::observe::{Metrics, Observation};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait after the system could not accept a connection (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until `stop`, then lets the open ones finish, for a while.
pub(crate) async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    metrics: impl Fn(Observation<'_>) + Clone + Send + Sync + 'static,
    stop: impl Future<Output = ()>,
) {
    let http = protocol();
    let graceful = GracefulShutdown::new();
    let open = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    let mut stop = std::pin::pin!(stop);
    loop {
        let Ok(permit) = open.clone().acquire_owned().await else {
            break;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                metrics(Observation::ConnectionLost {
                    cause: &error.to_string(),
                });
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Small answers leave at once instead of waiting for more.
        let _ = stream.set_nodelay(true);
        let (http, router, tls, metrics) = (http.clone(), router.clone(), tls.clone(), metrics.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            let served = serve_one(stream, peer, tls, &http, router, watcher).await;
            if let Err(error) = served {
                metrics(Observation::ConnectionLost {
                    cause: &error.to_string(),
                });
            }
            drop(permit);
        });
    }
    drop(listener);
    metrics(Observation::Stopping);
    let busy = || limits::CONNECTIONS_MAX - open.available_permits();
    tokio::select! {
        () = graceful.shutdown() => metrics(Observation::Stopped { cut: 0 }),
        () = tokio::time::sleep(Duration::from_secs(limits::DRAIN_SECONDS_MAX)) => {
            metrics(Observation::Stopped { cut: busy() });
        }
    }
}

fn protocol() -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    let head = Duration::from_secs(limits::HEADER_SECONDS_MAX);
    // Flushes of pipelined answers are not gathered: with that, hyper buffers without a bound what a slow reader does not take.
    http.http1().timer(TokioTimer::new()).header_read_timeout(head);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20))
        .max_concurrent_streams(256);
    http
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn serve_one(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    http: &Builder<TokioExecutor>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), Failure> {
    match tls {
        None => serve_stream(stream, peer, http, router, watcher).await,
        Some(tls) => {
            let stream = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await??;
            serve_stream(stream, peer, http, router, watcher).await
        }
    }
}

async fn serve_stream<S>(
    stream: S,
    peer: SocketAddr,
    http: &Builder<TokioExecutor>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service);
    watcher.watch(connection).await
}

/// Reads a certificate chain and its key from PEM files.
///
/// # Errors
/// When a file cannot be read or holds no certificate or key.
pub(crate) fn tls(certificate: &Path, key: &Path) -> io::Result<TlsAcceptor> {
    let bad =
        |path: &Path, error: &dyn std::fmt::Display| io::Error::other(format!("{}: {error}", path.display()));
    let chain = rustls::pki_types::CertificateDer::pem_file_iter(certificate)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .map_err(|error| bad(certificate, &error))?;
    if chain.is_empty() {
        return Err(bad(certificate, &"holds no certificate"));
    }
    let key_der = rustls::pki_types::PrivateKeyDer::from_pem_file(key).map_err(|error| bad(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| bad(certificate, &error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Binds an address, saying which one when it cannot.
///
/// # Errors
/// When the address is in use or not ours.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))
}

/// Tells the metrics of an application what happens to connections.
pub(crate) fn teller(app: crate::state::App) -> impl Fn(Observation<'_>) + Clone + Send + Sync + 'static {
    move |observation| {
        let metrics: &Metrics = &app.metrics;
        metrics.observe(observation);
    }
}
