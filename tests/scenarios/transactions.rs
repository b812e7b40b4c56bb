//! Transactions on every backend: what they see, what they leave, and what others cannot do to them. Row numbers are those of
//! the faults that the store which Chancery replaces had; rules of buckets inside transactions are tested with the buckets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use chancery::{
    ChangeKind, ColumnInput, Error, Generated, Operator, Query, Store, TableHandle, TableInput, Transaction,
    TransactionOptions, json,
};
use chancery_scenarios::on_every_backend;
use tokio::sync::Barrier;

/// A table by a text key, whose records go for good when they are deleted.
async fn table(store: &Store, name: &str) -> TableHandle {
    let definition = json!({
        "key": "id",
        "schema": {
            "id": {"type": "string", "required": true},
            "n": {"type": "number", "default": 0},
            "code": {"type": "string", "unique": true},
            "on": {"type": "boolean", "default": true},
        },
        "indexes": ["n"],
    });
    store.define_bucket(name, &definition).await.expect("defined")
}

async fn make(table: &TableHandle, id: &str, n: i64) {
    table.insert(json!({"id": id, "n": n})).await.expect("inserted");
}

async fn n(table: &TableHandle, id: &str) -> i64 {
    let record = table.get(id).await.expect("read").expect("there");
    record.get("n").as_i64().expect("a number")
}

/// The same inside a transaction.
async fn n_in(tx: &Transaction, table: &str, id: &str) -> Result<i64, Error> {
    let record = tx.table(table)?.get(id).await?;
    Ok(record
        .and_then(|record| record.get("n").as_i64())
        .unwrap_or_default())
}

fn ids(records: &[chancery::Record]) -> Vec<String> {
    records.iter().map(chancery::Record::id).collect()
}

/// How many changes the log has.
async fn changes(store: &Store) -> usize {
    store.changes(0, 100_000).await.expect("read").len()
}

fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::TransactionConflict { .. })
}

#[test]
fn a_transaction_reads_its_own_writes_and_nobody_else_does() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        for (id, n) in [("a", 1), ("b", 2), ("d", 4)] {
            make(&items, id, n).await;
        }
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        inside.insert(json!({"id": "c", "n": 3})).await.expect("inserted");
        inside.update("b", json!({"n": 20})).await.expect("updated");
        assert!(inside.delete("a").await.expect("deleted"));
        assert!(!inside.delete("a").await.expect("gone already"));
        assert!(inside.get("a").await.expect("read").is_none());
        assert_eq!(ids(&inside.all().await.expect("read")), ["b", "c", "d"]);
        assert_eq!(ids(&inside.first(2).await.expect("read")), ["b", "c"]);
        assert_eq!(ids(&inside.last(2).await.expect("read")), ["c", "d"]);
        let big = inside.filter(json!({"n": {"$gte": 4}})).await.expect("read");
        assert_eq!(ids(&big), ["b", "d"]);
        let one = inside.find_one(json!({"n": 3})).await.expect("read");
        assert_eq!(one.expect("found").id(), "c");
        assert!(inside.find_one(json!({"n": 2})).await.expect("read").is_none());
        let small = Query::new().filter("n", Operator::Lt, 4);
        assert_eq!(inside.count(&small).await.expect("counted"), 1);
        assert_eq!(inside.count(&Query::new()).await.expect("counted"), 3);

        assert_eq!(ids(&items.all().await.expect("read")), ["a", "b", "d"]);
        assert_eq!(n(&items, "b").await, 2);
        let before = store.revision().await.expect("a revision");
        let revision = tx.commit().await.expect("committed");
        assert_eq!(revision, before + 1, "one commit");
        assert_eq!(ids(&items.all().await.expect("read")), ["b", "c", "d"]);
        assert_eq!(n(&items, "b").await, 20);
        let log = store.changes(0, 100).await.expect("read");
        let own = log.iter().filter(|change| change.revision == revision);
        let mut kinds: Vec<ChangeKind> = own.map(|change| change.kind).collect();
        kinds.sort_by_key(|kind| kind.number());
        assert_eq!(
            kinds,
            [ChangeKind::Inserted, ChangeKind::Updated, ChangeKind::Purged]
        );
    });
}

#[test]
fn an_error_and_a_rollback_discard_everything() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let before = changes(&store).await;
        let refused = store
            .transaction(async |tx| {
                let items = tx.table("items")?;
                items.update("a", json!({"n": 2})).await?;
                items.insert(json!({"id": "b"})).await?;
                items.update("nobody", json!({"n": 2})).await
            })
            .await;
        assert!(matches!(refused, Err(Error::NotFound { what: "record", .. })));
        let answered = store
            .transaction(async |tx| {
                tx.table("items")?.delete("a").await?;
                tx.rollback();
                Ok("an answer")
            })
            .await;
        assert_eq!(answered.expect("answered"), "an answer");
        let tx = store.begin();
        let inside = tx.table("items").expect("there");
        inside.delete("a").await.expect("deleted");
        tx.rollback();
        let late = inside.insert(json!({"id": "late"})).await;
        assert!(matches!(late, Err(Error::TransactionEnded)));
        assert!(matches!(tx.commit().await, Ok(_) | Err(Error::TransactionEnded)));
        let trial = TransactionOptions {
            dry_run: true,
            ..TransactionOptions::default()
        };
        let tried = store
            .transaction_with(trial, async |tx| {
                tx.table("items")?.update("a", json!({"n": 9})).await
            })
            .await;
        assert_eq!(tried.expect("tried").value.get("n"), json!(9));
        assert_eq!(n(&items, "a").await, 1);
        assert_eq!(changes(&store).await, before);
    });
}

