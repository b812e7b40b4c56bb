//! A table read back as a bucket definition: the opposite of [`super::bucket`]. It checks nothing.

use super::bucket::{ORDER_SETTING, TYPES};
use crate::column::{Column, DefaultValue};
use crate::field::Storage;
use crate::{Json, JsonMap, Table};

/// The definition of a table in the bucket vocabulary. Field types that the vocabulary has no word for are told by what they
/// hold, with their own name under `fieldType`.
pub fn bucket_text(table: &Table) -> Json {
    let mut text = JsonMap::new();
    text.insert("key".into(), table.key_name().into());
    let fields = table.ordered();
    let schema: JsonMap = fields
        .iter()
        .map(|column| (column.slug.clone(), field(column)))
        .collect();
    text.insert("schema".into(), schema.into());
    let mut indexes: Vec<Json> = fields
        .iter()
        .filter(|column| column.indexed)
        .map(|column| column.slug.as_str().into())
        .collect();
    let slugs = |index: &Vec<u16>| -> Json { index.iter().map(|at| table.at(*at).slug.as_str()).collect() };
    indexes.extend(table.indexes.iter().map(slugs));
    if !indexes.is_empty() {
        text.insert("indexes".into(), indexes.into());
    }
    if let Some(ttl) = table.ttl_ms {
        text.insert("ttl".into(), ttl.into());
    }
    if let Some(most) = table.max_size {
        text.insert("maxSize".into(), most.into());
    }
    if let Some(order) = table.settings.get(ORDER_SETTING) {
        text.insert("etsType".into(), order.clone());
    }
    text.insert("persistent".into(), (!table.transient).into());
    text.insert("strict".into(), table.strict.into());
    text.insert("softDelete".into(), table.soft_delete.into());
    text.into()
}

fn field(column: &Column) -> Json {
    let kind = match (column.field().storage(), column.config_str("kind")) {
        (Storage::Json, Some("array")) | (Storage::List, _) => "array",
        (Storage::Json, _) => "object",
        (Storage::Bool, _) => "boolean",
        (Storage::Text, _) => "string",
        (Storage::Int, _) if column.field_type == "dateTime" => "date",
        (Storage::Int | Storage::Number | Storage::Decimal, _) => "number",
    };
    let mut text = JsonMap::new();
    text.insert("type".into(), kind.into());
    if !TYPES.iter().any(|(_, own)| *own == column.field_type) {
        text.insert("fieldType".into(), column.field_type.as_str().into());
    }
    let constraints = serde_json::to_value(&column.constraints).unwrap_or_default();
    for (name, value) in constraints.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            (_, Json::Bool(false)) => {}
            // What stands inside an object or array is part of the field.
            ("nested", Json::Object(inside)) => {
                let parts = inside
                    .iter()
                    .filter(|(name, _)| *name == "properties" || *name == "items");
                text.extend(parts.map(|(name, rule)| (name.clone(), rule.clone())));
            }
            _ => {
                text.insert(name.clone(), value.clone());
            }
        }
    }
    if let Some(encryption) = &column.encrypted {
        let asked = serde_json::to_value(encryption.asked()).unwrap_or_default();
        text.insert("encrypted".into(), asked);
    }
    match &column.default {
        None => {}
        Some(DefaultValue::Value(value)) => {
            text.insert("default".into(), value.clone());
        }
        Some(function) => {
            text.insert(
                "default".into(),
                serde_json::to_value(function).unwrap_or_default(),
            );
        }
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TableId;
    use crate::admit::Context;
    use crate::define::{bucket, check_table};
    use serde_json::json;

    #[test]
    fn a_bucket_comes_back_as_it_was_defined() {
        let definition = json!({
            "key": "id",
            "schema": {
                "id": {"type": "string", "generated": "uuid"},
                "owner": {"type": "string", "ref": "users", "onDelete": "setNull"},
                "priority": {"type": "number", "min": 1, "max": 5, "default": 3},
                "tags": {"type": "array", "default": [], "items": {"type": "string", "required": false}},
                "due": {"type": "date", "default": {"function": "now"}},
            },
            "indexes": ["owner", ["priority", "due"]],
            "ttl": 60000,
            "maxSize": 10,
            "etsType": "ordered_set",
            "persistent": false,
            "strict": true,
            "softDelete": false,
        });
        let read = |definition: &Json| {
            let input = bucket::bucket("tasks", definition).expect("it can be read");
            let mut fresh = uuid::Uuid::nil;
            let mut context = Context {
                now: 0,
                actor: None,
                fresh: &mut fresh,
                cells: None,
                kept_cells: None,
            };
            let table = check_table(&input, TableId(1), "default", &mut context).expect("it makes sense");
            bucket_text(&table)
        };
        assert_eq!(read(&definition), definition);
    }
}
