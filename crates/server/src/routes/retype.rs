//! Another field type for a column: which it can have, what would become of its values, and the job that does it.

use chancery::JobOptions;
use chancery_api::ErrorCode;
use chancery_api::retype::{ColumnTypeChange, ColumnTypeChoices, ColumnTypePlan};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::convert::{jobs, retype as convert};
use crate::extract::{Body, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(choices, change))
}

/// The field types that a column can have, and how far its last change of type is.
#[utoipa::path(get, path = "/api/tables/{table}/columns/{column}/change-type", operation_id = "listColumnTypes", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "The types, each with why not, if it cannot have it.", body = ColumnTypeChoices), Named))]
async fn choices(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let column = handle.column(&name)?;
    let id = handle.definition()?.id.clone();
    let known = store.type_changes().await?;
    let about = |job: &&chancery::JobStatus| {
        let says = |name: &str, value: &str| job.params.get(name).and_then(|own| own.as_str()) == Some(value);
        says("tableId", &id) && says("column", &column.slug)
    };
    Reply::json(&ColumnTypeChoices {
        field_type: column.field_type.clone(),
        types: handle
            .type_choices(&column.slug)?
            .into_iter()
            .map(convert::choice)
            .collect(),
        job: known.iter().find(about).and_then(jobs::job),
    })
}

/// Give a column another field type, with all its values, those in the trash and in the history included, or tell what would become of them. It is
/// done in the background while everybody reads and writes; changed back, whatever nobody touched since is as it was.
#[utoipa::path(post, path = "/api/tables/{table}/columns/{column}/change-type", operation_id = "changeColumnType", tag = "Columns",
    request_body = ColumnTypeChange,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "What would become of the values: a dry run.", body = ColumnTypePlan),
        (status = 202, description = "It has begun; `job` says how far it is, and so does GET.", body = ColumnTypePlan), Named, WithBody))]
async fn change(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
    Body(body): Body<ColumnTypeChange>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let dry_run = body.dry_run;
    let change = convert::asked(body).map_err(|locale| {
        let detail = format!("No locale \"{locale}\"; write it like de-DE or en-US.");
        Fault::new(ErrorCode::ValidationFailed, detail)
    })?;
    let plan = handle.plan_type_change(&name, &change).await?;
    if dry_run {
        return Reply::json(&convert::plan(plan, None));
    }
    let job = handle.begin_type_change(&plan, JobOptions::default()).await?;
    let status = job.status().await?;
    let at = format!(
        "/api/tables/{}/columns/{}/change-type",
        handle.definition()?.id,
        plan.column.slug
    );
    Ok(Reply::json(&convert::plan(plan, Some(&status)))?.accepted(&at))
}
