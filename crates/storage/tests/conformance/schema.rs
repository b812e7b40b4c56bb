//! Definitions: made, changed while records are there, dropped, and refused to writes that were decided on older ones.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope};
use chancery_model::{Column, Record, Table, Value};
use chancery_storage::{Batch, DEFINITION_KIND, DocumentQuery, Mode, Rejection, SchemaWrite, Write};

use crate::bed::{
    Bed, NOW, all, by, column, everywhere, indexed, insert, key, page, people, person, purge, record,
    restore, set, table, trash, unique, values, with, written,
};

/// The next definition of a table with other columns.
fn changed(before: &Arc<Table>, columns: Vec<Column>) -> Arc<Table> {
    let mut after = Table {
        columns,
        schema_version: before.schema_version + 1,
        ..(**before).clone()
    };
    after.refresh();
    Arc::new(after)
}

fn change(before: &Arc<Table>, after: &Arc<Table>) -> Write {
    Write::Schema(SchemaWrite::Change {
        before: before.clone(),
        after: after.clone(),
    })
}

async fn definitions(bed: &Bed) -> Vec<(String, u64)> {
    let documents = bed
        .backend
        .documents(DocumentQuery::Kind(DEFINITION_KIND.into()))
        .await
        .expect("definitions");
    let read = |document: chancery_storage::Document| {
        let table: Table = serde_json::from_value(document.body).expect("a definition reads back");
        (table.id, table.schema_version)
    };
    documents.into_iter().map(read).collect()
}

