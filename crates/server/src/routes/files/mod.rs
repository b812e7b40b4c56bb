//! Files: brought, described, fetched, deleted. Who may see one: who brought it, who may read a table that uses it, and
//! administrators; for everybody else it is not there.

mod send;

use axum::extract::State;
use axum::response::Response;
use chancery::access::Scope;
use chancery::credentials::Fingerprint;
use chancery::model::admit::UpdateMode;
use chancery::{Error, File, Json, Store, TableHandle, WriteOptions};
use chancery_api::ErrorCode;
use chancery_api::files::{
    self as api, FileAnnounced, FileForm as FileFormSchema, FileList, FileSend, FileUrl,
};
use chancery_api::records::{Pagination, Record};
use http::HeaderMap;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::WorkspaceListParams;
use crate::acting::{self, Acting, Within, WorkspaceParams};
use crate::caller::Caller;
use crate::convert;
use crate::convert::records::Display;
use crate::cursor;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::file_form::FileForm;
use crate::openapi::refusals::{Named, OfRecord, WithBody};
use crate::reply::{Reply, page_limit};
use crate::state::App;
use send::Fetched;

/// How often a file is put into a record that others change meanwhile.
const ATTEMPTS: usize = 16;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(announce))
        .routes(routes!(finish))
        .routes(routes!(get, delete))
        .routes(routes!(download))
        .routes(routes!(thumbnail))
        .routes(routes!(url))
        .routes(routes!(attach))
}

/// All files of a workspace, in the order in which they came.
#[utoipa::path(get, path = "/api/files", operation_id = "listFiles", tag = "Files", params(WorkspaceListParams),
    responses((status = 200, description = "A page of files.", body = FileList), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<WorkspaceListParams>,
) -> Result<Reply, Fault> {
    let (store, params) = params.of(store).await?;
    let limit = page_limit(params.limit)?;
    let question = Fingerprint::of_parts(&[b"files", store.workspace().id.as_bytes()]);
    let place = params.cursor.as_deref();
    let place = place
        .map(|text| cursor::open(&app.signer, &question, text))
        .transpose()?;
    let place = place.and_then(|place| String::from_utf8(place).ok());
    let page = store.files(place.as_deref(), u64::from(limit)).await?;
    let last = page.files.last().filter(|_| page.has_more);
    let pagination = Pagination {
        has_more: page.has_more,
        limit,
        next_cursor: last.map(|file| cursor::seal(&app.signer, &question, file.id.as_bytes())),
        ..Pagination::default()
    };
    let files = page.files.iter().map(convert::files::file).collect();
    Reply::json(&FileList { files, pagination })
}

/// Bring a file. What it is is found out by its bytes; a record then names it by its id. One that no record names within a day is
/// let go.
#[utoipa::path(post, path = "/api/files", operation_id = "uploadFile", tag = "Files", params(WorkspaceParams),
    request_body(content = FileFormSchema, content_type = "multipart/form-data"),
    responses((status = 201, description = "Kept.", body = api::File), Named, WithBody))]
async fn create(Within(store): Within, form: FileForm) -> Result<Reply, Fault> {
    kept(&form.keep(&store).await?)
}

fn kept(file: &File) -> Result<Reply, Fault> {
    let reply = Reply::json(&convert::files::file(file))?;
    Ok(reply.created(&format!("/api/files/{}", file.id)))
}

/// Ask where to send a file: straight to the bucket where files are kept, if they are in one, without the bytes passing through
/// this server; otherwise to this server.
#[utoipa::path(post, path = "/api/files/upload-url", operation_id = "announceFile", tag = "Files", params(WorkspaceParams),
    request_body = FileAnnounced,
    responses((status = 200, description = "Where to.", body = FileSend), Named, WithBody))]
async fn announce(Within(store): Within, Body(announced): Body<FileAnnounced>) -> Result<Reply, Fault> {
    let sending = store.begin_sent(&announced.name, announced.size).await?;
    Reply::json(&match sending {
        chancery::FileSending::Here => FileSend {
            direct: false,
            method: "POST".into(),
            url: "/api/files".into(),
            file: None,
            finish_url: None,
            expires_at: None,
        },
        chancery::FileSending::Bucket { file, to } => FileSend {
            direct: true,
            method: "PUT".into(),
            url: to.url,
            finish_url: Some(format!("/api/files/{file}/finish")),
            file: Some(file),
            expires_at: Some(convert::time(to.expires_at)),
        },
    })
}

