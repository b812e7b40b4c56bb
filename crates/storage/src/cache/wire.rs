//! Answers as bytes for the shared level, and back. Bytes that are not exactly what was written are no answer.

use std::sync::Arc;

use chancery_model::aggregate::Group;
use chancery_model::{Key, Record, Value};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answers::{Held, Span};
use super::question::Answer;

/// The first byte of what is written. It rises with every change of the forms below.
pub(super) const FORMAT: u8 = 1;
/// Format and checksum.
const HEAD_BYTES: usize = 5;

#[derive(Serialize, Deserialize)]
struct HeldForm {
    from: i64,
    until: i64,
    answer: AnswerForm,
}

#[derive(Serialize, Deserialize)]
enum AnswerForm {
    Records(Vec<RecordForm>),
    Count(u64),
    Figures(Vec<(Vec<ValueForm>, Vec<ValueForm>)>),
}

#[derive(Serialize, Deserialize)]
enum KeyForm {
    Int(i64),
    Text(String),
    Uuid([u8; 16]),
}

#[derive(Serialize, Deserialize)]
struct RecordForm {
    key: KeyForm,
    deleted_at: Option<i64>,
    expires_at: Option<i64>,
    version: u64,
    change: u64,
    created_at: i64,
    updated_at: i64,
    created_by: Option<String>,
    updated_by: Option<String>,
    /// As JSON; it is small and has a form of its own already.
    metadata: String,
    values: Vec<ValueForm>,
    /// As JSON.
    extra: Option<String>,
}

#[derive(Serialize, Deserialize)]
enum ValueForm {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal([u8; 16]),
    Text(String),
    List(Vec<String>),
    Json(String),
}

/// Writes an answer, its state aside: that is part of the name it is kept under. None if it has no form.
pub(super) fn write(held: &Held) -> Option<Vec<u8>> {
    let answer = match &held.answer {
        Answer::Records(records) => AnswerForm::Records(
            records
                .iter()
                .map(|record| record_form(record))
                .collect::<Option<_>>()?,
        ),
        Answer::Count(count) => AnswerForm::Count(*count),
        Answer::Figures(groups) => {
            let form = |group: &Group| (value_forms(&group.keys), value_forms(&group.figures));
            AnswerForm::Figures(groups.iter().map(form).collect())
        }
    };
    let form = HeldForm {
        from: held.span.from,
        until: held.span.until,
        answer,
    };
    let mut bytes = vec![FORMAT, 0, 0, 0, 0];
    bytes = postcard::to_extend(&form, bytes).ok()?;
    let sum = crc32fast::hash(bytes.get(HEAD_BYTES..)?);
    bytes.get_mut(1..HEAD_BYTES)?.copy_from_slice(&sum.to_le_bytes());
    Some(bytes)
}

/// Reads what [`write`] wrote; none for anything else.
pub(super) fn read(bytes: &[u8], state: u128) -> Option<Held> {
    let (head, body) = bytes.split_at_checked(HEAD_BYTES)?;
    let sum: [u8; 4] = head.get(1..)?.try_into().ok()?;
    if head.first() != Some(&FORMAT) || u32::from_le_bytes(sum) != crc32fast::hash(body) {
        return None;
    }
    let (form, rest): (HeldForm, &[u8]) = postcard::take_from_bytes(body).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let answer = match form.answer {
        AnswerForm::Records(records) => {
            let records: Option<Vec<Arc<Record>>> = records
                .into_iter()
                .map(|form| record(form).map(Arc::new))
                .collect();
            Answer::Records(records?.into())
        }
        AnswerForm::Count(count) => Answer::Count(count),
        AnswerForm::Figures(groups) => {
            let group = |(keys, figures)| {
                Some(Group {
                    keys: values(keys)?,
                    figures: values(figures)?,
                })
            };
            let groups: Option<Vec<Group>> = groups.into_iter().map(group).collect();
            Answer::Figures(groups?.into())
        }
    };
    Some(Held {
        state,
        span: Span {
            from: form.from,
            until: form.until,
        },
        answer,
    })
}

fn record_form(record: &Record) -> Option<RecordForm> {
    Some(RecordForm {
        key: match &record.key {
            Key::Int(int) => KeyForm::Int(*int),
            Key::Text(text) => KeyForm::Text(text.to_string()),
            Key::Uuid(uuid) => KeyForm::Uuid(*uuid.as_bytes()),
        },
        deleted_at: record.deleted_at,
        expires_at: record.expires_at,
        version: record.version,
        change: record.change,
        created_at: record.created_at,
        updated_at: record.updated_at,
        created_by: record.created_by.as_deref().map(str::to_owned),
        updated_by: record.updated_by.as_deref().map(str::to_owned),
        metadata: serde_json::to_string(&record.metadata).ok()?,
        values: value_forms(&record.values),
        extra: match &record.extra {
            Some(extra) => Some(serde_json::to_string(extra).ok()?),
            None => None,
        },
    })
}

