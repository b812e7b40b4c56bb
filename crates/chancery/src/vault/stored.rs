//! Reading the rows of secrets and of versions from the values of their columns, without a detour over JSON: long work reads every
//! one there is. It judges nothing; whether the vault wrote a row, its code tells.

use std::collections::BTreeMap;

use chancery_model::{Json, Key, Value};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NoSuchName;

use super::tables::{DATA_PREFIX, Row, SecretRow, VersionRow, numbered, written};
use crate::error::Error;
use crate::record::Record;

impl Row for SecretRow {
    fn of(record: &Record) -> Result<SecretRow, Error> {
        let columns = Columns(record);
        Ok(SecretRow {
            id: columns.key()?,
            token_hash: columns.text("token_hash")?,
            token_sealed: columns.text("token_sealed")?,
            kind: columns.name("kind")?,
            custom: columns.flag("custom")?,
            version: columns.number("version")?,
            setting: columns.number_if_any("setting")?,
            password_hash: columns.text_if_any("password_hash"),
            expires_at: columns.number_if_any("expires_at")?,
            soft_deleted_at: columns.number_if_any("soft_deleted_at")?,
            reads_max: columns.number_if_any("reads_max")?,
            reads_left: columns.number_if_any("reads_left")?,
            taken_at: columns.number_if_any("taken_at")?,
            origin: columns.text_if_any("origin"),
            versions: numbered::of(columns.str_if_any("versions").unwrap_or_default()),
            row_version: columns.number("row_version")?,
            mac: columns.text("mac")?,
            data: data(record),
            created_at: record.created_at(),
            updated_at: record.updated_at(),
            created_by: record.created_by().map(str::to_owned),
        })
    }

    fn to_json(&self) -> Json {
        let mut json = written(self);
        if let Json::Object(fields) = &mut json {
            for (name, text) in &self.data {
                fields.insert(format!("{DATA_PREFIX}{name}"), Json::String(text.clone()));
            }
        }
        json
    }
}

impl Row for VersionRow {
    fn of(record: &Record) -> Result<VersionRow, Error> {
        let columns = Columns(record);
        Ok(VersionRow {
            id: columns.key()?,
            secret: columns.text("secret")?,
            number: columns.number("number")?,
            state: columns.name("state")?,
            kid: columns.number("kid")?,
            setting: columns.number_if_any("setting")?,
            password_hash: columns.text_if_any("password_hash"),
            locked: columns.text_if_any("locked"),
            body: columns.text_if_any("body"),
            encryptor: columns.text("encryptor")?,
            bytes: columns.number("bytes")?,
            row_version: columns.number("row_version")?,
            mac: columns.text("mac")?,
            created_at: record.created_at(),
        })
    }

    fn to_json(&self) -> Json {
        written(self)
    }
}

/// The metadata: the undeclared fields with the prefix.
fn data(record: &Record) -> BTreeMap<String, String> {
    let fields = record.row().extra.iter().flat_map(|extra| extra.iter());
    let data = fields.filter_map(|(name, json)| match json {
        Json::String(text) => Some((name.strip_prefix(DATA_PREFIX)?.to_owned(), text.clone())),
        _ => None,
    });
    data.collect()
}

/// The columns of a record, by slug. Somebody may have put anything into them.
struct Columns<'r>(&'r Record);

impl<'r> Columns<'r> {
    fn key(&self) -> Result<String, Error> {
        match self.0.key() {
            Key::Int(_) => Err(unreadable(self.0.table().key_name())),
            key => Ok(key.to_string()),
        }
    }

    /// What is there, unless it is null.
    fn value(&self, slug: &str) -> Option<&'r Value> {
        self.0.value(slug).filter(|value| !value.is_null())
    }

    /// A text. What is there and is none is read as an empty one: the code of the row tells that it was altered.
    fn str_if_any(&self, slug: &str) -> Option<&'r str> {
        self.value(slug).map(|value| value.as_text().unwrap_or_default())
    }

    fn text_if_any(&self, slug: &str) -> Option<String> {
        self.str_if_any(slug).map(str::to_owned)
    }

    fn text(&self, slug: &str) -> Result<String, Error> {
        self.text_if_any(slug).ok_or_else(|| unreadable(slug))
    }

    /// A whole number that the type holds.
    fn number_if_any<T: TryFrom<i64>>(&self, slug: &str) -> Result<Option<T>, Error> {
        match self.value(slug) {
            Some(Value::Int(number)) => T::try_from(*number).map(Some).map_err(|_| unreadable(slug)),
            Some(Value::Float(_)) => Err(unreadable(slug)),
            // As with texts.
            _ => Ok(None),
        }
    }

    fn number<T: TryFrom<i64>>(&self, slug: &str) -> Result<T, Error> {
        self.number_if_any(slug)?.ok_or_else(|| unreadable(slug))
    }

    fn flag(&self, slug: &str) -> Result<bool, Error> {
        let flag = self.value(slug).ok_or_else(|| unreadable(slug))?;
        Ok(*flag == Value::Bool(true))
    }

    /// One of the names of a type.
    fn name<T: Deserialize<'r>>(&self, slug: &str) -> Result<T, Error> {
        let name = self.str_if_any(slug).ok_or_else(|| unreadable(slug))?;
        T::deserialize(name.into_deserializer()).map_err(|_: NoSuchName| unreadable(slug))
    }
}

