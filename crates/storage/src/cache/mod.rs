//! A backend in front of another that answers again what it has answered before, as long as it is still true. It keeps
//! nothing that could not be asked again, and judges no record.
//!
//! An entry is given only under the state of its table that it was made in; why that is exact is in
//! `docs/adr/0017-the-cache-is-exact.md`. A backend that nobody else writes to knows its states itself ([`marks`]): then
//! records are held by key ([`records`]) and answers to whole questions ([`answers`]). A backend that other processes write
//! to is asked for the state first ([`Backend::state`]): then only answers are held, those that took longer to make than
//! asking takes, here and on the level that the processes share ([`link`], [`wire`]). Documents are never held: they are
//! credentials, among other things.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use chancery_model::aggregate::{AggregatePlan, Group};
use chancery_model::change::Change;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope, SortKey, Window};
use chancery_model::{Key, Record, Table, TableId, Value};
use futures::future::{Either, ready};
use tokio::sync::watch;
use uuid::Uuid;

use self::answers::{Answers, Held, Span};
use self::link::Link;
use self::marks::{Mark, Marks};
use self::question::{Answer as Found, Ask, Question};
use self::records::Records;
use self::status::Counter;
use crate::batch::{Batch, Committed, Counter as Numbers, Document};
use crate::bell::News;
use crate::error::StorageError;
use crate::finding::Finding;
use crate::part::{Dump, Fill, IDENTITY_KIND, LoggedCommit};
use crate::read_figures::ReadFigures;
use crate::seam::{
    Answer, Backend, CommitQuery, CountMode, DocumentQuery, RecordStream, TableChanges, TableStats,
};

mod answers;
mod link;
mod marks;
mod options;
mod question;
mod records;
mod status;
mod weight;
mod wire;

pub use options::{CACHE_BYTES, CacheOptions, RedisUrl};
pub use status::{CacheStatus, RedisState, RedisStatus};

/// The document that says which store this is.
const IDENTITY: (&str, &str) = (IDENTITY_KIND, "identity");

/// A backend with a cache in front of it.
pub struct Cached {
    inner: Arc<dyn Backend>,
    writers: Writers,
    answers: Answers,
    hits: Counter,
    misses: Counter,
    closed: AtomicBool,
}

/// Who writes to the backend.
enum Writers {
    /// Only this process, and only through this cache.
    Alone { marks: Arc<Marks>, records: Records },
    /// Others too.
    Several { shared: Option<SharedLevel> },
}

/// The level that the processes share.
struct SharedLevel {
    link: Link,
    /// What the names of this store's answers begin with.
    prefix: String,
}

impl Cached {
    /// In front of a backend that nobody writes to but through this cache. Its commits happen in the order in which they
    /// are begun, also those whose callers go away.
    pub fn alone(inner: Arc<dyn Backend>, options: &CacheOptions) -> Cached {
        let records = Records::new(options.bytes / 2);
        let marks = Arc::new(Marks::new());
        Cached::new(
            inner,
            Writers::Alone { marks, records },
            options.bytes / 2,
            options,
        )
    }

    /// In front of a backend that other processes write to as well, and that says so by [`Backend::state`].
    ///
    /// # Errors
    /// [`StorageError::Url`] if the URL of the shared level is none; what the backend says if it cannot be read. A shared
    /// level that does not answer is no error.
    pub async fn among_others(
        inner: Arc<dyn Backend>,
        options: &CacheOptions,
    ) -> Result<Cached, StorageError> {
        let shared = match &options.redis {
            None => None,
            Some(url) => Some(SharedLevel {
                prefix: prefix(&*inner).await?,
                link: Link::open(url).await?,
            }),
        };
        Ok(Cached::new(
            inner,
            Writers::Several { shared },
            options.bytes,
            options,
        ))
    }

    fn new(inner: Arc<dyn Backend>, writers: Writers, bytes: u64, options: &CacheOptions) -> Cached {
        Cached {
            inner,
            writers,
            answers: Answers::new(bytes, options.worth),
            hits: Counter::default(),
            misses: Counter::default(),
            closed: AtomicBool::new(false),
        }
    }

