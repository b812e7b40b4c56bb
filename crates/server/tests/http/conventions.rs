//! What holds for every route: refusals, limits, headers, idempotency, hosts.

use std::time::Duration;

use axum::body::Body;
use chancery_server::Limits;
use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn what_cannot_be_read_is_refused_as_a_problem() {
    let server = Server::with_tasks().await;
    let json = [("content-type", "application/json")];
    for (method, path, headers, body, status, code) in [
        ("GET", "/api/nothing", &[][..], "", 404, "routeNotFound"),
        ("PUT", "/api/tables", &json, "{}", 405, "methodNotAllowed"),
        (
            "POST",
            "/api/tables",
            &[("content-type", "text/plain")],
            "{}",
            415,
            "unsupportedMediaType",
        ),
        ("POST", "/api/tables", &[], "{}", 415, "unsupportedMediaType"),
        ("POST", "/api/tables", &json, "{\"name\":", 400, "malformedJson"),
        ("POST", "/api/tables", &json, "", 400, "malformedJson"),
        ("POST", "/api/tables", &json, "[\"a\"]", 422, "invalidBody"),
        (
            "POST",
            "/api/tables",
            &json,
            "{\"nmae\":\"a\"}",
            422,
            "invalidBody",
        ),
        ("GET", "/api/tables?limti=3", &[], "", 400, "unknownParameter"),
        (
            "GET",
            "/api/tables/tasks/records/x?dryRun=true",
            &[],
            "",
            400,
            "unknownParameter",
        ),
        (
            "GET",
            "/api/tables?include=rows",
            &[],
            "",
            400,
            "invalidParameter",
        ),
        (
            "POST",
            "/api/tables/tasks/records?dryRun=perhaps",
            &json,
            "{\"data\":{}}",
            400,
            "invalidParameter",
        ),
        ("GET", "/api/tables/%ff", &[], "", 400, "malformedPath"),
    ] {
        let answer = server.call(method, path, headers, body).await.expect(status);
        assert_eq!(answer.code(), code, "{method} {path}");
    }
    let near = server.get("/api/tables?limti=3").await.json();
    assert_eq!(near["hint"], "Did you mean \"limit\"?");
    let allowed = server.put("/api/tables", json!({})).await;
    assert!(allowed.header("allow").contains("POST"), "{:?}", allowed.headers);
}

#[tokio::test]
async fn every_answer_carries_its_id_and_the_revision() {
    let server = Server::with_tasks().await;
    let answer = server
        .call(
            "GET",
            "/api/tables",
            &[("x-request-id", "trace-7")],
            Body::empty(),
        )
        .await;
    assert_eq!(answer.header("x-request-id"), "trace-7");
    let before: u64 = answer.header("x-revision").parse().unwrap();
    server.task(json!({"title": "a"})).await;
    let after: u64 = server
        .get("/api/tables")
        .await
        .header("x-revision")
        .parse()
        .unwrap();
    assert!(after > before, "{before} {after}");
    assert_eq!(
        (
            answer.header("x-content-type-options"),
            answer.header("cache-control")
        ),
        ("nosniff", "no-store")
    );
    let future = [("x-at-least-revision", "999999999")];
    assert_eq!(
        server
            .call("GET", "/api/tables", &future, Body::empty())
            .await
            .expect(503)
            .code(),
        "storageUnavailable"
    );
    let now = after.to_string();
    server
        .call(
            "GET",
            "/api/tables",
            &[("x-at-least-revision", now.as_str())],
            Body::empty(),
        )
        .await
        .expect(200);
}

#[tokio::test]
async fn a_body_beyond_its_limit_is_refused_with_the_limit() {
    let server = Server::with(Limits {
        body_bytes_max: 100,
        ..Limits::default()
    })
    .await;
    let refused = server
        .post("/api/tables", json!({"name": "x".repeat(200)}))
        .await
        .expect(413);
    assert_eq!(refused.code(), "bodyTooLarge");
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("bodyBytesMax of 100")
    );
    let pieces = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>("x".repeat(20))));
    let headers = [("content-type", "application/json")];
    let refused = server
        .call("POST", "/api/tables", &headers, Body::from_stream(pieces))
        .await
        .expect(413);
    assert_eq!(refused.code(), "bodyTooLarge");
}

