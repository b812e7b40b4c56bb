//! Columns: the slots of a table. The options of select columns are in [`super::options`].

use chancery::access::Scope;
use chancery::model::admit::check_constraints;
use chancery::model::{Code, Issue, Json, Value};
use chancery_api::columns::{
    Column, ColumnCreate, ColumnList, ColumnReorder, ColumnUpdate, ColumnValidate, ColumnVerdict,
    DistinctValue, DistinctValues,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::query::search_text;
use crate::acting::{self, Acting};
use crate::caller::{Caller, short_of};
use crate::convert::{columns as convert, faults, queries};
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::{Reply, page_limit};
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(reorder))
        .routes(routes!(restore))
        .routes(routes!(get, update, delete))
        .routes(routes!(distinct))
        .routes(routes!(validate))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct ColumnsParams {
    /// Those that were deleted instead, the last one first: for who may change the table.
    deleted: Option<bool>,
}

/// The columns of a table, in order.
#[utoipa::path(get, path = "/api/tables/{table}/columns", operation_id = "listColumns", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."), ColumnsParams),
    responses((status = 200, description = "All columns.", body = ColumnList), Named))]
async fn list(
    caller: Caller,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<ColumnsParams>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let table = handle.seen()?;
    if !params.deleted.unwrap_or(false) {
        return Reply::json(&ColumnList {
            columns: convert::all(&table),
        });
    }
    let has = caller.scope_in(handle.store().scope_in(&table));
    if has < Scope::Write {
        return Err(short_of(Scope::Write, has));
    }
    Reply::json(&ColumnList {
        columns: handle.deleted_columns()?.iter().map(convert::column).collect(),
    })
}

/// Add a column; existing records have nothing in it.
#[utoipa::path(post, path = "/api/tables/{table}/columns", operation_id = "createColumn", tag = "Columns",
    request_body = ColumnCreate, params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 201, description = "Added.", body = Column), Named, WithBody))]
async fn create(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Body(create): Body<ColumnCreate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let column = handle.add_column(convert::input(create)?).await?;
    let location = format!("/api/tables/{}/columns/{}", handle.definition()?.id, column.slug);
    Ok(Reply::json(&convert::column(&column))?.created(&location))
}

/// One column.
#[utoipa::path(get, path = "/api/tables/{table}/columns/{column}", operation_id = "getColumn", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "The column.", body = Column), Named))]
async fn get(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    Reply::json(&convert::column(
        &acting::table(&store, &table).await?.column(&name)?,
    ))
}

/// Change a column; what existing records would break is refused.
#[utoipa::path(patch, path = "/api/tables/{table}/columns/{column}", operation_id = "updateColumn", tag = "Columns",
    request_body = ColumnUpdate,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "The column as it is now.", body = Column), Named, WithBody))]
async fn update(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
    Body(update): Body<ColumnUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let patch = convert::patch(update, &handle.column(&name)?)?;
    Reply::json(&convert::column(&handle.update_column(&name, patch).await?))
}

/// Delete a column; its values are no longer seen, and come back with it.
#[utoipa::path(delete, path = "/api/tables/{table}/columns/{column}", operation_id = "deleteColumn", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 204, description = "It is gone."), Named,
        (status = 422, description = "The key column stays.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn delete(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    acting::table(&store, &table).await?.delete_column(&name).await?;
    Ok(Reply::nothing())
}

/// Bring a deleted column back, with its values. What records do not satisfy any more of `required` and `unique` is let go.
#[utoipa::path(post, path = "/api/tables/{table}/columns/{column}/restore", operation_id = "restoreColumn", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id, or its slug: then the last one deleted.")),
    responses((status = 200, description = "The column as it is now.", body = Column), Named,
        (status = 422, description = "Another column has its slug by now, or it refers to what is not there.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn restore(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    let column = acting::table(&store, &table).await?.restore_column(&name).await?;
    Reply::json(&convert::column(&column))
}

/// Put the columns into another order; those not named follow in their old order.
#[utoipa::path(post, path = "/api/tables/{table}/columns/reorder", operation_id = "reorderColumns", tag = "Columns",
    request_body = ColumnReorder, params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 200, description = "All columns in their new order.", body = ColumnList), Named, WithBody))]
