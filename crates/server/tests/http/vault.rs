//! The vault by token: put away, read, changed, deleted, handed over.

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const PASSWORD: &str = "correct horse battery";

/// Calls an operation on tokens with the admin key.
async fn on(server: &Server, operation: &str, body: Value) -> Answer {
    server.post(&format!("/api/vault/tokens/{operation}"), body).await
}

/// Puts something away and answers its token and id.
pub(crate) async fn put(server: &Server, body: Value) -> (String, String) {
    let made = server.post("/api/vault/tokens", body).await.expect(201);
    let body = made.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    assert_eq!(
        made.header("location"),
        format!("/api/vault/tokens/{}", text("id"))
    );
    assert_eq!(body["version"], 1);
    (text("token"), text("id"))
}

async fn value(server: &Server, token: &str) -> Value {
    on(server, "read", json!({ "token": token }))
        .await
        .expect(200)
        .json()["value"]
        .take()
}

#[tokio::test]
async fn a_value_is_put_away_and_read_by_its_token() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"value": "hunter2"})).await;
    assert!(token.starts_with("tk_") && token.len() >= 33, "{token}");
    let read = on(&server, "read", json!({ "token": token })).await.expect(200);
    assert_eq!(read.json(), json!({"value": "hunter2", "version": 1}));
    // Nothing is trimmed and nothing is cut: an empty value is one.
    for text in ["", " \n", "grüße 🔑\u{0}"] {
        let (token, _) = put(&server, json!({"value": text})).await;
        assert_eq!(value(&server, &token).await, text);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_travel_in_base64() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"valueBase64": "/wAB"})).await;
    let read = on(&server, "read", json!({ "token": token })).await.expect(200);
    assert_eq!(read.json(), json!({"valueBase64": "/wAB", "version": 1}));
    let (text, _) = put(&server, json!({"valueBase64": "aGk="})).await;
    assert_eq!(value(&server, &text).await, "hi");
    let body = json!({"map": {"BYTES": token, "TEXT": text}});
    let resolved = on(&server, "resolve", body).await.expect(200).json();
    assert_eq!(
        (&resolved["values"], &resolved["valuesBase64"]),
        (&json!({"TEXT": "hi"}), &json!({"BYTES": "/wAB"}))
    );
}

#[tokio::test]
async fn a_password_is_needed_where_one_was_set() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"value": "v", "password": PASSWORD})).await;
    let read = |password: Option<&str>| {
        let body = match password {
            Some(password) => json!({"token": token, "password": password}),
            None => json!({"token": token}),
        };
        on(&server, "read", body)
    };
    assert_eq!(read(None).await.expect(403).code(), "passwordRequired");
    assert_eq!(
        read(Some("wrong horse battery")).await.expect(403).code(),
        "invalidPassword"
    );
    assert_eq!(read(Some("")).await.expect(403).code(), "invalidPassword");
    assert_eq!(read(Some(PASSWORD)).await.expect(200).json()["value"], "v");
}

#[tokio::test]
async fn a_chosen_token_is_kept_and_a_drawn_one_has_its_length() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"value": "v", "token": "smtp/password"})).await;
    assert_eq!(token, "smtp/password");
    let again = json!({"value": "w", "token": "smtp/password"});
    let again = server.post("/api/vault/tokens", again).await.expect(409);
    assert_eq!(again.code(), "tokenTaken");
    let (long, _) = put(&server, json!({"value": "v", "length": 48})).await;
    assert_eq!(long.len(), 48);
    on(&server, "delete", json!({"token": token})).await.expect(204);
    let again = json!({"value": "w", "token": "smtp/password"});
    let again = server.post("/api/vault/tokens", again).await.expect(409);
    assert_eq!(again.code(), "tokenReserved");
}

