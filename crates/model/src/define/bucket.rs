//! The bucket vocabulary: `{key, schema: {field: {type, required …}}, indexes}` read as a [`TableInput`]. Defines nothing itself.

use super::{ColumnInput, TableInput};
use crate::column::{Constraints, DefaultFunction, DefaultValue, OnDelete};
use crate::encryption::Encryption;
use crate::issue::unknown_name;
use crate::nested::Rule;
use crate::{Code, Issue, Json};

/// The setting of a table that says which kind of bucket was asked for.
pub(super) const ORDER_SETTING: &str = "etsType";

pub(super) const TYPES: [(&str, &str); 6] = [
    ("string", "text"),
    ("number", "number"),
    ("boolean", "boolean"),
    ("object", "json"),
    ("array", "json"),
    ("date", "dateTime"),
];

/// Reads a bucket definition. Buckets are open (undeclared fields are kept) and delete for good.
///
/// # Errors
/// One issue for each part that cannot be read.
pub fn bucket(name: &str, definition: &Json) -> Result<TableInput, Vec<Issue>> {
    let mut issues = Vec::new();
    let mut input = TableInput {
        name: name.to_owned(),
        slug: Some(name.to_owned()),
        ..TableInput::default()
    };
    let known = [
        "key",
        "schema",
        "indexes",
        "ttl",
        "maxSize",
        "persistent",
        "strict",
        "softDelete",
        "etsType",
    ];
    let empty = crate::JsonMap::new();
    let object = definition.as_object().unwrap_or(&empty);
    for part in object.keys().filter(|part| !known.contains(&part.as_str())) {
        issues.push(Issue::new(
            part,
            Code::Definition,
            unknown_name("bucket setting", part, known),
        ));
    }
    input.key = object.get("key").and_then(Json::as_str).map(str::to_owned);
    if input.key.is_none() {
        issues.push(Issue::new(
            "key",
            Code::Definition,
            "A bucket names its key field: \"key\": \"id\"",
        ));
    }
    input.strict = object.get("strict").and_then(Json::as_bool).unwrap_or(false);
    input.soft_delete = object.get("softDelete").and_then(Json::as_bool).unwrap_or(false);
    input.max_size = whole(object, "maxSize", &mut issues);
    input.transient = object.get("persistent").and_then(Json::as_bool) == Some(false);
    check_order(object, &mut input, &mut issues);
    match object.get("ttl").map(ttl) {
        None => {}
        Some(Ok(ms)) => input.ttl_ms = Some(ms),
        Some(Err(message)) => issues.push(Issue::new("ttl", Code::Definition, message)),
    }
    for (field, rule) in object.get("schema").and_then(Json::as_object).unwrap_or(&empty) {
        match column(field, rule) {
            Ok(column) => input.columns.push(column),
            Err(issue) => issues.push(issue),
        }
    }
    input.indexes = indexes(object.get("indexes"));
    if let Some(key) = &input.key
        && !input
            .columns
            .iter()
            .any(|column| column.slug.as_deref() == Some(key))
    {
        let names = input.columns.iter().filter_map(|column| column.slug.as_deref());
        issues.push(Issue::new(
            "key",
            Code::Definition,
            unknown_name("field", key, names),
        ));
    }
    if issues.is_empty() { Ok(input) } else { Err(issues) }
}

/// What changes of a bucket.
#[derive(Clone, Debug, Default)]
pub struct BucketChange {
    /// Fields that it gets.
    pub columns: Vec<ColumnInput>,
    /// Indexes that it gets, each over one or several fields.
    pub indexes: Vec<Vec<String>>,
    /// How long records live from now on, in ms; the inner none: for ever.
    pub ttl_ms: Option<Option<i64>>,
}

/// Reads a change of a bucket: `{addFields, addIndexes, ttl}`, where a `ttl` of null ends it.
///
/// # Errors
/// One issue for each part that cannot be read.
pub fn change(changes: &Json) -> Result<BucketChange, Vec<Issue>> {
    let known = ["addFields", "addIndexes", "ttl"];
    let empty = crate::JsonMap::new();
    let (mut change, mut issues) = (BucketChange::default(), Vec::new());
    let object = changes.as_object().unwrap_or(&empty);
    for part in object.keys().filter(|part| !known.contains(&part.as_str())) {
        let message = unknown_name("change of a bucket", part, known);
        issues.push(Issue::new(part, Code::Definition, message));
    }
    for (field, rule) in object
        .get("addFields")
        .and_then(Json::as_object)
        .unwrap_or(&empty)
    {
        match column(field, rule) {
            Ok(column) => change.columns.push(column),
            Err(issue) => issues.push(issue),
        }
    }
    change.indexes = indexes(object.get("addIndexes"));
    match object.get("ttl") {
        None => {}
        Some(Json::Null) => change.ttl_ms = Some(None),
        Some(given) => match ttl(given) {
            Ok(ms) => change.ttl_ms = Some(Some(ms)),
            Err(message) => issues.push(Issue::new("ttl", Code::Definition, message)),
        },
    }
    if issues.is_empty() {
        Ok(change)
    } else {
        Err(issues)
    }
}

