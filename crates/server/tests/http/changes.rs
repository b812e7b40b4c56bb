//! Events over HTTP: pages, streams, resuming them, and what ends a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::{Body, BodyDataStream};
use chancery_server::Limits;
use futures::StreamExt;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::{Server, tasks};
use crate::served::Served;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One message of a stream.
#[derive(Debug)]
struct Told {
    id: u64,
    topic: String,
    event: Value,
}

/// A stream of events that is read.
struct Listener {
    body: BodyDataStream,
    text: String,
}

impl Listener {
    async fn open(server: &Server, path: &str, key: &str, last: Option<u64>) -> Listener {
        let mut request = Request::get(path)
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {key}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        let request = request.body(Body::empty()).unwrap();
        let response = server.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Listener {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next message; none at the end of the stream.
    async fn next(&mut self) -> Option<Told> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut lines = block.lines().filter_map(|line| line.split_once(": "));
                    lines
                        .find(|(had, _)| *had == name)
                        .map(|(_, value)| value.to_owned())
                };
                if let (Some(topic), Some(data)) = (field("event"), field("data")) {
                    return Some(Told {
                        // What ends a stream has none.
                        id: field("id").map_or(0, |id| id.parse().unwrap()),
                        topic,
                        event: serde_json::from_str(&data).unwrap(),
                    });
                }
            }
            let part = tokio::time::timeout(PATIENCE, self.body.next())
                .await
                .expect("something comes");
            self.text.push_str(std::str::from_utf8(&part?.unwrap()).unwrap());
        }
    }

    async fn ids(&mut self, count: usize) -> Vec<u64> {
        let mut ids = Vec::new();
        for _ in 0..count {
            ids.push(self.next().await.expect("it goes on").id);
        }
        ids
    }
}

#[tokio::test]
async fn a_page_tells_whole_commits_and_where_to_go_on() {
    let server = Server::with_tasks().await;
    let start: u64 = server.get("/api/changes").await.expect(200).json()["revision"]
        .as_u64()
        .unwrap();
    let one = server.task(json!({"title": "One"})).await;
    let path = format!("/api/tables/tasks/records/{one}");
    server
        .patch(&path, json!({"data": {"title": "Two"}}))
        .await
        .expect(200);
    let many: Vec<Value> = (0..5).map(|n| json!({"title": format!("t{n}")})).collect();
    server
        .post("/api/tables/tasks/records/bulk", json!({"records": many}))
        .await
        .expect(200);
    server.delete(&path).await.expect(204);

    let page = server
        .get(&format!("/api/changes?since={start}&limit=3"))
        .await
        .expect(200)
        .json();
    let topics: Vec<&str> = page["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["topic"].as_str().unwrap())
        .collect();
    assert_eq!(topics[..2], ["table.tasks.inserted", "table.tasks.updated"]);
    assert_eq!(
        (topics.len(), &page["hasMore"]),
        (7, &json!(true)),
        "the bulk is one commit"
    );
    let updated = &page["events"][1];
    assert_eq!(updated["type"], "updated");
    assert_eq!(
        (&updated["oldRecord"]["title"], &updated["newRecord"]["title"]),
        (&json!("One"), &json!("Two"))
    );
    assert_eq!(
        (&updated["newRecord"]["_version"], &updated["key"]),
        (&json!(2), &json!(one))
    );
    assert_eq!(updated["record"], Value::Null);
    assert!(
        updated["actor"].is_string() && updated["at"].is_i64(),
        "{updated}"
    );
    let rest = server
        .get(&format!("/api/changes?since={}", page["revision"]))
        .await
        .expect(200)
        .json();
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&rest["events"][0]["type"], &rest["hasMore"]),
        (&json!("deleted"), &json!(false))
    );
    assert!(rest["events"][0]["record"]["_deletedAt"].is_i64());
    let end = server
        .get(&format!("/api/changes?since={}", rest["revision"]))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&end["events"], &end["revision"]),
        (&json!([]), &rest["revision"])
    );

    let some = "/api/changes?topic=bucket.*.deleted&topic=table.tasks.updated&topic=table.other.*";
    let some = server.get(some).await.expect(200).json();
    assert_eq!(some["events"].as_array().unwrap().len(), 2);
    for (query, code) in [
        ("topic=tasks", "invalidParameter"),
        ("since=x", "invalidParameter"),
        ("limit=0", "limitExceeded"),
        ("topics=*", "unknownParameter"),
    ] {
        assert_eq!(
            server
                .get(&format!("/api/changes?{query}"))
                .await
                .expect(400)
                .code(),
            code
        );
    }
    let missing = server.get("/api/changes?workspace=nowhere").await.expect(404);
    assert_eq!(missing.code(), "workspaceNotFound");
}

