//! The options of select columns.

use chancery::OptionPatch;
use chancery_api::ErrorCode;
use chancery_api::columns::{
    OptionCreate, OptionList, OptionMerge, OptionMerged, OptionReorder, OptionUpdate, SelectOption,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::convert::columns as convert;
use crate::extract::{Body, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(reorder))
        .routes(routes!(update, delete))
        .routes(routes!(merge))
}

/// The options of a select column, in order.
#[utoipa::path(get, path = "/api/tables/{table}/columns/{column}/options", operation_id = "listOptions", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "All options.", body = OptionList), Named))]
async fn list(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    listed(&acting::table(&store, &table).await?.column(&name)?)
}

fn listed(column: &chancery::Column) -> Result<Reply, Fault> {
    let mut options: Vec<_> = column.live_options().map(convert::option).collect();
    options.sort_by_key(|option| option.order_index);
    Reply::json(&OptionList { options })
}

/// Add an option.
#[utoipa::path(post, path = "/api/tables/{table}/columns/{column}/options", operation_id = "createOption", tag = "Columns",
    request_body = OptionCreate,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 201, description = "Added.", body = SelectOption), Named, WithBody))]
async fn create(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
    Body(create): Body<OptionCreate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let option = handle.add_option(&name, convert::option_input(create)).await?;
    let location = format!("/api/tables/{}/columns/{name}/options", handle.definition()?.id);
    Ok(Reply::json(&convert::option(&option))?.created(&location))
}

/// Change an option; records hold its id and show the new name at once.
#[utoipa::path(patch, path = "/api/tables/{table}/columns/{column}/options/{option}", operation_id = "updateOption",
    tag = "Columns", request_body = OptionUpdate,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug."),
        ("option" = String, Path, description = "The option's id.")),
    responses((status = 200, description = "The option as it is now.", body = SelectOption), Named, WithBody))]
async fn update(
    Acting(store): Acting,
    Segments((table, column, option)): Segments<(String, String, String)>,
    Body(update): Body<OptionUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let patch = OptionPatch {
        name: update.name,
        color: update.color,
        icon: update.icon,
        order_index: None,
    };
    Reply::json(&convert::option(
        &handle.update_option(&column, &option, patch).await?,
    ))
}

/// Delete an option: records that hold it keep it, new ones cannot take it.
#[utoipa::path(delete, path = "/api/tables/{table}/columns/{column}/options/{option}", operation_id = "deleteOption",
    tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug."),
        ("option" = String, Path, description = "The option's id.")),
    responses((status = 204, description = "It is gone."), Named))]
async fn delete(
    Acting(store): Acting,
    Segments((table, column, option)): Segments<(String, String, String)>,
) -> Result<Reply, Fault> {
    acting::table(&store, &table)
        .await?
        .delete_option(&column, &option)
        .await?;
    Ok(Reply::nothing())
}

/// Merge an option into another: every record that holds it, in the trash too, holds the other one, and so do the default and the filters of
/// views; the option is deleted. It is one operation, and taking that back brings the option back.
#[utoipa::path(post, path = "/api/tables/{table}/columns/{column}/options/{option}/merge", operation_id = "mergeOption",
    tag = "Columns", request_body = OptionMerge,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug."),
        ("option" = String, Path, description = "The id of the option that goes.")),
    responses((status = 200, description = "What was done, or would be.", body = OptionMerged), Named, WithBody))]
async fn merge(
    Acting(store): Acting,
    Segments((table, column, option)): Segments<(String, String, String)>,
    Body(body): Body<OptionMerge>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let merged = handle
        .merge_option(&column, &option, &body.into, body.dry_run)
        .await?;
    Reply::json(&OptionMerged {
        option: convert::option(&merged.option),
        records: merged.records,
        views: merged.views,
        operation_id: merged.operation.map(|operation| operation.to_string()),
    })
}

/// Put the options into another order; all of them have to be named.
#[utoipa::path(post, path = "/api/tables/{table}/columns/{column}/options/reorder", operation_id = "reorderOptions",
    tag = "Columns", request_body = OptionReorder,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "All options in their new order.", body = OptionList), Named, WithBody))]
async fn reorder(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
    Body(order): Body<OptionReorder>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let column = handle.column(&name)?;
    let mut had: Vec<&str> = column.live_options().map(|option| option.id.as_str()).collect();
    let mut named: Vec<&str> = order.options.iter().map(String::as_str).collect();
    had.sort_unstable();
    named.sort_unstable();
    if had != named {
        let detail = "options has to name every option of the column once, by id.";
        return Err(Fault::new(ErrorCode::InvalidDefinition, detail).hint("GET the options for their ids."));
    }
    for (index, option) in order.options.iter().enumerate() {
        let patch = OptionPatch {
            order_index: Some(index as i64),
            ..OptionPatch::default()
        };
        handle.update_option(&name, option, patch).await?;
    }
    listed(&handle.column(&name)?)
}
