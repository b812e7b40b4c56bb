//! The two stores side by side: the same writes go to both, the same questions are put to both.

use std::sync::Arc;

use chancery_model::change::Change;
use chancery_model::query::{Plan, Scope};
use chancery_model::{Column, KeyKind, Record, Table, TableId, Value};
use chancery_storage::{
    Backend, Batch, CacheOptions, CommitQuery, Committed, DEFINITION_KIND, DocumentQuery, Durability, Mode,
    OpenOptions, Outcome, SchemaWrite, StorageError, Write,
};
use serde_json::json;

use crate::dice::Dice;
use crate::redis::redis;
use crate::throwaway::Throwaway;

/// The time of the first commit, in ms.
pub(crate) const START: i64 = 1_700_000_000_000;

/// Field types, so that every kind of storage is there, and their settings.
const TYPES: &[(&str, u64)] = &[
    ("text", 0),
    ("number", 0),
    ("boolean", 0),
    ("currency", 2),
    ("multiSelect", 0),
    ("json", 0),
    ("dateTime", 0),
    ("longText", 0),
    ("percent", 4),
    ("date", 0),
    ("rating", 0),
    ("currency", 0),
];

/// Two stores that must not differ.
pub(crate) struct World {
    /// The one that is right.
    pub(crate) memory: Arc<dyn Backend>,
    /// The one that is tested.
    pub(crate) other: Arc<dyn Backend>,
    /// The table, as it is defined now.
    pub(crate) table: Arc<Table>,
    /// The time of the next commit.
    pub(crate) now: i64,
    /// Questions that were put.
    pub(crate) asked: parking_lot::Mutex<Vec<Plan>>,
    tested: Tested,
    url: String,
    _folder: tempfile::TempDir,
    database: Option<Throwaway>,
}

/// Which store is tested.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tested {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// SQLite behind a cache.
    CachedSqlite,
    /// PostgreSQL behind a cache with a shared level.
    CachedPostgres,
}

impl Tested {
    /// Whether it is behind a cache.
    pub(crate) fn is_cached(self) -> bool {
        matches!(self, Tested::CachedSqlite | Tested::CachedPostgres)
    }

    fn options(self) -> OpenOptions {
        // Every answer is held, however soon it was made.
        let holding = CacheOptions {
            worth: std::time::Duration::ZERO,
            ..CacheOptions::default()
        };
        OpenOptions {
            durability: Durability::Relaxed,
            cache: match self {
                Tested::Sqlite | Tested::Postgres => CacheOptions::off(),
                Tested::CachedSqlite => holding,
                Tested::CachedPostgres => CacheOptions {
                    redis: Some(redis()),
                    ..holding
                },
            },
            ..OpenOptions::default()
        }
    }
}

fn column(ordinal: usize, dice: &mut Dice) -> Column {
    let (field_type, precision) = TYPES[ordinal % TYPES.len()];
    let mut column = Column {
        id: format!("c{ordinal}"),
        ordinal: ordinal as u16,
        slug: format!("{field_type}_{ordinal}"),
        name: field_type.into(),
        field_type: field_type.into(),
        indexed: dice.once_in(3),
        ..Column::default()
    };
    if precision > 0 || field_type == "currency" {
        column.config.insert("precision".into(), json!(precision));
    }
    column.constraints.unique = dice.once_in(8) && column.kind().flags().supports_unique;
    column
}

fn indexes(columns: usize, dice: &mut Dice) -> Vec<Vec<u16>> {
    let index = |dice: &mut Dice| {
        let first = dice.below(columns);
        vec![
            first as u16,
            ((first + 1 + dice.below(columns - 1)) % columns) as u16,
        ]
    };
    (0..dice.below(3)).map(|_| index(dice)).collect()
}