/// A whole number of a definition, if it is there.
fn whole(object: &crate::JsonMap, name: &str, issues: &mut Vec<Issue>) -> Option<u64> {
    let given = object.get(name)?;
    if given.as_u64().is_none() {
        let message = format!("{name} is a whole number, at least 1, not {given}");
        issues.push(Issue::new(name, Code::Definition, message));
    }
    given.as_u64()
}

/// The kind of table. All are in key order, so `set` and `ordered_set` are one; a bag would hold a key twice.
fn check_order(object: &crate::JsonMap, input: &mut TableInput, issues: &mut Vec<Issue>) {
    let mut refuse = |message: String| issues.push(Issue::new("etsType", Code::Definition, message));
    match object
        .get("etsType")
        .map(|kind| kind.as_str().unwrap_or_default())
    {
        None => {}
        Some(kind @ ("set" | "ordered_set")) => {
            input.settings.insert(ORDER_SETTING.into(), kind.into());
        }
        Some(kind @ ("bag" | "duplicate_bag")) => refuse(format!(
            "A {kind} would hold a key more than once; use set or ordered_set and a generated key"
        )),
        Some(kind) => refuse(unknown_name("etsType", kind, ["set", "ordered_set"])),
    }
}

fn indexes(given: Option<&Json>) -> Vec<Vec<String>> {
    let fields = |index: &Json| match index {
        Json::String(field) => vec![field.clone()],
        Json::Array(fields) => fields
            .iter()
            .filter_map(Json::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let all = given.and_then(Json::as_array).into_iter().flatten();
    all.map(fields).collect()
}

fn column(field: &str, rule: &Json) -> Result<ColumnInput, Issue> {
    let bad = |message: String| Issue::new(field, Code::Definition, message);
    let Json::Object(rule) = rule else {
        return Err(bad("A field is an object with a type".into()));
    };
    let mut rule = rule.clone();
    let declared = rule.get("type").and_then(Json::as_str).unwrap_or("").to_owned();
    let Some((_, field_type)) = TYPES.iter().find(|(name, _)| *name == declared) else {
        return Err(bad(unknown_name("type", &declared, TYPES.map(|(name, _)| name))));
    };
    let mut column = ColumnInput::new(field, *field_type);
    column.slug = Some(field.to_owned());
    if declared == "array" || declared == "object" {
        column = column.config("kind", declared.as_str());
    }
    column.default = rule.remove("default").map(default_value);
    column.constraints.generated = match rule.remove("generated") {
        None => None,
        Some(generated) => Some(serde_json::from_value(generated).map_err(|error| bad(error.to_string()))?),
    };
    let unique = rule
        .remove("unique")
        .is_some_and(|unique| unique == Json::Bool(true));
    let reference = match rule.remove("ref") {
        None => None,
        Some(Json::String(table)) => Some(table),
        Some(other) => return Err(bad(format!("ref is the name of a bucket, not {other}"))),
    };
    let on_delete = match rule.remove("onDelete") {
        None => None,
        Some(name) => Some(
            serde_json::from_value::<OnDelete>(name.clone())
                .map_err(|_| bad(format!("onDelete is restrict, cascade or setNull, not {name}")))?,
        ),
    };
    column.encrypted = match rule.remove("encrypted") {
        None | Some(Json::Null | Json::Bool(false)) => None,
        Some(Json::Bool(true)) => Some(Encryption::default()),
        Some(given) => {
            Some(serde_json::from_value(given).map_err(|error| bad(format!("encrypted: {error}")))?)
        }
    };
    column.indexed = column
        .encrypted
        .as_ref()
        .is_some_and(|encryption| encryption.indexed);
    let nested: Rule = serde_json::from_value(Json::Object(rule)).map_err(|error| bad(error.to_string()))?;
    column.constraints = Constraints {
        required: nested.required,
        unique,
        allowed: nested.allowed.clone(),
        min_length: nested.min_length,
        max_length: nested.max_length,
        pattern: nested.pattern.clone(),
        format: nested.format,
        min: nested.min.clone(),
        max: nested.max.clone(),
        generated: column.constraints.generated,
        reference,
        on_delete,
        ..Constraints::default()
    };
    if !nested.properties.is_empty() || nested.items.is_some() {
        let inside = Rule {
            properties: nested.properties,
            items: nested.items,
            ..Rule::default()
        };
        column.constraints.nested = Some(Box::new(inside));
    }
    Ok(column)
}

/// `{"function": "now"}` names a function; everything else is the value.
pub fn default_value(json: Json) -> DefaultValue {
    let function: Option<DefaultFunction> = json
        .as_object()
        .filter(|object| object.len() == 1)
        .and_then(|object| object.get("function"))
        .and_then(|name| serde_json::from_value(name.clone()).ok());
    function.map_or(DefaultValue::Value(json), DefaultValue::Function)
}

/// A time to live: milliseconds, or a number with `s`, `m`, `h` or `d`.
pub fn ttl(json: &Json) -> Result<i64, String> {
    let units = [
        ('s', 1_000.0),
        ('m', 60_000.0),
        ('h', 3_600_000.0),
        ('d', 86_400_000.0),
    ];
    let ms = match json {
        Json::Number(number) => match number.as_f64() {
            Some(ms) if ms.is_finite() && ms > 0.0 => ms,
            _ => return Err(format!("TTL must be a positive finite number, got {number}")),
        },
        Json::String(text) => {
            let unit = units.iter().find(|(unit, _)| text.ends_with(*unit));
            let number = unit.and_then(|(unit, ms)| {
                text.strip_suffix(*unit)
                    .and_then(|number| number.trim_end().parse::<f64>().ok())
                    .map(|number| number * ms)
            });
            match number {
                Some(ms) if ms > 0.0 && ms.is_finite() => ms,
                Some(_) => return Err(format!("TTL value must be positive, got \"{text}\"")),
                None => {
                    let example = "Expected a number (ms) or string like \"30s\", \"5m\", \"1h\", \"7d\".";
                    return Err(format!("Invalid TTL format \"{text}\". {example}"));
                }
            }
        }
        other => return Err(format!("TTL must be a positive finite number, got {other}")),
    };
    Ok(ms as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encryption::Mask;
    use serde_json::json;

    #[test]
    fn a_ttl_is_a_number_with_a_unit() {
        assert_eq!(ttl(&json!("1h")), Ok(3_600_000));
        assert_eq!(ttl(&json!(250)), Ok(250));
        assert!(ttl(&json!("1w")).is_err_and(|message| message.starts_with("Invalid TTL format")));
        assert!(ttl(&json!(-1)).is_err());
    }

    #[test]
    fn a_bucket_reads_as_a_table() {
        let input = bucket(
            "tasks",
            &json!({"key": "id", "schema": {
            "id": {"type": "string", "generated": "uuid"},
            "tags": {"type": "array", "default": []},
        }, "indexes": ["tags"]}),
        )
        .expect("a bucket");
        assert_eq!(input.columns.len(), 2);
        assert!(!input.soft_delete);
    }

    #[test]
    fn a_field_is_encrypted_with_a_mask_or_without() {
        let encrypted = |given: Json| {
            let schema = json!({"id": {"type": "string"}, "iban": {"type": "string", "encrypted": given}});
            let input = bucket("people", &json!({"key": "id", "schema": schema}))?;
            Ok::<_, Vec<Issue>>(input.columns[1].encrypted.clone())
        };
        assert_eq!(encrypted(json!(false)), Ok(None));
        assert_eq!(encrypted(json!(true)), Ok(Some(Encryption::default())));
        let last4 = encrypted(json!({"mask": "last4", "indexed": true})).expect("read");
        assert!(last4.is_some_and(|encryption| encryption.indexed && encryption.mask == Mask::Last4));
        let issues = encrypted(json!({"mask": "first4"})).expect_err("no such mask");
        assert!(issues[0].message.contains("first4"), "{}", issues[0].message);
    }

    #[test]
    fn a_key_that_is_no_field_is_found() {
        let issues = bucket(
            "tasks",
            &json!({"key": "idd", "schema": {"id": {"type": "string"}}}),
        )
        .expect_err("no such key");
        assert_eq!(issues[0].message, "No field \"idd\" (did you mean \"id\"?)");
    }
}
