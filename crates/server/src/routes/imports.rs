//! Files in, each in one request: analysed, imported into a table or made into one. Step by step is another file.

use axum::extract::{Request, State};
use chancery::{Error, FileFormat, ImportFile, ImportOptions, ImportReport, Store, TableInput};
use chancery_api::bulk::{Blank, OnMany};
use chancery_api::exports::{JsonImport, Objects, RecordsImport, TableExport};
use chancery_api::imports::{CsvOptions, CsvUpload, FileAnalysis, TableImport};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::DryRunParams;
use crate::acting::{self, Acting};
use crate::convert::{imports as convert, tables, tables::Columns};
use crate::extract::{Params, Segments, parse_json, read_body, require_media_type};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;
use crate::upload::{self, CsvForm};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(analyse))
        .routes(routes!(import_csv))
        .routes(routes!(import_xlsx))
        .routes(routes!(import_json))
        .routes(routes!(new_from_csv))
        .routes(routes!(new_from_json))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct AnalyseParams {
    /// The id or slug of the table the file is meant for.
    table: Option<String>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct JsonParams {
    /// Whether to answer the same but write nothing.
    dry_run: Option<bool>,
    /// Whether good records are written although others are bad; otherwise it is all or nothing.
    continue_on_error: Option<bool>,
    /// Whether columns the table lacks are added.
    create_columns: Option<bool>,
    /// Whether records of other tables are made that relations name, where nobody is called so.
    create_missing: Option<bool>,
    /// The columns by which a record is found again, separated by commas.
    match_on: Option<String>,
    /// What happens when several match.
    #[param(inline)]
    on_many: Option<OnMany>,
    /// What an empty value does to a record that is found.
    #[param(inline)]
    blank: Option<Blank>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct NewTableParams {
    /// The workspace of the new table; the default one when absent.
    workspace: Option<String>,
    /// Another name for the table, and with it another slug.
    name: Option<String>,
}

/// Look at a file before anything is written: encoding, delimiter, types over the whole file.
#[utoipa::path(post, path = "/api/import/analyse", operation_id = "analyseFile", tag = "Imports and exports",
    request_body(content = CsvUpload, content_type = "multipart/form-data"), params(AnalyseParams),
    responses((status = 200, description = "What the file looks like.", body = FileAnalysis), Named, WithBody))]
async fn analyse(
    Acting(store): Acting,
    Params(params): Params<AnalyseParams>,
    form: CsvForm,
) -> Result<Reply, Fault> {
    let options = convert::options(form.options)?;
    let file = &form.file;
    let analysis = match &params.table {
        Some(name) => {
            acting::table(&store, name)
                .await?
                .analyse_csv(file, &options)
                .await?
        }
        None => store.analyse_csv(file, &options).await?,
    };
    Reply::json(&convert::analysis(&analysis))
}

/// Import a CSV file into a table (or a workbook, or JSON objects, also packed: what the file is is found out): every row is checked, every bad row named; all or nothing unless `continueOnError`.
#[utoipa::path(post, path = "/api/tables/{table}/import/csv", operation_id = "importCsv", tag = "Imports and exports",
    request_body(content = CsvUpload, content_type = "multipart/form-data"),
    params(("table" = String, Path, description = "The table's id or slug."), DryRunParams),
    responses((status = 200, description = "What became of the rows.", body = chancery_api::imports::ImportReport), Named, WithBody))]
async fn import_csv(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<DryRunParams>,
    form: CsvForm,
) -> Result<Reply, Fault> {
    import_form((store, table), form, (params.dry_run, None)).await
}

/// Import a sheet of a workbook into a table, as a CSV file is imported.
#[utoipa::path(post, path = "/api/tables/{table}/import/xlsx", operation_id = "importXlsx", tag = "Imports and exports",
    request_body(content = CsvUpload, content_type = "multipart/form-data"),
    params(("table" = String, Path, description = "The table's id or slug."), DryRunParams),
    responses((status = 200, description = "What became of the rows.", body = chancery_api::imports::ImportReport), Named, WithBody))]
async fn import_xlsx(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<DryRunParams>,
    form: CsvForm,
) -> Result<Reply, Fault> {
    import_form((store, table), form, (params.dry_run, Some(FileFormat::Xlsx))).await
}

async fn import_form(
    (store, table): (Store, String),
    form: CsvForm,
    (dry_run, format): (Option<bool>, Option<FileFormat>),
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let mut options = import_options(form.options, dry_run)?;
    (options.read.format, options.file_name) = (format, form.file_name);
    let (file, mapping) = (form.file, form.mapping);
    let report = through(async move { handle.import_csv(&file, &mapping, &options).await });
    reported(&report.await?)
}

/// Import records into a table from JSON: an export, an array of objects, or objects line by line.
#[utoipa::path(post, path = "/api/tables/{table}/import/json", operation_id = "importJson", tag = "Imports and exports",
    request_body(content((JsonImport = "application/json"), (String = "application/x-ndjson"))),
    params(("table" = String, Path, description = "The table's id or slug."), JsonParams),
    responses((status = 200, description = "What became of the records.", body = chancery_api::imports::ImportReport), Named, WithBody))]