    /// The state of a table under which what is read from now on may be held; none while it changes, or if it is not known.
    async fn state(&self, table: TableId) -> Option<u128> {
        match &self.writers {
            Writers::Alone { marks, .. } => marks.of_table(table).map(Mark::number),
            // If it cannot be asked, the question itself will say why.
            Writers::Several { .. } => self.inner.state(table).await.ok()?.map(|id| id.as_u128()),
        }
    }

    /// Answers a question from what is held, or asks the backend and holds what it says.
    async fn answer(&self, ask: Ask<'_>) -> Result<Found, StorageError> {
        let question = match ask.question() {
            Some(question) if !self.closed.load(Ordering::Acquire) => question,
            _ => return ask.put_to(&*self.inner).await,
        };
        let state = match self.answers.is_worth(&question) {
            true => self.state(question.table).await,
            false => None,
        };
        let now = ask.plan().now;
        if let Some(state) = state
            && let Some(found) = self.find(&ask, &question, state, now).await
        {
            return Ok(found);
        }
        let start = Instant::now();
        let answer = ask.put_to(&*self.inner).await?;
        let worth = self.answers.took(&question, start.elapsed());
        if let (Some(state), true) = (state, worth) {
            self.hold(question, state, ask.plan(), &answer).await;
        }
        Ok(answer)
    }

    /// What is held of an answer, here or on the shared level.
    async fn find(&self, ask: &Ask<'_>, question: &Question, state: u128, now: i64) -> Option<Found> {
        if let Some(found) = self.answers.find(question, state, now) {
            self.hits.count();
            return Some(found);
        }
        self.misses.count();
        let Writers::Several { shared: Some(shared) } = &self.writers else {
            return None;
        };
        let bytes = shared.link.get(&shared.name(question, state)).await;
        let held = bytes.and_then(|bytes| wire::read(&bytes, state));
        let held = held.filter(|held| held.span.contains(now) && ask.fits(&held.answer));
        shared.link.found(held.is_some());
        let held = held?;
        self.answers.hold(question.clone(), held.clone());
        Some(held.answer)
    }

    /// Holds an answer that was made after the state was learnt, if the table is still in it: then it is exactly that
    /// state's answer. A failure only means that it is not held.
    async fn hold(&self, question: Question, state: u128, plan: &Plan, answer: &Found) {
        let Some(span) = self.span(plan, state).await else {
            return;
        };
        if self.state(question.table).await != Some(state) {
            return;
        }
        let held = Held {
            state,
            span,
            answer: answer.clone(),
        };
        if let Writers::Several { shared: Some(shared) } = &self.writers
            && held.answer.bytes() <= link::VALUE_BYTES_MAX
            && let Some(bytes) = wire::write(&held)
        {
            shared.link.put(shared.name(&question, state), bytes);
        }
        self.answers.hold(question, held);
    }

    /// From the time of a plan until the next record of its table expires.
    async fn span(&self, plan: &Plan, state: u128) -> Option<Span> {
        let table = plan.table.number;
        if let Some(span) = self.answers.span(table, state, plan.now) {
            return Some(span);
        }
        let next = Plan {
            filter: Filter::Field(FieldRef::ExpiresAt, Test::Gt(Value::Int(plan.now))),
            scope: Scope::All,
            sort: vec![SortKey {
                field: FieldRef::ExpiresAt,
                descending: false,
                nulls_first: false,
            }],
            window: Window::Offset { offset: 0, limit: 1 },
            ..Plan::all(plan.table.clone(), plan.now)
        };
        let first = self.inner.query(&next).await.ok()?;
        let until = first.first().and_then(|record| record.expires_at);
        let span = Span {
            from: plan.now,
            until: until.unwrap_or(i64::MAX),
        };
        self.answers.note_span(table, state, span);
        Some(span)
    }

    /// The records with these keys, if all are held and were there together.
    fn find_all(&self, table: &Table, keys: &[Key]) -> Option<Vec<Option<Arc<Record>>>> {
        let Writers::Alone { marks, records } = &self.writers else {
            return None;
        };
        let mut found = Vec::with_capacity(keys.len());
        let mut seen = Vec::with_capacity(keys.len());
        for key in keys {
            let mark = marks.of_record(table.number, key)?;
            found.push(Some(records.find(table, key, mark)?));
            seen.push(mark);
        }
        // Between the first look and this one nothing was written: that is a snapshot.
        let still = |(key, mark): (&Key, &Mark)| marks.of_record(table.number, key) == Some(*mark);
        keys.iter().zip(&seen).all(still).then_some(found)
    }

