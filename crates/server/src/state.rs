//! What all requests share. Holds no record: those are the store's.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chancery::Store;
use chancery::credentials::{Secret, Signer};
use chancery_api::limits;
use http::Method;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use utoipa::openapi::OpenApi;

use crate::access::{Need, Pace, RULES};
use crate::attempts::Attempts;
use crate::hosts::Hosts;
use crate::idempotency::Answers;
use crate::observe::Metrics;
use crate::web::Web;

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
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: limits::BODY_BYTES_MAX,
            upload_bytes_max: limits::UPLOAD_BYTES_MAX,
            request_time_max: Duration::from_secs(limits::REQUEST_SECONDS_MAX),
            concurrent_requests_max: limits::CONCURRENT_REQUESTS_MAX,
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
}

/// What all requests share.
pub struct Shared {
    pub(crate) store: Store,
    pub(crate) signer: Signer,
    pub(crate) metrics: Metrics,
    pub(crate) attempts: Attempts,
    pub(crate) answers: Answers,
    pub(crate) limits: Limits,
    pub(crate) hosts: Hosts,
    pub(crate) cookies: Cookies,
    /// The token of the set-up link, while nobody exists.
    pub(crate) setup: Mutex<Option<Secret>>,
    pub(crate) permits: Semaphore,
    /// One for each backup that may be written at a time.
    pub(crate) backups: Arc<Semaphore>,
    pub(crate) routes: Routes,
    pub(crate) openapi: Bytes,
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

/// What is known of every route: who may call it, how long it may take, which query parameters it takes.
pub(crate) struct Routes(HashMap<String, Vec<(Method, Route)>>);

/// What is known of one route.
pub(crate) struct Route {
    pub(crate) need: Need,
    pub(crate) pace: Pace,
    pub(crate) parameters: Vec<String>,
}

impl Routes {
    /// Joins the access table with the query parameters that the OpenAPI document declares.
    pub(crate) fn new(openapi: &OpenApi) -> Routes {
        let document = serde_json::to_value(openapi).unwrap_or_default();
        let mut routes: HashMap<String, Vec<(Method, Route)>> = HashMap::new();
        for rule in RULES {
            let operation = &document["paths"][rule.path][rule.method.to_ascii_lowercase()];
            let declared = operation["parameters"].as_array().into_iter().flatten();
            let parameters = declared
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
                .collect();
            let method = Method::from_bytes(rule.method.as_bytes()).expect("the table holds methods");
            let route = Route {
                need: rule.need,
                pace: rule.pace,
                parameters,
            };
            routes
                .entry(rule.path.to_owned())
                .or_default()
                .push((method, route));
        }
        Routes(routes)
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