#[tokio::test]
async fn a_limited_secret_is_read_as_often_as_it_allows() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"value": "v", "maxReads": 2})).await;
    for left in [1, 0] {
        let read = on(&server, "read", json!({ "token": token })).await.expect(200);
        assert_eq!(
            read.json(),
            json!({"value": "v", "version": 1, "readsLeft": left})
        );
    }
    let spent = on(&server, "read", json!({ "token": token })).await.expect(410);
    assert_eq!(spent.code(), "secretExhausted");
}

#[tokio::test]
async fn what_is_over_is_told_and_renewed() {
    let server = Server::start().await;
    let (token, _) = put(
        &server,
        json!({"value": "v", "expiresAt": "2020-01-01T00:00:00Z"}),
    )
    .await;
    let over = on(&server, "read", json!({ "token": token })).await.expect(410);
    assert_eq!(over.code(), "secretExpired");
    assert_eq!(over.json()["params"]["at"], "2020-01-01T00:00:00.000Z");
    let status = on(&server, "exists", json!({ "token": token })).await.expect(200);
    assert_eq!(status.json(), json!({"exists": false, "status": "expired"}));
    let body = json!({"token": token, "expiresAt": null});
    let renewed = on(&server, "renew", body).await.expect(200).json();
    assert_eq!(
        (&renewed["expiresAt"], &renewed["status"]),
        (&json!(null), &json!("live"))
    );
    assert_eq!(value(&server, &token).await, "v");
    let status = on(&server, "exists", json!({ "token": token })).await.expect(200);
    assert_eq!(status.json(), json!({"exists": true, "status": "live"}));
    let nobody = on(&server, "exists", json!({"token": "nobody"}))
        .await
        .expect(200);
    assert_eq!(nobody.json(), json!({"exists": false}));
    assert_eq!(
        on(&server, "renew", json!({"token": token}))
            .await
            .expect(422)
            .code(),
        "invalidBody"
    );
}

#[tokio::test]
async fn many_tokens_are_read_at_once_each_with_what_became_of_it() {
    let server = Server::start().await;
    let (plain, _) = put(&server, json!({"value": "a"})).await;
    let (locked, _) = put(&server, json!({"value": "b", "password": PASSWORD})).await;
    let (other, _) = put(
        &server,
        json!({"value": "c", "password": "another horse battery"}),
    )
    .await;
    let (over, _) = put(
        &server,
        json!({"value": "d", "expiresAt": "2020-01-01T00:00:00Z"}),
    )
    .await;
    let (spent, _) = put(&server, json!({"value": "e", "maxReads": 1})).await;
    assert_eq!(value(&server, &spent).await, "e");
    let tokens = [&plain, &locked, &other, &over, &spent, "nobody", &plain];
    let body = json!({"tokens": tokens, "password": PASSWORD});
    let many = on(&server, "read-many", body).await.expect(200).json();
    let results = many["results"].as_array().unwrap();
    for ((result, token), (status, value)) in results.iter().zip(tokens).zip([
        ("value", json!("a")),
        ("value", json!("b")),
        ("denied", json!(null)),
        ("expired", json!(null)),
        ("exhausted", json!(null)),
        ("missing", json!(null)),
        ("value", json!("a")),
    ]) {
        assert_eq!(
            (&result["token"], &result["status"]),
            (&json!(token), &json!(status))
        );
        assert_eq!(result["value"], value, "{result}");
    }
    assert_eq!(results.len(), 7);
    let map = json!({"A": plain, "B": locked, "C": other, "D": over, "E": spent, "F": "nobody"});
    let body = json!({"map": map, "password": PASSWORD});
    let resolved = on(&server, "resolve", body).await.expect(200).json();
    assert_eq!(
        resolved,
        json!({"values": {"A": "a", "B": "b"}, "missing": ["F"], "expired": ["D", "E"], "denied": ["C"]})
    );
    let tokens: Vec<String> = (0..1_001).map(|n| format!("t{n}")).collect();
    let many = on(&server, "read-many", json!({ "tokens": tokens })).await;
    assert!(
        many.expect(422).json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("1000")
    );
}