    /// Reads records and holds them.
    async fn get_and_hold(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        let Writers::Alone { marks, records } = &self.writers else {
            return self.inner.get_many(table, keys).await;
        };
        let seen: Vec<Option<Mark>> = keys
            .iter()
            .map(|key| marks.of_record(table.number, key))
            .collect();
        let found = self.inner.get_many(table, keys).await?;
        for (record, mark) in found.iter().zip(seen) {
            if let (Some(record), Some(mark)) = (record, mark) {
                records.hold(table, record, mark);
            }
        }
        Ok(found)
    }
}

impl SharedLevel {
    /// The name of an answer: two answers that may differ never have the same.
    fn name(&self, question: &Question, state: u128) -> Vec<u8> {
        let (table, text) = (question.table.0, &question.text);
        format!(
            "{}:{table}:{}:{text}",
            self.prefix,
            Uuid::from_u128(state).simple()
        )
        .into_bytes()
    }
}

/// What the names of a store's answers begin with, so that stores never meet in one Redis.
async fn prefix(backend: &dyn Backend) -> Result<String, StorageError> {
    let query = DocumentQuery::Id {
        kind: IDENTITY.0.into(),
        id: IDENTITY.1.into(),
    };
    let found = backend.documents(query).await?;
    let id = found.first().and_then(|document| document.body["id"].as_str());
    let id = id.ok_or_else(|| StorageError::Internal("the store does not know its id".into()))?;
    Ok(format!("chancery:{}:{id}", wire::FORMAT))
}

/// What was asked and what was answered do not belong together; it cannot happen.
fn mixed_up() -> StorageError {
    StorageError::Internal("the cache answered another question".into())
}

#[async_trait]
impl Backend for Cached {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn is_shared(&self) -> bool {
        self.inner.is_shared()
    }