#[tokio::test]
async fn a_body_that_never_comes_does_not_hold_the_server() {
    let server = Server::with(Limits {
        request_time_max: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    let never = futures::stream::pending::<Result<String, std::io::Error>>();
    let headers = [("content-type", "application/json")];
    let refused = server
        .call("POST", "/api/tables", &headers, Body::from_stream(never))
        .await
        .expect(503);
    assert_eq!(refused.code(), "timeout");
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_back() {
    let server = Server::with(Limits {
        concurrent_requests_max: 0,
        ..Limits::default()
    })
    .await;
    let refused = server.get("/api/tables").await.expect(503);
    assert_eq!(refused.code(), "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
}

#[tokio::test]
async fn a_keyed_request_is_done_once() {
    let server = Server::with_tasks().await;
    let headers = [("idempotency-key", "k1"), ("content-type", "application/json")];
    let path = "/api/tables/tasks/records";
    let first = server
        .call("POST", path, &headers, "{\"data\":{\"title\":\"a\"}}")
        .await
        .expect(201);
    let again = server
        .call("POST", path, &headers, "{\"data\":{\"title\":\"a\"}}")
        .await
        .expect(201);
    assert_eq!(
        (first.json(), first.header("location")),
        (again.json(), again.header("location"))
    );
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = server
        .call("POST", path, &headers, "{\"data\":{\"title\":\"b\"}}")
        .await
        .expect(409);
    assert_eq!(other.code(), "idempotencyMismatch");
    assert_eq!(server.get("/api/tables/tasks/stats").await.json()["records"], 1);
    let writer = format!("Bearer {}", server.write);
    let theirs = [
        ("idempotency-key", "k1"),
        ("content-type", "application/json"),
        ("authorization", writer.as_str()),
    ];
    server
        .call("POST", path, &theirs, "{\"data\":{\"title\":\"b\"}}")
        .await
        .expect(201);
    let long = "k".repeat(300);
    let bad = [
        ("idempotency-key", long.as_str()),
        ("content-type", "application/json"),
    ];
    assert_eq!(
        server
            .call("POST", path, &bad, "{\"data\":{}}")
            .await
            .expect(400)
            .code(),
        "invalidHeader"
    );
}

#[tokio::test]
async fn a_secret_is_told_once_also_to_who_repeats_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = chancery::Store::open(&url).await.unwrap();
    let server = Server::over(store.clone(), Limits::default()).await;
    let mut secrets = Vec::new();
    for (path, body, secret) in [
        (
            "/api/webhooks",
            "{\"url\":\"https://example.org/hook\"}",
            "secret",
        ),
        ("/api/api-keys", "{\"name\":\"ci\",\"scope\":\"read\"}", "key"),
    ] {
        let headers = [("idempotency-key", path), ("content-type", "application/json")];
        let first = server.call("POST", path, &headers, body).await.expect(201);
        let secret = first.json()[secret].as_str().unwrap().to_owned();
        let again = server.call("POST", path, &headers, body).await.expect(409);
        assert_eq!(again.code(), "conflict");
        let said = again.json().to_string();
        assert!(
            said.contains("told once only") && said.contains(first.header("location")),
            "{said}"
        );
        assert!(!said.contains(&secret), "{said}");
        secrets.push(secret);
    }
    let all = server.get("/api/webhooks").await.expect(200).json();
    assert_eq!(all["webhooks"].as_array().unwrap().len(), 1);
    store.close().await.unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&secrets[1]), "of a key only its hash is kept");
        // That of a webhook signs its messages, so it is kept with it; an answer would hold it as a text within a text.
        let within = format!("\\\"{}\\\"", secrets[0]);
        assert!(!text.contains(&within), "the answer is not kept");
    }
}

#[tokio::test]
async fn a_refused_request_may_use_its_key_again() {
    let server = Server::with_tasks().await;
    let headers = [("idempotency-key", "k1"), ("content-type", "application/json")];
    server
        .call("POST", "/api/tables/tasks/records", &headers, "{\"data\":{}}")
        .await
        .expect(422);
    server
        .call(
            "POST",
            "/api/tables/tasks/records",
            &headers,
            "{\"data\":{\"title\":\"a\"}}",
        )
        .await
        .expect(201);
}

#[tokio::test]
async fn a_foreign_host_name_is_refused_on_loopback() {
    let server = Server::start().await;
    let refused = server
        .call("GET", "/api/tables", &[("host", "evil.example")], Body::empty())
        .await
        .expect(421);
    assert_eq!(refused.code(), "misdirectedRequest");
    server
        .call("GET", "/api/tables", &[("host", "localhost:7373")], Body::empty())
        .await
        .expect(200);
    server
        .call("GET", "/", &[("host", "evil.example")], Body::empty())
        .await
        .expect(421);
}

