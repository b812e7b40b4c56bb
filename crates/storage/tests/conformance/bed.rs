//! What the cases stand on: every backend in turn, tables, records and short ways to write and read. No expectations.

use std::sync::Arc;
use std::time::Duration;

use chancery_model::change::{Change, ChangeKind};
use chancery_model::column::Constraints;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, SortKey, Window};
use chancery_model::{Column, Json, JsonMap, Key, KeyKind, Record, RecordMetadata, Table, TableId, Value};
use chancery_storage::{
    Backend, Batch, CacheOptions, Committed, CountMode, OnReject, OpenOptions, Outcome, Rejection,
    SchemaWrite, StorageError, Write,
};

use crate::redis::redis;
use crate::throwaway::Throwaway;

/// The backends.
pub(crate) const BACKENDS: &[&str] = &["memory", "sqlite", "postgres", "cached sqlite", "cached postgres"];

/// The time of every commit that names none, in ms.
pub(crate) const NOW: i64 = 1_700_000_000_000;

/// One backend, open and empty.
pub(crate) struct Bed {
    /// The backend.
    pub(crate) backend: Arc<dyn Backend>,
    /// Its URL.
    url: String,
    cache: CacheOptions,
    /// Whether it keeps what it holds beyond its end.
    pub(crate) lasting: bool,
    _folder: tempfile::TempDir,
}

/// Runs a case on every backend.
#[expect(
    clippy::print_stdout,
    reason = "shown with a failure: it says on which backend"
)]
pub(crate) async fn everywhere(case: impl AsyncFn(Bed)) {
    for name in BACKENDS {
        println!("on {name}");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (cache, kind) = cache(name);
        let database = match kind {
            "postgres" => Some(Throwaway::create().await),
            _ => None,
        };
        let url = match (&database, kind) {
            (Some(database), _) => database.url.clone(),
            (None, "sqlite") => format!("sqlite:{}", folder.path().join("store.db").display()),
            (None, name) => format!("{name}:"),
        };
        let backend = open(&url, &cache).await.expect("an empty store opens");
        assert_eq!(backend.name(), kind);
        assert_eq!(backend.cache().is_some(), kind != *name);
        case(Bed {
            backend,
            url,
            cache,
            lasting: kind != "memory",
            _folder: folder,
        })
        .await;
        if let Some(database) = database {
            database.remove().await;
        }
    }
}

/// What of a backend's name is about the cache, and the rest. A cache holds every answer, however soon it was made.
fn cache(name: &str) -> (CacheOptions, &str) {
    let Some(kind) = name.strip_prefix("cached ") else {
        return (CacheOptions::off(), name);
    };
    let options = CacheOptions {
        worth: Duration::ZERO,
        redis: (kind == "postgres").then(redis),
        ..CacheOptions::default()
    };
    (options, kind)
}

async fn open(url: &str, cache: &CacheOptions) -> Result<Arc<dyn Backend>, StorageError> {
    let options = OpenOptions {
        cache: cache.clone(),
        ..OpenOptions::default()
    };
    chancery_storage::open(url, options).await
}

