//! Cursors: a place in an order as text, and back. They are not signed here; the server signs what leaves it.

use chancery_model::query::Boundary;
use chancery_model::{Json, Key, KeyKind, Table, Value};
use serde_json::json;

/// A boundary as JSON text. It survives changes of the records: what it points at need not exist any more.
pub fn encode(boundary: &Boundary) -> String {
    let values: Vec<Json> = boundary.values.iter().map(encode_value).collect();
    json!([boundary.key.to_string(), values]).to_string()
}

/// The boundary of a text that [`encode`] made, for a query of `table` with `sort_keys` sort keys.
pub fn decode(text: &str, table: &Table, sort_keys: usize) -> Option<Boundary> {
    let json: Json = serde_json::from_str(text).ok()?;
    let [Json::String(key), Json::Array(values)] = json.as_array()?.as_slice() else {
        return None;
    };
    let key = match table.key_kind {
        KeyKind::Text => Key::Text(key.as_str().into()),
        kind => Key::parse(kind, key)?,
    };
    let values: Option<Vec<Value>> = values.iter().map(decode_value).collect();
    values
        .filter(|values| values.len() == sort_keys)
        .map(|values| Boundary { values, key })
}

/// Each value with its kind, so that it reads back exactly.
fn encode_value(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(bool) => json!(bool),
        Value::Int(int) => json!(["i", int.to_string()]),
        Value::Float(float) => json!(["f", float.to_bits().to_string()]),
        Value::Decimal(decimal) => json!(["d", decimal.to_string()]),
        Value::Text(text) => json!(text),
        Value::List(list) => json!(["l", list]),
        Value::Json(json) => json!(["j", **json]),
    }
}

fn decode_value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(*bool),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(pair) => {
            let [Json::String(kind), inner] = pair.as_slice() else {
                return None;
            };
            match (kind.as_str(), inner) {
                ("i", Json::String(text)) => Value::Int(text.parse().ok()?),
                ("f", Json::String(text)) => Value::Float(f64::from_bits(text.parse().ok()?)),
                ("d", Json::String(text)) => Value::Decimal(text.parse().ok()?),
                ("l", list) => Value::List(serde_json::from_value(list.clone()).ok()?),
                ("j", inner) => Value::Json(Box::new(inner.clone())),
                _ => return None,
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_exactly() {
        let table = Table {
            key_kind: KeyKind::Text,
            ..Table::default()
        };
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(0.1),
            Value::Decimal("1.50".parse().expect("a decimal")),
            Value::text("[\"i\",\"5\"]"),
            Value::List(vec!["a".into()]),
            Value::Json(Box::new(json!({"a": 1}))),
        ];
        let boundary = Boundary {
            values,
            key: Key::Text("k".into()),
        };
        assert_eq!(decode(&encode(&boundary), &table, 8), Some(boundary.clone()));
        assert_eq!(decode(&encode(&boundary), &table, 1), None);
        assert_eq!(decode("nonsense", &table, 0), None);
    }
}
