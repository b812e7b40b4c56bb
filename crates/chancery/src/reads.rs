//! Reads: by key, by query, in pages. They never write and never wait for writers.

use std::sync::Arc;

use chancery_model::filter::Filter;
use chancery_model::query::{Boundary, Plan, Query, Scope, Window};
use chancery_model::{Code, Issue, Json, Table, limits};
use chancery_storage::{CountMode, TableStats};

use crate::bucket_filter::query_of;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::record::Record;
use crate::records::IntoKey;
use crate::related;
use crate::store::Store;

/// Which part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum PageWindow {
    /// After skipping `offset` records.
    Offset(u64),
    /// After a boundary; from the start if none.
    After(Option<Boundary>),
    /// Right before a boundary.
    Before(Boundary),
}

/// Whether and how to count all records of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// Not at all.
    #[default]
    None,
    /// In about the time of a page.
    Estimated,
    /// Every record.
    Exact,
}

/// One page of an answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// Whether more follow (or, backwards, precede).
    pub has_more: bool,
    /// The place after the last record; none on an empty page.
    pub next: Option<Boundary>,
    /// The place before the first record; none on an empty page.
    pub previous: Option<Boundary>,
    /// All records of the answer, if counted.
    pub total: Option<u64>,
}

impl TableHandle {
    /// The live record with a key; none if there is none (or it is expired or in the trash).
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn get(&self, key: impl IntoKey) -> Result<Option<Record>, Error> {
        let table = self.definition()?;
        let Some(key) = key.to_key(&table) else {
            return Ok(None);
        };
        let row = self.reader().get(&table, &key).await?;
        match row.filter(|row| row.deleted_at.is_none() && !self.store.expired(&table, row)) {
            Some(row) => related::record(&self.store, &table, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The record with a key in whatever state, the trash included; expired ones are gone.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn get_any(&self, key: impl IntoKey) -> Result<Option<Record>, Error> {
        let table = self.definition()?;
        let Some(key) = key.to_key(&table) else {
            return Ok(None);
        };
        let row = self.reader().get(&table, &key).await?;
        match row.filter(|row| !self.store.expired(&table, row)) {
            Some(row) => related::record(&self.store, &table, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// All live records in key order. For large tables use [`TableHandle::query`] or [`TableHandle::stream`].
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn all(&self) -> Result<Vec<Record>, Error> {
        self.select(&Query::new()).await
    }

    /// The records whose fields equal these values; an object value is an operator object (`{"$gte": 3}`) if all
    /// its names start with `$`.
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
        self.window(&query_of(&equal)?, Scope::Live, first).await
    }

    /// How many records have fields that equal these values. Reads none of them.
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
        let plan = self.plan(query, Scope::Live, Window::All).await?;
        self.ask_count(&plan, CountMode::Exact).await
    }

    /// The first `n` records in key order.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn first(&self, n: u64) -> Result<Vec<Record>, Error> {
        self.window(&Query::new(), Scope::Live, Window::Offset { offset: 0, limit: n })
            .await
    }

    /// The last `n` records, in key order.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn last(&self, n: u64) -> Result<Vec<Record>, Error> {
        let mut records = self
            .window(
                &Query::new().descending(self.definition()?.key_name()),
                Scope::Live,
                Window::Offset { offset: 0, limit: n },
            )
            .await?;
        records.reverse();
        Ok(records)
    }

    /// `limit` records after a key in key order (from the start if none), and whether more follow. The key need not
    /// exist any more.
    ///
    /// # Errors
    /// [`Error::Query`] for a text that cannot be a key.
    pub async fn paginate(&self, after: Option<&str>, limit: u64) -> Result<Page, Error> {
        let table = self.definition()?;
        let boundary = match after {
            None => None,
            Some(text) => {
                let issue = || {
                    Error::Query(vec![Issue::new(
                        "after",
                        Code::Format,
                        format!("\"{text}\" is no key"),
                    )])
                };
                Some(Boundary {
                    values: Vec::new(),
                    key: text.to_key(&table).ok_or_else(issue)?,
                })
            }
        };
        self.page(
            &Query::new(),
            Scope::Live,
            PageWindow::After(boundary),
            limit,
            Count::None,
        )
        .await
    }

    /// All records of a query.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn select(&self, query: &Query) -> Result<Vec<Record>, Error> {
        self.window(query, Scope::Live, Window::All).await
    }

    async fn window(&self, query: &Query, scope: Scope, window: Window) -> Result<Vec<Record>, Error> {
        let plan = self.plan(query, scope, window).await?;
        let rows = self.ask_query(&plan).await?;
        related::records(&self.store, &plan.table, rows).await
    }

    /// One page of a query.
    ///
    /// # Errors
    /// [`Error::Query`], [`Error::Limit`] for more than [`limits::PAGE_LIMIT_MAX`] records.
    pub async fn page(
        &self,
        query: &Query,
        scope: Scope,
        window: PageWindow,
        limit: u64,
        count: Count,
    ) -> Result<Page, Error> {
        if limit > limits::PAGE_LIMIT_MAX as u64 {
            return Err(Error::Limit {
                what: "records on a page",
                max: limits::PAGE_LIMIT_MAX as u64,
                got: limit,
            });
        }
        let (backwards, more) = (matches!(window, PageWindow::Before(_)), limit + 1);
        let window = match window {
            PageWindow::Offset(offset) => Window::Offset { offset, limit: more },
            PageWindow::After(None) => Window::Offset {
                offset: 0,
                limit: more,
            },
            PageWindow::After(Some(boundary)) => Window::After {
                boundary,
                limit: more,
            },
            PageWindow::Before(boundary) => Window::Before {
                boundary,
                limit: more,
            },
        };
        let plan = self.plan(query, scope, window).await?;
        let mut rows = self.ask_query(&plan).await?;
        let has_more = rows.len() as u64 > limit;
        if has_more && backwards {
            rows.remove(0);
        }
        rows.truncate(limit as usize);
        let total = match count {
            Count::None => None,
            Count::Estimated => Some(self.ask_count(&plan, CountMode::Estimated).await?),
            Count::Exact => Some(self.ask_count(&plan, CountMode::Exact).await?),
        };
        Ok(Page {
            next: rows.last().map(|row| plan.boundary(row)),
            previous: rows.first().map(|row| plan.boundary(row)),
            records: related::records(&self.store, &plan.table, rows).await?,
            has_more,
            total,
        })
    }

    /// How a query would be answered, for a person.
    ///
    /// # Errors
    /// [`Error::Query`].
    pub async fn explain(&self, query: &Query, limit: u64) -> Result<Vec<String>, Error> {
        let window = Window::Offset { offset: 0, limit };
        let plan = self.plan(query, Scope::Live, window).await?;
        Ok(self.reader().explain(&plan).await?)
    }

    /// All records of a query in chunks from one snapshot, in constant memory.
    ///
    /// # Errors
    /// [`Error::Query`] at once; storage errors in the stream.
    pub async fn stream(&self, query: &Query) -> Result<Stream, Error> {
        let plan = self.plan(query, Scope::Live, Window::All).await?;
        Ok(Stream {
            store: self.store.clone(),
            table: plan.table.clone(),
            rows: self.reader().stream(&plan).await?,
        })
    }

    /// Sizes of the table.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn stats(&self) -> Result<TableStats, Error> {
        Ok(self.reader().stats(&self.definition()?).await?)
    }

