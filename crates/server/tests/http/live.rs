//! `/api/live` over real sockets: order, atomic subscriptions, slow and dead readers, hostile frames, limits, revoked keys.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::harness::Server;

/// The longest that anything here waits.
const SOON: Duration = Duration::from_secs(15);

/// A server that listens.
pub(crate) async fn listen(server: &Server) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A client and what it was sent besides answers.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    aside: Vec<Value>,
    id: u64,
}

impl Client {
    /// Connects with a key in the header.
    pub(crate) async fn new(address: SocketAddr, key: &str) -> Client {
        let mut request = format!("ws://{address}/api/live").into_client_request().unwrap();
        let bearer = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let (socket, _) = connect_async(request).await.unwrap();
        let mut client = Client::over(socket);
        let hello = client.next().await;
        assert_eq!(hello["type"], "hello");
        assert_eq!(hello["protocol"], 1);
        assert_eq!(hello["needsAuth"], false);
        client
    }

    pub(crate) fn over(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Client {
        Client {
            socket,
            aside: Vec::new(),
            id: 0,
        }
    }

    pub(crate) async fn say(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    async fn send(&mut self, text: impl Into<String>) {
        self.say(Message::text(text.into())).await;
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match self.frame().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn frame(&mut self) -> Message {
        loop {
            let frame = tokio::time::timeout(SOON, self.socket.next()).await;
            match frame
                .expect("nothing came")
                .expect("the socket has ended")
                .unwrap()
            {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    /// The code with which the server closes.
    pub(crate) async fn closed(&mut self) -> u16 {
        loop {
            let frame = tokio::time::timeout(SOON, self.socket.next()).await;
            match frame.expect("it was not closed") {
                Some(Ok(Message::Close(Some(close)))) => return close.code.into(),
                Some(Ok(_)) => {}
                other => panic!("closed without a code: {other:?}"),
            }
        }
    }

    /// The answer to a frame; what comes before it is kept aside.
    pub(crate) async fn ask(&mut self, mut frame: Value) -> Value {
        self.id += 1;
        frame["id"] = json!(self.id);
        self.send(frame.to_string()).await;
        loop {
            let answer = self.next().await;
            if answer["id"] == json!(self.id) {
                return answer;
            }
            self.aside.push(answer);
        }
    }

    async fn subscribe(&mut self, query: Value) -> Value {
        let answer = self.ask(json!({"type": "subscribe", "query": query})).await;
        assert_eq!(answer["type"], "result", "{answer}");
        answer
    }

    /// The code of a refusal.
    pub(crate) async fn refused(&mut self, frame: Value) -> String {
        let answer = self.ask(frame).await;
        assert_eq!(answer["type"], "error", "{answer}");
        assert!(answer["error"]["detail"].is_string(), "{answer}");
        answer["error"]["code"].as_str().unwrap().to_owned()
    }
}

/// Applies the pushes of one subscription to a list and checks their order.
fn applied(mut list: Vec<Value>, mut revision: u64, number: &Value, frames: &[Value]) -> (Vec<Value>, u64) {
    for push in frames
        .iter()
        .filter(|frame| frame["type"] == "push" && frame["subscription"] == *number)
    {
        let new = push["revision"].as_u64().unwrap();
        assert!(new > revision, "{new} after {revision}");
        revision = new;
        if let Some(snapshot) = push.get("snapshot") {
            list = snapshot.as_array().unwrap().clone();
            continue;
        }
        for change in push["changes"].as_array().unwrap() {
            list.retain(|record| record["id"] != change["key"]);
            if change["op"] == "put" {
                let at = list.iter().position(|record| record["id"] == change["before"]);
                list.insert(at.unwrap_or(list.len()), change["record"].clone());
            }
        }
    }
    (list, revision)
}

#[tokio::test]
async fn a_subscription_is_answered_pushed_and_ended() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let answer = client
        .subscribe(json!({"table": "tasks", "filter": {"priority": 5}}))
        .await;
    assert_eq!(answer["result"], json!([]));
    let id = server.task(json!({"title": "One", "priority": 5})).await;
    server.task(json!({"title": "Two", "priority": 1})).await;
    let push = client.next().await;
    assert_eq!(push["subscription"], answer["subscription"]);
    // Of so short a list the whole is smaller than what changed.
    let (list, _) = applied(Vec::new(), 0, &answer["subscription"], &[push]);
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["title"], "One");
    assert_eq!(list[0]["id"], json!(id));
    assert_eq!(list[0]["_version"], 1);
    let ended = client
        .ask(json!({"type": "unsubscribe", "subscription": answer["subscription"]}))
        .await;
    assert_eq!(ended["type"], "result");
    server.task(json!({"title": "Three", "priority": 5})).await;
    client.ask(json!({"type": "barrier"})).await;
    assert_eq!(client.aside, Vec::<Value>::new());
}

#[tokio::test]
async fn a_barrier_is_answered_after_every_push_before_it() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    client
        .subscribe(json!({"table": "tasks", "aggregate": {"function": "count"}}))
        .await;
    for number in 1..=20 {
        server.task(json!({"title": format!("Task {number}")})).await;
        let barrier = client.ask(json!({"type": "barrier"})).await;
        let last = client.aside.last().unwrap();
        assert_eq!(last["snapshot"], json!(number));
        assert!(barrier["revision"].as_u64() >= last["revision"].as_u64());
    }
}

#[tokio::test]
async fn the_first_frame_may_say_who_it_is() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let (socket, _) = connect_async(format!("ws://{address}/api/live")).await.unwrap();
    let mut client = Client::over(socket);
    assert_eq!(client.next().await["needsAuth"], true);
    let query = json!({"table": "tasks"});
    let early = client.refused(json!({"type": "subscribe", "query": query})).await;
    assert_eq!(early, "unauthenticated");
    assert_eq!(
        client.refused(json!({"type": "auth", "key": "chy_wrong"})).await,
        "unauthenticated"
    );
    let auth = client.ask(json!({"type": "auth", "key": server.read})).await;
    assert_eq!(auth["type"], "result");
    client.subscribe(query).await;
}

#[tokio::test]
async fn a_page_of_another_origin_and_a_wrong_key_are_refused() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let status = async |name: &'static str, value: &str| {
        let mut request = format!("ws://{address}/api/live").into_client_request().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        match connect_async(request).await {
            Err(tungstenite::Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("{:?}", other.map(drop)),
        }
    };
    assert_eq!(status("origin", "http://evil.example").await, 403);
    assert_eq!(status("authorization", "Bearer chy_wrong").await, 401);
}

#[tokio::test]
async fn hostile_frames_are_refused_one_by_one() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let mut client = Client::new(address, &server.read).await;
    for (frame, code) in [
        ("{", "malformedJson"),
        ("[]", "invalidBody"),
        ("{}", "invalidBody"),
        (r#"{"id": "1", "type": "ping"}"#, "invalidBody"),
        (r#"{"id": -1, "type": "ping"}"#, "invalidBody"),
        (r#"{"id": 1, "type": "dance"}"#, "invalidBody"),
        (r#"{"id": 1}"#, "invalidBody"),
        (r#"{"id": 1, "type": "ping", "more": 1}"#, "invalidBody"),
        (r#"{"id": 1, "type": "subscribe"}"#, "invalidBody"),
        (r#"{"id": 1, "type": "subscribe", "query": 7}"#, "invalidFilter"),
        (
            r#"{"id": 1, "type": "subscribe", "query": {"table": "nothing"}}"#,
            "tableNotFound",
        ),
        (
            r#"{"id": 1, "type": "subscribe", "query": {"table": "tasks", "filter": {"x": 1}}}"#,
            "invalidFilter",
        ),
        (
            r#"{"id": 1, "type": "unsubscribe", "subscription": 99}"#,
            "invalidParameter",
        ),
        (r#"{"id": 1, "type": "on", "topic": "nonsense"}"#, "invalidFilter"),
        (r#"{"id": 1, "type": "run", "name": "none"}"#, "queryNotFound"),
    ] {
        client.send(frame).await;
        let answer = client.next().await;
        assert_eq!(
            (&answer["type"], &answer["error"]["code"]),
            (&json!("error"), &json!(code)),
            "{frame}: {answer}"
        );
    }
    assert_eq!(client.ask(json!({"type": "ping"})).await["type"], "result");
    client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.closed().await, 1003);

    let mut client = Client::new(address, &server.read).await;
    let huge = format!(
        r#"{{"id": 1, "type": "ping", "x": "{}"}}"#,
        "x".repeat(1024 * 1024)
    );
    let _ = client.socket.send(Message::text(huge)).await;
    let frame = tokio::time::timeout(SOON, client.socket.next())
        .await
        .expect("it was not closed");
    assert!(!matches!(frame, Some(Ok(Message::Text(_)))), "{frame:?}");
}

#[tokio::test]
async fn a_flood_of_subscriptions_is_refused_by_a_named_limit() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let subscribe =
        json!({"type": "subscribe", "query": {"table": "tasks", "aggregate": {"function": "count"}}});
    for _ in 0..chancery_api::limits::LIVE_SUBSCRIPTIONS_MAX {
        assert_eq!(client.ask(subscribe.clone()).await["type"], "result");
    }
    let answer = client.ask(subscribe).await;
    assert_eq!(answer["error"]["code"], "limitExceeded");
    assert!(
        answer["error"]["detail"]
            .as_str()
            .unwrap()
            .contains("liveSubscriptionsMax")
    );
}

#[tokio::test]
async fn a_revoked_key_ends_its_socket() {
    let server = Server::with_tasks().await;
    let made = server
        .post("/api/api-keys", json!({"name": "short", "scope": "read"}))
        .await
        .expect(201)
        .json();
    let mut client = Client::new(listen(&server).await, made["key"].as_str().unwrap()).await;
    client.subscribe(json!({"table": "tasks"})).await;
    let id = made["id"].as_str().unwrap();
    server.delete(&format!("/api/api-keys/{id}")).await.expect(204);
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subscriptions_under_load_miss_nothing_and_repeat_nothing() {
    let server = Arc::new(Server::with_tasks().await);
    let address = listen(&server).await;
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (server, stop) = (server.clone(), stop.clone());
        async move {
            let mut ids = Vec::new();
            for number in 0_u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                ids.push(
                    server
                        .task(json!({"title": format!("Task {number}"), "priority": 1 + number % 5}))
                        .await,
                );
                let old = &ids[(number / 2) as usize];
                let path = format!("/api/tables/tasks/records/{old}");
                server
                    .patch(&path, json!({"data": {"priority": 1 + number % 3}}))
                    .await
                    .expect(200);
                if number % 7 == 6 {
                    server
                        .delete(&format!("/api/tables/tasks/records/{}", ids.remove(0)))
                        .await
                        .expect(204);
                }
            }
        }
    });
    let queries = [
        json!({"table": "tasks"}),
        json!({"table": "tasks", "filter": {"priority": 2}, "sort": {"title": "desc"}}),
        json!({"table": "tasks", "sort": {"priority": "desc"}, "limit": 10, "offset": 3}),
    ];
    let mut open = Vec::new();
    for round in 0..4 {
        let mut client = Client::new(address, &server.read).await;
        let mut subscribed = Vec::new();
        for query in &queries {
            subscribed.push(client.subscribe(query.clone()).await);
        }
        open.push((client, subscribed));
        tokio::time::sleep(Duration::from_millis(60 + round * 20)).await;
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    for (mut client, subscribed) in open {
        client.ask(json!({"type": "barrier"})).await;
        let frames = std::mem::take(&mut client.aside);
        for (query, start) in queries.iter().zip(subscribed) {
            let list = start["result"].as_array().unwrap().clone();
            let revision = start["revision"].as_u64().unwrap();
            let (list, _) = applied(list, revision, &start["subscription"], &frames);
            let fresh = client.ask(json!({"type": "run", "query": query})).await;
            assert_eq!(json!(list), fresh["result"], "{query}");
        }
    }
}

#[tokio::test]
async fn a_reader_that_was_slow_gets_a_fresh_result_with_the_reason() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let start = client.subscribe(json!({"table": "tasks"})).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(server.task(json!({"title": format!("Task {number}")})).await);
    }
    // Nobody reads: what the system buffers fills up, then the queue, then pushes collapse.
    for number in 0..2_000 {
        let data = json!({"data": {"title": format!("{number} {}", "x".repeat(20_000))}});
        let path = format!("/api/tables/tasks/records/{}", ids[number % ids.len()]);
        server.patch(&path, data).await.expect(200);
    }
    client.ask(json!({"type": "barrier"})).await;
    let frames = std::mem::take(&mut client.aside);
    let overflowed = frames.iter().any(|frame| frame["reason"] == "overflow");
    assert!(overflowed, "{} pushes and no overflow", frames.len());
    let (list, _) = applied(
        Vec::new(),
        start["revision"].as_u64().unwrap(),
        &start["subscription"],
        &frames,
    );
    assert_eq!(list.len(), ids.len());
}

#[tokio::test]
async fn topics_are_told_in_order_and_resumed() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let on = client.ask(json!({"type": "on", "topic": "table.tasks.*"})).await;
    assert_eq!(on["type"], "result", "{on}");
    for number in 0..5 {
        server.task(json!({"title": format!("Task {number}")})).await;
    }
    client.ask(json!({"type": "barrier"})).await;
    let titles = |frames: &[Value]| -> Vec<Value> {
        let events = frames.iter().filter(|frame| frame["type"] == "event");
        events
            .map(|frame| frame["event"]["record"]["title"].clone())
            .collect()
    };
    let told = std::mem::take(&mut client.aside);
    assert_eq!(
        titles(&told),
        (0..5).map(|n| json!(format!("Task {n}"))).collect::<Vec<_>>()
    );
    let third = told
        .iter()
        .filter(|frame| frame["type"] == "event")
        .nth(2)
        .unwrap();
    let since = third["event"]["revision"].clone();
    let again = client
        .ask(json!({"type": "on", "topic": "*.*.inserted", "since": since}))
        .await;
    // What is there already comes at once, though nothing new happens.
    let asked = std::time::Instant::now();
    let mut resumed = Vec::new();
    while resumed.len() < 2 {
        let frame = client.next().await;
        if frame["subscription"] == again["subscription"] {
            resumed.push(frame);
        }
    }
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    assert_eq!(titles(&resumed), [json!("Task 3"), json!("Task 4")]);
}

#[tokio::test]
async fn operations_are_done_and_need_their_scope() {
    let server = Server::with_tasks().await;
    let address = listen(&server).await;
    let mut client = Client::new(address, &server.write).await;
    let mut act = async |frame: Value| client.ask(frame).await["value"].clone();
    let made = act(json!({"type": "do", "op": "insert", "table": "tasks", "data": {"title": "One"}})).await;
    assert_eq!(made["title"], "One");
    let key = made["id"].clone();
    let got = act(json!({"type": "do", "op": "get", "table": "tasks", "key": key})).await;
    assert_eq!(got, made);
    let updated =
        act(json!({"type": "do", "op": "update", "table": "tasks", "key": key, "data": {"title": "Two"}}))
            .await;
    assert_eq!(updated["_version"], 2);
    assert_eq!(
        act(json!({"type": "do", "op": "count", "bucket": "tasks", "filter": {"title": "Two"}})).await,
        json!(1)
    );
    assert_eq!(
        act(json!({"type": "do", "op": "delete", "table": "tasks", "key": key})).await,
        json!(true)
    );
    assert_eq!(
        act(json!({"type": "do", "op": "all", "table": "tasks"})).await,
        json!([])
    );
    let mut reader = Client::new(address, &server.read).await;
    let insert = json!({"type": "do", "op": "insert", "table": "tasks", "data": {"title": "One"}});
    assert_eq!(reader.refused(insert).await, "forbidden");
}

#[tokio::test]
async fn stored_queries_are_kept_run_and_watched() {
    let server = Server::with_tasks().await;
    let query = json!({"query": {"table": "tasks", "filter": {"priority": "{{ params.priority }}"}, "fields": ["title"]}});
    let stored = server
        .put("/api/queries/urgent", query.clone())
        .await
        .expect(200)
        .json();
    assert_eq!(stored["params"], json!(["priority"]));
    server.task(json!({"title": "One", "priority": 5})).await;
    let run = server
        .post("/api/queries/urgent/run", json!({"params": {"priority": 5}}))
        .await
        .expect(200)
        .json();
    assert_eq!(run["result"][0]["title"], "One");
    assert_eq!(
        run["result"][0].as_object().unwrap().len(),
        2,
        "the key and what was asked for"
    );
    let missing = server.post("/api/queries/urgent/run", json!({})).await;
    assert_eq!(missing.status, 422);
    assert_eq!(
        server.get("/api/queries").await.expect(200).json()["queries"][0]["name"],
        "urgent"
    );
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let start = client
        .ask(json!({"type": "subscribe", "name": "urgent", "params": {"priority": 5}}))
        .await;
    assert_eq!(start["result"][0]["title"], "One");
    let stats = server.get("/api/stats").await.expect(200).json();
    assert_eq!(stats["queries"], json!({"defined": 1, "activeSubscriptions": 1}));
    server.delete("/api/queries/urgent").await.expect(204);
    server.get("/api/queries/urgent").await.expect(404);
}

#[tokio::test]
async fn whole_results_come_where_they_are_asked_for() {
    let server = Server::with_tasks().await;
    let mut client = Client::new(listen(&server).await, &server.read).await;
    let ask =
        json!({"type": "subscribe", "query": {"table": "tasks", "fields": ["title"]}, "snapshots": true});
    client.ask(ask).await;
    for number in 0..3 {
        server.task(json!({"title": format!("Task {number}")})).await;
        let push = client.next().await;
        assert_eq!(push["snapshot"].as_array().unwrap().len(), number + 1, "{push}");
    }
}
