//! One span for each request, joined to the caller's trace by the W3C header `traceparent`. It sends nothing: whoever installs
//! a subscriber does. Without one a span costs nothing.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use opentelemetry::global;
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::trace::Status;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Headers as the propagator reads and writes them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

/// The span of a request, by its route and never by its path: paths hold keys.
pub(crate) fn of_request(headers: &HeaderMap, method: &Method, route: &str) -> Span {
    let name = format!("{method} {route}");
    let span = tracing::debug_span!(
        target: "chancery::trace",
        "request",
        otel.name = name,
        otel.kind = "server",
        http.request.method = method.as_str(),
        http.route = route,
        http.response.status_code = tracing::field::Empty,
    );
    if !span.is_disabled() {
        let parent = global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
        // Without a layer that traces, there is no trace to join.
        let _ = span.set_parent(parent);
    }
    span
}

/// Notes the answer, and tells the caller where the request is in its trace.
pub(crate) fn answered(span: &Span, status: u16, headers: &mut HeaderMap) {
    if span.is_disabled() {
        return;
    }
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.set_status(Status::error(""));
    }
    let context = span.context();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeadersMut(headers));
    });
}
