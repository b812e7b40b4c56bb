//! What others cannot do to a transaction, nor it to them: nothing is lost, skewed or torn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chancery::{Action, Protected, Query, Step, TransactionOptions, json};
use chancery_scenarios::on_every_backend;
use tokio::sync::Barrier;

use super::{is_conflict, make, n, n_in, table};

#[test]
fn row_2_a_write_from_outside_between_get_and_update_is_not_lost() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        let read = inside.get("a").await.expect("read").expect("there");
        assert_eq!(read.get("n"), json!(1));
        items
            .update("a", json!({"n": 100}))
            .await
            .expect("updated outside");
        inside.update("a", json!({"n": 2})).await.expect("kept");
        let refused = tx.commit().await.expect_err("overtaken");
        assert_eq!(
            refused.to_string(),
            "Transaction conflict in table \"items\" for key \"a\": Version mismatch: expected 1, got 2"
        );
        assert_eq!(n(&items, "a").await, 100);

        // Absence is read as well.
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        assert!(inside.get("b").await.expect("read").is_none());
        make(&items, "b", 5).await;
        inside.update("a", json!({"n": 3})).await.expect("kept");
        assert!(is_conflict(&tx.commit().await.expect_err("overtaken")));
        // So is the same version of another record under the same key.
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        inside.get("b").await.expect("read");
        items.delete("b").await.expect("deleted");
        make(&items, "b", 6).await;
        inside.update("a", json!({"n": 3})).await.expect("kept");
        assert!(is_conflict(&tx.commit().await.expect_err("overtaken")));
        assert_eq!(n(&items, "a").await, 100);
    });
}

#[test]
fn row_2_no_increment_is_lost() {
    const CALLERS: i64 = 8;
    const EACH: i64 = 20;
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 0).await;
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move {
                    for _ in 0..EACH {
                        let done = store.transaction(async |tx| {
                            let now = n_in(&tx, "items", "a").await?;
                            tx.table("items")?.update("a", json!({"n": now + 1})).await
                        });
                        done.await.expect("in the end it is done");
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("it runs");
        }
        assert_eq!(n(&items, "a").await, CALLERS * EACH);
    });
}

#[test]
fn row_3_no_write_skew_in_200_rounds() {
    on_every_backend(|store| async move {
        let doctors = table(&store, "doctors").await;
        for round in 0..200 {
            let pair = [format!("a{round}"), format!("b{round}")];
            for id in &pair {
                make(&doctors, id, 0).await;
            }
            let start = Arc::new(Barrier::new(2));
            let leave = |own: String, other: String| {
                let (store, start) = (store.clone(), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    // Whoever leaves has seen that the other stays.
                    let left = store.transaction(async |tx| {
                        let doctors = tx.table("doctors")?;
                        let other = doctors.get(&other).await?.expect("there");
                        tokio::task::yield_now().await;
                        if other.get("on") == json!(true) {
                            doctors.update(&own, json!({"on": false})).await?;
                        }
                        Ok(())
                    });
                    left.await.expect("done");
                })
            };
            let [a, b] = pair.clone();
            let (one, two) = (leave(a.clone(), b.clone()), leave(b, a));
            one.await.expect("it runs");
            two.await.expect("it runs");
            let mut on = 0;
            for id in &pair {
                let doctor = doctors.get(id).await.expect("read").expect("there");
                on += u32::from(doctor.get("on") == json!(true));
            }
            assert_eq!(on, 1, "round {round}: one leaves and one stays");
        }
    });
}

#[test]
fn row_3_no_write_skew_past_a_check_beside_a_write() {
    const ROUNDS: usize = 200;
    const CALLERS: usize = 8;
    on_every_backend(|store| async move {
        let doctors = table(&store, "doctors").await;
        for round in 0..ROUNDS {
            let pair = [format!("a{round}"), format!("b{round}")];
            for id in &pair {
                make(&doctors, id, 0).await;
            }
            let start = Arc::new(Barrier::new(CALLERS));
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let (store, doctors, start) = (store.clone(), doctors.clone(), start.clone());
                    let (own, other) = (pair[caller % 2].clone(), pair[(caller + 1) % 2].clone());
                    tokio::spawn(async move {
                        start.wait().await;
                        // Whoever leaves names the version at which the other stayed.
                        let stays = doctors.get(&other).await.expect("read").expect("there");
                        if stays.get("on") != json!(true) {
                            return false;
                        }
                        let check = Step {
                            table: doctors.clone(),
                            action: Action::Check(other),
                            version: Some(stays.version()),
                        };
                        let leave = Step {
                            table: doctors.clone(),
                            action: Action::Update(own, json!({"on": false})),
                            version: Some(1),
                        };
                        let left = store
                            .steps(&[check, leave], Protected::Refuse, TransactionOptions::default())
                            .await;
                        assert!(
                            left.as_ref().err().is_none_or(is_conflict),
                            "{:?}",
                            left.map(|done| done.revision)
                        );
                        left.is_ok()
                    })
                })
                .collect();
            let mut left = 0;
            for caller in callers {
                left += u32::from(caller.await.expect("it runs"));
            }
            assert_eq!(left, 1, "round {round}: one leaves");
            let on = doctors.filter(json!({"id": {"$in": pair}, "on": true})).await;
            assert_eq!(on.expect("read").len(), 1, "round {round}: and one stays");
        }
    });
}

