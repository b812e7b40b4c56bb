//! Servers that follow another one, one at once and one late: what a read of them shows, and which of them is asked. What
//! happens when they are stopped and killed is checked from outside, by `cargo xtask failover`.

#[path = "../notes/mod.rs"]
mod notes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery_model::aggregate::AggregatePlan;
use chancery_model::change::ChangeKind;
use chancery_model::filter::FieldRef;
use chancery_model::query::Plan;
use chancery_model::{Key, Record, Table, Value};
use chancery_storage::postgres::database;
use chancery_storage::{Backend, Committed, CountMode, OpenOptions, ReadFigures, StorageError, Write};

use notes::{NOW, commit, create, note, notes};

/// Names the servers: the primary, one that follows at once, one that follows late.
const VARIABLE: &str = "CHANCERY_TEST_REPLICAS";
/// How long the one that follows at once may take all the same.
const SOON: Duration = Duration::from_secs(20);
/// How long the late one may take.
const LATE: Duration = Duration::from_secs(40);

/// A database of a test's own on all three servers.
struct Followed {
    server: String,
    name: String,
    primary: String,
    prompt: String,
    late: String,
}

impl Followed {
    /// Makes one. Without servers the test fails: one that passes without having run would hide what it is for.
    async fn create() -> Followed {
        let servers = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!(
                "this test needs PostgreSQL servers that follow one another: run `cargo xtask test`, which starts them, \
                 or set {VARIABLE} to the URLs of superusers of a primary, a replica, and a replica that is 5 s late"
            )
        });
        let servers: Vec<&str> = servers.split_whitespace().collect();
        let [primary, prompt, late] = servers[..] else {
            panic!("{VARIABLE} names three servers");
        };
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let there = |url: &str| format!("{}/{name}", url.rsplit_once('/').expect("a database").0);
        Followed {
            primary: database::create(primary, &name)
                .await
                .expect("a database is made"),
            prompt: there(prompt),
            late: there(late),
            server: primary.to_owned(),
            name,
        }
    }

    /// A store with these replicas, as a process of its own would have it.
    async fn open(&self, replicas: &[&str]) -> Arc<dyn Backend> {
        let options = OpenOptions {
            replicas: replicas.iter().map(|url| (*url).to_owned()).collect(),
            ..OpenOptions::default()
        };
        chancery_storage::open(&self.primary, options)
            .await
            .expect("it opens")
    }

    async fn remove(self) {
        database::remove(&self.server, &self.name)
            .await
            .expect("the database is removed");
    }
}

/// The store for reads that copies may answer.
fn reader(store: &Arc<dyn Backend>, at_least: u64) -> Arc<dyn Backend> {
    store.replicated(at_least).expect("there are replicas")
}

