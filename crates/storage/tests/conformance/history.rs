//! The change log: numbers, revisions, the chain of a record's changes, and what was before.

use std::sync::Arc;

use chancery_model::TableId;
use chancery_model::Value;
use chancery_model::change::{Change, ChangeKind, Reason, Was};
use chancery_model::{Record, RecordMetadata, Source};
use chancery_storage::{Batch, Check, CommitQuery, Document, DocumentWrite, StorageError, Write};
use serde_json::json;

use crate::bed::{
    NOW, column, everywhere, extra, insert, key, people, person, purge, record, restore, set, table, trash,
    written,
};

/// A change without its number, revision and table, as text.
fn brief(change: &Change) -> String {
    let key = change
        .key
        .as_ref()
        .map_or_else(|| "-".to_owned(), ToString::to_string);
    format!(
        "{key} {:?} after {} {:?}",
        change.kind, change.previous, change.before
    )
}

#[tokio::test]
async fn the_log_of_one_table_is_read_past_that_of_others() {
    everywhere(async |bed| {
        let (table, other) = (people(), Arc::new(table(2, people().columns.clone())));
        bed.create(&table).await;
        bed.create(&other).await;
        for id in 1..=3 {
            bed.insert(&table, vec![person(id, &format!("{id}@x"), "red", 1)])
                .await;
            bed.insert(
                &other,
                vec![
                    person(id, &format!("{id}@x"), "red", 1),
                    person(id + 10, &format!("{id}0@x"), "red", 1),
                ],
            )
            .await;
        }
        let all = bed.log().await;
        let own: Vec<u64> = all
            .iter()
            .filter(|change| change.table == table.number)
            .map(|change| change.number)
            .collect();
        let newest = all.last().expect("a change").number;
        for limit in [1, 2, 100] {
            let (mut at, mut told) = (0, Vec::new());
            loop {
                let found = bed
                    .backend
                    .changes_of(table.number, at, limit)
                    .await
                    .expect("the log");
                assert!(found.changes.len() <= limit);
                told.extend(found.changes.into_iter().map(|change| change.number));
                if found.looked_at == at {
                    break;
                }
                assert!(found.looked_at > at);
                at = found.looked_at;
            }
            assert_eq!((told, at), (own.clone(), newest), "by {limit}");
        }
        let past = bed
            .backend
            .changes_of(table.number, newest + 5, 9)
            .await
            .expect("the log");
        assert_eq!((past.changes.len(), past.looked_at), (0, newest + 5));
    })
    .await;
}

#[tokio::test]
async fn the_log_tells_each_step_of_a_record_and_what_was_before() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = bed
            .insert(&table, vec![person(1, "a@x", "red", 1)])
            .await
            .remove(0);
        let second = set(&table, &first, &[(1, Value::Null), (2, Value::Int(2))]);
        let second = written(&bed.write(vec![second]).await.outcomes[0]);
        assert_eq!(second.change, 2);
        let third = written(
            &bed.write(vec![set(&table, &second, &[(1, Value::text("é\"'"))])])
                .await
                .outcomes[0],
        );
        let fourth = written(&bed.write(vec![trash(&table, &third)]).await.outcomes[0]);
        let fifth = written(&bed.write(vec![restore(&table, &fourth)]).await.outcomes[0]);
        bed.write(vec![purge(&table, &fifth.key, None)]).await;
        bed.write(vec![Write::Clear { table: table.clone() }]).await;
        bed.insert(&table, vec![person(1, "a@x", "red", 1)]).await;
        let log = bed.log().await;
        let told: Vec<String> = log.iter().map(brief).collect();
        assert_eq!(
            told,
            [
                "1 Inserted after 0 []",
                r#"1 Updated after 1 [(1, Text("red")), (2, Int(1))]"#,
                "1 Updated after 2 [(1, Null)]",
                "1 Deleted after 3 []",
                "1 Restored after 4 []",
                r#"1 Purged after 5 [(0, Text("a@x")), (1, Text("é\"'")), (2, Int(2))]"#,
                "- Cleared after 0 []",
                "1 Inserted after 0 []",
            ]
        );
        assert!(
            log.iter()
                .enumerate()
                .all(|(index, change)| change.number == index as u64 + 1)
        );
        // The first commit made the table.
        assert!(
            log.iter()
                .enumerate()
                .all(|(index, change)| change.revision == index as u64 + 2)
        );
        assert!(log.iter().all(|change| change.table == TableId(1)));
    })
    .await;
}