async fn import_json(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<JsonParams>,
    request: Request,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    require_media_type(request.headers(), &["application/json", "application/x-ndjson"])?;
    let options = convert::options(CsvOptions {
        dry_run: params.dry_run.unwrap_or(false),
        continue_on_error: params.continue_on_error.unwrap_or(false),
        create_columns: params.create_columns.unwrap_or(false),
        create_missing: params.create_missing.unwrap_or(false),
        match_on: params.match_on.as_deref().map(super::query::names),
        on_many: params.on_many.unwrap_or_default(),
        blank: params.blank.unwrap_or_default(),
        ..CsvOptions::default()
    })?;
    let (file, export) = if upload::is_ndjson(&request) {
        (upload::whole(request.into_body(), &app).await?, false)
    } else {
        json_of(request, &app).await?
    };
    let report = through(async move {
        match export {
            true => handle.import_export(&file, &options).await,
            false => handle.import_objects(&file, &options).await,
        }
    });
    reported(&report.await?)
}

/// An array of objects or an export as it stands, and whether it is an export.
async fn json_of(request: Request, app: &App) -> Result<(ImportFile, bool), Fault> {
    let body = read_body(request, app.limits.body_bytes_max).await?;
    // Told apart by hand: an untagged type cannot say which member is wrong.
    let export = !body.trim_ascii_start().starts_with(b"[");
    match export {
        true => drop(parse_json::<RecordsImport>(&body)?),
        false => drop(parse_json::<Objects>(&body)?),
    }
    Ok((ImportFile::bytes(body.as_ref()), export))
}

/// Make a table from a CSV file in one step; the types keep every value as it is written.
#[utoipa::path(post, path = "/api/tables/import/csv", operation_id = "newTableFromCsv", tag = "Imports and exports",
    request_body(content = CsvUpload, content_type = "multipart/form-data"), params(DryRunParams),
    responses((status = 201, description = "The table, and what became of the rows.", body = TableImport),
        (status = 200, description = "No table was made: a trial, or bad rows.", body = TableImport), Named, WithBody))]
async fn new_from_csv(
    Acting(store): Acting,
    Params(params): Params<DryRunParams>,
    form: CsvForm,
) -> Result<Reply, Fault> {
    let store = acting::workspace(store, form.workspace.as_deref()).await?;
    let name = form
        .name
        .or_else(|| form.file_name.as_deref().map(upload::stem))
        .unwrap_or_else(|| "Imported".to_owned());
    let input = TableInput {
        slug: form.slug,
        strict: true,
        soft_delete: true,
        ..TableInput::new(name)
    };
    let options = ImportOptions {
        file_name: form.file_name,
        ..import_options(form.options, params.dry_run)?
    };
    let (file, mapping) = (form.file, form.mapping);
    let (handle, report) =
        through(async move { store.import_new_table(&file, input, &mapping, &options).await }).await?;
    let table = handle.map(|handle| handle.definition()).transpose()?;
    let body = TableImport {
        table: table.as_ref().map(|table| tables::table(table, Columns::With)),
        import: convert::report(&report),
    };
    let reply = Reply::json(&body)?.revision(report.revision);
    Ok(match table {
        Some(table) => reply.created(&format!("/api/tables/{}", table.id)),
        None => reply,
    })
}

/// Make a table again from its JSON export, ids and times kept.
#[utoipa::path(post, path = "/api/tables/import/json", operation_id = "newTableFromJson", tag = "Imports and exports",
    request_body = TableExport, params(NewTableParams),
    responses((status = 201, description = "The table, and what became of the records.", body = TableImport), Named, WithBody))]
async fn new_from_json(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<NewTableParams>,
    request: Request,
) -> Result<Reply, Fault> {
    let store = acting::workspace(store, params.workspace.as_deref()).await?;
    require_media_type(request.headers(), &["application/json"])?;
    let file = upload::whole(request.into_body(), &app).await?;
    let (handle, report) = through(async move {
        let options = ImportOptions::default();
        store.import_json(&file, params.name.as_deref(), &options).await
    })
    .await?;
    let table = handle.definition()?;
    let body = TableImport {
        table: Some(tables::table(&table, Columns::With)),
        import: convert::report(&report),
    };
    Ok(Reply::json(&body)?
        .created(&format!("/api/tables/{}", table.id))
        .revision(report.revision))
}

/// The options of a form, with the wish of the query parameter.
fn import_options(options: CsvOptions, dry_run: Option<bool>) -> Result<ImportOptions, Fault> {
    let dry_run = options.dry_run || dry_run.unwrap_or(false);
    Ok(ImportOptions {
        dry_run,
        ..convert::options(options)?
    })
}

fn reported(report: &ImportReport) -> Result<Reply, Fault> {
    Ok(Reply::json(&convert::report(report))?.revision(report.revision))
}

/// Runs an import to its end even when its caller goes away: it is never left half-done.
async fn through<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Fault> {
    Ok(tokio::spawn(work).await.map_err(Fault::internal)??)
}
