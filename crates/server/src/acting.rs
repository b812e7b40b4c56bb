//! The store on behalf of whoever calls, and the tables in it. Decides nothing about either.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use chancery::{Actor, LiveQuery, Source, Store, Table, TableHandle};
use chancery_api::ErrorCode;
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::caller::Caller;
use crate::conventions::AtLeast;
use crate::extract::Params;
use crate::fault::Fault;
use crate::idempotency::Once;
use crate::state::App;

/// The store on behalf of the caller.
pub(crate) struct Acting(pub(crate) Store);

impl FromRequestParts<App> for Acting {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Acting, Fault> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let source = if caller.session.is_some() {
            Source::Ui
        } else {
            Source::Api
        };
        let store = parts
            .extensions
            .get::<AtLeast>()
            .map_or(&app.store, |least| &least.0);
        let store = store.acting(Actor {
            id: caller.principal.id().map(Arc::from),
            source,
        });
        let store = match caller.rights {
            Some(rights) => store.held_to(rights),
            None => store,
        };
        Ok(Acting(match parts.extensions.get::<Once>() {
            Some(once) => once.bind(&store),
            None => store,
        }))
    }
}

/// Which workspace is meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkspaceParams {
    /// The id or slug of a workspace; the default one when absent.
    pub(crate) workspace: Option<String>,
}

/// The store on behalf of the caller, in the workspace that the query names: for routes that take [`WorkspaceParams`] and
/// no other parameters.
pub(crate) struct Within(pub(crate) Store);

impl FromRequestParts<App> for Within {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Within, Fault> {
        let Acting(store) = Acting::from_request_parts(parts, app).await?;
        let Params(WorkspaceParams { workspace: name }) = Params::from_request_parts(parts, app).await?;
        workspace(store, name.as_deref()).await.map(Within)
    }
}

/// A table by slug in the store's workspace, or by id in any; also one that another process has just made.
///
/// # Errors
/// 404 with the nearest slug.
pub(crate) async fn table(store: &Store, name: &str) -> Result<TableHandle, Fault> {
    if let Ok(found) = known(store, name) {
        return Ok(found);
    }
    store.refresh().await?;
    known(store, name)
}

/// A workspace by id or slug, or the one there is if none is named; also one that another process has just made.
///
/// # Errors
/// 404 with the nearest slug.
pub(crate) async fn workspace(store: Store, name: Option<&str>) -> Result<Store, Fault> {
    let Some(name) = name else { return Ok(store) };
    if let Ok(found) = store.in_workspace(name) {
        return Ok(found);
    }
    store.refresh().await?;
    Ok(store.in_workspace(name)?)
}

/// The table that a query is asked of, found as [`table`] finds it, and the query with its id.
///
/// # Errors
/// As [`table`].
pub(crate) async fn asked(store: &Store, mut query: LiveQuery) -> Result<(TableHandle, LiveQuery), Fault> {
    let table = table(store, &query.table).await?;
    query.table.clone_from(&table.definition()?.id);
    Ok((table, query))
}

/// The store in the workspace of a table in the trash, which is named by its id, or by its slug in the store's own workspace.
///
/// # Errors
/// 404.
pub(crate) async fn deleted(store: &Store, name: &str) -> Result<(Store, Arc<Table>), Fault> {
    let named = |table: &Arc<Table>| table.id == name || table.slug == name;
    let in_store = |store: Store| {
        let found = store.deleted_tables().into_iter().find(named)?;
        Some((store, found))
    };
    store.refresh().await?;
    let elsewhere = store
        .workspaces()
        .into_iter()
        .filter(|_| uuid::Uuid::try_parse(name).is_ok());
    let mut stores = std::iter::once(store.clone())
        .chain(elsewhere.filter_map(|workspace| store.in_workspace(&workspace.id).ok()));
    stores.find_map(in_store).ok_or_else(|| {
        let detail = format!("No table \"{name}\" is in the trash.");
        Fault::new(ErrorCode::TableNotFound, detail)
            .hint("GET /api/tables?deleted=true lists those that are.")
    })
}

/// As [`table`], of what this process knows.
pub(crate) fn known(store: &Store, name: &str) -> Result<TableHandle, Fault> {
    let here = match store.table(name) {
        Ok(handle) => return Ok(handle),
        Err(error) => error,
    };
    if uuid::Uuid::try_parse(name).is_ok() {
        let elsewhere = store
            .workspaces()
            .into_iter()
            .filter_map(|workspace| store.in_workspace(&workspace.id).ok());
        if let Some(handle) = elsewhere.filter_map(|store| store.table(name).ok()).next() {
            return Ok(handle);
        }
    }
    Err(here.into())
}