#[tokio::test]
async fn one_commit_is_one_revision_however_many_changes() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = bed
            .insert(&table, vec![person(1, "a@x", "red", 1)])
            .await
            .remove(0);
        let writes = vec![
            insert(&table, person(2, "b@x", "red", 2)),
            set(&table, &first, &[(2, Value::Int(5))]),
            purge(&table, &key(2), None),
        ];
        let revision = bed.write(writes).await.revision;
        let log = bed.log().await;
        let seen: Vec<(u64, u64, ChangeKind)> = log
            .iter()
            .map(|change| (change.number, change.revision, change.kind))
            .collect();
        let expected = [
            (1, revision - 1, ChangeKind::Inserted),
            (2, revision, ChangeKind::Inserted),
            (3, revision, ChangeKind::Updated),
            (4, revision, ChangeKind::Purged),
        ];
        assert_eq!(seen, expected);
        assert_eq!(log[3].previous, 2);
        assert_eq!(bed.get(&table, &key(1)).await.expect("it").change, 3);
    })
    .await;
}

#[tokio::test]
async fn the_log_is_read_from_anywhere_in_pieces() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        for n in 0..10 {
            bed.insert(&table, vec![person(n, &format!("{n}@x"), "", 0)])
                .await;
        }
        let numbers = async |after: u64, limit: usize| -> Vec<u64> {
            let changes = bed.backend.changes(after, limit).await.expect("the log is read");
            changes.iter().map(|change| change.number).collect()
        };
        assert_eq!(numbers(0, 3).await, [1, 2, 3]);
        assert_eq!(numbers(3, 3).await, [4, 5, 6]);
        assert_eq!(numbers(8, 100).await, [9, 10]);
        assert_eq!(numbers(10, 100).await, [0; 0]);
        assert_eq!(numbers(1_000, 100).await, [0; 0]);
        assert_eq!(numbers(0, 0).await, [0; 0]);
    })
    .await;
}

#[tokio::test]
async fn values_before_keep_their_kind() {
    everywhere(async |bed| {
        let types = [
            "boolean",
            "number",
            "number",
            "currency",
            "text",
            "multiSelect",
            "json",
            "dateTime",
            "date",
        ];
        let columns = types
            .iter()
            .enumerate()
            .map(|(at, kind)| column(at as u16, &format!("c{at}"), kind))
            .collect();
        let table = Arc::new(table(1, columns));
        bed.create(&table).await;
        let full = vec![
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Float(-1.5e300),
            Value::Decimal("12345678901234.50".parse().expect("a decimal")),
            Value::text("日本 🎉 \u{1}"),
            Value::List(vec!["a".into(), "".into(), "a\"b".into()]),
            Value::Json(Box::new(serde_json::json!({"z": [1.50, null], "a": "é"}))),
            Value::Int(-5),
            Value::text("2024-02-29"),
        ];
        let old = bed.insert(&table, vec![record(1, full.clone())]).await.remove(0);
        let nulls: Vec<(u16, Value)> = (0..types.len() as u16)
            .map(|ordinal| (ordinal, Value::Null))
            .collect();
        bed.write(vec![set(&table, &old, &nulls)]).await;
        let numbered: Vec<(u16, Value)> = (0..).zip(full).collect();
        assert_eq!(bed.log().await[1].before, numbered);
    })
    .await;
}

