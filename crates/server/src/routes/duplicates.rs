//! Records that mean one thing, merged into one.

use chancery::model::{Key, Table};
use chancery::{MergeChoice, MergeOptions};
use chancery_api::ErrorCode;
use chancery_api::duplicates::{Merge, MergeChoice as Asked, MergeReport};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::DryRunParams;
use crate::acting::{self, Acting};
use crate::convert::records::{Display, bytes};
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(merge))
}

/// Merge records into one of them: its columns as chosen, what referred to the others refers to it, and the others go to the
/// trash with `duplicateOf`. One operation, which can be taken back.
#[utoipa::path(post, path = "/api/tables/{table}/duplicates/merge", operation_id = "mergeDuplicates", tag = "Records",
    request_body = Merge, params(("table" = String, Path, description = "The table's id or slug."), DryRunParams),
    responses((status = 200, description = "What it left.", body = MergeReport), Named, WithBody,
        (status = 409, description = "Two records that referred to merged ones may not refer to one.",
            body = chancery_api::Problem, content_type = "application/problem+json")))]
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
    let options = MergeOptions {
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