async fn reorder(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Body(order): Body<ColumnReorder>,
) -> Result<Reply, Fault> {
    let table = acting::table(&store, &table)
        .await?
        .reorder_columns(&order.columns)
        .await?;
    Reply::json(&ColumnList {
        columns: convert::all(&table),
    })
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct DistinctParams {
    /// How many values; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Words that the records must hold.
    search: Option<String>,
    /// Whether words that are merely alike count, as in a query.
    fuzzy: Option<bool>,
}

/// The different values of a column, with how many records hold each.
#[utoipa::path(get, path = "/api/tables/{table}/columns/{column}/distinct", operation_id = "distinctValues", tag = "Columns",
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's slug, or a system column."), DistinctParams),
    responses((status = 200, description = "The values, in their order.", body = DistinctValues), Named,
        (status = 422, description = "The question does not fit the table.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn distinct(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
    Params(params): Params<DistinctParams>,
) -> Result<Reply, Fault> {
    let limit = page_limit(params.limit)? as usize;
    let handle = acting::table(&store, &table).await?;
    let table = handle.seen()?;
    if table.field(&name).is_none() {
        handle.column(&name)?;
    }
    let column = handle.column(&name).ok();
    let slug = column.as_ref().map_or(name, |column| column.slug.clone());
    let search = search_text(params.search, params.fuzzy)?;
    let query = queries::question(None, &[], search.as_ref())?;
    let mut values = handle.distinct(&slug, &query).await?;
    let has_more = values.len() > limit;
    values.truncate(limit);
    let display = |json: &Json| {
        let column = column.as_ref()?;
        let value = column
            .kind()
            .parse(json, column)
            .ok()
            .filter(|_| !json.is_null())?;
        column.kind().display(&value, column)
    };
    let values = values.into_iter().map(|(value, count)| DistinctValue {
        display: display(&value),
        value,
        count,
    });
    Reply::json(&DistinctValues {
        values: values.collect(),
        has_more,
    })
}

/// Try a value against a column; nothing is written.
#[utoipa::path(post, path = "/api/tables/{table}/columns/{column}/validate", operation_id = "validateValue", tag = "Columns",
    request_body = ColumnValidate,
    params(("table" = String, Path, description = "The table's id or slug."),
        ("column" = String, Path, description = "The column's id or slug.")),
    responses((status = 200, description = "What the column says.", body = ColumnVerdict), Named, WithBody))]
async fn validate(
    Acting(store): Acting,
    Segments((table, name)): Segments<(String, String)>,
    Body(body): Body<ColumnValidate>,
) -> Result<Reply, Fault> {
    let column = acting::table(&store, &table).await?.column(&name)?;
    let mut issues: Vec<Issue> = Vec::new();
    let mut value = Value::Null;
    if !column.writable() {
        issues.push(Issue::new(&column.slug, Code::ReadOnly, "Field is read-only"));
    } else if body.value.is_null() {
        if column.constraints.required {
            issues.push(Issue::new(&column.slug, Code::Required, "Field is required"));
        }
    } else {
        match column.kind().parse(&body.value, &column) {
            Ok(parsed) => {
                check_constraints(&column, &parsed, &mut issues);
                value = parsed;
            }
            Err(issue) => issues.push(issue),
        }
    }
    let valid = issues.is_empty();
    let shown = valid && !value.is_null();
    Reply::json(&ColumnVerdict {
        valid,
        errors: faults::issues(issues),
        value: shown.then(|| column.field().to_json(&value, &column)),
        display: if shown {
            column.field().display(&value, &column)
        } else {
            None
        },
    })
}