#[tokio::test]
async fn a_stream_tells_what_comes_and_is_resumed_exactly() {
    let server = Server::with_tasks().await;
    server.task(json!({"title": "before"})).await;
    let mut listener = Listener::open(&server, "/api/changes", &server.read, None).await;
    for n in 0..4 {
        server.task(json!({"title": format!("t{n}")})).await;
    }
    let first = listener.next().await.expect("it goes on");
    assert_eq!(
        (first.topic.as_str(), &first.event["record"]["title"]),
        ("table.tasks.inserted", &json!("t0"))
    );
    assert_eq!(first.event["number"], json!(first.id));
    assert_eq!(listener.ids(1).await, [first.id + 1]);
    drop(listener);
    server.task(json!({"title": "meanwhile"})).await;
    let mut listener = Listener::open(
        &server,
        "/api/changes?topic=table.tasks.*",
        &server.read,
        Some(first.id + 1),
    )
    .await;
    assert_eq!(listener.ids(3).await, [first.id + 2, first.id + 3, first.id + 4]);
    let mut all = Listener::open(&server, "/api/changes?since=0", &server.read, None).await;
    assert_eq!(
        all.ids(6).await,
        (first.id - 1..first.id + 5).collect::<Vec<u64>>()
    );
    let mut none = Listener::open(
        &server,
        "/api/changes?topic=table.tasks.deleted",
        &server.read,
        None,
    )
    .await;
    let id = server.task(json!({"title": "last"})).await;
    server
        .delete(&format!("/api/tables/tasks/records/{id}"))
        .await
        .expect(204);
    assert_eq!(
        none.next().await.expect("it goes on").topic,
        "table.tasks.deleted"
    );
    let bad = [
        ("accept", "text/event-stream"),
        ("last-event-id", "x"),
        ("authorization", &format!("Bearer {}", server.read)),
    ];
    assert_eq!(
        server
            .call("GET", "/api/changes", &bad, Body::empty())
            .await
            .expect(400)
            .code(),
        "invalidHeader"
    );
}

#[tokio::test]
async fn a_stream_ends_when_its_key_does() {
    let server = Server::with_tasks().await;
    let made = server
        .post("/api/api-keys", json!({"name": "short", "scope": "read"}))
        .await
        .expect(201)
        .json();
    let key = made["key"].as_str().unwrap();
    let mut listener = Listener::open(&server, "/api/changes", key, None).await;
    server.task(json!({"title": "one"})).await;
    assert!(listener.next().await.is_some());
    server
        .delete(&format!("/api/api-keys/{}", made["id"].as_str().unwrap()))
        .await
        .expect(204);
    assert!(listener.next().await.is_none(), "nothing more is told");
}

#[tokio::test]
async fn there_is_a_limit_of_streams_and_it_says_so() {
    let limits = Limits {
        event_streams_max: 1,
        ..Limits::default()
    };
    let server = Server::with(limits).await;
    server.post("/api/tables", tasks()).await.expect(201);
    let first = Listener::open(&server, "/api/changes", &server.read, None).await;
    let refused = server
        .call(
            "GET",
            "/api/changes",
            &[("accept", "text/event-stream")],
            Body::empty(),
        )
        .await
        .expect(503);
    assert_eq!(
        (refused.code().as_str(), refused.header("retry-after")),
        ("overloaded", "10")
    );
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("eventStreamsMax")
    );
    server.get("/api/changes").await.expect(200);
    drop(first);
    is_free(&server.router, &server.read).await;
}

