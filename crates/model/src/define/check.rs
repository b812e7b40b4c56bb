//! The rules of definitions. Every mistake of a definition is found here, when defining, and all at once.

use std::collections::HashSet;

use super::{ColumnInput, TableInput, column_slug, table_slug};
use crate::admit::Context;
use crate::column::{Column, DefaultValue, Generated, SelectOption, compile};
use crate::encryption::{self, Encryption};
use crate::field::{FIELD_TYPES, Storage, field_type};
use crate::issue::unknown_name;
use crate::{Code, Issue, Key, KeyKind, Table, TableId, Value, limits};

/// Names that records use for themselves.
const RESERVED: [&str; 7] = [
    "_display",
    "_files",
    "_version",
    "_createdAt",
    "_updatedAt",
    "_expiresAt",
    "_id",
];

/// Makes a table from what a caller asks for, or says everything that makes no sense.
///
/// # Errors
/// One issue for each mistake, with paths like `columns[2].pattern`.
pub fn check_table(
    input: &TableInput,
    number: TableId,
    workspace: &str,
    context: &mut Context,
) -> Result<Table, Vec<Issue>> {
    let mut issues = Vec::new();
    let slug = input.slug.clone().unwrap_or_else(|| table_slug(&input.name));
    issues.extend(check_name("name", &input.name).err().unwrap_or_default());
    check_slug("slug", &slug, &mut issues);
    let mut table = Table {
        number,
        id: (context.fresh)().to_string(),
        workspace: workspace.to_owned(),
        slug,
        name: input.name.clone(),
        description: input.description.clone(),
        icon: input.icon.clone(),
        color: input.color.clone(),
        settings: input.settings.clone(),
        strict: input.strict,
        soft_delete: input.soft_delete,
        ttl_ms: input.ttl_ms,
        max_size: input.max_size,
        transient: input.transient,
        schema_version: 1,
        created_at: context.now,
        updated_at: context.now,
        created_by: context.actor.as_deref().map(str::to_owned),
        ..Table::default()
    };
    if input.columns.len() > limits::COLUMNS_MAX {
        let message = format!(
            "A table has at most {} columns, this one {}",
            limits::COLUMNS_MAX,
            input.columns.len()
        );
        return Err(vec![Issue::new("columns", Code::Limit, message)]);
    }
    for (index, column) in input.columns.iter().enumerate() {
        match check_column(column, &table, context) {
            Ok(column) => table.columns.push(column),
            Err(found) => issues.extend(found.into_iter().map(|mut issue| {
                issue.field = format!("columns[{index}].{}", issue.field);
                issue
            })),
        }
        table.refresh();
    }
    if issues.is_empty() {
        check_key(input, &mut table, &mut issues);
        encryption::check_table(&table, &mut issues);
        issues.extend(super::check_settings(&table));
        issues.extend(
            add_indexes(&mut table, "indexes", &input.indexes)
                .err()
                .unwrap_or_default(),
        );
    }
    if input.ttl_ms.is_some_and(|ttl| ttl <= 0) {
        issues.push(Issue::new("ttl", Code::Definition, "ttl is at least 1 ms"));
    }
    if input
        .max_size
        .is_some_and(|max| !(1..=i64::MAX as u64).contains(&max))
    {
        let message = format!("maxSize is at least 1 and at most {}", i64::MAX);
        issues.push(Issue::new("maxSize", Code::Definition, message));
    }
    if issues.is_empty() { Ok(table) } else { Err(issues) }
}

/// Makes a column for a table from what a caller asks for, with the next ordinal, or says everything that makes no sense.
///
/// # Errors
/// One issue for each mistake.
pub fn check_column(input: &ColumnInput, table: &Table, context: &mut Context) -> Result<Column, Vec<Issue>> {
    let mut issues = Vec::new();
    issues.extend(check_name("name", &input.name).err().unwrap_or_default());
    let slug = match &input.slug {
        Some(slug) => {
            check_slug("slug", slug, &mut issues);
            if table.column(slug).is_some() {
                issues.push(Issue::new(
                    "slug",
                    Code::Unique,
                    format!("The table has a column \"{slug}\" already"),
                ));
            }
            slug.clone()
        }
        None => free_slug(table, &column_slug(&input.name)),
    };
    if field_type(&input.field_type).is_none() {
        let message = unknown_name(
            "field type",
            &input.field_type,
            FIELD_TYPES.iter().map(|kind| kind.id()),
        );
        issues.push(Issue::new("fieldType", Code::Definition, message));
        return Err(issues);
    }
    let last = table.live().map(|column| column.order_index).max().unwrap_or(-1);
    let mut column = Column {
        id: (context.fresh)().to_string(),
        ordinal: table.columns.len() as u16,
        slug,
        name: input.name.clone(),
        description: input.description.clone(),
        field_type: input.field_type.clone(),
        config: input.config.clone(),
        constraints: input.constraints.clone(),
        default: input.default.clone(),
        options: make_options(input, context),
        indexed: input.indexed
            || input
                .encrypted
                .as_ref()
                .is_some_and(|encryption| encryption.indexed),
        order_index: input.order_index.unwrap_or(last + 1),
        width: input.width,
        hidden: input.hidden,
        primary: input.primary,
        read_only: input.read_only,
        encrypted: own_encryption(input, context, &mut issues),
        ..Column::default()
    };
    column.settle();
    check_made(&column, &mut issues);
    encryption::check_beside_key(table, &column, &mut issues);
    issues.extend(super::settings::check_beside_settings(table, &column));
    if input.primary && table.live().any(|other| other.primary) {
        issues.push(Issue::new(
            "isPrimary",
            Code::Definition,
            "The table has a primary column already",
        ));
    }
    if issues.is_empty() {
        Ok(column)
    } else {
        Err(issues)
    }
}

