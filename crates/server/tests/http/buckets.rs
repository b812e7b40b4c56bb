//! Buckets, the store in numbers, and what tables say of references, lifetimes and sizes.

use serde_json::{Value, json};

use crate::harness::Server;

async fn define(server: &Server, name: &str, definition: Value) -> Value {
    let body = json!({"name": name, "definition": definition});
    server.post("/api/buckets", body).await.expect(201).json()
}

fn users() -> Value {
    json!({"key": "id", "schema": {"id": {"type": "string"}, "name": {"type": "string"}}})
}

fn tasks() -> Value {
    json!({"key": "id", "schema": {
        "id": {"type": "string", "generated": "uuid"},
        "owner": {"type": "string", "ref": "users"},
    }})
}

#[tokio::test]
async fn a_bucket_is_defined_described_changed_cleared_and_dropped() {
    let server = Server::start().await;
    let made = define(&server, "users", users()).await;
    assert_eq!(
        (&made["name"], &made["definition"]["key"]),
        (&json!("users"), &json!("id"))
    );
    let table = server.get("/api/tables/users").await.expect(200).json();
    assert_eq!(table["id"], made["tableId"]);
    let body = json!({"name": "users", "definition": users()});
    let again = server.post("/api/buckets", body).await.expect(409);
    assert_eq!(again.code(), "alreadyExists");
    assert!(again.json()["hint"].is_string());

    let change =
        json!({"addFields": {"age": {"type": "number", "min": 0}}, "addIndexes": ["age"], "ttl": "1h"});
    let changed = server
        .patch("/api/buckets/users", change)
        .await
        .expect(200)
        .json();
    assert_eq!(changed["definition"]["schema"]["age"]["min"], json!(0));
    assert_eq!(changed["definition"]["ttl"], json!(3_600_000));
    let ended = server
        .patch("/api/buckets/users", json!({"ttl": null}))
        .await
        .expect(200)
        .json();
    assert!(ended["definition"].get("ttl").is_none());
    let wrong = server
        .patch("/api/buckets/users", json!({"ttl": "1w"}))
        .await
        .expect(422);
    assert_eq!(wrong.code(), "invalidDefinition");
    assert_eq!(
        server.get("/api/buckets/user").await.expect(404).code(),
        "tableNotFound"
    );

    let record = json!({"data": {"id": "ann", "age": 30}});
    server.post("/api/tables/users/records", record).await.expect(201);
    let listed = server.get("/api/buckets").await.expect(200).json();
    assert_eq!(listed["buckets"][0]["name"], "users");
    let cleared = server
        .post("/api/buckets/users/clear", json!(null))
        .await
        .expect(200)
        .json();
    assert_eq!(cleared, json!({"cleared": 1}));
    server.delete("/api/buckets/users").await.expect(204);
    server.delete("/api/buckets/users").await.expect(404);
}

#[tokio::test]
async fn a_reference_is_kept_and_says_who_refers() {
    let server = Server::start().await;
    define(&server, "users", users()).await;
    define(&server, "tasks", tasks()).await;
    let task = |owner: &str| json!({"data": {"owner": owner}});
    let refused = server
        .post("/api/tables/tasks/records", task("ann"))
        .await
        .expect(409);
    assert_eq!(refused.code(), "referenceViolation");
    assert_eq!(
        refused.json()["errors"][0]["params"],
        json!({"table": "users", "key": "ann"})
    );
    server
        .post("/api/tables/users/records", json!({"data": {"id": "ann"}}))
        .await
        .expect(201);
    let made = server
        .post("/api/tables/tasks/records", task("ann"))
        .await
        .expect(201)
        .json();

    let held = server.delete("/api/tables/users/records/ann").await.expect(409);
    assert_eq!(held.code(), "referenced");
    let detail = held.json()["detail"].as_str().unwrap().to_owned();
    for word in ["users", "ann", "tasks", "owner", made["id"].as_str().unwrap()] {
        assert!(detail.contains(word), "{detail}");
    }
    let held = server
        .post("/api/buckets/users/clear", json!(null))
        .await
        .expect(409);
    assert_eq!(held.code(), "referenced");
    assert_eq!(
        server.delete("/api/buckets/users").await.expect(422).code(),
        "invalidDefinition"
    );

    let column = server
        .get("/api/tables/tasks/columns/owner")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&column["validation"]["ref"], &column["indexed"]),
        (&json!("users"), &json!(true))
    );
    let validation = json!({"validation": {"ref": "users", "onDelete": "cascade"}});
    let path = "/api/tables/tasks/columns/owner";
    let column = server.patch(path, validation).await.expect(200).json();
    assert_eq!(column["validation"]["onDelete"], json!("cascade"));
    server.delete("/api/tables/users/records/ann").await.expect(204);
    let left = server.get("/api/tables/tasks/records").await.expect(200).json();
    assert_eq!(left["records"], json!([]));
    let validation = json!({"validation": {"ref": "user"}});
    assert_eq!(
        server.patch(path, validation).await.expect(422).code(),
        "invalidDefinition"
    );
}

