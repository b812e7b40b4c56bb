//! What the doctor finds in records, counters and the log. The damage comes in through the seam, as a dump that is wrong; what
//! it finds in files and relations is tested beside them.

#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

use std::sync::Arc;

use chancery::doctor::{Diagnosis, Repair};
use chancery::model::change::{Change, ChangeKind, Commit, Reason};
use chancery::model::{KeyKind, TableId};
use chancery::{Column, Json, Key, RecordMetadata, Store, Table, Value};
use chancery_storage::{Backend, Counter, DEFINITION_KIND, Document, Fill, LoggedCommit, OpenOptions, Part};

fn counted() -> Arc<Table> {
    let column = |ordinal: u16, slug: &str, field_type: &str| Column {
        id: format!("column-{ordinal}"),
        ordinal,
        slug: slug.into(),
        name: slug.into(),
        field_type: field_type.into(),
        ..Column::default()
    };
    Arc::new(Table {
        number: TableId(1),
        id: "0190b7c0-0000-7000-8000-000000000001".into(),
        workspace: "default".into(),
        slug: "counted".into(),
        name: "Counted".into(),
        key_kind: KeyKind::Int,
        columns: vec![column(0, "no", "autoNumber"), column(1, "size", "number")],
        schema_version: 1,
        ..Table::default()
    })
}

fn record(key: i64, values: Vec<Value>) -> Arc<chancery::model::Record> {
    Arc::new(chancery::model::Record {
        key: Key::Int(key),
        version: 1,
        change: key as u64,
        created_at: 1,
        updated_at: 1,
        created_by: None,
        updated_by: None,
        expires_at: None,
        deleted_at: None,
        metadata: RecordMetadata::default(),
        values: values.into(),
        extra: None,
    })
}

fn change(number: u64) -> Change {
    Change {
        number,
        revision: 1,
        table: TableId(1),
        key: Some(Key::Int(number as i64)),
        kind: ChangeKind::Inserted,
        previous: 0,
        before: Vec::new(),
        was: None,
    }
}

fn commit(revision: u64) -> LoggedCommit {
    LoggedCommit {
        commit: Commit {
            revision,
            at: 1,
            actor: None,
            operation: None,
            reason: Reason::User,
        },
        first_change: 1,
    }
}

/// What a sound store of two records holds.
fn sound() -> Vec<Part> {
    let table = counted();
    let body: Json = serde_json::to_value(&*table).unwrap();
    let document = Document {
        kind: DEFINITION_KIND.into(),
        id: table.id.clone(),
        lookup: None,
        body,
        version: 1,
    };
    vec![
        Part::Documents(vec![document]),
        Part::Table {
            table: table.clone(),
            last_change_at: Some(1),
        },
        Part::Records(
            table,
            vec![
                record(1, vec![Value::Int(1), Value::Int(5)]),
                record(2, vec![Value::Int(2), Value::Float(0.5)]),
            ],
        ),
        Part::Counters(vec![(Counter::Column(TableId(1), 0), 2)]),
        Part::Changes(vec![change(1), change(2)]),
        Part::Commits(vec![commit(1)]),
    ]
}

/// A store with these parts in a file.
async fn store(folder: &tempfile::TempDir, parts: Vec<Part>) -> Store {
    let url = format!("sqlite:{}", folder.path().join("app.db").display());
    let backend: Arc<dyn Backend> = chancery_storage::open_to_fill(&url, OpenOptions::default())
        .await
        .unwrap();
    backend.fill(Fill::Begin).await.unwrap();
    for part in parts {
        backend.fill(Fill::Part(part)).await.unwrap();
    }
    backend.fill(Fill::Finish).await.unwrap();
    backend.fill(Fill::Open).await.unwrap();
    Store::over(backend).await.unwrap()
}

async fn look(store: &Store, repair: Repair) -> Diagnosis {
    store.examine(repair, &|_| {}).await.unwrap()
}

/// What is found is this one thing.
async fn check(part: Part, kind: &str, detail: &str) {
    let mut parts = sound();
    let place = parts
        .iter()
        .position(|one| std::mem::discriminant(one) == std::mem::discriminant(&part))
        .unwrap();
    parts[place] = part;
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder, parts).await;
    let diagnosis = look(&store, Repair::No).await;
    assert!(!diagnosis.is_healthy());
    assert_eq!(diagnosis.findings.len(), 1, "{:?}", diagnosis.findings);
    assert_eq!(diagnosis.findings[0].kind, kind);
    assert!(
        diagnosis.findings[0].detail.contains(detail),
        "{:?}",
        diagnosis.findings
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_sound_store_is_healthy() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder, sound()).await;
    let diagnosis = look(&store, Repair::No).await;
    assert!(diagnosis.is_healthy(), "{:?}", diagnosis.findings);
    assert_eq!(diagnosis.tables[0].records, 2);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_value_of_another_kind_is_named_by_its_record_and_not_by_itself() {
    let bad = vec![
        record(1, vec![Value::Int(1), Value::text("secret")]),
        record(2, vec![Value::Int(2)]),
    ];
    check(Part::Records(counted(), bad), "badValue", "the value of size").await;
}

#[tokio::test]
async fn gaps_in_the_log_are_found() {
    check(
        Part::Changes(vec![change(2)]),
        "logGap",
        "changes 1 to 1 are missing",
    )
    .await;
    check(
        Part::Commits(vec![commit(2)]),
        "logGap",
        "1 revisions are missing",
    )
    .await;
    check(Part::Changes(vec![change(1)]), "logGap", "the log ends at 1").await;
}

#[tokio::test]
async fn a_counter_behind_its_column_is_found_and_mended() {
    let behind = Part::Counters(vec![(Counter::Column(TableId(1), 0), 1)]);
    check(behind.clone(), "counterBehind", "it is at 1, and 2 is in use").await;
    let mut parts = sound();
    parts[3] = behind;
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder, parts).await;
    let diagnosis = look(&store, Repair::Safe).await;
    assert!(diagnosis.is_healthy() && diagnosis.findings[0].repaired);
    assert_eq!(look(&store, Repair::No).await.finding_count, 0);
    let next = store
        .backend()
        .draw(Counter::Column(TableId(1), 0), 1)
        .await
        .unwrap();
    assert_eq!(next, 3);
    store.close().await.unwrap();
}
