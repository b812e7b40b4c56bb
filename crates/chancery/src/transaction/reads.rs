//! Reads inside a transaction: what the transaction has written lies over what is in the store, and each read is noted, so
//! that the commit is refused if it is no longer so. They write nothing.

use std::sync::Arc;

use chancery_model::query::{Plan, Query, Scope, Window};
use chancery_model::{Json, Key, Table};
use chancery_storage::CountMode;

use super::TransactionTable;
use super::overlay::{counted, laid, widened};
use super::state::Written;
use crate::bucket_filter::query_of;
use crate::error::Error;
use crate::record::Record;
use crate::records::IntoKey;

impl TransactionTable {
    /// The newest definition.
    ///
    /// # Errors
    /// [`Error::NotFound`] once the table is dropped.
    pub fn definition(&self) -> Result<Arc<Table>, Error> {
        self.handle.whole("a transaction")?;
        self.handle.definition()
    }

    /// The live record with a key; none if there is none (or it is expired or in the trash). Read twice, it is the same.
    ///
    /// # Errors
    /// [`Error::Storage`], [`Error::TransactionEnded`].
    pub async fn get(&self, key: impl IntoKey) -> Result<Option<Record>, Error> {
        let found = self.get_any(key).await?;
        Ok(found.filter(|record| record.deleted_at().is_none()))
    }

    /// The record with a key in whatever state, the trash included; expired ones are gone.
    ///
    /// # Errors
    /// As [`TransactionTable::get`].
    pub async fn get_any(&self, key: impl IntoKey) -> Result<Option<Record>, Error> {
        let table = self.definition()?;
        let Some(key) = key.to_key(&table) else {
            return Ok(None);
        };
        let found = self.current(&table, &key).await?;
        let seen = found.filter(|row| !self.handle.store.expired(&table, row));
        Ok(seen.map(|row| Record::new(table, row)))
    }

    /// All live records in key order.
    ///
    /// # Errors
    /// As [`TransactionTable::get`].
    pub async fn all(&self) -> Result<Vec<Record>, Error> {
        self.select(&Query::new()).await
    }

    /// The records whose fields equal these values, or pass these operators.
    ///
    /// # Errors
    /// [`Error::Query`] for unknown columns and operators.
    #[doc(alias = "where")]
    pub async fn filter(&self, equal: Json) -> Result<Vec<Record>, Error> {
        self.select(&query_of(&equal)?).await
    }

    /// The first record, in key order, whose fields equal these values.
    ///
    /// # Errors
    /// [`Error::Query`].
    #[doc(alias = "findOne")]
    pub async fn find_one(&self, equal: Json) -> Result<Option<Record>, Error> {
        Ok(self.first_where(equal, 1).await?.pop())
    }

    /// The first `n` records, in key order, whose fields equal these values.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn first_where(&self, equal: Json, n: u64) -> Result<Vec<Record>, Error> {
        let first = Window::Offset { offset: 0, limit: n };
        self.window(&query_of(&equal)?, first).await
    }

    /// How many records have fields that equal these values.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn count_where(&self, equal: Json) -> Result<u64, Error> {
        self.count(&query_of(&equal)?).await
    }

    /// How many records a query has.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn count(&self, query: &Query) -> Result<u64, Error> {
        self.definition()?;
        let plan = self.handle.plan(query, Scope::Live, Window::All).await?;
        let written = self.rest_on(&plan.table).await?;
        let count = self.handle.backend().count(&plan, CountMode::Exact).await?;
        Ok(counted(&plan, count, &written))
    }

    /// The first `n` records in key order.
    ///
    /// # Errors
    /// As [`TransactionTable::get`].
    pub async fn first(&self, n: u64) -> Result<Vec<Record>, Error> {
        self.window(&Query::new(), Window::Offset { offset: 0, limit: n })
            .await
    }

    /// The last `n` records, in key order.
    ///
    /// # Errors
    /// As [`TransactionTable::get`].
    pub async fn last(&self, n: u64) -> Result<Vec<Record>, Error> {
        let query = Query::new().descending(self.definition()?.key_name());
        let mut records = self
            .window(&query, Window::Offset { offset: 0, limit: n })
            .await?;
        records.reverse();
        Ok(records)
    }

    /// All records of a query.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn select(&self, query: &Query) -> Result<Vec<Record>, Error> {
        self.window(query, Window::All).await
    }

    async fn window(&self, query: &Query, window: Window) -> Result<Vec<Record>, Error> {
        self.definition()?;
        let plan = self.handle.plan(query, Scope::Live, window).await?;
        let rows = self.rows(&plan).await?;
        Ok(rows
            .into_iter()
            .map(|row| Record::new(plan.table.clone(), row))
            .collect())
    }

    async fn rows(&self, plan: &Plan) -> Result<Vec<Arc<chancery_model::Record>>, Error> {
        let written = self.rest_on(&plan.table).await?;
        if written.is_empty() {
            return Ok(self.handle.backend().query(plan).await?);
        }
        let rows = self.handle.backend().query(&widened(plan, &written)).await?;
        Ok(laid(plan, rows, &written))
    }

    /// Notes that more than single records of the table are read; answers what the transaction has written of it.
    async fn rest_on(&self, table: &Arc<Table>) -> Result<Vec<Written>, Error> {
        let known = {
            let state = self.transaction.state.lock();
            state.open()?;
            state.has_read(table.number)
        };
        if !known {
            let revision = self.handle.backend().revision().await?;
            self.transaction.state.lock().note_table(table, revision);
        }
        Ok(self.transaction.state.lock().written_of(table.number))
    }

    /// A record as the transaction sees it, in whatever state.
    pub(super) async fn current(
        &self,
        table: &Arc<Table>,
        key: &Key,
    ) -> Result<Option<Arc<chancery_model::Record>>, Error> {
        let written = self
            .transaction
            .state
            .lock()
            .written(&(table.number, key.clone()));
        match written {
            Some(now) => {
                self.transaction.state.lock().open()?;
                Ok(now)
            }
            None => self.stored(table, key).await,
        }
    }

    /// A record as it was in the store when the transaction first asked, in whatever state.
    pub(super) async fn stored(
        &self,
        table: &Arc<Table>,
        key: &Key,
    ) -> Result<Option<Arc<chancery_model::Record>>, Error> {
        {
            let state = self.transaction.state.lock();
            state.open()?;
            if let Some(read) = state.read(&(table.number, key.clone())) {
                return Ok(read.record.clone());
            }
        }
        let found = self.handle.backend().get(table, key).await?;
        self.transaction.state.lock().note_read(table, key, found)
    }
}
