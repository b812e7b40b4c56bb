//! A store that nobody else writes to: its cache asks nobody, and must know everything itself.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use chancery_model::aggregate::{AggregatePlan, Function, Measure};
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, Value};
use chancery_storage::cache::Cached;
use chancery_storage::{
    Backend, CacheOptions, CountMode, OpenOptions, SchemaWrite, StorageError, Write, sqlite::Sqlite,
};
use tokio::task::unconstrained;

use crate::{
    NOW, batch, column, count, counter, counters, counts, create, get, insert, open, set, status, write,
};

/// Keys that everybody fights for.
const KEYS: i64 = 4;
/// Commits of each writer.
const COMMITS: usize = 400;

fn url(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("store.db").display())
}

/// Commits of a writer that are refused in a row.
const REFUSED_MAX: usize = 5_000;

/// What anybody has seen of each key, or was told that it is written: the number of its newest change.
#[derive(Default)]
struct Seen([AtomicU64; KEYS as usize]);

impl Seen {
    fn of(&self, key: i64) -> u64 {
        self.0[key as usize].load(Ordering::SeqCst)
    }

    fn note(&self, key: i64, record: &Record) {
        self.0[key as usize].fetch_max(record.change, Ordering::SeqCst);
    }

    /// Notes what a read that began when `floor` was seen has found.
    fn check(&self, key: i64, floor: u64, record: &Record, how: &str) {
        assert!(
            record.change >= floor,
            "{how} of key {key} found change {}, though {floor} was seen before it began",
            record.change
        );
        self.note(key, record);
    }
}

/// Writes a pair of keys together, so that both always count the same.
async fn write_pairs(store: Arc<dyn Backend>, table: Arc<Table>, seen: Arc<Seen>, pair: i64) {
    let (mut done, mut refused) = (0, 0);
    while done < COMMITS {
        let (one, other) = (pair * 2, pair * 2 + 1);
        let (Some(first), Some(second)) =
            (get(&*store, &table, one).await, get(&*store, &table, other).await)
        else {
            panic!("nobody removes them");
        };
        let next = count(&first) + 1;
        let writes = vec![set(&table, &first, next), set(&table, &second, next)];
        match store.commit(batch(writes)).await {
            Ok(committed) => {
                for (key, outcome) in [one, other].into_iter().zip(&committed.outcomes) {
                    let chancery_storage::Outcome::Written(record) = outcome else {
                        panic!("{outcome:?}");
                    };
                    seen.note(key, record);
                }
                (done, refused) = (done + 1, 0);
                // A moment in which nothing is written: then the cache has something to say.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Err(StorageError::Rejected(_)) => {
                // Who decides on what is old is refused; who only ever gets what is old, for ever.
                refused += 1;
                assert!(refused < REFUSED_MAX, "nothing but old records is read");
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads in every way until the writers are done.
async fn read(store: Arc<dyn Backend>, table: Arc<Table>, seen: Arc<Seen>, done: Arc<AtomicBool>) {
    let mut turn = 0_i64;
    while !done.load(Ordering::SeqCst) {
        turn += 1;
        let key = turn % KEYS;
        let floor = seen.of(key);
        let found = get(&*store, &table, key).await.expect("it is there");
        seen.check(key, floor, &found, "a get");
        let pair = [key & !1, key | 1];
        let floors = pair.map(|key| seen.of(key));
        let keys = pair.map(Key::Int);
        let found = store.get_many(&table, &keys).await.expect("records");
        let found: Vec<Arc<Record>> = found.into_iter().flatten().collect();
        assert_eq!(count(&found[0]), count(&found[1]), "one snapshot");
        for (at, key) in pair.into_iter().enumerate() {
            seen.check(key, floors[at], &found[at], "a get of many");
        }
        let floors: Vec<u64> = (0..KEYS).map(|key| seen.of(key)).collect();
        let all = store
            .query(&Plan::all(table.clone(), NOW))
            .await
            .expect("an answer");
        for (key, record) in (0..KEYS).zip(&all) {
            seen.check(key, floors[key as usize], record, "a query");
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_read_is_older_than_what_was_seen_before_it_began() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, table) = (open(&url(&folder), None).await, counters(1));
    create(&*store, &table, 0..KEYS).await;
    let (seen, done) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let readers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(read(store.clone(), table.clone(), seen.clone(), done.clone())))
        .collect();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            tokio::spawn(write_pairs(
                store.clone(),
                table.clone(),
                seen.clone(),
                writer % (KEYS / 2),
            ))
        })
        .collect();
    for writer in writers {
        writer.await.expect("no writer fails");
    }
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.expect("no reader fails");
    }
    assert_eq!(
        counts(&*store, &table).await,
        vec![2 * COMMITS as i64; KEYS as usize]
    );
    let status = status(&*store);
    assert!(status.hits > 100, "the cache was used: {status:?}");
    store.close().await.expect("it closes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_caller_went_away_is_never_hidden() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store.db");
    let options = OpenOptions::default();
    let truth: Arc<dyn Backend> = Arc::new(Sqlite::open(&path, options).await.expect("it opens"));
    let holding = CacheOptions {
        worth: Duration::ZERO,
        ..CacheOptions::default()
    };
    let (store, table) = (Cached::alone(truth.clone(), &holding), counters(1));
    create(&store, &table, 0..1).await;
    for round in 0..200 {
        let old = get(&*truth, &table, 0).await.expect("it is there");
        let next = count(&old) + 1;
        // Polled once, it is on its way, whatever the task has used up of its turn; then nobody waits for it any more.
        let mut commit = Box::pin(unconstrained(store.commit(batch(vec![set(&table, &old, next)]))));
        let first = poll_fn(|context| Poll::Ready(commit.as_mut().poll(context).is_ready()));
        let _ = first.await;
        drop(commit);
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            assert!(Instant::now() < deadline, "round {round}: it was never done");
            let floor = get(&*truth, &table, 0).await.expect("it is there").version;
            let found = get(&store, &table, 0).await.expect("it is there");
            let counted = counts(&store, &table).await;
            assert!(found.version >= floor, "round {round}");
            assert!(counted[0] as u64 + 1 >= floor, "round {round}");
            if found.version > old.version {
                break;
            }
        }
    }
    // A commit that is waited for gives the cache back what the others had marked.
    write(&store, vec![insert(&table, counter(1, 7))]).await;
    let before = status(&store).hits;
    for _ in 0..2 {
        get(&store, &table, 0).await.expect("it is there");
    }
    assert!(status(&store).hits > before);
    store.close().await.expect("it closes");
}

