//! Columns and options both ways.

use chancery::model::column::{Constraints, SelectOption};
use chancery::model::encryption::{Encryption, Mask};
use chancery::model::issue::unknown_name;
use chancery::model::{Code, Issue, Json};
use chancery::{
    Column, ColumnInput, ColumnPatch, DefaultFunction, DefaultValue, Error, Format, Generated, OnDelete,
    OptionInput, Table,
};
use chancery_api::columns as wire;
use serde::de::DeserializeOwned;

use super::{maybe_text, maybe_time};

/// The live columns of a table, in order.
pub(crate) fn all(table: &Table) -> Vec<wire::Column> {
    table.ordered().into_iter().map(column).collect()
}

/// One column.
pub fn column(column: &Column) -> wire::Column {
    wire::Column {
        id: column.id.clone(),
        name: column.name.clone(),
        slug: column.slug.clone(),
        description: maybe_text(&column.description),
        field_type: column.field_type.clone(),
        config: column.config.clone(),
        validation: validation(&column.constraints),
        default_value: column.default.as_ref().map(default_out),
        generated: column.constraints.generated.map(|generated| name_of(&generated)),
        options: column.live_options().map(option).collect(),
        indexed: column.indexed,
        order_index: u32::try_from(column.order_index).unwrap_or(0),
        width: column.width,
        is_visible: !column.hidden,
        is_primary: column.primary,
        is_read_only: !column.writable(),
        encrypted: column.encrypted.as_ref().map(encryption),
        deleted_at: maybe_time(column.deleted_at),
    }
}

/// A column as an export has it: everything that makes the same column again.
pub fn export(column: &Column) -> wire::ColumnCreate {
    let options: Vec<_> = column.live_options().map(option_create).collect();
    wire::ColumnCreate {
        name: column.name.clone(),
        slug: Some(column.slug.clone()),
        description: maybe_text(&column.description),
        field_type: column.field_type.clone(),
        config: Some(column.config.clone()),
        validation: Some(validation(&column.constraints)),
        default_value: column.default.as_ref().map(default_out),
        generated: column.constraints.generated.map(|generated| name_of(&generated)),
        options: (!options.is_empty()).then_some(options),
        indexed: Some(column.indexed),
        order_index: u32::try_from(column.order_index).ok(),
        width: column.width,
        is_visible: Some(!column.hidden),
        is_primary: Some(column.primary),
        is_read_only: Some(column.read_only),
        encrypted: column.encrypted.as_ref().map(encryption),
    }
}

/// A new column as it was asked for.
pub(crate) fn create(input: &ColumnInput) -> wire::ColumnCreate {
    let option = |option: &OptionInput| wire::OptionCreate {
        id: option.id.clone(),
        name: option.name.clone(),
        color: option.color.clone(),
        icon: option.icon.clone(),
    };
    let options: Vec<_> = input.options.iter().map(option).collect();
    wire::ColumnCreate {
        name: input.name.clone(),
        slug: input.slug.clone(),
        description: maybe_text(&input.description),
        field_type: input.field_type.clone(),
        config: Some(input.config.clone()),
        validation: Some(validation(&input.constraints)),
        default_value: input.default.as_ref().map(default_out),
        generated: input.constraints.generated.map(|generated| name_of(&generated)),
        options: (!options.is_empty()).then_some(options),
        indexed: Some(input.indexed),
        order_index: input.order_index.and_then(|index| u32::try_from(index).ok()),
        width: input.width,
        is_visible: Some(!input.hidden),
        is_primary: Some(input.primary),
        is_read_only: Some(input.read_only),
        encrypted: input.encrypted.as_ref().map(encryption),
    }
}

fn encryption(encryption: &Encryption) -> wire::ColumnEncryption {
    wire::ColumnEncryption {
        mask: match encryption.mask {
            Mask::Full => wire::ColumnMask::Full,
            Mask::Last4 => wire::ColumnMask::Last4,
            Mask::Email => wire::ColumnMask::Email,
        },
        indexed: encryption.indexed,
    }
}

