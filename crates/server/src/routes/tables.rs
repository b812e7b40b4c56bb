//! Tables: their definitions, sizes and trash. Records are in [`super::records`].

use axum::extract::State;
use chancery::Store;
use chancery::access::Scope;
use chancery_api::ErrorCode;
use chancery_api::tables::{Table, TableCreate, TableList, TableStats, TableUpdate};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ListParams, definitions, page_of};
use crate::acting::{self, Acting};
use crate::caller::Caller;
use crate::convert::{maybe_time, tables as convert, tables::Columns};
use crate::extract::{Body, Params, Segments};
use crate::fault::{Fault, did_you_mean};
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(restore))
        .routes(routes!(stats))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct TablesParams {
    /// The id or slug of a workspace; the default one when absent.
    workspace: Option<String>,
    /// `columns` for the columns of each table.
    include: Option<String>,
    /// Those in the trash instead, the last one deleted first: of tables that the caller may write.
    deleted: Option<bool>,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct IncludeParams {
    /// `columns` for the columns of the table.
    include: Option<String>,
}

/// What `?include=` asks for.
fn include(text: Option<&str>) -> Result<Columns, Fault> {
    match text {
        None | Some("") => Ok(Columns::Without),
        Some("columns") => Ok(Columns::With),
        Some(other) => Err(Fault::new(
            ErrorCode::InvalidParameter,
            format!("include takes columns, not \"{other}\"."),
        )
        .maybe_hint(did_you_mean(other, ["columns"]))),
    }
}

/// A table as a caller sees it, with what they may do there.
fn told(caller: &Caller, store: &Store, seen: &chancery::Table, columns: Columns) -> Table {
    let scope = caller.scope_in(store.scope_in(seen));
    Table {
        access: Some(convert::access(seen, scope, store.narrows(seen))),
        ..convert::table(seen, columns)
    }
}

/// The tables of a workspace, by slug.
#[utoipa::path(get, path = "/api/tables", operation_id = "listTables", tag = "Tables", params(TablesParams),
    responses((status = 200, description = "A page of tables.", body = TableList), Named))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Acting(store): Acting,
    Params(params): Params<TablesParams>,
) -> Result<Reply, Fault> {
    let columns = include(params.include.as_deref())?;
    let store = acting::workspace(store, params.workspace.as_deref()).await?;
    let deleted = params.deleted.unwrap_or(false);
    let of = |table: &chancery::Table| caller.scope_in(store.scope_in(table)) >= Scope::Write;
    let (what, all) = match deleted {
        true => {
            store.refresh().await?;
            let mut all = store.deleted_tables();
            all.retain(|table| of(table));
            ("deleted tables", all)
        }
        false => ("tables", definitions(&store)),
    };
    let what = format!("{what} {}", store.workspace().id);
    let list = ListParams {
        limit: params.limit,
        cursor: params.cursor,
    };
    let (page, pagination) = page_of(&app, &what, all, &list, |table| &table.id)?;
    let tables = page
        .iter()
        .map(|table| told(&caller, &store, table, columns))
        .collect();
    Reply::json(&TableList { tables, pagination })
}

/// Make a table with its columns.
#[utoipa::path(post, path = "/api/tables", operation_id = "createTable", tag = "Tables", request_body = TableCreate,
    responses((status = 201, description = "Made.", body = Table), Named, WithBody))]
async fn create(
    caller: Caller,
    Acting(store): Acting,
    Body(create): Body<TableCreate>,
) -> Result<Reply, Fault> {
    let store = acting::workspace(store, create.workspace.as_deref()).await?;
    let handle = store.create_table(convert::table_input(create)?).await?;
    let table = handle.definition()?;
    let reply = Reply::json(&told(&caller, handle.store(), &table, Columns::With))?;
    Ok(reply
        .created(&format!("/api/tables/{}", table.id))
        .etag(table.schema_version))
}

/// One table.
#[utoipa::path(get, path = "/api/tables/{table}", operation_id = "getTable", tag = "Tables",
    params(("table" = String, Path, description = "Its id or slug."), IncludeParams),
    responses((status = 200, description = "The table.", body = Table), Named))]
