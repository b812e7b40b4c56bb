//! Values as the texts that the engines keep: lists, metadata, undeclared fields, what was before. It runs no statements.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind, Reason, Was};
use chancery_model::record::extra_value;
use chancery_model::{Json, JsonMap, Record, RecordMetadata, Source, Table, Value};
use serde::Serialize;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};

/// What a commit was for, at the index that is its stored number. New ones go to the end.
pub(crate) const REASONS: [Reason; 7] = [
    Reason::User,
    Reason::Ttl,
    Reason::Eviction,
    Reason::Merge,
    Reason::Import,
    Reason::Undo,
    Reason::Upkeep,
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

/// What was before a change, as text that reads back exactly: a JSON object of values by ordinal, in which what JSON has no
/// form for is an object of one member, `d` for a decimal, `l` for a list, `j` for JSON. What else the record was stands
/// beside them: `w` for its versions, times and actors, `m` for its metadata, `e` for its undeclared fields.
pub(crate) fn before_text<'a>(
    values: impl IntoIterator<Item = (u16, &'a Value)>,
    was: Option<&Was>,
) -> String {
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
    if let Some(was) = was {
        was_text(&mut out, was);
    }
    out.push('}');
    out
}

/// What the log keeps of a change of a record, as text.
pub(crate) fn changed_text(table: &Table, before: &[(u16, Value)], was: &Was) -> String {
    match table.forgetful {
        true => before_text([], Some(&was.clone().without_values())),
        false => before_text(before.iter().map(|(ordinal, value)| (*ordinal, value)), Some(was)),
    }
}

/// What the log keeps of a change after which a record is gone: every value that is not null, and what else it was.
pub(crate) fn removed_text(table: &Table, record: &Record) -> String {
    let was = Was::removed(record);
    match table.forgetful {
        true => before_text([], Some(&was.without_values())),
        false => {
            let kept = (0..).zip(&record.values).filter(|(_, value)| !value.is_null());
            before_text(kept, Some(&was))
        }
    }
}

fn was_text(out: &mut String, was: &Was) {
    let Was {
        version,
        updated_at,
        updated_by,
        deleted_at,
        expires_at,
        created,
        metadata,
        extra,
    } = was;
    let quoted = |text: &Option<Arc<str>>| text.as_deref().map(|text| Quoted(text).to_string());
    let time = |time: Option<i64>| time.map(|time| time.to_string());
    let created_by = created.as_ref().and_then(|(_, by)| quoted(by));
    let mut state = [
        Some(version.to_string()),
        Some(updated_at.to_string()),
        quoted(updated_by),
        time(*deleted_at),
        time(*expires_at),
        time(created.as_ref().map(|(at, _)| *at)),
        created_by,
    ]
    .to_vec();
    // Most of them are not there, so those at the end are left out.
    while state.last().is_some_and(Option::is_none) {
        state.pop();
    }
    out.push_str(if out.len() > 1 { ",\"w\":[" } else { "\"w\":[" });
    for (index, item) in state.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        out.push_str(item.as_deref().unwrap_or("null"));
    }
    out.push(']');
    if let Some(metadata) = metadata {
        let text = serde_json::to_string(metadata).expect("texts and numbers are always JSON");
        let _ = write!(out, ",\"m\":{text}");
    }
    if let Some(extra) = extra {
        let text = serde_json::to_string(extra).expect("a JSON object is always JSON");
        let _ = write!(out, ",\"e\":{text}");
    }
}

/// What the log keeps of what was before a change; none where nothing was.
pub(crate) fn logged_text(change: &Change) -> Option<String> {
    match change.kind {
        ChangeKind::Inserted | ChangeKind::Cleared => None,
        _ => {
            let values = change.before.iter().map(|(ordinal, value)| (*ordinal, value));
            Some(before_text(values, change.was.as_deref()))
        }
    }
}

/// A text as JSON writes it.
struct Quoted<'a>(&'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self.0).expect("a text is always JSON"))
    }
}

