//! Records: the items of a table, one at a time. Lists and queries are in [`super::query`].

use chancery::model::admit::UpdateMode;
use chancery::{Error, Json, Protected, Record as Found, TableHandle, WriteOptions, Written};
use chancery_api::ErrorCode;
use chancery_api::records::{Record, RecordCreate, RecordDelete, RecordUpdate};
use http::{HeaderMap, header};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::DryRunParams;
use crate::acting::{self, Acting};
use crate::caller::Caller;
use crate::convert::records::{self as convert, Display};
use crate::extract::{Body, IfMatch, Params, Preferred, Segments, etag_version};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, OfRecord, WithBody, WithVersion};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(get, update, replace, delete))
        .routes(routes!(restore))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct ReadParams {
    /// Whether `data._display` is wanted; yes when absent.
    include_display: Option<bool>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct WriteParams {
    /// Whether to answer the same but write nothing.
    dry_run: Option<bool>,
    /// `false` leaves out members that only the store writes, and names them in `ignored`; otherwise they are an issue.
    strict: Option<bool>,
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct DeleteParams {
    /// Whether the record is gone for good, also from the trash; needs the scope admin.
    permanent: Option<bool>,
    /// Whether to answer the same but write nothing.
    dry_run: Option<bool>,
}

impl WriteParams {
    fn options(&self, expected_version: Option<u64>, external_id: Option<String>) -> WriteOptions {
        WriteOptions {
            expected_version,
            dry_run: self.dry_run.unwrap_or(false),
            protected: if self.strict == Some(false) {
                Protected::Strip
            } else {
                Protected::Refuse
            },
            external_id,
            ..WriteOptions::default()
        }
    }
}

/// Create a record: generated values, defaults and metadata are filled in, everything is checked.
#[utoipa::path(post, path = "/api/tables/{table}/records", operation_id = "createRecord", tag = "Records",
    request_body = RecordCreate,
    params(("table" = String, Path, description = "The table's id or slug."), WriteParams),
    responses((status = 201, description = "Created.", body = Record),
        (status = 200, description = "A trial: it would be created.", body = Record), Named, WithBody))]
async fn create(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<WriteParams>,
    preferred: Preferred,
    Body(create): Body<RecordCreate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = params.options(None, create.metadata.and_then(|metadata| metadata.external_id));
    let trial = options.dry_run;
    let made = handle.insert_with(&Json::Object(create.data), options).await?;
    let location = format!(
        "/api/tables/{}/records/{}",
        made.record.table().id,
        path_part(&made.record.id())
    );
    let reply = answer(&made, preferred);
    Ok(if trial { reply } else { reply.created(&location) })
}

/// One record.
#[utoipa::path(get, path = "/api/tables/{table}/records/{record}", operation_id = "getRecord", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), ReadParams),
    responses((status = 200, description = "The record.", body = Record),
        (status = 304, description = "The caller has this version, by If-None-Match."), Named, OfRecord))]
async fn get(
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<ReadParams>,
    headers: HeaderMap,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    // One read: between two the record may come or go.
    let record = match handle.get_any(id.as_str()).await? {
        Some(record) if record.deleted_at().is_none() => record,
        Some(record) => return Err(in_trash(&record)),
        None => return Err(not_found(&handle, &id)),
    };
    let has = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tag| etag_version(tag.to_str().ok()?));
    if has == Some(record.version()) {
        return Ok(Reply::not_modified(record.version()));
    }
    let display = if params.include_display == Some(false) {
        Display::Without
    } else {
        Display::With
    };
    Ok(Reply::bytes(convert::bytes(&record, display, &[])).etag(record.version()))
}

/// The refusal of a record that is in the trash.
fn in_trash(record: &chancery::Record) -> Fault {
    let gone = Error::InTrash {
        table: record.table().slug.clone(),
        key: record.key().clone(),
    };
    Fault::from(gone).current(convert::to_json(record))
}

/// The refusal of a record that is not there.
fn not_found(handle: &TableHandle, id: &str) -> Fault {
    let slug = handle
        .definition()
        .map_or(String::new(), |table| table.slug.clone());
    Fault::new(
        ErrorCode::RecordNotFound,
        format!("Record with key \"{id}\" not found in table \"{slug}\"."),
    )
}

