//! The change log: every change once, in order, as it comes.

use std::time::Duration;

use chancery::{ChangeKind, ColumnInput, TableInput, json};
use chancery_scenarios::on_every_backend;

#[test]
fn a_follower_sees_what_was_and_what_comes() {
    on_every_backend(|store| async move {
        let input = TableInput::new("Notes").column(ColumnInput::new("text", "text"));
        let notes = store.create_table(input).await.expect("defined");
        let first = notes.insert(json!({"text": "one"})).await.expect("inserted");
        let mut follower = store.follow(0);
        let seen = follower.next().await.expect("read");
        assert_eq!((seen.number, seen.kind), (1, ChangeKind::Inserted));
        assert_eq!(seen.key.as_ref(), Some(first.key()));

        // Nothing comes until something happens; giving up waiting loses nothing.
        let early = tokio::time::timeout(Duration::from_millis(50), follower.next()).await;
        assert!(early.is_err(), "there is no second change yet");
        let waiting = tokio::spawn(async move {
            let next = follower.next().await;
            (next, follower)
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        notes
            .update(first.key(), json!({"text": "two"}))
            .await
            .expect("updated");
        let (next, mut follower) = tokio::time::timeout(Duration::from_secs(10), waiting)
            .await
            .expect("the bell is heard before the follower would look by itself")
            .expect("it did not panic");
        let next = next.expect("read");
        assert_eq!((next.number, next.kind), (2, ChangeKind::Updated));

        notes.delete(first.key()).await.expect("deleted");
        notes.restore(first.key()).await.expect("restored");
        notes.purge(first.key()).await.expect("purged");
        for (number, kind) in [
            (3, ChangeKind::Deleted),
            (4, ChangeKind::Restored),
            (5, ChangeKind::Purged),
        ] {
            let change = follower.next().await.expect("read");
            assert_eq!((change.number, change.kind), (number, kind));
        }
        assert_eq!(store.changes(4, 10).await.expect("read").len(), 1);
        assert_eq!(store.changes(5, 10).await.expect("read").len(), 0);
    });
}
