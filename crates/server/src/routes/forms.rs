//! Forms of a table: kept by those who write it, filled in by strangers.

use axum::Extension;
use axum::extract::State;
use chancery::{FormPatch, Table};
use chancery_api::ErrorCode;
use chancery_api::forms::{
    Form, FormCreate, FormField, FormList, FormSubmit, FormThanks, FormUpdate, PublicField, PublicForm,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ListParams, page_of};
use crate::acting::{self, Acting};
use crate::caller::Address;
use crate::convert::{columns as convert, time};
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::idempotency::Once;
use crate::openapi::refusals::{Named, Strange, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(show, submit))
}

/// The forms of a table, by name.
#[utoipa::path(get, path = "/api/tables/{table}/forms", operation_id = "listForms", tag = "Forms",
    params(("table" = String, Path, description = "The table's id or slug."), ListParams),
    responses((status = 200, description = "A page of forms.", body = FormList), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Params(params): Params<ListParams>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let table = handle.definition()?;
    let what = format!("forms {}", table.id);
    let (page, pagination) = page_of(&app, &what, handle.forms().await?, &params, |form| &form.id)?;
    let forms = page.into_iter().map(|form| form_out(&table, form)).collect();
    Reply::json(&FormList { forms, pagination })
}

/// Make a form. Strangers find it at its `path` once the table's setting `enableForm` is on.
#[utoipa::path(post, path = "/api/tables/{table}/forms", operation_id = "createForm", tag = "Forms", request_body = FormCreate,
    params(("table" = String, Path, description = "The table's id or slug.")),
    responses((status = 201, description = "Made.", body = Form), Named, WithBody))]
async fn create(
    Acting(store): Acting,
    Segments(table): Segments<String>,
    Body(input): Body<FormCreate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let rest = FormPatch {
        name: None,
        description: input.description,
        thanks: input.thanks,
        open: input.open,
        fields: Some(input.fields.into_iter().map(field_in).collect()),
    };
    let form = handle.create_form(&input.name, rest).await?;
    let location = format!("/api/tables/{table}/forms/{}", form.id);
    Ok(Reply::json(&form_out(&*handle.definition()?, form))?.created(&location))
}

/// One form.
#[utoipa::path(get, path = "/api/tables/{table}/forms/{form}", operation_id = "getForm", tag = "Forms",
    params(("table" = String, Path, description = "The table's id or slug."), ("form" = String, Path, description = "The form's id.")),
    responses((status = 200, description = "The form.", body = Form), Named))]
async fn get(
    Acting(store): Acting,
    Segments((table, form)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let form = handle.form(&form).await?;
    Reply::json(&form_out(&*handle.definition()?, form))
}

/// Change a form.
#[utoipa::path(patch, path = "/api/tables/{table}/forms/{form}", operation_id = "updateForm", tag = "Forms", request_body = FormUpdate,
    params(("table" = String, Path, description = "The table's id or slug."), ("form" = String, Path, description = "The form's id.")),
    responses((status = 200, description = "Changed.", body = Form), Named, WithBody))]
async fn update(
    Acting(store): Acting,
    Segments((table, form)): Segments<(String, String)>,
    Body(input): Body<FormUpdate>,
) -> Result<Reply, Fault> {
    let handle = acting::table(&store, &table).await?;
    let patch = FormPatch {
        name: input.name,
        description: input.description,
        thanks: input.thanks,
        open: input.open,
        fields: input
            .fields
            .map(|fields| fields.into_iter().map(field_in).collect()),
    };
    let form = handle.update_form(&form, patch).await?;
    Reply::json(&form_out(&*handle.definition()?, form))
}

/// Forget a form.
#[utoipa::path(delete, path = "/api/tables/{table}/forms/{form}", operation_id = "deleteForm", tag = "Forms",
    params(("table" = String, Path, description = "The table's id or slug."), ("form" = String, Path, description = "The form's id.")),
    responses((status = 204, description = "Forgotten."), Named))]
async fn delete(
    Acting(store): Acting,
    Segments((table, form)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    acting::table(&store, &table).await?.delete_form(&form).await?;
    Ok(Reply::nothing())
}

/// What a form asks for. For strangers.
#[utoipa::path(get, path = "/api/forms/{table}/{form}", operation_id = "showForm", tag = "Forms", security(()),
    params(("table" = String, Path, description = "The table's id."), ("form" = String, Path, description = "The form's id.")),
    responses((status = 200, description = "What to fill in.", body = PublicForm), Strange,
        (status = 404, description = "There is none, or it is closed.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn show(
    State(app): State<App>,
    Segments((table, form)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    let (handle, form) = app.store.public_form(&table, &form).await?;
    let table = handle.definition()?;
    let fields = form.columns(&table).map(|(field, column)| {
        let shown = convert::column(column);
        let mut validation = shown.validation;
        validation.required |= field.required;
        PublicField {
            column: shown.slug,
            label: field.label.clone().unwrap_or(shown.name),
            help: field.help.clone(),
            field_type: shown.field_type,
            config: shown.config,
            validation,
            options: shown.options,
        }
    });
    Reply::json(&PublicForm {
        fields: fields.collect(),
        name: form.name.clone(),
        description: form.description.clone(),
    })
}

/// Send what was filled in. For strangers, some times a minute from one address.
#[utoipa::path(post, path = "/api/forms/{table}/{form}", operation_id = "submitForm", tag = "Forms", security(()), request_body = FormSubmit,
    params(("table" = String, Path, description = "The table's id."), ("form" = String, Path, description = "The form's id.")),
    responses((status = 200, description = "It came in.", body = FormThanks), Strange, WithBody,
        (status = 404, description = "There is none, or it is closed.", body = chancery_api::Problem, content_type = "application/problem+json"),
        (status = 409, description = "Another record has the value.", body = chancery_api::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many from this address.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn submit(
    State(app): State<App>,
    Address(address): Address,
    Segments((table, form)): Segments<(String, String)>,
    once: Option<Extension<Once>>,
    Body(input): Body<FormSubmit>,
) -> Result<Reply, Fault> {
    let store = once.map_or_else(|| app.store.clone(), |Extension(once)| once.bind(&app.store));
    let (handle, form) = store.public_form(&table, &form).await?;
    if let Err(seconds) = app.submits.take(address) {
        let detail = "Too many forms came from this address.";
        return Err(Fault::new(ErrorCode::TooManyRequests, detail).retry_after(seconds));
    }
    handle.submit(&form, &input.data).await?;
    let thanks = form.thanks.clone();
    Reply::json(&FormThanks { thanks })
}

fn field_in(field: FormField) -> chancery::FormField {
    chancery::FormField {
        column: field.column,
        label: field.label,
        help: field.help,
        required: field.required,
    }
}

fn form_out(table: &Table, form: chancery::Form) -> Form {
    let field = |field: chancery::FormField| FormField {
        column: field.column,
        label: field.label,
        help: field.help,
        required: field.required,
    };
    Form {
        path: format!("/f/{}/{}", table.id, form.id),
        id: form.id,
        name: form.name,
        description: form.description,
        thanks: form.thanks,
        open: form.open,
        fields: form.fields.into_iter().map(field).collect(),
        created_by: form.created_by,
        created_at: time(form.created_at),
        updated_at: time(form.updated_at),
    }
}