#[test]
fn values_are_checked_at_the_call_and_only_what_is_bad_is_named() {
    on_every_backend(|store| async move {
        let input = TableInput::new("People")
            .column(ColumnInput::new("name", "text").required())
            .column(ColumnInput::new("age", "number").range(0, 150));
        let people = store.create_table(input).await.expect("defined");
        let tx = store.begin();
        let inside = tx.on(&people);
        let refused = inside.insert(json!({"age": 200})).await.expect_err("bad");
        assert_eq!(refused.issues().len(), 2, "{refused}");
        let many = inside
            .insert_many(vec![
                json!({"name": "Ann"}),
                json!({}),
                json!({"name": "Bob", "age": -1}),
            ])
            .await;
        let Err(Error::Bulk(bad)) = many else {
            panic!("two are bad")
        };
        assert_eq!(bad.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
        let made = inside
            .insert_many(vec![
                json!({"name": "Ann", "age": 1}),
                json!({"name": "Bob", "age": 1}),
            ])
            .await
            .expect("good");
        let grown = inside.update_many(json!({"age": 1}), json!({"age": 2})).await;
        assert_eq!(grown.expect("updated"), 2);
        assert_eq!(
            inside.delete_many(json!({"name": "Bob"})).await.expect("deleted"),
            1
        );
        let gone = inside.get(made[1].key()).await.expect("read");
        assert!(gone.is_none());
        inside.restore(made[1].key()).await.expect("it was in the trash");
        tx.commit().await.expect("committed");
        let all = people.all().await.expect("read");
        let seen: Vec<(chancery::Json, u64)> = all
            .iter()
            .map(|record| (record.get("age"), record.version()))
            .collect();
        assert_eq!(seen, [(json!(2), 2), (json!(2), 4)]);
    });
}

#[test]
fn the_net_effect_is_what_is_written() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        for id in ["twice", "there"] {
            make(&items, id, 1).await;
        }
        let before = changes(&store).await;
        store
            .transaction(async |tx| {
                let items = tx.table("items")?;
                // Nothing at all.
                items.insert(json!({"id": "never"})).await?;
                items.delete("never").await?;
                // One insert.
                items.insert(json!({"id": "new", "n": 1})).await?;
                items.update("new", json!({"n": 2})).await?;
                // One update, two versions later.
                items.update("twice", json!({"n": 2})).await?;
                items.update("twice", json!({"n": 3})).await?;
                items.upsert(json!({"id": "there", "n": 7})).await?;
                items.upsert(json!({"id": "upserted", "n": 8})).await
            })
            .await
            .expect("committed");
        let log = store.changes(before as u64, 100).await.expect("read");
        let mut steps: Vec<(String, ChangeKind)> = log
            .iter()
            .map(|change| (change.key.as_ref().expect("a key").to_string(), change.kind))
            .collect();
        steps.sort_by(|a, b| a.0.cmp(&b.0));
        let expected = [
            ("new", ChangeKind::Inserted),
            ("there", ChangeKind::Updated),
            ("twice", ChangeKind::Updated),
            ("upserted", ChangeKind::Inserted),
        ];
        assert_eq!(steps, expected.map(|(id, kind)| (id.to_owned(), kind)));
        assert_eq!(n(&items, "new").await, 2);
        let twice = items.get("twice").await.expect("read").expect("there");
        assert_eq!((twice.version(), twice.get("n")), (3, json!(3)));
    });
}

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
                let store = store.clone();
                tokio::spawn(async move {
                    for _ in 0..reads_each {
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
                    }
                })
            })
            .collect();
        for reader in readers {
            reader.await.expect("it reads");
        }
        stop.store(true, Ordering::Relaxed);
        writer.await.expect("it moves");
        assert!(moved.load(Ordering::Relaxed) > 5, "there was something to tear");
    });
}

#[test]
fn row_5_update_and_delete_and_insert_of_one_key_do_not_conflict_with_themselves() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        for id in ["gone", "again"] {
            make(&items, id, 1).await;
        }
        let before = store.revision().await.expect("a revision");
        store
            .transaction(async |tx| {
                let items = tx.table("items")?;
                items.update("gone", json!({"n": 2})).await?;
                assert!(items.delete("gone").await?);
                let taken = items.insert(json!({"id": "again"})).await;
                assert!(matches!(taken, Err(Error::KeyTaken { .. })));
                assert!(items.delete("again").await?);
                items.insert(json!({"id": "again", "n": 9})).await
            })
            .await
            .expect("committed");
        assert_eq!(store.revision().await.expect("a revision"), before + 1);
        assert!(items.get("gone").await.expect("read").is_none());
        let again = items.get("again").await.expect("read").expect("there");
        assert_eq!((again.get("n"), again.version()), (json!(9), 1));
        let found = items.find_one(json!({"n": 9})).await.expect("read");
        assert_eq!(found.expect("the index knows it").id(), "again");
    });
}

