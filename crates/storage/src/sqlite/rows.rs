//! Records as rows and back, value by value. It runs no statements.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::{Key, KeyKind, Record, RecordMetadata, Value};
use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Row, Statement};
use rust_decimal::Decimal;

use super::fault::{Sql, unreadable};
use super::relation::Relation;
use crate::forms::{extra_field, extra_text, list_text, metadata_text};

/// How the values of a field are kept in its SQL column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// 0 or 1.
    Bool,
    /// A whole number.
    Int,
    /// A whole number or a float.
    Number,
    /// A whole number: the decimal times ten to the power of this.
    Decimal(u32),
    /// Text.
    Text,
    /// A JSON array of texts.
    List,
    /// JSON.
    Json,
    /// 16 bytes that are read as the text of a UUID.
    Uuid,
    /// A member of the JSON object of undeclared fields.
    Extra(String),
    /// Nowhere: always null.
    Absent,
}

/// The number of system columns, which come first in every row.
pub(super) const SYSTEM_COLUMNS: usize = 12;

/// Actors that records name, so that each is kept once.
#[derive(Debug, Default)]
pub(super) struct Names {
    last: Option<Arc<str>>,
    known: HashSet<Arc<str>>,
}

/// Names kept before all are forgotten.
const NAMES_MAX: usize = 4_096;

impl Names {
    fn get(&mut self, name: ValueRef<'_>) -> Sql<Option<Arc<str>>> {
        let Some(name) = name.as_str_or_null()? else {
            return Ok(None);
        };
        if let Some(last) = &self.last
            && **last == *name
        {
            return Ok(Some(last.clone()));
        }
        let known = match self.known.get(name) {
            Some(known) => known.clone(),
            None => {
                if self.known.len() >= NAMES_MAX {
                    self.known.clear();
                }
                let new: Arc<str> = name.into();
                self.known.insert(new.clone());
                new
            }
        };
        self.last = Some(known.clone());
        Ok(Some(known))
    }
}

/// Reads a record from a row that starts with the system columns and goes on with the relation's slots.
pub(super) fn record(row: &Row<'_>, relation: &Relation, names: &mut Names) -> Sql<Record> {
    let at = |index: usize| row.get_ref(index);
    let time = |index: usize| -> Sql<Option<i64>> { Ok(at(index)?.as_i64_or_null()?) };
    let mut values = vec![Value::Null; relation.width];
    for (index, slot) in relation.slots.iter().enumerate() {
        values[usize::from(slot.ordinal)] = decode(&slot.shape, at(SYSTEM_COLUMNS + index)?)?;
    }
    let mut metadata = match at(10)?.as_str_or_null()? {
        None => RecordMetadata::default(),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?,
    };
    metadata.external_id = at(9)?.as_str_or_null()?.map(str::to_owned);
    let extra = match at(11)?.as_str_or_null()? {
        None => None,
        Some(text) => Some(serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?),
    };
    Ok(Record {
        key: decode_key(relation.key_kind, at(0)?)?,
        version: at(1)?.as_i64()? as u64,
        change: at(2)?.as_i64()? as u64,
        created_at: at(3)?.as_i64()?,
        updated_at: at(4)?.as_i64()?,
        created_by: names.get(at(5)?)?,
        updated_by: names.get(at(6)?)?,
        expires_at: time(7)?,
        deleted_at: time(8)?,
        metadata,
        values: values.into_boxed_slice(),
        extra,
    })
}

/// Reads a key of a known kind.
pub(super) fn decode_key(kind: KeyKind, value: ValueRef<'_>) -> Sql<Key> {
    Ok(match kind {
        KeyKind::Int => Key::Int(value.as_i64()?),
        KeyKind::Text => Key::Text(value.as_str()?.into()),
        KeyKind::Uuid => {
            let bytes = value.as_blob()?;
            Key::Uuid(uuid::Uuid::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?)
        }
    })
}

