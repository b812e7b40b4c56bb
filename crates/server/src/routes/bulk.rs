//! Many records in one request and one commit. Unbounded streams are in [`super::stream`].

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use chancery::model::Issue;
use chancery::{
    Bulk, BulkOptions, BulkOutcome, Error, Json, OnError, Protected, Record, TableHandle, UpdateItem,
};
use chancery_api::bulk::{self as wire, BulkCreate, BulkDelete, BulkReply, BulkUpdate, BulkUpsert};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::stream;
use crate::acting::{self, Acting};
use crate::caller::Caller;
use crate::convert::faults;
use crate::convert::records::{self as convert, Display, Shape, write_json, write_list};
use crate::extract::{Body, Params, Preferred, Segments, media_type, require_media_type};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create, update, delete))
        .routes(routes!(delete_post))
        .routes(routes!(upsert))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct BulkParams {
    /// Whether to answer the same but write nothing; also a member of the body.
    dry_run: Option<bool>,
    /// `false` leaves out members that only the store writes; otherwise they are an issue.
    strict: Option<bool>,
}

impl BulkParams {
    fn options(&self, dry_run: bool, continue_on_error: bool) -> BulkOptions {
        BulkOptions {
            on_error: if continue_on_error {
                OnError::Continue
            } else {
                OnError::Abort
            },
            dry_run: dry_run || self.dry_run.unwrap_or(false),
            protected: if self.strict == Some(false) {
                Protected::Strip
            } else {
                Protected::Refuse
            },
            ..BulkOptions::default()
        }
    }
}

/// Create records: all or nothing, unless `continueOnError`. As NDJSON, one record's data a line, without an end.
#[utoipa::path(post, path = "/api/tables/{table}/records/bulk", operation_id = "bulkCreate", tag = "Bulk",
    request_body(content((BulkCreate = "application/json"), (String = "application/x-ndjson"))),
    params(("table" = String, Path, description = "The table's id or slug."), BulkParams),
    responses((status = 200, description = "What became of each.",
        content((BulkReply = "application/json"), (String = "application/x-ndjson"))), Named, WithBody))]
async fn create(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<BulkParams>,
    preferred: Preferred,
    request: Request,
) -> Result<Response, Fault> {
    let handle = acting::table(&store, &table).await?;
    if media_type(request.headers()).as_deref() == Some(stream::NDJSON) {
        let options = params.options(false, true);
        return Ok(stream::create(handle, options, request.into_body()));
    }
    require_media_type(request.headers(), &["application/json", stream::NDJSON])?;
    let Body(body) = Body::<BulkCreate>::from_request(request, &app).await?;
    let options = params.options(body.dry_run, body.continue_on_error);
    let outcome = handle.bulk_create(&body.records, options.clone()).await?;
    let lists = Lists {
        created: true,
        ..Lists::default()
    };
    Ok(answer(&handle, outcome, lists, preferred, &options, |_| None)?.into_response())
}

/// Change records: absent values stay, `null` clears. All or nothing, unless `continueOnError`.
#[utoipa::path(patch, path = "/api/tables/{table}/records/bulk", operation_id = "bulkUpdate", tag = "Bulk",
    request_body = BulkUpdate, params(("table" = String, Path, description = "The table's id or slug."), BulkParams),
    responses((status = 200, description = "What became of each.", body = BulkReply), Named, WithBody))]
async fn update(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<BulkParams>,
    preferred: Preferred,
    Body(body): Body<BulkUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = params.options(body.dry_run, body.continue_on_error);
    let (ids, items): (Vec<Json>, Vec<UpdateItem>) = body
        .updates
        .into_iter()
        .map(|item| {
            let id = convert::key_text(&item.record_id);
            (
                item.record_id,
                UpdateItem {
                    id,
                    data: item.data,
                    version: item.version,
                    external_id: item.metadata.and_then(|metadata| metadata.external_id),
                },
            )
        })
        .unzip();
    let outcome = handle.bulk_update(&items, options.clone()).await?;
    let lists = Lists {
        updated: true,
        ..Lists::default()
    };
    answer(&handle, outcome, lists, preferred, &options, |index| {
        ids.get(index).cloned()
    })
}

