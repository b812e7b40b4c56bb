//! Counters: numbers drawn in a commit, brought numbers, and numbers drawn alone.

use std::sync::Arc;

use chancery_model::column::{Constraints, Generated};
use chancery_model::{Column, Record, Table, TableId, Value};
use chancery_storage::{Batch, Counter, Draw, DrawTarget, Mode, Rejection, Write};

use crate::bed::{Bed, NOW, column, everywhere, key, record, table, unique, written};

/// A table whose keys are drawn, with a numbered column and a unique one.
fn orders() -> Arc<Table> {
    let constraints = Constraints {
        generated: Some(Generated::Autoincrement),
        ..Constraints::default()
    };
    let id = Column {
        constraints,
        ..column(0, "nr", "autoNumber")
    };
    let columns = vec![
        id,
        column(1, "invoice", "autoNumber"),
        unique(column(2, "code", "text")),
    ];
    Arc::new(Table {
        key_column: Some(0),
        ..table(1, columns)
    })
}

fn drawn(table: &Arc<Table>, given: Option<i64>, code: &str) -> Write {
    let counter = |ordinal| Counter::Column(TableId(1), ordinal);
    let draws = vec![
        Draw {
            target: DrawTarget::Key,
            counter: counter(0),
            given,
        },
        Draw {
            target: DrawTarget::Column(1),
            counter: counter(1),
            given: None,
        },
    ];
    let record = record(
        given.unwrap_or(0),
        vec![Value::Null, Value::Null, Value::text(code)],
    );
    Write::Insert {
        table: table.clone(),
        record,
        draws,
    }
}

async fn numbers(bed: &Bed, writes: Vec<Write>) -> Vec<(String, Value)> {
    let committed = bed.write(writes).await;
    let pair = |record: Arc<Record>| (record.key.to_string(), record.value(1).clone());
    committed.outcomes.iter().map(written).map(pair).collect()
}

fn pair(key: &str, invoice: i64) -> (String, Value) {
    (key.to_owned(), Value::Int(invoice))
}

#[tokio::test]
async fn drawn_numbers_start_at_one_and_are_filled_in() {
    everywhere(async |bed| {
        let table = orders();
        bed.create(&table).await;
        let got = numbers(&bed, vec![drawn(&table, None, "a"), drawn(&table, None, "b")]).await;
        assert_eq!(got, [pair("1", 1), pair("2", 2)]);
        let found = bed.get(&table, &key(2)).await.expect("it has the drawn key");
        assert_eq!((found.value(0), found.value(1)), (&Value::Null, &Value::Int(2)));
    })
    .await;
}

#[tokio::test]
async fn a_brought_number_is_kept_and_never_given_again() {
    everywhere(async |bed| {
        let table = orders();
        bed.create(&table).await;
        let got = numbers(&bed, vec![drawn(&table, Some(10), "a"), drawn(&table, None, "b")]).await;
        assert_eq!(got, [pair("10", 1), pair("11", 2)]);
        let got = numbers(
            &bed,
            vec![drawn(&table, Some(5), "c"), drawn(&table, Some(-3), "d")],
        )
        .await;
        assert_eq!(got, [pair("5", 3), pair("-3", 4)]);
        assert_eq!(
            numbers(&bed, vec![drawn(&table, None, "e")]).await,
            [pair("12", 5)]
        );
    })
    .await;
}

#[tokio::test]
async fn what_fails_or_is_rehearsed_uses_no_numbers() {
    everywhere(async |bed| {
        let table = orders();
        bed.create(&table).await;
        numbers(&bed, vec![drawn(&table, None, "a")]).await;
        let failing = vec![drawn(&table, None, "b"), drawn(&table, None, "a")];
        let taken = Rejection::UniqueTaken {
            column: 2,
            holder: Some(key(1)),
        };
        assert_eq!(bed.refused(failing).await, [(1, taken.clone())]);
        let writes = vec![drawn(&table, None, "b"), drawn(&table, Some(50), "c")];
        let rehearsal = Batch {
            at: NOW,
            writes,
            mode: Mode::Rehearse,
            ..Batch::default()
        };
        let rehearsed = bed.backend.commit(rehearsal).await.expect("it would work");
        assert_eq!(written(&rehearsed.outcomes[0]).key, key(2));
        let writes = vec![drawn(&table, None, "a"), drawn(&table, None, "b")];
        assert_eq!(bed.skipped(writes).await, [(0, taken)]);
        assert_eq!(
            bed.get(&table, &key(2)).await.expect("it").value(1),
            &Value::Int(2)
        );
        assert_eq!(
            numbers(&bed, vec![drawn(&table, None, "c")]).await,
            [pair("3", 3)]
        );
    })
    .await;
}

#[tokio::test]
async fn a_drawn_key_may_be_taken_all_the_same() {
    everywhere(async |bed| {
        let table = orders();
        bed.create(&table).await;
        bed.insert(&table, vec![record(1, Vec::new())]).await;
        assert_eq!(
            bed.refused(vec![drawn(&table, None, "a")]).await,
            [(0, Rejection::KeyTaken)]
        );
    })
    .await;
}

#[tokio::test]
async fn clear_and_purge_give_no_number_back() {
    everywhere(async |bed| {
        let table = orders();
        bed.create(&table).await;
        numbers(&bed, vec![drawn(&table, None, "a"), drawn(&table, None, "b")]).await;
        bed.write(vec![crate::bed::purge(&table, &key(2), None)]).await;
        assert_eq!(
            numbers(&bed, vec![drawn(&table, None, "c")]).await,
            [pair("3", 3)]
        );
        bed.write(vec![Write::Clear { table: table.clone() }]).await;
        assert_eq!(
            numbers(&bed, vec![drawn(&table, None, "c")]).await,
            [pair("4", 4)]
        );
    })
    .await;
}

#[tokio::test]
async fn numbers_are_drawn_alone_too() {
    everywhere(async |bed| {
        let draw = async |counter, count| bed.backend.draw(counter, count).await.expect("numbers");
        assert_eq!(draw(Counter::Tables, 1).await, 1);
        assert_eq!(draw(Counter::Tables, 3).await, 2);
        assert_eq!(draw(Counter::Tables, 1).await, 5);
        assert_eq!(draw(Counter::Column(TableId(1), 0), 10).await, 1);
        assert_eq!(draw(Counter::Column(TableId(1), 1), 1).await, 1);
        assert_eq!(draw(Counter::Column(TableId(2), 0), 1).await, 1);
        assert_eq!(draw(Counter::Column(TableId(1), 0), 1).await, 11);
        let table = orders();
        bed.create(&table).await;
        assert_eq!(
            numbers(&bed, vec![drawn(&table, None, "a")]).await,
            [pair("12", 2)]
        );
    })
    .await;
}