pub(super) fn mask_of(mask: wire::ColumnMask) -> Mask {
    match mask {
        wire::ColumnMask::Full => Mask::Full,
        wire::ColumnMask::Last4 => Mask::Last4,
        wire::ColumnMask::Email => Mask::Email,
    }
}

fn encryption_in(encryption: wire::ColumnEncryption) -> Encryption {
    Encryption {
        mask: mask_of(encryption.mask),
        indexed: encryption.indexed,
        ..Encryption::default()
    }
}

fn validation(constraints: &Constraints) -> wire::Validation {
    let nested = constraints
        .nested
        .as_ref()
        .and_then(|rule| serde_json::to_value(rule).ok());
    wire::Validation {
        required: constraints.required,
        unique: constraints.unique,
        custom_error_message: constraints.custom_error_message.clone(),
        min: constraints.min.clone(),
        max: constraints.max.clone(),
        min_length: constraints.min_length,
        max_length: constraints.max_length,
        pattern: constraints.pattern.clone(),
        allowed: (!constraints.allowed.is_empty()).then(|| constraints.allowed.clone()),
        format: constraints.format.map(|format| format.as_str().to_owned()),
        nested,
        reference: constraints.reference.clone(),
        on_delete: constraints
            .on_delete
            .map(|on_delete| on_delete.as_str().to_owned()),
    }
}

pub(crate) fn option(option: &SelectOption) -> wire::SelectOption {
    wire::SelectOption {
        id: option.id.clone(),
        name: option.name.clone(),
        color: option.color.clone(),
        icon: option.icon.clone(),
        order_index: u32::try_from(option.order_index).unwrap_or(0),
    }
}

fn option_create(option: &SelectOption) -> wire::OptionCreate {
    wire::OptionCreate {
        id: Some(option.id.clone()),
        name: option.name.clone(),
        color: option.color.clone(),
        icon: option.icon.clone(),
    }
}

pub(crate) fn option_input(option: wire::OptionCreate) -> OptionInput {
    OptionInput {
        id: option.id,
        name: option.name,
        color: option.color,
        icon: option.icon,
    }
}

/// New columns; every mistake of all of them at once.
pub fn inputs(columns: Vec<wire::ColumnCreate>) -> Result<Vec<ColumnInput>, Error> {
    let mut issues = Vec::new();
    let mut inputs = Vec::with_capacity(columns.len());
    for (index, column) in columns.into_iter().enumerate() {
        match input(column) {
            Ok(input) => inputs.push(input),
            Err(Error::Definition(found)) => issues.extend(found.into_iter().map(|mut issue| {
                issue.field = format!("columns[{index}].{}", issue.field);
                issue
            })),
            Err(other) => return Err(other),
        }
    }
    if issues.is_empty() {
        Ok(inputs)
    } else {
        Err(Error::Definition(issues))
    }
}

/// A new column.
pub fn input(create: wire::ColumnCreate) -> Result<ColumnInput, Error> {
    let mut constraints = create
        .validation
        .map(constraints)
        .transpose()?
        .unwrap_or_default();
    constraints.generated = create
        .generated
        .as_deref()
        .map(|name| named("generated", name, &GENERATED))
        .transpose()?;
    Ok(ColumnInput {
        name: create.name,
        slug: create.slug,
        description: create.description.unwrap_or_default(),
        field_type: create.field_type,
        config: create.config.unwrap_or_default(),
        constraints,
        default: create.default_value.map(default_in).transpose()?.flatten(),
        options: create
            .options
            .unwrap_or_default()
            .into_iter()
            .map(option_input)
            .collect(),
        indexed: create.indexed.unwrap_or(false),
        order_index: create.order_index.map(i64::from),
        width: create.width,
        hidden: !create.is_visible.unwrap_or(true),
        primary: create.is_primary.unwrap_or(false),
        read_only: create.is_read_only.unwrap_or(false),
        encrypted: create.encrypted.map(encryption_in),
    })
}

