//! One table of a store: the handle that all work with records goes through. Reads and writes nothing itself.

use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::query::Plan;
use chancery_model::{Issue, Key, Record, Table, TableId};
use chancery_storage::{Backend, CountMode};

use crate::access::Scope;
use crate::error::Error;
use crate::held::Reader;
use crate::store::Store;

/// One table of a store. Cheap to clone; always speaks of the newest definition.
#[derive(Clone)]
pub struct TableHandle {
    pub(crate) store: Store,
    pub(crate) id: Arc<str>,
    pub(crate) number: TableId,
}

impl std::fmt::Debug for TableHandle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("TableHandle")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl TableHandle {
    /// The newest definition.
    ///
    /// # Errors
    /// [`Error::NotFound`] once the table is dropped.
    pub fn definition(&self) -> Result<Arc<Table>, Error> {
        let catalog = self.store.core.catalog.load();
        let gone = || Error::NotFound {
            what: "table",
            message: format!("The table {} was dropped", self.id),
        };
        let newest = catalog.newest(self.number, &self.id).ok_or_else(gone)?;
        Ok(self.store.written_by(newest))
    }

    /// The newest definition as whoever the store is for sees it: without columns that are hidden from them.
    ///
    /// # Errors
    /// As [`TableHandle::definition`].
    pub fn seen(&self) -> Result<Arc<Table>, Error> {
        Ok(self.store.seen(&self.definition()?))
    }

    /// Refuses what cannot be held to the records and columns that whoever the store is for may see.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn whole(&self, what: &str) -> Result<(), Error> {
        let table = self.definition()?;
        match self.store.narrows(&table) {
            true => Err(Error::Forbidden {
                message: format!(
                    "You see a part of the table \"{}\" only, and {what} cannot be held to that",
                    table.slug
                ),
            }),
            false => Ok(()),
        }
    }

    /// After something was refused by a definition: whether there is another one by now, perhaps from another process.
    pub(crate) async fn is_outdated(&self, table: &Table) -> Result<bool, Error> {
        self.store.refresh().await?;
        let newest = self.definition();
        Ok(newest.is_ok_and(|newest| newest.schema_version != table.schema_version))
    }

    /// The store this handle belongs to.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Refuses changes of the table itself to who may not write to all of it.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub(crate) fn may_define(&self) -> Result<(), Error> {
        let table = self.definition()?;
        match self.store.scope_in(&table) < Scope::Write {
            true => Err(Error::Forbidden {
                message: format!("You may not change the table \"{}\"", table.slug),
            }),
            false => self.whole("its definition"),
        }
    }

    /// Where writes are decided and done.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.store.core.backend
    }

    /// A record as it is where writes are decided, whole; none if whoever the store is for may not see it.
    pub(crate) async fn admitted_one(
        &self,
        table: &Arc<Table>,
        key: &Key,
    ) -> Result<Option<Arc<Record>>, Error> {
        let found = self.backend().get(table, key).await?;
        let admitted = self.store.admitted(table);
        Ok(found.filter(|record| admitted.is_none_or(|filter| filter.matches(record))))
    }

    /// As [`TableHandle::admitted_one`], for several.
    pub(crate) async fn admitted(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, Error> {
        let found = self.backend().get_many(table, keys).await?;
        let Some(filter) = self.store.admitted(table) else {
            return Ok(found);
        };
        let admitted = |record: Option<Arc<Record>>| record.filter(|record| filter.matches(record));
        Ok(found.into_iter().map(admitted).collect())
    }

    /// See [`Store`]'s reader.
    pub(crate) fn reader(&self) -> &Reader {
        &self.store.reader
    }

    /// Asks for the records of a plan.
    pub(crate) async fn ask_query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, Error> {
        let (core, reader) = (&self.store.core, &self.store.reader);
        let rows = |records: &Vec<Arc<Record>>| records.len() as u64;
        core.slow
            .watch(reader, "query", plan, rows, reader.query(plan))
            .await
    }

    /// Asks how many records a plan has.
    pub(crate) async fn ask_count(&self, plan: &Plan, mode: CountMode) -> Result<u64, Error> {
        let (core, reader) = (&self.store.core, &self.store.reader);
        core.slow
            .watch(reader, "count", plan, |_| 1, reader.count(plan, mode))
            .await
    }

    /// Asks for figures.
    pub(crate) async fn ask_aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, Error> {
        let (core, reader) = (&self.store.core, &self.store.reader);
        let rows = |groups: &Vec<Group>| groups.len() as u64;
        let asked = reader.aggregate(plan);
        core.slow
            .watch(reader, "aggregate", &plan.over, rows, asked)
            .await
    }

    pub(crate) fn invalid(&self, table: &Table, issues: Vec<Issue>) -> Error {
        Error::Invalid {
            table: table.slug.clone(),
            issues,
        }
    }
}
