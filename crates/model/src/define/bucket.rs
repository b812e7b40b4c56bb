//! The bucket vocabulary: `{key, schema: {field: {type, required …}}, indexes}` read as a [`TableInput`]. Defines nothing itself.

use super::{ColumnInput, TableInput};
use crate::column::{Constraints, DefaultFunction, DefaultValue};
use crate::issue::unknown_name;
use crate::nested::Rule;
use crate::{Code, Issue, Json};

const TYPES: [(&str, &str); 6] = [
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
    input.max_size = object.get("maxSize").and_then(Json::as_u64);
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
    for index in object
        .get("indexes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let fields = match index {
            Json::String(field) => vec![field.clone()],
            Json::Array(fields) => fields
                .iter()
                .filter_map(Json::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        input.indexes.push(fields);
    }
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
    if rule.contains_key("ref") {
        return Err(bad(
            "References between buckets (ref, onDelete) cannot be declared yet".into(),
        ));
    }
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
    fn a_key_that_is_no_field_is_found() {
        let issues = bucket(
            "tasks",
            &json!({"key": "idd", "schema": {"id": {"type": "string"}}}),
        )
        .expect_err("no such key");
        assert_eq!(issues[0].message, "No field \"idd\" (did you mean \"id\"?)");
    }
}