async fn get(
    caller: Caller,
    Acting(store): Acting,
    Segments(name): Segments<String>,
    Params(params): Params<IncludeParams>,
) -> Result<Reply, Fault> {
    let columns = include(params.include.as_deref())?;
    let handle = acting::table(&store, &name).await?;
    let table = handle.seen()?;
    Ok(Reply::json(&told(&caller, handle.store(), &table, columns))?.etag(table.schema_version))
}

/// Change what people see of a table.
#[utoipa::path(patch, path = "/api/tables/{table}", operation_id = "updateTable", tag = "Tables",
    request_body = TableUpdate, params(("table" = String, Path, description = "Its id or slug.")),
    responses((status = 200, description = "The table as it is now.", body = Table), Named, WithBody))]
async fn update(
    caller: Caller,
    Acting(store): Acting,
    Segments(name): Segments<String>,
    Body(update): Body<TableUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &name).await?;
    let patch = convert::patch(update, &*handle.definition()?)?;
    let table = handle.update_table(patch).await?;
    Ok(Reply::json(&told(&caller, handle.store(), &table, Columns::With))?.etag(table.schema_version))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct DeleteParams {
    /// Drops it for good, with its records: one that is there, or in the trash. Needs the scope admin.
    permanent: Option<bool>,
}

/// Delete a table: it goes to the trash with all that it holds.
#[utoipa::path(delete, path = "/api/tables/{table}", operation_id = "deleteTable", tag = "Tables",
    params(("table" = String, Path, description = "Its id or slug."), DeleteParams),
    responses((status = 204, description = "It is gone."), Named,
        (status = 409, description = "A job changes all values of one of its columns.", body = chancery_api::Problem, content_type = "application/problem+json"),
        (status = 422, description = "Another table refers to it.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn delete(
    caller: Caller,
    Acting(store): Acting,
    Segments(name): Segments<String>,
    Params(params): Params<DeleteParams>,
) -> Result<Reply, Fault> {
    let found = acting::table(&store, &name).await;
    if !params.permanent.unwrap_or(false) {
        found?.delete_table().await?;
        return Ok(Reply::nothing());
    }
    caller.may_purge()?;
    match found {
        Ok(handle) => handle.purge_table().await?,
        Err(_) => {
            let (store, table) = acting::deleted(&store, &name).await?;
            store.purge_table(&table.id).await?;
        }
    }
    Ok(Reply::nothing())
}

/// Bring a table back from the trash, with all that it held.
#[utoipa::path(post, path = "/api/tables/{table}/restore", operation_id = "restoreTable", tag = "Tables",
    params(("table" = String, Path, description = "Its id, or its slug: then the last one deleted.")),
    responses((status = 200, description = "The table as it is now.", body = Table), Named,
        (status = 409, description = "Another table has its name by now.", body = chancery_api::Problem, content_type = "application/problem+json"),
        (status = 422, description = "It refers to what is not there.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn restore(
    caller: Caller,
    Acting(store): Acting,
    Segments(name): Segments<String>,
) -> Result<Reply, Fault> {
    let (store, table) = acting::deleted(&store, &name).await?;
    let handle = store.restore_table(&table.id).await?;
    let table = handle.seen()?;
    Ok(Reply::json(&told(&caller, handle.store(), &table, Columns::With))?.etag(table.schema_version))
}

/// What a table holds, in numbers.
#[utoipa::path(get, path = "/api/tables/{table}/stats", operation_id = "getTableStats", tag = "Tables",
    params(("table" = String, Path, description = "Its id or slug.")),
    responses((status = 200, description = "The numbers.", body = TableStats), Named))]
async fn stats(Acting(store): Acting, Segments(name): Segments<String>) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &name).await?;
    let (table, stats) = (handle.seen()?, handle.stats().await?);
    Reply::json(&TableStats {
        records: stats.live,
        deleted: stats.trash,
        columns: table.live().count() as u64,
        last_change_at: maybe_time(stats.last_change_at),
    })
}
