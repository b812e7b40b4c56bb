//! Letting go of the oldest part of the change log: records stay, and whoever asks for what is gone is told so.

use std::time::Duration;

use chancery::{ColumnInput, Error, OpenOptions, RevertOptions, Since, Store, TableHandle, TableInput, json};
use chancery_scenarios::on_every_backend_by_hand;

const DAY_MS: i64 = 86_400_000;
const DAY: Duration = Duration::from_millis(DAY_MS as u64);

async fn notes(store: &Store) -> TableHandle {
    let input = TableInput::new("Notes").column(ColumnInput::new("text", "text"));
    store.create_table(input).await.expect("defined")
}

#[test]
fn what_is_older_is_let_go_and_whoever_asks_for_it_is_told() {
    on_every_backend_by_hand(|store, clock| async move {
        let notes = notes(&store).await;
        let old = notes.insert(json!({"text": "old"})).await.expect("inserted");
        notes
            .update(old.key(), json!({"text": "older"}))
            .await
            .expect("updated");
        let before = store.revision().await.expect("a revision");
        let past = store.changes(0, 100).await.expect("the log").len() as u64;
        clock.pass(2 * DAY_MS);
        assert_eq!(store.forget_changes(3 * DAY).await.expect("nothing to let go"), 0);
        let new = notes.insert(json!({"text": "new"})).await.expect("inserted");
        let checksum = notes.checksum().await.expect("a checksum");

        assert_eq!(store.forget_changes(DAY).await.expect("let go"), past);
        assert_eq!(store.forget_changes(DAY).await.expect("nothing is left"), 0);
        assert_eq!(
            notes.checksum().await.expect("a checksum"),
            checksum,
            "records stay"
        );

        let log = store.changes(0, 100).await.expect("the log");
        assert_eq!((log.len(), log[0].number), (1, past + 1));
        for since in [
            Since::Revision(0),
            Since::Revision(before - 1),
            Since::Change(0),
            Since::Change(past - 1),
        ] {
            let told = store.events(since).next().await;
            assert!(
                matches!(told, Err(Error::Gone { oldest, .. }) if oldest == before + 1),
                "{since:?}: {told:?}"
            );
        }
        let followed = store.follow(0).next().await;
        assert!(matches!(followed, Err(Error::Gone { .. })), "{followed:?}");
        for since in [Since::Revision(before), Since::Change(past)] {
            let event = store.events(since).next().await.expect("nothing is missing");
            assert_eq!(event.key.as_ref(), Some(new.key()), "{since:?}");
        }

        let history = notes.history(old.key(), 10, None).await.expect("its history");
        assert!(history.steps.is_empty(), "{history:?}");
        let known = notes.history(new.key(), 10, None).await.expect("its history");
        assert_eq!(known.steps.len(), 1);
    });
}

#[test]
fn the_newest_commit_and_the_last_hour_stay() {
    on_every_backend_by_hand(|store, clock| async move {
        let notes = notes(&store).await;
        notes.insert(json!({"text": "one"})).await.expect("inserted");
        assert_eq!(
            store.forget_changes(Duration::ZERO).await.expect("the last hour"),
            0
        );
        clock.pass(DAY_MS);
        store.forget_changes(Duration::ZERO).await.expect("let go");
        let log = store.changes(0, 100).await.expect("the log");
        assert_eq!(log.len(), 1, "the newest commit stays: {log:?}");
        let next = notes.insert(json!({"text": "two"})).await.expect("inserted");
        let event = store.events(Since::Change(log[0].number)).next().await;
        assert_eq!(event.expect("told").key.as_ref(), Some(next.key()));
    });
}

#[test]
fn an_operation_that_is_let_go_cannot_be_taken_back() {
    on_every_backend_by_hand(|store, clock| async move {
        let notes = notes(&store).await;
        notes.insert(json!({"text": "one"})).await.expect("inserted");
        let page = store.operations(Default::default()).await.expect("operations");
        let gone = page.operations[0].id.clone();
        clock.pass(2 * DAY_MS);
        notes.insert(json!({"text": "two"})).await.expect("inserted");
        store.forget_changes(DAY).await.expect("let go");
        let refused = store.revert(&gone, RevertOptions::default()).await;
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
        let left = store.operations(Default::default()).await.expect("operations");
        assert_eq!(left.operations.len(), 1);
    });
}

#[test]
fn a_store_that_is_opened_with_a_limit_lets_go_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let hands = chancery_scenarios::Hands::default();
        let store = Store::open_with(&url, hands.options()).await.expect("opened");
        let notes = notes(&store).await;
        notes.insert(json!({"text": "one"})).await.expect("inserted");
        hands.pass(2 * DAY_MS);
        notes.insert(json!({"text": "two"})).await.expect("inserted");
        assert!(store.changes(0, 100).await.expect("the log").len() > 1);
        store.close().await.expect("closed");

        let options = OpenOptions {
            keep_changes: Some(DAY),
            ..hands.options()
        };
        let store = Store::open_with(&url, options).await.expect("opened");
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while store.changes(0, 100).await.expect("the log").len() > 1 {
            assert!(std::time::Instant::now() < deadline, "it let go of nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        store.close().await.expect("closed");
    });
}
