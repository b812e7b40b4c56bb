//! A small HTTP client for the API. It knows paths and JSON, and nothing of what they mean.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use chancery_api::{ErrorCode, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use ureq::http::header::{AUTHORIZATION, CONTENT_TYPE, EXPECT};
use ureq::http::{HeaderValue, Method, Request, Response};
use ureq::{Agent, AsSendBody, Body, SendBody};
use url::Url;

use super::Sent;
use crate::failure::Failure;

/// How long a server may take to accept a connection.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// How the type of a form begins.
const FORM: &[u8] = b"multipart/";
/// How it ends when a server stops to read.
const CUT_OFF: [ErrorKind; 3] = [
    ErrorKind::BrokenPipe,
    ErrorKind::ConnectionReset,
    ErrorKind::ConnectionAborted,
];
/// Largest JSON answer read into memory, in bytes (256 MiB).
pub(super) const ANSWER_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A server and the key for it.
pub(super) struct Client {
    agent: Agent,
    base: Url,
    key: Option<String>,
}

impl Client {
    /// A client for a server; nothing is sent yet.
    pub(super) fn new(server: &str, key: Option<String>) -> Result<Client, Failure> {
        let bad = |reason: &str| {
            Failure::new(format!("\"{server}\" is no server address: {reason}"))
                .hint("write http://127.0.0.1:7373")
        };
        let base = Url::parse(server).map_err(|error| bad(&error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(bad("it begins with neither http:// nor https://"));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIME_MAX))
            .user_agent(concat!("chancery/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client {
            agent: config.new_agent(),
            base,
            key,
        })
    }

    /// Whether the key would travel unencrypted over a network.
    pub(super) fn in_the_clear(&self) -> bool {
        let loopback = match self.base.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        self.base.scheme() == "http" && !loopback && self.key.is_some()
    }

    /// The address of a route: each part is one segment, whatever it holds.
    pub(super) fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }

    /// Asks and reads the answer as JSON.
    pub(super) fn delete(&self, url: Url) -> Result<(), Failure> {
        self.send(Method::DELETE, url, None, ()).map(drop)
    }

    pub(super) fn get<T: DeserializeOwned>(&self, url: Url) -> Result<T, Failure> {
        read(self.send(Method::GET, url, None, ())?)
    }

    /// Sends JSON and reads the answer as JSON.
    pub(super) fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        read(self.send(method, url, Some("application/json"), serde_json::to_vec(body)?)?)
    }

    /// Sends anything and answers with what came, if it is no refusal.
    pub(super) fn send(
        &self,
        method: Method,
        url: Url,
        content_type: Option<&str>,
        body: impl AsSendBody,
    ) -> Result<Response<Body>, Failure> {
        self.send_if(method, url, content_type, None, body)
    }

    /// As [`Client::send`], only if the record is at a version.
    pub(super) fn send_if(
        &self,
        method: Method,
        url: Url,
        content_type: Option<&str>,
        version: Option<u64>,
        body: impl AsSendBody,
    ) -> Result<Response<Body>, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("accept", "application/json");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        if let Some(version) = version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        let request = request
            .body(body)
            .map_err(|error| Failure::new(error.to_string()))?;
        self.run(request)
    }

    /// Sends a request whose address is a path, and answers with what came, if it is no refusal.
    pub(super) fn pass(&self, request: Request<Sent>) -> Result<Response<Body>, Failure> {
        let (mut parts, sent) = request.into_parts();
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}{}",
            self.base.path().trim_end_matches('/'),
            parts.uri.path()
        ));
        url.set_query(parts.uri.query());
        parts.uri = url
            .as_str()
            .parse()
            .map_err(|error| Failure::new(format!("{url}: {error}")))?;
        let kind = parts.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if kind.is_some_and(|kind| kind.starts_with(FORM)) {
            // What is refused before its body is read is then answered, not cut off (RFC 9110, 10.1.1). Not so of lines, which are
            // answered while they come: there an answer does not mean that no more is wanted.
            let expect = HeaderValue::from_static("100-continue");
            parts.headers.insert(EXPECT, expect);
        }
        let body = sent.map_or_else(SendBody::none, SendBody::from_owned_reader);
        self.run(Request::from_parts(parts, body))
    }

    fn run(&self, mut request: Request<impl AsSendBody>) -> Result<Response<Body>, Failure> {
        if let Some(key) = &self.key {
            let bearer = HeaderValue::try_from(format!("Bearer {key}"));
            let bearer = bearer.map_err(|_| Failure::new("the key holds what no key holds"))?;
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        let response = self
            .agent
            .run(request)
            .map_err(|error| self.unreachable(&error))?;
        // What was not changed since (304) is no refusal.
        if response.status().as_u16() < 400 {
            Ok(response)
        } else {
            Err(self.refusal(response))
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        if let ureq::Error::Io(io) = error
            && io.kind() == ErrorKind::ConnectionRefused
        {
            return Failure::new(format!("nobody answers at {}", self.base))
                .hint("start the server with `chancery serve`, or check the address");
        }
        match error {
            ureq::Error::Io(io) if CUT_OFF.contains(&io.kind()) => {
                Failure::new(format!("{} stopped to read before all was sent: {io}", self.base)).hint(
                    "it may be larger than the server takes (serve --file-bytes-max), or the server ended",
                )
            }
            _ => Failure::new(format!("{}: {error}", self.base)),
        }
    }

    fn refusal(&self, response: Response<Body>) -> Failure {
        let status = response.status();
        let text = body(response).unwrap_or_default();
        let Ok(problem) = serde_json::from_slice::<Problem>(&text) else {
            return Failure::new(format!("{} answered {status} and no explanation", self.base))
                .hint("is it a Chancery server?");
        };
        // A wrong token or password says nothing against the key.
        let about_key = matches!(
            problem.code,
            ErrorCode::Unauthenticated | ErrorCode::Forbidden | ErrorCode::CsrfRequired
        );
        let failure = Failure::from(problem);
        if !about_key {
            return failure;
        }
        match (status.as_u16(), &self.key) {
            (401, None) => {
                failure.instead("give a key with --key or CHANCERY_KEY; where the database is, `chancery key create --data DIR` makes one")
            }
            (401 | 403, _) => failure.instead("where the database is, `chancery key create --data DIR` makes another key"),
            _ => failure,
        }
    }
}

/// The answer as JSON; an empty one is null.
pub(super) fn read<T: DeserializeOwned>(response: Response<Body>) -> Result<T, Failure> {
    let mut text = body(response)?;
    if text.is_empty() {
        text = b"null".to_vec();
    }
    serde_json::from_slice(&text).map_err(|error| {
        Failure::new(format!("the server's answer cannot be read: {error}"))
            .hint("is the server of another version?")
    })
}

fn body(response: Response<Body>) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    response
        .into_body()
        .into_reader()
        .take(ANSWER_BYTES_MAX)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// A JSON value in a query string.
pub(super) fn with_json(url: &mut Url, name: &str, value: &impl Serialize) -> Result<(), Failure> {
    let text: Json = serde_json::to_value(value)?;
    url.query_pairs_mut().append_pair(name, &text.to_string());
    Ok(())
}
