//! One named, typed slot of a table, with its constraints. What a value may be is decided by its field type, not here.

use std::sync::OnceLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::define::key_from;
use crate::encryption::Encryption;
use crate::field::encrypted::Encrypted;
use crate::field::{FieldType, Storage, TextFormat, field_type, file, files, relation, user, users};
use crate::nested::Rule;
use crate::record::key_value;
use crate::{Issue, Json, JsonMap, Key, KeyKind, Value};

/// The public identity of a column: a UUID as text.
pub type ColumnId = String;

/// One column of a table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    /// The public id.
    pub id: ColumnId,
    /// Its place in every record's values; never reused, never changed.
    pub ordinal: u16,
    /// The key in `data`; never changed.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Help text for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The id of its field type, one of [`crate::field::FIELD_TYPES`].
    pub field_type: String,
    /// Settings of the field type, checked against its config schema.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    pub config: JsonMap,
    /// What values must satisfy beyond their type.
    #[serde(default)]
    pub constraints: Constraints,
    /// What an absent value becomes on insert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<DefaultValue>,
    /// Choices of `select` and `multiSelect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<SelectOption>,
    /// Whether an index serves filters and sorts on it.
    #[serde(default)]
    pub indexed: bool,
    /// Place in the order people see.
    #[serde(default)]
    pub order_index: i64,
    /// Width on screen, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Hidden from grids and forms, still readable.
    #[serde(default)]
    pub hidden: bool,
    /// The column that names a record to people; one per table.
    #[serde(default)]
    pub primary: bool,
    /// Cannot be written by callers.
    #[serde(default)]
    pub read_only: bool,
    /// How its values are encrypted, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<Encryption>,
    /// The column whose place it takes, while a job sees to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Replaces>,
    /// The column of another field type that it was made from, which keeps what stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<MadeFrom>,
    /// Whether another column was made from it and tells its history.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// When it was deleted (ms); its values stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<i64>,
    /// Whether somebody deleted it, so that it can be brought back; otherwise another column took its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restorable: bool,
    /// What was computed from the rest; start with the default.
    #[serde(skip)]
    pub computed: Computed,
}

/// How a column takes the place of another of the same slug. First it is filled behind it, and whatever is written into the other is
/// written into it too; then it stands in its place; last, what the other one left behind is cleared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Replaces {
    /// The ordinal of the other.
    pub ordinal: u16,
    /// The id of the job that sees to it.
    pub job: String,
    /// Whether it is still being filled, so that nobody sees it.
    pub waits: bool,
}

/// How the values of a column were made from those of another of the same slug, when its field type changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MadeFrom {
    /// The ordinal of the other.
    pub ordinal: u16,
    /// An earlier column that was like this one: where a value has not been touched since, it is what stood there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<u16>,
    /// How texts were read.
    #[serde(default)]
    pub format: TextFormat,
    /// What became of values that this column cannot hold.
    #[serde(default)]
    pub on_loss: OnLoss,
}

/// What becomes of a value that a column of another field type cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnLoss {
    /// The field type does not change.
    #[default]
    Refuse,
    /// It becomes null.
    Null,
}

/// What a column computes once from its constraints.
#[derive(Clone, Debug, Default)]
pub struct Computed {
    field: OnceLock<&'static dyn FieldType>,
    pattern: OnceLock<Option<Regex>>,
    bounds: OnceLock<(Option<Value>, Option<Value>)>,
}

/// What values of a column must satisfy beyond their type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Constraints {
    /// Null and absent are refused.
    pub required: bool,
    /// No two records have the same value; nulls are exempt.
    pub unique: bool,
    /// The only values allowed.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Json>,
    /// Fewest characters of a text, or items of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// Most characters of a text, or items of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// A pattern that a text must contain a match of (linear time engine; anchor it with `^` and `$`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// A well-known format of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Smallest number, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    /// Largest number, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
    /// Said instead of the built-in message when any constraint breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_error_message: Option<String>,
    /// Made by the store when absent; then also protected in updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// Rules for the properties of an object or the items of an array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested: Option<Box<Rule>>,
    /// The slug of the table, in the same workspace, of which a value is a key: that record must be there.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What deleting the record that is referred to does; [`OnDelete::Restrict`] if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_delete: Option<OnDelete>,
}

/// What deleting a record does to those that refer to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnDelete {
    /// It is refused as long as there are any.
    #[default]
    Restrict,
    /// They are deleted too, in the same way and the same commit.
    Cascade,
    /// The column becomes null in them.
    #[serde(alias = "set_null")]
    SetNull,
}

impl OnDelete {
    /// The name in definitions.
    pub fn as_str(self) -> &'static str {
        match self {
            OnDelete::Restrict => "restrict",
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "setNull",
        }
    }
}

/// A well-known format of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// An e-mail address.
    Email,
    /// An absolute URL (WHATWG).
    Url,
    /// `YYYY-MM-DD`, optionally with a time and an offset; a real calendar day.
    IsoDate,
    /// A telephone number (E.164 rules).
    Phone,
}

