//! Imports step by step: a file is kept and looked at, mapped, tried, written, paused, taken back. An import goes on when its
//! caller goes away.

use axum::extract::{FromRequest, Request, State};
use chancery::{
    ImportChange, ImportInto, ImportJob, ImportOptions, ImportUpload, Mapping, RevertOptions, Store,
};
use chancery_api::ErrorCode;
use chancery_api::history::{Revert, RevertReport};
use chancery_api::import_jobs as wire;
use chancery_api::imports::{CsvUpload, ImportCancelled};
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{WorkspaceListParams, page_of};
use crate::acting::{self, Acting, Within, WorkspaceParams};
use crate::convert::import_jobs::Draft;
use crate::convert::{history, import_jobs as convert, imports};
use crate::extract::{Body, Params, Segments, media_type};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;
use crate::upload::{self, CsvForm};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(upload_into))
        .routes(routes!(list, upload_new))
        .routes(routes!(status, change))
        .routes(routes!(dry_run))
        .routes(routes!(commit))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(revert))
        .routes(routes!(errors))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct FileParams {
    /// What the file is called, where the body is the file itself.
    file_name: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct NewFileParams {
    /// What the file is called, where the body is the file itself; the table is named after it.
    file_name: Option<String>,
    /// The workspace of the new table, where the body is the file itself; the default one when absent.
    workspace: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct StatusParams {
    /// The id or slug of a workspace; the default one when absent.
    workspace: Option<String>,
    /// `draft` for all that is known of the file also while the import runs.
    include: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct ErrorsParams {
    /// The id or slug of a workspace; the default one when absent.
    workspace: Option<String>,
    /// How they are told; a CSV file when absent.
    #[param(inline)]
    format: Option<ErrorsFormat>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum ErrorsFormat {
    /// The rows as they came, with `_row` and `_error`.
    Csv,
    /// What is wrong, cell by cell.
    Json,
}

/// A file with what was said about it: a form, or the file itself.
struct Came {
    upload: ImportUpload,
    workspace: Option<String>,
}

async fn came(
    request: Request,
    app: &App,
    file_name: Option<String>,
    into: Option<ImportInto>,
) -> Result<Came, Fault> {
    let form = match media_type(request.headers()).as_deref() {
        Some("multipart/form-data") => CsvForm::from_request(request, app).await?,
        _ => CsvForm::of_file(upload::whole(request.into_body(), app).await?, file_name),
    };
    let into = into.unwrap_or_else(|| {
        let named = form.name.or_else(|| form.file_name.as_deref().map(upload::stem));
        convert::new_table(wire::ImportNewTable {
            name: named.unwrap_or_else(|| "Imported".to_owned()),
            slug: form.slug,
        })
    });
    let options = ImportOptions {
        file_name: form.file_name,
        ..imports::options(form.options)?
    };
    Ok(Came {
        upload: ImportUpload {
            file: form.file,
            into,
            mapping: form.mapping,
            options,
        },
        workspace: form.workspace,
    })
}

async fn kept(store: &Store, upload: ImportUpload) -> Result<Reply, Fault> {
    let job = store.upload_import(upload).await?;
    let place = format!("/api/imports/{}", job.id);
    Ok(Reply::json(&convert::status(job, Draft::Short))?.created(&place))
}

/// Keep a file for an import into a table, and look at all of it: what it is, what its columns could be, where they could go.
/// Nothing is written. CSV and its kin, XLSX, JSON objects (in an array or line by line), and any of them packed (gzip, zstd,
/// a zip archive of one file).
#[utoipa::path(post, path = "/api/tables/{table}/imports", operation_id = "createImport", tag = "Imports and exports",
    request_body(content((CsvUpload = "multipart/form-data"), (String = "application/octet-stream"))),
    params(("table" = String, Path, description = "The table's id or slug."), FileParams),
    responses((status = 201, description = "The import, with what the file looks like.", body = wire::ImportStatus), Named, WithBody))]
async fn upload_into(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<FileParams>,
    request: Request,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let into = ImportInto::Table(handle.definition()?.id.to_string());
    let came = came(request, &app, params.file_name, Some(into)).await?;
    kept(handle.store(), came.upload).await
}

/// Keep a file for an import that makes its table, and look at all of it, as `POST /api/tables/{table}/imports` does.
#[utoipa::path(post, path = "/api/imports", operation_id = "createImportOfNewTable", tag = "Imports and exports",
    request_body(content((CsvUpload = "multipart/form-data"), (String = "application/octet-stream"))), params(NewFileParams),
    responses((status = 201, description = "The import, with what the file looks like.", body = wire::ImportStatus), Named, WithBody))]
