//! The vault as administrators see it: lists, metadata, versions, the audit, the keys, the sweep. Never a value, never a token.

use serde_json::{Value, json};

use crate::harness::Server;
use crate::vault::put;

async fn ids(server: &Server, query: &str) -> Vec<String> {
    let list = server
        .get(&format!("/api/vault/tokens{query}"))
        .await
        .expect(200)
        .json();
    ids_of(&list)
}

fn ids_of(list: &Value) -> Vec<String> {
    let secrets = list["secrets"].as_array().unwrap().iter();
    secrets
        .map(|secret| secret["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_paged() {
    let server = Server::start().await;
    let mut made = Vec::new();
    for n in 0..5 {
        let mut body = json!({"value": format!("secret {n}"), "metadata": {"owner": if n % 2 == 0 { "ann" } else { "bob" }, "n": n.to_string()}});
        match n {
            1 => body["expiresAt"] = json!("2020-01-01T00:00:00Z"),
            2 => body["expiresAt"] = json!("2099-01-01T00:00:00Z"),
            _ => {}
        }
        made.push(put(&server, body).await);
    }
    let id = |n: usize| made[n].1.clone();
    server
        .delete(&format!("/api/vault/tokens/{}", id(4)))
        .await
        .expect(204);
    for (query, wanted) in [
        ("", vec![0, 1, 2, 3]),
        ("?state=deleted", vec![4]),
        ("?state=all", vec![0, 1, 2, 3, 4]),
        ("?metadata.owner=ann", vec![0, 2]),
        ("?metadata.owner=ann&metadata.n=2", vec![2]),
        ("?metadata.colour=red", vec![]),
        ("?expiry=expired", vec![1]),
        ("?expiry=unexpired", vec![0, 2, 3]),
        ("?expiry=never", vec![0, 3]),
        ("?direction=desc&limit=2", vec![3, 2]),
        ("?order=createdAt", vec![0, 1, 2, 3]),
        ("?createdFrom=2099-01-01T00:00:00Z", vec![]),
        ("?createdUntil=2099-01-01T00:00:00Z&kind=secret", vec![0, 1, 2, 3]),
        ("?kind=wrap", vec![]),
    ] {
        let wanted: Vec<String> = wanted.into_iter().map(id).collect();
        assert_eq!(ids(&server, query).await, wanted, "{query}");
    }
    assert_eq!(
        ids(&server, &format!("?id={},{}", id(0), id(3))).await,
        [id(0), id(3)]
    );
    let body = json!({"tokens": [made[2].0, "nobody"]});
    let found = server
        .post("/api/vault/tokens/query", body)
        .await
        .expect(200)
        .json();
    assert_eq!(ids_of(&found), [id(2)]);

    let first = server
        .get("/api/vault/tokens?limit=3&count=exact")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&first["pagination"]["total"], &first["pagination"]["hasMore"]),
        (&json!(4), &json!(true))
    );
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    assert_eq!(ids(&server, &format!("?limit=3&cursor={cursor}")).await, [id(3)]);
    let other = server
        .get(&format!("/api/vault/tokens?state=all&cursor={cursor}"))
        .await;
    assert_eq!(other.expect(400).code(), "invalidCursor");
    for (query, code) in [
        ("?limit=0", "limitExceeded"),
        ("?limit=1001", "limitExceeded"),
        ("?token=x", "unknownParameter"),
        ("?metadata.=x", "unknownParameter"),
        ("?expiry=soon", "invalidParameter"),
    ] {
        let refused = server.get(&format!("/api/vault/tokens{query}")).await;
        assert_eq!(refused.expect(400).code(), code, "{query}");
    }
}

