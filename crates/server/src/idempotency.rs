//! Doing a keyed POST once: the first answer is kept for 24 hours and given again. Knows nothing of what is done.
//!
//! A key belongs to its caller. While the first request runs, a second is told so (409); another body under the same
//! key is refused (409). Refusals are not kept: they did nothing, so a corrected request may use the key again. Nor are answers
//! that hold a secret: that the request was done is known, and a repetition is told so.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chancery::Store;
use chancery::credentials::Fingerprint;
use chancery::replies::{Kept, Replies};
use chancery_api::{ErrorCode, limits};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use parking_lot::Mutex;

use crate::access::holds_secrets;
use crate::caller::Caller;
use crate::extract::{media_type, read_body};
use crate::fault::Fault;
use crate::reply::ToldOnce;
use crate::state::App;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The answers that are kept, and the keys whose first request runs.
pub(crate) struct Answers {
    replies: Arc<Replies>,
    running: Arc<Mutex<HashSet<String>>>,
}

impl Answers {
    pub(crate) fn new(replies: Arc<Replies>) -> Answers {
        Answers {
            replies,
            running: Arc::default(),
        }
    }
}

/// The key of a request, written down in the commit that does it.
#[derive(Clone)]
pub(crate) struct Once {
    name: String,
    asked: String,
}

impl Once {
    /// The store for this one request.
    pub(crate) fn bind(&self, store: &Store) -> Store {
        store.once(&self.name, Replies::claim(&self.asked))
    }
}

/// Lets a key go when the request ends, however it ends.
struct Running {
    name: String,
    running: Arc<Mutex<HashSet<String>>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.lock().remove(&self.name);
    }
}

/// Whether a request carries a key that is to be heeded.
pub(crate) fn keyed(request: &Request) -> bool {
    request.method() == Method::POST && request.headers().contains_key(KEY)
}

/// Runs a keyed request, or gives the answer that its key got before.
pub(crate) async fn once(app: &App, request: Request, next: Next) -> Result<Response, Fault> {
    let key = key_of(&request)?;
    let caller = request
        .extensions()
        .get::<Caller>()
        .and_then(|caller| caller.principal.id().map(str::to_owned))
        .unwrap_or_default();
    let path = request
        .uri()
        .path_and_query()
        .map_or(String::new(), |path| path.as_str().to_owned());
    // Strangers are nobody: a key of theirs belongs to the form that they fill in.
    let of = if caller.is_empty() { &path } else { &caller };
    let name = Fingerprint::of_parts(&[of.as_bytes(), key.as_bytes()]).to_text();
    let (parts, body) = request.into_parts();
    let bytes = read_body(Request::new(body), app.limits.body_bytes_max).await?;
    let asked = asked(app, &path, &bytes);

    let Some(_running) = begin(app, &name) else {
        let detail = "The first request with this Idempotency-Key is still running.";
        return Err(Fault::new(ErrorCode::IdempotencyInProgress, detail).retry_after(1));
    };
    if let Some(kept) = app.answers.replies.find(&name).await? {
        if kept.asked != asked {
            let detail = "This Idempotency-Key was used with another path or body.";
            return Err(Fault::new(ErrorCode::IdempotencyMismatch, detail)
                .hint("Choose a new key for a new request, or repeat the first one exactly."));
        }
        return replay(kept);
    }
    let mut request = Request::from_parts(parts, Body::from(bytes));
    request.extensions_mut().insert(Once {
        name: name.clone(),
        asked: asked.clone(),
    });
    let response = next.run(request).await;
    if !response.status().is_success() {
        return Ok(response);
    }
    keep(app, name, asked, response).await
}

/// What recognises a request again. A hash of a value or a password would let whoever has the database guess it: where there may be
/// one, it is a code under a key of the vault, or says no more than the path.
fn asked(app: &App, path: &str, body: &[u8]) -> String {
    let parts = [path.as_bytes(), body];
    let code = match holds_secrets(path) {
        true => None,
        false if app.store.has_encrypted_columns() => app.vault.request_code(&parts),
        false => Some(Fingerprint::of_parts(&parts).to_text()),
    };
    code.unwrap_or_else(|| Fingerprint::of_parts(&[path.as_bytes()]).to_text())
}

fn key_of(request: &Request) -> Result<String, Fault> {
    let text = request
        .headers()
        .get(KEY)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if text.is_empty() || text.len() > limits::IDEMPOTENCY_KEY_BYTES_MAX {
        let max = limits::IDEMPOTENCY_KEY_BYTES_MAX;
        return Err(Fault::new(
            ErrorCode::InvalidHeader,
            format!("Idempotency-Key takes 1 to {max} bytes."),
        ));
    }
    let kind = media_type(request.headers());
    if kind.as_deref().is_some_and(|kind| kind != "application/json") {
        return Err(Fault::new(
            ErrorCode::InvalidHeader,
            "Idempotency-Key works with JSON bodies only.",
        )
        .hint("Streams and uploads are not kept; match on a key column to repeat them safely."));
    }
    Ok(text.to_owned())
}

fn begin(app: &App, name: &str) -> Option<Running> {
    let running = app.answers.running.clone();
    let first = running.lock().insert(name.to_owned());
    first.then(|| Running {
        name: name.to_owned(),
        running,
    })
}

async fn keep(app: &App, name: String, asked: String, response: Response) -> Result<Response, Fault> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(Fault::internal)?.to_bytes();
    let told_once = parts.extensions.get::<ToldOnce>().is_some();
    let may_keep = !told_once && body.len() <= limits::IDEMPOTENCY_ANSWER_BYTES_MAX;
    let text = |name: HeaderName| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let kept = Kept {
        asked,
        status: parts.status.as_u16(),
        content_type: text(header::CONTENT_TYPE),
        location: text(header::LOCATION),
        etag: text(header::ETAG),
        body: match may_keep {
            true => String::from_utf8(body.to_vec()).ok(),
            false => None,
        },
        told_once,
    };
    app.answers.replies.keep(&name, kept).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(kept: Kept) -> Result<Response, Fault> {
    if kept.told_once {
        let detail = match kept.location {
            Some(made) => {
                format!("The request was done before and made {made}; its secret is told once only.")
            }
            None => "The request was done before; what it told is told once only.".to_owned(),
        };
        let hint =
            "If the first answer was lost, delete what it made and repeat the request with another key.";
        return Err(Fault::new(ErrorCode::Conflict, detail).hint(hint));
    }
    let Some(body) = kept.body else {
        let max = limits::IDEMPOTENCY_ANSWER_BYTES_MAX;
        let detail = format!(
            "The request was done before; its answer is not kept (it was cut off, or beyond {max} bytes)."
        );
        return Err(
            Fault::new(ErrorCode::Conflict, detail).hint("Read what it made instead of repeating it.")
        );
    };
    let mut response = Bytes::from(body).into_response();
    *response.status_mut() = StatusCode::from_u16(kept.status).map_err(Fault::internal)?;
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in [
        (header::CONTENT_TYPE, kept.content_type),
        (header::LOCATION, kept.location),
        (header::ETAG, kept.etag),
    ] {
        if let Some(value) = value {
            headers.insert(name, HeaderValue::from_str(&value).map_err(Fault::internal)?);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
