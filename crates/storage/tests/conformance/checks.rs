//! What a batch rests on: judged before its first write, against everything that was answered before it.

use std::sync::Arc;

use chancery_model::{Key, Table, TableId, Value};
use chancery_storage::{Batch, Check, Committed, Mode, OnReject, SchemaWrite, StorageError, Write};

use crate::bed::{
    Bed, NOW, everywhere, insert, key, people, person, purge, restore, set, table, trash, written,
};

fn is(table: &Arc<Table>, number: i64, change: u64) -> Check {
    Check::Record {
        table: table.number,
        key: key(number),
        change,
    }
}

fn live(table: &Arc<Table>, number: i64) -> Check {
    Check::Live {
        table: table.number,
        key: key(number),
    }
}

fn whole(table: &Arc<Table>, revision: u64) -> Check {
    Check::Table {
        table: table.number,
        revision,
    }
}

/// A batch that rests on something.
fn resting(checks: Vec<Check>, writes: Vec<Write>) -> Batch {
    Batch {
        at: NOW,
        checks,
        writes,
        ..Batch::default()
    }
}

/// The indexes of the checks that fail; none if the batch was done.
async fn failing(bed: &Bed, batch: Batch) -> Vec<usize> {
    let before = bed.revision().await;
    match bed.backend.commit(batch).await {
        Ok(_) => Vec::new(),
        Err(StorageError::Overtaken(failing)) => {
            assert_eq!(bed.revision().await, before);
            failing
        }
        Err(other) => panic!("{other}"),
    }
}

async fn check(bed: &Bed, checks: Vec<Check>) -> Vec<usize> {
    failing(bed, resting(checks, Vec::new())).await
}

async fn done(bed: &Bed, write: Write) -> Arc<chancery_model::Record> {
    written(&bed.write(vec![write]).await.outcomes[0])
}

#[tokio::test]
async fn a_record_is_known_by_its_newest_change() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        assert_eq!(check(&bed, vec![is(&table, 1, 0), live(&table, 1)]).await, [1]);
        let first = done(&bed, insert(&table, person(1, "a@x", "red", 1))).await;
        assert_eq!(check(&bed, vec![is(&table, 1, 0), live(&table, 1)]).await, [0]);
        assert_eq!(check(&bed, vec![is(&table, 1, first.change)]).await, [0; 0]);
        let second = done(&bed, set(&table, &first, &[(2, Value::Int(2))])).await;
        let both = || vec![is(&table, 1, first.change), is(&table, 1, second.change)];
        assert_eq!(check(&bed, both()).await, [0]);
        let third = done(&bed, trash(&table, &second)).await;
        let all = vec![
            is(&table, 1, second.change),
            is(&table, 1, third.change),
            live(&table, 1),
        ];
        assert_eq!(check(&bed, all).await, [0, 2]);
        let fourth = done(&bed, restore(&table, &third)).await;
        assert_eq!(
            check(&bed, vec![is(&table, 1, fourth.change), live(&table, 1)]).await,
            [0; 0]
        );
        bed.write(vec![purge(&table, &key(1), None)]).await;
        let all = vec![is(&table, 1, fourth.change), is(&table, 1, 0), live(&table, 1)];
        assert_eq!(check(&bed, all).await, [0, 2]);
        // Made anew it is another record, though all its values and its version are the same.
        let fifth = done(&bed, insert(&table, person(1, "a@x", "red", 1))).await;
        assert_eq!(fifth.version, first.version);
        assert_eq!(check(&bed, vec![is(&table, 1, first.change)]).await, [0]);
        bed.write(vec![Write::Clear { table: table.clone() }]).await;
        assert_eq!(
            check(&bed, vec![is(&table, 1, fifth.change), is(&table, 1, 0)]).await,
            [0]
        );
    })
    .await;
}

#[tokio::test]
async fn a_table_is_as_it_was_until_a_record_of_it_changes() {
    everywhere(async |mut bed| {
        let (table, other) = (people(), Arc::new(table(2, people().columns.clone())));
        bed.create(&table).await;
        bed.create(&other).await;
        let start = bed.revision().await;
        let still = |revision: u64| vec![whole(&table, revision)];
        assert_eq!(check(&bed, still(start)).await, [0; 0]);
        bed.insert(&other, vec![person(1, "a@x", "red", 1)]).await;
        assert_eq!(check(&bed, still(start)).await, [0; 0]);
        bed.insert(&table, vec![person(1, "a@x", "red", 1)]).await;
        let now = bed.revision().await;
        assert_eq!(
            check(
                &bed,
                vec![whole(&table, start), whole(&table, now), whole(&other, start)]
            )
            .await,
            [0, 2]
        );
        bed.write(vec![purge(&table, &key(1), None)]).await;
        assert_eq!(check(&bed, still(now)).await, [0]);
        let now = bed.revision().await;
        bed.write(vec![Write::Clear { table: table.clone() }]).await;
        assert_eq!(check(&bed, still(now)).await, [0]);
        let now = bed.revision().await;
        if bed.lasting {
            bed.reopen().await;
        }
        assert_eq!(
            check(&bed, vec![whole(&table, now - 1), whole(&table, now)]).await,
            [0]
        );
        bed.write(vec![Write::Schema(SchemaWrite::Drop(table.clone()))])
            .await;
        let now = bed.revision().await;
        // Of a table that is gone nothing is as it was.
        assert_eq!(
            check(&bed, vec![whole(&table, now), live(&table, 1), is(&table, 1, 0)]).await,
            [0, 1]
        );
    })
    .await;
}