/// What is wrong with a column that is to take the place of another of the same slug and field type.
pub fn check_replacement(table: &Table, (from, column): (&Column, &Column)) -> Vec<Issue> {
    let mut issues = Vec::new();
    check_made(column, &mut issues);
    encryption::check_beside_key(table, column, &mut issues);
    if column.field().flags().encrypted && column.encrypted.is_none() {
        let message = format!("A {} column is always encrypted", column.field_type);
        issues.push(Issue::new("encrypted", Code::Definition, message));
    }
    if table.key_column == Some(from.ordinal) {
        let message = "The key column stays as it is";
        issues.push(Issue::new("column", Code::Definition, message));
    }
    let in_index = table.indexes.iter().any(|index| index.contains(&from.ordinal));
    if in_index && !column.is_comparable() {
        let message = "An index over several columns has this one: set encrypted.indexed";
        issues.push(Issue::new("encrypted.indexed", Code::Definition, message));
    }
    issues
}

/// How a new column is encrypted: with the newest data key of the vault.
fn own_encryption(input: &ColumnInput, context: &Context, issues: &mut Vec<Issue>) -> Option<Encryption> {
    let always = || field_type(&input.field_type).is_some_and(|kind| kind.flags().encrypted);
    let wanted = input
        .encrypted
        .clone()
        .or_else(|| always().then(Encryption::default))?;
    let kid = context.cells.and_then(|cells| cells.newest_kid());
    if kid.is_none() {
        issues.push(encryption::sealed("encrypted"));
    }
    Some(Encryption {
        kid: kid.unwrap_or_default(),
        ..wanted
    })
}

/// The rules of a column's own settings; also run when a column is changed.
pub fn check_made(column: &Column, issues: &mut Vec<Issue>) {
    let kind = column.field();
    let flags = kind.flags();
    let constraints = &column.constraints;
    let mut report = |field: &str, message: String| issues.push(Issue::new(field, Code::Definition, message));
    if constraints.unique && !flags.supports_unique {
        report("unique", format!("A {} column cannot be unique", kind.id()));
    }
    if column.default.is_some() && !flags.supports_default {
        report(
            "defaultValue",
            format!("A {} column cannot have a default", kind.id()),
        );
    }
    if !column.options.is_empty() && !flags.needs_options {
        report(
            "options",
            format!("A {} column has no options; use select or multiSelect", kind.id()),
        );
    }
    if let Some(pattern) = &constraints.pattern
        && let Err(reason) = compile(pattern)
    {
        report(
            "pattern",
            format!("Pattern \"{pattern}\" cannot be used: {reason}"),
        );
    }
    let float = |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
    if let (Some(min), Some(max)) = (float(&constraints.min), float(&constraints.max))
        && min > max
    {
        report("min", format!("min {min} is above max {max}"));
    }
    if let (Some(min), Some(max)) = (constraints.min_length, constraints.max_length)
        && min > max
    {
        report("minLength", format!("minLength {min} is above maxLength {max}"));
    }
    if let Some(generated) = constraints.generated {
        let fits = match generated {
            Generated::Uuid | Generated::Cuid => kind.storage() == Storage::Text,
            Generated::Autoincrement => matches!(kind.storage(), Storage::Number | Storage::Int),
            Generated::Timestamp => matches!(kind.storage(), Storage::Number | Storage::Int),
        };
        if !fits {
            report(
                "generated",
                format!("A {} column cannot hold generated values of this kind", kind.id()),
            );
        }
    }
    if constraints.reference.is_some() && (flags.computed || column.is_relation()) {
        report("ref", unreferring(column));
    }
    if constraints.on_delete.is_some() && constraints.reference.is_none() {
        report(
            "onDelete",
            "onDelete goes with ref, the table that is referred to".into(),
        );
    }
    let mut names = HashSet::new();
    for option in column.live_options() {
        if option.name.trim().is_empty() || option.name.chars().count() > limits::NAME_CHARS_MAX {
            report(
                "options",
                format!("An option name has 1 to {} characters", limits::NAME_CHARS_MAX),
            );
        }
        if !names.insert(option.name.as_str()) {
            report("options", format!("The option \"{}\" stands twice", option.name));
        }
    }
    if column.options.len() > limits::OPTIONS_MAX {
        report(
            "options",
            format!("A column has at most {} options", limits::OPTIONS_MAX),
        );
    }
    check_config(column, issues);
    check_worked_out(column, issues);
    encryption::check(column, issues);
    if let Some(nested) = &constraints.nested {
        nested.check_definition(&column.slug, issues);
    }
    if issues.is_empty()
        && let Some(DefaultValue::Value(default)) = &column.default
        && !default.is_null()
    {
        match kind.parse(default, column) {
            Ok(value) => crate::admit::check_constraints(column, &value, issues),
            Err(issue) => issues.push(issue),
        }
        for issue in issues {
            issue.field = "defaultValue".into();
        }
    }
}

