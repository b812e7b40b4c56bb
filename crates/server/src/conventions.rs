//! What holds for every request: its id, who may, time and number limits, the shape of refusals, headers, the log.
//!
//! Routes know nothing of it, and it knows nothing of what routes do.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chancery::Store;
use chancery_api::{ErrorCode, limits, problem::PROBLEM_JSON};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tracing::Instrument;

use crate::access::{Need, Pace, fills_in_a_form};
use crate::caller::{self, Caller};
use crate::fault::{Fault, did_you_mean};
use crate::idempotency;
use crate::observe::{InFlight, Observation};
use crate::rights;
use crate::state::{App, Route};
use crate::trace;

/// The id of a request, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A commit that contains everything the reply shows, on every reply.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("x-revision");
/// The commit a read wants to see at least.
const AT_LEAST_REVISION: HeaderName = HeaderName::from_static("x-at-least-revision");

/// Takes a request through everything that holds for all of them.
pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let request_id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let route = app.routes.find(&method, path);
    let in_flight = InFlight::new();
    let bytes_in = length(request.headers());
    let span = trace::of_request(request.headers(), &method, path);
    let work = async {
        match admit(&app, &mut request, route).await {
            Ok(_permit) => run(&app, request, route, next).await,
            Err(fault) => Err(fault),
        }
    };
    let outcome = work.instrument(span.clone()).await;
    drop(in_flight);
    let mut response = outcome.unwrap_or_else(IntoResponse::into_response);
    if let Some(fault) = refusal_of(&app, path, &mut response) {
        response = render(&app, &fault, &request_id, path);
    }
    finish(&app, &mut response, &request_id).await;
    let status = response.status().as_u16();
    trace::answered(&span, status, response.headers_mut());
    let request_id = request_id.to_str().unwrap_or_default();
    let took = started.elapsed();
    app.metrics.observe(Observation::Answered {
        request_id,
        method: method.as_str(),
        route: path,
        status,
        took,
        bytes_in,
    });
    response.map(counted)
}

/// The length of a body, if it is said.
fn length(headers: &HeaderMap) -> u64 {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok());
    length.and_then(|length| length.parse().ok()).unwrap_or(0)
}

/// The body of an answer, its bytes counted as they leave.
fn counted(body: Body) -> Body {
    Body::new(body.map_frame(|frame| {
        if let Some(data) = frame.data_ref() {
            metrics::counter!("chancery_response_bytes_total").increment(data.len() as u64);
        }
        frame
    }))
}

/// Checks everything that can be refused before a handler runs, and says who calls.
async fn admit<'a>(
    app: &'a App,
    request: &mut Request,
    route: Option<&Route>,
) -> Result<Option<tokio::sync::SemaphorePermit<'a>>, Fault> {
    app.hosts.check(request.headers(), request.uri())?;
    let Some(route) = route else { return Ok(None) };
    let permit = app.permits.try_acquire().map_err(|_| {
        let max = app.limits.concurrent_requests_max;
        Fault::new(
            ErrorCode::Overloaded,
            format!("The limit concurrentRequestsMax of {max} is reached."),
        )
    })?;
    match route.need.scope() {
        None => caller::stranger(request.method(), request.headers())?,
        Some(least) => {
            let caller = match request.extensions().get::<Caller>() {
                Some(operator) => operator.clone(),
                None => caller::authenticate(app, request.method(), request.headers()).await?,
            };
            let has = caller.principal.scope();
            match &caller.rights {
                Some(held) => rights::check(app, held, (route, least), request).await?,
                None if has < least => return Err(caller::short_of(least, has)),
                None => {}
            }
            request.extensions_mut().insert(caller);
        }
    }
    check_parameters(request, route)?;
    if let Some(least) = least_revision(request.headers())? {
        let store = app.store.at_least(least).await?;
        request.extensions_mut().insert(AtLeast(store, least));
    }
    Ok(Some(permit))
}

/// Refuses query parameters that the route does not declare.
fn check_parameters(request: &Request, route: &Route) -> Result<(), Fault> {
    let Some(query) = request.uri().query() else {
        return Ok(());
    };
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !route.parameters.iter().any(|known| is_named(known, &name)) {
            let detail = format!("There is no query parameter \"{name}\" here.");
            let known = route.parameters.iter().map(String::as_str);
            let hint = did_you_mean(&name, known).unwrap_or_else(|| match route.parameters.is_empty() {
                true => "This route takes no query parameters.".to_owned(),
                false => format!("This route takes {}.", route.parameters.join(", ")),
            });
            return Err(Fault::new(ErrorCode::UnknownParameter, detail).hint(hint));
        }
    }
    Ok(())
}

/// Whether a parameter is the one that is declared. One that is declared as `metadata.NAME` takes any name.
fn is_named(known: &str, name: &str) -> bool {
    match known.strip_suffix(".NAME") {
        Some(group) => name
            .strip_prefix(group)
            .is_some_and(|rest| rest.len() > 1 && rest.starts_with('.')),
        None => known == name,
    }
}

/// The store for a request that wants to see a commit, and which.
#[derive(Clone)]
pub(crate) struct AtLeast(pub(crate) Store, pub(crate) u64);