impl Format {
    /// The name in definitions and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Email => "email",
            Format::Url => "url",
            Format::IsoDate => "iso-date",
            Format::Phone => "phone",
        }
    }
}

/// How the store makes a value that the caller left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Generated {
    /// A UUID, version 7.
    Uuid,
    /// `c` and 32 hexadecimal digits.
    Cuid,
    /// The next number of the column's counter, from 1; no number is given twice, ever.
    Autoincrement,
    /// The time of the insert, in milliseconds since 1970.
    Timestamp,
}

/// What an absent value becomes on insert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DefaultValue {
    /// This value.
    Value(Json),
    /// The outcome of a named function.
    Function(DefaultFunction),
}

/// The functions a default may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DefaultFunction {
    /// The time of the insert.
    Now,
    /// The day of the insert, in UTC.
    Today,
    /// A fresh UUID.
    Uuid,
    /// The id of whoever inserts.
    CurrentUser,
}

/// One choice of a select column. Records hold the id; people see the name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SelectOption {
    /// Stored in records; never changed.
    pub id: String,
    /// What people see; unique among the column's live options.
    pub name: String,
    /// A palette name or `#rrggbb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// An icon name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Place in the order people see.
    #[serde(default)]
    pub order_index: i64,
    /// When it was deleted (ms); records that hold it keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<i64>,
    /// The option that it was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
}

/// What became of an option that is one with another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Merged {
    /// The id of the option that stays.
    pub into: String,
    /// The operation that did it.
    pub operation: String,
}

impl Column {
    /// What its values are to whoever stores, finds or shows them: the field type, or what an encrypted column is instead.
    pub fn kind(&self) -> &'static dyn FieldType {
        match self.encrypted {
            Some(_) => &Encrypted,
            None => self.field(),
        }
    }

    /// The column's field type, which reads what comes in. A column cannot be defined with one that does not exist.
    pub fn field(&self) -> &'static dyn FieldType {
        if self.field_type == relation::ID {
            return relation::form(self);
        }
        let found =
            || field_type(&self.field_type).expect("a column is only defined with a field type that exists");
        let known = *self.computed.field.get_or_init(found);
        match known.id() == self.field_type {
            true => known,
            // It was another column's that this one was made from.
            false => found(),
        }
    }

    /// The compiled pattern, if the column has one. Definition refuses patterns that do not compile.
    pub fn pattern(&self) -> Option<&Regex> {
        self.computed
            .pattern
            .get_or_init(|| {
                self.constraints
                    .pattern
                    .as_deref()
                    .and_then(|text| compile(text).ok())
            })
            .as_ref()
    }

    /// The smallest and largest number allowed, as values.
    pub fn bounds(&self) -> &(Option<Value>, Option<Value>) {
        let value = |number: &Option<serde_json::Number>| {
            let number = number.as_ref()?;
            number
                .as_i64()
                .map(Value::Int)
                .or_else(|| number.as_f64().and_then(Value::number))
        };
        self.computed
            .bounds
            .get_or_init(|| (value(&self.constraints.min), value(&self.constraints.max)))
    }

    /// Drops what was computed from the constraints; call after changing them.
    pub fn refresh(&mut self) {
        self.computed = Computed::default();
    }

    /// Whether it is live: neither deleted, nor waiting to take the place of another.
    pub fn live(&self) -> bool {
        self.deleted_at.is_none() && !self.waits()
    }

    /// Whether it is filled to take the place of another.
    pub fn waits(&self) -> bool {
        self.deleted_at.is_none() && self.replaces.as_ref().is_some_and(|replaces| replaces.waits)
    }

    /// Whether its values name records of a table.
    pub fn is_relation(&self) -> bool {
        self.field_type == relation::ID
    }

    /// The slug of the table, in the same workspace, of which its values are keys; none if they are not, or nothing is kept.
    pub fn refers_to(&self) -> Option<&str> {
        match self.is_relation() {
            true if self.config.contains_key("reverseOf") => None,
            true => self.config_str("table"),
            false => self.constraints.reference.as_deref(),
        }
    }

    /// Sets what follows from its other settings: what is deleted looks for what refers to it, and of one to one, both are told apart.
    pub fn settle(&mut self) {
        let refers = self.refers_to().is_some();
        self.indexed |= (refers || self.names_files()) && !self.names_several();
        let pairs = self.is_relation() && relation::kind(self) == relation::RelationKind::OneToOne;
        self.constraints.unique |= refers && pairs;
    }

    /// What deleting a record does to those that refer to it by this column.
    pub fn on_delete(&self) -> OnDelete {
        match self.is_relation() {
            true => relation::on_delete(self),
            false => self.constraints.on_delete.unwrap_or_default(),
        }
    }

    /// The keys of a kind that a value of it refers to; as it is written, what cannot be such a key.
    pub fn keys_in(&self, kind: KeyKind, value: &Value) -> Vec<Result<Key, String>> {
        // A key that is written in another way than the record's would not be found again.
        let key = |text: &str| {
            let key = Key::parse(kind, text).filter(|key| key.to_string() == text);
            key.ok_or_else(|| text.to_owned())
        };
        match value {
            Value::Null => Vec::new(),
            Value::List(ids) => ids.iter().map(|id| key(id)).collect(),
            Value::Text(text) => vec![key(text)],
            value => {
                let found = key_from(kind, value).filter(|key| key_value(key) == *value);
                vec![found.ok_or_else(|| value.written())]
            }
        }
    }

    /// The value of it that refers to one record, or the item of it if it refers to several.
    pub fn key_in(&self, key: &Key) -> Value {
        match self.is_relation() {
            true => Value::Text(key.to_string()),
            false => key_value(key),
        }
    }

    /// Whether its values, which callers write, name users.
    pub fn names_users(&self) -> bool {
        [user::USER.id(), users::USERS.id()].contains(&self.field_type.as_str())
    }

    /// Whether its values name files.
    pub fn names_files(&self) -> bool {
        [file::FILE.id(), files::FILES.id()].contains(&self.field_type.as_str())
    }

    /// Whether its values name several.
    pub fn names_several(&self) -> bool {
        self.kind().storage() == Storage::List
    }

    /// What is wrong with one of its values, in the column's own words if it has any.
    pub fn worded(&self, mut issue: Issue) -> Issue {
        if let Some(message) = &self.constraints.custom_error_message {
            issue.message.clone_from(message);
        }
        issue
    }

    /// Whether callers may write it at all.
    pub fn writable(&self) -> bool {
        !self.read_only && !self.kind().flags().computed
    }

    /// Whether a real index keeps it: asked for, or needed to keep it unique.
    pub fn has_index(&self) -> bool {
        self.indexed || self.constraints.unique
    }

    /// Whether its values can be told apart as they are stored: not those that are encrypted without an index.
    pub fn is_comparable(&self) -> bool {
        self.encrypted
            .as_ref()
            .is_none_or(|encryption| encryption.indexed)
    }

    /// The live options in the order people see.
    pub fn live_options(&self) -> impl Iterator<Item = &SelectOption> {
        self.options.iter().filter(|option| option.deleted_at.is_none())
    }

    /// The option with this id, deleted ones too (records may still hold them).
    pub fn option(&self, id: &str) -> Option<&SelectOption> {
        self.options.iter().find(|option| option.id == id)
    }

    /// A whole-number setting of the field type, or `fallback`.
    pub fn config_u64(&self, name: &str, fallback: u64) -> u64 {
        self.config.get(name).and_then(Json::as_u64).unwrap_or(fallback)
    }

    /// A text setting of the field type.
    pub fn config_str(&self, name: &str) -> Option<&str> {
        self.config.get(name).and_then(Json::as_str)
    }

    /// Decimals kept by an exact column (`precision` in its config, default 2, at most 8).
    pub fn scale(&self) -> u32 {
        self.config_u64("precision", 2).min(8) as u32
    }
}

