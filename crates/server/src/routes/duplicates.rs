//! Records that mean one thing: found, kept apart, merged into one.

use axum::extract::State;
use chancery::credentials::Fingerprint;
use chancery::model::{Key, Table};
use chancery::{DuplicateGroup, FindState, FindStatus, MergeChoice, MergeOptions, TableHandle};
use chancery_api::duplicates::{
    FindDuplicates, FoundDuplicates, IgnoreDuplicates, IgnoredDuplicates, IgnoredDuplicatesList, Merge,
    MergeChoice as Asked, MergeReport,
};
use chancery_api::limits::GROUP_RECORDS_MAX;
use chancery_api::records::Pagination;
use chancery_api::{ErrorCode, Problem};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{DryRunParams, ListParams, page_of};
use crate::acting::{self, Acting};
use crate::convert::duplicates as convert;
use crate::convert::records::{Display, Shape, bytes, write_json, write_list};
use crate::cursor;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::{Reply, page_limit};
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(merge))
        .routes(routes!(find))
        .routes(routes!(found, forget))
        .routes(routes!(ignore))
        .routes(routes!(ignored))
        .routes(routes!(take_back))
}

/// Merge records into one of them: its columns as chosen, what referred to the others refers to it, and the others go to the
/// trash with `duplicateOf`. One operation, which can be taken back.
#[utoipa::path(post, path = "/api/tables/{table}/duplicates/merge", operation_id = "mergeDuplicates", tag = "Records",
    request_body = Merge, params(("table" = String, Path, description = "The table's id or slug."), DryRunParams),
    responses((status = 200, description = "What it left.", body = MergeReport), Named, WithBody,
        (status = 412, description = "One of them was changed since.", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "Two records that referred to merged ones may not refer to one.",
            body = Problem, content_type = "application/problem+json")))]
async fn merge(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<DryRunParams>,
    Body(merge): Body<Merge>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let table = handle.definition()?;
    let others = merge.record_ids.iter().map(|id| key(&table, id));
    let others = others.collect::<Result<Vec<_>, _>>()?;
    let choices = merge.choices.into_iter().map(|(slug, asked)| {
        let choice = match asked {
            Asked::Keep => MergeChoice::Keep,
            Asked::Concat => MergeChoice::Concat,
            Asked::Union => MergeChoice::Union,
            Asked::From(id) => MergeChoice::From(key(&table, &id)?),
        };
        Ok((slug, choice))
    });
    let versions = merge.versions.iter();
    let versions = versions.map(|(id, version)| Ok((key(&table, id)?, *version)));
    let options = MergeOptions {
        versions: versions.collect::<Result<_, Fault>>()?,
        choices: choices.collect::<Result<_, Fault>>()?,
        dry_run: params.dry_run.unwrap_or(false),
    };
    let trial = options.dry_run;
    let merged = handle.merge(merge.survivor_id.as_str(), &others, options).await?;
    let mut out = b"{\"record\":".to_vec();
    out.extend(bytes(&merged.record, Display::With, &[]));
    let rest = json!({"operationId": merged.operation, "referring": merged.referring}).to_string();
    out.push(b',');
    out.extend_from_slice(&rest.as_bytes()[1..]);
    Ok(Reply::bytes(out).revision((!trial).then_some(merged.revision)))
}

fn key(table: &Table, id: &str) -> Result<Key, Fault> {
    let wrong = || {
        Fault::new(
            ErrorCode::RecordNotFound,
            format!("Record with key \"{id}\" not found."),
        )
    };
    Key::parse(table.key_kind, id).ok_or_else(wrong)
}

/// Look for records that mean one thing. A table that takes longer than the request waits is answered with 202 and the place where the
/// search is found.
#[utoipa::path(post, path = "/api/tables/{table}/duplicates/find", operation_id = "findDuplicates", tag = "Records",
    request_body = FindDuplicates, params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 200, description = "The first groups.", body = FoundDuplicates),
        (status = 202, description = "It goes on; `Location` says where it is found.", body = FoundDuplicates), Named, WithBody))]
async fn find(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Body(asked): Body<FindDuplicates>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let (options, wait) = (convert::options(&asked)?, convert::wait(asked.wait)?);
    let limit = page_limit(asked.limit)?;
    let id = handle.begin_find(options)?;
    let status = handle.wait_for_find(&id, wait).await?;
    if let FindState::Failed(error) = &status.state {
        return Err(Fault::internal(error));
    }
    let reply = page(&app, &handle, &status, (0, limit)).await?;
    match status.state {
        FindState::Running => Ok(reply.accepted(&format!("/api/tables/{table}/duplicates/finds/{id}"))),
        _ => Ok(reply),
    }
}

/// A search for duplicates: how it stands, and once it is done a page of its groups with records as they are now.
#[utoipa::path(get, path = "/api/tables/{table}/duplicates/finds/{find}", operation_id = "getFind", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("find" = String, Path, description = "The id of the search."), ListParams),
    responses((status = 200, description = "It, with a page of groups.", body = FoundDuplicates), Named))]
