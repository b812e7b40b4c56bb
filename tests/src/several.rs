//! What each of several processes on one database does: some write, some follow the change log. Compares nothing.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use chancery::{Store, json};

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
        (change.number, change.key.expect("a key").to_string()).hash(&mut digest);
    }
    digest.finish()
}