/// Waits until the figures of a store are as a test wants them.
async fn until(store: &Arc<dyn Backend>, patience: Duration, what: &str, is: impl Fn(&ReadFigures) -> bool) {
    let deadline = Instant::now() + patience;
    while !is(&store.read_figures()) {
        assert!(Instant::now() < deadline, "{what}: {:?}", store.read_figures());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn is_in(store: &Arc<dyn Backend>, replica: usize, patience: Duration) {
    until(store, patience, "it is read from", |figures| {
        figures.replicas[replica].out.is_none()
    })
    .await;
}

/// A new state of a note.
fn changed(table: &Arc<Table>, record: &Record, text: &str) -> Write {
    let mut after = record.clone();
    after.version += 1;
    after.values = vec![Value::text(text)].into();
    let before = vec![(0, record.values[0].clone())];
    Write::update(table, record, after, before, ChangeKind::Updated)
}

/// A table with one note.
async fn one_note(store: &Arc<dyn Backend>) -> (Arc<Table>, Arc<Record>) {
    let table = notes();
    commit(store, vec![create(&table), note(&table, 1)])
        .await
        .expect("a table");
    let record = store
        .get(&table, &Key::Int(1))
        .await
        .expect("a read")
        .expect("the note");
    (table, record)
}

/// Changes the note and answers it as it is then, with the revision.
async fn change(store: &Arc<dyn Backend>, table: &Arc<Table>, record: &Record) -> (Arc<Record>, Committed) {
    let text = format!("version {}", record.version + 1);
    let committed = commit(store, vec![changed(table, record, &text)])
        .await
        .expect("a write");
    let record = match committed.outcomes.first() {
        Some(chancery_storage::Outcome::Written(record)) => record.clone(),
        other => panic!("an update answered {other:?}"),
    };
    (record, committed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_reads_show_what_was_written_before_and_most_are_answered_by_the_replica_that_is_not_late()
 {
    let followed = Followed::create().await;
    let store = followed.open(&[&followed.late, &followed.prompt]).await;
    let (table, mut record) = one_note(&store).await;
    is_in(&store, 0, LATE).await;
    is_in(&store, 1, SOON).await;
    let before = store.read_figures();
    let read = reader(&store, 0);
    for _ in 0..1_000 {
        let (now, _) = change(&store, &table, &record).await;
        record = now;
        for _ in 0..10 {
            let shown = read
                .get(&table, &Key::Int(1))
                .await
                .expect("a read")
                .expect("the note");
            assert_eq!(shown.version, record.version);
        }
    }
    let after = store.read_figures();
    let reads = |figures: &ReadFigures, replica: usize| figures.replicas[replica].reads;
    let (late, prompt) = (
        reads(&after, 0) - reads(&before, 0),
        reads(&after, 1) - reads(&before, 1),
    );
    let primary = after.primary - before.primary;
    println!(
        "10,000 reads: {prompt} by the replica, {late} by the one that is 5 s late, {primary} by the primary"
    );
    assert_eq!(late + prompt + primary, 10_000);
    assert!(prompt > 5_000, "{after:?}");
    store.close().await.expect("it closes");
    followed.remove().await;
}

#[tokio::test]
async fn another_process_shows_a_revision_that_it_is_told() {
    let followed = Followed::create().await;
    let here = followed.open(&[&followed.prompt]).await;
    let (table, mut record) = one_note(&here).await;
    let there = followed.open(&[&followed.prompt, &followed.late]).await;
    for _ in 0..300 {
        let (now, committed) = change(&here, &table, &record).await;
        record = now;
        let read = reader(&there, committed.revision);
        let shown = read
            .get(&table, &Key::Int(1))
            .await
            .expect("a read")
            .expect("the note");
        assert_eq!(shown.version, record.version);
    }
    let newest = here.revision().await.expect("a revision");
    let error = reader(&there, newest + 1)
        .get(&table, &Key::Int(1))
        .await
        .expect_err("nobody has it");
    assert!(
        matches!(error, StorageError::Behind { wanted, newest: found } if (wanted, found) == (newest + 1, newest)),
        "{error:?}"
    );
    for store in [here, there] {
        store.close().await.expect("it closes");
    }
    followed.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_process_shows_never_goes_back_while_another_writes() {
    let followed = Followed::create().await;
    let writing = followed.open(&[]).await;
    let (table, record) = one_note(&writing).await;
    let reading = followed.open(&[&followed.prompt, &followed.late]).await;
    is_in(&reading, 0, SOON).await;
    is_in(&reading, 1, LATE).await;
    let writer = tokio::spawn({
        let (writing, table) = (writing.clone(), table.clone());
        async move {
            let mut record = record;
            for _ in 0..1_000 {
                record = change(&writing, &table, &record).await.0;
            }
        }
    });
    let read = reader(&reading, 0);
    let mut newest = 0;
    while !writer.is_finished() {
        let all = read.query(&Plan::all(table.clone(), NOW)).await.expect("a read");
        let one = read
            .get(&table, &Key::Int(1))
            .await
            .expect("a read")
            .expect("the note");
        assert!(
            newest <= all[0].version,
            "{newest} was shown before {}",
            all[0].version
        );
        assert!(
            all[0].version <= one.version,
            "{} was shown before {}",
            all[0].version,
            one.version
        );
        newest = one.version;
        assert!(
            read.revision().await.expect("a revision") >= newest,
            "an answer's revision contains what it shows"
        );
    }
    writer.await.expect("it wrote");
    for store in [writing, reading] {
        store.close().await.expect("it closes");
    }
    followed.remove().await;
}

#[tokio::test]
async fn every_kind_of_read_is_answered_by_a_replica_as_by_the_primary() {
    let followed = Followed::create().await;
    let store = followed.open(&[&followed.prompt]).await;
    let table = notes();
    commit(&store, vec![create(&table)]).await.expect("a table");
    let committed = commit(&store, (1..1_201).map(|key| note(&table, key)).collect())
        .await
        .expect("notes");
    is_in(&store, 0, SOON).await;
    until(&store, SOON, "it has everything", |figures| {
        figures.replicas[0].revision >= committed.revision
    })
    .await;
    let (read, before) = (reader(&store, 0), store.read_figures());
    let plan = Plan::all(table.clone(), NOW);
    let keys = [Key::Int(7), Key::Int(9_999)];
    let note_field = [FieldRef::Column(0)];
    let tuples = [vec![Value::text("note 7")]];
    let figures = AggregatePlan {
        over: plan.clone(),
        group_by: Vec::new(),
        measures: Vec::new(),
        limit: 1,
    };
    for from in [&store, &read] {
        assert!(from.get(&table, &keys[0]).await.expect("a read").is_some());
        let many = from.get_many(&table, &keys).await.expect("a read");
        assert_eq!(
            many.iter().map(Option::is_some).collect::<Vec<_>>(),
            [true, false]
        );
        let found = from.find(&table, &note_field, &tuples, 9).await.expect("a read");
        assert_eq!(found[0][0].key, keys[0]);
        assert_eq!(from.query(&plan).await.expect("a read").len(), 1_200);
        assert_eq!(from.count(&plan, CountMode::Exact).await.expect("a read"), 1_200);
        assert_eq!(from.aggregate(&figures).await.expect("a read").len(), 1);
        assert_eq!(from.stats(&table).await.expect("a read").live, 1_200);
        assert!(!from.explain(&plan).await.expect("a read").is_empty());
        let (mut stream, mut streamed) = (from.stream(&plan).await.expect("a stream"), 0);
        while let Some(chunk) = stream.recv().await {
            streamed += chunk.expect("records").len();
        }
        assert_eq!(streamed, 1_200);
    }
    until(&store, SOON, "the stream is counted", |figures| {
        figures.replicas[0].reads == before.replicas[0].reads + 9
    })
    .await;
    assert_eq!(store.read_figures().primary, before.primary);
    store.close().await.expect("it closes");
    followed.remove().await;
}

#[tokio::test]
async fn a_replica_that_is_too_late_is_taken_out_until_it_has_caught_up() {
    let followed = Followed::create().await;
    let store = followed
        .open(&[&format!("{}?lag_max_ms=1500", followed.late)])
        .await;
    let (table, record) = one_note(&store).await;
    is_in(&store, 0, LATE).await;
    let (record, _) = change(&store, &table, &record).await;
    let is_late = |figures: &ReadFigures| {
        figures.replicas[0]
            .out
            .as_ref()
            .is_some_and(|why| why.contains("behind"))
            && figures.replicas[0].lag_ms > 1_500
    };
    until(&store, SOON, "it is too late", is_late).await;
    let shown = reader(&store, 0)
        .get(&table, &Key::Int(1))
        .await
        .expect("a read")
        .expect("the note");
    assert_eq!(shown.version, record.version);
    is_in(&store, 0, LATE).await;
    assert!(store.read_figures().replicas[0].times_out >= 1);
    store.close().await.expect("it closes");
    followed.remove().await;
}

#[tokio::test]
async fn nobody_reads_from_a_server_that_follows_nobody_or_is_not_there() {
    let followed = Followed::create().await;
    let nowhere = "postgres://ann:wr0ng@127.0.0.1:1/app?connect_timeout_ms=300";
    let store = followed.open(&[&followed.primary, nowhere]).await;
    let (table, _) = one_note(&store).await;
    let read = reader(&store, 0);
    assert!(read.get(&table, &Key::Int(1)).await.expect("a read").is_some());
    let figures = store.read_figures();
    assert_eq!(figures.replicas[0].out.as_deref(), Some("it follows no primary"));
    let told = format!("{figures:?}");
    assert!(
        figures.replicas[1].out.is_some() && !told.contains("wr0ng"),
        "{told}"
    );
    assert_eq!((figures.primary, figures.replicas[0].reads), (1, 0));
    store.close().await.expect("it closes");
    followed.remove().await;
}

#[tokio::test]
async fn only_postgresql_has_replicas_and_their_passwords_stay_unsaid() {
    let options = OpenOptions {
        replicas: vec!["postgres://ann:wr0ng@127.0.0.1/app".into()],
        ..OpenOptions::default()
    };
    assert!(!format!("{options:?}").contains("wr0ng"));
    let refused = chancery_storage::open("memory:", options)
        .await
        .map(drop)
        .expect_err("memory has none");
    assert!(matches!(refused, StorageError::Url(_)), "{refused:?}");
}
