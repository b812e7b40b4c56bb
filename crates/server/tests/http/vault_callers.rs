//! Who may do what with the vault, what each is told, and how long it takes.

use std::time::{Duration, Instant};

use chancery::Store;
use chancery::vault::{AttemptLimits, Vault, VaultOptions};
use chancery_server::Limits;
use serde_json::{Value, json};

use crate::harness::{Answer, Server, vault};
use crate::vault::put;

const PASSWORD: &str = "correct horse battery";

/// Calls an operation on tokens with a key.
async fn as_key(server: &Server, key: &str, operation: &str, body: Value) -> Answer {
    let key = format!("Bearer {key}");
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    let path = format!("/api/vault/tokens/{operation}");
    server.call("POST", &path, &headers, body.to_string()).await
}

/// A token in each state in which it gives no value to somebody without its password.
async fn barred(server: &Server) -> Vec<String> {
    let (locked, _) = put(server, json!({"value": "a", "password": PASSWORD})).await;
    let (over, _) = put(server, json!({"value": "b", "expiresAt": "2020-01-01T00:00:00Z"})).await;
    let (spent, _) = put(server, json!({"value": "c", "maxReads": 1})).await;
    as_key(server, &server.read, "read", json!({"token": spent}))
        .await
        .expect(200);
    let (deleted, _) = put(server, json!({"value": "d"})).await;
    as_key(server, &server.admin, "delete", json!({"token": deleted}))
        .await
        .expect(204);
    let wrapped = as_key(server, &server.write, "wrap", json!({"value": "e"})).await;
    let wrapped = wrapped.expect(201).json()["token"].as_str().unwrap().to_owned();
    vec![locked, over, spent, deleted, wrapped, "nobody".into()]
}

