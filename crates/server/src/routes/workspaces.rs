//! Workspaces: isolated sets of tables.

use axum::extract::State;
use chancery::{Store, WorkspaceInput, WorkspacePatch};
use chancery_api::workspaces::{Workspace, WorkspaceCreate, WorkspaceList, WorkspaceUpdate};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ListParams, page_of};
use crate::acting::{self, Acting};
use crate::caller::Caller;
use crate::convert::tables as convert;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
}

/// A workspace, with what a caller may do there.
fn told(caller: &Caller, store: &Store, workspace: &chancery::Workspace) -> Workspace {
    let scope = caller.scope_in(store.scope_in_workspace(&workspace.id));
    convert::workspace(workspace, scope)
}

/// All workspaces, by name.
#[utoipa::path(get, path = "/api/workspaces", operation_id = "listWorkspaces", tag = "Workspaces", params(ListParams),
    responses((status = 200, description = "A page of workspaces.", body = WorkspaceList), Common))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Acting(store): Acting,
    Params(params): Params<ListParams>,
) -> Result<Reply, Fault> {
    let mut all = store.workspaces();
    all.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.slug.cmp(&b.slug)));
    let (page, pagination) = page_of(&app, "workspaces", all, &params, |workspace| &workspace.id)?;
    Reply::json(&WorkspaceList {
        workspaces: page
            .iter()
            .map(|workspace| told(&caller, &store, workspace))
            .collect(),
        pagination,
    })
}

/// Make a workspace.
#[utoipa::path(post, path = "/api/workspaces", operation_id = "createWorkspace", tag = "Workspaces",
    request_body = WorkspaceCreate,
    responses((status = 201, description = "Made.", body = Workspace), Common, WithBody))]
async fn create(
    caller: Caller,
    Acting(store): Acting,
    Body(create): Body<WorkspaceCreate>,
) -> Result<Reply, Fault> {
    let input = WorkspaceInput {
        name: create.name,
        slug: create.slug,
        description: create.description.unwrap_or_default(),
        ..WorkspaceInput::default()
    };
    let made = store.create_workspace(input).await?;
    Ok(Reply::json(&told(&caller, &store, &made))?.created(&format!("/api/workspaces/{}", made.slug)))
}

/// One workspace.
#[utoipa::path(get, path = "/api/workspaces/{workspace}", operation_id = "getWorkspace", tag = "Workspaces",
    params(("workspace" = String, Path, description = "Its id or slug.")),
    responses((status = 200, description = "The workspace.", body = Workspace), Named))]
async fn get(
    caller: Caller,
    Acting(store): Acting,
    Segments(name): Segments<String>,
) -> Result<Reply, Fault> {
    let store = acting::workspace(store, Some(&name)).await?;
    Reply::json(&told(&caller, &store, &store.workspace()))
}

/// Change a workspace.
#[utoipa::path(patch, path = "/api/workspaces/{workspace}", operation_id = "updateWorkspace", tag = "Workspaces",
    request_body = WorkspaceUpdate, params(("workspace" = String, Path, description = "Its id or slug.")),
    responses((status = 200, description = "The workspace as it is now.", body = Workspace), Named, WithBody))]
async fn update(
    caller: Caller,
    Acting(store): Acting,
    Segments(name): Segments<String>,
    Body(update): Body<WorkspaceUpdate>,
) -> Result<Reply, Fault> {
    let patch = WorkspacePatch {
        name: update.name,
        description: update.description.map(Option::unwrap_or_default),
        ..WorkspacePatch::default()
    };
    let updated = store.update_workspace(&name, patch).await?;
    Reply::json(&told(&caller, &store, &updated))
}

/// Drop a workspace with all its tables and records, for good.
#[utoipa::path(delete, path = "/api/workspaces/{workspace}", operation_id = "deleteWorkspace", tag = "Workspaces",
    params(("workspace" = String, Path, description = "Its id or slug.")),
    responses((status = 204, description = "It is gone."), Named,
        (status = 422, description = "The default workspace stays.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn delete(Acting(store): Acting, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    store.drop_workspace(&name).await?;
    Ok(Reply::nothing())
}