#[tokio::test]
async fn a_secret_is_described_and_changed_by_its_id() {
    let server = Server::start().await;
    let (_, id) = put(
        &server,
        json!({"value": "v", "maxReads": 3, "metadata": {"owner": "ann"}}),
    )
    .await;
    let path = format!("/api/vault/tokens/{id}");
    let shown = server.get(&path).await.expect(200);
    assert_eq!(shown.header("etag"), "\"1\"");
    let shown = shown.json();
    for (name, value) in [
        ("status", json!("live")),
        ("kind", json!("secret")),
        ("version", json!(1)),
        ("hasPassword", json!(false)),
        ("customToken", json!(false)),
        ("expiresAt", json!(null)),
        ("maxReads", json!(3)),
        ("readsLeft", json!(3)),
        ("metadata", json!({"owner": "ann"})),
        ("rowVersion", json!(1)),
    ] {
        assert_eq!(shown[name], value, "{name}");
    }
    let body = json!({"metadata": {"owner": "bob"}, "expiresAt": "2099-01-01T00:00:00Z"});
    let changed = server.patch(&path, body).await.expect(200).json();
    assert_eq!(
        (
            &changed["metadata"],
            &changed["expiresAt"],
            &changed["rowVersion"]
        ),
        (
            &json!({"owner": "bob"}),
            &json!("2099-01-01T00:00:00.000Z"),
            &json!(2)
        )
    );
    let headers = [("if-match", "\"1\""), ("content-type", "application/json")];
    let late = server
        .call("PATCH", &path, &headers, r#"{"expiresAt": null}"#)
        .await
        .expect(412);
    assert_eq!(late.code(), "versionConflict");
    assert_eq!(late.json()["current"]["rowVersion"], 2);
    let headers = [("if-match", "\"2\""), ("content-type", "application/json")];
    let changed = server
        .call("PATCH", &path, &headers, r#"{"expiresAt": null}"#)
        .await
        .expect(200);
    assert_eq!(changed.json()["expiresAt"], json!(null));
    server.delete(&path).await.expect(204);
    for path in [path.clone(), format!("{path}/versions")] {
        let gone = server.get(&path).await.expect(410);
        assert_eq!(gone.code(), "gone");
        assert_eq!(gone.json()["current"]["status"], "deleted");
    }
    let back = server
        .call("POST", &format!("{path}/restore"), &[], "")
        .await
        .expect(200);
    assert_eq!(back.json()["status"], "live");
    server.delete(&format!("{path}?permanent=true")).await.expect(204);
    for gone in [server.get(&path).await, server.delete(&path).await] {
        assert_eq!(gone.expect(404).code(), "secretNotFound");
    }
}

#[tokio::test]
async fn versions_are_listed_rolled_back_and_destroyed() {
    let server = Server::start().await;
    let (token, id) = put(&server, json!({"value": "one"})).await;
    for value in ["two", "three"] {
        let body = json!({"token": token, "value": value});
        server.post("/api/vault/tokens/update", body).await.expect(200);
    }
    let path = format!("/api/vault/tokens/{id}");
    let rolled = server
        .post(&format!("{path}/roll-back"), json!({"version": 1}))
        .await
        .expect(200);
    assert_eq!(rolled.json(), json!({"version": 4}));
    let read = server
        .post("/api/vault/tokens/read", json!({"token": token}))
        .await
        .expect(200);
    assert_eq!(read.json()["value"], "one");
    server.delete(&format!("{path}/versions/2")).await.expect(204);
    let list = server.get(&format!("{path}/versions")).await.expect(200).json();
    let states: Vec<(u64, &str)> = list["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["number"].as_u64().unwrap(), one["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [(4, "live"), (3, "live"), (2, "destroyed"), (1, "live")]);
    for (path, code) in [
        (format!("{path}/versions/4"), "versionNotFound"),
        (format!("{path}/versions/9"), "versionNotFound"),
        ("/api/vault/tokens/nobody/versions/1".to_owned(), "secretNotFound"),
    ] {
        assert_eq!(server.delete(&path).await.expect(404).code(), code, "{path}");
    }
    let destroyed = json!({"token": token, "version": 2});
    let destroyed = server.post("/api/vault/tokens/read", destroyed).await.expect(404);
    assert_eq!(destroyed.code(), "versionNotFound");
}

#[tokio::test]
async fn the_audit_tells_who_did_what_and_shows_that_it_is_whole() {
    let server = Server::start().await;
    let (token, id) = put(
        &server,
        json!({"value": "v", "password": "correct horse battery"}),
    )
    .await;
    let body = json!({"token": token, "password": "wrong horse battery"});
    server.post("/api/vault/tokens/read", body).await.expect(403);
    let audit = server
        .get(&format!("/api/vault/audit?secret={id}"))
        .await
        .expect(200)
        .json();
    let entries = audit["entries"].as_array().unwrap();
    let said: Vec<(&str, &str)> = entries
        .iter()
        .map(|entry| (entry["op"].as_str().unwrap(), entry["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(said, [("read", "invalidPassword"), ("create", "ok")]);
    assert!(entries[0]["actor"].is_string() && entries[0]["client"].is_string());
    let first = server.get("/api/vault/audit?limit=1").await.expect(200).json();
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let second = server
        .get(&format!("/api/vault/audit?limit=1&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_ne!(first["entries"][0]["id"], second["entries"][0]["id"]);

    let report = server
        .post("/api/vault/audit/verify", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!((&report["sound"], &report["faults"]), (&json!(true), &json!([])));
    let head = report["head"].clone();
    let report = server
        .post("/api/vault/audit/verify", json!({ "head": head }))
        .await
        .expect(200)
        .json();
    assert_eq!(report["sound"], true);
    let mut other = head;
    other["code"] = json!("0".repeat(64));
    let report = server
        .post("/api/vault/audit/verify", json!({ "head": other }))
        .await
        .expect(200)
        .json();
    assert_eq!(report["sound"], false);
    let none = json!({"head": {"segment": 1, "code": "short"}});
    server.post("/api/vault/audit/verify", none).await.expect(422);
    assert!(report["faults"][0].as_str().unwrap().contains("kept elsewhere"));
}

#[tokio::test]
async fn keys_are_made_counted_and_given_up() {
    let server = Server::start().await;
    let (_, id) = put(&server, json!({"value": "v"})).await;
    let made = server
        .call("POST", "/api/vault/keys", &[], "")
        .await
        .expect(201)
        .json();
    assert_eq!(made, json!({"kid": 2}));
    let status = server.get("/api/vault/status").await.expect(200).json();
    assert_eq!(status["sealed"], false);
    assert_eq!(status["roots"][0]["opens"], true);
    let keys: Vec<(u64, &str, u64)> = status["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| {
            (
                key["kid"].as_u64().unwrap(),
                key["state"].as_str().unwrap(),
                key["versions"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(keys, [(1, "opens", 1), (2, "active", 0)]);
    let refused = server.delete("/api/vault/keys/1").await.expect(422);
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("still locks 1 version")
    );
    assert_eq!(
        server.delete("/api/vault/keys/7").await.expect(404).code(),
        "vaultKeyNotFound"
    );
    server
        .delete(&format!("/api/vault/tokens/{id}?permanent=true"))
        .await
        .expect(204);
    server.delete("/api/vault/keys/1").await.expect(204);
    let again = server.delete("/api/vault/keys/1").await.expect(404);
    assert_eq!(again.code(), "vaultKeyNotFound");
    let made = server.call("POST", "/api/vault/keys", &[], "").await;
    assert_eq!(made.expect(201).json(), json!({"kid": 3}));
}

#[tokio::test]
async fn what_is_over_is_swept() {
    let server = Server::start().await;
    let (_, id) = put(
        &server,
        json!({"value": "v", "expiresAt": "2020-01-01T00:00:00Z"}),
    )
    .await;
    put(&server, json!({"value": "w"})).await;
    let swept = server
        .post("/api/vault/sweep", json!({}))
        .await
        .expect(200)
        .json();
    assert_eq!(swept["deleted"], 1);
    assert_eq!(ids(&server, "?state=deleted").await, [id]);
    let swept = server
        .post("/api/vault/sweep", json!({"permanent": true}))
        .await
        .expect(200)
        .json();
    assert_eq!(swept["deleted"], 1);
    assert!(ids(&server, "?state=deleted").await.is_empty());
}