async fn upload_new(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<NewFileParams>,
    request: Request,
) -> Result<Reply, Fault> {
    let came = came(request, &app, params.file_name, None).await?;
    let store = acting::workspace(store, came.workspace.or(params.workspace).as_deref()).await?;
    kept(&store, came.upload).await
}

/// All imports of a workspace, newest first: kept, running, over; each without its draft.
#[utoipa::path(get, path = "/api/imports", operation_id = "listImports", tag = "Imports and exports", params(WorkspaceListParams),
    responses((status = 200, description = "A page of imports.", body = wire::ImportList), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<WorkspaceListParams>,
) -> Result<Reply, Fault> {
    let (store, params) = params.of(store).await?;
    let what = format!("imports {}", store.workspace().id);
    let (imports, pagination) = page_of(&app, &what, store.imports().await?, &params, |job| &job.id)?;
    let short = |job| convert::status(ImportJob { draft: None, ..job }, Draft::Short);
    Reply::json(&wire::ImportList {
        imports: imports.into_iter().map(short).collect(),
        pagination,
    })
}

/// An import as it is now.
#[utoipa::path(get, path = "/api/imports/{import}", operation_id = "getImport", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), StatusParams),
    responses((status = 200, description = "What is known of its file, its progress, or its report.", body = wire::ImportStatus), Named))]
async fn status(
    Acting(store): Acting,
    Segments(id): Segments<String>,
    Params(params): Params<StatusParams>,
) -> Result<Reply, Fault> {
    let draft = match params.include.as_deref() {
        None | Some("") => Draft::Short,
        Some("draft") => Draft::Whole,
        Some(other) => {
            let detail = format!("include takes draft, not \"{other}\".");
            return Err(Fault::new(ErrorCode::InvalidParameter, detail));
        }
    };
    let store = acting::workspace(store, params.workspace.as_deref()).await?;
    Reply::json(&convert::status(store.import_job(&id).await?, draft))
}

/// Say otherwise how the file is read, where its columns go, what becomes of its rows. What was tried before counts no more.
#[utoipa::path(patch, path = "/api/imports/{import}", operation_id = "changeImport", tag = "Imports and exports",
    request_body = wire::ImportChange,
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
    responses((status = 200, description = "The import.", body = wire::ImportStatus), Named, WithBody))]
async fn change(
    Within(store): Within,
    Segments(id): Segments<String>,
    Body(wanted): Body<wire::ImportChange>,
) -> Result<Reply, Fault> {
    let into = match (wanted.table, wanted.new_table) {
        (Some(_), Some(_)) => {
            let detail = "An import goes into table or makes newTable, not both.";
            return Err(Fault::new(ErrorCode::MalformedBody, detail));
        }
        (Some(table), None) => Some(ImportInto::Table(table)),
        (None, new) => new.map(convert::new_table),
    };
    let mapping: Option<Mapping> = wanted.mapping;
    let change = ImportChange {
        mapping,
        options: wanted.options.map(imports::options).transpose()?,
        into,
    };
    Reply::json(&convert::status(
        store.change_import(&id, change).await?,
        Draft::Short,
    ))
}