/// Delete records: to the trash where the table has one. All or nothing, unless `continueOnError`.
#[utoipa::path(delete, path = "/api/tables/{table}/records/bulk", operation_id = "bulkDelete", tag = "Bulk",
    request_body = BulkDelete, params(("table" = String, Path, description = "The table's id or slug."), BulkParams),
    responses((status = 200, description = "What became of each.", body = BulkReply), Named, WithBody))]
async fn delete(
    acting: Acting,
    caller: Caller,
    table: Segments<String>,
    params: Params<BulkParams>,
    body: Body<BulkDelete>,
) -> Result<Reply, Fault> {
    delete_all(acting, caller, table, params, body).await
}

/// The same as DELETE `…/records/bulk`, for callers that cannot send a body with DELETE.
#[utoipa::path(post, path = "/api/tables/{table}/records/bulk-delete", operation_id = "bulkDeletePost", tag = "Bulk",
    request_body = BulkDelete, params(("table" = String, Path, description = "The table's id or slug."), BulkParams),
    responses((status = 200, description = "What became of each.", body = BulkReply), Named, WithBody))]
async fn delete_post(
    acting: Acting,
    caller: Caller,
    table: Segments<String>,
    params: Params<BulkParams>,
    body: Body<BulkDelete>,
) -> Result<Reply, Fault> {
    delete_all(acting, caller, table, params, body).await
}

async fn delete_all(
    Acting(store): Acting,
    caller: Caller,
    Segments(table): Segments<String>,
    Params(params): Params<BulkParams>,
    Body(body): Body<BulkDelete>,
) -> Result<Reply, Fault> {
    if body.permanent {
        caller.may_purge()?;
    }
    let handle = acting::table(&store, &table).await?;
    let options = BulkOptions {
        permanent: body.permanent,
        ..params.options(body.dry_run, body.continue_on_error)
    };
    let ids: Vec<String> = body.record_ids.iter().map(convert::key_text).collect();
    let outcome = handle.bulk_delete(&ids, options.clone()).await?;
    let lists = Lists {
        deleted: true,
        ..Lists::default()
    };
    answer(&handle, outcome, lists, Preferred::Minimal, &options, |index| {
        body.record_ids.get(index).cloned()
    })
}

/// Create records, or change those that match: all or nothing, unless `continueOnError`.
#[utoipa::path(post, path = "/api/tables/{table}/records/bulk-upsert", operation_id = "bulkUpsert", tag = "Bulk",
    request_body = BulkUpsert, params(("table" = String, Path, description = "The table's id or slug."), BulkParams),
    responses((status = 200, description = "What became of each.", body = BulkReply), Named, WithBody))]
async fn upsert(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<BulkParams>,
    preferred: Preferred,
    Body(body): Body<BulkUpsert>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let options = params.options(body.dry_run, body.continue_on_error);
    let policy = (on_many(body.on_many), blank(body.blank));
    let outcome = handle
        .bulk_upsert(&body.match_on, &body.records, policy, options.clone())
        .await?;
    let lists = Lists {
        created: true,
        updated: true,
        unchanged: true,
        deleted: false,
    };
    answer(&handle, outcome, lists, preferred, &options, |_| None)
}

pub(crate) fn on_many(many: wire::OnMany) -> chancery::OnMany {
    match many {
        wire::OnMany::Error => chancery::OnMany::Error,
        wire::OnMany::First => chancery::OnMany::First,
        wire::OnMany::All => chancery::OnMany::All,
    }
}

pub(crate) fn blank(blank: wire::Blank) -> chancery::Blank {
    match blank {
        wire::Blank::Keep => chancery::Blank::Keep,
        wire::Blank::Clear => chancery::Blank::Clear,
        wire::Blank::FillOnly => chancery::Blank::FillOnly,
    }
}