#[tokio::test]
async fn a_failed_check_leaves_everything_as_it_was() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = done(&bed, insert(&table, person(1, "a@x", "red", 1))).await;
        let log = bed.log().await;
        let writes = || {
            vec![
                insert(&table, person(2, "b@x", "red", 1)),
                set(&table, &first, &[(2, Value::Int(9))]),
            ]
        };
        for (on_reject, mode) in [
            (OnReject::Abort, Mode::Apply),
            (OnReject::Skip, Mode::Apply),
            (OnReject::Abort, Mode::Rehearse),
        ] {
            let batch = Batch {
                on_reject,
                mode,
                ..resting(vec![is(&table, 1, first.change), live(&table, 7)], writes())
            };
            assert_eq!(failing(&bed, batch).await, [1]);
        }
        // The same goes for one that changes definitions.
        let clear = vec![Write::Clear { table: table.clone() }];
        assert_eq!(failing(&bed, resting(vec![is(&table, 1, 0)], clear)).await, [0]);
        assert_eq!(bed.log().await, log);
        // A batch does not stand in its own way: what it rests on is judged before it writes.
        let checks = vec![
            is(&table, 1, first.change),
            is(&table, 2, 0),
            whole(&table, bed.revision().await),
        ];
        assert_eq!(failing(&bed, resting(checks, writes())).await, [0; 0]);
        assert_eq!(bed.log().await.len(), log.len() + 2);
    })
    .await;
}

#[tokio::test]
async fn a_batch_of_checks_makes_no_revision() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = done(&bed, insert(&table, person(1, "a@x", "red", 1))).await;
        let revision = bed.revision().await;
        for mode in [Mode::Apply, Mode::Rehearse] {
            let batch = Batch {
                mode,
                ..resting(vec![is(&table, 1, first.change)], Vec::new())
            };
            let Committed {
                revision: told,
                outcomes,
            } = bed.backend.commit(batch).await.expect("it is so");
            assert_eq!(told, revision);
            assert!(outcomes.is_empty());
        }
        assert_eq!(bed.revision().await, revision);
        let unknown = Check::Record {
            table: TableId(99),
            key: Key::Text("x".into()),
            change: 0,
        };
        assert_eq!(check(&bed, vec![unknown]).await, [0; 0]);
    })
    .await;
}

/// Of many that read the same and write on it at the same time, one is done and all others are told.
#[tokio::test]
async fn of_those_that_rest_on_the_same_one_wins() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = done(&bed, insert(&table, person(1, "a@x", "red", 1))).await;
        let start = bed.revision().await;
        let (by_record, by_table, by_absence) = (
            vec![is(&table, 1, first.change)],
            vec![whole(&table, start)],
            vec![is(&table, 50, 0)],
        );
        for (round, checks) in [by_record, by_table, by_absence].into_iter().enumerate() {
            let round = round as i64;
            let now = bed.revision().await;
            let checks: Vec<Check> = checks
                .into_iter()
                .map(|check| match check {
                    Check::Table { table, .. } => Check::Table { table, revision: now },
                    other => other,
                })
                .collect();
            let attempts = (0..20).map(|n| {
                let mine = match round {
                    0 => {
                        let mut next = (*first).clone();
                        next.version += 1;
                        next.values[2] = Value::Int(n);
                        vec![Write::update(
                            &table,
                            &first,
                            next,
                            vec![(2, Value::Int(1))],
                            chancery_model::change::ChangeKind::Updated,
                        )]
                    }
                    1 => vec![insert(&table, person(100 + n, &format!("t{n}@x"), "red", 1))],
                    _ => vec![
                        insert(&table, person(50, &format!("f{n}@x"), "red", 1)),
                        insert(&table, person(200 + n, &format!("g{n}@x"), "red", 1)),
                    ],
                };
                let batch = resting(checks.clone(), mine);
                let backend = bed.backend.clone();
                async move { backend.commit(batch).await }
            });
            let answers = futures::future::join_all(attempts).await;
            let done = answers.iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(done, 1, "round {round}");
            for answer in answers.into_iter().filter_map(Result::err) {
                assert!(
                    matches!(answer, StorageError::Overtaken(ref failing) if failing == &[0]),
                    "{answer}"
                );
            }
        }
    })
    .await;
}
