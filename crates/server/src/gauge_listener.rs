//! A second listener that gives the metrics and nothing else, without a key: on this machine only.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::task::JoinHandle;

use crate::listen;
use crate::state::App;

/// How often what was recorded is tidied while nobody asks for it.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// The listener and the tidying; both end when this is dropped.
pub(crate) struct Watching(Vec<JoinHandle<()>>);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Starts tidying, and the listener if one is asked for.
///
/// # Errors
/// When the address is in use or reachable from elsewhere.
pub(crate) async fn start(app: &App, address: Option<SocketAddr>) -> io::Result<Watching> {
    let tidied = app.clone();
    let mut tasks = vec![tokio::spawn(async move {
        loop {
            tokio::time::sleep(TIDY_EVERY).await;
            tidied.metrics.tidy();
            if let Err(error) = tidied.store.keep_slow_queries().await {
                tracing::debug!(target: "chancery::slow", %error, "the slowest queries were not written down");
            }
        }
    })];
    if let Some(address) = address {
        if !address.ip().is_loopback() {
            let what = format!(
                "--metrics-bind takes a loopback address, not {address}; from elsewhere ask /metrics with an admin key"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let listener = listen::bind(address).await?;
        let bound = listener.local_addr()?;
        tracing::info!(target: "chancery", %bound, "metrics");
        let router = Router::new()
            .route("/metrics", get(metrics))
            .with_state(app.clone());
        let teller = listen::teller(app.clone());
        tasks.push(tokio::spawn(async move {
            listen::run(listener, None, router, teller, std::future::pending()).await;
        }));
    }
    Ok(Watching(tasks))
}

async fn metrics(State(app): State<App>, request: Request) -> Response {
    // A page of another site that a browser here was tricked into asking sends its own host name.
    if let Err(fault) = app.hosts.check(request.headers(), request.uri()) {
        return fault.into_response();
    }
    app.metrics.render(&app.store).await.into_response()
}