impl World {
    /// Two empty stores with a table that the number decides.
    pub(crate) async fn new(tested: Tested, seed: u64) -> World {
        let mut dice = Dice::new(seed);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let database = match tested {
            Tested::Sqlite | Tested::CachedSqlite => None,
            Tested::Postgres | Tested::CachedPostgres => Some(Throwaway::create().await),
        };
        let url = match &database {
            Some(database) => database.url.clone(),
            None => format!("sqlite:{}", folder.path().join("store.db").display()),
        };
        let memory = chancery_storage::open("memory:", OpenOptions::default())
            .await
            .expect("memory opens");
        let other = chancery_storage::open(&url, tested.options())
            .await
            .expect("an empty store opens");
        let columns: Vec<Column> = (0..TYPES.len())
            .map(|ordinal| column(ordinal, &mut dice))
            .collect();
        let table = Arc::new(Table {
            number: TableId(1),
            id: "table-1".into(),
            workspace: "default".into(),
            slug: "things".into(),
            name: "Things".into(),
            key_kind: *dice.pick(&[KeyKind::Int, KeyKind::Text, KeyKind::Uuid]),
            indexes: indexes(columns.len(), &mut dice),
            columns,
            max_size: dice.once_in(3).then_some(1_000),
            schema_version: 1,
            ..Table::default()
        });
        let world = World {
            memory,
            other,
            table: table.clone(),
            now: START,
            asked: parking_lot::Mutex::default(),
            tested,
            url,
            _folder: folder,
            database,
        };
        let create = Write::Schema(SchemaWrite::Create(table));
        world
            .commit(Batch {
                at: START,
                writes: vec![create],
                ..Batch::default()
            })
            .await
            .expect("the table is made");
        world
    }

    /// Commits a batch to both and compares what they say.
    pub(crate) async fn commit(&self, batch: Batch) -> Result<Committed, StorageError> {
        let (right, other) = (
            self.memory.commit(batch.clone()).await,
            self.other.commit(batch.clone()).await,
        );
        let (told, others) = (told(&right), told(&other));
        for (at, (memory, other)) in told.iter().zip(&others).enumerate() {
            assert_eq!(other, memory, "the other and memory, line {at} of the answer");
        }
        assert_eq!(others.len(), told.len());
        let revisions = (self.other.revision().await, self.memory.revision().await);
        assert_eq!(revisions.0.expect("a revision"), revisions.1.expect("a revision"));
        right
    }

    /// Changes an index, the uniqueness of a column, or adds a column.
    pub(crate) async fn define(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut after = Table {
            schema_version: self.table.schema_version + 1,
            ..(*self.table).clone()
        };
        let at = dice.below(after.columns.len());
        match dice.below(5) {
            0 => after.columns[at].indexed ^= true,
            1 if after.columns[at].kind().flags().supports_unique => {
                after.columns[at].constraints.unique ^= true
            }
            2 => after.indexes = indexes(after.columns.len(), &mut dice),
            3 => after.columns[at].deleted_at = after.columns[at].deleted_at.xor(Some(self.now)),
            _ => {
                let mut added = column(after.columns.len(), &mut dice);
                added.constraints.unique = false;
                after.columns.push(added);
            }
        }
        after.refresh();
        let after = Arc::new(after);
        let change = Write::Schema(SchemaWrite::Change {
            before: self.table.clone(),
            after: after.clone(),
        });
        if dice.once_in(3) {
            let clear = Write::Clear { table: after.clone() };
            let rehearsal = Batch {
                at: self.now,
                writes: vec![change.clone(), clear],
                mode: Mode::Rehearse,
                ..Batch::default()
            };
            let _ = self.commit(rehearsal).await;
        }
        let batch = Batch {
            at: self.now,
            writes: vec![change],
            ..Batch::default()
        };
        if self.commit(batch).await.is_ok() {
            self.table = after;
            self.asked.lock().clear();
        }
    }