fn unreadable(slug: &str) -> Error {
    Error::Internal(format!(
        "a row of the vault cannot be read: \"{slug}\" holds nothing that belongs there"
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chancery_model::JsonMap;
    use serde_json::json;

    use super::*;
    use crate::store::Store;
    use crate::vault::tables::{SECRETS, VERSIONS, make};

    /// A row of a table of the vault as it is kept, with one of its values exchanged.
    async fn record(table: &str, fields: Json) -> Record {
        let store = Store::open("memory:").await.expect("a store opens");
        make(&store).await.expect("made");
        let inserted = store.table(table).expect("there").insert(fields).await;
        inserted.expect("inserted")
    }

    fn with(record: &Record, slug: &str, value: Value) -> Record {
        let mut row = chancery_model::Record::clone(record.row());
        let column = record.table().column(slug).expect("a column");
        row.values[usize::from(column.ordinal)] = value;
        Record::new(record.table().clone(), Arc::new(row))
    }

    /// The row as the data of its record says, apart from times.
    fn by_data<T: serde::de::DeserializeOwned + serde::Serialize>(record: &Record) -> Option<Json> {
        let mut fields = record.data();
        let data: JsonMap = fields
            .iter()
            .filter(|(name, json)| name.starts_with(DATA_PREFIX) && json.is_string())
            .map(|(name, json)| (name.clone(), json.clone()))
            .collect();
        fields.retain(|name, _| !name.starts_with(DATA_PREFIX));
        let row: T = serde_json::from_value(Json::Object(fields)).ok()?;
        let mut json = written(&row);
        json.as_object_mut().expect("an object").extend(data);
        Some(json)
    }

    fn values() -> [Value; 12] {
        [
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::Int(0),
            Value::Int(7),
            Value::Int(-1),
            Value::Int(i64::MAX),
            Value::Float(1.5),
            Value::Float(2e300),
            Value::text(""),
            Value::text("live"),
            Value::text("1:2,3:4,x:y"),
        ]
    }

    /// Reads it with anything in any column: as its data says, or not at all.
    fn check<T: Row + serde::de::DeserializeOwned + serde::Serialize>(record: &Record) {
        let read = |record: &Record| T::of(record).ok().map(|row| row.to_json());
        assert!(read(record).is_some());
        assert_eq!(read(record), by_data::<T>(record));
        for column in &record.table().columns {
            for value in values() {
                let altered = with(record, &column.slug, value.clone());
                let (read, said) = (read(&altered), by_data::<T>(&altered));
                assert_eq!(read, said, "{value:?} in {}", column.slug);
            }
        }
    }

    #[tokio::test]
    async fn a_secret_is_read_as_its_data_says_whatever_stands_in_its_columns() {
        let fields = json!({"id": "one", "token_hash": "a", "token_sealed": "b", "kind": "wrap", "custom": true,
            "version": 3, "setting": 1, "password_hash": "c", "expires_at": 4, "soft_deleted_at": 5, "reads_max": 6,
            "reads_left": 7, "taken_at": 8, "origin": "two", "versions": "1:1,3:9", "row_version": 9, "mac": "d",
            "data:name": "a name", "data:": "", "data:number": 5, "other": "no metadata"});
        let record = record(SECRETS, fields).await;
        check::<SecretRow>(&record);
        let read = SecretRow::of(&record).expect("read");
        assert_eq!(read.created_at, record.created_at());
        assert_eq!(read.versions, BTreeMap::from([(1, 1), (3, 9)]));
        assert_eq!(read.data.keys().collect::<Vec<_>>(), ["", "name"]);
    }

    #[tokio::test]
    async fn a_version_is_read_as_its_data_says_whatever_stands_in_its_columns() {
        let fields = json!({"id": "one.1", "secret": "one", "number": 1, "state": "live", "kid": 2, "setting": 3,
            "password_hash": "a", "locked": "b", "body": "c", "encryptor": "d", "bytes": 4, "row_version": 5,
            "mac": "e"});
        check::<VersionRow>(&record(VERSIONS, fields).await);
    }

    #[tokio::test]
    async fn a_field_that_was_slipped_in_beside_a_column_is_not_read() {
        let fields = json!({"id": "one", "token_hash": "a", "token_sealed": "b", "kind": "secret", "custom": false,
            "version": 1, "versions": "1:1", "row_version": 1, "mac": "c"});
        let record = record(SECRETS, fields).await;
        let mut row = chancery_model::Record::clone(record.row());
        let slipped = json!({"version": 2, "mac": "d", "id": "two"});
        row.extra = slipped.as_object().cloned().map(Box::new);
        let read = SecretRow::of(&Record::new(record.table().clone(), Arc::new(row))).expect("read");
        assert_eq!(
            (read.id.as_str(), read.version, read.mac.as_str()),
            ("one", 1, "c")
        );
    }
}