fn record(form: RecordForm) -> Option<Record> {
    Some(Record {
        key: match form.key {
            KeyForm::Int(int) => Key::Int(int),
            KeyForm::Text(text) => Key::Text(text.into()),
            KeyForm::Uuid(bytes) => Key::Uuid(Uuid::from_bytes(bytes)),
        },
        deleted_at: form.deleted_at,
        expires_at: form.expires_at,
        version: form.version,
        change: form.change,
        created_at: form.created_at,
        updated_at: form.updated_at,
        created_by: form.created_by.map(Into::into),
        updated_by: form.updated_by.map(Into::into),
        metadata: serde_json::from_str(&form.metadata).ok()?,
        values: values(form.values)?.into(),
        extra: match form.extra {
            Some(extra) => Some(serde_json::from_str(&extra).ok()?),
            None => None,
        },
    })
}

fn value_forms(values: &[Value]) -> Vec<ValueForm> {
    let form = |value: &Value| match value {
        Value::Null => ValueForm::Null,
        Value::Bool(bool) => ValueForm::Bool(*bool),
        Value::Int(int) => ValueForm::Int(*int),
        Value::Float(float) => ValueForm::Float(*float),
        Value::Decimal(decimal) => ValueForm::Decimal(decimal.serialize()),
        Value::Text(text) => ValueForm::Text(text.clone()),
        Value::List(list) => ValueForm::List(list.clone()),
        Value::Json(json) => ValueForm::Json(json.to_string()),
    };
    values.iter().map(form).collect()
}

fn values(forms: Vec<ValueForm>) -> Option<Vec<Value>> {
    let value = |form| {
        Some(match form {
            ValueForm::Null => Value::Null,
            ValueForm::Bool(bool) => Value::Bool(bool),
            ValueForm::Int(int) => Value::Int(int),
            ValueForm::Float(float) => Value::Float(float),
            ValueForm::Decimal(bytes) => Value::Decimal(Decimal::deserialize(bytes)),
            ValueForm::Text(text) => Value::Text(text),
            ValueForm::List(list) => Value::List(list),
            ValueForm::Json(json) => Value::Json(serde_json::from_str(&json).ok()?),
        })
    };
    forms.into_iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use chancery_model::{RecordMetadata, Source};
    use serde_json::json;

    use super::*;

    fn held() -> Held {
        let record = |key: Key| Record {
            key,
            deleted_at: Some(-1),
            expires_at: None,
            version: u64::MAX,
            change: 7,
            created_at: 1,
            updated_at: i64::MIN,
            created_by: Some("ann".into()),
            updated_by: None,
            metadata: RecordMetadata {
                source: Source::Import,
                import_id: Some("i".into()),
                import_row: Some(3),
                external_id: Some(String::new()),
                duplicate_of: None,
            },
            values: vec![
                Value::Null,
                Value::Bool(true),
                Value::Int(i64::MIN),
                Value::Float(0.1),
                Value::Decimal("-12.50".parse().unwrap()),
                Value::text("\"ä\n\u{1}"),
                Value::List(vec!["a".into(), String::new()]),
                Value::Json(Box::new(json!({"z": 1, "a": [1.50, null]}))),
            ]
            .into(),
            extra: json!({"b": 1, "a": "x"}).as_object().cloned().map(Box::new),
        };
        let keys = [Key::Int(-1), Key::Text("k".into()), Key::Uuid(Uuid::from_u128(5))];
        let records: Vec<Arc<Record>> = keys.into_iter().map(|key| Arc::new(record(key))).collect();
        Held {
            state: 9,
            span: Span {
                from: -5,
                until: i64::MAX,
            },
            answer: Answer::Records(records.into()),
        }
    }

    #[test]
    fn every_answer_reads_back_exactly() {
        let figures = Group {
            keys: vec![Value::Null, Value::text("k")],
            figures: vec![Value::Int(2), Value::Decimal("1.10".parse().unwrap())],
        };
        for answer in [
            held().answer,
            Answer::Count(u64::MAX),
            Answer::Figures(vec![figures].into()),
            Answer::Records(Vec::new().into()),
        ] {
            let held = Held { answer, ..held() };
            let bytes = write(&held).unwrap();
            assert_eq!(read(&bytes, 9).unwrap(), held);
            // The scale of a decimal is part of it.
            assert_eq!(format!("{:?}", read(&bytes, 9).unwrap()), format!("{held:?}"));
        }
    }

    #[test]
    fn whatever_was_changed_on_the_way_is_no_answer() {
        let bytes = write(&held()).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x40;
            assert_eq!(read(&changed, 9), None, "byte {at}");
            assert_eq!(read(&bytes[..at], 9), None, "cut at {at}");
        }
        assert_eq!(read(&[bytes.as_slice(), &[0]].concat(), 9), None);
        assert_eq!(read(b"", 9), None);
    }

    #[test]
    fn another_format_is_no_answer() {
        let mut bytes = write(&held()).unwrap();
        bytes[0] = FORMAT + 1;
        assert_eq!(read(&bytes, 9), None);
    }
}
