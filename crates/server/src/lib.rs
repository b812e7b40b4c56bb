//! Chancery over HTTP: routes, access, OpenAPI, the embedded web page. Holds no rule about records: those are the
//! library's, and [`convert`] is the only border between what is on the wire and what the library means.
//!
//! # To add a route
//! 1. Write its wire types in `chancery-api`, and the handler with `#[utoipa::path]` in the file of its resource
//!    under `routes/`: parse, call the library, convert.
//! 2. Add it to the router of that file.
//! 3. Add its line to [`access::RULES`]; a test fails without it.
//! 4. Run the tests with `UPDATE_OPENAPI=1` and look at the difference in `openapi.json`.

pub mod access;
mod acting;
pub mod at_hand;
mod caller;
mod caretaker;
mod conventions;
pub mod convert;
mod cursor;
mod docs;
mod extract;
mod fault;
mod file_form;
mod gauge_listener;
mod hosts;
mod idempotency;
mod listen;
mod live;
mod objects;
mod observe;
mod openapi;
mod options;
mod pacing;
mod reply;
mod rights;
mod routes;
mod state;
mod trace;
mod upload;
mod vaulting;
mod web;
mod webhooks;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use chancery::Store;
use chancery::access::AccessError;
use chancery::credentials::Secret;
use chancery::replies::Replies;
use chancery::vault::{Vault, VaultError, VaultOptions};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};

pub use ipnet::IpNet;
pub use options::{Listening, Proxy, Ready, ServeOptions, Stop, TlsFiles};
pub use state::{App, Cookies, Limits};

/// Answers smaller than this are not worth compressing, in bytes.
const COMPRESS_FROM_BYTES: u64 = 1_024;

/// Why a server could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is in use or not ours, or a TLS file cannot be used.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// What the store keeps about users and keys cannot be read.
    #[error("{0}")]
    Access(#[from] AccessError),
    /// The OpenAPI document that was built in cannot be read: a defect of the program.
    #[error("the built-in OpenAPI document cannot be read: {0}")]
    Document(serde_json::Error),
    /// The tables of the vault cannot be made or read.
    #[error("{0}")]
    Vault(#[from] VaultError),
}

/// How the routes are set up, apart from where they are served.
pub struct Settings {
    /// The limits.
    pub limits: Limits,
    /// Where the server will listen, which decides the host names it answers for.
    pub listen: SocketAddr,
    /// Host names to answer for besides.
    pub allowed_hosts: Vec<String>,
    /// How session cookies travel.
    pub cookies: Cookies,
    /// Which web page there is.
    pub page: Page,
    /// Networks that webhooks may reach besides public addresses.
    pub webhook_allow: Vec<IpNet>,
    /// The store's vault; without one it is opened sealed.
    pub vault: Option<Vault>,
}

/// The web page of an application.
#[derive(Clone, Debug, Default)]
pub enum Page {
    /// The one in the program. It is compressed at the start.
    #[default]
    BuiltIn,
    /// One in a folder.
    Folder(PathBuf),
    /// None: only programs ask.
    Absent,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7373)),
            allowed_hosts: Vec::new(),
            cookies: Cookies::Plain,
            page: Page::BuiltIn,
            webhook_allow: Vec::new(),
            vault: None,
        }
    }
}