/// Why a column cannot say `ref`.
fn unreferring(column: &Column) -> String {
    match column.is_relation() {
        true => "A relation says its table in config.table".to_owned(),
        false => format!("A {} column cannot refer to records", column.field_type),
    }
}

/// What cannot be asked of values that are worked out when a record is read.
fn check_worked_out(column: &Column, issues: &mut Vec<Issue>) {
    let asked = [
        ("indexed", column.indexed),
        ("required", column.constraints.required),
        ("encrypted", column.encrypted.is_some()),
    ];
    let related = column.kind().flags().related;
    for (name, _) in asked.into_iter().filter(|(_, asked)| related && *asked) {
        let message = format!(
            "The values of a {} column are worked out when a record is read",
            column.field_type
        );
        issues.push(Issue::new(name, Code::Definition, message));
    }
}

/// Settings against the field type's schema: no unknown ones, and each of the declared type.
fn check_config(column: &Column, issues: &mut Vec<Issue>) {
    let kind = column.field();
    let schema = kind.config_schema();
    let empty = crate::JsonMap::new();
    let properties = schema
        .get("properties")
        .and_then(crate::Json::as_object)
        .unwrap_or(&empty);
    for (name, value) in &column.config {
        let path = format!("config.{name}");
        let Some(property) = properties.get(name) else {
            let message = unknown_name("setting", name, properties.keys().map(String::as_str));
            issues.push(Issue::new(
                path,
                Code::Definition,
                format!("{message} of {} columns", kind.id()),
            ));
            continue;
        };
        let declared = property.get("type").and_then(crate::Json::as_str).unwrap_or("");
        let fits = match declared {
            "integer" => value.is_i64() || value.is_u64(),
            "" => true,
            other => crate::issue::type_name(value) == other,
        };
        let within = |bound: &str, holds: fn(f64, f64) -> bool| match (property.get(bound), value.as_f64()) {
            (Some(bound), Some(value)) => bound.as_f64().is_none_or(|bound| holds(value, bound)),
            _ => true,
        };
        let listed = property
            .get("enum")
            .and_then(crate::Json::as_array)
            .is_none_or(|allowed| allowed.contains(value));
        if !fits || !listed || !within("minimum", |v, b| v >= b) || !within("maximum", |v, b| v <= b) {
            issues.push(Issue::new(
                path,
                Code::Definition,
                format!("{value} does not fit {property}"),
            ));
        }
    }
    let required = schema.get("required").and_then(crate::Json::as_array);
    let missing = required.into_iter().flatten().filter_map(crate::Json::as_str);
    for name in missing.filter(|name| !column.config.contains_key(*name)) {
        let path = format!("config.{name}");
        let about = properties
            .get(name)
            .and_then(|property| property.get("description"));
        let about = about.and_then(crate::Json::as_str).unwrap_or_default();
        let message = format!("A {} column needs it: {about}", kind.id());
        issues.push(Issue::new(path, Code::Definition, message));
    }
    if let Err(issue) = kind.check_config(column) {
        issues.push(issue);
    }
}

fn make_options(input: &ColumnInput, context: &mut Context) -> Vec<SelectOption> {
    let mut made = Vec::with_capacity(input.options.len());
    for (index, option) in input.options.iter().enumerate() {
        made.push(SelectOption {
            id: option
                .id
                .clone()
                .unwrap_or_else(|| format!("opt-{}", (context.fresh)().simple())),
            name: option.name.clone(),
            color: option.color.clone(),
            icon: option.icon.clone(),
            order_index: index as i64,
            ..SelectOption::default()
        });
    }
    made
}