/// A change of a column as it is now; what makes its values is kept.
pub(crate) fn patch(update: wire::ColumnUpdate, column: &Column) -> Result<ColumnPatch, Error> {
    if update
        .field_type
        .as_ref()
        .is_some_and(|kind| *kind != column.field_type)
    {
        let message = format!(
            "The field type stays {}; POST …/columns/{{column}}/change-type changes it with its values",
            column.field_type
        );
        return Err(wrong("fieldType", message));
    }
    let mut constraints_in = update.validation.map(constraints).transpose()?;
    if let Some(constraints) = &mut constraints_in {
        constraints.generated = column.constraints.generated;
    }
    Ok(ColumnPatch {
        name: update.name,
        description: update.description.map(Option::unwrap_or_default),
        config: update.config,
        constraints: constraints_in,
        default: update
            .default_value
            .map(|value| default_in(value.unwrap_or(Json::Null)))
            .transpose()?,
        indexed: update.indexed,
        order_index: update.order_index.map(i64::from),
        width: update.width,
        hidden: update.is_visible.map(|visible| !visible),
        primary: update.is_primary,
        read_only: update.is_read_only,
    })
}

const GENERATED: [&str; 4] = ["uuid", "cuid", "autoincrement", "timestamp"];
const ON_DELETE: [&str; 3] = ["restrict", "cascade", "setNull"];
const FORMATS: [&str; 4] = ["email", "url", "iso-date", "phone"];
const FUNCTIONS: [&str; 4] = ["now", "today", "uuid", "currentUser"];

/// The constraints of a column.
pub(crate) fn constraints(validation: wire::Validation) -> Result<Constraints, Error> {
    let format: Option<Format> = validation
        .format
        .as_deref()
        .map(|name| named("validation.format", name, &FORMATS))
        .transpose()?;
    let on_delete: Option<OnDelete> = validation
        .on_delete
        .as_deref()
        .map(|name| named("validation.onDelete", name, &ON_DELETE))
        .transpose()?;
    let nested = match validation.nested {
        None | Some(Json::Null) => None,
        Some(rule) => Some(
            serde_json::from_value(rule).map_err(|error| wrong("validation.nested", error.to_string()))?,
        ),
    };
    Ok(Constraints {
        required: validation.required,
        unique: validation.unique,
        allowed: validation.allowed.unwrap_or_default(),
        min_length: validation.min_length,
        max_length: validation.max_length,
        pattern: validation.pattern,
        format,
        min: validation.min,
        max: validation.max,
        custom_error_message: validation.custom_error_message,
        generated: None::<Generated>,
        nested,
        reference: validation.reference,
        on_delete,
    })
}

/// A value, or `{"function": "now"}`; `null` is none.
pub(crate) fn default_in(json: Json) -> Result<Option<DefaultValue>, Error> {
    let name = match &json {
        Json::Null => return Ok(None),
        Json::Object(members) if members.len() == 1 => members.get("function").and_then(Json::as_str),
        _ => None,
    };
    match name {
        Some(name) => {
            let function: DefaultFunction = named("defaultValue.function", name, &FUNCTIONS)?;
            Ok(Some(DefaultValue::Function(function)))
        }
        None => Ok(Some(DefaultValue::Value(json))),
    }
}

fn default_out(default: &DefaultValue) -> Json {
    match default {
        DefaultValue::Value(json) => json.clone(),
        DefaultValue::Function(function) => serde_json::json!({"function": name_of(function)}),
    }
}

/// The variant that serde calls by this name.
fn named<T: DeserializeOwned>(field: &str, name: &str, names: &[&'static str]) -> Result<T, Error> {
    let read = serde_json::from_value(Json::from(name));
    read.map_err(|_| {
        let what = field.rsplit('.').next().unwrap_or(field);
        wrong(
            field,
            format!(
                "{}; use one of: {}",
                unknown_name(what, name, names.iter().copied()),
                names.join(", ")
            ),
        )
    })
}

/// The name that serde gives a variant.
fn name_of(variant: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(variant).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

fn wrong(field: &str, message: String) -> Error {
    Error::Definition(vec![Issue::new(field, Code::Definition, message)])
}
