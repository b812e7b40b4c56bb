//! Jobs on all secrets: begun, looked at, paused, resumed, called off; and what is wrong with a request for one.

use std::time::Duration;

use axum::body::Body;
use chancery::Store;
use chancery::vault::{Vault, VaultOptions};
use chancery_server::Limits;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};
use crate::vault::put;

const OLD: &str = "canary-4711 the old one";
const NEW: &str = "canary-4711 the new one";

async fn start(server: &Server, body: Value) -> Answer {
    server.post("/api/vault/jobs", body).await
}

/// Begins a job and answers its path.
async fn begun(server: &Server, body: Value) -> String {
    let answer = start(server, body).await.expect(202);
    let path = answer.header("location").to_owned();
    assert_eq!(
        path,
        format!("/api/jobs/{}", answer.json()["id"].as_str().unwrap())
    );
    assert_silent(&answer);
    path
}

/// A job once it is in a state.
async fn once(server: &Server, path: &str, state: &str) -> Value {
    for _ in 0..500 {
        let answer = server.get(path).await.expect(200);
        assert_silent(&answer);
        let job = answer.json();
        if job["state"] == state {
            return job;
        }
        assert_eq!(job["state"], "running", "{job}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the job is not {state}");
}

#[track_caller]
fn assert_silent(answer: &Answer) {
    let told = String::from_utf8_lossy(&answer.bytes);
    // Not fewer digits: ids and times have those.
    assert!(
        !told.contains("canary-4711") && !told.contains("47114711"),
        "{told}"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
}

/// Secrets, every second of which has the old password; their tokens.
async fn filled(server: &Server, count: usize) -> Vec<String> {
    let mut tokens = Vec::new();
    for index in 0..count {
        let body = match index % 2 {
            0 => json!({"value": "v", "password": OLD}),
            _ => json!({"value": "v"}),
        };
        tokens.push(put(server, body).await.0);
    }
    tokens
}

async fn read(server: &Server, token: &str, password: Value) -> Answer {
    let body = json!({"token": token, "password": password});
    server.post("/api/vault/tokens/read", body).await
}

#[tokio::test]
async fn a_column_that_has_values_is_encrypted_and_made_readable_again() {
    let server = Server::start().await;
    let table = json!({"name": "Staff", "columns": [{"name": "account", "fieldType": "text"}]});
    server.post("/api/tables", table).await.expect(201);
    let account = "FR76-4711";
    let made = server
        .post("/api/tables/staff/records", json!({"data": {"account": account}}))
        .await;
    let id = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    let of = json!({"table": "staff", "column": "account"});
    let shown = async || {
        let answer = server
            .get(&format!("/api/tables/staff/records/{id}"))
            .await
            .expect(200);
        answer.json()["data"]["account"].as_str().unwrap().to_owned()
    };

    let wanted = json!({"kind": "encryptColumn", "of": of, "mask": "last4", "indexed": true, "dryRun": true});
    let told = once(&server, &begun(&server, wanted.clone()).await, "done").await;
    assert_eq!((&told["done"], shown().await), (&json!(1), account.to_owned()));
    let wanted = json!({"kind": "encryptColumn", "of": of, "mask": "last4", "indexed": true});
    let told = once(&server, &begun(&server, wanted).await, "done").await;
    assert_eq!(
        told["params"]["of"],
        json!({"workspace": "default", "table": "staff", "column": "account"})
    );
    assert_eq!(
        (&told["params"]["mask"], &told["params"]["indexed"]),
        (&json!("last4"), &json!(true))
    );
    assert_eq!(shown().await, "••••4711");
    let again = json!({"kind": "encryptColumn", "of": of, "mask": "full"});
    let told = once(&server, &begun(&server, again).await, "done").await;
    assert_eq!(
        (&told["kind"], shown().await),
        (&json!("reindexColumn"), "••••••••".to_owned())
    );
    let readable = json!({"kind": "decryptColumn", "of": of});
    once(&server, &begun(&server, readable.clone()).await, "done").await;
    assert_eq!(shown().await, account);
    let nothing = start(&server, readable).await.expect(422).json();
    assert!(nothing.to_string().contains("not encrypted"), "{nothing}");
    let audit = server.get("/api/vault/audit?limit=50").await.expect(200).json();
    let ops = audit["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["op"].clone());
    let ops: Vec<_> = ops
        .filter(|op| op == "encryptColumn" || op == "decryptColumn")
        .collect();
    // Each twice: before anything was done, and when all was.
    assert_eq!(
        ops,
        [
            "decryptColumn",
            "decryptColumn",
            "encryptColumn",
            "encryptColumn",
            "encryptColumn",
            "encryptColumn"
        ]
    );
}

#[tokio::test]
async fn a_password_is_changed_for_all_that_it_opens() {
    let server = Server::start().await;
    let tokens = filled(&server, 6).await;
    let change = json!({"kind": "changePassword", "oldPassword": OLD, "newPassword": NEW});
    let mut dry = change.clone();
    dry["dryRun"] = true.into();
    let told = once(&server, &begun(&server, dry).await, "done").await;
    assert_eq!(
        (&told["dryRun"], &told["done"], &told["skipped"]),
        (&json!(true), &json!(3), &json!(3))
    );
    read(&server, &tokens[0], OLD.into()).await.expect(200);

    let job = once(&server, &begun(&server, change).await, "done").await;
    assert_eq!(job["params"], json!({"newPassword": true}));
    for (name, number) in [
        ("seen", 6),
        ("total", 6),
        ("done", 3),
        ("skipped", 3),
        ("failed", 0),
    ] {
        assert_eq!(job[name], number, "{name}: {job}");
    }
    read(&server, &tokens[0], NEW.into()).await.expect(200);
    read(&server, &tokens[0], OLD.into()).await.expect(403);

    let none = json!({"kind": "changePassword", "oldPassword": NEW, "newPassword": null});
    let job = once(&server, &begun(&server, none).await, "done").await;
    assert_eq!(job["params"], json!({"newPassword": false}));
    read(&server, &tokens[0], Value::Null).await.expect(200);
}

#[tokio::test]
async fn everything_comes_under_a_new_key_is_verified_and_purged() {
    let server = Server::start().await;
    let tokens = filled(&server, 4).await;
    let body = json!({"token": tokens[1]});
    server.post("/api/vault/tokens/delete", body).await.expect(204);
    let rotate = begun(&server, json!({"kind": "rotateKey", "batch": 1})).await;
    assert_eq!(once(&server, &rotate, "done").await["done"], 4);
    let keys = server.get("/api/vault/status").await.expect(200).json()["keys"].take();
    assert_eq!(
        (&keys[0]["state"], &keys[1]["versions"]),
        (&json!("retired"), &json!(4))
    );
    let verify = begun(&server, json!({"kind": "verify"})).await;
    assert_eq!(once(&server, &verify, "done").await["done"], 4);
    let purge = json!({"kind": "purge", "deletedBefore": "9999-01-01T00:00:00Z"});
    let job = once(&server, &begun(&server, purge).await, "done").await;
    assert_eq!(
        job["params"],
        json!({"deletedBefore": "9999-01-01T00:00:00.000Z"})
    );
    assert_eq!((&job["done"], &job["skipped"]), (&json!(1), &json!(3)));

    let list = server.get("/api/jobs").await.expect(200).json();
    let kinds: Vec<&str> = list["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["purge", "verify", "rotateKey"]);
    let some = server
        .get("/api/jobs?kind=verify&limit=1")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&some["jobs"][0]["kind"], &some["pagination"]["hasMore"]),
        (&json!("verify"), &json!(false))
    );
    let first = server.get("/api/jobs?limit=2").await.expect(200).json();
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let rest = server
        .get(&format!("/api/jobs?limit=2&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(rest.json()["jobs"][0]["kind"], "rotateKey");
    assert_eq!(
        server.get("/api/jobs?kind=reindex").await.expect(400).code(),
        "invalidParameter"
    );
}

#[tokio::test]
async fn a_job_is_paused_resumed_and_called_off() {
    let server = Server::start().await;
    filled(&server, 8).await;
    let slow = json!({"kind": "verify", "rowsPerSecond": 2});
    let path = begun(&server, slow).await;
    let at_work = server
        .post(&format!("{path}/resume"), json!({}))
        .await
        .expect(409);
    assert_eq!(at_work.code(), "conflict");
    let pause = format!("{path}/pause");
    let paused = server.call("POST", &pause, &[], Body::empty()).await.expect(200);
    assert_eq!(paused.json()["state"], "paused");
    let refused = server
        .post(&format!("{path}/resume"), json!({"oldPassword": OLD}))
        .await
        .expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "oldPassword");
    assert_silent(&refused);
    let resumed = server
        .post(&format!("{path}/resume"), json!({}))
        .await
        .expect(200);
    assert_eq!(resumed.json()["state"], "running");
    let cancel = format!("{path}/cancel");
    let over = server.call("POST", &cancel, &[], Body::empty()).await.expect(200);
    assert_eq!(over.json()["state"], "cancelled");
    for (what, body) in [
        ("cancel", Body::empty()),
        ("pause", Body::empty()),
        ("resume", "{}".into()),
    ] {
        let headers = [("content-type", "application/json")];
        let headers = if what == "resume" { &headers[..] } else { &[] };
        let again = server
            .call("POST", &format!("{path}/{what}"), headers, body)
            .await;
        assert_eq!(again.expect(409).code(), "conflict", "{what}");
        let nobody = format!("/api/jobs/nobody/{what}");
        let body = if what == "resume" { "{}" } else { "" };
        let nobody = server.call("POST", &nobody, headers, body).await.expect(404);
        assert_eq!(nobody.code(), "jobNotFound");
    }
    assert_eq!(
        server.get("/api/jobs/nobody").await.expect(404).code(),
        "jobNotFound"
    );
}

#[tokio::test]
async fn a_job_on_passwords_needs_them_again() {
    let server = Server::start().await;
    let tokens = filled(&server, 6).await;
    let slow = json!({"kind": "changePassword", "oldPassword": OLD, "newPassword": NEW, "rowsPerSecond": 3});
    let path = begun(&server, slow).await;
    let pause = format!("{path}/pause");
    server.call("POST", &pause, &[], Body::empty()).await.expect(200);
    let resume = format!("{path}/resume");
    for (body, field) in [
        (json!({}), "oldPassword"),
        (json!({"newPassword": NEW}), "oldPassword"),
        (json!({"oldPassword": OLD}), "newPassword"),
        (
            json!({"oldPassword": OLD, "newPassword": "47114711"}),
            "newPassword",
        ),
    ] {
        let refused = server.post(&resume, body).await.expect(422);
        assert_silent(&refused);
        let errors = refused.json()["errors"].take();
        assert_eq!((&errors[0]["field"], &errors[1]), (&json!(field), &Value::Null));
    }
    let both = json!({"oldPassword": OLD, "newPassword": NEW});
    assert_silent(&server.post(&resume, both).await.expect(200));
    let job = once(&server, &path, "done").await;
    assert_eq!((&job["seen"], &job["done"]), (&json!(6), &json!(3)));
    for token in tokens.iter().step_by(2) {
        read(&server, token, NEW.into()).await.expect(200);
    }
    for path in [
        "/api/jobs",
        "/api/vault/audit",
        "/api/operations",
        "/api/changes?since=0",
        "/metrics",
    ] {
        let told = server.get(path).await.expect(200);
        assert!(
            !String::from_utf8_lossy(&told.bytes).contains("canary-4711"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_for_a_job_is_named_and_not_repeated() {
    let server = Server::start().await;
    for (body, code, field) in [
        (json!({}), "invalidBody", "kind"),
        (json!({"kind": "reindex"}), "invalidBody", "kind"),
        (json!({"kind": "verify", "dry": true}), "invalidBody", "dry"),
        (
            json!({"kind": "changePassword", "oldPassword": 47114711}),
            "invalidBody",
            "oldPassword",
        ),
        (
            json!({"kind": "changePassword"}),
            "validationFailed",
            "oldPassword",
        ),
        (
            json!({"kind": "changePassword", "oldPassword": OLD, "newPassword": "47114711"}),
            "validationFailed",
            "newPassword",
        ),
        (
            json!({"kind": "changePassword", "oldPassword": OLD, "deletedBefore": "2020-01-01T00:00:00Z"}),
            "validationFailed",
            "deletedBefore",
        ),
        (
            json!({"kind": "rotateKey", "oldPassword": OLD}),
            "validationFailed",
            "oldPassword",
        ),
        (json!({"kind": "purge"}), "validationFailed", "deletedBefore"),
        (
            json!({"kind": "purge", "deletedBefore": "yesterday"}),
            "validationFailed",
            "deletedBefore",
        ),
        (json!({"kind": "verify", "batch": 0}), "validationFailed", "batch"),
        (
            json!({"kind": "verify", "batch": 2001}),
            "validationFailed",
            "batch",
        ),
        (
            json!({"kind": "verify", "rowsPerSecond": 0}),
            "validationFailed",
            "rowsPerSecond",
        ),
    ] {
        let refused = start(&server, body.clone()).await.expect(422);
        assert_silent(&refused);
        assert_eq!(refused.code(), code, "{body}");
        let errors = refused.json()["errors"].take();
        assert_eq!(
            (&errors[0]["field"], &errors[1]),
            (&json!(field), &Value::Null),
            "{body}: {errors}"
        );
    }
    let none = server.get("/api/jobs").await.expect(200).json();
    assert_eq!(none["jobs"], json!([]));
}

#[tokio::test]
async fn jobs_are_for_administrators_and_for_a_vault_that_is_open() {
    let server = Server::start().await;
    for (method, path) in [
        ("POST", "/api/vault/jobs"),
        ("GET", "/api/jobs"),
        ("GET", "/api/jobs/x"),
        ("POST", "/api/jobs/x/cancel"),
        ("POST", "/api/jobs/x/pause"),
        ("POST", "/api/jobs/x/resume"),
    ] {
        for key in [&server.read, &server.write] {
            let key = format!("Bearer {key}");
            let headers = [("authorization", key.as_str())];
            let refused = server.call(method, path, &headers, Body::empty()).await;
            assert_eq!(refused.expect(403).code(), "forbidden", "{method} {path}");
        }
    }
    let path = begun(&server, json!({"kind": "verify"})).await;
    let job = once(&server, &path, "done").await;
    assert!(
        job["createdBy"].as_str().is_some_and(|id| !id.is_empty()),
        "{job}"
    );

    let store = Store::open("memory:").await.unwrap();
    let sealed = Vault::open(&store, VaultOptions::default()).await.unwrap();
    let server = Server::holding(store, Limits::default(), sealed).await;
    let refused = start(&server, json!({"kind": "verify"})).await.expect(503);
    assert_eq!(refused.code(), "vaultSealed");
    server.get("/api/jobs").await.expect(200);
}

#[tokio::test]
async fn a_key_begins_one_job_and_keeps_no_password() {
    let server = Server::start().await;
    filled(&server, 2).await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "j-1")];
    let body = json!({"kind": "changePassword", "oldPassword": OLD, "newPassword": NEW}).to_string();
    let first = server
        .call("POST", "/api/vault/jobs", &headers, body.clone())
        .await
        .expect(202);
    let again = server
        .call("POST", "/api/vault/jobs", &headers, body)
        .await
        .expect(409);
    let detail = again.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(first.header("location")), "{detail}");
    once(&server, first.header("location"), "done").await;
    let jobs = server.get("/api/jobs").await.expect(200).json();
    assert_eq!(jobs["jobs"].as_array().unwrap().len(), 1);
}