/// Say that a file was sent to where `upload-url` said. It is looked at now, as any other, and is there from now on.
#[utoipa::path(post, path = "/api/files/{file}/finish", operation_id = "finishFile", tag = "Files",
    params(("file" = String, Path, description = "The id that upload-url gave.")),
    responses((status = 201, description = "Kept.", body = api::File), Named,
        (status = 413, description = "It is larger than was said.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn finish(Acting(store): Acting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    kept(&store.finish_sent(&id).await?)
}

/// What describes a file.
#[utoipa::path(get, path = "/api/files/{file}", operation_id = "getFile", tag = "Files",
    params(("file" = String, Path, description = "The file's id.")),
    responses((status = 200, description = "The file.", body = api::File), Named))]
async fn get(caller: Caller, Acting(store): Acting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&convert::files::file(&seen(&store, &caller, &id).await?))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct DownloadParams {
    /// Whether a browser may show it rather than save it. Pages, drawings with scripts and the like are saved in any case.
    inline: Option<bool>,
}

/// What is in a file, or a part of it by `Range`.
#[utoipa::path(get, path = "/api/files/{file}/download", operation_id = "downloadFile", tag = "Files",
    params(("file" = String, Path, description = "The file's id."), DownloadParams),
    responses((status = 200, description = "The content, of whatever type it is.", body = Vec<u8>, content_type = "*/*"),
        (status = 206, description = "The part that was asked for.", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "The caller has it, by If-None-Match."), Named,
        (status = 416, description = "The file has no such part.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn download(
    caller: Caller,
    Acting(store): Acting,
    Segments(id): Segments<String>,
    Params(params): Params<DownloadParams>,
    method: http::Method,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let file = seen(&store, &caller, &id).await?;
    let fetched = Fetched::of(&file, &headers)?;
    if method == http::Method::GET && fetched.begins() {
        store.count_download(&file);
    }
    let content = match fetched.range() {
        Some(range) if method == http::Method::GET => Some(
            store
                .file_content(&file, (range != (0..file.size)).then_some(range))
                .await?,
        ),
        _ => None,
    };
    Ok(fetched.answer(&file, params.inline == Some(true), content))
}

/// A small picture of a file.
#[utoipa::path(get, path = "/api/files/{file}/thumbnail", operation_id = "fileThumbnail", tag = "Files",
    params(("file" = String, Path, description = "The file's id.")),
    responses((status = 200, description = "A PNG or a JPEG.", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
        (status = 304, description = "The caller has it, by If-None-Match."), Named))]
async fn thumbnail(
    caller: Caller,
    Acting(store): Acting,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let file = seen(&store, &caller, &id).await?;
    if send::has(&file, &headers) {
        return Ok(send::not_modified(&file));
    }
    let (content, media_type) = store.file_thumbnail(&file).await?;
    Ok(send::picture(&file, content, &media_type))
}

/// A URL to fetch a file from for a while: straight from the bucket where files are kept, without credentials, if they are in one.
#[utoipa::path(post, path = "/api/files/{file}/download-url", operation_id = "fileUrl", tag = "Files",
    params(("file" = String, Path, description = "The file's id.")),
    responses((status = 200, description = "Where it is.", body = FileUrl), Named))]
async fn url(caller: Caller, Acting(store): Acting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let file = seen(&store, &caller, &id).await?;
    let signed = store.file_url(&file, &send::disposition(&file, false)).await?;
    if signed.is_some() {
        store.count_download(&file);
    }
    Reply::json(&FileUrl {
        direct: signed.is_some(),
        expires_at: signed.as_ref().map(|signed| convert::time(signed.expires_at)),
        url: signed.map_or_else(|| convert::files::content_url(&file.id), |signed| signed.url),
    })
}