/// The commit that a read wants to see at least.
fn least_revision(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get(&AT_LEAST_REVISION) else {
        return Ok(None);
    };
    let wanted = value.to_str().ok().and_then(|text| text.parse::<u64>().ok());
    let none = || {
        let detail = "X-At-Least-Revision holds no whole number.";
        Fault::new(ErrorCode::InvalidHeader, detail).hint("Send the X-Revision of an earlier answer.")
    };
    wanted.map(Some).ok_or_else(none)
}

/// Runs the handler within its time, and survives it.
async fn run(app: &App, request: Request, route: Option<&Route>, next: Next) -> Result<Response, Fault> {
    let writes = route.is_some_and(|route| matches!(route.need, Need::Write | Need::Admin))
        || fills_in_a_form(request.uri().path());
    let work = async {
        if writes && idempotency::keyed(&request) {
            idempotency::once(app, request, next).await
        } else {
            Ok(next.run(request).await)
        }
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let done = match route.map(|route| route.pace) {
        Some(Pace::Ordinary) => tokio::time::timeout(app.limits.request_time_max, work).await,
        _ => Ok(work.await),
    };
    match done {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => Err(Fault::internal(format!(
            "a handler panicked: {}",
            panic_text(&*panic)
        ))),
        Err(_) => {
            let seconds = app.limits.request_time_max.as_secs();
            let detail = format!(
                "The request exceeded the limit requestSecondsMax of {seconds}; a write may or may not be done."
            );
            Err(Fault::new(ErrorCode::Timeout, detail)
                .hint("Narrow the request; read before repeating a write."))
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

/// The refusal inside an answer: ours, or one the framework made on its own.
fn refusal_of(app: &App, path: &str, response: &mut Response) -> Option<Fault> {
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        return Some(fault);
    }
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return None;
    }
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| kind.contains("json") || kind.contains("html")) {
        return None;
    }
    Some(match status {
        StatusCode::NOT_FOUND => Fault::new(ErrorCode::RouteNotFound, "No route has this path."),
        StatusCode::METHOD_NOT_ALLOWED => not_allowed(&app.routes.methods(path)),
        StatusCode::PAYLOAD_TOO_LARGE => Fault::new(ErrorCode::BodyTooLarge, "The body is too large."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Fault::new(ErrorCode::UnsupportedMediaType, "The type does not fit.")
        }
        status if status.is_client_error() => {
            Fault::new(ErrorCode::MalformedBody, "The request cannot be read.")
        }
        status => Fault::internal(format!("the framework answered {status}")),
    })
}

fn not_allowed(methods: &str) -> Fault {
    let allow = HeaderValue::from_str(methods).expect("names of methods make a header");
    Fault::new(ErrorCode::MethodNotAllowed, format!("This path takes {methods}."))
        .header(header::ALLOW, allow)
}

/// Writes a refusal, and tells the log what the caller must not see.
fn render(app: &App, fault: &Fault, request_id: &HeaderValue, route: &str) -> Response {
    let refusal = fault.refusal();
    let mut problem = refusal.problem.clone();
    problem.request_id = request_id.to_str().unwrap_or_default().to_owned();
    if let Some(cause) = &refusal.cause {
        app.metrics.observe(Observation::Failed {
            request_id: &problem.request_id,
            route,
            cause,
        });
    }
    if problem.status == 401 {
        let code = problem.code.as_str();
        app.metrics.observe(Observation::Refused {
            request_id: &problem.request_id,
            code,
        });
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&problem).expect("a problem holds nothing that JSON cannot");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    for (name, value) in &refusal.headers {
        headers.insert(name, value.clone());
    }
    response
}

/// Puts on the headers of every answer.
async fn finish(app: &App, response: &mut Response, request_id: &HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, request_id.clone());
    if !headers.contains_key(REVISION)
        && let Ok(revision) = app.store.shown().await
    {
        headers.insert(REVISION, HeaderValue::from(revision));
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers
        .entry(header::X_FRAME_OPTIONS)
        .or_insert(HeaderValue::from_static("DENY"));
}

/// The id a caller gave, if it is short and plain; otherwise one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    if let Some(given) = headers.get(&REQUEST_ID) {
        let bytes = given.as_bytes();
        let plain = bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte));
        if plain && !bytes.is_empty() && bytes.len() <= limits::REQUEST_ID_BYTES_MAX {
            return given.clone();
        }
    }
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    static START: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let start = START.get_or_init(|| uuid::Uuid::new_v4().as_u64_pair().0);
    let mut text = [0_u8; 28];
    text[..4].copy_from_slice(b"req-");
    let number = COUNTER.fetch_add(1, Relaxed);
    hexadecimal(&mut text[4..16], *start >> 16);
    hexadecimal(&mut text[16..], number);
    HeaderValue::from_bytes(&text).expect("letters and digits make a header")
}

/// Fills a slice with the low digits of a number.
fn hexadecimal(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

/// The answer to a path nobody serves.
pub(crate) async fn method_not_allowed() -> StatusCode {
    StatusCode::METHOD_NOT_ALLOWED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_request_id_is_kept_and_another_replaced() {
        let id = |given: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(given));
            request_id(&headers)
        };
        assert_eq!(id("trace-1:a"), "trace-1:a");
        assert!(id("a\"b").to_str().unwrap().starts_with("req-"));
        assert!(id("").to_str().unwrap().starts_with("req-"));
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
