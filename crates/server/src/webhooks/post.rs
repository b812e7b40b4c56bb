//! Sending one message: the name is resolved, the address is checked, and the connection is made to that very address, so a
//! name that points elsewhere a moment later changes nothing. No redirect is followed; of the answer only a little is read.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, pki_types::ServerName};

use super::address;

/// How much of an answer is read, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// How much of it is kept with a failed delivery, in characters.
const EXCERPT_CHARS_MAX: usize = 200;

/// A message as it is sent.
pub(super) struct Message {
    pub(super) id: String,
    pub(super) seconds: i64,
    pub(super) signature: String,
    pub(super) body: Bytes,
}

/// What came of sending.
pub(super) struct Sent {
    /// The status, if there was an answer.
    pub(super) status: Option<u16>,
    /// Why it did not arrive.
    pub(super) error: Option<String>,
}

/// Sends messages.
pub(crate) struct Poster {
    allowed: Vec<IpNet>,
    time_max: Duration,
    tls: OnceLock<Result<TlsConnector, String>>,
}

impl Poster {
    /// Sends to public addresses and to those allowed, each message within a time.
    pub(crate) fn new(allowed: Vec<IpNet>, time_max: Duration) -> Poster {
        Poster {
            allowed,
            time_max,
            tls: OnceLock::new(),
        }
    }

    /// Sends a message once.
    pub(super) async fn post(&self, url: &str, message: &Message) -> Sent {
        let until = Instant::now() + self.time_max;
        match self.exchange(url, message, until).await {
            Err(error) => Sent {
                status: None,
                error: Some(error),
            },
            Ok((status, excerpt)) => {
                let error = match status {
                    200..=299 => None,
                    300..=399 => Some(format!("The answer is {status}: redirects are not followed")),
                    _ if excerpt.is_empty() => Some(format!("The answer is {status}")),
                    _ => Some(format!("The answer is {status}: {excerpt}")),
                };
                Sent {
                    status: Some(status),
                    error,
                }
            }
        }
    }

    async fn exchange(&self, url: &str, message: &Message, until: Instant) -> Result<(u16, String), String> {
        let uri: Uri = url.parse().map_err(|_| "The URL cannot be read".to_owned())?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = self.within(until, self.connect(&host, port)).await?;
        let request = request(&uri, message)?;
        if !secure {
            return self.converse(stream, request, until).await;
        }
        let tls = self.tls.get_or_init(connector).as_ref().map_err(Clone::clone)?;
        let name =
            ServerName::try_from(host).map_err(|_| "The host is no name for a certificate".to_owned())?;
        let shaken = async {
            let stream = tls.connect(name, stream).await;
            stream.map_err(|error| format!("TLS failed: {error}"))
        };
        let stream = self.within(until, shaken).await?;
        self.converse(stream, request, until).await
    }

    /// Does a part of it in the time that is left.
    async fn within<T>(
        &self,
        until: Instant,
        part: impl Future<Output = Result<T, String>>,
    ) -> Result<T, String> {
        let late = |_| Err(format!("No answer came within {} ms", self.time_max.as_millis()));
        timeout_at(until, part).await.unwrap_or_else(late)
    }

    /// One request and its answer on a fresh connection, which ends with it.
    async fn converse<S>(
        &self,
        stream: S,
        request: Request<Full<Bytes>>,
        until: Instant,
    ) -> Result<(u16, String), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| format!("The connection broke: {error}");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let mut exchange = std::pin::pin!(async {
            let head = async { sender.send_request(request).await.map_err(broken) };
            let answer = self.within(until, head).await?;
            let status = answer.status();
            let excerpt = match status.is_success() {
                // It has arrived: what more is said, and when, does not matter.
                true => String::new(),
                false => excerpt(answer.into_body(), until).await,
            };
            Ok((status.as_u16(), excerpt))
        });
        let mut connection = std::pin::pin!(connection);
        let mut open = true;
        loop {
            tokio::select! {
                biased;
                answer = &mut exchange => return answer,
                _ = &mut connection, if open => open = false,
            }
        }
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, String> {
        let found = tokio::net::lookup_host((host, port)).await;
        let found: Vec<SocketAddr> = found
            .map_err(|error| format!("The host cannot be found: {error}"))?
            .collect();
        let mut refusal =
            format!("{host} is a private address, or one of this machine; the server does not send there");
        for address in found {
            if !address::may_reach(address.ip(), &self.allowed) {
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => refusal = format!("{host} cannot be reached: {error}"),
            }
        }
        Err(refusal)
    }
}

fn connector() -> Result<TlsConnector, String> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(std::sync::Arc::new(config)))
}

fn request(uri: &Uri, message: &Message) -> Result<Request<Full<Bytes>>, String> {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let named = HeaderName::from_static;
    Request::builder()
        .method(Method::POST)
        .uri(target)
        .header(header::HOST, authority)
        .header(header::CONTENT_TYPE, "application/json")
        .header(
            header::USER_AGENT,
            concat!("chancery/", env!("CARGO_PKG_VERSION")),
        )
        .header(named("webhook-id"), &message.id)
        .header(named("webhook-timestamp"), HeaderValue::from(message.seconds))
        .header(named("webhook-signature"), &message.signature)
        .body(Full::new(message.body.clone()))
        .map_err(|error| error.to_string())
}

/// The beginning of what was answered, as far as it comes in time.
async fn excerpt(mut body: Incoming, until: Instant) -> String {
    let mut read = Vec::new();
    while read.len() < ANSWER_BYTES_MAX {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| &data[..]));
            }
            // The status has come: what is wrong with the rest does not matter.
            Ok(Some(Err(_)) | None) | Err(_) => break,
        }
    }
    let text: String = String::from_utf8_lossy(&read)
        .chars()
        .take(EXCERPT_CHARS_MAX)
        .collect();
    text.trim().to_owned()
}