#[test]
fn row_3_a_filter_that_was_read_is_read_again_by_the_commit() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        assert_eq!(inside.count(&Query::new()).await.expect("counted"), 1);
        make(&items, "b", 1).await;
        inside.insert(json!({"id": "sum", "n": 1})).await.expect("kept");
        let refused = tx.commit().await.expect_err("overtaken");
        let expected = "Transaction conflict in table \"items\": Records changed after they were read";
        assert_eq!(refused.to_string(), expected);
        // Another table may change.
        let others = table(&store, "others").await;
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        assert_eq!(inside.all().await.expect("read").len(), 2);
        make(&others, "x", 1).await;
        inside.update("a", json!({"n": 2})).await.expect("kept");
        tx.commit().await.expect("nothing it read has changed");
    });
}

#[test]
fn row_4_a_transfer_over_two_tables_is_never_seen_half_done() {
    const SUM: i64 = 1_000;
    // There must be something to tear.
    const TRANSFERS: u64 = 50;
    on_every_backend(|store| async move {
        let (left, right) = (table(&store, "left").await, table(&store, "right").await);
        make(&left, "a", SUM).await;
        make(&right, "b", 0).await;
        let reads_each = match store.backend().name() {
            "memory" => 6_000,
            _ => 400,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let moved = Arc::new(AtomicU64::new(0));
        let writer = {
            let (store, stop, moved) = (store.clone(), stop.clone(), moved.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let done = store.transaction(async |tx| {
                        let (a, b) = (n_in(&tx, "left", "a").await?, n_in(&tx, "right", "b").await?);
                        let step = if a > SUM / 2 { 7 } else { -3 };
                        tx.table("left")?.update("a", json!({"n": a - step})).await?;
                        tx.table("right")?.update("b", json!({"n": b + step})).await
                    });
                    done.await.expect("moved");
                    moved.fetch_add(1, Ordering::Relaxed);
                    // Readers get their turn: whoever reads must come between two transfers.
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            })
        };
        let readers: Vec<_> = (0..4)
            .map(|reader| {
                let (store, moved) = (store.clone(), moved.clone());
                tokio::spawn(async move {
                    let mut reads = 0;
                    while reads < reads_each || moved.load(Ordering::Relaxed) < TRANSFERS {
                        reads += 1;
                        let sum = store.transaction(async |tx| match reader % 2 {
                            0 => Ok(n_in(&tx, "left", "a").await? + n_in(&tx, "right", "b").await?),
                            _ => {
                                let left = tx.table("left")?.all().await?;
                                let right = tx.table("right")?.all().await?;
                                let numbers = left.iter().chain(&right);
                                Ok(numbers.filter_map(|record| record.get("n").as_i64()).sum())
                            }
                        });
                        assert_eq!(sum.await.expect("read"), SUM);
                        // Reads of memory never wait, so they would leave no processor to the writer.
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for reader in readers {
            reader.await.expect("it reads");
        }
        stop.store(true, Ordering::Relaxed);
        writer.await.expect("it moves");
    });
}

#[test]
fn a_transaction_that_writers_would_always_overtake_gets_its_turn() {
    on_every_backend(|store| async move {
        let (left, right) = (table(&store, "left").await, table(&store, "right").await);
        make(&left, "a", 0).await;
        make(&right, "b", 0).await;
        let stop = Arc::new(AtomicBool::new(false));
        let writer = tokio::spawn({
            let (left, stop) = (left.clone(), stop.clone());
            async move {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    left.update("a", json!({"n": n})).await.expect("written");
                    tokio::time::sleep(std::time::Duration::from_micros(100)).await;
                }
                n
            }
        });
        for _ in 0..3 {
            let read = store.transaction(async |tx| {
                let a = n_in(&tx, "left", "a").await?;
                // Far longer than the writer takes for its next.
                tokio::time::sleep(std::time::Duration::from_millis(60)).await;
                tx.table("right")?.update("b", json!({"n": a})).await?;
                Ok(a)
            });
            let read = read.await.expect("it has its turn");
            assert_eq!(n(&right, "b").await, read);
        }
        stop.store(true, Ordering::Relaxed);
        let written = writer.await.expect("it writes");
        assert!(written > 30, "the writer went on: {written}");
    });
}

#[test]
fn a_conflict_that_stays_is_told_after_the_last_attempt() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let runs = AtomicU64::new(0);
        let options = TransactionOptions {
            attempts: 3,
            ..TransactionOptions::default()
        };
        let refused = store
            .transaction_with(options, async |tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                let now = n_in(&tx, "items", "a").await?;
                // Somebody else is always faster.
                items.update("a", json!({"n": now + 1})).await?;
                tx.table("items")?.update("a", json!({"n": 0})).await
            })
            .await
            .expect_err("overtaken each time");
        assert!(is_conflict(&refused), "{refused}");
        assert!(refused.hint().is_some());
        assert_eq!(runs.load(Ordering::Relaxed), 3);
        assert_eq!(n(&items, "a").await, 4);
    });
}
