//! Dumping and filling: what one backend holds arrives on every other exactly as it was, and the store goes on from there.

#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

use std::sync::Arc;

use chancery_model::change::Reason;
use chancery_model::{Key, KeyKind, Record, Table, Value};
use chancery_storage::{
    Backend, Batch, Counter, Document, DocumentWrite, Draw, DrawTarget, Fill, OpenOptions, Part, SchemaWrite,
    StorageError, Write,
};
use serde_json::json;

use crate::bed::{
    BACKENDS, Bed, NOW, column, everywhere, extra, indexed, insert, key, people, person, purge, record, set,
    table, trash, unique, values, written,
};
use crate::throwaway::Throwaway;

/// Where something is filled into.
struct Target {
    url: String,
    database: Option<Throwaway>,
    _folder: tempfile::TempDir,
}

impl Target {
    async fn new(name: &str) -> Target {
        let folder = tempfile::tempdir().unwrap();
        let database = match name {
            "postgres" => Some(Throwaway::create().await),
            _ => None,
        };
        let url = match (&database, name) {
            (Some(database), _) => database.url.clone(),
            (None, "memory") => "memory:".to_owned(),
            (None, _) => format!("sqlite:{}", folder.path().join("target.db").display()),
        };
        Target {
            url,
            database,
            _folder: folder,
        }
    }

    async fn open(&self) -> Arc<dyn Backend> {
        chancery_storage::open_to_fill(&self.url, OpenOptions::default())
            .await
            .unwrap()
    }

    async fn remove(self, backend: Arc<dyn Backend>) {
        backend.close().await.unwrap();
        if let Some(database) = self.database {
            database.remove().await;
        }
    }
}

/// Every part of a dump.
async fn parts(backend: &dyn Backend) -> Vec<Part> {
    let mut dump = backend.dump().await.unwrap();
    let mut parts = Vec::new();
    while let Some(part) = dump.recv().await {
        parts.push(part.unwrap());
    }
    parts
}

/// Everything that a backend holds, a line for each item.
async fn told(backend: &dyn Backend) -> Vec<String> {
    let mut lines = Vec::new();
    for part in parts(backend).await {
        match part {
            Part::Start(totals) => lines.push(format!("{totals:?}")),
            Part::Documents(all) => lines.extend(all.iter().map(|document| format!("{document:?}"))),
            Part::Table {
                table,
                last_change_at,
            } => {
                lines.push(format!(
                    "{} {} {last_change_at:?}",
                    table.id, table.schema_version
                ));
            }
            Part::Records(table, all) => lines.extend(all.iter().map(|record| {
                let record = Record {
                    values: values(record).into(),
                    ..Record::clone(record)
                };
                format!("{} {record:?}", table.id)
            })),
            Part::Counters(all) => lines.push(format!("{all:?}")),
            Part::Changes(all) => lines.extend(all.iter().map(|change| format!("{change:?}"))),
            Part::Commits(all) => lines.extend(all.iter().map(|commit| format!("{commit:?}"))),
        }
    }
    lines
}

async fn fill(from: &[Part], to: &dyn Backend) {
    to.fill(Fill::Begin).await.unwrap();
    for part in from {
        to.fill(Fill::Part(part.clone())).await.unwrap();
    }
    to.fill(Fill::Finish).await.unwrap();
}

/// A table with text keys, and one that counts.
fn notes() -> Arc<Table> {
    Arc::new(Table {
        key_kind: KeyKind::Text,
        ..table(
            2,
            vec![indexed(column(0, "text", "longText")), column(1, "tags", "json")],
        )
    })
}

fn counted() -> Arc<Table> {
    Arc::new(table(3, vec![unique(column(0, "number", "autoNumber"))]))
}

/// A store with some of everything: three tables, a change of each kind, documents, counters, actors and an operation.
async fn history(bed: &Bed) {
    let (people, notes, counted) = (people(), notes(), counted());
    for table in [&people, &notes, &counted] {
        bed.create(table).await;
    }
    let people_in: Vec<Record> = (1..=40)
        .map(|n| person(n, &format!("{n}@x"), ["red", "blue"][n as usize % 2], n))
        .collect();
    let first = bed.insert(&people, people_in).await;
    let changed = written(
        &bed.write(vec![set(&people, &first[0], &[(1, Value::Null)])])
            .await
            .outcomes[0],
    );
    bed.write(vec![trash(&people, &changed), purge(&people, &key(2), None)])
        .await;
    let mut note = record(
        Key::Text("a\u{1}b".into()),
        vec![Value::text("é\u{1}\0\"'"), Value::Null],
    );
    note.extra = extra(json!({"any": [1.50, null, "\u{0}"], "big": 12345678901234567890_u64}));
    note.metadata.external_id = Some("outside".into());
    note.metadata.import_row = Some(7);
    note.created_by = Some("ann".into());
    note.expires_at = Some(NOW + 5);
    note.version = 9;
    let draws = vec![Draw {
        target: DrawTarget::Column(0),
        counter: Counter::Column(counted.number, 0),
        given: None,
    }];
    let drawing = |n: i64| Write::Insert {
        table: counted.clone(),
        record: record(n, vec![Value::Null]),
        draws: draws.clone(),
    };
    let document = Document {
        kind: "user".into(),
        id: "1".into(),
        lookup: Some("a@x".into()),
        body: json!({"name": "A", "at": 1.0}),
        version: 0,
    };
    let batch = Batch {
        at: NOW + 1,
        actor: Some("ann".into()),
        operation: Some("op".into()),
        reason: Reason::Import,
        writes: vec![insert(&notes, note), drawing(1), drawing(2)],
        documents: vec![DocumentWrite::Put {
            document,
            expected: None,
        }],
        ..Batch::default()
    };
    bed.backend.commit(batch).await.unwrap();
    bed.backend.draw(Counter::Tables, 3).await.unwrap();
}