#[tokio::test]
async fn an_update_appends_a_version_and_keeps_or_changes_the_password() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"value": "one", "password": PASSWORD})).await;
    let body = json!({"token": token, "value": "two", "password": PASSWORD});
    assert_eq!(
        on(&server, "update", body).await.expect(200).json(),
        json!({"version": 2})
    );
    let new = "another horse battery";
    let body = json!({"token": token, "value": "three", "password": PASSWORD, "newPassword": new});
    assert_eq!(
        on(&server, "update", body).await.expect(200).json(),
        json!({"version": 3})
    );
    let body = json!({"token": token, "password": PASSWORD});
    assert_eq!(
        on(&server, "read", body).await.expect(403).code(),
        "invalidPassword"
    );
    let body = json!({"token": token, "password": new, "version": 1});
    let first = on(&server, "read", body).await.expect(200).json();
    assert_eq!(first, json!({"value": "one", "version": 1}));
    let body = json!({"token": token, "password": new, "version": 9});
    assert_eq!(
        on(&server, "read", body).await.expect(404).code(),
        "versionNotFound"
    );
    let body = json!({"token": token, "value": "four", "password": new, "newPassword": null});
    on(&server, "update", body).await.expect(200);
    assert_eq!(value(&server, &token).await, "four");
}

#[tokio::test]
async fn a_password_is_changed_without_the_value() {
    let server = Server::start().await;
    let (token, _) = put(&server, json!({"value": "v"})).await;
    let change = |old: Value, new: Value| {
        let body = match old {
            Value::Null => json!({"token": token, "newPassword": new}),
            old => json!({"token": token, "password": old, "newPassword": new}),
        };
        on(&server, "change-password", body)
    };
    let set = change(json!(null), json!(PASSWORD)).await.expect(200).json();
    assert_eq!((&set["hasPassword"], &set["version"]), (&json!(true), &json!(1)));
    let refused = change(json!("wrong horse battery"), json!(null))
        .await
        .expect(403);
    assert_eq!(refused.code(), "invalidPassword");
    let taken = change(json!(PASSWORD), json!(null)).await.expect(200).json();
    assert_eq!(taken["hasPassword"], false);
    assert_eq!(value(&server, &token).await, "v");
}

#[tokio::test]
async fn an_upsert_makes_or_changes() {
    let server = Server::start().await;
    let made = on(&server, "upsert", json!({"value": "one"}))
        .await
        .expect(201)
        .json();
    let token = made["token"].as_str().unwrap();
    let body = json!({"token": token, "value": "two"});
    assert_eq!(
        on(&server, "upsert", body).await.expect(200).json(),
        json!({"version": 2})
    );
    assert_eq!(value(&server, token).await, "two");
    let nobody = on(&server, "upsert", json!({"token": "nobody", "value": "x"})).await;
    assert_eq!(nobody.expect(404).code(), "secretNotFound");
}

#[tokio::test]
async fn what_is_deleted_is_restored_unless_it_is_gone_for_good() {
    let server = Server::start().await;
    let (token, id) = put(&server, json!({"value": "v"})).await;
    on(&server, "delete", json!({"token": token})).await.expect(204);
    let gone = on(&server, "read", json!({"token": token})).await.expect(404);
    assert_eq!(gone.code(), "secretNotFound");
    let back = on(&server, "restore", json!({"token": token}))
        .await
        .expect(200)
        .json();
    assert_eq!((&back["id"], &back["status"]), (&json!(id), &json!("live")));
    assert_eq!(value(&server, &token).await, "v");
    on(&server, "delete", json!({"token": token, "permanent": true}))
        .await
        .expect(204);
    for operation in ["restore", "delete"] {
        let gone = on(&server, operation, json!({"token": token})).await;
        assert_eq!(gone.expect(404).code(), "secretNotFound");
    }
    let gone = on(&server, "delete", json!({"token": token, "permanent": true})).await;
    assert_eq!(gone.expect(404).code(), "secretNotFound");
}

