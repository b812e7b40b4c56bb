//! API keys: made, listed and ended by administrators. The key itself is shown once.

use axum::extract::State;
use chancery::access::KeyInput;
use chancery::model::Code;
use chancery::model::time::parse_instant;
use chancery_api::access::{ApiKeyCreate, ApiKeyCreated, ApiKeyList};
use chancery_api::{ErrorCode, Issue};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ListParams, page_of};
use crate::caller::Caller;
use crate::convert::{access as convert, faults::own_issue, maybe_time};
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(delete))
}

/// All API keys, newest first, without their secrets.
#[utoipa::path(get, path = "/api/api-keys", operation_id = "listApiKeys", tag = "Access", params(ListParams),
    responses((status = 200, description = "A page of keys.", body = ApiKeyList), Common))]
async fn list(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Reply, Fault> {
    let keys = app.store.access().keys().await?;
    let (page, pagination) = page_of(&app, "api-keys", keys, &params, |key| &key.id)?;
    Reply::json(&ApiKeyList {
        api_keys: page.iter().map(convert::key).collect(),
        pagination,
    })
}

/// Make an API key. The answer holds the key, this once.
#[utoipa::path(post, path = "/api/api-keys", operation_id = "createApiKey", tag = "Access", request_body = ApiKeyCreate,
    responses((status = 201, description = "Made.", body = ApiKeyCreated), Common, WithBody))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(input): Body<ApiKeyCreate>,
) -> Result<Reply, Fault> {
    let expires_at = match input.expires_at.flatten() {
        None => None,
        Some(text) => Some(parse_instant(&text).ok_or_else(|| not_a_time(&text))?),
    };
    let created_by = caller.principal.id().map(str::to_owned);
    let key_input = KeyInput {
        name: input.name,
        scope: convert::scope_in(input.scope),
        grants: convert::grants_in(&app.store, input.grants)?,
        expires_at,
        created_by,
    };
    let made = app.store.access().create_key(key_input).await?;
    let body = ApiKeyCreated {
        id: made.key.id.clone(),
        name: made.key.name,
        scope: convert::scope_out(made.key.scope),
        key: made.secret.expose().to_owned(),
        prefix: made.key.prefix,
        expires_at: maybe_time(made.key.expires_at),
    };
    let location = format!("/api/api-keys/{}", made.key.id);
    Ok(Reply::json(&body)?.created(&location).told_once())
}

fn not_a_time(text: &str) -> Fault {
    let message = format!("\"{text}\" is no time; write 2027-01-31T12:00:00Z");
    let issues: Vec<Issue> = vec![own_issue("expiresAt", Code::Format, message)];
    Fault::new(ErrorCode::ValidationFailed, "expiresAt is no time.").issues(issues)
}

/// End an API key at once.
#[utoipa::path(delete, path = "/api/api-keys/{apiKey}", operation_id = "deleteApiKey", tag = "Access",
    params(("apiKey" = String, Path, description = "The key's id, not the key.")),
    responses((status = 204, description = "It is over."), Named))]
async fn delete(State(app): State<App>, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    app.store.access().delete_key(&id).await?;
    Ok(Reply::nothing())
}