/// Waits until a stream may be opened.
async fn is_free(router: &axum::Router, key: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let request = Request::get("/api/changes")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {key}"));
        let request = request.body(Body::empty()).unwrap();
        match router.clone().oneshot(request).await.unwrap().status() {
            StatusCode::OK => return,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        }
        assert!(Instant::now() < deadline, "the stream keeps its place");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_stream_that_nobody_reads_loses_its_place() {
    let limits = Limits {
        event_streams_max: 1,
        event_stream_send_max: Duration::from_millis(300),
        ..Limits::default()
    };
    let store = chancery::Store::open("memory:").await.unwrap();
    let definition = json!({"key": "id", "schema": {"id": {"type": "string"}, "text": {"type": "string"}}});
    let notes = store.define_bucket("notes", &definition).await.unwrap();
    // More than all buffers on the way hold.
    let text = "x".repeat(10_000);
    let all = (0..2_000)
        .map(|n| json!({"id": n.to_string(), "text": text}))
        .collect();
    notes.insert_many(all).await.unwrap();
    let served = Served::with(store, Vec::new(), limits).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(served.address).await.unwrap();
    let ask = format!(
        "GET /api/changes?since=0 HTTP/1.1\r\nhost: {}\r\naccept: text/event-stream\r\nauthorization: Bearer {}\r\n\r\n",
        served.address, served.key
    );
    tokio::io::AsyncWriteExt::write_all(&mut stream, ask.as_bytes())
        .await
        .unwrap();
    let mut head = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut head)
        .await
        .unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let deadline = Instant::now() + PATIENCE;
    // It is not read from here on.
    loop {
        let status = served.open_status("/api/changes").await;
        if status == 200 {
            break;
        }
        assert_eq!(status, 503);
        assert!(Instant::now() < deadline, "it keeps its place");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(stream);
    served.stop().await;
}

#[tokio::test]
async fn a_place_beyond_the_end_of_the_log_is_said_to_be_gone() {
    let server = Server::with_tasks().await;
    server.task(json!({"title": "one"})).await;
    let page = server.get("/api/changes").await.expect(200).json();
    let (revision, number) = (
        page["revision"].as_u64().unwrap(),
        page["events"][0]["number"].as_u64().unwrap(),
    );
    server
        .get(&format!("/api/changes?since={revision}"))
        .await
        .expect(200);
    let gone = server.get("/api/changes?since=1000000").await.expect(410);
    assert_eq!(gone.code(), "revisionGone");
    let detail = gone.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("holds revisions 0 to"), "{detail}");
    for (last, status) in [(number, 200), (number + 1, 410), (1_000_000, 410)] {
        let request = Request::get("/api/changes")
            .header("accept", "text/event-stream")
            .header("authorization", format!("Bearer {}", server.read))
            .header("last-event-id", last.to_string());
        let request = request.body(Body::empty()).unwrap();
        let answer = server.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{last}");
    }
}

#[tokio::test]
async fn a_page_ends_though_the_log_of_others_does_not() {
    let store = chancery::Store::open("memory:").await.unwrap();
    let input = chancery::WorkspaceInput {
        name: "Other".into(),
        ..Default::default()
    };
    store.create_workspace(input).await.unwrap();
    let other = store.in_workspace("other").unwrap();
    let definition = json!({"key": "id", "schema": {"id": {"type": "string"}}});
    let busy = other.define_bucket("busy", &definition).await.unwrap();
    for part in 0..25 {
        let all = (0..1_000).map(|n| json!({"id": format!("{part}-{n}")})).collect();
        busy.insert_many(all).await.unwrap();
    }
    let server = Server::over(store, Limits::default()).await;
    server.post("/api/tables", tasks()).await.expect(201);
    server.task(json!({"title": "one"})).await;
    let first = server.get("/api/changes?since=0").await.expect(200).json();
    assert_eq!(
        (&first["events"], &first["hasMore"]),
        (&json!([]), &json!(true)),
        "it says how far it is"
    );
    let path = format!("/api/changes?since={}", first["revision"]);
    let second = server.get(&path).await.expect(200).json();
    assert_eq!(
        (second["events"].as_array().unwrap().len(), &second["hasMore"]),
        (1, &json!(false))
    );
}

#[tokio::test]
async fn a_place_that_the_log_does_not_hold_any_more_is_said_to_be_gone() {
    let ahead = Arc::new(AtomicI64::new(0));
    let passed = ahead.clone();
    let system = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let options = chancery::OpenOptions {
        clock: chancery::Clock::of(move || system() + passed.load(Relaxed)),
        ..chancery::OpenOptions::default()
    };
    let store = chancery::Store::open_with("memory:", options).await.unwrap();
    let server = Server::over(store.clone(), Limits::default()).await;
    server.post("/api/tables", tasks()).await.expect(201);
    let write = async |title: &str| {
        let body = json!({"data": {"title": title}});
        server.post("/api/tables/tasks/records", body).await.expect(201);
        server.get("/api/changes").await.expect(200).json()["revision"].clone()
    };
    write("one").await;
    let second = write("two").await;
    ahead.fetch_add(7_200_000, Relaxed);
    write("three").await;
    store.forget_changes(Duration::ZERO).await.unwrap();

    let page = server.get("/api/changes?since=0").await.expect(410);
    assert_eq!(page.code(), "revisionGone");
    let hint = page.json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("Read the records again"), "{hint}");
    let kept = server
        .get(&format!("/api/changes?since={second}"))
        .await
        .expect(200)
        .json();
    assert_eq!(kept["events"].as_array().unwrap().len(), 1, "{kept}");

    let resumed = [("accept", "text/event-stream"), ("last-event-id", "1")];
    let refused = server
        .call("GET", "/api/changes", &resumed, Body::empty())
        .await
        .expect(410);
    assert_eq!(refused.code(), "revisionGone");
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams() {
    let served = Served::start(chancery::Store::open("memory:").await.unwrap()).await;
    let stream = served.open("/api/changes").await;
    let started = Instant::now();
    served.stop().await;
    stream.await.unwrap();
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}