#[tokio::test]
async fn a_definition_is_kept_as_a_document() {
    everywhere(async |bed| {
        let first = people();
        bed.create(&first).await;
        assert_eq!(definitions(&bed).await, [("table-1".to_owned(), 1)]);
        let query = DocumentQuery::Id {
            kind: DEFINITION_KIND.into(),
            id: "table-1".into(),
        };
        let kept = bed.backend.documents(query).await.expect("it").remove(0);
        assert_eq!(kept.body, serde_json::to_value(&*first).expect("JSON"));
        let second = changed(&first, first.columns.clone());
        bed.write(vec![change(&first, &second)]).await;
        assert_eq!(definitions(&bed).await, [("table-1".to_owned(), 2)]);
        bed.write(vec![Write::Schema(SchemaWrite::Drop(second))]).await;
        assert_eq!(definitions(&bed).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_table_number_is_made_once() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let again = Arc::new(Table {
            id: "another".into(),
            ..(*table).clone()
        });
        let create = vec![Write::Schema(SchemaWrite::Create(again))];
        assert_eq!(bed.refused(create).await, [(0, Rejection::SchemaChanged)]);
        assert_eq!(definitions(&bed).await, [("table-1".to_owned(), 1)]);
    })
    .await;
}

#[tokio::test]
async fn an_added_column_is_null_in_older_records() {
    everywhere(async |bed| {
        let before = people();
        bed.create(&before).await;
        bed.insert(&before, vec![person(1, "a@x", "red", 1)]).await;
        let mut columns = before.columns.clone();
        columns.push(indexed(column(3, "city", "text")));
        columns.push(unique(column(4, "badge", "number")));
        let after = changed(&before, columns);
        bed.write(vec![change(&before, &after)]).await;
        let old = bed.get(&after, &key(1)).await.expect("it");
        assert_eq!((old.value(3), old.value(4)), (&Value::Null, &Value::Null));
        assert_eq!(
            values(&old),
            [Value::text("a@x"), Value::text("red"), Value::Int(1)]
        );
        let full = [
            Value::text("b@x"),
            Value::text("red"),
            Value::Int(2),
            Value::text("Bern"),
            Value::Int(7),
        ];
        bed.insert(&after, vec![record(2, full.to_vec())]).await;
        assert_eq!(bed.keys(&with(&after, 3, Test::Eq(Value::Null))).await, ["1"]);
        assert_eq!(
            bed.keys(&with(&after, 3, Test::Ne(Value::text("Bern")))).await,
            ["1"]
        );
        let sorted = Plan {
            sort: vec![by(FieldRef::Column(3), false)],
            window: page(0, 5),
            ..all(&after)
        };
        assert_eq!(bed.keys(&sorted).await, ["2", "1"]);
        let mut wide = old.values.to_vec();
        wide.resize(5, Value::Null);
        let wide = chancery_model::Record {
            values: wide.into(),
            ..(*old).clone()
        };
        let taken = set(&after, &wide, &[(4, Value::Int(7))]);
        let refusal = Rejection::UniqueTaken {
            column: 4,
            holder: Some(key(2)),
        };
        assert_eq!(bed.refused(vec![taken]).await, [(0, refusal)]);
        let filled = set(&after, &wide, &[(3, Value::text("Bonn")), (4, Value::Int(8))]);
        bed.write(vec![filled]).await;
        assert_eq!(
            bed.keys(&with(&after, 3, Test::StartsWith("B".into()))).await,
            ["1", "2"]
        );
    })
    .await;
}

#[tokio::test]
async fn a_write_decided_on_an_older_definition_is_refused() {
    everywhere(async |bed| {
        let before = people();
        bed.create(&before).await;
        let first = bed
            .insert(&before, vec![person(1, "a@x", "red", 1)])
            .await
            .remove(0);
        let after = changed(&before, before.columns.clone());
        bed.write(vec![change(&before, &after)]).await;
        let stale = vec![
            insert(&before, person(2, "b@x", "red", 1)),
            set(&before, &first, &[(2, Value::Int(5))]),
            trash(&before, &first),
            purge(&before, &key(1), None),
            Write::Clear {
                table: before.clone(),
            },
            change(&before, &after),
            Write::Schema(SchemaWrite::Drop(before.clone())),
        ];
        let expected: Vec<(usize, Rejection)> =
            (0..7).map(|index| (index, Rejection::SchemaChanged)).collect();
        assert_eq!(bed.refused(stale).await, expected);
        bed.insert(&after, vec![person(2, "b@x", "red", 1)]).await;
        assert_eq!(
            bed.keys(&all(&before)).await,
            ["1", "2"],
            "a reader with the older definition still reads"
        );
    })
    .await;
}

#[tokio::test]
async fn an_index_may_come_and_go_without_changing_answers() {
    everywhere(async |bed| {
        let plain = Arc::new(table(1, vec![column(0, "a", "number"), column(1, "b", "text")]));
        bed.create(&plain).await;
        let rows = (0..50).map(|n| {
            let a = if n % 7 == 0 {
                Value::Null
            } else {
                Value::Int(n % 10)
            };
            record(n, vec![a, Value::text(format!("{}", n % 3))])
        });
        bed.insert(&plain, rows.collect()).await;
        let answers = async |table: &Arc<Table>| {
            let sort = vec![by(FieldRef::Column(0), true)];
            let plans = [
                with(table, 0, Test::Eq(Value::Null)),
                with(table, 0, Test::Ge(Value::Int(5))),
                with(table, 0, Test::NotIn(vec![Value::Int(5)])),
                Plan {
                    sort: sort.clone(),
                    ..all(table)
                },
                Plan {
                    sort,
                    window: page(10, 10),
                    ..with(table, 1, Test::Eq(Value::text("1")))
                },
            ];
            let mut answers = Vec::new();
            for plan in plans {
                answers.push(bed.keys(&plan).await);
            }
            answers
        };
        let without = answers(&plain).await;
        let mut with_indexes = changed(
            &plain,
            vec![indexed(column(0, "a", "number")), indexed(column(1, "b", "text"))],
        );
        Arc::make_mut(&mut with_indexes).indexes = vec![vec![1, 0], vec![0, 1]];
        bed.write(vec![change(&plain, &with_indexes)]).await;
        assert_eq!(answers(&with_indexes).await, without);
        bed.insert(
            &with_indexes,
            vec![record(100, vec![Value::Int(5), Value::text("1")])],
        )
        .await;
        bed.write(vec![purge(&with_indexes, &key(100), None)]).await;
        let dropped = changed(&with_indexes, plain.columns.clone());
        let dropped = Arc::new(Table {
            indexes: Vec::new(),
            ..(*dropped).clone()
        });
        bed.write(vec![change(&with_indexes, &dropped)]).await;
        assert_eq!(answers(&dropped).await, without);
    })
    .await;
}

#[tokio::test]
async fn a_column_becomes_unique_only_if_its_live_values_differ() {
    everywhere(async |bed| {
        let before = Arc::new(table(1, vec![column(0, "a", "text")]));
        bed.create(&before).await;
        let row = |number: i64, a: &str| record(number, vec![Value::text(a)]);
        let rows = vec![
            row(1, "x"),
            row(2, "y"),
            row(3, "x"),
            record(4, vec![Value::Null]),
            record(5, Vec::new()),
        ];
        let rows = bed.insert(&before, rows).await;
        let after = changed(&before, vec![unique(column(0, "a", "text"))]);
        let refusal = Rejection::UniqueTaken {
            column: 0,
            holder: Some(key(1)),
        };
        let writes = vec![insert(&before, row(9, "z")), change(&before, &after)];
        assert_eq!(bed.refused(writes).await, [(1, refusal.clone())]);
        assert_eq!(definitions(&bed).await, [("table-1".to_owned(), 1)]);
        bed.insert(&before, vec![row(6, "y")]).await;
        let trashed = bed
            .write(vec![trash(&before, &rows[2]), purge(&before, &key(6), None)])
            .await;
        bed.write(vec![change(&before, &after)]).await;
        let back = crate::bed::restore(&after, &written(&trashed.outcomes[0]));
        assert_eq!(bed.refused(vec![back]).await, [(0, refusal)]);
        let relaxed = changed(&after, vec![column(0, "a", "text")]);
        bed.write(vec![change(&after, &relaxed), insert(&relaxed, row(7, "x"))])
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_dropped_table_is_gone_and_its_number_may_be_made_again() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        bed.insert(&table, vec![person(1, "a@x", "red", 1)]).await;
        let drop = || Write::Schema(SchemaWrite::Drop(table.clone()));
        let rehearsal = Batch {
            at: NOW,
            writes: vec![drop()],
            mode: Mode::Rehearse,
            ..Batch::default()
        };
        bed.backend.commit(rehearsal).await.expect("it would work");
        assert_eq!(bed.keys(&all(&table)).await, ["1"]);
        bed.write(vec![drop()]).await;
        assert_eq!(bed.get(&table, &key(1)).await, None);
        assert_eq!(bed.count(&all(&table)).await, 0);
        assert_eq!(bed.refused(vec![drop()]).await, [(0, Rejection::SchemaChanged)]);
        assert_eq!(bed.log().await.len(), 1, "the log keeps what happened");
        bed.create(&table).await;
        assert_eq!(bed.count(&all(&table)).await, 0);
        bed.insert(&table, vec![person(1, "a@x", "red", 1)]).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_made_in_a_batch_takes_records_in_the_same_batch() {
    everywhere(async |bed| {
        let table = people();
        let create = || Write::Schema(SchemaWrite::Create(table.clone()));
        let insert = |number: i64| insert(&table, person(number, &format!("{number}@x"), "", 1));
        assert_eq!(
            bed.refused(vec![create(), insert(1), insert(1)]).await,
            [(2, Rejection::KeyTaken)]
        );
        assert_eq!(definitions(&bed).await, []);
        assert_eq!(bed.get(&table, &key(1)).await, None);
        bed.write(vec![create(), insert(1), insert(2)]).await;
        assert_eq!(bed.keys(&all(&table)).await, ["1", "2"]);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_column_keeps_its_values_and_loses_its_rules() {
    everywhere(async |bed| {
        let before = people();
        bed.create(&before).await;
        bed.insert(&before, vec![person(1, "a@x", "red", 1)]).await;
        let mut columns = before.columns.clone();
        columns[0].deleted_at = Some(NOW);
        let after = changed(&before, columns);
        bed.write(vec![change(&before, &after)]).await;
        bed.insert(&after, vec![person(2, "a@x", "red", 1)]).await;
        assert_eq!(
            bed.get(&after, &key(1)).await.expect("it").value(0),
            &Value::text("a@x")
        );
        bed.write(vec![purge(&after, &key(2), None)]).await;
        let back = changed(&after, before.columns.clone());
        bed.write(vec![change(&after, &back)]).await;
        assert_eq!(
            bed.keys(&with(&back, 0, Test::Eq(Value::text("a@x")))).await,
            ["1"]
        );
    })
    .await;
}

/// What a sweep asks for: everything that has expired, the trash too, the oldest first.
fn expired(table: &Arc<Table>, limit: u64) -> Plan {
    Plan {
        filter: Filter::Field(FieldRef::ExpiresAt, Test::Le(Value::Int(NOW))),
        scope: Scope::All,
        sort: vec![by(FieldRef::ExpiresAt, false)],
        window: page(0, limit),
        ..Plan::all(table.clone(), i64::MIN)
    }
}

/// What makes room: the oldest first.
fn oldest(table: &Arc<Table>, limit: u64) -> Plan {
    Plan {
        sort: vec![by(FieldRef::CreatedAt, false)],
        window: page(0, limit),
        ..Plan::all(table.clone(), i64::MIN)
    }
}

#[tokio::test]
async fn limits_may_come_and_go_and_what_they_ask_is_answered() {
    everywhere(async |bed| {
        let plain = people();
        bed.create(&plain).await;
        let aged = |number: i64| Record {
            expires_at: (number % 3 != 0).then_some(NOW - number),
            created_at: NOW - number % 5,
            ..person(number, &format!("{number}@x"), "red", 1)
        };
        let records = bed.insert(&plain, (0..20).map(aged).collect()).await;
        let limited = |before: &Arc<Table>, max_size: Option<u64>, ttl_ms: Option<i64>| {
            let mut after = Table {
                max_size,
                ttl_ms,
                schema_version: before.schema_version + 1,
                ..(**before).clone()
            };
            after.refresh();
            Arc::new(after)
        };
        let mut now = plain;
        for (step, (max_size, ttl_ms)) in [
            (Some(20), Some(1)),
            (Some(10), None),
            (None, Some(5)),
            (None, None),
        ]
        .into_iter()
        .enumerate()
        {
            let after = limited(&now, max_size, ttl_ms);
            bed.write(vec![change(&now, &after)]).await;
            now = after;
            // Every index that the definition asks for is there, and no more.
            let findings = bed.backend.examine().await.expect("examined");
            assert!(findings.is_empty(), "{findings:?}");
            assert_eq!(bed.keys(&oldest(&now, 5)).await, ["4", "9", "14", "19", "3"]);
            let swept = bed.keys(&expired(&now, 4)).await;
            match step {
                0 => assert_eq!(swept, ["19", "17", "16", "14"]),
                _ => assert_eq!(swept, ["19", "17", "16", "13"]),
            }
            if step == 0 {
                // In the trash it is expired all the same, and not there any more when it is gone.
                bed.write(vec![trash(&now, &records[19]), purge(&now, &key(14), None)])
                    .await;
                assert_eq!(bed.keys(&expired(&now, 3)).await, ["19", "17", "16"]);
                bed.insert(
                    &now,
                    vec![Record {
                        expires_at: None,
                        ..aged(14)
                    }],
                )
                .await;
                let back = bed.get(&now, &key(19)).await.expect("it");
                bed.write(vec![restore(&now, &back)]).await;
            }
        }
        assert_eq!(bed.backend.stats(&now).await.expect("sizes").live, 20);
    })
    .await;
}