/// Delete a file for good. One that records name stays, those in the trash included: the refusal says which.
#[utoipa::path(delete, path = "/api/files/{file}", operation_id = "deleteFile", tag = "Files",
    params(("file" = String, Path, description = "The file's id.")),
    responses((status = 204, description = "Deleted."), Named,
        (status = 409, description = "Records name it.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn delete(
    caller: Caller,
    Acting(store): Acting,
    Segments(id): Segments<String>,
) -> Result<Reply, Fault> {
    let file = seen(&store, &caller, &id).await?;
    store.delete_file(&file.id).await?;
    Ok(Reply::nothing())
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct AttachParams {
    /// The slug of the column; needed if the table has several for files.
    column: Option<String>,
}

/// Bring a file and put it into a record: into the place of the one that a `file` column has, behind those of a `files` column.
#[utoipa::path(post, path = "/api/tables/{table}/records/{record}/files", operation_id = "attachFile", tag = "Files",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), AttachParams),
    request_body(content = FileFormSchema, content_type = "multipart/form-data"),
    responses((status = 201, description = "The record as it is now.", body = Record), Named, WithBody, OfRecord))]
async fn attach(
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<AttachParams>,
    form: FileForm,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let slug = column(&handle, params.column.as_deref())?;
    // Before anything is sent: what the file would be put into.
    record(&handle, &id).await?;
    let file = form
        .keep(&store.in_workspace(&handle.definition()?.workspace)?)
        .await?;
    let record = match put(&handle, &id, &slug, &file).await {
        Ok(record) => record,
        Err(fault) => {
            // Nobody asked for it alone; if this fails, it is let go in a day.
            let _ = store.delete_file(&file.id).await;
            return Err(fault);
        }
    };
    let reply = Reply::bytes(convert::records::bytes(&record, Display::With, &[])).etag(record.version());
    Ok(reply.created(&format!("/api/files/{}", file.id)))
}

/// The column for files that is meant.
fn column(handle: &TableHandle, named: Option<&str>) -> Result<String, Fault> {
    let table = handle.definition()?;
    let all: Vec<&str> = table
        .live()
        .filter(|column| column.names_files())
        .map(|column| column.slug.as_str())
        .collect();
    let chosen = match (named, all.as_slice()) {
        (Some(named), all) => all.iter().find(|slug| **slug == named),
        (None, [one]) => Some(one),
        (None, _) => None,
    };
    chosen.map(|slug| (*slug).to_owned()).ok_or_else(|| {
        let detail = match all.is_empty() {
            true => format!("The table \"{}\" has no column for files.", table.slug),
            false => format!("column takes one of: {}.", all.join(", ")),
        };
        Fault::new(ErrorCode::InvalidParameter, detail)
    })
}

async fn record(handle: &TableHandle, id: &str) -> Result<chancery::Record, Fault> {
    let found = handle.get(id).await?;
    found.ok_or_else(|| {
        Fault::new(
            ErrorCode::RecordNotFound,
            format!("Record with key \"{id}\" not found."),
        )
    })
}

async fn put(handle: &TableHandle, id: &str, slug: &str, file: &File) -> Result<chancery::Record, Fault> {
    for _ in 0..ATTEMPTS {
        let had = record(handle, id).await?;
        let several = had
            .table()
            .column(slug)
            .is_some_and(chancery::Column::names_several);
        let value = match (several, had.get(slug)) {
            (false, _) => Json::from(&*file.id),
            (true, Json::Array(mut all)) => {
                all.push(Json::from(&*file.id));
                Json::Array(all)
            }
            (true, _) => Json::Array(vec![Json::from(&*file.id)]),
        };
        let options = WriteOptions {
            expected_version: Some(had.version()),
            ..WriteOptions::default()
        };
        let data = Json::Object([(slug.to_owned(), value)].into_iter().collect());
        match handle.update_with(id, &data, UpdateMode::Merge, options).await {
            // Somebody else was faster.
            Err(Error::Version { .. }) => {}
            done => return Ok(done?.record),
        }
    }
    Err(Fault::new(
        ErrorCode::Conflict,
        "The record is changed again and again by others.",
    ))
}

/// A file, if the caller may see it.
async fn seen(store: &Store, caller: &Caller, id: &str) -> Result<File, Fault> {
    let file = store.file(id).await?;
    let own = file.created_by.is_some() && file.created_by.as_deref() == caller.principal.id();
    if own || caller.principal.scope() >= Scope::Admin || store.is_file_shown(&file).await? {
        return Ok(file);
    }
    Err(Error::NotFound {
        what: "file",
        message: format!("There is no file \"{id}\""),
    }
    .into())
}