#[tokio::test]
async fn the_page_runs_only_what_carries_the_nonce_of_its_answer() {
    let server = Server::start().await;
    for path in ["/", "/tables/x", "/api/docs"] {
        let page = server
            .call("GET", path, &[("stranger", "")], Body::empty())
            .await
            .expect(200);
        let policy = page.header("content-security-policy").to_owned();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        let html = String::from_utf8(page.bytes).unwrap();
        assert!(!html.contains("__CSP_NONCE__"), "{path}");
        let again = server.call("GET", path, &[("stranger", "")], Body::empty()).await;
        assert_ne!(again.header("content-security-policy"), policy);
    }
    let missing = server
        .call("GET", "/assets/nothing.js", &[("stranger", "")], Body::empty())
        .await
        .expect(404);
    assert_eq!(missing.code(), "routeNotFound");
}

#[tokio::test]
async fn health_answers_strangers_and_metrics_administrators() {
    let server = Server::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server
            .call("GET", path, &[("stranger", "")], Body::empty())
            .await
            .expect(200);
        assert_eq!(answer.json()["status"], "ok");
    }
    server
        .call("GET", "/metrics", &[("stranger", "")], Body::empty())
        .await
        .expect(401);
    let metrics = server.get("/metrics").await.expect(200);
    let text = String::from_utf8(metrics.bytes).unwrap();
    assert!(
        text.contains("chancery_requests_total{route=\"/readyz\",method=\"GET\",status=\"200\"} "),
        "{text}"
    );
    let document = server
        .call("GET", "/api/openapi.json", &[("stranger", "")], Body::empty())
        .await
        .expect(200)
        .json();
    assert_eq!(document["openapi"], "3.1.0");
}

#[tokio::test]
async fn large_answers_are_compressed_for_who_asks() {
    let server = Server::start().await;
    let plain = server.get("/api/openapi.json").await.bytes.len();
    for encoding in ["gzip", "br", "zstd"] {
        let answer = server
            .call(
                "GET",
                "/api/openapi.json",
                &[("accept-encoding", encoding)],
                Body::empty(),
            )
            .await;
        assert_eq!(answer.header("content-encoding"), encoding);
        assert!(answer.bytes.len() < plain / 3, "{encoding}");
    }
}

#[tokio::test]
async fn a_backup_ends_where_it_ends_compressed_or_not() {
    let server = Server::with_tasks().await;
    let plain = server.get("/api/backup").await.expect(200);
    assert!(plain.bytes.starts_with(b"SQLite format 3\0"));
    assert_eq!(plain.header("content-length"), plain.bytes.len().to_string());
    // What compresses asks for more after the last piece.
    for encoding in ["gzip", "br", "zstd"] {
        let headers = [("accept-encoding", encoding)];
        let packed = server.call("GET", "/api/backup", &headers, Body::empty()).await;
        let packed = packed.expect(200);
        assert_eq!(packed.header("content-encoding"), encoding);
        assert!(packed.bytes.len() < plain.bytes.len() / 3, "{encoding}");
    }
}

#[tokio::test]
async fn a_post_that_needs_no_body_comes_without_one() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "a"})).await;
    let operations = server.get("/api/operations").await.expect(200).json();
    let operation = operations["operations"][0]["operation"]
        .as_str()
        .expect("an id")
        .to_owned();
    let revert = format!("/api/operations/{operation}/revert");
    let json = ("content-type", "application/json");
    // What is sent is still to be JSON.
    server.call("POST", &revert, &[], "{}").await.expect(415);
    let bad = server
        .call("POST", "/api/tables", &[], axum::body::Body::empty())
        .await;
    assert_eq!(bad.expect(415).code(), "unsupportedMediaType");
    let taken_back = server.call("POST", &revert, &[], axum::body::Body::empty()).await;
    taken_back.expect(200);
    let path = format!("/api/tables/tasks/records/{id}");
    assert_ne!(server.get(&path).await.status.as_u16(), 200);
    // With a Content-Type, and under a key.
    for headers in [&[json][..], &[("idempotency-key", "all of them")]] {
        server
            .call(
                "POST",
                "/api/tables/tasks/query",
                headers,
                axum::body::Body::empty(),
            )
            .await
            .expect(200);
    }
}