/// Try it: every row is checked, nothing is written. It goes on by itself; `draft.check` has what it found.
#[utoipa::path(post, path = "/api/imports/{import}/dry-run", operation_id = "tryImport", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
    responses((status = 202, description = "It is tried.", body = wire::ImportStatus), Named,
        (status = 422, description = "The mapping or the options make no sense.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn dry_run(Within(store): Within, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let job = store.try_import(&id).await?;
    Ok(Reply::json(&convert::status(job, Draft::Short))?.accepted(&format!("/api/imports/{id}")))
}

/// Write it. It goes on by itself, whoever watches; `progress` says how far it is, `report` what became of it.
#[utoipa::path(post, path = "/api/imports/{import}/commit", operation_id = "commitImport", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
    responses((status = 202, description = "It is written.", body = wire::ImportStatus), Named,
        (status = 422, description = "The mapping or the options make no sense.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn commit(Within(store): Within, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let job = store.commit_import(&id).await?;
    Ok(Reply::json(&convert::status(job, Draft::Short))?.accepted(&format!("/api/imports/{id}")))
}

/// Let it rest after the rows it is at. What it wrote stays meanwhile.
#[utoipa::path(post, path = "/api/imports/{import}/pause", operation_id = "pauseImport", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
    responses((status = 200, description = "The import.", body = wire::ImportStatus), Named,
        (status = 409, description = "It does not run.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn pause(Within(store): Within, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&convert::status(store.pause_import(&id).await?, Draft::Short))
}

/// Let an import that rests go on.
#[utoipa::path(post, path = "/api/imports/{import}/resume", operation_id = "resumeImport", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
    responses((status = 200, description = "The import.", body = wire::ImportStatus), Named,
        (status = 409, description = "It does not run.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn resume(Within(store): Within, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&convert::status(store.resume_import(&id).await?, Draft::Short))
}

/// Stop an import that runs, and take back what it wrote; let go of the file of one that was not begun.
#[utoipa::path(post, path = "/api/imports/{import}/cancel", operation_id = "cancelImport", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
    responses((status = 200, description = "Whether there was something to stop.", body = ImportCancelled), Named))]
async fn cancel(Within(store): Within, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&ImportCancelled {
        cancelled: store.cancel_import(&id).await?,
    })
}

/// Take back an import that is done, as a unit: what it created is removed, what it changed is as before; what was changed
/// since stays and is named. Columns, options and tables that it made stay.
#[utoipa::path(post, path = "/api/imports/{import}/revert", operation_id = "revertImport", tag = "Imports and exports",
    request_body = Revert,
    params(("import" = String, Path, description = "The import's id."), WorkspaceParams),
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
    let report = store.revert_import(&id, options).await?;
    let revision = report.revision;
    Ok(Reply::json(&history::report(report))?.revision(revision))
}

/// The refused rows, of the last trial or of what was written: as a CSV file with `_row` and `_error`, to be mended and
/// imported again, or as JSON, cell by cell.
#[utoipa::path(get, path = "/api/imports/{import}/errors", operation_id = "getImportErrors", tag = "Imports and exports",
    params(("import" = String, Path, description = "The import's id."), ErrorsParams),
    responses((status = 200, description = "The refused rows.",
        content((String = "text/csv"), (wire::ImportErrors = "application/json"))), Named))]
async fn errors(
    Acting(store): Acting,
    Segments(id): Segments<String>,
    Params(params): Params<ErrorsParams>,
) -> Result<Reply, Fault> {
    let store = acting::workspace(store, params.workspace.as_deref()).await?;
    if matches!(params.format, Some(ErrorsFormat::Json)) {
        return Reply::json(&convert::errors(&store.import_errors(&id).await?));
    }
    let csv = store.import_failed_rows(&id).await?;
    let disposition = HeaderValue::from_static("attachment; filename=\"failed-rows.csv\"");
    Ok(Reply::bytes(csv.into_bytes())
        .header(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        )
        .header(header::CONTENT_DISPOSITION, disposition))
}
