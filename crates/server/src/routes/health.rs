//! Health, metrics and the reference: what operators and tools ask. Tells nothing about records.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chancery_api::health::Health;
use chancery_api::{ErrorCode, Problem};
use http::{HeaderValue, header};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::fault::Fault;
use crate::openapi::refusals::{Common, Strange};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
        .routes(routes!(openapi))
        .routes(routes!(docs))
}

fn ok() -> Health {
    Health {
        status: "ok".into(),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "Health", security(()),
    responses((status = 200, description = "It runs.", body = Health), Strange))]
async fn healthz() -> Result<Reply, Fault> {
    Reply::json(&ok())
}

/// Whether the storage answers, so that requests can be sent here.
#[utoipa::path(get, path = "/readyz", tag = "Health", security(()),
    responses((status = 200, description = "It is ready.", body = Health), Strange,
        (status = 503, description = "The storage does not answer.", body = Problem, content_type = "application/problem+json")))]
async fn readyz(State(app): State<App>) -> Result<Reply, Fault> {
    match app.store.backend().check().await {
        Ok(()) => Reply::json(&ok()),
        Err(error) => {
            let detail = "The storage does not answer.";
            tracing::error!(target: "chancery", %error, "not ready");
            Err(Fault::new(ErrorCode::StorageUnavailable, detail))
        }
    }
}

/// Counts in Prometheus' text format. They name routes, never keys or contents; `serve --metrics-bind` gives them without a
/// key on a loopback address.
#[utoipa::path(get, path = "/metrics", tag = "Health",
    responses((status = 200, description = "The counts.", body = String, content_type = "text/plain"), Common))]
async fn metrics(State(app): State<App>) -> Result<Response, Fault> {
    Ok(app.metrics.render(&app.store).await.into_response())
}

/// This document.
#[utoipa::path(get, path = "/api/openapi.json", tag = "Health", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object, content_type = "application/json"), Strange))]
async fn openapi() -> Response {
    let mut response = crate::openapi::TEXT.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The reference as a page.
#[utoipa::path(get, path = "/api/docs", tag = "Health", security(()),
    responses((status = 200, description = "A page for browsers.", body = String, content_type = "text/html"), Strange))]
async fn docs() -> Response {
    crate::docs::page()
}
