//! The history of a record, and the operations of a workspace with their undo.

use axum::extract::State;
use chancery::credentials::Fingerprint;
use chancery::{OperationQuery, RevertOptions, WriteOptions};
use chancery_api::ErrorCode;
use chancery_api::history::{HistoryPage, Operation, OperationPage, Revert, RevertReport, VersionRestore};
use chancery_api::records::{Pagination, Record};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting, Within, WorkspaceParams};
use crate::convert::history as convert;
use crate::convert::records::{Display, bytes};
use crate::cursor;
use crate::extract::{Body, IfMatch, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, OfRecord, WithBody, WithVersion};
use crate::reply::{Reply, page_limit};
use crate::routes::{DryRunParams, ListParams};
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(history))
        .routes(routes!(restore_version))
        .routes(routes!(operations))
        .routes(routes!(operation))
        .routes(routes!(revert))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct OperationsParams {
    /// Only what this user or API key did, by id.
    actor: Option<String>,
    /// Only what touched this table, by id or slug.
    table: Option<String>,
    /// The workspace; the default one when absent.
    workspace: Option<String>,
    /// How many a page holds; 1 to 200, 50 when absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// What happened to a record, newest first, field by field. One that is gone for good has its past in the operation that
/// removed it.
#[utoipa::path(get, path = "/api/tables/{table}/records/{record}/history", operation_id = "recordHistory", tag = "History",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), ListParams),
    responses((status = 200, description = "A page of steps.", body = HistoryPage), Named))]
async fn history(
    State(app): State<App>,
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<ListParams>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let limit = page_limit(params.limit)?;
    let question = Fingerprint::of(format!("history {} {id}", handle.definition()?.id).as_bytes());
    let before = place(&app, &question, params.cursor.as_deref())?;
    let found = handle.history(id.as_str(), limit as usize, before).await?;
    let last = found.steps.last().filter(|_| found.has_more);
    let pagination = Pagination {
        has_more: found.has_more,
        limit,
        next_cursor: last.map(|step| seal(&app, &question, step.version)),
        ..Pagination::default()
    };
    Reply::json(&convert::history(found, pagination))
}

/// Write the values of an old version as a new one. What the definition refuses by now is an issue.
#[utoipa::path(post, path = "/api/tables/{table}/records/{record}/restore-version", operation_id = "restoreVersion", tag = "History",
    request_body = VersionRestore,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), DryRunParams),
    responses((status = 200, description = "The record as it is now.", body = Record), Named, OfRecord, WithBody, WithVersion))]
async fn restore_version(
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<DryRunParams>,
    IfMatch(version): IfMatch,
    Body(wanted): Body<VersionRestore>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = WriteOptions {
        expected_version: version,
        dry_run: params.dry_run.unwrap_or(false),
        ..WriteOptions::default()
    };
    let done = handle
        .restore_version_with(id.as_str(), wanted.version, options)
        .await?;
    Ok(Reply::bytes(bytes(&done.record, Display::With, &done.ignored))
        .etag(done.record.version())
        .revision(Some(done.revision)))
}

/// What was done in a workspace, newest first: edits, bulk work, imports, undos, each as a unit.
#[utoipa::path(get, path = "/api/operations", operation_id = "listOperations", tag = "History", params(OperationsParams),
    responses((status = 200, description = "A page of operations.", body = OperationPage), Named))]
async fn operations(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<OperationsParams>,
) -> Result<Reply, Fault> {
    let mut store = acting::workspace(store, params.workspace.as_deref()).await?;
    if let Some(table) = &params.table {
        // A table may be named by its id from any workspace.
        store = acting::table(&store, table).await?.store().clone();
    }
    let limit = params.limit.unwrap_or(50);
    if limit == 0 || limit > chancery::limits::OPERATIONS_MAX as u64 {
        let most = chancery::limits::OPERATIONS_MAX;
        let detail = format!("limit is {limit}; the limit operationsMax is {most} and the least is 1.");
        return Err(Fault::new(ErrorCode::LimitExceeded, detail).hint("Ask for fewer and follow nextCursor."));
    }
    let asked = format!(
        "operations {} {:?} {:?}",
        store.workspace().id,
        params.actor,
        params.table
    );
    let question = Fingerprint::of(asked.as_bytes());
    let query = OperationQuery {
        actor: params.actor,
        table: params.table,
        limit: Some(limit as usize),
        before: place(&app, &question, params.cursor.as_deref())?,
    };
    let page = store.operations(query).await?;
    let pagination = Pagination {
        has_more: page.next.is_some(),
        limit: limit as u32,
        next_cursor: page.next.map(|revision| seal(&app, &question, revision)),
        ..Pagination::default()
    };
    Reply::json(&OperationPage {
        operations: page.operations.into_iter().map(convert::operation).collect(),
        pagination,
    })
}

/// One operation.
#[utoipa::path(get, path = "/api/operations/{operation}", operation_id = "getOperation", tag = "History",
    params(("operation" = String, Path, description = "The operation's id."), WorkspaceParams),
    responses((status = 200, description = "The operation.", body = Operation), Named))]
async fn operation(Within(store): Within, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&convert::operation(store.operation(&id).await?))
}

/// Take an operation back as a unit: what it created is removed, what it changed is as before, what it removed is there
/// again. What was changed since stays and is named. Taking back the undo does the operation again.
#[utoipa::path(post, path = "/api/operations/{operation}/revert", operation_id = "revertOperation", tag = "History",
    request_body = Revert,
    params(("operation" = String, Path, description = "The operation's id."), WorkspaceParams),
    responses((status = 200, description = "What became of it.", body = RevertReport), Named, WithBody))]
async fn revert(
    Within(store): Within,
    Segments(id): Segments<String>,
    Body(how): Body<Revert>,
) -> Result<Reply, Fault> {
    let options = RevertOptions {
        dry_run: how.dry_run,
        all_or_nothing: how.all_or_nothing,
    };
    let report = store.revert(&id, options).await?;
    let revision = report.revision;
    Ok(Reply::json(&convert::report(report))?.revision(revision))
}

fn seal(app: &App, question: &Fingerprint, number: u64) -> String {
    cursor::seal(&app.signer, question, number.to_string().as_bytes())
}

/// The number at which a page goes on.
fn place(app: &App, question: &Fingerprint, text: Option<&str>) -> Result<Option<u64>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let place = cursor::open(&app.signer, question, text)?;
    let number = std::str::from_utf8(&place)
        .ok()
        .and_then(|text| text.parse().ok());
    let unreadable = || Fault::new(ErrorCode::InvalidCursor, "The cursor names no place.");
    number.map(Some).ok_or_else(unreadable)
}