    /// Closes the store that can be closed and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.other.close().await.expect("it closes");
        self.other = chancery_storage::open(&self.url, self.tested.options())
            .await
            .expect("it opens again");
    }

    /// Closes the stores and removes what they kept.
    pub(crate) async fn end(self) {
        self.other.close().await.expect("it closes");
        if let Some(database) = self.database {
            database.remove().await;
        }
    }

    /// Every record, in the trash and expired too, as memory has them.
    pub(crate) async fn records(&self) -> Vec<Arc<Record>> {
        self.memory.query(&self.everything()).await.expect("records")
    }

    fn everything(&self) -> Plan {
        Plan {
            scope: Scope::All,
            ..Plan::all(self.table.clone(), i64::MIN)
        }
    }

    /// Compares all that the stores hold.
    pub(crate) async fn compare_everything(&self) {
        let (right, other) = (
            self.records().await,
            self.other.query(&self.everything()).await.expect("records"),
        );
        assert_eq!(plain(&other), plain(&right));
        let log = async |backend: &Arc<dyn Backend>| -> Vec<Change> {
            backend
                .changes(0, usize::MAX >> 1)
                .await
                .expect("the log is read")
        };
        assert_eq!(log(&self.other).await, log(&self.memory).await);
        for record in right.iter().take(8) {
            let chain = async |backend: &Arc<dyn Backend>| backend.chain(record.change, 6).await;
            assert_eq!(
                chain(&self.other).await.expect("a chain"),
                chain(&self.memory).await.expect("a chain")
            );
        }
        let commits = async |backend: &Arc<dyn Backend>, operation: Option<Arc<str>>| {
            let query = CommitQuery::Before {
                revision: u64::MAX,
                operation,
                limit: usize::MAX >> 1,
            };
            backend.commits(query).await.expect("commits")
        };
        let all = commits(&self.memory, None).await;
        assert_eq!(commits(&self.other, None).await, all);
        let operation = all.iter().find_map(|logged| logged.commit.operation.clone());
        if operation.is_some() {
            assert_eq!(
                commits(&self.other, operation.clone()).await,
                commits(&self.memory, operation).await
            );
        }
        let stats = (
            self.other.stats(&self.table).await,
            self.memory.stats(&self.table).await,
        );
        assert_eq!(stats.0.expect("stats"), stats.1.expect("stats"));
        for kind in [DEFINITION_KIND, "note"] {
            let query = || DocumentQuery::Kind(kind.into());
            let kept = (
                self.other.documents(query()).await,
                self.memory.documents(query()).await,
            );
            assert_eq!(kept.0.expect("documents"), kept.1.expect("documents"));
        }
    }
}

/// Records as they compare: nulls at the end of the values say nothing.
pub(crate) fn plain(records: &[Arc<Record>]) -> Vec<Record> {
    records.iter().map(|record| plain_record(record)).collect()
}

fn plain_record(record: &Record) -> Record {
    let used = record
        .values
        .iter()
        .rposition(|value| !value.is_null())
        .map_or(0, |last| last + 1);
    let plain = |value: &Value| match value {
        Value::Decimal(decimal) => Value::Decimal(decimal.normalize()),
        other => other.clone(),
    };
    let values: Vec<Value> = record.values[..used].iter().map(plain).collect();
    let extra = record.extra.clone().filter(|extra| !extra.is_empty());
    Record {
        values: values.into(),
        extra,
        ..record.clone()
    }
}

/// What a commit answered, as it compares, line by line.
fn told(answer: &Result<Committed, StorageError>) -> Vec<String> {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Written(record) => format!("written {:?}", plain_record(record)),
        Outcome::Purged(record) => format!("purged {:?}", plain_record(record)),
        other => format!("{other:?}"),
    };
    match answer {
        Ok(committed) => {
            let revision = format!("revision {}", committed.revision);
            std::iter::once(revision)
                .chain(committed.outcomes.iter().map(outcome))
                .collect()
        }
        Err(error) => vec![format!("{error:?}")],
    }
}
