//! The export of a whole table as JSON: what it says of its table, and its records one by one. It decides nothing about values.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::define::{self, ColumnInput};
use chancery_model::time::parse_instant;
use chancery_model::{Code, Issue, Json, JsonMap, RecordMetadata};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::file::ImportFile;
use super::objects::{no_json, open};
use crate::error::Error;
use crate::export::definition::{ColumnPart, TablePart, VERSION};
use crate::rows::Stamps;

/// What stops a reader before the end.
pub(super) const STOP: &str = "stopped";

/// What an export says before its records.
#[derive(Debug, Default)]
pub(super) struct Head {
    version: Option<Json>,
    pub(super) table: Option<TablePart>,
    pub(super) columns: Option<Vec<ColumnPart>>,
    records: bool,
}

/// What the export of a table says before its records.
///
/// # Errors
/// [`Error::File`] for a file that is no export, or one of another version.
pub(super) fn head(file: &ImportFile) -> Result<Head, Error> {
    let (reader, _) = open(file)?;
    let mut head = Head::default();
    let whole = Whole {
        head: &mut head,
        each: None,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    if let Err(error) = whole.deserialize(&mut deserializer)
        && !head.records
    {
        return Err(no_json("JSON export of a table", &error));
    }
    let wrong = |message: &str| Error::File {
        message: format!("The file is no JSON export of a table: {message}"),
        hint: "An export has \"version\", \"table\", \"columns\" and then \"records\".".into(),
    };
    match &head {
        Head {
            version: Some(Json::String(version)),
            ..
        } if version == VERSION => {}
        Head {
            version: Some(version),
            ..
        } => {
            return Err(wrong(&format!(
                "it has version {version}, known is \"{VERSION}\""
            )));
        }
        Head { version: None, .. } => return Err(wrong("it has no version")),
    }
    if head.table.is_none() || head.columns.is_none() {
        return Err(wrong("table and columns must stand before the records"));
    }
    if !head.records {
        return Err(wrong("it has no records"));
    }
    Ok(head)
}

/// Lets the columns of a table that gets another slug refer to itself under that. Which records of other tables name its own, and what is
/// shown through that, a copy cannot show: nobody names its records. Such columns are taken out, and answered.
pub(super) fn renamed(columns: &mut Vec<ColumnInput>, was: &str, slug: &str) -> Vec<String> {
    let text = |column: &ColumnInput, name: &str| column.config.get(name)?.as_str().map(str::to_owned);
    for column in columns.iter_mut() {
        if text(column, "table").as_deref() == Some(was) {
            column.config.insert("table".into(), slug.into());
        }
        if let Some(reference) = column
            .constraints
            .reference
            .as_mut()
            .filter(|named| **named == was)
        {
            *reference = slug.to_owned();
        }
    }
    let slug_of = |column: &ColumnInput| {
        column
            .slug
            .clone()
            .unwrap_or_else(|| define::column_slug(&column.name))
    };
    let own: HashSet<String> = columns
        .iter()
        .filter(|column| text(column, "table").as_deref() == Some(slug))
        .map(slug_of)
        .collect();
    let mut left: Vec<String> = Vec::new();
    loop {
        let shows_gone = |column: &ColumnInput| {
            let side = text(column, "reverseOf").is_some() && text(column, "table").as_deref() != Some(slug);
            let through = text(column, "relation").is_some_and(|relation| {
                let shown = text(column, "column").is_some_and(|shown| left.contains(&shown));
                left.contains(&relation) || (own.contains(&relation) && shown)
            });
            side || through
        };
        let more: Vec<String> = columns
            .iter()
            .filter(|column| shows_gone(column))
            .map(slug_of)
            .collect();
        if more.is_empty() {
            return left;
        }
        columns.retain(|column| !more.contains(&slug_of(column)));
        left.extend(more);
    }
}

/// One record of an export.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordPart {
    pub(super) id: Json,
    pub(super) data: JsonMap,
    #[serde(default)]
    metadata: RecordMetadata,
    #[serde(default)]
    version: Option<u64>,
    created_at: Option<String>,
    updated_at: Option<String>,
    expires_at: Option<String>,
    created_by: Option<String>,
    updated_by: Option<String>,
}

/// One record of an export for a table that is there.
#[derive(Debug, Deserialize)]
pub(super) struct LooseRecord {
    #[serde(default)]
    pub(super) id: Json,
    pub(super) data: JsonMap,
}

impl RecordPart {
    pub(super) fn before(&self) -> Result<(RecordMetadata, Stamps), Issue> {
        let time = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => parse_instant(text)
                .map(Some)
                .ok_or_else(|| Issue::new(name, Code::Format, format!("\"{text}\" is no date-time"))),
        };
        let (created, updated) = (
            time("createdAt", &self.created_at)?,
            time("updatedAt", &self.updated_at)?,
        );
        let created_at = created.or(updated).unwrap_or_default();
        let stamps = Stamps {
            version: self.version.unwrap_or(1).max(1),
            created_at,
            updated_at: updated.unwrap_or(created_at),
            expires_at: time("expiresAt", &self.expires_at)?,
            created_by: self.created_by.as_deref().map(Arc::from),
            updated_by: self.updated_by.as_deref().map(Arc::from),
        };
        Ok((self.metadata.clone(), stamps))
    }
}

/// What an export tells whoever wants its records for a table that is there.
pub(super) enum Told {
    /// What it says of its columns.
    Columns(Json),
    /// One record.
    Record(Json),
}

/// The records of an export, and what it says of its columns; nothing else of it.
pub(super) struct RecordsOnly<'a> {
    /// Takes what is told. Of columns it says whether they could have been told after the records, of a record whether to go on.
    pub(super) take: &'a mut dyn FnMut(Told) -> bool,
}

impl<'de> DeserializeSeed<'de> for RecordsOnly<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordsOnly<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut read = false;
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "columns" => {
                    if !(self.take)(Told::Columns(map.next_value()?)) && read {
                        let late = "columns must stand before the records, as some are encrypted";
                        return Err(A::Error::custom(late));
                    }
                }
                "records" => {
                    read = true;
                    let mut each = |json| (self.take)(Told::Record(json));
                    map.next_value_seed(Each(&mut each))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        match read {
            true => Ok(()),
            false => Err(A::Error::missing_field("records")),
        }
    }
}

/// The members of an export, in whatever order its head has them.
pub(super) struct Whole<'a> {
    pub(super) head: &'a mut Head,
    /// Takes the records; without it reading stops before them.
    pub(super) each: Option<&'a mut dyn FnMut(Json) -> bool>,
}

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "version" => self.head.version = Some(map.next_value()?),
                "table" => self.head.table = Some(map.next_value()?),
                "columns" => self.head.columns = Some(map.next_value()?),
                "records" => {
                    self.head.records = true;
                    match self.each.take() {
                        Some(each) => map.next_value_seed(Each(each))?,
                        None => return Err(A::Error::custom(STOP)),
                    }
                }
                other => {
                    let known = "version, table, columns and records";
                    return Err(A::Error::custom(format!(
                        "unknown member `{other}`; an export has {known}"
                    )));
                }
            }
        }
        Ok(())
    }
}

/// The items of an array, one by one.
pub(super) struct Each<'a>(pub(super) &'a mut dyn FnMut(Json) -> bool);

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Json>()? {
            if !(self.0)(item) {
                return Err(A::Error::custom(STOP));
            }
        }
        Ok(())
    }
}
