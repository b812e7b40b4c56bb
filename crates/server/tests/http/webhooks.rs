//! Webhooks: signed, in order, sent again until they arrive, resumed, replayed, and never to where they must not go.

use std::time::Duration;

use chancery::credentials::Secret;
use chancery::webhooks::verify;
use chancery::{ColumnInput, Store, TableHandle, TableInput, json};
use chancery_server::IpNet;
use serde_json::Value;

use crate::harness::Server;
use crate::served::{Answer, Received, Receiver, Served};

fn loopback() -> Vec<IpNet> {
    vec!["127.0.0.0/8".parse().unwrap()]
}

async fn notes(store: &Store) -> TableHandle {
    let input = TableInput::new("Notes").column(ColumnInput::new("rank", "number"));
    store.create_table(input).await.unwrap()
}

async fn insert(notes: &TableHandle, ranks: std::ops::Range<i64>) {
    for rank in ranks {
        notes.insert(json!({"rank": rank})).await.unwrap();
    }
}

/// Makes a webhook and answers its id and secret.
async fn make(served: &Served, url: &str, topics: Value) -> (String, Secret) {
    let (status, made) = served
        .ask("POST", "/api/webhooks", json!({"url": url, "topics": topics}))
        .await;
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("id"), Secret::new(text("secret")))
}

fn ranks(received: &[Received]) -> Vec<i64> {
    received
        .iter()
        .map(|one| one.json()["record"]["rank"].as_i64().unwrap())
        .collect()
}

/// Waits until something is so.
async fn until(mut so: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never becomes so");
}

