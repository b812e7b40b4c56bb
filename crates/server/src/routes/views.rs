//! Views of a table: kept, listed, changed, forgotten. What they filter and sort by must make sense when they are kept.

use axum::extract::State;
use chancery::{Error, JsonMap, Query, TableHandle, ViewPatch};
use chancery_api::views::{View, ViewCreate, ViewList, ViewSettings, ViewUpdate};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ListParams, page_of};
use crate::acting::{self, Acting};
use crate::convert;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
}

/// The views of a table, by name; personal ones of others are left out.
#[utoipa::path(get, path = "/api/tables/{table}/views", operation_id = "listViews", tag = "Tables",
    params(("table" = String, Path, description = "The table's id or slug."), ListParams),
    responses((status = 200, description = "A page of views.", body = ViewList), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<ListParams>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let what = format!("views {}", handle.definition()?.id);
    let (page, pagination) = page_of(&app, &what, handle.views().await?, &params, |view| &view.id)?;
    let views = page.into_iter().map(view_out).collect::<Result<_, _>>()?;
    Reply::json(&ViewList { views, pagination })
}

/// Keep a way to look at a table.
#[utoipa::path(post, path = "/api/tables/{table}/views", operation_id = "createView", tag = "Tables", request_body = ViewCreate,
    params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 201, description = "Kept.", body = View), Named, WithBody))]
async fn create(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Body(input): Body<ViewCreate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let settings = checked(&handle, &input.settings).await?;
    let view = handle.create_view(&input.name, input.personal, settings).await?;
    let location = format!("/api/tables/{table}/views/{}", view.id);
    Ok(Reply::json(&view_out(view)?)?.created(&location))
}

/// One view.
#[utoipa::path(get, path = "/api/tables/{table}/views/{view}", operation_id = "getView", tag = "Tables",
    params(("table" = String, Path, description = "The table's id or slug."), ("view" = String, Path, description = "The view's id.")),
    responses((status = 200, description = "The view.", body = View), Named))]
async fn get(
    Acting(store): Acting,
    Segments((table, view)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    Reply::json(&view_out(handle.view(&view).await?)?)
}

/// Change a view.
#[utoipa::path(patch, path = "/api/tables/{table}/views/{view}", operation_id = "updateView", tag = "Tables", request_body = ViewUpdate,
    params(("table" = String, Path, description = "The table's id or slug."), ("view" = String, Path, description = "The view's id.")),
    responses((status = 200, description = "Changed.", body = View), Named, WithBody))]
async fn update(
    Acting(store): Acting,
    Segments((table, view)): Segments<(String, String)>,
    Body(input): Body<ViewUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let settings = match &input.settings {
        Some(settings) => Some(checked(&handle, settings).await?),
        None => None,
    };
    let patch = ViewPatch {
        name: input.name,
        personal: input.personal,
        settings,
    };
    Reply::json(&view_out(handle.update_view(&view, patch).await?)?)
}

/// Forget a view.
#[utoipa::path(delete, path = "/api/tables/{table}/views/{view}", operation_id = "deleteView", tag = "Tables",
    params(("table" = String, Path, description = "The table's id or slug."), ("view" = String, Path, description = "The view's id.")),
    responses((status = 204, description = "Forgotten."), Named))]
async fn delete(
    Acting(store): Acting,
    Segments((table, view)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    acting::table(&store, &table).await?.delete_view(&view).await?;
    Ok(Reply::nothing())
}

/// Settings as they are kept, if the table can be looked at by them.
async fn checked(handle: &TableHandle, settings: &ViewSettings) -> Result<JsonMap, Fault> {
    let mut query = Query::new();
    if let Some(filter) = &settings.filter {
        query.filter = Some(convert::queries::filter(filter)?);
    }
    query.sort = settings.sort.iter().map(convert::queries::sort).collect();
    handle.explain(&query, 1).await?;
    let table = handle.definition()?;
    let named = settings.columns.iter().flatten().chain(&settings.group_by);
    let unknown = named.filter(|name| table.field(name).is_none());
    let issues: Vec<_> = unknown
        .map(|name| chancery::model::query::unknown_column(&table, name))
        .collect();
    if !issues.is_empty() {
        return Err(Error::Query(issues).into());
    }
    match serde_json::to_value(settings) {
        Ok(serde_json::Value::Object(settings)) => Ok(settings),
        _ => Err(Error::Internal("the settings of a view are no object".into()).into()),
    }
}

fn view_out(view: chancery::View) -> Result<View, Fault> {
    let settings = serde_json::from_value(serde_json::Value::Object(view.settings));
    Ok(View {
        id: view.id,
        name: view.name,
        personal: view.personal,
        settings: settings.map_err(|error| Error::Internal(format!("a view cannot be read: {error}")))?,
        created_by: view.created_by,
        created_at: convert::time(view.created_at),
        updated_at: convert::time(view.updated_at),
    })
}
