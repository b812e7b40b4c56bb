//! Where records are read, as somebody sees it who may be held to rights: what is beyond them is left out, hidden cells are blank.
//! It writes nothing.

use std::sync::Arc;

use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::filter::Filter;
use chancery_model::query::{Plan, Query, Scope as Which};
use chancery_model::{Key, Record, Table, Value};
use chancery_storage::{Answer, Backend, CountMode, RecordStream, StorageError, TableStats};
use futures::future::Either;

use crate::access::{Rights, Scope};
use crate::limits::HELD_CHUNKS;
use crate::store::Core;

/// A backend that records are read from, perhaps a replica, and who reads there.
#[derive(Clone)]
pub(crate) struct Reader {
    backend: Arc<dyn Backend>,
    held: Option<Held>,
}

/// What a reader is held to.
#[derive(Clone)]
struct Held {
    rights: Arc<Rights>,
    core: Arc<Core>,
}

/// What of a table is seen.
struct Part {
    filter: Filter,
    /// The ordinals of the columns that are hidden.
    hidden: Vec<u16>,
}

impl Reader {
    /// A reader that sees everything.
    pub(crate) fn of(backend: Arc<dyn Backend>) -> Reader {
        Reader { backend, held: None }
    }

    /// The same for who is held to rights.
    pub(crate) fn held_to(&self, rights: Arc<Rights>, core: Arc<Core>) -> Reader {
        Reader {
            backend: self.backend.clone(),
            held: Some(Held { rights, core }),
        }
    }

    /// The same at another backend.
    pub(crate) fn at(&self, backend: Arc<dyn Backend>) -> Reader {
        Reader {
            backend,
            held: self.held.clone(),
        }
    }

    /// The newest revision there.
    pub(crate) async fn revision(&self) -> Result<u64, StorageError> {
        self.backend.revision().await
    }

    /// The record with a key, in whatever state.
    pub(crate) fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>> {
        let Some(held) = self.part(table) else {
            return self.backend.get(table, key);
        };
        Either::Right(Box::pin(async move {
            let found = self.backend.get(table, key).await?;
            Ok(found.and_then(|record| held.shown(record)))
        }))
    }

