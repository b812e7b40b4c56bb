//! Reads that are remembered, so that a closure runs again when something that it read has changed. Decides nothing.

use std::sync::Arc;

use chancery_model::{Json, Table};

use super::index::Id;
use super::query::Place;
use crate::error::Error;
use crate::figures::{AggregateInput, Aggregated};
use crate::handle::TableHandle;
use crate::record::Record;
use crate::records::IntoKey;
use crate::store::Store;

/// What a closure of [`Store::live_with`] reads with.
pub struct Reads {
    store: Store,
    id: Id,
}

/// A table as a closure reads it.
pub struct ReadTable<'a> {
    reads: &'a Reads,
    handle: TableHandle,
}

impl Reads {
    pub(crate) fn new(store: Store, id: Id) -> Reads {
        Reads { store, id }
    }

    /// A table by slug or id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn table(&self, name: &str) -> Result<ReadTable<'_>, Error> {
        Ok(ReadTable {
            reads: self,
            handle: self.store.table(name)?,
        })
    }
}

impl ReadTable<'_> {
    fn depend(&self, place: impl FnOnce(&Arc<Table>) -> Option<Place>) -> Result<(), Error> {
        let table = self.handle.definition()?;
        let place = place(&table).unwrap_or(Place::Table(table.number));
        let mut state = self.reads.store.core.live.state.lock();
        state.depend(self.reads.id, &table, place);
        Ok(())
    }

    fn depend_on_all(&self) -> Result<(), Error> {
        self.depend(|_| None)
    }

    /// The live record with a key; the closure runs again when that record changes.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn get(&self, key: impl IntoKey) -> Result<Option<Record>, Error> {
        let definition = self.handle.definition()?;
        let Some(key) = key.to_key(&definition) else {
            return Ok(None);
        };
        self.depend(|table| Some(Place::Key(table.number, key.clone())))?;
        self.handle.get(key).await
    }

    /// All live records; the closure runs again when any record of the table changes, as with all that follow.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn all(&self) -> Result<Vec<Record>, Error> {
        self.depend_on_all()?;
        self.handle.all().await
    }

    /// The records that a filter of the bucket vocabulary names.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn filter(&self, filter: Json) -> Result<Vec<Record>, Error> {
        self.depend_on_all()?;
        self.handle.filter(filter).await
    }

    /// The records of a query.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn select(&self, query: &chancery_model::query::Query) -> Result<Vec<Record>, Error> {
        self.depend_on_all()?;
        self.handle.select(query).await
    }

    /// How many records a query has.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn count(&self, query: &chancery_model::query::Query) -> Result<u64, Error> {
        self.depend_on_all()?;
        self.handle.count(query).await
    }

    /// Figures over records.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn aggregate(&self, input: &AggregateInput) -> Result<Vec<Aggregated>, Error> {
        self.depend_on_all()?;
        self.handle.aggregate(input).await
    }
}
