//! Unique values: among live records only, null exempt, judged by what a batch that is all or nothing leaves, and write by
//! write in any other.

use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::{Record, Table, Value};
use chancery_storage::{Batch, Mode, OnReject, Rejection, SchemaWrite, Write};

use crate::bed::{
    Bed, NOW, column, everywhere, insert, key, people, person, purge, record, restore, set, table, trash,
    unique, written,
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
        // Where each write stands for itself, a swap is refused at its first write, for the second has not given its value up.
        assert_eq!(
            bed.skipped(vec![to(0, "b@x"), to(1, "a@x")]).await,
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

/// The first column of people 1 to 4, as text; a dash for who is not there.
async fn emails(bed: &Bed, table: &Arc<Table>) -> String {
    let mut all = Vec::new();
    for number in 1..=4 {
        let found = bed.get(table, &key(number)).await;
        all.push(found.map_or("-".to_owned(), |record| {
            let trash = if record.deleted_at.is_some() { "†" } else { "" };
            format!("{}{trash}", record.value(0).as_text().unwrap_or("null"))
        }));
    }
    all.join(" ")
}

async fn four_people(bed: &Bed) -> (Arc<Table>, Vec<Arc<Record>>) {
    let (table, mut people) = two_people(bed).await;
    people.extend(bed.insert(&table, vec![person(3, "c@x", "red", 3)]).await);
    (table, people)
}

#[tokio::test]
async fn values_change_hands_in_one_batch() {
    everywhere(async |bed| {
        let (table, people) = four_people(&bed).await;
        let to = |old: &Record, email: &str| set(&table, old, &[(0, Value::text(email))]);
        let logged = bed.log().await.len();
        let done = bed
            .write(vec![to(&people[0], "b@x"), to(&people[1], "a@x")])
            .await;
        let people: Vec<Arc<Record>> = done
            .outcomes
            .iter()
            .map(written)
            .chain([people[2].clone()])
            .collect();
        assert_eq!(emails(&bed, &table).await, "b@x a@x c@x -");
        // The log tells it as if it had been done at once: two steps, each with what was before.
        let steps: Vec<_> = bed.log().await.split_off(logged);
        let told: Vec<_> = steps
            .iter()
            .map(|step| (step.kind, step.before.clone()))
            .collect();
        let before = |email: &str| (ChangeKind::Updated, vec![(0, Value::text(email))]);
        assert_eq!(told, [before("a@x"), before("b@x")]);
        assert!(people.iter().take(2).all(|person| person.version == 2));

        // A ring of three.
        let ring = vec![
            to(&people[0], "a@x"),
            to(&people[1], "c@x"),
            to(&people[2], "b@x"),
        ];
        let done = bed.write(ring).await;
        let people: Vec<Arc<Record>> = done.outcomes.iter().map(written).collect();
        assert_eq!(emails(&bed, &table).await, "a@x c@x b@x -");

        // A new record takes the value of one that goes to the trash after it, and of one that goes for good.
        let logged = bed.log().await.len();
        let writes = vec![
            insert(&table, person(4, "a@x", "", 0)),
            to(&people[2], "c@x"),
            purge(&table, &key(2), None),
            trash(&table, &people[0]),
        ];
        bed.write(writes).await;
        assert_eq!(emails(&bed, &table).await, "a@x† - c@x a@x");
        let steps: Vec<_> = bed.log().await.split_off(logged);
        assert_eq!(
            steps[2].before[0],
            (0, Value::text("c@x")),
            "what was purged is told whole"
        );
        let found = bed.refused(vec![insert(&table, person(9, "a@x", "", 0))]).await;
        assert_eq!(found, [(0, taken(0, 4))]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_given_up_is_taken() {
    everywhere(async |bed| {
        let (table, people) = four_people(&bed).await;
        let to = |old: &Record, email: &str| set(&table, old, &[(0, Value::text(email))]);
        let age = |old: &Record| set(&table, old, &[(2, Value::Int(77))]);
        let fresh = |number: i64, email: &str| insert(&table, person(number, email, "", 0));
        let before = (emails(&bed, &table).await, bed.log().await);
        // The one who has it is written, but keeps it.
        assert_eq!(
            bed.refused(vec![fresh(4, "a@x"), age(&people[0])]).await,
            [(0, taken(0, 1))]
        );
        // Of several who claim it all but the first are refused.
        let many = vec![
            to(&people[1], "a@x"),
            fresh(4, "a@x"),
            fresh(5, "d@x"),
            fresh(6, "d@x"),
        ];
        assert_eq!(
            bed.refused(many).await,
            [(0, taken(0, 1)), (1, taken(0, 1)), (3, taken(0, 5))]
        );
        // The one that it is given to must be the only one.
        let two = vec![fresh(4, "a@x"), fresh(5, "a@x"), purge(&table, &key(1), None)];
        assert_eq!(bed.refused(two).await, [(1, taken(0, 4))]);
        // Other refusals are told beside it.
        let mixed = vec![fresh(4, "a@x"), purge(&table, &key(99), None), fresh(2, "z@x")];
        assert_eq!(
            bed.refused(mixed).await,
            [
                (0, taken(0, 1)),
                (1, Rejection::NotFound),
                (2, Rejection::KeyTaken)
            ]
        );
        // What is cleared or defined stands between: before it all must be well.
        let clear = Write::Clear { table: table.clone() };
        assert_eq!(
            bed.refused(vec![fresh(4, "a@x"), clear]).await,
            [(0, taken(0, 1))]
        );
        assert_eq!((emails(&bed, &table).await, bed.log().await), before);
        // A claim that is given up again is none, and the one who had the value keeps it through other changes.
        let back = written(&bed.write(vec![age(&people[1])]).await.outcomes[0]);
        let there = Record {
            version: 3,
            ..(*back).clone()
        };
        let mut taken_once = there.clone();
        taken_once.values[0] = Value::text("a@x");
        let writes = vec![
            to(&back, "a@x"),
            age(&people[0]),
            set(&table, &taken_once, &[(0, Value::text("b@x"))]),
        ];
        bed.write(writes).await;
        assert_eq!(emails(&bed, &table).await, "a@x b@x c@x -");
        let first = bed.get(&table, &key(1)).await.expect("it");
        assert_eq!(first.value(2), &Value::Int(77));
        let found = bed.refused(vec![fresh(9, "a@x"), fresh(10, "b@x")]).await;
        assert_eq!(found, [(0, taken(0, 1)), (1, taken(0, 2))]);
    })
    .await;
}

#[tokio::test]
async fn a_rehearsed_swap_is_answered_as_if_done() {
    everywhere(async |bed| {
        let (table, people) = two_people(&bed).await;
        let to = |index: usize, email: &str| set(&table, &people[index], &[(0, Value::text(email))]);
        let rehearsal = Batch {
            at: NOW,
            writes: vec![to(0, "b@x"), to(1, "a@x")],
            mode: Mode::Rehearse,
            on_reject: OnReject::Abort,
            ..Batch::default()
        };
        let done = bed.backend.commit(rehearsal).await.expect("it would be done");
        assert_eq!(written(&done.outcomes[0]).value(0), &Value::text("b@x"));
        assert_eq!(emails(&bed, &table).await, "a@x b@x - -");
        // In one batch with a definition, each side of it is judged for itself.
        let mut after = Table {
            schema_version: 2,
            ..(*table).clone()
        };
        after.columns.push(column(3, "more", "text"));
        after.refresh();
        let after = Arc::new(after);
        let change = Write::Schema(SchemaWrite::Change {
            before: table.clone(),
            after: after.clone(),
        });
        let writes = vec![
            to(0, "b@x"),
            to(1, "a@x"),
            change,
            insert(&after, person(3, "c@x", "", 0)),
        ];
        bed.write(writes).await;
        assert_eq!(emails(&bed, &after).await, "b@x a@x c@x -");
    })
    .await;
}

#[tokio::test]
async fn several_writes_of_one_record_in_one_batch() {
    everywhere(async |bed| {
        let (table, _) = two_people(&bed).await;
        let made = |number: i64, email: &str, age: i64| Record {
            version: 1,
            ..person(number, email, "new", age)
        };
        // Removed and made anew under its key; made and changed; made, changed and removed.
        let writes = vec![
            purge(&table, &key(1), Some(1)),
            insert(&table, made(1, "a@x", 10)),
            insert(&table, made(3, "c@x", 3)),
            set(&table, &made(3, "c@x", 3), &[(2, Value::Int(33))]),
            insert(&table, made(4, "d@x", 4)),
            set(&table, &made(4, "d@x", 4), &[(0, Value::text("e@x"))]),
            purge(&table, &key(4), Some(2)),
            insert(&table, made(5, "e@x", 5)),
            purge(&table, &key(2), None),
            insert(&table, made(2, "d@x", 2)),
            purge(&table, &key(2), None),
        ];
        let done = bed.write(writes).await;
        assert_eq!(done.outcomes.len(), 11);
        assert_eq!(emails(&bed, &table).await, "a@x - c@x -");
        let first = bed.get(&table, &key(1)).await.expect("it");
        assert_eq!((first.value(2), first.version), (&Value::Int(10), 1));
        let third = bed.get(&table, &key(3)).await.expect("it");
        assert_eq!((third.value(2), third.version), (&Value::Int(33), 2));
        let log = bed.log().await;
        let step = |index: usize| (log[index].kind, log[index].previous);
        assert_eq!(step(2), (ChangeKind::Purged, 1));
        assert_eq!(step(3), (ChangeKind::Inserted, 0));
        assert_eq!(step(5), (ChangeKind::Updated, 5));
        assert_eq!(step(8), (ChangeKind::Purged, 8));
        assert_eq!(log.len(), 13);
        assert_eq!(
            bed.refused(vec![insert(&table, made(9, "e@x", 0))]).await,
            [(0, taken(0, 5))]
        );
        bed.write(vec![insert(&table, made(9, "d@x", 0))]).await;
    })
    .await;
}