impl Bed {
    /// Closes the backend and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.backend.close().await.expect("it closes");
        self.backend = open(&self.url, &self.cache)
            .await
            .expect("what was closed opens again");
    }

    /// Makes a table.
    pub(crate) async fn create(&self, table: &Arc<Table>) {
        self.write(vec![Write::Schema(SchemaWrite::Create(table.clone()))])
            .await;
    }

    /// Commits writes at [`NOW`].
    pub(crate) async fn commit(&self, writes: Vec<Write>) -> Result<Committed, StorageError> {
        self.backend
            .commit(Batch {
                at: NOW,
                writes,
                ..Batch::default()
            })
            .await
    }

    /// Commits writes that must succeed.
    pub(crate) async fn write(&self, writes: Vec<Write>) -> Committed {
        self.commit(writes).await.expect("the writes are done")
    }

    /// Commits writes and answers which were refused.
    pub(crate) async fn refused(&self, writes: Vec<Write>) -> Vec<(usize, Rejection)> {
        match self.commit(writes).await {
            Err(StorageError::Rejected(rejected)) => rejected,
            other => panic!("expected refusals, got {other:?}"),
        }
    }

    /// Commits writes where refused ones are left out, and answers which those were.
    pub(crate) async fn skipped(&self, writes: Vec<Write>) -> Vec<(usize, Rejection)> {
        let batch = Batch {
            at: NOW,
            writes,
            on_reject: OnReject::Skip,
            ..Batch::default()
        };
        let committed = self
            .backend
            .commit(batch)
            .await
            .expect("refused writes are skipped");
        let numbered = committed.outcomes.into_iter().enumerate();
        numbered
            .filter_map(|(index, outcome)| match outcome {
                Outcome::Rejected(rejection) => Some((index, rejection)),
                _ => None,
            })
            .collect()
    }

    /// Inserts records that must be free to be.
    pub(crate) async fn insert(&self, table: &Arc<Table>, records: Vec<Record>) -> Vec<Arc<Record>> {
        let committed = self
            .write(records.into_iter().map(|record| insert(table, record)).collect())
            .await;
        committed.outcomes.iter().map(written).collect()
    }

    /// The record with a key.
    pub(crate) async fn get(&self, table: &Arc<Table>, key: &Key) -> Option<Arc<Record>> {
        self.backend.get(table, key).await.expect("a point read")
    }

    /// The keys of a plan's records, in order, as text.
    pub(crate) async fn keys(&self, plan: &Plan) -> Vec<String> {
        let records = self.backend.query(plan).await.expect("the plan is answered");
        records.iter().map(|record| record.key.to_string()).collect()
    }

    /// How many records a plan has.
    pub(crate) async fn count(&self, plan: &Plan) -> u64 {
        self.backend
            .count(plan, CountMode::Exact)
            .await
            .expect("the plan is counted")
    }

    /// The whole change log.
    pub(crate) async fn log(&self) -> Vec<Change> {
        self.backend
            .changes(0, usize::MAX >> 1)
            .await
            .expect("the log is read")
    }

    /// The newest revision.
    pub(crate) async fn revision(&self) -> u64 {
        self.backend.revision().await.expect("the revision is read")
    }
}

/// The record that a write left.
#[track_caller]
pub(crate) fn written(outcome: &Outcome) -> Arc<Record> {
    match outcome {
        Outcome::Written(record) => record.clone(),
        other => panic!("expected a record, got {other:?}"),
    }
}

/// A column of a field type.
pub(crate) fn column(ordinal: u16, slug: &str, field_type: &str) -> Column {
    Column {
        id: format!("column-{ordinal}"),
        ordinal,
        slug: slug.into(),
        name: slug.into(),
        field_type: field_type.into(),
        ..Column::default()
    }
}

/// The column with an index.
pub(crate) fn indexed(column: Column) -> Column {
    Column {
        indexed: true,
        ..column
    }
}

/// The column with unique values.
pub(crate) fn unique(column: Column) -> Column {
    Column {
        constraints: Constraints {
            unique: true,
            ..Constraints::default()
        },
        ..column
    }
}

/// A table with whole-number keys.
pub(crate) fn table(number: u32, columns: Vec<Column>) -> Table {
    Table {
        number: TableId(number),
        id: format!("table-{number}"),
        workspace: "default".into(),
        slug: format!("table_{number}"),
        name: format!("Table {number}"),
        key_kind: KeyKind::Int,
        columns,
        schema_version: 1,
        created_at: NOW,
        updated_at: NOW,
        ..Table::default()
    }
}

/// People: a unique e-mail address, an indexed team, an age.
pub(crate) fn people() -> Arc<Table> {
    Arc::new(table(
        1,
        vec![
            unique(column(0, "email", "text")),
            indexed(column(1, "team", "text")),
            column(2, "age", "number"),
        ],
    ))
}

