//! What the vault says to nobody: values, tokens and passwords in refusals, kept answers, lists, events; and what a GET does.

use axum::body::Body;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};
use crate::vault::put;

const CANARY: &str = "canary-4711-canary";

#[tokio::test]
async fn no_answer_of_the_vault_is_stored_on_its_way() {
    let server = Server::start().await;
    let made = server
        .post("/api/vault/tokens", json!({"value": CANARY}))
        .await
        .expect(201);
    let token = made.json()["token"].clone();
    let answers = [
        made,
        server
            .post("/api/vault/tokens/read", json!({ "token": token }))
            .await
            .expect(200),
        server
            .post("/api/vault/tokens/read", json!({"token": "nobody"}))
            .await
            .expect(404),
        server.get("/api/vault/tokens").await.expect(200),
        server.get("/api/vault/audit").await.expect(200),
        server.get("/api/vault/status").await.expect(200),
    ];
    for answer in answers {
        assert_eq!(answer.header("cache-control"), "no-store");
    }
}

#[tokio::test]
async fn refusals_repeat_nothing_of_what_was_sent() {
    let server = Server::start().await;
    let quoted = format!("\"{CANARY}\"");
    for (operation, body) in [
        ("", format!("{{\"value\": [{quoted}]}}")),
        ("", format!("{{\"value\": {{\"a\": {quoted}}}}}")),
        ("", format!("{{\"value\": \"a\", \"maxReads\": {quoted}}}")),
        ("", format!("{{\"value\": \"a\", \"metadata\": {quoted}}}")),
        (
            "",
            format!("{{\"value\": \"a\", \"metadata\": {{\"a\": [{quoted}]}}}}"),
        ),
        ("", format!("{{\"valueBase64\": {quoted}}}")),
        ("", format!("{{\"value\": {quoted}")),
        (
            "",
            format!("{{\"value\": \"a\", \"password\": {quoted}, \"maxReads\": 0}}"),
        ),
        (
            "/read",
            format!("{{\"token\": {quoted}, \"password\": {quoted}}}"),
        ),
        ("/read", format!("{{\"token\": {quoted}, \"version\": {quoted}}}")),
        ("/read-many", format!("{{\"tokens\": {quoted}}}")),
        ("/resolve", format!("{{\"map\": {quoted}}}")),
        ("/query", format!("{{\"order\": {quoted}}}")),
        (
            "/query",
            format!("{{\"tokens\": [{quoted}], \"limit\": {quoted}}}"),
        ),
        ("/read", quoted.clone()),
    ] {
        let path = format!("/api/vault/tokens{operation}");
        let answer = server
            .call(
                "POST",
                &path,
                &[("content-type", "application/json")],
                body.clone(),
            )
            .await;
        assert!(answer.status.is_client_error(), "{body}");
        let told = String::from_utf8(answer.bytes).unwrap();
        assert!(!told.contains("canary-4711"), "{body} was answered {told}");
    }
}

#[tokio::test]
async fn what_a_key_made_is_not_told_again_nor_kept() {
    let server = Server::start().await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k-1")];
    let create = |value: &str| {
        let body = json!({ "value": value }).to_string();
        let server = &server;
        async move { server.call("POST", "/api/vault/tokens", &headers, body).await }
    };
    let made = create(CANARY).await.expect(201);
    let again = create(CANARY).await.expect(409);
    assert_eq!(again.code(), "conflict");
    assert!(
        again.json()["detail"]
            .as_str()
            .unwrap()
            .contains(made.header("location"))
    );
    // Of the body nothing is kept either, not even a hash that could be compared: another one is refused in the same words.
    assert_eq!(create("another").await.expect(409).code(), "conflict");
    let list = server.get("/api/vault/tokens").await.expect(200).json();
    assert_eq!(list["secrets"].as_array().unwrap().len(), 1);
}

/// Whether a text stands anywhere in what administrators can ask for.
async fn told_anywhere(server: &Server, text: &str) -> Vec<String> {
    let mut told = Vec::new();
    for path in [
        "/api/vault/tokens?state=all",
        "/api/vault/audit",
        "/api/vault/status",
        "/api/changes?since=0",
        "/api/operations",
        "/api/tables",
        "/api/stats",
        "/metrics",
    ] {
        let answer = server.get(path).await.expect(200);
        if String::from_utf8_lossy(&answer.bytes).contains(text) {
            told.push(path.to_owned());
        }
    }
    told
}

#[tokio::test]
async fn no_list_no_event_and_no_figure_tells_of_what_is_in_the_vault() {
    let server = Server::start().await;
    let password = "correct horse battery";
    let (token, id) = put(&server, json!({"value": CANARY, "password": password})).await;
    let body = json!({"token": token, "password": password});
    server.post("/api/vault/tokens/read", body).await.expect(200);
    for secret in [CANARY, token.as_str(), password] {
        assert_eq!(told_anywhere(&server, secret).await, Vec::<String>::new());
    }
    let paths = told_anywhere(&server, &id).await;
    assert_eq!(paths, ["/api/vault/tokens?state=all", "/api/vault/audit"]);
}

#[tokio::test]
async fn a_get_takes_nothing() {
    let server = Server::start().await;
    let (token, id) = put(&server, json!({"value": "v", "maxReads": 1})).await;
    let get = async |path: &str| -> Answer { server.call("GET", path, &[], Body::empty()).await };
    for path in ["read", "unwrap", "read-many", "resolve"] {
        let refused = get(&format!("/api/vault/tokens/{path}")).await;
        assert!(
            matches!(refused.status.as_u16(), 404 | 405),
            "{path}: {}",
            refused.status
        );
    }
    for _ in 0..3 {
        let shown: Value = get(&format!("/api/vault/tokens/{id}")).await.expect(200).json();
        assert_eq!(shown["readsLeft"], 1);
        get(&format!("/api/vault/tokens/{id}/versions")).await.expect(200);
    }
    let read = server
        .post("/api/vault/tokens/read", json!({ "token": token }))
        .await
        .expect(200);
    assert_eq!(read.json()["readsLeft"], 0);
}