    /// The records with these keys, in their order.
    pub(crate) async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        let found = self.backend.get_many(table, keys).await?;
        Ok(match self.part(table) {
            None => found,
            Some(part) => {
                let shown = |record: Option<Arc<Record>>| record.and_then(|record| part.shown(record));
                found.into_iter().map(shown).collect()
            }
        })
    }

    /// The records of a plan.
    pub(crate) async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        match self.part(&plan.table) {
            None => self.backend.query(plan).await,
            Some(part) => {
                let found = self.backend.query(&part.plan(plan)).await?;
                Ok(found
                    .into_iter()
                    .filter_map(|record| part.shown(record))
                    .collect())
            }
        }
    }

    /// How many records a plan has.
    pub(crate) async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError> {
        match self.part(&plan.table) {
            None => self.backend.count(plan, mode).await,
            Some(part) => self.backend.count(&part.plan(plan), mode).await,
        }
    }

    /// All records of a plan in chunks.
    pub(crate) async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError> {
        let Some(part) = self.part(&plan.table) else {
            return self.backend.stream(plan).await;
        };
        let mut chunks = self.backend.stream(&part.plan(plan)).await?;
        let (give, take) = tokio::sync::mpsc::channel(HELD_CHUNKS);
        tokio::spawn(async move {
            while let Some(chunk) = chunks.recv().await {
                let shown =
                    |chunk: Vec<Arc<Record>>| chunk.into_iter().filter_map(|row| part.shown(row)).collect();
                if give.send(chunk.map(shown)).await.is_err() {
                    return;
                }
            }
        });
        Ok(take)
    }

    /// Figures over the records of a plan.
    pub(crate) async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError> {
        match self.part(&plan.over.table) {
            None => self.backend.aggregate(plan).await,
            Some(part) => {
                let over = part.plan(&plan.over);
                self.backend
                    .aggregate(&AggregatePlan { over, ..plan.clone() })
                    .await
            }
        }
    }

    /// How a plan would be answered, for a person.
    pub(crate) async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError> {
        match self.part(&plan.table) {
            None => self.backend.explain(plan).await,
            Some(part) => self.backend.explain(&part.plan(plan)).await,
        }
    }

    /// Sizes of a table. When what is not seen changed is not told.
    pub(crate) async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError> {
        let all = self.backend.stats(table).await?;
        let Some(part) = self
            .part(table)
            .filter(|part| !matches!(part.filter, Filter::All))
        else {
            return Ok(all);
        };
        let count = async |scope| {
            let plan = Plan {
                scope,
                ..Plan::all(table.clone(), i64::MIN)
            };
            self.backend.count(&part.plan(&plan), CountMode::Exact).await
        };
        Ok(TableStats {
            live: count(Which::Live).await?,
            trash: count(Which::Trash).await?,
            last_change_at: None,
        })
    }

    /// Which records of a table are seen; none if all are.
    pub(crate) fn filter(&self, table: &Table) -> Option<Filter> {
        let part = self.part(table)?;
        (!matches!(part.filter, Filter::All)).then_some(part.filter)
    }

    /// As [`Reader::blanked`], of one.
    pub(crate) fn blanked_one(&self, table: &Table, record: Arc<Record>) -> Arc<Record> {
        match self.part(table) {
            Some(part) => part.blanked(record),
            None => record,
        }
    }

    /// Records with their hidden cells blank.
    pub(crate) fn blanked(&self, table: &Table, records: Vec<Arc<Record>>) -> Vec<Arc<Record>> {
        match self.part(table) {
            Some(part) => records.into_iter().map(|record| part.blanked(record)).collect(),
            None => records,
        }
    }

    /// What is seen of a table; none if all of it is.
    fn part(&self, table: &Table) -> Option<Part> {
        let held = self.held.as_ref()?;
        let rights = &held.rights;
        if rights.in_table(table) < Scope::Read {
            return Some(Part::nothing());
        }
        if !rights.narrows(table) {
            return None;
        }
        // By the definition as it is, whatever the caller was shown of it.
        let catalog = held.core.catalog.load();
        let Some(table) = catalog.numbered(table.number) else {
            return Some(Part::nothing());
        };
        let hidden = |column: &&chancery_model::Column| rights.in_column(table, &column.slug) < Scope::Read;
        let query = Query {
            filter: rights.filter(table).cloned(),
            ..Query::default()
        };
        let cells = held.core.cells.load();
        let cells = cells
            .as_deref()
            .map(|cells| cells as &dyn chancery_model::encryption::Cells);
        Some(match query.resolve_filter(table, held.core.clock.now(), cells) {
            Ok(filter) => Part {
                filter,
                hidden: table
                    .columns
                    .iter()
                    .filter(hidden)
                    .map(|column| column.ordinal)
                    .collect(),
            },
            // A column that it speaks of is gone.
            Err(_) => {
                let table = &*table.slug;
                tracing::warn!(target: "chancery::access", table, "the filter of a grant does not fit its table any more: nothing of it is shown");
                Part::nothing()
            }
        })
    }
}

impl Part {
    fn nothing() -> Part {
        Part {
            filter: Filter::Or(Vec::new()),
            hidden: Vec::new(),
        }
    }

    /// The plan with what is not seen left out.
    fn plan(&self, plan: &Plan) -> Plan {
        Plan {
            filter: plan.filter.clone().and(self.filter.clone()),
            ..plan.clone()
        }
    }

    /// A record as it is seen; none if it is not.
    fn shown(&self, record: Arc<Record>) -> Option<Arc<Record>> {
        self.filter.matches(&record).then(|| self.blanked(record))
    }

    fn blanked(&self, record: Arc<Record>) -> Arc<Record> {
        if self.hidden.iter().all(|ordinal| record.value(*ordinal).is_null()) {
            return record;
        }
        let mut shown = Record::clone(&record);
        for ordinal in &self.hidden {
            if let Some(value) = shown.values.get_mut(usize::from(*ordinal)) {
                *value = Value::Null;
            }
        }
        Arc::new(shown)
    }
}