/// Reads a key whose kind its SQL type tells.
pub(super) fn decode_any_key(value: ValueRef<'_>) -> Sql<Option<Key>> {
    Ok(Some(match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Integer(_) => decode_key(KeyKind::Int, value)?,
        ValueRef::Text(_) => decode_key(KeyKind::Text, value)?,
        _ => decode_key(KeyKind::Uuid, value)?,
    }))
}

/// A key to bind.
pub(super) fn encode_key(key: &Key) -> ToSqlOutput<'_> {
    match key {
        Key::Int(int) => ToSqlOutput::Owned(SqlValue::Integer(*int)),
        Key::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Key::Uuid(uuid) => ToSqlOutput::Borrowed(ValueRef::Blob(uuid.as_bytes())),
    }
}

/// Reads a value. What is there in another form than the column's (it was of another type once) is read as it is.
pub(super) fn decode(shape: &Shape, value: ValueRef<'_>) -> Sql<Value> {
    fn read(text: &[u8]) -> Sql<&str> {
        std::str::from_utf8(text).map_err(|error| unreadable(error.to_string()))
    }
    Ok(match (shape, value) {
        (_, ValueRef::Null) | (Shape::Absent, _) => Value::Null,
        (Shape::Bool, ValueRef::Integer(int)) => Value::Bool(int != 0),
        (Shape::Decimal(scale), ValueRef::Integer(int)) => Value::Decimal(Decimal::new(int, *scale)),
        (_, ValueRef::Integer(int)) => Value::Int(int),
        (_, ValueRef::Real(real)) => Value::Float(real),
        (Shape::List, ValueRef::Text(text)) => match serde_json::from_slice(text) {
            Ok(list) => Value::List(list),
            Err(error) => return Err(unreadable(error.to_string())),
        },
        (Shape::Json, ValueRef::Text(text)) => match serde_json::from_slice(text) {
            Ok(json) => Value::Json(json),
            Err(error) => return Err(unreadable(error.to_string())),
        },
        (Shape::Extra(name), ValueRef::Text(text)) => {
            extra_field(read(text)?, name).map_err(|error| unreadable(error.to_string()))?
        }
        (_, ValueRef::Text(text)) => Value::Text(read(text)?.to_owned()),
        (Shape::Uuid, ValueRef::Blob(_)) => Value::Text(decode_key(KeyKind::Uuid, value)?.to_string()),
        (_, ValueRef::Blob(_)) => return Err(unreadable("bytes in a column that holds none")),
    })
}

/// A value to bind to a column of this shape.
pub(super) fn encode<'a>(shape: &Shape, value: &'a Value) -> Sql<ToSqlOutput<'a>> {
    Ok(match value {
        Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
        Value::Bool(bool) => ToSqlOutput::Owned(SqlValue::Integer(i64::from(*bool))),
        Value::Int(int) => ToSqlOutput::Owned(SqlValue::Integer(*int)),
        Value::Float(float) => ToSqlOutput::Owned(SqlValue::Real(*float)),
        Value::Decimal(decimal) => {
            let Shape::Decimal(scale) = shape else {
                return Err(unstorable(format!("a decimal in a column kept as {shape:?}")));
            };
            match scaled(decimal, *scale) {
                Some(int) => ToSqlOutput::Owned(SqlValue::Integer(int)),
                None => {
                    return Err(unstorable(format!(
                        "{decimal} does not fit {scale} decimals in 64 bits"
                    )));
                }
            }
        }
        Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        Value::List(list) => ToSqlOutput::Owned(SqlValue::Text(list_text(list))),
        Value::Json(json) => ToSqlOutput::Owned(SqlValue::Text(json.to_string())),
    })
}

/// A decimal times ten to the power of `scale`, if that is a whole number of 64 bits.
pub(super) fn scaled(decimal: &Decimal, scale: u32) -> Option<i64> {
    let decimal = if decimal.scale() > scale {
        decimal.normalize()
    } else {
        *decimal
    };
    let missing = scale.checked_sub(decimal.scale())?;
    let mantissa = decimal.mantissa().checked_mul(10_i128.checked_pow(missing)?)?;
    i64::try_from(mantissa).ok()
}

