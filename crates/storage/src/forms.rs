//! Values as the texts that the engines keep: lists, metadata, undeclared fields, what was before. It runs no statements.

use std::borrow::Cow;
use std::fmt::{self, Write};

use chancery_model::change::{Change, ChangeKind, Reason};
use chancery_model::record::extra_value;
use chancery_model::{Json, JsonMap, Record, RecordMetadata, Source, Value};
use serde::Serialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

/// What a commit was for, at the index that is its stored number. New ones go to the end.
pub(crate) const REASONS: [Reason; 6] = [
    Reason::User,
    Reason::Ttl,
    Reason::Eviction,
    Reason::Merge,
    Reason::Import,
    Reason::Undo,
];

/// A list as the text it is kept as.
pub(crate) fn list_text(list: &[String]) -> String {
    serde_json::to_string(list).expect("a list of texts is always JSON")
}

/// What is kept of [`RecordMetadata`] as JSON; the outside id has a column of its own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Origin<'a> {
    source: Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    import_row: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duplicate_of: Option<&'a str>,
}

/// The JSON column of a record's metadata; none if there is nothing to say.
pub(crate) fn metadata_text(metadata: &RecordMetadata) -> Option<String> {
    let RecordMetadata {
        source,
        import_id,
        import_row,
        external_id: _,
        duplicate_of,
    } = metadata;
    if *source == Source::default() && import_id.is_none() && import_row.is_none() && duplicate_of.is_none() {
        return None;
    }
    let origin = Origin {
        source: *source,
        import_id: import_id.as_deref(),
        import_row: *import_row,
        duplicate_of: duplicate_of.as_deref(),
    };
    Some(serde_json::to_string(&origin).expect("texts and numbers are always JSON"))
}

/// The JSON column of a record's undeclared fields; none if there are none.
pub(crate) fn extra_text(record: &Record) -> Option<String> {
    let extra = record.extra.as_ref().filter(|extra| !extra.is_empty())?;
    Some(serde_json::to_string(extra).expect("a JSON object is always JSON"))
}

/// One undeclared field, read without reading the others into memory.
pub(crate) fn extra_field(text: &str, name: &str) -> Result<Value, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let found = Member(name).deserialize(&mut reader)?;
    Ok(found.as_ref().map_or(Value::Null, extra_value))
}

/// Reads one member of a JSON object.
struct Member<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Option<Json>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Option<Json>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_> {
    type Value = Option<Json>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Json>, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Values by ordinal as text that reads back exactly: a JSON object in which what JSON has no form for is an object
/// of one member, `d` for a decimal, `l` for a list, `j` for JSON.
pub(crate) fn before_text<'a>(values: impl IntoIterator<Item = (u16, &'a Value)>) -> String {
    let mut out = String::from("{");
    for (ordinal, value) in values {
        if out.len() > 1 {
            out.push(',');
        }
        let _ = write!(out, "\"{ordinal}\":");
        let _ = match value {
            Value::Null => write!(out, "null"),
            Value::Bool(bool) => write!(out, "{bool}"),
            Value::Int(int) => write!(out, "{int}"),
            // The shortest text that reads back as the same float; it always has a point or an exponent.
            Value::Float(float) => write!(out, "{float:?}"),
            Value::Decimal(decimal) => write!(out, "{{\"d\":\"{decimal}\"}}"),
            Value::Text(text) => write!(out, "{}", Quoted(text)),
            Value::List(list) => write!(out, "{{\"l\":{}}}", list_text(list)),
            Value::Json(json) => write!(out, "{{\"j\":{json}}}"),
        };
    }
    out.push('}');
    out
}

/// What the log keeps of a change's values; none where there were none.
pub(crate) fn logged_text(change: &Change) -> Option<String> {
    match change.kind {
        ChangeKind::Inserted | ChangeKind::Cleared => None,
        _ => Some(before_text(
            change.before.iter().map(|(ordinal, value)| (*ordinal, value)),
        )),
    }
}

/// A text as JSON writes it.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self.0).expect("a text is always JSON"))
    }
}

/// Reads what [`before_text`] wrote.
pub(crate) fn read_before(text: &str) -> Result<Vec<(u16, Value)>, String> {
    let values: JsonMap = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let read = |(ordinal, json): (String, Json)| -> Option<(u16, Value)> {
        Some((ordinal.parse().ok()?, read_value(json)?))
    };
    values
        .into_iter()
        .map(|entry| read(entry).ok_or_else(|| "a value of the change log".to_owned()))
        .collect()
}

fn read_value(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(bool) => Value::Bool(bool),
        Json::String(text) => Value::Text(text),
        Json::Number(number) => {
            let text = number.as_str();
            match text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                true => Value::Float(text.parse().ok()?),
                false => Value::Int(text.parse().ok()?),
            }
        }
        Json::Object(object) => {
            let (tag, inner) = object.into_iter().next()?;
            match tag.as_str() {
                "d" => Value::Decimal(inner.as_str()?.parse().ok()?),
                "l" => Value::List(serde_json::from_value(inner).ok()?),
                "j" => Value::Json(Box::new(inner)),
                _ => return None,
            }
        }
        Json::Array(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_reads_back_exactly() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(1e300),
            Value::Float(0.1),
            Value::Float(1e16),
            Value::Decimal("-12345678901234.50".parse().unwrap()),
            Value::text("\"ä\n\u{1}"),
            Value::List(vec!["a".into(), "".into()]),
            Value::Json(Box::new(serde_json::json!({"d": "1", "x": [1.50, null]}))),
        ];
        let pairs: Vec<(u16, Value)> = (0..).zip(values).collect();
        let text = before_text(pairs.iter().map(|(ordinal, value)| (*ordinal, value)));
        assert_eq!(read_before(&text).unwrap(), pairs, "{text}");
    }
}
