//! What each of several processes on one database does: some write, some follow the change log.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use chancery::{Change, Store, json};
use tokio::sync::watch;

/// Processes.
pub const PROCESSES: usize = 2;
/// Readers in each.
pub const READERS: usize = 50;
const WRITERS: usize = 32;
const WRITES_EACH: usize = 40;
/// All changes of all processes: each writer updates every record it inserts.
pub const CHANGES: usize = PROCESSES * WRITERS * WRITES_EACH * 2;
/// How long a reader waits for the next change.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a reader whose server is away waits before it asks again.
const PAUSE: Duration = Duration::from_millis(50);
/// Changes that are read at once to compare with.
const READ_AT_ONCE: usize = 1_000;

/// Does the work of one process, and tells each line of what it saw: `acknowledged KEY` and `digest HEX`.
pub async fn work(store: Store, number: &str, mut tell: impl FnMut(String)) {
    let readers: Vec<_> = (0..READERS).map(|_| tokio::spawn(read(store.clone()))).collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| tokio::spawn(write(store.clone(), format!("{number}-{writer}"))))
        .collect();
    for writer in writers {
        for key in writer.await.expect("it writes") {
            tell(format!("acknowledged {key}"));
        }
    }
    for reader in readers {
        tell(format!("digest {:x}", reader.await.expect("it reads")));
    }
    store.close().await.expect("closed");
}

async fn write(store: Store, name: String) -> Vec<String> {
    let events = store.table("events").expect("found");
    let mut acknowledged = Vec::new();
    for _ in 0..WRITES_EACH {
        let made = events.insert(json!({"writer": name})).await.expect("inserted");
        let patch = json!({"writer": format!("{name} again")});
        events.update(made.key(), patch).await.expect("updated");
        acknowledged.push(made.key().to_string());
    }
    acknowledged
}

/// Follows the log to its end and answers a digest of everything seen.
async fn read(store: Store) -> u64 {
    let mut changes = store.follow(0);
    let mut digest = DefaultHasher::new();
    for number in 1..=CHANGES as u64 {
        let change = tokio::time::timeout(PATIENCE, changes.next()).await;
        let change = change
            .unwrap_or_else(|_| panic!("change {number} never came"))
            .expect("read");
        assert_eq!(
            change.number, number,
            "none missing, none twice, none out of order"
        );
        see(&change, &mut digest);
    }
    digest.finish()
}

/// Takes a change into a digest of what was seen.
pub fn see(change: &Change, digest: &mut DefaultHasher) {
    (change.number, change.key.as_ref().map(ToString::to_string)).hash(digest);
}

/// Follows the log with [`READERS`] readers, across whatever happens to the server, until `ended` says that nobody writes any
/// more; then every reader must have seen what the log holds. Answers how many changes that are.
pub async fn follow(store: Store, ended: impl Future<Output = ()>) -> u64 {
    let (end, last) = watch::channel(None);
    let readers: Vec<_> = (0..READERS)
        .map(|_| tokio::spawn(read_until(store.clone(), last.clone())))
        .collect();
    ended.await;
    let mut digest = DefaultHasher::new();
    let mut newest = 0;
    loop {
        let log = store.changes(newest, READ_AT_ONCE).await.expect("read");
        for change in &log {
            newest += 1;
            assert_eq!(change.number, newest, "the log has every number once");
            see(change, &mut digest);
        }
        if log.is_empty() {
            break;
        }
    }
    end.send_replace(Some(newest));
    for reader in readers {
        let seen = reader.await.expect("it reads");
        assert_eq!(
            seen,
            digest.finish(),
            "a reader has seen another log than there is at the end"
        );
    }
    store.close().await.expect("closed");
    newest
}

/// Reads on until it has seen the last change, once that is known, and answers a digest of everything seen.
async fn read_until(store: Store, mut last: watch::Receiver<Option<u64>>) -> u64 {
    let mut changes = store.follow(0);
    let mut digest = DefaultHasher::new();
    let mut seen = 0;
    let mut away_since = None;
    while last.borrow_and_update().is_none_or(|last| seen < last) {
        let next = tokio::select! {
            next = changes.next() => next,
            _ = last.changed() => continue,
        };
        match next {
            Ok(change) => {
                seen += 1;
                assert_eq!(change.number, seen, "none missing, none twice, none out of order");
                see(&change, &mut digest);
                away_since = None;
            }
            Err(error) => {
                let since = *away_since.get_or_insert_with(Instant::now);
                assert!(since.elapsed() < PATIENCE, "the server stays away: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    digest.finish()
}
