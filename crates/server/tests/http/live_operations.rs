//! Operations over a socket: what they rest on, what they answer, how much of it; and how a socket opens and ends.

use std::sync::Arc;

use chancery::Store;
use chancery_server::Limits;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::harness::{Server, tasks};
use crate::live::{Client, listen};

/// An operation on tasks, done at once.
fn act(mut frame: Value) -> Value {
    frame["type"] = json!("do");
    frame["table"] = json!("tasks");
    frame
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_does_not_match_any_longer_is_neither_deleted_nor_changed() {
    let server = Arc::new(Server::with_tasks().await);
    let mut client = Client::new(listen(&server).await, &server.write).await;
    for operation in [
        json!({"op": "deleteMany", "filter": {"priority": 1}}),
        json!({"op": "updateMany", "filter": {"priority": 1}, "data": {"title": "touched"}}),
    ] {
        for _ in 0..4 {
            let data: Vec<Value> = (0..150)
                .map(|_| json!({"title": "left", "priority": 1}))
                .collect();
            let made = client.ask(act(json!({"op": "insertMany", "data": data}))).await;
            let ids: Vec<String> = made["value"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| record["id"].as_str().unwrap().to_owned())
                .collect();
            // They leave the filter one by one while it is asked; those that have left it first stay as they are.
            let leaving = tokio::spawn({
                let (server, ids) = (server.clone(), ids.clone());
                async move {
                    let mut left = Vec::new();
                    for id in ids {
                        let path = format!("/api/tables/tasks/records/{id}");
                        let moved = server.patch(&path, json!({"data": {"priority": 2}})).await;
                        let kept = moved.json()["data"]["title"] == "left";
                        if moved.status.is_success() && kept {
                            left.push(path);
                        }
                    }
                    left
                }
            });
            loop {
                let answer = client.ask(act(operation.clone())).await;
                if answer["error"]["code"] != "transactionConflict" {
                    assert!(answer["value"].is_u64(), "{answer}");
                    break;
                }
            }
            for path in leaving.await.unwrap() {
                let record = server.get(&path).await.expect(200).json();
                assert_eq!(record["data"]["title"], "left", "{operation}");
            }
        }
    }
}

#[tokio::test]
async fn a_write_answers_its_own_revision_and_what_wrote_nothing_none() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.write).await;
    let made = client
        .ask(act(json!({"op": "insert", "data": {"title": "One"}})))
        .await;
    let key = made["value"]["id"].clone();
    let first = made["revision"].as_u64().unwrap();
    let frames = [
        json!({"op": "insertMany", "data": [{"title": "Two"}, {"title": "Three"}]}),
        json!({"op": "update", "key": key, "data": {"priority": 2}}),
        json!({"op": "updateMany", "filter": {"priority": 2}, "data": {"priority": 4}}),
        json!({"op": "upsert", "data": {"title": "Four"}}),
        json!({"op": "delete", "key": key}),
        json!({"op": "restore", "key": key}),
    ];
    for (revision_after, frame) in (first + 1..).zip(frames) {
        let answer = client.ask(act(frame.clone())).await;
        let revision = answer["revision"].as_u64();
        assert_eq!(revision, Some(revision_after), "{frame}: {answer}");
    }
    let nothing = client
        .ask(act(
            json!({"op": "delete", "key": "00000000-0000-0000-0000-000000000000"}),
        ))
        .await;
    assert_eq!(
        (&nothing["value"], nothing.get("revision")),
        (&json!(false), None),
        "{nothing}"
    );
}

