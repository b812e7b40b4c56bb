//! Webhooks as the library keeps them: who has the right to send, how far it is, and what switching on and going back do.

use chancery::webhooks::{Delivery, WebhookInput, WebhookPatch};
use chancery::{ColumnInput, Error, Since, Store, TableHandle, TableInput, json};
use chancery_scenarios::{on_every_backend, twice_on_postgres};

async fn notes(store: &Store) -> TableHandle {
    let input = TableInput::new("Notes").column(ColumnInput::new("text", "text"));
    store.create_table(input).await.expect("defined")
}

fn input() -> WebhookInput {
    WebhookInput {
        url: "https://example.org/hook".into(),
        topics: Vec::new(),
    }
}

fn failed(at: i64) -> Delivery {
    Delivery {
        id: "msg_1".into(),
        number: 1,
        topic: "table.notes.inserted".into(),
        at,
        attempts: 1,
        delivered: false,
        status: Some(500),
        error: Some("The answer is 500".into()),
        took_ms: 1,
    }
}

#[test]
fn one_that_is_switched_on_again_has_not_failed_yet() {
    on_every_backend(|store| async move {
        let webhooks = store.webhooks();
        let (made, _) = webhooks.create(input()).await.expect("made");
        let mut claim = webhooks
            .claim(&made.id, "one")
            .await
            .expect("asked")
            .expect("it is free");
        claim.progress.note(failed(1_000));
        claim.progress.passed(7);
        assert!(webhooks.keep(&mut claim).await.expect("kept"));
        webhooks
            .switch_off(&made.id, "nothing arrived")
            .await
            .expect("off");
        let progress = webhooks.progress(&made.id).await.expect("its progress");
        assert_eq!(progress.failing_since, Some(1_000));
        let on = WebhookPatch {
            active: Some(true),
            ..WebhookPatch::default()
        };
        webhooks.update(&made.id, on).await.expect("on");
        let progress = webhooks.progress(&made.id).await.expect("its progress");
        assert_eq!(progress.failing_since, None);
        assert_eq!(progress.deliveries.len(), 1, "what was is still shown");
        assert_eq!(progress.since(), Since::Change(7), "it goes on where it stopped");
    });
}

#[test]
fn nothing_is_sent_from_a_place_that_the_log_does_not_hold() {
    on_every_backend(|store| async move {
        let notes = notes(&store).await;
        notes.insert(json!({"text": "one"})).await.expect("inserted");
        let webhooks = store.webhooks();
        let (made, _) = webhooks.create(input()).await.expect("made");
        let newest = store.revision().await.expect("a revision");
        let refused = webhooks.rewind(&made.id, newest + 1_000).await;
        assert!(matches!(refused, Err(Error::Gone { .. })), "{refused:?}");
        webhooks
            .rewind(&made.id, newest)
            .await
            .expect("the end is a place");
        webhooks.rewind(&made.id, 0).await.expect("so is the beginning");
        let progress = webhooks.progress(&made.id).await.expect("its progress");
        assert_eq!(progress.since(), Since::Revision(0));
    });
}

#[test]
fn whoever_went_back_is_noticed_before_anything_is_written() {
    on_every_backend(|store| async move {
        let webhooks = store.webhooks();
        let (made, _) = webhooks.create(input()).await.expect("made");
        let claim = webhooks
            .claim(&made.id, "one")
            .await
            .expect("asked")
            .expect("it is free");
        assert!(webhooks.holds(&claim).await.expect("asked"));
        webhooks.rewind(&made.id, 0).await.expect("gone back");
        assert!(!webhooks.holds(&claim).await.expect("asked"));
        webhooks.delete(&made.id).await.expect("removed");
        assert!(!webhooks.holds(&claim).await.expect("asked"));
    });
}

#[test]
fn one_process_sends_at_a_time_and_another_takes_over_when_it_lets_go() {
    twice_on_postgres(|one, other| async move {
        let (made, _) = one.webhooks().create(input()).await.expect("made");
        let claim = one.webhooks().claim(&made.id, "one").await.expect("asked");
        let mut claim = claim.expect("it is free");
        let second = other.webhooks().claim(&made.id, "other").await.expect("asked");
        assert!(second.is_none(), "the first has it");
        claim.progress.passed(3);
        one.webhooks().release(claim).await.expect("let go");
        let second = other.webhooks().claim(&made.id, "other").await.expect("asked");
        let mut second = second.expect("it is free");
        assert_eq!(second.progress.since(), Since::Change(3));
        let first = one.webhooks().claim(&made.id, "one").await.expect("asked");
        assert!(first.is_none(), "now the second has it");
        assert!(other.webhooks().keep(&mut second).await.expect("kept"));
    });
}