    async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        let Writers::Alone { marks, .. } = &self.writers else {
            return self.inner.commit(batch).await;
        };
        let under_way = marks.begin(&batch);
        let committed = self.inner.commit(batch).await;
        under_way.over();
        committed
    }

    fn get<'a>(&'a self, table: &'a Arc<Table>, key: &'a Key) -> Answer<'a, Option<Arc<Record>>> {
        let Writers::Alone { marks, records } = &self.writers else {
            return self.inner.get(table, key);
        };
        let mark = match marks.of_record(table.number, key) {
            Some(mark) if !self.closed.load(Ordering::Acquire) => mark,
            _ => return self.inner.get(table, key),
        };
        if let Some(record) = records.find(table, key, mark) {
            self.hits.count();
            return Either::Left(ready(Ok(Some(record))));
        }
        self.misses.count();
        Either::Right(Box::pin(async move {
            let found = self.inner.get(table, key).await?;
            if let Some(record) = &found {
                records.hold(table, record, mark);
            }
            Ok(found)
        }))
    }

    async fn get_many(
        &self,
        table: &Arc<Table>,
        keys: &[Key],
    ) -> Result<Vec<Option<Arc<Record>>>, StorageError> {
        if !self.closed.load(Ordering::Acquire)
            && let Some(found) = self.find_all(table, keys)
        {
            self.hits.count();
            return Ok(found);
        }
        self.misses.count();
        self.get_and_hold(table, keys).await
    }

    async fn find(
        &self,
        table: &Arc<Table>,
        fields: &[FieldRef],
        tuples: &[Vec<Value>],
        limit: usize,
    ) -> Result<Vec<Vec<Arc<Record>>>, StorageError> {
        self.inner.find(table, fields, tuples, limit).await
    }

    async fn query(&self, plan: &Plan) -> Result<Vec<Arc<Record>>, StorageError> {
        match self.answer(Ask::Records(plan)).await? {
            Found::Records(records) => Ok(records.to_vec()),
            _ => Err(mixed_up()),
        }
    }

    async fn count(&self, plan: &Plan, mode: CountMode) -> Result<u64, StorageError> {
        if mode == CountMode::Estimated {
            return self.inner.count(plan, mode).await;
        }
        match self.answer(Ask::Count(plan)).await? {
            Found::Count(count) => Ok(count),
            _ => Err(mixed_up()),
        }
    }

    async fn stream(&self, plan: &Plan) -> Result<RecordStream, StorageError> {
        self.inner.stream(plan).await
    }

    async fn aggregate(&self, plan: &AggregatePlan) -> Result<Vec<Group>, StorageError> {
        match self.answer(Ask::Figures(plan)).await? {
            Found::Figures(groups) => Ok(groups.to_vec()),
            _ => Err(mixed_up()),
        }
    }

    async fn explain(&self, plan: &Plan) -> Result<Vec<String>, StorageError> {
        self.inner.explain(plan).await
    }

    async fn documents(&self, query: DocumentQuery) -> Result<Vec<Document>, StorageError> {
        self.inner.documents(query).await
    }

    async fn draw(&self, counter: Numbers, count: u64) -> Result<u64, StorageError> {
        self.inner.draw(counter, count).await
    }

    async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.inner.changes(after, limit).await
    }

    async fn changes_of(
        &self,
        table: TableId,
        after: u64,
        limit: usize,
    ) -> Result<TableChanges, StorageError> {
        self.inner.changes_of(table, after, limit).await
    }

    async fn chain(&self, number: u64, limit: usize) -> Result<Vec<Change>, StorageError> {
        self.inner.chain(number, limit).await
    }

    async fn commits(&self, query: CommitQuery) -> Result<Vec<LoggedCommit>, StorageError> {
        self.inner.commits(query).await
    }

    async fn oldest(&self) -> Result<u64, StorageError> {
        self.inner.oldest().await
    }

    async fn forget(&self, revision: u64) -> Result<u64, StorageError> {
        self.inner.forget(revision).await
    }

    async fn rewrite(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        self.inner.rewrite(changes).await
    }

    fn news(&self) -> watch::Receiver<News> {
        self.inner.news()
    }

    async fn revision(&self) -> Result<u64, StorageError> {
        self.inner.revision().await
    }

    async fn stats(&self, table: &Arc<Table>) -> Result<TableStats, StorageError> {
        self.inner.stats(table).await
    }

    async fn state(&self, table: TableId) -> Result<Option<Uuid>, StorageError> {
        self.inner.state(table).await
    }

    fn cache(&self) -> Option<CacheStatus> {
        let (mut entries, mut bytes) = self.answers.size();
        let mut redis = None;
        match &self.writers {
            Writers::Alone { records, .. } => {
                let held = records.size();
                entries += held.0;
                bytes += held.1;
            }
            Writers::Several { shared } => redis = shared.as_ref().map(|shared| shared.link.status()),
        }
        Some(CacheStatus {
            hits: self.hits.get(),
            misses: self.misses.get(),
            entries,
            bytes,
            redis,
        })
    }

    /// Reads of copies pass the cache by: asking whether an answer is still true is a question to the primary, which the
    /// copies are there to spare.
    fn replicated(&self, revision: u64) -> Option<Arc<dyn Backend>> {
        self.inner.replicated(revision)
    }

    fn read_figures(&self) -> ReadFigures {
        self.inner.read_figures()
    }

    async fn dump(&self) -> Result<Dump, StorageError> {
        self.inner.dump().await
    }

    async fn fill(&self, fill: Fill) -> Result<(), StorageError> {
        self.inner.fill(fill).await
    }

    async fn examine(&self) -> Result<Vec<Finding>, StorageError> {
        self.inner.examine().await
    }

    async fn mend(&self, finding: &Finding) -> Result<bool, StorageError> {
        self.inner.mend(finding).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.inner.check().await
    }

    async fn close(&self) -> Result<(), StorageError> {
        self.closed.store(true, Ordering::Release);
        self.answers.clear();
        match &self.writers {
            Writers::Alone { records, .. } => records.clear(),
            Writers::Several { shared: Some(shared) } => shared.link.close(),
            Writers::Several { shared: None } => {}
        }
        self.inner.close().await
    }
}