/// A record with these values.
pub(crate) fn record(key: impl Into<Key>, values: Vec<Value>) -> Record {
    Record {
        key: key.into(),
        version: 1,
        change: 0,
        created_at: NOW,
        updated_at: NOW,
        created_by: None,
        updated_by: None,
        expires_at: None,
        deleted_at: None,
        metadata: RecordMetadata::default(),
        values: values.into_boxed_slice(),
        extra: None,
    }
}

/// A person.
pub(crate) fn person(key: i64, email: &str, team: &str, age: i64) -> Record {
    record(key, vec![Value::text(email), Value::text(team), Value::Int(age)])
}

/// An object of undeclared fields.
pub(crate) fn extra(json: Json) -> Option<Box<JsonMap>> {
    match json {
        Json::Object(map) => Some(Box::new(map)),
        other => panic!("{other} is no object"),
    }
}

/// An insert that draws nothing.
pub(crate) fn insert(table: &Arc<Table>, record: Record) -> Write {
    Write::Insert {
        table: table.clone(),
        record,
        draws: Vec::new(),
    }
}

/// A write that sets columns of a record as it was read.
pub(crate) fn set(table: &Arc<Table>, old: &Record, changes: &[(u16, Value)]) -> Write {
    let mut record = old.clone();
    record.version += 1;
    let before = changes
        .iter()
        .map(|(ordinal, _)| (*ordinal, old.value(*ordinal).clone()))
        .collect();
    for (ordinal, value) in changes {
        record.values[usize::from(*ordinal)] = value.clone();
    }
    Write::update(table, old, record, before, ChangeKind::Updated)
}

/// A write that moves a record to the trash.
pub(crate) fn trash(table: &Arc<Table>, old: &Record) -> Write {
    let record = Record {
        version: old.version + 1,
        deleted_at: Some(NOW),
        ..old.clone()
    };
    Write::update(table, old, record, Vec::new(), ChangeKind::Deleted)
}

/// A write that takes a record back from the trash.
pub(crate) fn restore(table: &Arc<Table>, old: &Record) -> Write {
    let record = Record {
        version: old.version + 1,
        deleted_at: None,
        ..old.clone()
    };
    Write::update(table, old, record, Vec::new(), ChangeKind::Restored)
}

/// A write that removes a record for good.
pub(crate) fn purge(table: &Arc<Table>, key: &Key, expected: Option<u64>) -> Write {
    Write::purge(table, key, expected)
}

/// All live records of a table.
pub(crate) fn all(table: &Arc<Table>) -> Plan {
    Plan::all(table.clone(), NOW)
}

/// The live records whose column passes a test.
pub(crate) fn with(table: &Arc<Table>, ordinal: u16, test: Test) -> Plan {
    Plan {
        filter: Filter::Field(FieldRef::Column(ordinal), test),
        ..all(table)
    }
}

/// A sort key, nulls last.
pub(crate) fn by(field: FieldRef, descending: bool) -> SortKey {
    SortKey {
        field,
        descending,
        nulls_first: false,
    }
}

/// A page by offset.
pub(crate) fn page(offset: u64, limit: u64) -> Window {
    Window::Offset { offset, limit }
}

/// A whole-number key.
pub(crate) fn key(number: i64) -> Key {
    Key::Int(number)
}

/// A record's values without the nulls at its end, which a backend may or may not give.
pub(crate) fn values(record: &Record) -> &[Value] {
    let used = record
        .values
        .iter()
        .rposition(|value| !value.is_null())
        .map_or(0, |last| last + 1);
    &record.values[..used]
}

/// Whether two records are the same but for nulls at the end of their values.
#[track_caller]
pub(crate) fn assert_same(found: &Record, expected: &Record) {
    let plain = |record: &Record| Record {
        values: values(record).into(),
        ..record.clone()
    };
    assert_eq!(plain(found), plain(expected));
}