async fn deliveries(served: &Served, id: &str) -> Vec<Value> {
    let (status, list) = served
        .ask("GET", &format!("/api/webhooks/{id}/deliveries"), Value::Null)
        .await;
    assert_eq!(status, 200, "{list}");
    list["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn messages_are_signed_in_order_and_of_their_topics() {
    let store = Store::open("memory:").await.unwrap();
    let notes = notes(&store).await;
    insert(&notes, 0..1).await;
    let served = Served::allowing(store, loopback()).await;
    let receiver = Receiver::start([]).await;
    let (id, secret) = make(
        &served,
        &receiver.url,
        json!(["table.notes.inserted", "bucket.*.cleared"]),
    )
    .await;
    insert(&notes, 1..31).await;
    // Of what goes with its table no values are kept, so they have to be sent before.
    receiver.wait(30).await;
    notes
        .update(notes.all().await.unwrap()[0].key(), json!({"rank": 99}))
        .await
        .unwrap();
    notes.clear().await.unwrap();
    let received = receiver.wait(31).await;
    assert_eq!(
        ranks(&received[..30]),
        (1..31).collect::<Vec<i64>>(),
        "in order, from its making on"
    );
    assert_eq!(received[30].json()["topic"], "table.notes.cleared");
    for one in &received {
        let (message, seconds) = (
            one.header("webhook-id"),
            one.header("webhook-timestamp").parse().unwrap(),
        );
        let signature = one.header("webhook-signature");
        assert!(verify(&secret, message, seconds, &one.body, signature));
        assert!(!verify(&secret, message, seconds + 1, &one.body, signature));
        assert_eq!(
            (one.json()["id"].as_str(), one.path.as_str()),
            (Some(message), "/hook?x=1")
        );
    }
    until(async || deliveries(&served, &id).await.len() == 31).await;
    let list = deliveries(&served, &id).await;
    assert_eq!(
        (&list[0]["topic"], &list[0]["delivered"], &list[0]["status"]),
        (&json!("table.notes.cleared"), &json!(true), &json!(200))
    );

    // Once more, one of them: the same message with a signature of now.
    let path = format!(
        "/api/webhooks/{id}/deliveries/{}/replay",
        list[1]["id"].as_str().unwrap()
    );
    let (status, again) = served.ask("POST", &path, Value::Null).await;
    assert_eq!(
        (status, &again["delivered"], &again["number"]),
        (200, &json!(true), &list[1]["number"])
    );
    let received = receiver.wait(32).await;
    assert_eq!(
        received[31].header("webhook-id"),
        received[29].header("webhook-id")
    );
    let nowhere = format!("/api/webhooks/{id}/deliveries/msg_1_1/replay");
    assert_eq!(
        served.ask("POST", &nowhere, Value::Null).await.1["code"],
        "deliveryNotFound"
    );
    // Nothing can be sent from a place that the log does not hold.
    let (status, refused) = served
        .ask(
            "POST",
            &format!("/api/webhooks/{id}/replay"),
            json!({"since": 1_000_000}),
        )
        .await;
    assert_eq!(
        (status, &refused["code"]),
        (400, &json!("invalidParameter")),
        "{refused}"
    );
    // And all of them, from the beginning of the log.
    let (status, _) = served
        .ask("POST", &format!("/api/webhooks/{id}/replay"), json!({"since": 0}))
        .await;
    assert_eq!(status, 200);
    let received = receiver.wait(64).await;
    assert_eq!(received[63].json()["topic"], "table.notes.cleared");
    assert_eq!(received.len(), 64);
    served.stop().await;
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_and_nothing_overtakes_it() {
    let store = Store::open("memory:").await.unwrap();
    let notes = notes(&store).await;
    let served = Served::allowing(store, loopback()).await;
    let receiver = Receiver::start([Answer::Status(200), Answer::Status(500), Answer::Nothing]).await;
    let (id, _) = make(&served, &receiver.url, json!([])).await;
    insert(&notes, 0..4).await;
    receiver.wait(2).await;
    until(async || {
        deliveries(&served, &id)
            .await
            .first()
            .is_some_and(|last| last["delivered"] == false)
    })
    .await;
    let (_, shown) = served
        .ask("GET", &format!("/api/webhooks/{id}"), Value::Null)
        .await;
    assert!(
        shown["failingSince"].is_string() && shown["active"] == true,
        "{shown}"
    );
    let received = receiver.wait(6).await;
    assert_eq!(ranks(&received), [0, 1, 1, 1, 2, 3]);
    assert_eq!(received[1].header("webhook-id"), received[3].header("webhook-id"));
    until(async || deliveries(&served, &id).await.len() == 4).await;
    let list = deliveries(&served, &id).await;
    assert_eq!(
        (&list[2]["attempts"], &list[2]["delivered"]),
        (&json!(3), &json!(true))
    );
    served.stop().await;
}

#[tokio::test]
async fn what_is_sent_to_nobody_costs_no_commit() {
    let store = Store::open("memory:").await.unwrap();
    let notes = notes(&store).await;
    let served = Served::allowing(store.clone(), loopback()).await;
    let receiver = Receiver::start([]).await;
    make(&served, &receiver.url, json!(["table.others.*"])).await;
    let other = store.create_table(TableInput::new("Others")).await.unwrap();
    other.insert(json!({})).await.unwrap();
    receiver.wait(1).await;
    // What was delivered is written down, and then nothing is.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = store.revision().await.unwrap();
    insert(&notes, 0..200).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let commits = store.revision().await.unwrap() - before;
    assert!(
        (200..=201).contains(&commits),
        "200 inserts made {commits} commits"
    );
    served.stop().await;
}

#[tokio::test]
async fn an_answer_whose_body_does_not_come_is_an_answer() {
    let store = Store::open("memory:").await.unwrap();
    let notes = notes(&store).await;
    let served = Served::allowing(store, loopback()).await;
    let receiver = Receiver::start([Answer::Head(200), Answer::Head(410)]).await;
    let (id, _) = make(&served, &receiver.url, json!([])).await;
    insert(&notes, 0..2).await;
    let path = format!("/api/webhooks/{id}");
    until(async || served.ask("GET", &path, Value::Null).await.1["active"] == false).await;
    assert_eq!(ranks(&receiver.received()), [0, 1], "the first had arrived");
    let list = deliveries(&served, &id).await;
    assert_eq!(
        (&list[0]["status"], &list[1]["status"], &list[1]["delivered"]),
        (&json!(410), &json!(200), &json!(true))
    );
    served.stop().await;
}

#[tokio::test]
async fn an_event_that_is_not_wanted_any_more_holds_up_nothing() {
    let store = Store::open("memory:").await.unwrap();
    let notes = notes(&store).await;
    let input = TableInput::new("Others").column(ColumnInput::new("rank", "number"));
    let others = store.create_table(input).await.unwrap();
    let served = Served::allowing(store, loopback()).await;
    let receiver = Receiver::start([Answer::Status(500), Answer::Status(500)]).await;
    let (id, _) = make(&served, &receiver.url, json!([])).await;
    insert(&notes, 0..1).await;
    insert(&others, 7..8).await;
    until(async || {
        let list = deliveries(&served, &id).await;
        list.first().is_some_and(|last| last["attempts"] == 2)
    })
    .await;
    let path = format!("/api/webhooks/{id}");
    let changed = std::time::Instant::now();
    served
        .ask("PATCH", &path, json!({"topics": ["table.others.*"]}))
        .await;
    let received = receiver.wait(3).await;
    assert_eq!(ranks(&received), [0, 0, 7]);
    assert!(
        changed.elapsed() < Duration::from_secs(3),
        "it would be sent again after five seconds, and came after {:?}",
        changed.elapsed()
    );
    until(async || served.ask("GET", &path, Value::Null).await.1["failingSince"].is_null()).await;
    served.stop().await;
}

#[tokio::test]
async fn private_addresses_and_redirects_are_refused() {
    let store = Store::open("memory:").await.unwrap();
    let notes = notes(&store).await;
    let receiver = Receiver::start([]).await;
    let elsewhere = Receiver::start([]).await;
    let moved = Receiver::start([Answer::Redirect(elsewhere.url.clone())]).await;
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    // Only a network that none of them is in may be reached.
    let served = Served::allowing(store.clone(), vec!["10.9.0.0/16".parse().unwrap()]).await;
    for url in [
        &receiver.url,
        &by_name,
        &"http://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        let (id, _) = make(&served, url, json!([])).await;
        insert(&notes, 0..1).await;
        until(async || !deliveries(&served, &id).await.is_empty()).await;
        let last = deliveries(&served, &id).await.remove(0);
        assert!(
            last["error"].as_str().unwrap().contains("private address"),
            "{last}"
        );
        served
            .ask("DELETE", &format!("/api/webhooks/{id}"), Value::Null)
            .await;
    }
    served.stop().await;
    assert_eq!(receiver.received().len(), 0);

    let served = Served::allowing(store, loopback()).await;
    let (id, _) = make(&served, &moved.url, json!([])).await;
    insert(&notes, 0..1).await;
    until(async || !deliveries(&served, &id).await.is_empty()).await;
    let last = deliveries(&served, &id).await.remove(0);
    assert!(
        last["error"]
            .as_str()
            .unwrap()
            .contains("redirects are not followed"),
        "{last}"
    );
    assert_eq!(elsewhere.received().len(), 0);
    served.stop().await;
}

#[tokio::test]
async fn a_webhook_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = Store::open(&url).await.unwrap();
    let served = Served::allowing(store.clone(), loopback()).await;
    let receiver = Receiver::start((0..5).map(|_| Answer::Status(200)).chain([Answer::Status(410)])).await;
    let table = notes(&store).await;
    let (id, _) = make(&served, &receiver.url, json!(["*"])).await;
    insert(&table, 0..5).await;
    receiver.wait(5).await;
    served.stop().await;
    insert(&table, 5..8).await;
    store.close().await.unwrap();

    let store = Store::open(&url).await.unwrap();
    let served = Served::allowing(store.clone(), loopback()).await;
    let path = format!("/api/webhooks/{id}");
    until(async || served.ask("GET", &path, Value::Null).await.1["active"] == false).await;
    let (_, off) = served.ask("GET", &path, Value::Null).await;
    assert!(off["offBecause"].as_str().unwrap().contains("410"), "{off}");
    insert(&store.table("notes").unwrap(), 8..10).await;
    assert_eq!(ranks(&receiver.received()), [0, 1, 2, 3, 4, 5]);
    let (status, on) = served.ask("PATCH", &path, json!({"active": true})).await;
    assert_eq!(
        (status, &on["active"], &on["offBecause"]),
        (200, &json!(true), &Value::Null)
    );
    let received = receiver.wait(11).await;
    assert_eq!(ranks(&received), [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]);
    served.stop().await;
}

#[tokio::test]
async fn a_webhook_is_made_shown_changed_and_removed_without_its_secret_twice() {
    let server = Server::start().await;
    let made = server
        .post(
            "/api/webhooks",
            json!({"url": "https://example.org/hook", "topics": ["table.*"]}),
        )
        .await
        .expect(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"), "{secret}");
    let path = format!("/api/webhooks/{id}");
    assert_eq!(made.header("location"), path);
    for answer in [
        server.get(&path).await,
        server.get("/api/webhooks").await,
        server.patch(&path, json!({"topics": []})).await,
    ] {
        let answer = answer.expect(200);
        let text = String::from_utf8(answer.bytes).unwrap();
        assert!(
            text.contains(&id) && !text.contains(&secret) && !text.contains("secret"),
            "{text}"
        );
    }
    for (body, field) in [
        (json!({"url": "ftp://example.org"}), "url"),
        (json!({"url": "nonsense"}), "url"),
        (json!({"url": "https://me:pw@example.org"}), "url"),
        (
            json!({"url": "https://example.org", "topics": ["tasks"]}),
            "topics",
        ),
    ] {
        let refused = server.post("/api/webhooks", body).await.expect(422);
        assert_eq!(
            (refused.code().as_str(), &refused.json()["errors"][0]["field"]),
            ("invalidDefinition", &json!(field))
        );
    }
    server.delete(&path).await.expect(204);
    assert_eq!(server.get(&path).await.expect(404).code(), "webhookNotFound");
    assert_eq!(
        server.get("/api/webhooks").await.expect(200).json()["webhooks"],
        json!([])
    );
}