#[tokio::test]
async fn what_one_backend_holds_arrives_on_every_other_as_it_was() {
    everywhere(async |bed| {
        history(&bed).await;
        let expected = told(&*bed.backend).await;
        let all = parts(&*bed.backend).await;
        for name in BACKENDS {
            let target = Target::new(name).await;
            let backend = target.open().await;
            fill(&all, &*backend).await;
            assert_eq!(
                told(&*backend).await,
                expected,
                "{} to {name}",
                bed.backend.name()
            );
            target.remove(backend).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_log_that_was_cut_arrives_as_it_is() {
    everywhere(async |bed| {
        history(&bed).await;
        let revision = bed.revision().await;
        bed.backend.forget(revision - 1).await.unwrap();
        let expected = told(&*bed.backend).await;
        let all = parts(&*bed.backend).await;
        for name in BACKENDS {
            let target = Target::new(name).await;
            let backend = target.open().await;
            fill(&all, &*backend).await;
            assert_eq!(told(&*backend).await, expected, "to {name}");
            assert_eq!(backend.oldest().await.unwrap(), revision - 1);
            target.remove(backend).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_filled_store_goes_on_where_the_other_was() {
    everywhere(async |bed| {
        history(&bed).await;
        let revision = bed.revision().await;
        let all = parts(&*bed.backend).await;
        for name in BACKENDS {
            let target = Target::new(name).await;
            let backend = target.open().await;
            fill(&all, &*backend).await;
            backend.fill(Fill::Open).await.unwrap();
            assert_eq!(backend.revision().await.unwrap(), revision);
            let (people, counted) = (people(), counted());
            let stats = backend.stats(&people).await.unwrap();
            assert_eq!(
                (stats.live, stats.trash, stats.last_change_at),
                (38, 1, Some(NOW))
            );
            let commit = async |writes| {
                let batch = Batch {
                    at: NOW,
                    writes,
                    ..Batch::default()
                };
                backend.commit(batch).await
            };
            // Unique values are kept by indexes that were built at the end.
            let doubled = commit(vec![insert(&people, person(100, "3@x", "red", 1))]).await;
            assert!(matches!(doubled, Err(StorageError::Rejected(_))), "{doubled:?}");
            // Counters go on, and the log without a gap.
            let drawing = Write::Insert {
                table: counted.clone(),
                record: record(50, vec![Value::Null]),
                draws: vec![Draw {
                    target: DrawTarget::Column(0),
                    counter: Counter::Column(counted.number, 0),
                    given: None,
                }],
            };
            let committed = commit(vec![drawing]).await.unwrap();
            assert_eq!(committed.revision, revision + 1);
            assert_eq!(written(&committed.outcomes[0]).values[0], Value::Int(3));
            let log = backend.changes(0, 1_000).await.unwrap();
            assert!((1..).zip(&log).all(|(number, change)| change.number == number));
            assert_eq!(backend.draw(Counter::Tables, 1).await.unwrap(), 4);
            let next = Arc::new(table(4, vec![column(0, "a", "text")]));
            commit(vec![Write::Schema(SchemaWrite::Create(next))])
                .await
                .unwrap();
            target.remove(backend).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_store_that_holds_something_is_not_filled() {
    everywhere(async |bed| {
        history(&bed).await;
        let before = told(&*bed.backend).await;
        let refused = bed.backend.fill(Fill::Begin).await;
        assert!(
            matches!(refused, Err(StorageError::NotEmpty { .. })),
            "{refused:?}"
        );
        assert_eq!(told(&*bed.backend).await, before);
        bed.insert(&people(), vec![person(200, "200@x", "red", 1)]).await;
    })
    .await;
}

#[tokio::test]
async fn a_broken_off_filling_opens_for_nothing_but_another() {
    everywhere(async |bed| {
        history(&bed).await;
        let expected = told(&*bed.backend).await;
        let all = parts(&*bed.backend).await;
        for name in ["sqlite", "postgres"] {
            let target = Target::new(name).await;
            let backend = target.open().await;
            backend.fill(Fill::Begin).await.unwrap();
            for part in all.iter().take(all.len() / 2) {
                backend.fill(Fill::Part(part.clone())).await.unwrap();
            }
            backend.close().await.unwrap();
            let refused = chancery_storage::open(&target.url, OpenOptions::default()).await;
            assert!(
                matches!(refused.as_ref().err(), Some(StorageError::Unfinished { .. })),
                "{name}"
            );
            let backend = target.open().await;
            fill(&all, &*backend).await;
            assert_eq!(told(&*backend).await, expected, "{name}");
            backend.fill(Fill::Open).await.unwrap();
            backend.close().await.unwrap();
            let backend = chancery_storage::open(&target.url, OpenOptions::default())
                .await
                .unwrap();
            assert_eq!(told(&*backend).await, expected, "{name}");
            target.remove(backend).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_dump_shows_one_moment() {
    everywhere(async |bed| {
        history(&bed).await;
        let dump = bed.backend.dump().await.unwrap();
        bed.insert(&people(), vec![person(300, "300@x", "red", 1)]).await;
        let mut dump = dump;
        let mut people_seen = 0;
        while let Some(part) = dump.recv().await {
            if let Part::Records(table, records) = part.unwrap()
                && table.number == people().number
            {
                people_seen += records.len();
            }
        }
        assert_eq!(people_seen, 39);
    })
    .await;
}
