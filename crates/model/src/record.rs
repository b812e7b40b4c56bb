//! One record as stored: key, values by column ordinal, metadata. Not a wire type; `chancery` renders it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::filter::FieldRef;
use crate::{JsonMap, Key, Value};

/// One item of a table.
///
/// The layout is fixed: what every read by key looks at stands first, so that it costs one or two cache lines.
#[derive(Clone, Debug, PartialEq)]
#[repr(C)]
pub struct Record {
    /// Its identity.
    pub key: Key,
    /// When it was moved to the trash, in ms.
    pub deleted_at: Option<i64>,
    /// When it expires, in ms.
    pub expires_at: Option<i64>,
    /// 1 on insert, one more with each update.
    pub version: u64,
    /// The number of its newest row in the change log; set by the backend when it commits.
    pub change: u64,
    /// When it was inserted, in ms.
    pub created_at: i64,
    /// When it was last written, in ms.
    pub updated_at: i64,
    /// Who inserted it.
    pub created_by: Option<Arc<str>>,
    /// Who last wrote it.
    pub updated_by: Option<Arc<str>>,
    /// Where it came from.
    pub metadata: RecordMetadata,
    /// Values by column ordinal; shorter than the table's columns if columns were added since (absent is null).
    /// The key column's slot is null: the key holds it.
    pub values: Box<[Value]>,
    /// Fields of an open table that no column declares.
    pub extra: Option<Box<JsonMap>>,
}

/// Where a record came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RecordMetadata {
    /// What made it.
    pub source: Source,
    /// The import that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_id: Option<Arc<str>>,
    /// Its row in that import's file, from 1, the header not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_row: Option<u64>,
    /// Its id in an outside system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The survivor it was merged into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<String>,
}

/// What made a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A person on the web page.
    Ui,
    /// An import.
    Import,
    /// A program: the library or HTTP.
    #[default]
    Api,
    /// An automation.
    Automation,
    /// A form.
    Form,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 5] = [
        Source::Ui,
        Source::Import,
        Source::Api,
        Source::Automation,
        Source::Form,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Ui => "ui",
            Source::Import => "import",
            Source::Api => "api",
            Source::Automation => "automation",
            Source::Form => "form",
        }
    }
}

static NULL: Value = Value::Null;

impl Record {
    /// The value of a column; null where the record is older than the column.
    pub fn value(&self, ordinal: u16) -> &Value {
        self.values.get(usize::from(ordinal)).unwrap_or(&NULL)
    }

    /// The value that a field reference addresses: a column, a system field or an undeclared field.
    pub fn field(&self, field: &FieldRef) -> std::borrow::Cow<'_, Value> {
        use std::borrow::Cow;
        let text = |text: &Option<Arc<str>>| text.as_ref().map_or(Value::Null, |text| Value::text(&**text));
        let time = |time: Option<i64>| time.map_or(Value::Null, Value::Int);
        match field {
            FieldRef::Column(ordinal) => Cow::Borrowed(self.value(*ordinal)),
            FieldRef::Key => Cow::Owned(key_value(&self.key)),
            FieldRef::Version => Cow::Owned(Value::Int(self.version as i64)),
            FieldRef::CreatedAt => Cow::Owned(Value::Int(self.created_at)),
            FieldRef::UpdatedAt => Cow::Owned(Value::Int(self.updated_at)),
            FieldRef::ExpiresAt => Cow::Owned(time(self.expires_at)),
            FieldRef::DeletedAt => Cow::Owned(time(self.deleted_at)),
            FieldRef::CreatedBy => Cow::Owned(text(&self.created_by)),
            FieldRef::UpdatedBy => Cow::Owned(text(&self.updated_by)),
            FieldRef::ExternalId => {
                Cow::Owned(self.metadata.external_id.clone().map_or(Value::Null, Value::Text))
            }
            FieldRef::Source => Cow::Owned(Value::text(self.metadata.source.as_str())),
            FieldRef::ImportId => Cow::Owned(text(&self.metadata.import_id)),
            FieldRef::ImportRow => {
                let row = self.metadata.import_row.map(|row| Value::Int(row as i64));
                Cow::Owned(row.unwrap_or(Value::Null))
            }
            FieldRef::DuplicateOf => Cow::Owned(
                self.metadata
                    .duplicate_of
                    .clone()
                    .map_or(Value::Null, Value::Text),
            ),
            // Only a plan knows what is searched for.
            FieldRef::Rank => Cow::Owned(Value::Null),
            FieldRef::Extra(name) => {
                let json = self.extra.as_ref().and_then(|extra| extra.get(name));
                Cow::Owned(json.map_or(Value::Null, extra_value))
            }
        }
    }

    /// Its next version, written at `now` by `actor`, with nothing else changed yet.
    pub fn next(&self, now: i64, actor: Option<Arc<str>>) -> Record {
        Record {
            version: self.version + 1,
            updated_at: now,
            updated_by: actor,
            ..self.clone()
        }
    }

    /// Whether it can be seen at `now`: not expired, and not in the trash.
    pub fn visible(&self, now: i64) -> bool {
        self.deleted_at.is_none() && self.expires_at.is_none_or(|expires| expires > now)
    }
}

/// A key as a value, for comparing and sorting: UUIDs as their text.
pub fn key_value(key: &Key) -> Value {
    match key {
        Key::Int(int) => Value::Int(*int),
        Key::Text(text) => Value::text(&**text),
        Key::Uuid(_) => Value::Text(key.to_string()),
    }
}

/// An undeclared field as a value: scalars as themselves, the rest as JSON.
pub fn extra_value(json: &crate::Json) -> Value {
    match json {
        crate::Json::Null => Value::Null,
        crate::Json::Bool(bool) => Value::Bool(*bool),
        crate::Json::Number(number) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => number.as_f64().and_then(Value::number).unwrap_or(Value::Null),
        },
        crate::Json::String(text) => Value::Text(text.clone()),
        other => Value::Json(Box::new(other.clone())),
    }
}
