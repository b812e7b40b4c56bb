//! The change log: numbers, revisions, the chain of a record's changes, and what was before.

use std::sync::Arc;

use chancery_model::TableId;
use chancery_model::Value;
use chancery_model::change::{Change, ChangeKind};
use chancery_storage::Write;

use crate::bed::{
    column, everywhere, insert, key, people, person, purge, record, restore, set, table, trash, written,
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
