//! What all requests share. Holds no record: those are the store's.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use chancery::Store;
use chancery::credentials::{Secret, Signer};
use chancery::vault::Vault;
use chancery_api::limits;
use http::Method;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};

use crate::ServeError;
use crate::access::{Need, Pace, RULES, Reach};
use crate::hosts::Hosts;
use crate::idempotency::Answers;
use crate::live::Threads;
use crate::observe::Metrics;
use crate::pacing::Pacing;
use crate::web::Web;
use crate::webhooks::{Couriers, Poster};

/// The limits of the HTTP layer as configured.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest JSON body, in bytes.
    pub body_bytes_max: usize,
    /// Largest uploaded file, in bytes.
    pub upload_bytes_max: u64,
    /// Longest an ordinary request may take.
    pub request_time_max: Duration,
    /// Requests worked on at the same time.
    pub concurrent_requests_max: usize,
    /// Streams of events that are open at the same time.
    pub event_streams_max: usize,
    /// Longest frame that a socket is sent, in bytes.
    pub live_answer_bytes_max: usize,
    /// Most records that one operation on a socket answers.
    pub live_answer_records_max: usize,
    /// How long a part of a stream may wait to be read before the stream ends.
    pub event_stream_send_max: Duration,
    /// Longest that sending one message of a webhook may take.
    pub webhook_time_max: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: limits::BODY_BYTES_MAX,
            upload_bytes_max: limits::UPLOAD_BYTES_MAX,
            request_time_max: Duration::from_secs(limits::REQUEST_SECONDS_MAX),
            concurrent_requests_max: limits::CONCURRENT_REQUESTS_MAX,
            event_streams_max: limits::EVENT_STREAMS_MAX,
            live_answer_bytes_max: limits::LIVE_ANSWER_BYTES_MAX,
            live_answer_records_max: limits::LIVE_ANSWER_RECORDS_MAX,
            event_stream_send_max: Duration::from_secs(limits::EVENT_STREAM_SEND_SECONDS_MAX),
            webhook_time_max: Duration::from_secs(limits::WEBHOOK_SECONDS_MAX),
        }
    }
}

/// A handle on what all requests share; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    pub(crate) fn new(shared: Shared) -> App {
        App(Arc::new(shared))
    }

    /// The token of the set-up link, while nobody exists. A secret: for the operator's eyes.
    pub fn setup_token(&self) -> Option<Secret> {
        self.setup.lock().clone()
    }

    /// Ends what has no end of its own: the server stops.
    pub(crate) fn end_streams(&self) {
        self.ending.send_replace(true);
    }

    /// Waits until every socket has said farewell; they are no connections of the listener any more.
    pub(crate) async fn sockets_closed(&self) {
        let longest = Duration::from_secs(limits::DRAIN_SECONDS_MAX);
        let all = self.sockets.acquire_many(limits::LIVE_SOCKETS_MAX as u32);
        let _ = tokio::time::timeout(longest, all).await;
    }

    /// Says that webhooks were changed.
    pub(crate) fn webhooks_changed(&self) {
        self.webhook_changes.send_modify(|count| *count += 1);
    }

    /// Starts to send webhooks.
    pub(crate) fn send_webhooks(&self) -> Couriers {
        Couriers::start(
            self.store.clone(),
            self.poster.clone(),
            self.webhook_changes.subscribe(),
        )
    }
}