/// What was before a change: values by ordinal, and what else the record was, which logs of older programs do not hold.
pub(crate) type Before = (Vec<(u16, Value)>, Option<Box<Was>>);

/// Reads what [`before_text`] wrote.
pub(crate) fn read_before(text: &str) -> Result<Before, String> {
    let members: JsonMap = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (mut values, mut was) = (Vec::with_capacity(members.len()), None);
    for (name, json) in members {
        let read = match name.as_str() {
            "w" => read_state(json, was.get_or_insert_with(Box::<Was>::default)),
            "m" => serde_json::from_value(json).ok().map(|metadata| {
                was.get_or_insert_with(Box::<Was>::default).metadata = Some(metadata);
            }),
            "e" => serde_json::from_value(json).ok().map(|extra| {
                was.get_or_insert_with(Box::<Was>::default).extra = Some(extra);
            }),
            ordinal => match (ordinal.parse(), read_value(json)) {
                (Ok(ordinal), Some(value)) => {
                    values.push((ordinal, value));
                    Some(())
                }
                _ => None,
            },
        };
        read.ok_or_else(|| "a value of the change log".to_owned())?;
    }
    Ok((values, was))
}

fn read_state(json: Json, was: &mut Was) -> Option<()> {
    let Json::Array(items) = json else { return None };
    let mut items = items.into_iter();
    let mut next = || items.next().filter(|item| !item.is_null());
    was.version = next()?.as_u64()?;
    was.updated_at = next()?.as_i64()?;
    was.updated_by = read_text(next())?;
    was.deleted_at = read_time(next())?;
    was.expires_at = read_time(next())?;
    let (at, by) = (read_time(next())?, read_text(next())?);
    was.created = at.map(|at| (at, by));
    Some(())
}

fn read_time(json: Option<Json>) -> Option<Option<i64>> {
    match json {
        None => Some(None),
        Some(json) => json.as_i64().map(Some),
    }
}

fn read_text(json: Option<Json>) -> Option<Option<Arc<str>>> {
    match json {
        None => Some(None),
        Some(json) => json.as_str().map(|text| Some(text.into())),
    }
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
        let values = || pairs.iter().map(|(ordinal, value)| (*ordinal, value));
        let text = before_text(values(), None);
        assert_eq!(read_before(&text).unwrap(), (pairs.clone(), None), "{text}");
        let was = Some(Box::new(Was {
            version: 7,
            updated_by: Some("a\"b".into()),
            extra: Some(JsonMap::new()),
            ..Was::default()
        }));
        let text = before_text(values(), was.as_deref());
        assert_eq!(read_before(&text).unwrap(), (pairs.clone(), was), "{text}");
    }

    #[test]
    fn what_a_record_was_reads_back_exactly() {
        let by = |text: &str| -> Option<Arc<str>> { Some(text.into()) };
        let metadata = RecordMetadata {
            source: Source::Import,
            external_id: Some("é\u{0}\u{1}".into()),
            ..RecordMetadata::default()
        };
        let odd = serde_json::json!({"1": 1, "w": [1.50], "m": null});
        let all = [
            Was::default(),
            Was {
                version: u64::MAX,
                updated_at: i64::MIN,
                updated_by: by("\u{0}ü"),
                ..Was::default()
            },
            Was {
                version: 1,
                deleted_at: Some(-5),
                metadata: Some(RecordMetadata::default()),
                extra: Some(JsonMap::new()),
                ..Was::default()
            },
            Was {
                created: Some((5, None)),
                expires_at: Some(i64::MAX),
                metadata: Some(metadata),
                ..Was::default()
            },
            Was {
                created: Some((0, by("me"))),
                extra: odd.as_object().cloned(),
                ..Was::default()
            },
        ];
        for was in all {
            let text = before_text([(3, &Value::Null)], Some(&was));
            let (values, read) = read_before(&text).unwrap();
            assert_eq!(values, [(3, Value::Null)]);
            assert_eq!(read.as_deref(), Some(&was), "{text}");
        }
    }
}
