//! A record as callers see it: values by slug, displays, the flat and the full JSON form. Reads and writes nothing.

use std::sync::Arc;

use chancery_model::define;
use chancery_model::filter::FieldRef;
use chancery_model::{Json, JsonMap, Key, RecordMetadata, Table, Value};
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::related::Shown;

/// One record of a table, as it was when it was read.
#[derive(Clone, Debug)]
pub struct Record {
    table: Arc<Table>,
    row: Arc<chancery_model::Record>,
    shown: Option<Arc<[Shown]>>,
}

impl PartialEq for Record {
    fn eq(&self, other: &Record) -> bool {
        self.table.id == other.table.id && self.row == other.row
    }
}

impl Record {
    pub(crate) fn new(table: Arc<Table>, row: Arc<chancery_model::Record>) -> Record {
        Record {
            table,
            row,
            shown: None,
        }
    }

    /// The same record with what some of its columns show.
    pub(crate) fn showing(self, shown: Vec<Shown>) -> Record {
        Record {
            shown: Some(shown.into()),
            ..self
        }
    }

    /// What a column shows that is not kept in the record, or not as people read it.
    pub fn shown(&self, column: &chancery_model::Column) -> Option<&Shown> {
        let mut all = self.shown.as_deref()?.iter();
        all.find(|shown| shown.ordinal == column.ordinal)
    }

    /// The key.
    pub fn key(&self) -> &Key {
        &self.row.key
    }

    /// The key as text.
    pub fn id(&self) -> String {
        self.row.key.to_string()
    }

    /// 1 on insert, one more with each update.
    pub fn version(&self) -> u64 {
        self.row.version
    }

    /// When it was inserted, in ms since 1970.
    pub fn created_at(&self) -> i64 {
        self.row.created_at
    }

    /// When it was last written, in ms since 1970.
    pub fn updated_at(&self) -> i64 {
        self.row.updated_at
    }

    /// Who inserted it.
    pub fn created_by(&self) -> Option<&str> {
        self.row.created_by.as_deref()
    }

    /// Who last wrote it.
    pub fn updated_by(&self) -> Option<&str> {
        self.row.updated_by.as_deref()
    }

    /// When it expires, in ms since 1970.
    pub fn expires_at(&self) -> Option<i64> {
        self.row.expires_at
    }

    /// When it was moved to the trash, in ms since 1970.
    pub fn deleted_at(&self) -> Option<i64> {
        self.row.deleted_at
    }

    /// Where it came from.
    pub fn metadata(&self) -> &RecordMetadata {
        &self.row.metadata
    }

    /// The definition of its table when it was read.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// The record as it is stored.
    pub fn row(&self) -> &Arc<chancery_model::Record> {
        &self.row
    }

    /// What is kept of a column by slug; none if there is no such column. The key and times are in no column.
    pub(crate) fn value(&self, slug: &str) -> Option<&Value> {
        let column = self.table.column(slug)?;
        Some(self.row.value(column.ordinal))
    }

    /// The value of a column by slug, of the key, or of an undeclared field, as JSON; null if there is none.
    pub fn get(&self, slug: &str) -> Json {
        match self.table.column(slug) {
            Some(column) => self.column_json(column),
            None if slug == self.table.key_name() => key_json(&self.row.key),
            None => match slug {
                "_version" => Json::from(self.row.version),
                "_createdAt" => Json::from(self.row.created_at),
                "_updatedAt" => Json::from(self.row.updated_at),
                "_expiresAt" => self.row.expires_at.map_or(Json::Null, Json::from),
                _ => self
                    .row
                    .extra
                    .as_ref()
                    .and_then(|extra| extra.get(slug))
                    .cloned()
                    .unwrap_or(Json::Null),
            },
        }
    }

    fn column_json(&self, column: &chancery_model::Column) -> Json {
        if self.table.key_column == Some(column.ordinal) {
            return key_json(&self.row.key);
        }
        if let Some(json) = self.shown(column).and_then(|shown| shown.json.clone()) {
            return json;
        }
        let field = column.kind().system().unwrap_or(FieldRef::Column(column.ordinal));
        let value = self.row.field(&field);
        if value.is_null() {
            Json::Null
        } else {
            column.kind().to_json(&value, column)
        }
    }

    /// The data by slug, in the order people see: absent values are null, undeclared fields come last.
    pub fn data(&self) -> JsonMap {
        let mut data = JsonMap::new();
        for column in self.table.ordered() {
            data.insert(column.slug.clone(), self.column_json(column));
        }
        if let Some(extra) = &self.row.extra {
            data.extend(extra.iter().map(|(name, json)| (name.clone(), json.clone())));
        }
        data
    }