async fn found(
    State(app): State<App>,
    Acting(store): Acting,
    Segments((table, find)): Segments<(String, String)>,
    Params(params): Params<ListParams>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let status = handle.find_status(&find)?;
    let limit = page_limit(params.limit)?;
    let from = match &params.cursor {
        None => 0,
        Some(text) => {
            let place = cursor::open(&app.signer, &place_name(&status.id), text)?;
            let place = <[u8; 8]>::try_from(&*place)
                .map_err(|_| Fault::new(ErrorCode::InvalidCursor, "The cursor belongs to something else."))?;
            u64::from_be_bytes(place) as usize
        }
    };
    page(&app, &handle, &status, (from, limit)).await
}

/// Call a search off, or forget what it found.
#[utoipa::path(delete, path = "/api/tables/{table}/duplicates/finds/{find}", operation_id = "cancelFind", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("find" = String, Path, description = "The id of the search.")),
    responses((status = 204, description = "It stops."), Named))]
async fn forget(
    Acting(store): Acting,
    Segments((table, find)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    acting::table(&store, &table).await?.cancel_find(&find)?;
    Ok(Reply::nothing())
}

/// Remember that records are different things, so that no search finds them as duplicates again.
#[utoipa::path(post, path = "/api/tables/{table}/duplicates/ignore", operation_id = "ignoreDuplicates", tag = "Records",
    request_body = IgnoreDuplicates, params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 201, description = "It is remembered.", body = IgnoredDuplicates), Named, WithBody))]
async fn ignore(
    Acting(store): Acting,
    Segments(name): Segments<String>,
    Body(asked): Body<IgnoreDuplicates>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &name).await?;
    let table = handle.definition()?;
    let keys = asked.record_ids.iter().map(|id| key(&table, id));
    let said = handle.keep_apart(&keys.collect::<Result<Vec<_>, _>>()?).await?;
    let location = format!("/api/tables/{name}/duplicates/ignored/{}", said.id);
    Ok(Reply::json(&convert::ignored(said))?.created(&location))
}

/// What was said about records that are no duplicates, oldest first.
#[utoipa::path(get, path = "/api/tables/{table}/duplicates/ignored", operation_id = "listIgnoredDuplicates", tag = "Records",
    params(("table" = String, Path, description = "The table's id or slug."), ListParams),
    responses((status = 200, description = "A page of it.", body = IgnoredDuplicatesList), Named))]
async fn ignored(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<ListParams>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let all = handle.kept_apart().await?;
    let (page, pagination) = page_of(&app, "ignoredDuplicates", all, &params, |said| &said.id)?;
    Reply::json(&IgnoredDuplicatesList {
        ignored: page.into_iter().map(convert::ignored).collect(),
        pagination,
    })
}

/// Take it back: the records may be found as duplicates again.
#[utoipa::path(delete, path = "/api/tables/{table}/duplicates/ignored/{ignored}", operation_id = "unignoreDuplicates",
    tag = "Records", params(("table" = String, Path, description = "The table's id or slug."),
        ("ignored" = String, Path, description = "The id of what was said.")),
    responses((status = 204, description = "It is taken back."), Named))]
async fn take_back(
    Acting(store): Acting,
    Segments((table, ignored)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    acting::table(&store, &table)
        .await?
        .allow_together(&ignored)
        .await?;
    Ok(Reply::nothing())
}

/// A page of groups, with records as they are now.
async fn page(
    app: &App,
    handle: &TableHandle,
    status: &FindStatus,
    (from, limit): (usize, u32),
) -> Result<Reply, Fault> {
    let table = handle.definition()?;
    let shape = Shape::whole(&table, Display::With);
    let groups: &[DuplicateGroup] = match &status.state {
        FindState::Done(found) => &found.groups,
        _ => &[],
    };
    let from = from.min(groups.len());
    let to = groups.len().min(from + limit as usize);
    let mut shown = Vec::new();
    for group in &groups[from..to] {
        let now = handle
            .duplicates_now(group, &status.options, GROUP_RECORDS_MAX)
            .await?;
        shown.extend(now.map(|now| (group, now.records, convert::pairs(now.pairs))));
    }
    let next = (to < groups.len())
        .then(|| cursor::seal(&app.signer, &place_name(&status.id), &(to as u64).to_be_bytes()));
    let mut out = b"{\"groups\":".to_vec();
    write_list(&mut out, &shown, |out, (group, records, pairs)| {
        out.extend_from_slice(b"{\"score\":");
        write_json(out, &group.score);
        out.extend_from_slice(b",\"size\":");
        write_json(out, &group.keys.len());
        out.extend_from_slice(b",\"records\":");
        write_list(out, records, |out, record| shape.write(out, record, &[]));
        out.extend_from_slice(b",\"pairs\":");
        write_json(out, pairs);
        out.push(b'}');
    });
    out.extend_from_slice(b",\"find\":");
    write_json(&mut out, &convert::find(status));
    out.extend_from_slice(b",\"pagination\":");
    let pagination = Pagination {
        total: Some(groups.len() as u64),
        has_more: next.is_some(),
        offset: None,
        limit,
        next_cursor: next,
        previous_cursor: None,
    };
    write_json(&mut out, &pagination);
    out.push(b'}');
    Ok(Reply::bytes(out))
}

fn place_name(find: &str) -> Fingerprint {
    Fingerprint::of_parts(&[b"duplicates", find.as_bytes()])
}