/// What all requests share.
pub struct Shared {
    pub(crate) store: Store,
    pub(crate) vault: Vault,
    pub(crate) signer: Signer,
    pub(crate) metrics: Metrics,
    pub(crate) answers: Answers,
    pub(crate) limits: Limits,
    pub(crate) hosts: Hosts,
    pub(crate) cookies: Cookies,
    /// The token of the set-up link, while nobody exists.
    pub(crate) setup: Mutex<Option<Secret>>,
    pub(crate) permits: Semaphore,
    /// One for each backup that may be written at a time.
    pub(crate) backups: Arc<Semaphore>,
    /// One for each socket that may be open at a time.
    pub(crate) sockets: Arc<Semaphore>,
    /// What sockets and streams of events are served on.
    pub(crate) live_on: Threads,
    /// How often forms come from which address.
    pub(crate) submits: Pacing,
    /// One for each stream of events that may be open at a time.
    pub(crate) streams: Arc<Semaphore>,
    /// True once the server stops: what has no end of its own ends then.
    pub(crate) ending: watch::Sender<bool>,
    pub(crate) poster: Arc<Poster>,
    /// How often webhooks were changed here.
    pub(crate) webhook_changes: watch::Sender<u64>,
    pub(crate) routes: Routes,
    pub(crate) web: Web,
}

/// How session cookies travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookies {
    /// Over plain HTTP, on this machine or inside a trusted network.
    Plain,
    /// Over TLS only.
    Secure,
}

impl Shared {
    /// The name of the session cookie; the prefix makes browsers insist on TLS and on this host.
    pub(crate) fn cookie_name(&self) -> &'static str {
        match self.cookies {
            Cookies::Plain => "chancery_session",
            Cookies::Secure => "__Host-chancery_session",
        }
    }
}

/// What is read of the OpenAPI document.
#[derive(Deserialize)]
struct Document {
    paths: HashMap<String, HashMap<String, Operation>>,
}

#[derive(Deserialize)]
struct Operation {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    r#in: String,
}

impl Document {
    /// The query parameters that an operation declares.
    fn query_parameters(&self, path: &str, method: &str) -> Vec<String> {
        let operation = self
            .paths
            .get(path)
            .and_then(|operations| operations.get(&method.to_ascii_lowercase()));
        let declared = operation.into_iter().flat_map(|operation| &operation.parameters);
        declared
            .filter(|parameter| parameter.r#in == "query")
            .map(|parameter| parameter.name.clone())
            .collect()
    }
}

/// What is known of every route: who may call it, how long it may take, which query parameters it takes.
pub(crate) struct Routes(HashMap<String, Vec<(Method, Route)>>);

/// What is known of one route.
pub(crate) struct Route {
    pub(crate) need: Need,
    pub(crate) pace: Pace,
    pub(crate) reach: Reach,
    pub(crate) narrow: bool,
    pub(crate) parameters: Vec<String>,
}

impl Routes {
    /// Joins the access table with the query parameters that the OpenAPI document declares.
    ///
    /// # Errors
    /// [`ServeError::Document`] if the document cannot be read.
    pub(crate) fn new(document: &str) -> Result<Routes, ServeError> {
        let document: Document = serde_json::from_str(document).map_err(ServeError::Document)?;
        let mut routes: HashMap<String, Vec<(Method, Route)>> = HashMap::new();
        for rule in RULES {
            let parameters = document.query_parameters(rule.path, rule.method);
            let method = Method::from_bytes(rule.method.as_bytes()).expect("the table holds methods");
            let route = Route {
                need: rule.need,
                pace: rule.pace,
                reach: rule.reach,
                narrow: rule.narrow,
                parameters,
            };
            routes
                .entry(rule.path.to_owned())
                .or_default()
                .push((method, route));
        }
        Ok(Routes(routes))
    }

    /// The methods that a path of the router takes, for the header `Allow`. Everything else is the web page.
    pub(crate) fn methods(&self, path: &str) -> String {
        let Some(routes) = self.0.get(path) else {
            return "GET, HEAD".to_owned();
        };
        let mut methods: Vec<&str> = routes.iter().map(|(method, _)| method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.join(", ")
    }

    /// The route of a method on a path of the router; HEAD is GET without a body.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<&Route> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.0
            .get(path)?
            .iter()
            .find(|(had, _)| had == method)
            .map(|(_, route)| route)
    }
}