fn check_key(input: &TableInput, table: &mut Table, issues: &mut Vec<Issue>) {
    let Some(key) = &input.key else { return };
    let Some(column) = table.column(key) else {
        if key != "id" {
            issues.push(Issue::new(
                "key",
                Code::Definition,
                unknown_name("column", key, table.slugs()),
            ));
        }
        return;
    };
    if column.encrypted.is_some() {
        let message = "An encrypted column cannot be the key";
        issues.push(Issue::new("key", Code::Definition, message));
        return;
    }
    let kind = match column.kind().storage() {
        Storage::Text => KeyKind::Text,
        Storage::Number | Storage::Int => KeyKind::Int,
        _ => {
            let message = format!(
                "A {} column cannot be the key; use text or number",
                column.field_type
            );
            issues.push(Issue::new("key", Code::Definition, message));
            return;
        }
    };
    let ordinal = column.ordinal;
    table.key_kind = kind;
    table.key_column = Some(ordinal);
    let column = &mut table.columns[usize::from(ordinal)];
    column.constraints.unique = false;
    column.indexed = false;
}

/// Gives a table indexes, each over one or several of its columns.
///
/// # Errors
/// One issue, under `path`, for each name that is no column.
pub fn add_indexes(table: &mut Table, path: &str, indexes: &[Vec<String>]) -> Result<(), Vec<Issue>> {
    let mut issues = Vec::new();
    for (index, slugs) in indexes.iter().enumerate() {
        let mut ordinals = Vec::with_capacity(slugs.len());
        for slug in slugs {
            match table.column(slug) {
                Some(column)
                    if column
                        .encrypted
                        .as_ref()
                        .is_some_and(|encryption| !encryption.indexed) =>
                {
                    let message = format!("The cells of the encrypted column \"{slug}\" are not indexed");
                    issues.push(Issue::new(format!("{path}[{index}]"), Code::Definition, message));
                }
                Some(column) if column.kind().flags().related => {
                    let message = format!("The values of \"{slug}\" are worked out when a record is read");
                    issues.push(Issue::new(format!("{path}[{index}]"), Code::Definition, message));
                }
                Some(column) => ordinals.push(column.ordinal),
                None => {
                    let message = unknown_name("column", slug, table.slugs());
                    issues.push(Issue::new(format!("{path}[{index}]"), Code::Definition, message));
                }
            }
        }
        match ordinals.as_slice() {
            [single] if table.key_column != Some(*single) => {
                table.columns[usize::from(*single)].indexed = true
            }
            [_] | [] => {}
            _ if table.indexes.contains(&ordinals) => {}
            _ => table.indexes.push(ordinals),
        }
    }
    table.refresh();
    if issues.is_empty() { Ok(()) } else { Err(issues) }
}

/// A name for people.
///
/// # Errors
/// The issue of one that is empty, too long, or holds a zero character.
pub fn check_name(field: &str, name: &str) -> Result<(), Vec<Issue>> {
    let length = name.trim().chars().count();
    if length == 0 || length > limits::NAME_CHARS_MAX || name.contains('\0') {
        let message = format!("A name has 1 to {} characters", limits::NAME_CHARS_MAX);
        return Err(vec![Issue::new(field, Code::Definition, message)]);
    }
    Ok(())
}

/// Slugs stand in addresses and JSON paths: letters, digits, `_` and `-`, not starting with a digit.
pub fn check_slug(field: &str, slug: &str, issues: &mut Vec<Issue>) {
    let letters = slug.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    let starts = slug.chars().next().is_some_and(|c| !c.is_numeric() && c != '-');
    if !letters || !starts || slug.len() > limits::SLUG_BYTES_MAX || RESERVED.contains(&slug) {
        let message = format!(
            "\"{slug}\" cannot be a slug: letters, digits, _ and -, not starting with a digit, at most {} bytes",
            limits::SLUG_BYTES_MAX
        );
        issues.push(Issue::new(field, Code::Definition, message));
    }
}

/// The slug itself, or with a number behind it if it is taken.
fn free_slug(table: &Table, slug: &str) -> String {
    if table.column(slug).is_none() && !RESERVED.contains(&slug) {
        return slug.to_owned();
    }
    (2..)
        .map(|n| format!("{slug}{n}"))
        .find(|slug| table.column(slug).is_none())
        .expect("numbers do not run out")
}

/// A key from a value that holds one.
pub fn key_from(kind: KeyKind, value: &Value) -> Option<Key> {
    match (kind, value) {
        (KeyKind::Int, Value::Int(int)) => Some(Key::Int(*int)),
        (_, Value::Text(text)) => Key::parse(kind, text),
        _ => None,
    }
}