    /// What people read for values whose JSON is not what they read: option names, money, dates …
    pub fn display(&self) -> JsonMap {
        let mut display = JsonMap::new();
        for column in self.table.live() {
            let field = column.kind().system().unwrap_or(FieldRef::Column(column.ordinal));
            let text = self.display_of(column, &field).map(Json::String);
            display.extend(text.map(|text| (column.slug.clone(), text)));
        }
        display
    }

    /// What people read of one column, where that is not its JSON; `field` is what the column is read by.
    pub fn display_of(&self, column: &chancery_model::Column, field: &FieldRef) -> Option<String> {
        if let Some(shown) = self.shown(column) {
            return shown.display.clone();
        }
        let value = self.row.field(field);
        match value.is_null() {
            true => None,
            false => column.kind().display(&value, column),
        }
    }

    /// What stands in a column as people read it; nothing if nothing does.
    fn text_of(&self, column: &chancery_model::Column) -> Option<String> {
        if let Some(shown) = self.shown(column) {
            return shown.display.clone();
        }
        let value = self.row.field(&self.table.field(&column.slug)?);
        if value.is_blank() {
            return None;
        }
        column.kind().display(&value, column).or_else(|| match &*value {
            Value::Text(text) => Some(text.clone()),
            value => Some(column.kind().export(value, column)),
        })
    }

    /// The flat form of the bucket vocabulary: the data, the key, `_version`, `_createdAt`, `_updatedAt`, `_expiresAt`,
    /// `_deletedAt`, `_createdBy`, `_updatedBy`. Absent values are absent.
    pub fn flat(&self) -> JsonMap {
        let mut flat = JsonMap::new();
        if self.table.key_column.is_none() {
            let name = if self.table.column("id").is_some() {
                "_id"
            } else {
                "id"
            };
            flat.insert(name.into(), key_json(&self.row.key));
        }
        for column in self.table.ordered() {
            let json = self.column_json(column);
            if !json.is_null() {
                flat.insert(column.slug.clone(), json);
            }
        }
        if let Some(extra) = &self.row.extra {
            flat.extend(extra.iter().map(|(name, json)| (name.clone(), json.clone())));
        }
        flat.insert("_version".into(), self.row.version.into());
        flat.insert("_createdAt".into(), self.row.created_at.into());
        flat.insert("_updatedAt".into(), self.row.updated_at.into());
        if let Some(expires) = self.row.expires_at {
            flat.insert("_expiresAt".into(), expires.into());
        }
        if let Some(deleted) = self.row.deleted_at {
            flat.insert("_deletedAt".into(), deleted.into());
        }
        for (name, actor) in [
            ("_createdBy", &self.row.created_by),
            ("_updatedBy", &self.row.updated_by),
        ] {
            if let Some(actor) = actor {
                flat.insert(name.into(), (&**actor).into());
            }
        }
        flat
    }

    /// The record as a struct of the caller's, by the names of [`Record::flat`].
    ///
    /// # Errors
    /// [`Error::Internal`] with serde's explanation if the struct does not fit.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_value(Json::Object(self.flat()))
            .map_err(|error| Error::Internal(format!("the record does not fit the type: {error}")))
    }

    /// What people call the record: by the table's `recordNameTemplate` if it has one, else what stands in its primary column, or
    /// its key.
    pub fn name(&self) -> String {
        let template = self
            .table
            .settings
            .get(define::NAME_TEMPLATE)
            .and_then(Json::as_str);
        let by_template = template.and_then(|template| {
            let column = |slug: &str| {
                self.table
                    .column(slug)
                    .filter(|column| column.encrypted.is_none())
            };
            let filled = define::fill_template(template, |slug| match column(slug) {
                Some(column) => Some(self.text_of(column).unwrap_or_default()),
                None => (slug == "id").then(|| self.id()),
            });
            let words: Vec<&str> = filled.as_deref().unwrap_or_default().split_whitespace().collect();
            (!words.is_empty()).then(|| words.join(" "))
        });
        by_template
            .or_else(|| self.table.primary().and_then(|column| self.text_of(column)))
            .unwrap_or_else(|| self.id())
    }
}

/// A key as JSON.
pub(crate) fn key_json(key: &Key) -> Json {
    match key {
        Key::Int(int) => Json::from(*int),
        key => Json::String(key.to_string()),
    }
}