/// Which lists an answer has, also when they are empty.
#[derive(Clone, Copy, Default)]
struct Lists {
    created: bool,
    updated: bool,
    unchanged: bool,
    deleted: bool,
}

/// The answer to a bulk: every item in one list, or, where bad items stopped all, a refusal that names each of them.
fn answer(
    handle: &TableHandle,
    outcome: BulkOutcome,
    lists: Lists,
    preferred: Preferred,
    options: &BulkOptions,
    given: impl Fn(usize) -> Option<Json>,
) -> Result<Reply, Fault> {
    let stops = options.on_error == OnError::Abort;
    if stops && outcome.failures().next().is_some() {
        let bad = outcome
            .failures()
            .map(|(index, issues)| (index, issues.clone()))
            .collect();
        return Err(Error::Bulk(bad).into());
    }
    let table = handle.seen()?;
    let shape = Shape::whole(&table, Display::With);
    let mut created: Vec<(usize, &Record)> = Vec::new();
    let mut updated: Vec<(usize, &Record)> = Vec::new();
    let mut unchanged: Vec<(usize, &Record)> = Vec::new();
    let mut deleted: Vec<&Record> = Vec::new();
    let mut failed: Vec<(usize, &Vec<Issue>)> = Vec::new();
    for (index, item) in outcome.items.iter().enumerate() {
        match item {
            Bulk::Created(record) => created.push((index, record)),
            Bulk::Updated(records) => updated.extend(records.iter().map(|record| (index, record))),
            Bulk::Unchanged(record) => unchanged.push((index, record)),
            Bulk::Deleted(record) => deleted.push(record),
            Bulk::Failed(issues) => failed.push((index, issues)),
            Bulk::Stopped => {}
        }
    }
    let mut out = Vec::with_capacity(256 + created.len().max(updated.len()) * 512);
    out.push(b'{');
    let mut list = |name: &str, wanted: bool, items: &[(usize, &Record)]| {
        if wanted {
            write_json(&mut out, name);
            out.push(b':');
            write_list(&mut out, items, |out, (index, record)| {
                let ignored = outcome.ignored.get(index).map_or(&[][..], Vec::as_slice);
                write_item(out, *index, (record, ignored), &shape, preferred)
            });
            out.push(b',');
        }
    };
    list("created", lists.created, &created);
    list("updated", lists.updated, &updated);
    list("unchanged", lists.unchanged, &unchanged);
    if lists.deleted {
        out.extend_from_slice(b"\"deleted\":");
        write_list(&mut out, &deleted, |out, record| {
            convert::write_key(out, record.key())
        });
        out.push(b',');
    }
    out.extend_from_slice(b"\"errors\":");
    write_list(&mut out, failed, |out, (index, issues)| {
        let errors = faults::issues(issues.iter().cloned());
        write_json(
            out,
            &wire::BulkError {
                index: index as u64,
                record_id: given(index),
                errors,
            },
        );
    });
    if outcome.committed {
        out.extend_from_slice(format!(",\"revision\":{}", outcome.revision).as_bytes());
    }
    out.extend_from_slice(if options.dry_run {
        b",\"dryRun\":true}"
    } else {
        b"}"
    });
    let reply = Reply::bytes(out).revision(Some(outcome.revision));
    Ok(if preferred == Preferred::Minimal {
        reply.preference_applied()
    } else {
        reply
    })
}

fn write_item(
    out: &mut Vec<u8>,
    index: usize,
    (record, ignored): (&Record, &[String]),
    shape: &Shape<'_>,
    preferred: Preferred,
) {
    out.extend_from_slice(format!("{{\"index\":{index}").as_bytes());
    if preferred == Preferred::Representation {
        out.extend_from_slice(b",\"record\":");
        shape.write(out, record, ignored);
    }
    out.push(b'}');
}