#[tokio::test]
async fn what_is_wrapped_is_taken_once_and_the_second_learns_it() {
    let server = Server::start().await;
    let (token, id) = put(&server, json!({"value": "v", "password": PASSWORD})).await;
    let body = json!({"token": token, "password": PASSWORD, "expiresAt": "2099-01-01T00:00:00Z"});
    let wrapped = on(&server, "wrap", body).await.expect(201).json()["token"].take();
    let one = json!({ "token": wrapped });
    let info = on(&server, "wrap-info", one.clone()).await.expect(200).json();
    assert_eq!((&info["status"], &info["origin"]), (&json!("live"), &json!(id)));
    assert_eq!(info["expiresAt"], "2099-01-01T00:00:00.000Z");
    assert_eq!(
        on(&server, "read", one.clone()).await.expect(409).code(),
        "otherKind"
    );
    let moved = on(&server, "rewrap", one.clone()).await.expect(201).json()["token"].take();
    assert_eq!(
        on(&server, "unwrap", one).await.expect(404).code(),
        "secretNotFound"
    );
    let two = json!({ "token": moved });
    assert_eq!(
        on(&server, "unwrap", two.clone()).await.expect(200).json(),
        json!({"value": "v"})
    );
    let second = on(&server, "unwrap", two.clone()).await.expect(410);
    assert_eq!(second.code(), "wrapTaken");
    assert!(
        second.json()["hint"]
            .as_str()
            .unwrap()
            .contains("known to others")
    );
    let info = on(&server, "wrap-info", two).await.expect(200).json();
    assert_eq!(info["status"], "exhausted");
    assert!(info["takenAt"].is_string());
    let plain = on(&server, "wrap", json!({"valueBase64": "/w=="}))
        .await
        .expect(201)
        .json();
    let taken = on(&server, "unwrap", json!({"token": plain["token"]}))
        .await
        .expect(200);
    assert_eq!(taken.json(), json!({"valueBase64": "/w=="}));
    assert_eq!(
        on(&server, "unwrap", json!({"token": token}))
            .await
            .expect(409)
            .code(),
        "otherKind"
    );
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_all_that_is_wrong() {
    let server = Server::start().await;
    for (operation, body, field) in [
        ("", json!({}), "value"),
        ("", json!({"value": "a", "valueBase64": "YQ=="}), "valueBase64"),
        ("", json!({"valueBase64": "no base64"}), "valueBase64"),
        ("", json!({"value": "a", "token": "t", "length": 40}), "length"),
        ("", json!({"value": "a", "length": 7}), "length"),
        ("", json!({"value": "a", "maxReads": 0}), "maxReads"),
        ("", json!({"value": "a", "expiresAt": "soon"}), "expiresAt"),
        ("", json!({"value": "a", "password": "short"}), "password"),
        ("", json!({"value": "a", "token": "t".repeat(256)}), "token"),
        ("", json!({"value": "a".repeat(1_048_577)}), "value"),
        ("/renew", json!({"token": "t", "expiresAt": "soon"}), "expiresAt"),
        ("/read", json!({"token": ""}), "token"),
        ("/wrap", json!({}), "value"),
        ("/query", json!({"createdFrom": "soon"}), "createdFrom"),
        ("/query", json!({"ids": []}), "id"),
    ] {
        let refused = server
            .post(&format!("/api/vault/tokens{operation}"), body)
            .await
            .expect(422);
        assert_eq!(refused.code(), "validationFailed");
        assert_eq!(refused.json()["errors"][0]["field"], field);
    }
    let both = json!({"value": "a", "maxReads": 0, "password": "short"});
    let refused = server.post("/api/vault/tokens", both).await.expect(422).json();
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2);
    let both = json!({"value": "a", "token": "t"});
    on(&server, "wrap", both).await.expect(422);
    for body in [
        json!({"value": 7}),
        json!({"valeu": "a"}),
        json!({"value": "a", "maxReads": -1}),
        json!([]),
    ] {
        assert_eq!(
            server.post("/api/vault/tokens", body).await.expect(422).code(),
            "invalidBody"
        );
    }
}