#[tokio::test]
async fn an_answer_ends_when_a_record_expires() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, table) = (open(&url(&folder), None).await, counters(1));
    create(&*store, &table, 0..2).await;
    let short = Record {
        expires_at: Some(NOW + 100),
        ..counter(2, 0)
    };
    write(&*store, vec![insert(&table, short)]).await;
    let at = |now: i64| Plan::all(table.clone(), now);
    let how_many = async |now: i64| {
        let count = store.count(&at(now), CountMode::Exact).await.expect("a count");
        assert_eq!(store.query(&at(now)).await.expect("records").len() as u64, count);
        count
    };
    for _ in 0..2 {
        for (after, expected) in [(0, 3), (50, 3), (99, 3), (100, 2), (500, 2), (-1, 3)] {
            assert_eq!(how_many(NOW + after).await, expected, "{after} ms later");
        }
    }
    assert!(status(&*store).hits > 0);
    store.close().await.expect("it closes");
}

#[tokio::test]
async fn a_changed_definition_and_a_cleared_table_let_go_of_everything() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, before) = (open(&url(&folder), None).await, counters(1));
    create(&*store, &before, 0..3).await;
    let mut after = Table {
        schema_version: 2,
        ..(*before).clone()
    };
    after.columns.push(column(1));
    after.refresh();
    let after = Arc::new(after);
    for _ in 0..2 {
        assert_eq!(count(&get(&*store, &before, 1).await.expect("it is there")), 0);
        assert_eq!(counts(&*store, &before).await.len(), 3);
    }
    let change = Write::Schema(SchemaWrite::Change {
        before: before.clone(),
        after: after.clone(),
    });
    write(&*store, vec![change]).await;
    let old = get(&*store, &after, 1).await.expect("it is there");
    let next = Record {
        version: old.version + 1,
        values: vec![Value::Int(5), Value::Int(6)].into(),
        ..(*old).clone()
    };
    let values = vec![(0, Value::Int(0)), (1, Value::Null)];
    let kind = chancery_model::change::ChangeKind::Updated;
    let both = Write::update(&after, &old, next, values, kind);
    write(&*store, vec![both]).await;
    // Whoever still has the older definition must not leave its view of the record to the others.
    for _ in 0..2 {
        assert_eq!(count(&get(&*store, &before, 1).await.expect("it is there")), 5);
        let record = get(&*store, &after, 1).await.expect("it is there");
        assert_eq!(record.value(1), &Value::Int(6));
    }
    write(&*store, vec![Write::Clear { table: after.clone() }]).await;
    assert_eq!(get(&*store, &after, 1).await, None);
    assert_eq!(counts(&*store, &after).await, [] as [i64; 0]);
    store.close().await.expect("it closes");
}