    /// A query as the backend is asked, by a definition that it fits if there is one: another process may have changed it.
    pub(crate) async fn plan(&self, query: &Query, scope: Scope, window: Window) -> Result<Plan, Error> {
        let table = self.definition()?;
        match self.plan_by(&table, query, scope, window.clone()) {
            Err(Error::Query(_)) if self.is_outdated(&table).await? => {
                self.plan_by(&self.definition()?, query, scope, window)
            }
            plan => plan,
        }
    }

    /// A query as the backend is asked, by this definition.
    pub(crate) fn plan_by(
        &self,
        table: &Arc<Table>,
        query: &Query,
        scope: Scope,
        window: Window,
    ) -> Result<Plan, Error> {
        let now = self.store.now();
        let seen = self.store.seen(table);
        let (filter, sort, search) = (
            self.store
                .sealing(|cells| query.resolve_filter(&seen, now, cells)),
            query.resolve_sort(&seen),
            query.resolve_search(&seen),
        );
        match (filter, sort, search) {
            (Ok(filter), Ok(sort), Ok(search)) => Ok(Plan {
                table: table.clone(),
                filter: match query.finds_nothing() {
                    true => Filter::Or(Vec::new()),
                    false => filter,
                },
                search,
                scope,
                now: table.judged_at(now),
                sort,
                window,
            }),
            (filter, sort, search) => {
                let mut issues = filter.err().unwrap_or_default();
                issues.extend(sort.err().unwrap_or_default());
                issues.extend(search.err().unwrap_or_default());
                Err(Error::Query(issues))
            }
        }
    }
}

/// Records of one query, chunk by chunk.
pub struct Stream {
    store: Store,
    table: Arc<Table>,
    rows: chancery_storage::RecordStream,
}

impl Stream {
    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// [`Error::Storage`]; nothing follows an error.
    pub async fn next(&mut self) -> Option<Result<Vec<Record>, Error>> {
        let chunk = self.rows.recv().await?;
        match chunk {
            Ok(rows) => Some(related::records(&self.store, &self.table, rows).await),
            Err(error) => Some(Err(error.into())),
        }
    }
}