/// With the log and the newest state everything that a record ever was is known exactly.
#[tokio::test]
async fn the_log_tells_what_else_a_record_was() {
    everywhere(async |mut bed| {
        let table = people();
        bed.create(&table).await;
        let metadata = RecordMetadata {
            source: Source::Import,
            import_row: Some(7),
            external_id: Some("é\u{0}\u{1}\"".into()),
            ..RecordMetadata::default()
        };
        let full = Record {
            created_by: Some("\u{0}me".into()),
            expires_at: Some(i64::MAX),
            metadata: metadata.clone(),
            extra: extra(json!({"a": 1.50, "w": ["x", null]})),
            ..person(1, "a@x", "red", 1)
        };
        let first = bed.insert(&table, vec![full]).await.remove(0);
        // Only values change.
        let second = Record {
            version: 2,
            updated_at: NOW + 1,
            updated_by: Some("you".into()),
            ..(*first).clone()
        };
        let change = |old: &Record, new: &Record| {
            Write::update(&table, old, new.clone(), Vec::new(), ChangeKind::Updated)
        };
        bed.write(vec![change(&first, &second)]).await;
        // Everything but values changes.
        let third = Record {
            version: 3,
            expires_at: None,
            metadata: RecordMetadata::default(),
            extra: None,
            ..second.clone()
        };
        let third = written(&bed.write(vec![change(&second, &third)]).await.outcomes[0]);
        let fourth = Record {
            version: 4,
            metadata: metadata.clone(),
            extra: extra(json!({"b": null})),
            ..(*third).clone()
        };
        let fourth = written(&bed.write(vec![change(&third, &fourth)]).await.outcomes[0]);
        let fifth = written(&bed.write(vec![trash(&table, &fourth)]).await.outcomes[0]);
        bed.write(vec![purge(&table, &key(1), None)]).await;
        if bed.lasting {
            bed.reopen().await;
        }
        let log = bed.log().await;
        let was = |index: usize| log[index].was.as_deref();
        assert_eq!(was(0), None);
        assert_eq!(was(1), Some(&*Was::updated(&first, &second)));
        assert_eq!(was(2), Some(&*Was::updated(&second, &third)));
        assert_eq!(was(3), Some(&*Was::updated(&third, &fourth)));
        assert_eq!(was(4), Some(&*Was::updated(&fourth, &fifth)));
        assert_eq!(was(5), Some(&*Was::removed(&fifth)));
        let gone = was(5).expect("it");
        assert_eq!(gone.created, Some((NOW, Some("\u{0}me".into()))));
        assert_eq!(gone.metadata, Some(metadata));
        assert_eq!(gone.deleted_at, Some(NOW));
    })
    .await;
}

#[tokio::test]
async fn an_eviction_is_told_from_a_purge() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        bed.insert(
            &table,
            vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 1)],
        )
        .await;
        let evict = Write::Purge {
            table: table.clone(),
            key: key(1),
            expected: None,
            kind: ChangeKind::Evicted,
        };
        bed.write(vec![evict, purge(&table, &key(2), Some(1))]).await;
        let log = bed.log().await;
        assert_eq!(
            [log[2].kind, log[3].kind],
            [ChangeKind::Evicted, ChangeKind::Purged]
        );
        assert_eq!(log[2].before.len(), 3);
        assert!(bed.get(&table, &key(1)).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn the_steps_of_a_record_are_a_chain() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let mut records = bed
            .insert(
                &table,
                vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 1)],
            )
            .await;
        for n in 2..6 {
            for record in &mut records {
                let step = set(&table, record, &[(2, Value::Int(n))]);
                *record = written(&bed.write(vec![step]).await.outcomes[0]);
            }
        }
        let chain = async |number: u64, limit: usize| -> Vec<u64> {
            let steps = bed.backend.chain(number, limit).await.expect("a chain");
            assert!(steps.iter().all(|step| step.key == steps[0].key));
            steps.iter().map(|step| step.number).collect()
        };
        assert_eq!(chain(records[0].change, 100).await, [9, 7, 5, 3, 1]);
        assert_eq!(chain(records[1].change, 2).await, [10, 8]);
        assert_eq!(chain(5, 100).await, [5, 3, 1]);
        assert_eq!(chain(1, 100).await, [1]);
        for (number, limit) in [(0, 10), (11, 10), (u64::MAX, 10), (9, 0)] {
            assert_eq!(chain(number, limit).await, [0; 0]);
        }
    })
    .await;
}

