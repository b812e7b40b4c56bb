//! A Redis that is killed, stands still, comes back, or holds nonsense: reads go on, right and soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use chancery_model::{Table, Value};
use chancery_storage::{Backend, Document, DocumentWrite, RedisState};
use serde_json::json;

use crate::server::Server;
use crate::throwaway::Throwaway;
use crate::{batch, count, counters, counts, create, get, open, set, shared, until, write};

/// How long a read may be kept waiting by a server that stands still, and the rest of it: the shared level is given 25 ms;
/// the machine that tests may be busy.
const READ_WITHIN: Duration = Duration::from_millis(500);

/// Writes and reads until it is told to stop; every answer must be right.
async fn work(stores: [Arc<dyn Backend>; 2], table: Arc<Table>, stop: Arc<AtomicBool>) -> i64 {
    let mut round = 0;
    while !stop.load(Ordering::SeqCst) {
        let (writer, reader) = (&stores[round as usize % 2], &stores[(round as usize + 1) % 2]);
        let old = get(&**writer, &table, 0).await.expect("it is there");
        assert_eq!(count(&old), round);
        round += 1;
        write(&**writer, vec![set(&table, &old, round)]).await;
        for store in [reader, writer, reader] {
            assert_eq!(counts(&**store, &table).await, [round]);
        }
    }
    round
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_and_comes_back_changes_no_answer() {
    let (database, mut server) = (Throwaway::create().await, Server::start());
    let stores = [
        open(&database.url, Some(&server.url())).await,
        open(&database.url, Some(&server.url())).await,
    ];
    let table = counters(1);
    create(&*stores[0], &table, 0..1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn(work(stores.clone(), table, stop.clone()));
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.kill();
        for store in &stores {
            until(&**store, RedisState::Down).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.again();
        for store in &stores {
            until(&**store, RedisState::Up).await;
        }
    }
    let before = stores.each_ref().map(|store| shared(&**store));
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::SeqCst);
    assert!(working.await.expect("no answer is wrong") > 10);
    let after = stores.each_ref().map(|store| shared(&**store));
    for (before, after) in before.iter().zip(&after) {
        assert!(
            after.hits + after.misses > before.hits + before.misses,
            "it is asked again"
        );
        assert!(after.errors > 0);
    }
    for store in stores {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_keeps_no_read_waiting() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let store = open(&database.url, Some(&server.url())).await;
    let table = counters(1);
    create(&*store, &table, 0..1).await;
    assert_eq!(counts(&*store, &table).await, [0]);
    server.freeze();
    for round in 0..50 {
        let old = get(&*store, &table, 0).await.expect("it is there");
        write(&*store, vec![set(&table, &old, round)]).await;
        let start = Instant::now();
        assert_eq!(counts(&*store, &table).await, [round]);
        assert!(start.elapsed() < READ_WITHIN, "{:?}", start.elapsed());
    }
    let status = shared(&*store);
    assert_eq!(status.state, RedisState::Down);
    assert!(
        status.errors < 50,
        "it is left alone after it failed: {} errors",
        status.errors
    );
    server.thaw();
    until(&*store, RedisState::Up).await;
    assert_eq!(counts(&*store, &table).await, [49]);
    store.close().await.expect("it closes");
    database.remove().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_error_and_is_found_when_it_comes() {
    let (database, mut server) = (Throwaway::create().await, Server::start());
    server.kill();
    let store = open(&database.url, Some(&server.url())).await;
    let table = counters(1);
    create(&*store, &table, 0..2).await;
    assert_eq!(counts(&*store, &table).await, [0, 0]);
    assert_eq!(shared(&*store).state, RedisState::Down);
    server.again();
    until(&*store, RedisState::Up).await;
    write(
        &*store,
        vec![set(&table, &get(&*store, &table, 0).await.expect("it"), 1)],
    )
    .await;
    assert_eq!(counts(&*store, &table).await, [1, 0]);
    server.holds(1).await;
    store.close().await.expect("it closes");
    database.remove().await;
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_left_out() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let store = open(&database.url, Some(&server.url_with_tls())).await;
    let table = counters(1);
    create(&*store, &table, 0..1).await;
    assert_eq!(counts(&*store, &table).await, [0]);
    assert_eq!(shared(&*store).state, RedisState::Down);
    store.close().await.expect("it closes");
    database.remove().await;
}

#[tokio::test]
async fn nonsense_is_no_answer() {
    type Spoil = fn(&[u8]) -> Vec<u8>;
    let spoils: [(&str, Spoil); 6] = [
        ("nothing", |_| Vec::new()),
        ("noise", |_| b"\x01\x02\x03\x04\x05 noise \xff".to_vec()),
        ("half", |old| old[..old.len() / 2].to_vec()),
        ("one bit", |old| {
            let mut new = old.to_vec();
            let last = new.len() - 1;
            new[last] ^= 1;
            new
        }),
        ("another format", |old| {
            let mut new = old.to_vec();
            new[0] += 1;
            new
        }),
        ("much", |_| vec![7; 4 << 20]),
    ];
    let (database, server) = (Throwaway::create().await, Server::start());
    let table = counters(1);
    let first = open(&database.url, Some(&server.url())).await;
    create(&*first, &table, 0..3).await;
    for (what, spoil) in spoils {
        assert_eq!(counts(&*first, &table).await, [0, 0, 0]);
        server.holds(1).await;
        server.replace(spoil).await;
        // A process that holds nothing itself has to ask there.
        let store = open(&database.url, Some(&server.url())).await;
        assert_eq!(counts(&*store, &table).await, [0, 0, 0], "{what}");
        assert_eq!(shared(&*store).hits, 0, "{what}");
        assert_eq!(shared(&*store).misses, 1, "{what}");
        store.close().await.expect("it closes");
    }
    // Something that is no value at all.
    let mut client = server.client().await;
    for name in server.names().await {
        redis::pipe()
            .del(&name)
            .lpush(&name, "x")
            .exec_async(&mut client)
            .await
            .expect("it is replaced");
    }
    let store = open(&database.url, Some(&server.url())).await;
    assert_eq!(counts(&*store, &table).await, [0, 0, 0]);
    assert_eq!(
        shared(&*store).state,
        RedisState::Up,
        "one name is no reason to leave it"
    );
    for store in [first, store] {
        store.close().await.expect("it closes");
    }
    database.remove().await;
}

#[tokio::test]
async fn documents_are_never_there() {
    let (database, server) = (Throwaway::create().await, Server::start());
    let store = open(&database.url, Some(&server.url())).await;
    let table = counters(1);
    create(&*store, &table, 0..1).await;
    let document = Document {
        kind: "apiKey".into(),
        id: "1".into(),
        lookup: Some("fingerprint".into()),
        body: json!({"hash": "topsecret"}),
        version: 0,
    };
    let put = chancery_storage::Batch {
        documents: vec![DocumentWrite::Put {
            document,
            expected: None,
        }],
        ..batch(Vec::new())
    };
    store.commit(put).await.expect("it is kept");
    for _ in 0..3 {
        let query = chancery_storage::DocumentQuery::Kind("apiKey".into());
        let found = store.documents(query).await.expect("documents");
        assert_eq!(found[0].body["hash"], json!("topsecret"));
        assert_eq!(counts(&*store, &table).await, [0]);
    }
    server.holds(1).await;
    let mut client = server.client().await;
    for name in server.names().await {
        let value: Vec<u8> = redis::cmd("GET")
            .arg(&name)
            .query_async(&mut client)
            .await
            .expect("a value");
        let life: i64 = redis::cmd("TTL")
            .arg(&name)
            .query_async(&mut client)
            .await
            .expect("how long it lives");
        assert!(life > 0 && life <= 3_600, "everything ends some day");
        let all = [name, value].concat();
        let all = String::from_utf8_lossy(&all);
        assert!(
            !all.contains("topsecret") && !all.contains("fingerprint"),
            "{all}"
        );
    }
    let record = get(&*store, &table, 0).await.expect("it is there");
    assert_eq!(record.value(0), &Value::Int(0));
    store.close().await.expect("it closes");
    database.remove().await;
}