#[tokio::test]
async fn questions_are_held_whole_and_documents_never() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, table) = (open(&url(&folder), None).await, counters(1));
    create(&*store, &table, 0..10).await;
    let figures = |filter: Filter| AggregatePlan {
        over: Plan {
            filter,
            ..Plan::all(table.clone(), NOW)
        },
        measures: vec![Measure {
            function: Function::Sum,
            field: Some(FieldRef::Column(0)),
        }],
        group_by: Vec::new(),
        limit: 1,
    };
    let even = Filter::Field(
        FieldRef::Key,
        Test::In((0..5).map(|key| Value::Int(key * 2)).collect()),
    );
    let sum = async |filter: &Filter| {
        let groups = store.aggregate(&figures(filter.clone())).await.expect("figures");
        groups[0].figures[0].as_int().expect("a sum")
    };
    for turn in 0..3 {
        for (filter, expected) in [(&Filter::All, turn), (&even, turn)] {
            assert_eq!(sum(filter).await, expected);
            assert_eq!(sum(filter).await, expected);
        }
        let old = get(&*store, &table, 4).await.expect("it is there");
        write(&*store, vec![set(&table, &old, turn + 1)]).await;
    }
    let hits = status(&*store).hits;
    assert!(hits >= 6, "{hits}");
    let query = chancery_storage::DocumentQuery::Kind(chancery_storage::DEFINITION_KIND.into());
    for _ in 0..3 {
        assert_eq!(store.documents(query.clone()).await.expect("documents").len(), 1);
    }
    assert_eq!(status(&*store).hits, hits);
    store.close().await.expect("it closes");
}

#[tokio::test]
async fn what_is_closed_answers_nothing_from_memory() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, table) = (open(&url(&folder), None).await, counters(1));
    create(&*store, &table, 0..1).await;
    for _ in 0..2 {
        assert_eq!(counts(&*store, &table).await, [0]);
        assert!(get(&*store, &table, 0).await.is_some());
    }
    store.close().await.expect("it closes");
    let gone = store.get(&table, &Key::Int(0)).await;
    assert!(matches!(gone, Err(StorageError::Closed)), "{gone:?}");
    let gone = store.get_many(&table, &[Key::Int(0)]).await;
    assert!(matches!(gone, Err(StorageError::Closed)), "{gone:?}");
    let gone = store.query(&Plan::all(table.clone(), NOW)).await;
    assert!(matches!(gone, Err(StorageError::Closed)), "{gone:?}");
}

#[tokio::test]
async fn it_holds_no_more_than_it_is_told() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = OpenOptions {
        cache: CacheOptions {
            bytes: 64 * 1024,
            ..CacheOptions::default()
        },
        ..OpenOptions::default()
    };
    let store = chancery_storage::open(&url(&folder), options)
        .await
        .expect("it opens");
    let table = counters(1);
    create(&*store, &table, 0..2_000).await;
    for key in 0..2_000 {
        get(&*store, &table, key).await.expect("it is there");
    }
    let status = status(&*store);
    assert!(status.entries > 0 && status.bytes <= 64 * 1024, "{status:?}");
    store.close().await.expect("it closes");
}

#[tokio::test]
async fn memory_and_a_cache_of_no_size_have_none() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let off = OpenOptions {
        cache: CacheOptions::off(),
        ..OpenOptions::default()
    };
    for url in ["memory:".to_owned(), url(&folder)] {
        let store = chancery_storage::open(&url, off.clone()).await.expect("it opens");
        assert_eq!(store.cache(), None);
        store.close().await.expect("it closes");
    }
    let shared = OpenOptions {
        cache: CacheOptions {
            redis: Some("redis://u:topsecret@127.0.0.1:1/".parse().expect("a URL")),
            ..CacheOptions::default()
        },
        ..OpenOptions::default()
    };
    for url in ["memory:".to_owned(), url(&folder)] {
        match chancery_storage::open(&url, shared.clone()).await {
            Err(StorageError::Url(text)) => assert!(!text.contains("topsecret")),
            other => panic!("{:?}", other.map(|store| store.name())),
        }
    }
}
