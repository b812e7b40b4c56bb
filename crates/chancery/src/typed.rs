//! Typed tables: a struct of the caller's goes in and comes out, through serde. It defines no columns: that is `define.rs`.

use std::marker::PhantomData;

use chancery_model::Json;
use chancery_model::query::Query;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;
use crate::handle::TableHandle;
use crate::records::IntoKey;

/// A table whose records are a struct of the caller's, field names as in [`crate::Record::flat`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
/// use chancery::{ColumnInput, Store, TableInput};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct City {
///     id: Option<String>,
///     name: String,
/// }
///
/// let store = Store::open("memory:").await?;
/// let table = store.create_table(TableInput::new("Cities").column(ColumnInput::new("name", "text"))).await?;
/// let cities = table.typed::<City>();
/// let made = cities.insert(&City { id: None, name: "Brno".into() }).await?;
/// assert_eq!(cities.get(made.id.as_deref().unwrap()).await?.unwrap().name, "Brno");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Typed<T> {
    table: TableHandle,
    of: PhantomData<fn() -> T>,
}

impl TableHandle {
    /// This table with a struct for its records.
    pub fn typed<T: Serialize + DeserializeOwned>(&self) -> Typed<T> {
        Typed {
            table: self.clone(),
            of: PhantomData,
        }
    }
}

impl<T: Serialize + DeserializeOwned> Typed<T> {
    /// The table without the struct.
    pub fn table(&self) -> &TableHandle {
        &self.table
    }

    /// Inserts; fields that are `None` are left out, so that generated values and defaults apply.
    ///
    /// # Errors
    /// As [`TableHandle::insert`].
    pub async fn insert(&self, value: &T) -> Result<T, Error> {
        self.table.insert(self.data(value)?).await?.to()
    }

    /// Inserts all or, if one is refused, none.
    ///
    /// # Errors
    /// As [`TableHandle::insert_many`].
    pub async fn insert_many(&self, values: &[T]) -> Result<Vec<T>, Error> {
        let data = values
            .iter()
            .map(|value| self.data(value))
            .collect::<Result<_, _>>()?;
        read(&self.table.insert_many(data).await?)
    }

    /// The record with a key.
    ///
    /// # Errors
    /// [`Error::Internal`] if the record does not fit the struct.
    pub async fn get(&self, key: impl IntoKey) -> Result<Option<T>, Error> {
        self.table.get(key).await?.map(|record| record.to()).transpose()
    }

    /// Changes the given fields.
    ///
    /// # Errors
    /// As [`TableHandle::update`].
    pub async fn update(&self, key: impl IntoKey, changes: Json) -> Result<T, Error> {
        self.table.update(key, changes).await?.to()
    }

    /// Replaces all fields.
    ///
    /// # Errors
    /// As [`TableHandle::replace`].
    pub async fn replace(&self, key: impl IntoKey, value: &T) -> Result<T, Error> {
        self.table.replace(key, self.data(value)?).await?.to()
    }

    /// Deletes, to the trash where the table has one; whether there was something to delete.
    ///
    /// # Errors
    /// As [`TableHandle::delete`].
    pub async fn delete(&self, key: impl IntoKey) -> Result<bool, Error> {
        self.table.delete(key).await
    }

    /// Takes a record out of the trash.
    ///
    /// # Errors
    /// As [`TableHandle::restore`].
    pub async fn restore(&self, key: impl IntoKey) -> Result<T, Error> {
        self.table.restore(key).await?.to()
    }

    /// All records, in key order.
    ///
    /// # Errors
    /// [`Error::Internal`] if a record does not fit the struct.
    pub async fn all(&self) -> Result<Vec<T>, Error> {
        read(&self.table.all().await?)
    }

    /// The records whose fields equal these values (see [`TableHandle::filter`]).
    ///
    /// # Errors
    /// [`Error::Query`].
    #[doc(alias = "where")]
    pub async fn filter(&self, equal: Json) -> Result<Vec<T>, Error> {
        read(&self.table.filter(equal).await?)
    }

    /// The first record, in key order, whose fields equal these values.
    ///
    /// # Errors
    /// [`Error::Query`].
    #[doc(alias = "findOne")]
    pub async fn find_one(&self, equal: Json) -> Result<Option<T>, Error> {
        self.table
            .find_one(equal)
            .await?
            .map(|record| record.to())
            .transpose()
    }

    /// The records of a query.
    ///
    /// # Errors
    /// As [`TableHandle::select`].
    pub async fn select(&self, query: &Query) -> Result<Vec<T>, Error> {
        read(&self.table.select(query).await?)
    }

    /// How many records a query has.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn count(&self, query: &Query) -> Result<u64, Error> {
        self.table.count(query).await
    }

    fn data(&self, value: &T) -> Result<Json, Error> {
        let json = serde_json::to_value(value)
            .map_err(|error| Error::Internal(format!("the type is no JSON object: {error}")))?;
        let Json::Object(fields) = json else {
            return Err(Error::Internal("the type is no JSON object".into()));
        };
        let table = self.table.definition()?;
        let own = |name: &str| name.starts_with('_') || (name == "id" && table.column("id").is_none());
        Ok(Json::Object(
            fields
                .into_iter()
                .filter(|(name, value)| !value.is_null() && !own(name))
                .collect(),
        ))
    }
}

fn read<T: DeserializeOwned>(records: &[crate::Record]) -> Result<Vec<T>, Error> {
    records.iter().map(crate::Record::to).collect()
}