#[test]
fn row_5_unique_values_are_swapped_and_handed_over() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        for (id, code) in [("a", "one"), ("b", "two"), ("c", "three")] {
            let record = json!({"id": id, "code": code});
            items.insert(record).await.expect("inserted");
        }
        store
            .transaction(async |tx| {
                let items = tx.table("items")?;
                items.update("a", json!({"code": "two"})).await?;
                items.update("b", json!({"code": "one"})).await?;
                // Taken by a new record before the old one lets it go.
                items.insert(json!({"id": "d", "code": "three"})).await?;
                items.delete("c").await
            })
            .await
            .expect("nothing clashes in the end");
        for (id, code) in [("a", "two"), ("b", "one"), ("d", "three")] {
            let record = items.get(id).await.expect("read").expect("there");
            assert_eq!(record.get("code"), json!(code));
            let found = items.find_one(json!({"code": code})).await.expect("read");
            assert_eq!(found.expect("found").id(), id);
        }
        // What clashes in the end is told, and nothing is written.
        let refused = store
            .transaction(async |tx| {
                let items = tx.table("items")?;
                items.update("a", json!({"n": 5})).await?;
                items.insert(json!({"id": "e", "code": "one"})).await
            })
            .await
            .expect_err("taken");
        assert!(
            matches!(&refused, Error::Unique { field, .. } if field == "code"),
            "{refused}"
        );
        assert_eq!(n(&items, "a").await, 0);
    });
}

#[test]
fn row_6_two_transactions_with_numbered_records_do_not_conflict() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Orders")
            .key("number")
            .column(ColumnInput::new("number", "number").generated(Generated::Autoincrement))
            .column(ColumnInput::new("ticket", "autoNumber"));
        let orders = store.create_table(input).await.expect("defined");
        let (one, two) = (store.begin(), store.begin());
        let mut numbers = Vec::new();
        for tx in [&one, &two, &one, &two] {
            let made = tx.on(&orders).insert(json!({})).await.expect("inserted");
            numbers.push(made.id());
            assert_eq!(made.get("ticket"), made.get("number"));
        }
        let three = store.begin();
        let many = three.on(&orders).insert_many(vec![json!({}), json!({})]).await;
        numbers.extend(ids(&many.expect("inserted")));
        for tx in [two, three, one] {
            tx.commit().await.expect("committed");
        }
        let outside = orders.insert(json!({})).await.expect("inserted");
        numbers.push(outside.id());
        assert_eq!(numbers, ["1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(ids(&orders.all().await.expect("read")), numbers);
    });
}

#[test]
fn row_7_records_of_a_transaction_expire_as_others_do() {
    on_every_backend(|store| async move {
        let definition = json!({
            "key": "id",
            "schema": {"id": {"type": "string", "required": true}},
            "ttl": "1h",
        });
        let sessions = store
            .define_bucket("sessions", &definition)
            .await
            .expect("defined");
        store
            .transaction(async |tx| tx.table("sessions")?.insert(json!({"id": "a"})).await)
            .await
            .expect("committed");
        let made = sessions.get("a").await.expect("read").expect("there");
        assert_eq!(made.expires_at(), Some(made.created_at() + 3_600_000));
    });
}

#[test]
fn a_transaction_left_open_harms_nobody() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let open = store.begin();
        let inside = open.table("items").expect("there");
        inside.all().await.expect("read");
        inside.update("a", json!({"n": 2})).await.expect("kept");
        inside.insert(json!({"id": "b"})).await.expect("kept");
        items.update("a", json!({"n": 3})).await.expect("updated");
        make(&items, "b", 3).await;
        assert!(items.delete("a").await.expect("deleted"));
        drop((open, inside));
        assert_eq!(ids(&items.all().await.expect("read")), ["b"]);
    });
}

#[test]
fn work_that_panics_or_is_cancelled_leaves_nothing() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let before = changes(&store).await;
        let panicking = {
            let store = store.clone();
            tokio::spawn(async move {
                let work = store.transaction(async |tx| {
                    tx.table("items")?.update("a", json!({"n": 2})).await?;
                    if n_in(&tx, "items", "a").await? == 2 {
                        std::panic::resume_unwind(Box::new("meant"));
                    }
                    Ok(())
                });
                work.await
            })
        };
        assert!(panicking.await.expect_err("it panics").is_panic());
        let cancelled = store.transaction(async |tx| {
            tx.table("items")?.update("a", json!({"n": 3})).await?;
            std::future::pending::<()>().await;
            Ok(())
        });
        let late = tokio::time::timeout(std::time::Duration::from_millis(20), cancelled).await;
        assert!(late.is_err());
        assert_eq!(n(&items, "a").await, 1);
        assert_eq!(changes(&store).await, before);
        items.update("a", json!({"n": 4})).await.expect("nothing is held");
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