/// Compiles a pattern in the linear-time engine, within its size limits.
///
/// # Errors
/// The engine's own explanation: what it cannot compile (look-around, back references) or that it is too large.
pub fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > crate::limits::PATTERN_BYTES_MAX {
        return Err(format!("longer than {} bytes", crate::limits::PATTERN_BYTES_MAX));
    }
    regex::RegexBuilder::new(pattern)
        .size_limit(crate::limits::PATTERN_COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| {
            error
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned()
        })
}

impl Format {
    /// Whether a text is of this format.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Format::Email => email_like(text),
            Format::Url => url::Url::parse(text).is_ok(),
            Format::IsoDate => iso_date(text),
            Format::Phone => {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                text.bytes()
                    .all(|byte| byte.is_ascii_digit() || b"+-(). /".contains(&byte))
                    && (7..=15).contains(&digits)
            }
        }
    }
}

/// One `@` with something before it and a dot inside what follows, no spaces: what the bucket vocabulary means by it.
fn email_like(text: &str) -> bool {
    let plain = !text.chars().any(char::is_whitespace);
    let parts = text
        .split_once('@')
        .filter(|(local, domain)| !local.is_empty() && !domain.contains('@'));
    plain && parts.is_some_and(|(_, domain)| domain.trim_matches('.').contains('.'))
}

/// `YYYY-MM-DD`, or that with `Thh:mm:ss[.f]` and `Z`, an offset or nothing; a real day, whatever day it is in UTC.
fn iso_date(text: &str) -> bool {
    match text.split_once('T') {
        None => crate::time::parse_date(text).is_some(),
        Some((day, clock)) => {
            let clock = clock
                .strip_suffix('Z')
                .unwrap_or_else(|| clock.split(['+', '-']).next().unwrap_or(clock));
            crate::time::parse_date(day).is_some() && clock.parse::<jiff::civil::Time>().is_ok()
        }
    }
}
