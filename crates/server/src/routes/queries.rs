//! Stored queries: defined once with places for parameters, then run here or watched over `/api/live`.

use axum::extract::State;
use chancery::NamedQuery;
use chancery_api::live::{QueryInput, QueryResult, RunQuery, StoredQueries, StoredQuery};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{WorkspaceListParams, page_of};
use crate::acting::{self, Acting, Within, WorkspaceParams};
use crate::convert;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
        .routes(routes!(run))
}

/// All stored queries, by name.
#[utoipa::path(get, path = "/api/queries", operation_id = "listQueries", tag = "Live", params(WorkspaceListParams),
    responses((status = 200, description = "A page of queries.", body = StoredQueries), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<WorkspaceListParams>,
) -> Result<Reply, Fault> {
    let (store, list) = params.of(store).await?;
    let what = format!("queries {}", store.workspace().id);
    let (page, pagination) = page_of(&app, &what, store.queries().await?, &list, |query| &query.name)?;
    Reply::json(&StoredQueries {
        queries: page.into_iter().map(stored).collect(),
        pagination,
    })
}

/// One stored query.
#[utoipa::path(get, path = "/api/queries/{query}", operation_id = "getQuery", tag = "Live",
    params(("query" = String, Path, description = "Its name."), WorkspaceParams),
    responses((status = 200, description = "The query.", body = StoredQuery), Named))]
async fn get(Within(store): Within, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&stored(store.query_named(&name).await?))
}

/// Store a query, instead of one of the same name.
#[utoipa::path(put, path = "/api/queries/{query}", operation_id = "putQuery", tag = "Live",
    params(("query" = String, Path, description = "Its name: letters, digits, dots, hyphens and underscores."), WorkspaceParams),
    request_body = QueryInput,
    responses((status = 200, description = "Stored.", body = StoredQuery), Named, WithBody))]
async fn put(
    Within(store): Within,
    Segments(name): Segments<String>,
    Body(input): Body<QueryInput>,
) -> Result<Reply, Fault> {
    Reply::json(&stored(store.define_query(&name, &input.query).await?))
}

/// Remove a stored query; subscriptions to it go on.
#[utoipa::path(delete, path = "/api/queries/{query}", operation_id = "deleteQuery", tag = "Live",
    params(("query" = String, Path, description = "Its name."), WorkspaceParams),
    responses((status = 204, description = "Removed."), Named))]
async fn delete(Within(store): Within, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    store.undefine_query(&name).await?;
    Ok(Reply::nothing())
}

/// Run a stored query once.
#[utoipa::path(post, path = "/api/queries/{query}/run", operation_id = "runQuery", tag = "Live",
    params(("query" = String, Path, description = "Its name."), WorkspaceParams),
    request_body = RunQuery,
    responses((status = 200, description = "The result.", body = QueryResult), Named, WithBody))]
async fn run(
    Within(store): Within,
    Segments(name): Segments<String>,
    Body(run): Body<RunQuery>,
) -> Result<Reply, Fault> {
    let query = store.query_named(&name).await?.with(&run.params)?;
    let (table, query) = acting::asked(&store, query).await?;
    let (revision, result, shape) = table.store().run(query).await?;
    Reply::json(&QueryResult {
        revision,
        result: shape.result(&result),
    })
}

fn stored(query: NamedQuery) -> StoredQuery {
    StoredQuery {
        name: query.name,
        query: query.query,
        params: query.params,
        updated_at: convert::time(query.updated_at),
    }
}