fn unstorable(what: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(what.into())
}

/// A value as bytes that sort as [`Value`] does; none for null.
pub(super) fn order_bytes(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match value {
        Value::Null => return None,
        Value::Bool(bool) => out.extend([1, u8::from(*bool)]),
        Value::Int(int) => {
            // The nearest float first, then how far the number is from it, so that all 64 bits count.
            let near = *int as f64;
            let rest = (i128::from(*int) - near as i128) as i16;
            out.push(2);
            out.extend(float_order(near));
            out.extend((rest as u16 ^ 0x8000).to_be_bytes());
        }
        Value::Float(float) => {
            out.push(2);
            out.extend(float_order(*float));
            out.extend(0x8000_u16.to_be_bytes());
        }
        Value::Decimal(_) => {
            let float = value.as_f64().unwrap_or_default();
            out.push(2);
            out.extend(float_order(float));
            out.extend(0x8000_u16.to_be_bytes());
        }
        Value::Text(text) => {
            out.push(3);
            out.extend(text.as_bytes());
        }
        Value::List(list) => {
            out.push(4);
            for item in list {
                for byte in item.bytes() {
                    out.push(byte);
                    // So that U+0000 is more than the end of an item, and less than any other character.
                    out.extend((byte == 0).then_some(0xff));
                }
                out.extend([0, 0]);
            }
        }
        Value::Json(json) => {
            out.push(5);
            out.extend(json.to_string().into_bytes());
        }
    }
    Some(out)
}

/// A float as bytes that sort as it does.
fn float_order(float: f64) -> [u8; 8] {
    let bits = (float + 0.0).to_bits();
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    ordered.to_be_bytes()
}

/// Binds a whole record to the insert statement.
pub(super) fn bind_record(insert: &mut Statement<'_>, relation: &Relation, record: &Record) -> Sql<()> {
    insert.raw_bind_parameter(1, encode_key(&record.key))?;
    insert.raw_bind_parameter(2, record.version as i64)?;
    insert.raw_bind_parameter(3, record.change as i64)?;
    insert.raw_bind_parameter(4, record.created_at)?;
    insert.raw_bind_parameter(5, record.updated_at)?;
    insert.raw_bind_parameter(6, record.created_by.as_deref())?;
    insert.raw_bind_parameter(7, record.updated_by.as_deref())?;
    insert.raw_bind_parameter(8, record.expires_at)?;
    insert.raw_bind_parameter(9, record.deleted_at)?;
    insert.raw_bind_parameter(10, record.metadata.external_id.as_deref())?;
    insert.raw_bind_parameter(11, metadata_text(&record.metadata))?;
    insert.raw_bind_parameter(SYSTEM_COLUMNS, extra_text(record))?;
    for (index, slot) in relation.slots.iter().enumerate() {
        let value = encode(&slot.shape, record.value(slot.ordinal))?;
        insert.raw_bind_parameter(SYSTEM_COLUMNS + 1 + index, value)?;
    }
    Ok(())
}

/// Binds the system columns to an update statement, as [`Relation::update`] orders them.
pub(super) fn bind_state(update: &mut Statement<'_>, record: &Record) -> Sql<()> {
    update.raw_bind_parameter(1, record.version as i64)?;
    update.raw_bind_parameter(2, record.change as i64)?;
    update.raw_bind_parameter(3, record.created_at)?;
    update.raw_bind_parameter(4, record.updated_at)?;
    update.raw_bind_parameter(5, record.created_by.as_deref())?;
    update.raw_bind_parameter(6, record.updated_by.as_deref())?;
    update.raw_bind_parameter(7, record.expires_at)?;
    update.raw_bind_parameter(8, record.metadata.external_id.as_deref())?;
    update.raw_bind_parameter(9, metadata_text(&record.metadata))?;
    update.raw_bind_parameter(10, extra_text(record))
}
