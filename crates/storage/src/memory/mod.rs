//! The memory backend: complete, and the specification the others are tested against. It keeps nothing on disk.
//!
//! One lock holds one [`State`]; a commit changes it whole, a read sees it whole. Records are shared, never copied.
//! `relation` holds a table, `commit` writes, `access` chooses how to read and `read`, `find` and `figures` do.

mod access;
mod checks;
mod commit;
mod documents;
mod dump;
mod figures;
mod fill;
mod find;
mod index;
mod log;
mod ordered;
mod read;
mod relation;
mod slots;
mod undo;

use std::collections::HashMap as StdHashMap;
use std::sync::Arc;

use async_trait::async_trait;
use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::change::Change;
use chancery_model::filter::FieldRef;
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, TableId, Value};
use futures::future::{Either, ready};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::batch::{Batch, Committed, Counter, Document};
use crate::bell::{self, Bell, News};
use crate::error::StorageError;
use crate::finding::Finding;
use crate::part::{Dump, Fill, LoggedCommit};
use crate::seam::{
    Answer, Backend, CommitQuery, CountMode, DocumentQuery, RecordStream, TableChanges, TableStats,
};
use documents::Documents;
use log::Log;
use read::Reader;
use relation::Relation;

/// Records in one chunk of a stream.
const STREAM_CHUNK: usize = 1_000;
/// Chunks of a stream that wait for their reader.
const STREAM_CHUNKS_WAITING: usize = 4;
/// Most records looked at for an estimated count.
const ESTIMATE_LOOKS: usize = 1_000;

type Relations = hashbrown::HashMap<TableId, Relation>;

/// Records in memory.
#[derive(Debug, Default)]
pub struct Memory {
    state: RwLock<State>,
    bell: Bell,
}

/// Everything there is.
#[derive(Debug, Default)]
struct State {
    relations: Relations,
    log: Log,
    documents: Documents,
    /// The last number given by each counter.
    counters: StdHashMap<Counter, u64>,
    revision: u64,
    closed: bool,
}

impl State {
    fn open(&self) -> Result<&State, StorageError> {
        if self.closed {
            Err(StorageError::Closed)
        } else {
            Ok(self)
        }
    }

    fn relation(&self, table: &Table) -> Result<Option<&Relation>, StorageError> {
        Ok(self.open()?.relations.get(&table.number))
    }
}

impl Memory {
    /// An empty store.
    pub fn new() -> Memory {
        Memory::default()
    }

