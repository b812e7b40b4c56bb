//! Field types: what a column may hold, for editors and clients.

use chancery::model::field::FIELD_TYPES;
use chancery_api::ErrorCode;
use chancery_api::fields::{FieldType, FieldTypeList};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::convert::fields as convert;
use crate::extract::Segments;
use crate::fault::{Fault, did_you_mean};
use crate::openapi::refusals::{Common, Named};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(config_schema))
}

/// All field types.
#[utoipa::path(get, path = "/api/field-types", operation_id = "listFieldTypes", tag = "Field types",
    responses((status = 200, description = "All of them.", body = FieldTypeList), Common))]
async fn list() -> Result<Reply, Fault> {
    Reply::json(&FieldTypeList {
        field_types: FIELD_TYPES
            .iter()
            .map(|kind| convert::field_type(*kind))
            .collect(),
    })
}

/// One field type.
#[utoipa::path(get, path = "/api/field-types/{type}", operation_id = "getFieldType", tag = "Field types",
    params(("type" = String, Path, description = "Its id, such as `text`.")),
    responses((status = 200, description = "The field type.", body = FieldType), Named))]
async fn get(Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&convert::field_type(find(&id)?))
}

/// The JSON Schema of a column's `config`.
#[utoipa::path(get, path = "/api/field-types/{type}/config-schema", operation_id = "getConfigSchema", tag = "Field types",
    params(("type" = String, Path, description = "Its id, such as `text`.")),
    responses((status = 200, description = "A JSON Schema.", body = Object), Named))]
async fn config_schema(Segments(id): Segments<String>) -> Result<Reply, Fault> {
    Reply::json(&find(&id)?.config_schema())
}

fn find(id: &str) -> Result<&'static dyn chancery::model::FieldType, Fault> {
    chancery::model::field_type(id).ok_or_else(|| {
        let hint = did_you_mean(id, FIELD_TYPES.iter().map(|kind| kind.id()));
        Fault::new(
            ErrorCode::FieldTypeNotFound,
            format!("There is no field type \"{id}\"."),
        )
        .maybe_hint(hint)
    })
}