/// All routes on a store, with what they share. Listens nowhere.
///
/// # Errors
/// [`ServeError::Access`] or [`ServeError::Vault`] when what the store keeps about them cannot be read.
pub async fn application(store: Store, settings: Settings) -> Result<App, ServeError> {
    let signer = store.access().signer().await?.clone();
    let setup = store
        .access()
        .needs_setup()
        .await?
        .then(|| Secret::random("setup_"));
    let replies = Arc::new(Replies::new(store.backend().clone()));
    let vault = match settings.vault {
        Some(vault) => vault,
        None => Vault::open(&store, VaultOptions::default()).await?,
    };
    Ok(App::new(state::Shared {
        signer,
        metrics: observe::Metrics::default(),
        answers: idempotency::Answers::new(replies),
        limits: settings.limits,
        hosts: hosts::Hosts::of(settings.listen, &settings.allowed_hosts),
        cookies: settings.cookies,
        setup: Mutex::new(setup),
        permits: Semaphore::new(settings.limits.concurrent_requests_max),
        backups: Arc::new(Semaphore::new(chancery_api::limits::BACKUPS_AT_ONCE_MAX)),
        submits: pacing::Pacing::default(),
        sockets: Arc::new(Semaphore::new(chancery_api::limits::LIVE_SOCKETS_MAX)),
        live_on: live::Threads::start()?,
        streams: Arc::new(Semaphore::new(settings.limits.event_streams_max)),
        ending: watch::Sender::new(false),
        poster: Arc::new(webhooks::Poster::new(
            settings.webhook_allow,
            settings.limits.webhook_time_max,
        )),
        webhook_changes: watch::Sender::new(0),
        routes: state::Routes::new(openapi::TEXT)?,
        web: web::Web::new(&settings.page),
        store,
        vault,
    }))
}

/// The OpenAPI document, from the routes themselves. The server answers with a text of it that was made before: making it
/// takes more memory than everything else the server does at its start.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = routes::all().split_for_parts();
    openapi::finish(&mut document);
    document
}

/// The OpenAPI document as the server gives it.
pub fn document_text() -> &'static str {
    openapi::TEXT
}

/// The router of an application, for [`serve`] and for tests without a network.
pub fn router(app: App) -> Router {
    let (routes, _) = routes::all().split_for_parts();
    let worthwhile = DefaultPredicate::new().and(SizeAbove::new(COMPRESS_FROM_BYTES));
    routes
        .fallback(page)
        .method_not_allowed_fallback(conventions::method_not_allowed)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(app.clone(), conventions::around))
        .layer(CompressionLayer::new().compress_when(worthwhile))
        .with_state(app)
}

/// Everything that is no route: the web page.
async fn page(State(app): State<App>, request: Request) -> Response {
    app.web
        .answer(request.method(), request.uri(), request.headers())
        .await
}

/// Serves a store until a signal or [`ServeOptions::stop`], then lets running requests finish.
///
/// # Errors
/// [`ServeError`] when it cannot start.
pub async fn serve(options: ServeOptions) -> Result<(), ServeError> {
    let tls = options
        .tls
        .as_ref()
        .map(|files| listen::tls(&files.certificate, &files.key))
        .transpose()?;
    let secure = tls.is_some() || options.proxy == Proxy::Tls;
    let listener = listen::bind(options.listen).await?;
    let address = listener.local_addr()?;
    let settings = Settings {
        limits: options.limits,
        listen: address,
        allowed_hosts: options.allowed_hosts,
        cookies: if secure { Cookies::Secure } else { Cookies::Plain },
        page: options.web_dir.map_or(Page::BuiltIn, Page::Folder),
        webhook_allow: options.webhook_allow,
        vault: options.vault,
    };
    let app = application(options.store, settings).await?;
    let watching = gauge_listener::start(&app, options.metrics_bind).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    app.metrics
        .observe(observe::Observation::Listening { address, scheme });
    if let Some(ready) = options.ready {
        let url = format!("{scheme}://{address}");
        let setup_url = app
            .setup_token()
            .map(|token| format!("{url}/setup?token={}", token.expose()));
        ready(Listening {
            address,
            url,
            setup_url,
        });
    }
    let teller = listen::teller(app.clone());
    let couriers = app.send_webhooks();
    let caretaker = caretaker::Caretaker::start(app.store.clone(), app.vault.clone());
    let router = router(app.clone());
    let stop = options.stop.unwrap_or_else(|| Box::pin(signals()));
    // Streams have no end of their own, so they are told before the connections are waited for.
    let ending = app.clone();
    let stop = async move {
        stop.await;
        ending.end_streams();
    };
    listen::run(listener, tls, router, teller, stop).await;
    app.sockets_closed().await;
    couriers.stop().await;
    caretaker.stop().await;
    drop(watching);
    Ok(())
}

/// Completes at SIGINT or SIGTERM.
async fn signals() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            },
            Err(_) => {
                let _ = interrupt.await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        let _ = interrupt.await;
    }
}
