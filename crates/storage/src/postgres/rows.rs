//! Records as rows and back, value by value. It runs no statements.

use std::error::Error;
use std::sync::Arc;

use chancery_model::{Key, KeyKind, Record, RecordMetadata, Value};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::fault::{Fault, Pg};
use super::numeric;
use super::relation::{Relation, SYSTEM_COLUMNS};
use super::statement::Param;
use super::text::unescape;
use crate::error::StorageError;
use crate::forms;

/// How the values of a field are kept in its SQL column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `boolean`.
    Bool,
    /// `bigint`.
    Int,
    /// `numeric`: a whole number or a float.
    Number,
    /// `numeric`: a decimal that shows at least so many digits behind the point.
    Decimal(u32),
    /// `text`, compared by its bytes.
    Text,
    /// `text[]`, its items compared by their bytes.
    List,
    /// JSON as it was written: `text`.
    Json,
    /// `uuid`; read as its text.
    Uuid,
    /// A member of the JSON object of undeclared fields.
    Extra(String),
    /// Nowhere: always null.
    Absent,
}

impl Shape {
    /// The SQL type of a column.
    pub(super) fn sql(&self) -> &'static str {
        match self {
            Shape::Bool => "boolean",
            Shape::Int => "bigint",
            Shape::Number | Shape::Decimal(_) => "numeric",
            Shape::List => "text[] COLLATE \"C\"",
            Shape::Uuid => "uuid",
            Shape::Text | Shape::Json | Shape::Extra(_) | Shape::Absent => "text COLLATE \"C\"",
        }
    }

    /// The type of what is bound to a column.
    pub(super) fn ty(&self) -> Type {
        match self {
            Shape::Bool => Type::BOOL,
            Shape::Int => Type::INT8,
            Shape::Number | Shape::Decimal(_) => Type::NUMERIC,
            Shape::List => Type::TEXT_ARRAY,
            Shape::Uuid => Type::UUID,
            Shape::Text | Shape::Json | Shape::Extra(_) | Shape::Absent => Type::TEXT,
        }
    }
}

/// The digits of a `numeric`.
pub(super) struct Digits(pub(super) String);

impl<'a> FromSql<'a> for Digits {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Digits, Box<dyn Error + Sync + Send>> {
        numeric::decode(bytes)
            .map(Digits)
            .ok_or_else(|| "not a finite number".into())
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::NUMERIC
    }
}

/// What is stored cannot be what was stored.
pub(super) fn unreadable(what: impl ToString) -> Fault {
    Fault::Unreadable(what.to_string())
}

/// Reads a record from a row that starts with the system columns and goes on with the relation's slots.
pub(super) fn record(row: &Row, relation: &Relation) -> Pg<Record> {
    let text =
        |index: usize| -> Pg<Option<String>> { Ok(row.try_get::<_, Option<&str>>(index)?.map(unescape)) };
    let time = |index: usize| -> Pg<Option<i64>> { Ok(row.try_get(index)?) };
    let whole = |index: usize| -> Pg<i64> { Ok(row.try_get(index)?) };
    let mut values = vec![Value::Null; relation.width];
    for (index, slot) in relation.slots.iter().enumerate() {
        values[usize::from(slot.ordinal)] = decode(&slot.shape, row, SYSTEM_COLUMNS + index)?;
    }
    let mut metadata = match row.try_get::<_, Option<&str>>(10)? {
        None => RecordMetadata::default(),
        Some(text) => serde_json::from_str(text).map_err(unreadable)?,
    };
    metadata.external_id = text(9)?;
    let extra = match row.try_get::<_, Option<&str>>(11)? {
        None => None,
        Some(text) => Some(serde_json::from_str(text).map_err(unreadable)?),
    };
    Ok(Record {
        key: decode_key(relation.key_kind, row, 0)?,
        version: whole(1)? as u64,
        change: whole(2)? as u64,
        created_at: whole(3)?,
        updated_at: whole(4)?,
        created_by: text(5)?.map(Into::into),
        updated_by: text(6)?.map(Into::into),
        expires_at: time(7)?,
        deleted_at: time(8)?,
        metadata,
        values: values.into_boxed_slice(),
        extra,
    })
}

/// Records, shared.
pub(super) fn records(rows: &[Row], relation: &Relation) -> Pg<Vec<Arc<Record>>> {
    rows.iter()
        .map(|row| record(row, relation).map(Arc::new))
        .collect()
}

/// Reads a key of a known kind.
pub(super) fn decode_key(kind: KeyKind, row: &Row, index: usize) -> Pg<Key> {
    Ok(match kind {
        KeyKind::Int => Key::Int(row.try_get(index)?),
        KeyKind::Text => Key::Text(unescape(row.try_get(index)?).into()),
        KeyKind::Uuid => Key::Uuid(row.try_get(index)?),
    })
}