#[tokio::test]
async fn commits_are_found_by_revision_and_by_operation() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let start = bed.revision().await;
        let long: Arc<str> = "long ".repeat(1_000).into();
        let operations: [Option<Arc<str>>; 4] = [None, Some("a".into()), Some("é\u{0}".into()), Some(long)];
        for n in 0..8_i64 {
            let batch = Batch {
                at: NOW + n,
                actor: (n % 3 == 0).then(|| "me".into()),
                operation: operations[n as usize % 4].clone(),
                reason: Reason::Import,
                writes: vec![insert(&table, person(n, &format!("{n}@x"), "red", 1))],
                ..Batch::default()
            };
            bed.backend.commit(batch).await.expect("written");
        }
        let document = Document {
            kind: "note".into(),
            id: "1".into(),
            lookup: None,
            body: json!({}),
            version: 0,
        };
        let put = DocumentWrite::Put {
            document,
            expected: None,
        };
        let batch = Batch {
            documents: vec![put],
            ..Batch::default()
        };
        bed.backend.commit(batch).await.expect("written");
        let commits = async |query: CommitQuery| -> Vec<(u64, u64)> {
            let found = bed.backend.commits(query).await.expect("commits");
            found
                .iter()
                .map(|logged| (logged.commit.revision - start, logged.first_change))
                .collect()
        };
        let before = |revision: u64, operation: Option<usize>, limit: usize| CommitQuery::Before {
            revision,
            operation: operation.and_then(|index| operations[index].clone()),
            limit,
        };
        assert_eq!(commits(before(u64::MAX, None, 3)).await, [(9, 9), (8, 8), (7, 7)]);
        assert_eq!(commits(before(start + 3, None, 2)).await, [(2, 2), (1, 1)]);
        for index in 1..4 {
            let at = index as u64 + 1;
            assert_eq!(
                commits(before(u64::MAX, Some(index), 9)).await,
                [(at + 4, at + 4), (at, at)]
            );
        }
        assert_eq!(commits(before(start + 6, Some(1), 9)).await, [(2, 2)]);
        assert_eq!(commits(before(u64::MAX, Some(1), 1)).await, [(6, 6)]);
        assert_eq!(commits(before(0, None, 9)).await, []);
        assert_eq!(commits(before(u64::MAX, None, 0)).await, []);
        let listed = CommitQuery::Revisions(vec![start + 5, u64::MAX, start + 2, start + 5]);
        let found = bed.backend.commits(listed).await.expect("commits");
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].commit.at, NOW + 1);
        assert_eq!(found[0].commit.actor, None);
        assert_eq!(found[0].commit.operation, operations[1]);
        assert_eq!(found[0].commit.reason, Reason::Import);
        assert_eq!(found[1].commit.revision, start + 5);
    })
    .await;
}