#[tokio::test]
async fn whoever_may_not_manage_the_vault_gets_one_answer_to_whatever_is_wrong() {
    let server = Server::start().await;
    let barred = barred(&server).await;
    let same = |answer: &Answer| {
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("requestId");
        body
    };
    for password in [None, Some("wrong horse battery")] {
        let mut told = Vec::new();
        for token in &barred {
            let mut body = json!({ "token": token });
            if let Some(password) = password {
                body["password"] = json!(password);
            }
            let answer = as_key(&server, &server.read, "read", body).await.expect(403);
            assert_eq!(answer.code(), "accessDenied");
            told.push(same(&answer));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
    }
    let many = as_key(&server, &server.read, "read-many", json!({ "tokens": barred }))
        .await
        .expect(200);
    for result in many.json()["results"].as_array().unwrap() {
        assert_eq!(result["status"], "denied");
    }
    let map: serde_json::Map<String, Value> = barred
        .iter()
        .enumerate()
        .map(|(n, token)| (format!("N{n}"), json!(token)))
        .collect();
    let resolved = as_key(&server, &server.read, "resolve", json!({ "map": map }))
        .await
        .expect(200)
        .json();
    assert_eq!(
        resolved,
        json!({"values": {}, "missing": [], "expired": [], "denied": ["N0", "N1", "N2", "N3", "N4", "N5"]})
    );
    for token in [&barred[1], &barred[2], &barred[3], &barred[5]] {
        let exists = as_key(&server, &server.read, "exists", json!({ "token": token }))
            .await
            .expect(200);
        assert_eq!(exists.json(), json!({"exists": false}));
    }
    for token in [&barred[0], &barred[5]] {
        let info = as_key(&server, &server.read, "wrap-info", json!({ "token": token })).await;
        assert_eq!(info.expect(403).code(), "accessDenied");
    }
}

#[tokio::test]
async fn administrators_are_told_what_is_wrong() {
    let server = Server::start().await;
    let barred = barred(&server).await;
    for (token, (status, code)) in barred.iter().zip([
        (403, "passwordRequired"),
        (410, "secretExpired"),
        (410, "secretExhausted"),
        (404, "secretNotFound"),
        (409, "otherKind"),
        (404, "secretNotFound"),
    ]) {
        let answer = as_key(&server, &server.admin, "read", json!({ "token": token })).await;
        assert_eq!(answer.expect(status).code(), code);
    }
}

#[tokio::test]
async fn a_change_takes_the_password_or_an_administrator() {
    let server = Server::start().await;
    let (open, _) = put(&server, json!({"value": "b"})).await;
    for (operation, more) in [
        ("update", json!({"value": "x"})),
        ("upsert", json!({"value": "x"})),
        ("renew", json!({"expiresAt": null})),
        ("change-password", json!({"newPassword": PASSWORD})),
        ("delete", json!({})),
        ("delete", json!({"permanent": true})),
        ("restore", json!({})),
    ] {
        let (locked, _) = put(&server, json!({"value": "a", "password": PASSWORD})).await;
        let with = |token: &str, password: Option<&str>| {
            let mut body = more.clone();
            body["token"] = json!(token);
            if let Some(password) = password {
                body["password"] = json!(password);
            }
            body
        };
        let ask = |token: &str, password: Option<&str>| {
            as_key(&server, &server.write, operation, with(token, password))
        };
        let wrong = Some("wrong horse battery");
        for answer in [
            ask(&locked, wrong).await,
            ask(&format!("nobody/{operation}/{more}"), wrong).await,
        ] {
            assert_eq!(answer.expect(403).code(), "accessDenied", "{operation}");
        }
        let without = ask(&open, None).await.expect(403);
        assert_eq!(without.code(), "proofRequired", "{operation}");
        let reader = as_key(&server, &server.read, operation, with(&locked, Some(PASSWORD))).await;
        assert_eq!(reader.expect(403).code(), "forbidden", "{operation}");
    }
    let (locked, _) = put(&server, json!({"value": "a", "password": PASSWORD})).await;
    let body = json!({"token": locked, "value": "x", "password": PASSWORD});
    as_key(&server, &server.write, "update", body).await.expect(200);
    as_key(
        &server,
        &server.admin,
        "update",
        json!({"token": open, "value": "y"}),
    )
    .await
    .expect(200);
    let body = json!({"token": locked, "password": PASSWORD});
    let read = as_key(&server, &server.read, "read", body).await.expect(200);
    assert_eq!(read.json()["value"], "x");
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down_for_tokens_that_are_there_and_for_others_alike() {
    let server = Server::start().await;
    let (locked, _) = put(&server, json!({"value": "a", "password": PASSWORD})).await;
    for token in [locked.as_str(), "nobody"] {
        let guess = || {
            as_key(
                &server,
                &server.read,
                "read",
                json!({"token": token, "password": "guess guess"}),
            )
        };
        let mut answers = 0;
        let slowed = loop {
            let answer = guess().await;
            match answer.status.as_u16() {
                403 => answers += 1,
                _ => break answer.expect(429),
            }
        };
        assert_eq!(answers, 6, "{token}");
        assert_eq!(slowed.code(), "tooManyRequests");
        assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    // The right password waits as well.
    let body = json!({"token": locked, "password": PASSWORD});
    as_key(&server, &server.read, "read", body).await.expect(429);
    let body = json!({"tokens": [locked], "password": PASSWORD});
    let many = as_key(&server, &server.read, "read-many", body).await.expect(200);
    assert_eq!(many.json()["results"][0]["status"], "tooManyAttempts");
}

#[tokio::test]
async fn a_sealed_vault_says_so_and_still_tells_how_it_is() {
    let store = Store::open("memory:").await.unwrap();
    let sealed = Vault::open(&store, VaultOptions::default()).await.unwrap();
    let server = Server::holding(store, Limits::default(), sealed).await;
    for (operation, body) in [
        ("", json!({"value": "a"})),
        ("/read", json!({"token": "t"})),
        ("/read-many", json!({"tokens": ["t"]})),
        ("/resolve", json!({"map": {"A": "t"}})),
        ("/exists", json!({"token": "t"})),
        ("/update", json!({"token": "t", "value": "a"})),
        ("/unwrap", json!({"token": "t"})),
    ] {
        let answer = server
            .post(&format!("/api/vault/tokens{operation}"), body)
            .await
            .expect(503);
        assert_eq!(answer.code(), "vaultSealed", "{operation}");
        assert!(
            answer.json()["hint"]
                .as_str()
                .unwrap()
                .contains("chancery vault --help")
        );
    }
    let status = server.get("/api/vault/status").await.expect(200).json();
    assert_eq!(status, json!({"sealed": true, "roots": [], "keys": []}));
    server.get("/api/vault/tokens").await.expect(200);
}

/// The mean times of two calls that are made in turn.
async fn means(server: &Server, bodies: [Value; 2]) -> [Duration; 2] {
    const CALLS: u32 = 200;
    let mut spent = [Duration::ZERO; 2];
    for round in 0..CALLS {
        // Whichever is first is not always first.
        for turn in 0..2 {
            let which = ((round + turn) % 2) as usize;
            let body = bodies[which].clone();
            let began = Instant::now();
            let answer = as_key(server, &server.read, "read", body).await;
            spent[which] += began.elapsed();
            answer.expect(403);
        }
    }
    spent.map(|spent| spent / CALLS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_token_takes_as_long_as_a_wrong_password() {
    let patient = AttemptLimits {
        per_token_and_client: u64::MAX,
        per_token: u64::MAX,
        per_client: u64::MAX,
        ..AttemptLimits::default()
    };
    let store = Store::open("memory:").await.unwrap();
    let vault = vault(&store, patient).await;
    let server = Server::holding(store, Limits::default(), vault).await;
    let (locked, _) = put(&server, json!({"value": "a", "password": PASSWORD})).await;
    let bodies = [locked.as_str(), "tk_nobody"]
        .map(|token| json!({"token": token, "password": "wrong horse battery"}));
    let mut best = f64::MAX;
    for _ in 0..3 {
        let [wrong, missing] = means(&server, bodies.clone())
            .await
            .map(|mean| mean.as_secs_f64());
        best = best.min((wrong - missing).abs() / wrong.max(missing));
        if best < 0.1 {
            return;
        }
    }
    panic!("the mean times differ by {:.1} %", best * 100.0);
}
