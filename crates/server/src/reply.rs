//! Answers: JSON bytes with status and headers. Knows nothing of what they say.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chancery_api::limits;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::conventions::REVISION;
use crate::fault::Fault;

/// Marks an answer that holds a secret.
#[derive(Clone, Copy)]
pub(crate) struct ToldOnce;

/// An answer in the making.
pub(crate) struct Reply {
    response: Response,
}

impl Reply {
    /// 200 with a JSON body.
    pub(crate) fn json(body: &impl Serialize) -> Result<Reply, Fault> {
        serde_json::to_vec(body)
            .map(Reply::bytes)
            .map_err(Fault::internal)
    }

    /// 200 with a body that is JSON already.
    pub(crate) fn bytes(body: Vec<u8>) -> Reply {
        let mut response = Response::new(Body::from(body));
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Reply { response }
    }

    /// 204 without a body.
    pub(crate) fn nothing() -> Reply {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Reply { response }
    }

    /// 201, with where the new thing is.
    pub(crate) fn created(mut self, location: &str) -> Reply {
        *self.response.status_mut() = StatusCode::CREATED;
        match HeaderValue::from_str(location) {
            Ok(location) => self.header(header::LOCATION, location),
            Err(_) => self,
        }
    }

    /// 202: it has begun, and this says where it is told of.
    pub(crate) fn accepted(self, location: &str) -> Reply {
        let mut reply = self.created(location);
        *reply.response.status_mut() = StatusCode::ACCEPTED;
        reply
    }

    /// The version as the ETag.
    pub(crate) fn etag(self, version: u64) -> Reply {
        let tag = HeaderValue::from_str(&format!("\"{version}\"")).expect("digits make a header");
        self.header(header::ETAG, tag)
    }

    /// The commit that was made.
    pub(crate) fn revision(self, revision: Option<u64>) -> Reply {
        match revision {
            Some(revision) => self.header(REVISION, HeaderValue::from(revision)),
            None => self,
        }
    }

    /// Says that a wish of the caller was heeded.
    pub(crate) fn preference_applied(self) -> Reply {
        self.header(
            HeaderName::from_static("preference-applied"),
            HeaderValue::from_static("return=minimal"),
        )
    }

    /// Says that it holds a secret that is told this once: it is kept nowhere, and not given again.
    pub(crate) fn told_once(mut self) -> Reply {
        self.response.extensions_mut().insert(ToldOnce);
        self
    }

    /// A header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Reply {
        self.response.headers_mut().insert(name, value);
        self
    }

    /// 304: the caller has it.
    pub(crate) fn not_modified(version: u64) -> Reply {
        let mut reply = Reply::nothing().etag(version);
        *reply.response.status_mut() = StatusCode::NOT_MODIFIED;
        reply
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.response
    }
}

/// How many items a list gives: what was asked for, or the default.
///
/// # Errors
/// 400 for 0 and for more than the limit.
pub(crate) fn page_limit(asked: Option<u64>) -> Result<u32, Fault> {
    let asked = asked.unwrap_or(u64::from(limits::PAGE_LIMIT_DEFAULT));
    if asked == 0 || asked > u64::from(limits::PAGE_LIMIT_MAX) {
        let detail = format!(
            "limit is {asked}; the limit pageLimitMax is {} and the least is 1.",
            limits::PAGE_LIMIT_MAX
        );
        return Err(Fault::new(chancery_api::ErrorCode::LimitExceeded, detail)
            .hint("Ask for fewer and follow nextCursor, or use an export."));
    }
    Ok(asked as u32)
}