/// A key to bind.
pub(super) fn encode_key(key: &Key) -> Param {
    match key {
        Key::Int(int) => Param::Int(*int),
        Key::Text(text) => Param::Text(text.to_string()),
        Key::Uuid(uuid) => Param::Uuid(*uuid),
    }
}

/// Keys to bind as one array; those of another kind than the table's are nobody's and left out.
pub(super) fn encode_keys<'a>(kind: KeyKind, keys: impl Iterator<Item = &'a Key>) -> Param {
    match kind {
        KeyKind::Int => Param::Ints(
            keys.filter_map(|key| if let Key::Int(int) = key { Some(*int) } else { None })
                .collect(),
        ),
        KeyKind::Text => Param::Texts(
            keys.filter_map(|key| {
                if let Key::Text(text) = key {
                    Some(text.to_string())
                } else {
                    None
                }
            })
            .collect(),
        ),
        KeyKind::Uuid => Param::Uuids(
            keys.filter_map(|key| {
                if let Key::Uuid(uuid) = key {
                    Some(*uuid)
                } else {
                    None
                }
            })
            .collect(),
        ),
    }
}

/// Reads a value.
pub(super) fn decode(shape: &Shape, row: &Row, index: usize) -> Pg<Value> {
    fn or_null<T>(found: Option<T>, value: impl FnOnce(T) -> Pg<Value>) -> Pg<Value> {
        found.map_or(Ok(Value::Null), value)
    }
    let digits = || -> Pg<Option<Digits>> { Ok(row.try_get(index)?) };
    let text = || -> Pg<Option<&str>> { Ok(row.try_get(index)?) };
    match shape {
        Shape::Absent => Ok(Value::Null),
        Shape::Bool => or_null(row.try_get(index)?, |bool| Ok(Value::Bool(bool))),
        Shape::Int => or_null(row.try_get(index)?, |int| Ok(Value::Int(int))),
        Shape::Number => or_null(digits()?, |found| {
            numeric::number(&found.0).ok_or_else(|| unreadable("a number beyond what numbers may be"))
        }),
        Shape::Decimal(scale) => or_null(digits()?, |found| {
            let decimal = numeric::decimal(&found.0, *scale);
            decimal
                .map(Value::Decimal)
                .ok_or_else(|| unreadable("a decimal of more than 28 digits"))
        }),
        Shape::Text => or_null(text()?, |text| Ok(Value::Text(unescape(text)))),
        Shape::List => or_null(row.try_get::<_, Option<Vec<&str>>>(index)?, |list| {
            Ok(Value::List(list.into_iter().map(unescape).collect()))
        }),
        Shape::Json => or_null(text()?, |text| {
            serde_json::from_str(text).map(Value::Json).map_err(unreadable)
        }),
        Shape::Uuid => or_null(row.try_get::<_, Option<uuid::Uuid>>(index)?, |uuid| {
            Ok(Value::Text(uuid.to_string()))
        }),
        Shape::Extra(name) => or_null(text()?, |text| forms::extra_field(text, name).map_err(unreadable)),
    }
}

/// A value to bind to a column of this shape.
pub(super) fn encode(shape: &Shape, value: &Value) -> Result<Param, StorageError> {
    Ok(match (shape, value) {
        (shape, Value::Null) => Param::Null(shape.ty()),
        (Shape::Bool, Value::Bool(bool)) => Param::Bool(*bool),
        (Shape::Int, Value::Int(int)) => Param::Int(*int),
        (Shape::Number, Value::Int(_) | Value::Float(_))
        | (Shape::Decimal(_), Value::Int(_) | Value::Decimal(_)) => {
            Param::Numeric(numeric::digits(value).unwrap_or_default())
        }
        (Shape::Text, Value::Text(text)) => Param::Text(text.clone()),
        (Shape::List, Value::List(list)) => Param::Texts(list.clone()),
        (Shape::Json, Value::Json(json)) => Param::Text(json.to_string()),
        (shape, _) => {
            return Err(StorageError::Internal(format!(
                "a value of another kind than its column, kept as {shape:?}"
            )));
        }
    })
}

/// The values of the system columns of a record, its key aside.
pub(super) fn encode_system(record: &Record) -> Vec<Param> {
    vec![
        Param::Int(record.version as i64),
        Param::Int(record.change as i64),
        Param::Int(record.created_at),
        Param::Int(record.updated_at),
        Param::text(record.created_by.as_deref()),
        Param::text(record.updated_by.as_deref()),
        Param::int(record.expires_at),
        Param::int(record.deleted_at),
        Param::text(record.metadata.external_id.as_deref()),
        Param::text(forms::metadata_text(&record.metadata).as_deref()),
        Param::text(forms::extra_text(record).as_deref()),
    ]
}