#[tokio::test]
async fn an_old_log_is_let_go_and_everything_goes_on() {
    everywhere(async |mut bed| {
        let table = people();
        bed.create(&table).await;
        let many = |from: i64, count: i64| -> Vec<Record> {
            (from..from + count)
                .map(|n| person(n, &format!("{n}@x"), "red", 1))
                .collect()
        };
        let start = bed.revision().await;
        // More changes than go in one step.
        bed.insert(&table, many(0, 2_500)).await;
        let mut record = bed.insert(&table, many(5_000, 1)).await.remove(0);
        for n in 0..4 {
            let step = set(&table, &record, &[(2, Value::Int(n + 10))]);
            record = written(&bed.write(vec![step]).await.outcomes[0]);
        }
        let newest = bed.revision().await;
        assert_eq!(bed.backend.oldest().await.expect("asked"), 0);
        assert_eq!(bed.backend.forget(0).await.expect("nothing goes"), 0);
        assert_eq!(bed.backend.forget(start + 2).await.expect("it goes"), 2_500);
        assert_eq!(bed.backend.oldest().await.expect("asked"), start + 2);
        assert_eq!(bed.backend.forget(start + 2).await.expect("it is gone"), 0);
        let log = bed.log().await;
        assert_eq!((log[0].number, log.len()), (2_501, 5));
        assert_eq!(bed.backend.changes(2_503, 9).await.expect("the log"), log[3..]);
        // A chain ends where the log does.
        assert_eq!(bed.backend.forget(start + 4).await.expect("it goes"), 2);
        let chain = bed.backend.chain(record.change, 10).await.expect("a chain");
        let numbers: Vec<u64> = chain.iter().map(|step| step.number).collect();
        assert_eq!(numbers, [2_505, 2_504, 2_503]);
        let query = || CommitQuery::Before {
            revision: u64::MAX,
            operation: None,
            limit: 100,
        };
        let kept = bed.backend.commits(query()).await.expect("commits");
        let kept: Vec<u64> = kept.iter().map(|logged| logged.commit.revision).collect();
        assert_eq!(kept, [newest, newest - 1, newest - 2]);
        // Whether a table changed since what is forgotten is not known.
        let whole = |revision: u64| Batch {
            checks: vec![Check::Table {
                table: table.number,
                revision,
            }],
            ..Batch::default()
        };
        let other = Batch {
            checks: vec![Check::Table {
                table: table.number,
                revision: newest,
            }],
            ..Batch::default()
        };
        bed.backend.commit(other).await.expect("it is still so");
        let unknown = bed.backend.commit(whole(start)).await;
        assert!(matches!(unknown, Err(StorageError::Overtaken(_))), "{unknown:?}");
        // The newest commit stays, also if it changed no record; numbers go on all the same.
        let document = Document {
            kind: "note".into(),
            id: "1".into(),
            lookup: None,
            body: json!({}),
            version: 0,
        };
        let put = DocumentWrite::Put {
            document,
            expected: None,
        };
        let batch = Batch {
            documents: vec![put],
            ..Batch::default()
        };
        bed.backend.commit(batch).await.expect("written");
        assert_eq!(bed.backend.forget(u64::MAX).await.expect("it goes"), 3);
        assert_eq!(bed.backend.oldest().await.expect("asked"), newest + 1);
        assert_eq!(bed.log().await, []);
        if bed.lasting {
            bed.reopen().await;
        }
        assert_eq!(bed.backend.oldest().await.expect("asked"), newest + 1);
        let next = set(&table, &record, &[(2, Value::Int(99))]);
        let next = written(&bed.write(vec![next]).await.outcomes[0]);
        assert_eq!(next.change, 2_506);
        assert_eq!(bed.revision().await, newest + 2);
        let log = bed.log().await;
        assert_eq!((log.len(), log[0].number, log[0].previous), (1, 2_506, 2_505));
    })
    .await;
}

#[tokio::test]
async fn of_a_forgetful_table_the_log_keeps_who_changed_what_when_and_nothing_that_was_in_it() {
    everywhere(async |bed| {
        let mut table = table(1, vec![column(0, "value", "text"), column(1, "note", "text")]);
        table.forgetful = true;
        table.strict = false;
        let table = Arc::new(table);
        bed.create(&table).await;
        let mut first = record(1, vec![Value::text("canary-1"), Value::text("canary-2")]);
        first.extra = extra(json!({"more": "canary-3"}));
        first.metadata.external_id = Some("canary-4".into());
        first.updated_by = Some("ann".into());
        let first = bed.insert(&table, vec![first]).await.remove(0);
        let second = set(&table, &first, &[(0, Value::text("other")), (1, Value::Null)]);
        let second = written(&bed.write(vec![second]).await.outcomes[0]);
        assert_eq!(second.value(0), &Value::text("other"));
        bed.write(vec![trash(&table, &second)]).await;
        bed.write(vec![purge(&table, &second.key, None)]).await;

        let log = bed.log().await;
        let kinds: Vec<ChangeKind> = log.iter().map(|change| change.kind).collect();
        assert_eq!(
            kinds,
            [
                ChangeKind::Inserted,
                ChangeKind::Updated,
                ChangeKind::Deleted,
                ChangeKind::Purged
            ]
        );
        let text = format!("{log:?}");
        assert!(!text.contains("canary") && !text.contains("other"), "{text}");
        let was = log[1].was.as_ref().expect("who and when stay");
        assert_eq!((was.version, was.updated_by.as_deref()), (1, Some("ann")));
        assert!(log[3].was.as_ref().is_some_and(|was| was.created.is_some()));
    })
    .await;
}
