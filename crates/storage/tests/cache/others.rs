//! Two stores on one PostgreSQL and one Redis, as two processes are: what one writes, the very next read of the other
//! sees, and what one has answered, the other need not ask for.

use std::sync::Arc;

use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Plan, Scope, SortKey, Window};
use chancery_model::{Record, Table, Value};
use chancery_storage::{Backend, CountMode, SchemaWrite, Write};

use crate::server::Server;
use crate::sql::sql;
use crate::throwaway::Throwaway;
use crate::{
    NOW, column, count, counter, counters, counts, create, get, insert, open, set, shared, status, write,
};

/// Rounds of writing here and reading there.
const ROUNDS: i64 = 10_000;
/// Tables on which they run side by side.
const LANES: i64 = 8;

/// Writes with one store and reads with the other, in turn.
async fn rounds(stores: [Arc<dyn Backend>; 2], table: Arc<Table>) {
    for round in 0..ROUNDS / LANES {
        let (writer, reader) = match round % 2 {
            0 => (&stores[0], &stores[1]),
            _ => (&stores[1], &stores[0]),
        };
        let old = get(&**writer, &table, 0).await.expect("it is there");
        assert_eq!(count(&old), round);
        write(&**writer, vec![set(&table, &old, round + 1)]).await;
        assert_eq!(counts(&**reader, &table).await, [round + 1], "the very next read");
        assert_eq!(counts(&**writer, &table).await, [round + 1]);
        assert_eq!(
            counts(&**reader, &table).await,
            [round + 1],
            "and the one after it"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_next_read_of_another_process_sees_a_write() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let stores = [
        open(&database.url, Some(&server.url())).await,
        open(&database.url, Some(&server.url())).await,
    ];
    let mut lanes = Vec::new();
    for lane in 0..LANES {
        let table = counters(lane as u32 + 1);
        create(&*stores[0], &table, 0..1).await;
        lanes.push(tokio::spawn(rounds(stores.clone(), table)));
    }
    for lane in lanes {
        lane.await.expect("no lane fails");
    }
    let (first, second) = (status(&*stores[0]), status(&*stores[1]));
    assert!(first.hits > 1_000 && second.hits > 1_000, "{first:?} {second:?}");
    let redis = [shared(&*stores[0]), shared(&*stores[1])];
    assert!(redis.iter().any(|redis| redis.hits > 0), "{redis:?}");
    for store in stores {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test]
async fn what_one_has_answered_the_other_finds() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let one = open(&database.url, Some(&server.url())).await;
    let table = counters(1);
    create(&*one, &table, 0..100).await;
    assert_eq!(counts(&*one, &table).await.len(), 100);
    server.holds(1).await;
    let other = open(&database.url, Some(&server.url())).await;
    assert_eq!(counts(&*other, &table).await.len(), 100);
    assert_eq!(shared(&*other).hits, 1);
    assert_eq!(counts(&*other, &table).await.len(), 100);
    assert_eq!((status(&*other).hits, shared(&*other).hits), (1, 1));
    for store in [one, other] {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test]
async fn two_databases_never_meet_in_one_redis() {
    let server = Server::start();
    let databases = [Throwaway::create().await, Throwaway::create().await];
    for (at, database) in (1..).zip(&databases) {
        let store = open(&database.url, Some(&server.url())).await;
        let table = counters(1);
        create(&*store, &table, 0..at).await;
        assert_eq!(counts(&*store, &table).await.len(), at as usize);
        assert_eq!(shared(&*store).hits, 0);
        server.holds(at as usize).await;
        store.close().await.expect("it closes");
    }
    let prefixes: std::collections::HashSet<Vec<u8>> = server
        .names()
        .await
        .into_iter()
        .map(|name| name.split(|byte| *byte == b':').nth(2).expect("an id").to_vec())
        .collect();
    assert_eq!(prefixes.len(), 2);
    for database in databases {
        database.remove().await;
    }
}

#[tokio::test]
async fn a_definition_that_another_process_changed_is_another_question() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let one = open(&database.url, Some(&server.url())).await;
    let other = open(&database.url, Some(&server.url())).await;
    let before = counters(1);
    create(&*one, &before, 0..1).await;
    for store in [&one, &other] {
        assert_eq!(counts(&**store, &before).await, [0]);
    }
    let mut after = Table {
        schema_version: 2,
        ..(*before).clone()
    };
    after.columns.push(column(1));
    after.refresh();
    let after = Arc::new(after);
    let change = Write::Schema(SchemaWrite::Change {
        before: before.clone(),
        after: after.clone(),
    });
    write(&*one, vec![change]).await;
    let full = Record {
        values: vec![Value::Int(1), Value::Int(2)].into(),
        ..counter(1, 0)
    };
    write(&*one, vec![insert(&after, full)]).await;
    for store in [&other, &one, &other] {
        assert_eq!(counts(&**store, &before).await, [0, 1]);
        let records = store
            .query(&Plan::all(after.clone(), NOW))
            .await
            .expect("an answer");
        assert_eq!(records[1].value(1), &Value::Int(2));
    }
    write(&*one, vec![Write::Schema(SchemaWrite::Drop(after.clone()))]).await;
    assert_eq!(counts(&*other, &after).await, [] as [i64; 0]);
    // The same number and version again, and nothing of what was there before.
    create(&*one, &before, 0..3).await;
    assert_eq!(counts(&*other, &before).await, [0, 0, 0]);
    for store in [one, other] {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test]
async fn a_restored_database_finds_nothing_of_the_one_it_was_restored_from() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let table = counters(1);
    let store = open(&database.url, Some(&server.url())).await;
    create(&*store, &table, 0..1).await;
    store.close().await.expect("it closes");
    let copies = [copy(&database.url, "one").await, copy(&database.url, "two").await];
    // Both copies have the same past, and write a future of their own under the same revisions.
    for (at, copy) in (1..).zip(&copies) {
        let store = open(copy, Some(&server.url())).await;
        let old = get(&*store, &table, 0).await.expect("it is there");
        write(&*store, vec![set(&table, &old, at)]).await;
        assert_eq!(counts(&*store, &table).await, [at]);
        server.holds(at as usize).await;
        store.close().await.expect("it closes");
    }
    for copy in copies {
        sql(
            &database.url,
            &format!("DROP DATABASE {} WITH (FORCE)", name(&copy)),
        )
        .await;
    }
    database.remove().await;
}

/// The name of a database in its URL.
fn name(url: &str) -> &str {
    url.rsplit_once('/').map_or(url, |(_, name)| name)
}

/// Makes a copy of a database, as a backup restored beside it is, and answers its URL.
async fn copy(url: &str, suffix: &str) -> String {
    let (server, name) = url.rsplit_once('/').expect("a URL");
    let copy = format!("{name}_{suffix}");
    let make = format!("CREATE DATABASE {copy} TEMPLATE {name}");
    sql(&format!("{server}/postgres"), &make).await;
    format!("{server}/{copy}")
}

#[tokio::test]
async fn expiry_ends_an_answer_on_every_level() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let one = open(&database.url, Some(&server.url())).await;
    let table = counters(1);
    create(&*one, &table, 0..2).await;
    let short = Record {
        expires_at: Some(NOW + 100),
        ..counter(2, 0)
    };
    write(&*one, vec![insert(&table, short)]).await;
    let at = async |store: &dyn Backend, after: i64| {
        let plan = Plan::all(table.clone(), NOW + after);
        store.count(&plan, CountMode::Exact).await.expect("a count")
    };
    assert_eq!(at(&*one, 0).await, 3);
    server.holds(1).await;
    let other = open(&database.url, Some(&server.url())).await;
    assert_eq!(at(&*other, 99).await, 3);
    assert_eq!(shared(&*other).hits, 1);
    assert_eq!(at(&*other, 100).await, 2);
    assert_eq!(at(&*one, 100).await, 2);
    assert_eq!(at(&*one, 99).await, 3, "a clock that is behind");
    for store in [one, other] {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test]
async fn the_next_expiry_is_found_without_looking_at_every_record() {
    let (database, folder) = (
        Throwaway::create().await,
        tempfile::tempdir().expect("a temporary folder"),
    );
    let file = format!("sqlite:{}", folder.path().join("store.db").display());
    for url in [&file, &database.url] {
        let (store, table) = (open(url, None).await, counters(1));
        create(&*store, &table, 0..5_000).await;
        if url == &database.url {
            sql(url, "ANALYZE").await;
        }
        let next = Plan {
            filter: Filter::Field(FieldRef::ExpiresAt, Test::Gt(Value::Int(NOW))),
            scope: Scope::All,
            sort: vec![SortKey {
                field: FieldRef::ExpiresAt,
                descending: false,
                nulls_first: false,
            }],
            window: Window::Offset { offset: 0, limit: 1 },
            ..Plan::all(table.clone(), NOW)
        };
        let lines = store.explain(&next).await.expect("a plan").join("\n");
        assert!(
            lines.contains("expires") && lines.to_lowercase().contains("index"),
            "{lines}"
        );
        assert!(!lines.contains("SCAN") && !lines.contains("Seq Scan"), "{lines}");
        store.close().await.expect("it closes");
    }
    database.remove().await;
}
