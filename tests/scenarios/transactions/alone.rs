//! What one transaction sees and leaves when nobody else is there.

use chancery::{
    ChangeKind, ColumnInput, Error, Generated, Operator, Query, TableInput, TransactionOptions, json,
};
use chancery_scenarios::on_every_backend;

use super::{changes, ids, make, n, n_in, table};

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
        tx.commit()
            .await
            .expect("there is nothing to write, and what it read is so");
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
fn a_commit_inside_the_work_is_the_commit() {
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        make(&items, "a", 1).await;
        let before = store.revision().await.expect("a revision");
        let done = store
            .transaction_with(TransactionOptions::default(), async |tx| {
                let items = tx.table("items")?;
                items.update("a", json!({"n": 2})).await?;
                let revision = tx.clone().commit().await?;
                let late = items.update("a", json!({"n": 3})).await;
                assert!(matches!(late, Err(Error::TransactionEnded)));
                Ok(revision)
            })
            .await
            .expect("what is written is not answered with an error");
        assert_eq!((done.value, done.revision), (before + 1, before + 1));
        assert_eq!(n(&items, "a").await, 2);
        // The same for who ends it: it is committed once.
        let tx = store.begin();
        tx.on(&items).update("a", json!({"n": 4})).await.expect("kept");
        let revision = tx.clone().commit().await.expect("committed");
        assert_eq!(tx.commit().await.expect("committed already"), revision);
        assert_eq!(store.revision().await.expect("a revision"), revision);
        // One whose commit was refused inside is not taken for done.
        let refused = store
            .transaction(async |tx| {
                let inside = tx.table("items")?;
                inside.update("a", json!({"n": 5})).await?;
                items.update("a", json!({"n": 6})).await?;
                tx.clone().commit().await.expect_err("overtaken");
                Ok(())
            })
            .await;
        assert!(matches!(refused, Err(Error::TransactionEnded)), "{refused:?}");
        assert_eq!(n(&items, "a").await, 6);
    });
}

#[test]
fn an_upsert_finds_its_record_where_the_key_is_no_column() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Books").column(ColumnInput::new("title", "text"));
        let books = store.create_table(input).await.expect("defined");
        let there = books
            .insert(json!({"title": "old"}))
            .await
            .expect("inserted")
            .id();
        let fresh = "0190a2b4-7c1e-7d3a-8f00-000000000001";
        store
            .transaction(async |tx| {
                let books = tx.table("books")?;
                books.upsert(json!({"id": there, "title": "new"})).await?;
                let made = books.upsert(json!({"id": fresh, "title": "made"})).await?;
                assert_eq!(made.id(), fresh);
                books.upsert(json!({"id": fresh, "title": "made twice"})).await?;
                books.upsert(json!({"title": "nameless"})).await?;
                let wrong = books.upsert(json!({"id": 7, "title": "wrong"})).await;
                assert!(matches!(wrong, Err(Error::Invalid { .. })), "{wrong:?}");
                Ok(())
            })
            .await
            .expect("committed");
        let title = async |id: &str| books.get(id).await.expect("read").expect("there").get("title");
        assert_eq!(title(&there).await, json!("new"));
        assert_eq!(title(fresh).await, json!("made twice"));
        assert_eq!(books.count(&Query::new()).await.expect("counted"), 3);

        let input = TableInput {
            strict: false,
            ..TableInput::new("Open").column(ColumnInput::new("title", "text"))
        };
        let open = store.create_table(input).await.expect("defined");
        let made = store
            .transaction(async |tx| tx.on(&open).upsert(json!({"id": fresh, "loose": "t"})).await)
            .await
            .expect("committed");
        assert_eq!((made.id(), made.get("loose")), (fresh.to_owned(), json!("t")));
        let stored = open.get(fresh).await.expect("read").expect("there");
        assert!(!stored.data().contains_key("id"));
    });
}

#[test]
fn a_record_written_twice_counts_once() {
    const RECORDS: usize = 6_000;
    on_every_backend(|store| async move {
        let items = table(&store, "items").await;
        let rows = (0..RECORDS).map(|n| json!({"id": format!("i{n}")}));
        items.insert_many(rows.collect()).await.expect("inserted");
        let tx = store.begin();
        let inside = tx.on(&items);
        for n in [1, 2] {
            let changed = inside.update_many(json!({"on": true}), json!({"n": n})).await;
            assert_eq!(changed.expect("the same records"), RECORDS as u64);
        }
        let more = |count: usize| (0..count).map(|n| json!({"id": format!("j{n}")})).collect();
        let limit = chancery::limits::TRANSACTION_WRITES_MAX;
        let refused = inside.insert_many(more(limit - RECORDS + 1)).await;
        assert!(
            matches!(refused, Err(Error::Limit { got, .. }) if got == limit as u64 + 1),
            "{:?}",
            refused.map(|made| made.len())
        );
        inside
            .insert_many(more(limit - RECORDS))
            .await
            .expect("as many as fit");
        inside
            .update("i0", json!({"n": 3}))
            .await
            .expect("it is among them");
        let found = inside.find_one(json!({"n": 3})).await.expect("read");
        assert_eq!(found.expect("found").id(), "i0");
        tx.rollback();
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