    /// What a question about a plan's table answers; a table that is not there has no records.
    fn read<T: Default>(
        &self,
        plan: &Plan,
        answer: impl FnOnce(&Reader<'_>) -> T,
    ) -> Result<T, StorageError> {
        let state = self.state.read();
        let relation = state.relation(&plan.table)?;
        Ok(relation
            .map(|relation| answer(&Reader::new(relation, plan)))
            .unwrap_or_default())
    }

    fn records(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        self.read(plan, |reader| reader.records().into_iter().cloned().collect())
    }
}

#[async_trait]
impl Backend for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        let defines = bell::defines(&batch);
        let committed = {
            let mut state = self.state.write();
            state.open()?;
            commit::commit(&mut state, batch)?
        };
        self.bell.committed(committed.revision, defines);
        Ok(committed)
    }

    fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>> {
        let state = self.state.read();
        let relation = state.relation(table);
        let found = relation.map(|relation| relation.and_then(|relation| relation.get(key)).cloned());
        Either::Left(ready(found))
    }

    async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        let state = self.state.read();
        let relation = state.relation(table)?;
        Ok(keys
            .iter()
            .map(|key| relation.and_then(|relation| relation.get(key)).cloned())
            .collect())
    }

    async fn find(
        &self,
        table: &Arc<Table>,
        fields: &[FieldRef],
        tuples: &[Vec<Value>],
        limit: usize,
    ) -> Result<Vec<Vec<Arc<Record>>>, StorageError> {
        let state = self.state.read();
        Ok(match state.relation(table)? {
            Some(relation) => find::find(relation, fields, tuples, limit),
            None => vec![Vec::new(); tuples.len()],
        })
    }

    async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        self.records(plan)
    }

    async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError> {
        self.read(plan, |reader| {
            let count = reader.known_count().unwrap_or_else(|| match mode {
                CountMode::Exact => reader.candidates().count(),
                CountMode::Estimated => reader.estimated_count(ESTIMATE_LOOKS),
            });
            count as u64
        })
    }

    async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError> {
        let records = self.records(plan)?;
        let (sender, receiver) = tokio::sync::mpsc::channel(STREAM_CHUNKS_WAITING);
        if records.len() <= STREAM_CHUNK * STREAM_CHUNKS_WAITING {
            for chunk in records.chunks(STREAM_CHUNK) {
                let sent = sender.try_send(Ok(chunk.to_vec()));
                sent.map_err(|error| StorageError::Internal(error.to_string()))?;
            }
            return Ok(receiver);
        }
        tokio::spawn(async move {
            for chunk in records.chunks(STREAM_CHUNK) {
                if sender.send(Ok(chunk.to_vec())).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }

    async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError> {
        let state = self.state.read();
        match state.relation(&plan.over.table)? {
            Some(relation) => Ok(figures::aggregate(&Reader::new(relation, &plan.over), plan)),
            None => {
                let empty = Relation::new(plan.over.table.clone());
                Ok(figures::aggregate(&Reader::new(&empty, &plan.over), plan))
            }
        }
    }

    async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError> {
        self.read(plan, |reader| reader.explain())
    }

    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, StorageError> {
        Ok(self.state.read().open()?.documents.query(&query))
    }

    async fn draw(&self, counter: Counter, count: u64) -> Result<u64, StorageError> {
        let mut state = self.state.write();
        state.open()?;
        let last = state.counters.entry(counter).or_default();
        let first = *last + 1;
        let end = last.checked_add(count).filter(|end| i64::try_from(*end).is_ok());
        *last = end.ok_or_else(|| StorageError::Internal(format!("a counter would pass {}", i64::MAX)))?;
        Ok(first)
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        Ok(self.state.read().open()?.log.after(after, limit).to_vec())
    }

    async fn changes_of(
        &self,
        table: TableId,
        after: u64,
        limit: usize,
    ) -> Result<TableChanges, StorageError> {
        Ok(self.state.read().open()?.log.of_table(table, after, limit))
    }

    async fn chain(&self, number: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        Ok(self.state.read().open()?.log.chain(number, limit))
    }

    async fn commits(&self, query: CommitQuery) -> Result<Vec<LoggedCommit>, StorageError> {
        Ok(self.state.read().open()?.log.query(&query))
    }

    async fn oldest(&self) -> Result<u64, StorageError> {
        Ok(self.state.read().open()?.log.oldest())
    }

    async fn forget(&self, revision: u64) -> Result<u64, StorageError> {
        let mut state = self.state.write();
        state.open()?;
        Ok(state.log.forget(revision))
    }

    async fn rewrite(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        let mut state = self.state.write();
        state.open()?;
        state.log.rewrite(changes);
        Ok(())
    }

    fn news(&self) -> watch::Receiver<News> {
        self.bell.listen()
    }

    async fn revision(&self) -> Result<u64, StorageError> {
        Ok(self.state.read().open()?.revision)
    }

    async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError> {
        let state = self.state.read();
        Ok(state
            .relation(table)?
            .map_or_else(TableStats::default, |relation| TableStats {
                live: relation.live.len() as u64,
                trash: relation.trash.len() as u64,
                last_change_at: relation.touched.at,
            }))
    }

    async fn dump(&self) -> Result<Dump, StorageError> {
        Ok(dump::dump(self.state.read().open()?))
    }

    async fn fill(&self, step: Fill) -> Result<(), StorageError> {
        let mut state = self.state.write();
        state.open()?;
        fill::fill(&mut state, step)
    }

    async fn examine(&self) -> Result<Vec<Finding>, StorageError> {
        self.state.read().open()?;
        // Nothing here is derived from anything that could have gone another way.
        Ok(Vec::new())
    }

    async fn mend(&self, _finding: &Finding) -> Result<bool, StorageError> {
        Ok(false)
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.state.read().open().map(|_| ())
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.state.write().closed = true;
        Ok(())
    }
}
