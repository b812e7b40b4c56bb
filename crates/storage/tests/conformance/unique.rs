//! Unique values: among live records only, null exempt, judged write by write in the order of the batch.

use std::sync::Arc;

use chancery_model::{Table, Value};
use chancery_storage::Rejection;

use crate::bed::{
    Bed, column, everywhere, insert, key, people, person, purge, record, restore, set, table, trash, unique,
    written,
};

fn taken(column: u16, holder: i64) -> Rejection {
    Rejection::UniqueTaken {
        column,
        holder: Some(key(holder)),
    }
}

async fn two_people(bed: &Bed) -> (Arc<Table>, Vec<Arc<chancery_model::Record>>) {
    let table = people();
    bed.create(&table).await;
    let people = bed
        .insert(
            &table,
            vec![person(1, "a@x", "red", 1), person(2, "b@x", "red", 2)],
        )
        .await;
    (table, people)
}

#[tokio::test]
async fn a_unique_value_is_refused_to_a_second_live_record() {
    everywhere(async |bed| {
        let (table, people) = two_people(&bed).await;
        assert_eq!(
            bed.refused(vec![insert(&table, person(3, "a@x", "", 0))]).await,
            [(0, taken(0, 1))]
        );
        let claim = set(&table, &people[1], &[(0, Value::text("a@x"))]);
        assert_eq!(bed.refused(vec![claim]).await, [(0, taken(0, 1))]);
        let own = set(&table, &people[1], &[(0, Value::text("b@x")), (2, Value::Int(9))]);
        bed.write(vec![own]).await;
        bed.write(vec![
            insert(&table, person(3, "A@x", "", 0)),
            insert(&table, person(4, "a@x ", "", 0)),
        ])
        .await;
    })
    .await;
}

#[tokio::test]
async fn the_trash_gives_a_unique_value_free_and_restore_claims_it() {
    everywhere(async |bed| {
        let (table, people) = two_people(&bed).await;
        let trashed = written(&bed.write(vec![trash(&table, &people[0])]).await.outcomes[0]);
        let third = bed.insert(&table, vec![person(3, "a@x", "", 0)]).await.remove(0);
        assert_eq!(
            bed.refused(vec![restore(&table, &trashed)]).await,
            [(0, taken(0, 3))]
        );
        bed.write(vec![purge(&table, &third.key, None)]).await;
        bed.write(vec![restore(&table, &trashed)]).await;
        assert_eq!(
            bed.refused(vec![insert(&table, person(4, "a@x", "", 0))]).await,
            [(0, taken(0, 1))]
        );
    })
    .await;
}

#[tokio::test]
async fn null_is_never_taken() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let nobody = |number: i64| record(number, vec![Value::Null, Value::Null, Value::Null]);
        bed.insert(&table, vec![nobody(1), nobody(2), record(3, Vec::new())])
            .await;
        let empty = |number: i64| insert(&table, person(number, "", "", 0));
        assert_eq!(bed.refused(vec![empty(4), empty(5)]).await, [(1, taken(0, 4))]);
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_judged_in_its_order() {
    everywhere(async |bed| {
        let (table, people) = two_people(&bed).await;
        let to = |index: usize, email: &str| set(&table, &people[index], &[(0, Value::text(email))]);
        // A direct swap is refused at its first write, for the second has not given its value up yet.
        assert_eq!(
            bed.refused(vec![to(0, "b@x"), to(1, "a@x")]).await,
            [(0, taken(0, 2)), (1, taken(0, 1))]
        );
        // Handing a value over works when it is given up first.
        bed.write(vec![to(0, "free@x"), to(1, "a@x")]).await;
        assert_eq!(
            bed.refused(vec![insert(&table, person(3, "a@x", "", 0))]).await,
            [(0, taken(0, 2))]
        );
        // A value that an earlier write of the batch frees or takes is free or taken for a later one.
        let writes = vec![
            purge(&table, &key(2), None),
            insert(&table, person(3, "a@x", "", 0)),
            insert(&table, person(4, "a@x", "", 0)),
        ];
        assert_eq!(bed.refused(writes).await, [(2, taken(0, 3))]);
    })
    .await;
}

#[tokio::test]
async fn a_swap_works_through_null() {
    everywhere(async |bed| {
        let (table, people) = two_people(&bed).await;
        let aside = chancery_model::Record {
            version: 2,
            ..(*people[0]).clone()
        };
        let mut away = aside.clone();
        away.values[0] = Value::Null;
        let writes = vec![
            set(&table, &people[0], &[(0, Value::Null)]),
            set(&table, &people[1], &[(0, Value::text("a@x"))]),
            set(&table, &away, &[(0, Value::text("b@x"))]),
        ];
        bed.write(writes).await;
        let emails = [bed.get(&table, &key(1)).await, bed.get(&table, &key(2)).await];
        let emails = emails.map(|record| record.expect("both are there").value(0).clone());
        assert_eq!(emails, [Value::text("b@x"), Value::text("a@x")]);
    })
    .await;
}

#[tokio::test]
async fn the_first_of_several_taken_values_is_told() {
    everywhere(async |bed| {
        let table = Arc::new(table(
            1,
            vec![
                column(0, "a", "text"),
                unique(column(1, "b", "number")),
                unique(column(2, "c", "text")),
            ],
        ));
        bed.create(&table).await;
        let row =
            |number: i64, b: i64, c: &str| record(number, vec![Value::Null, Value::Int(b), Value::text(c)]);
        bed.insert(&table, vec![row(1, 1, "x"), row(2, 2, "y")]).await;
        assert_eq!(
            bed.refused(vec![insert(&table, row(3, 2, "x"))]).await,
            [(0, taken(1, 2))]
        );
        assert_eq!(
            bed.refused(vec![insert(&table, row(3, 3, "x"))]).await,
            [(0, taken(2, 1))]
        );
        assert_eq!(
            bed.refused(vec![insert(&table, row(1, 1, "x"))]).await,
            [(0, Rejection::KeyTaken)]
        );
    })
    .await;
}