#[tokio::test]
async fn an_answer_has_a_limit_in_records_and_in_bytes() {
    let limits = Limits {
        live_answer_records_max: 3,
        live_answer_bytes_max: 20_000,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    server.post("/api/tables", tasks()).await.expect(201);
    let mut client = Client::new(listen(&server).await, &server.read).await;
    for number in 1..=4 {
        server
            .task(json!({"title": format!("Task {number}"), "priority": 1 + number % 2}))
            .await;
    }
    let few = client
        .ask(act(json!({"op": "where", "filter": {"priority": 1}})))
        .await;
    assert_eq!(few["value"].as_array().unwrap().len(), 2);
    assert_eq!(client.ask(act(json!({"op": "count"}))).await["value"], 4);
    for frame in [json!({"op": "all"}), json!({"op": "where", "filter": {}})] {
        let answer = client.ask(act(frame)).await;
        assert_eq!(answer["error"]["code"], "limitExceeded", "{answer}");
        let detail = answer["error"]["detail"].as_str().unwrap();
        assert!(detail.contains("liveAnswerRecordsMax"), "{detail}");
    }
    let watched = client
        .ask(json!({"type": "subscribe", "query": {"table": "tasks"}}))
        .await;
    let followed = client.ask(json!({"type": "on", "topic": "table.tasks.*"})).await;
    let key = server.task(json!({"title": "x".repeat(30_000)})).await;
    let mut ended = [client.next().await, client.next().await];
    ended.sort_by_key(|frame| frame["subscription"].as_u64());
    for (frame, start) in ended.iter().zip([watched, followed]) {
        assert_eq!(frame["subscription"], start["subscription"], "{frame}");
        assert_eq!(frame["error"]["code"], "limitExceeded", "{frame}");
    }
    let again = json!({"type": "subscribe", "query": {"table": "tasks"}});
    assert_eq!(client.refused(again).await, "limitExceeded");
    let stats = server.get("/api/stats").await.expect(200).json();
    assert_eq!(stats["queries"]["activeSubscriptions"], 0);
    let answer = client.ask(act(json!({"op": "get", "key": key}))).await;
    let detail = answer["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("liveAnswerBytesMax"), "{detail}");
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "result");
}

#[tokio::test]
async fn many_with_a_key_that_is_taken_are_a_conflict() {
    let server = Server::start().await;
    let schema = json!({"sku": {"type": "string"}, "name": {"type": "string"}});
    let bucket = json!({"name": "parts", "definition": {"key": "sku", "schema": schema}});
    server.post("/api/buckets", bucket).await.expect(201);
    let mut client = Client::new(listen(&server).await, &server.write).await;
    let data = json!([{"sku": "a", "name": "one"}]);
    let insert = json!({"type": "do", "op": "insertMany", "table": "parts", "data": data});
    assert_eq!(client.ask(insert.clone()).await["type"], "result");
    let answer = client.ask(insert).await;
    assert_eq!(answer["error"]["code"], "uniqueViolation", "{answer}");
    assert_eq!(answer["error"]["errors"][0]["code"], "keyTaken", "{answer}");
}

#[tokio::test]
async fn a_farewell_is_answered() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let farewell = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    client.say(Message::Close(Some(farewell))).await;
    assert_eq!(client.closed().await, 1000);
}

#[tokio::test]
async fn an_unknown_workspace_opens_for_nobody() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let url = format!("ws://{address}/api/live?workspace=nowhere");
    let mut request = url.clone().into_client_request().unwrap();
    let bearer = format!("Bearer {}", server.read).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    match connect_async(request).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 404),
        other => panic!("{:?}", other.map(drop)),
    }
    // Without credentials nobody learns what there is.
    let (socket, _) = connect_async(url).await.unwrap();
    let mut client = Client::over(socket);
    assert_eq!(client.next().await["needsAuth"], true);
    let auth = json!({"type": "auth", "key": server.read});
    assert_eq!(client.refused(auth).await, "workspaceNotFound");
}

#[tokio::test]
async fn a_stored_query_is_looked_at_and_bounded_and_listed_in_pages() {
    let server = Server::with_tasks().await;
    let store = async |name: &str, query: Value| {
        let path = format!("/api/queries/{name}");
        server.put(&path, json!({ "query": query })).await
    };
    let wrong = json!({"tabel": "tasks", "filter": {"priority": "{{ params.x }}"}});
    let refused = store("wrong", wrong).await.expect(422).json();
    let fields: Vec<&Value> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| &issue["field"])
        .collect();
    assert_eq!(fields, ["tabel", "table"]);
    let long = json!({"table": "tasks", "filter": {"title": "x".repeat(70_000)}});
    assert_eq!(store("long", long).await.expect(400).code(), "limitExceeded");
    for name in ["b", "a", "c"] {
        store(name, json!({"table": "tasks"})).await.expect(200);
    }
    let mut names = Vec::new();
    let mut path = "/api/queries?limit=2".to_owned();
    loop {
        let page = server.get(&path).await.expect(200).json();
        names.extend(
            page["queries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|query| query["name"].clone()),
        );
        let Some(cursor) = page["pagination"]["nextCursor"].as_str() else {
            break;
        };
        path = format!("/api/queries?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_closed_store_ends_subscriptions_and_topics() {
    let store = Store::open("memory:").await.unwrap();
    let server = Server::over(store.clone(), Limits::default()).await;
    server.post("/api/tables", tasks()).await.expect(201);
    let mut client = Client::new(listen(&server).await, &server.read).await;
    client
        .ask(json!({"type": "subscribe", "query": {"table": "tasks"}}))
        .await;
    store.close().await.unwrap();
    let ended = client.next().await;
    assert_eq!(ended["error"]["code"], "storageUnavailable", "{ended}");
}