#[tokio::test]
async fn a_table_takes_and_shows_its_size_and_lifetime() {
    let server = Server::start().await;
    let body = json!({"name": "Recent", "settings": {"maxSize": 2, "ttl": "1h", "persistent": false, "softDelete": false},
        "columns": [{"name": "n", "fieldType": "number"}]});
    let made = server.post("/api/tables", body).await.expect(201).json();
    assert_eq!(made["settings"]["maxSize"], json!(2));
    assert_eq!(made["settings"]["persistent"], json!(false));
    for n in 0..3 {
        let record = json!({"data": {"n": n}});
        server
            .post("/api/tables/recent/records", record)
            .await
            .expect(201);
    }
    let left = server.get("/api/tables/recent/records").await.expect(200).json();
    let numbers: Vec<&Value> = left["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["data"]["n"])
        .collect();
    assert_eq!(numbers, [1, 2]);
    let path = "/api/tables/recent";
    let changed = server
        .patch(path, json!({"settings": {"ttl": 60_000}}))
        .await
        .expect(200)
        .json();
    assert_eq!(changed["settings"]["ttl"], json!(60_000));
    let changed = server
        .patch(path, json!({"settings": {"ttl": null}}))
        .await
        .expect(200)
        .json();
    assert!(changed["settings"].get("ttl").is_none());
    let none = json!({"name": "None", "settings": {"maxSize": 0}});
    assert_eq!(
        server.post("/api/tables", none).await.expect(422).code(),
        "invalidDefinition"
    );
}

#[tokio::test]
async fn the_store_is_told_in_numbers_and_swept_when_asked() {
    let server = Server::start().await;
    define(&server, "users", users()).await;
    let passing = json!({"key": "id", "ttl": 1, "schema": {"id": {"type": "string", "unique": true}, "n": {"type": "number"}}, "indexes": ["n"]});
    define(&server, "passing", passing).await;
    server
        .post("/api/tables/passing/records", json!({"data": {"id": "a"}}))
        .await
        .expect(201);
    let stats = server.get("/api/stats").await.expect(200).json();
    assert_eq!(
        stats["buckets"],
        json!({"count": 2, "names": ["passing", "users"]})
    );
    assert_eq!(
        stats["records"],
        json!({"total": 1, "perBucket": {"passing": 1, "users": 0}})
    );
    assert_eq!(stats["indexes"]["perBucket"]["passing"], json!(1));
    assert_eq!(stats["ttl"], json!({"enabled": true, "checkIntervalMs": 1000}));
    assert_eq!(stats["queries"], json!({"defined": 0, "activeSubscriptions": 0}));
    assert!(stats["revision"].as_u64().is_some_and(|revision| revision >= 3));
    tokio::time::sleep(std::time::Duration::from_millis(3)).await;
    let purged = server
        .post("/api/purge-ttl", json!(null))
        .await
        .expect(200)
        .json();
    assert_eq!(purged, json!({"purged": 1}));
    let stats = server.get("/api/stats").await.expect(200).json();
    assert_eq!(stats["records"]["total"], json!(0));
}