/// Change the given values of a record: absent ones stay, `null` clears.
#[utoipa::path(patch, path = "/api/tables/{table}/records/{record}", operation_id = "updateRecord", tag = "Records",
    request_body = RecordUpdate,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), WriteParams),
    responses((status = 200, description = "The record as it is now.", body = Record),
        (status = 204, description = "Done, by Prefer: return=minimal."), Named, WithBody, WithVersion))]
async fn update(
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<WriteParams>,
    IfMatch(version): IfMatch,
    preferred: Preferred,
    Body(update): Body<RecordUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = params.options(version, update.metadata.and_then(|metadata| metadata.external_id));
    let done = handle
        .update_with(
            id.as_str(),
            &Json::Object(update.data),
            UpdateMode::Merge,
            options,
        )
        .await?;
    Ok(answer(&done, preferred))
}

/// Replace all values of a record: absent ones become `null`.
#[utoipa::path(put, path = "/api/tables/{table}/records/{record}", operation_id = "replaceRecord", tag = "Records",
    request_body = RecordUpdate,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), WriteParams),
    responses((status = 200, description = "The record as it is now.", body = Record),
        (status = 204, description = "Done, by Prefer: return=minimal."), Named, WithBody, WithVersion))]
async fn replace(
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<WriteParams>,
    IfMatch(version): IfMatch,
    preferred: Preferred,
    Body(update): Body<RecordUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = params.options(version, update.metadata.and_then(|metadata| metadata.external_id));
    let done = handle
        .update_with(
            id.as_str(),
            &Json::Object(update.data),
            UpdateMode::Replace,
            options,
        )
        .await?;
    Ok(answer(&done, preferred))
}

/// Delete a record: to the trash where the table has one. The body may be left out.
#[utoipa::path(delete, path = "/api/tables/{table}/records/{record}", operation_id = "deleteRecord", tag = "Records",
    request_body = Option<RecordDelete>,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), DeleteParams),
    responses((status = 204, description = "It is gone."), Named, WithBody, WithVersion,
        (status = 409, description = "Other records depend on it.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn delete(
    Acting(store): Acting,
    caller: Caller,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<DeleteParams>,
    IfMatch(version): IfMatch,
    Body(body): Body<RecordDelete>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = WriteOptions {
        expected_version: version,
        dry_run: body.dry_run || params.dry_run.unwrap_or(false),
        ..WriteOptions::default()
    };
    let done = if body.permanent || params.permanent.unwrap_or(false) {
        caller.may_purge()?;
        handle.purge_with(id.as_str(), options).await?
    } else {
        handle.delete_with(id.as_str(), options).await?
    };
    Ok(Reply::nothing().revision(Some(done.revision)))
}

/// Bring a record back from the trash.
#[utoipa::path(post, path = "/api/tables/{table}/records/{record}/restore", operation_id = "restoreRecord", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("record" = String, Path, description = "The record's id or key."), DryRunParams),
    responses((status = 200, description = "The record as it is now.", body = Record),
        (status = 204, description = "Done, by Prefer: return=minimal."), Named, WithVersion,
        (status = 409, description = "Another record took a unique value meanwhile.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn restore(
    Acting(store): Acting,
    Segments((table, id)): Segments<(String, String)>,
    Params(params): Params<DryRunParams>,
    IfMatch(version): IfMatch,
    preferred: Preferred,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let dry_run = params.dry_run.unwrap_or(false);
    let options = WriteOptions {
        expected_version: version,
        dry_run,
        ..WriteOptions::default()
    };
    let done = handle.restore_with(id.as_str(), options).await?;
    Ok(answer(&done, preferred))
}

/// What a write answers: the record, or as little as says it was done.
fn answer(done: &Written, preferred: Preferred) -> Reply {
    let record: &Found = &done.record;
    let reply = match preferred {
        Preferred::Minimal => Reply::nothing().preference_applied(),
        Preferred::Representation => Reply::bytes(convert::bytes(record, Display::With, &done.ignored)),
    };
    reply.etag(record.version()).revision(Some(done.revision))
}

/// A key as a part of a path.
fn path_part(key: &str) -> String {
    form_urlencoded::byte_serialize(key.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
