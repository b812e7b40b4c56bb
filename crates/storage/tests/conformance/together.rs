//! Many at once: commits in one order without gaps, readers that see whole commits only.

use std::sync::Arc;

use chancery_model::Value;
use chancery_model::filter::Test;
use chancery_storage::{Batch, Counter, Rejection, StorageError};

use crate::bed::{NOW, all, everywhere, insert, key, people, person, set, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_commits_have_gapless_revisions_and_changes() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let tasks = (0..64_i64).map(|task| {
            let (backend, table) = (bed.backend.clone(), table.clone());
            tokio::spawn(async move {
                let mut revisions = Vec::new();
                for step in 0..8 {
                    let number = task * 100 + step * 2;
                    let pair =
                        [number, number + 1].map(|n| insert(&table, person(n, &format!("{n}@x"), "red", 0)));
                    let batch = Batch {
                        at: NOW,
                        writes: pair.to_vec(),
                        ..Batch::default()
                    };
                    revisions.push(
                        backend
                            .commit(batch)
                            .await
                            .expect("its keys are its own")
                            .revision,
                    );
                    let found = backend.get(&table, &key(number)).await.expect("a read");
                    assert!(
                        found.is_some(),
                        "a read that starts after the answer sees the write"
                    );
                }
                assert!(revisions.is_sorted());
                revisions
            })
        });
        let mut revisions = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            revisions.extend(task.await.expect("no task fails"));
        }
        revisions.sort_unstable();
        let first = revisions[0];
        assert!(revisions.iter().copied().eq(first..first + 512));
        let log = bed.log().await;
        assert_eq!(log.len(), 1_024);
        assert!(
            log.iter()
                .enumerate()
                .all(|(index, change)| change.number == index as u64 + 1)
        );
        assert!(log.is_sorted_by_key(|change| change.revision));
        assert_eq!(bed.count(&all(&table)).await, 1_024);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_writers_of_a_version_wins() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let first = bed
            .insert(&table, vec![person(1, "a@x", "red", 0)])
            .await
            .remove(0);
        let tasks = (0..32).map(|n| {
            let (backend, write) = (bed.backend.clone(), set(&table, &first, &[(2, Value::Int(n))]));
            tokio::spawn(async move {
                backend
                    .commit(Batch {
                        at: NOW,
                        writes: vec![write],
                        ..Batch::default()
                    })
                    .await
            })
        });
        let mut won = 0;
        for task in tasks.collect::<Vec<_>>() {
            match task.await.expect("no task fails") {
                Ok(_) => won += 1,
                Err(StorageError::Rejected(rejected)) => {
                    assert_eq!(rejected, [(0, Rejection::Version { found: 2 })]);
                }
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(won, 1);
        assert_eq!(bed.get(&table, &key(1)).await.expect("it").version, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_see_half_a_commit() {
    everywhere(async |bed| {
        let table = people();
        bed.create(&table).await;
        let mut pair = bed
            .insert(
                &table,
                vec![person(1, "a@x", "red", 0), person(2, "b@x", "red", 0)],
            )
            .await;
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let readers = (0..3).map(|_| {
            let (backend, table, done) = (bed.backend.clone(), table.clone(), done.clone());
            tokio::spawn(async move {
                loop {
                    let pair = backend.get_many(&table, &[key(1), key(2)]).await.expect("a read");
                    let ages: Vec<Value> = pair
                        .iter()
                        .flatten()
                        .map(|record| record.value(2).clone())
                        .collect();
                    assert_eq!(ages[0], ages[1]);
                    let red = backend
                        .query(&with(&table, 1, Test::Eq(Value::text("red"))))
                        .await
                        .expect("a read");
                    assert_eq!(red[0].value(2), red[1].value(2));
                    if done.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        for age in 1..200 {
            let writes = pair
                .iter()
                .map(|record| set(&table, record, &[(2, Value::Int(age))]))
                .collect();
            pair = bed
                .write(writes)
                .await
                .outcomes
                .iter()
                .map(crate::bed::written)
                .collect();
            tokio::task::yield_now().await;
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        for reader in readers {
            reader.await.expect("no reader fails");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_drawn_by_many_are_given_once() {
    everywhere(async |bed| {
        let tasks = (0..32).map(|_| {
            let backend = bed.backend.clone();
            tokio::spawn(async move { backend.draw(Counter::Tables, 3).await.expect("numbers") })
        });
        let mut firsts = Vec::new();
        for task in tasks.collect::<Vec<_>>() {
            firsts.push(task.await.expect("no task fails"));
        }
        firsts.sort_unstable();
        assert!(firsts.iter().copied().eq((0..32).map(|n| n * 3 + 1)));
    })
    .await;
}
