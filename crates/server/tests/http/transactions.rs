//! Operations over several tables as one: all or none, every bad one named, versions expected, done once.

use serde_json::{Value, json};

use crate::harness::{Server, tasks};

/// Two tables, `tasks` and `notes`, and a task; answers its id.
async fn two_tables() -> (Server, String) {
    let server = Server::with_tasks().await;
    let mut notes = tasks();
    notes["name"] = json!("Notes");
    server.post("/api/tables", notes).await.expect(201);
    let id = server.task(json!({"title": "first", "code": "one"})).await;
    (server, id)
}

async fn transact(server: &Server, operations: Value) -> crate::harness::Answer {
    server
        .post("/api/transactions", json!({ "operations": operations }))
        .await
}

async fn records(server: &Server, table: &str) -> u64 {
    let stats = server
        .get(&format!("/api/tables/{table}/stats"))
        .await
        .expect(200);
    stats.json()["records"].as_u64().unwrap()
}

#[tokio::test]
async fn operations_over_two_tables_are_one_commit() {
    let (server, id) = two_tables().await;
    let before: u64 = server
        .get(&format!("/api/tables/tasks/records/{id}"))
        .await
        .header("x-revision")
        .parse()
        .unwrap_or_default();
    let done = transact(
        &server,
        json!([
            {"op": "create", "table": "notes", "data": {"title": "a note"}},
            {"op": "update", "table": "tasks", "id": id, "version": 1, "data": {"priority": 5}},
            {"op": "check", "table": "tasks", "id": id, "version": 2},
            {"op": "replace", "table": "tasks", "id": id, "data": {"title": "replaced"}},
            {"op": "create", "table": "tasks", "data": {"title": "second", "code": "one"}},
            {"op": "delete", "table": "tasks", "id": id},
            {"op": "restore", "table": "tasks", "id": id, "version": 4},
        ]),
    )
    .await
    .expect(200);
    let json = done.json();
    let versions: Vec<Value> = json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["record"]["version"].clone())
        .collect();
    assert_eq!(
        versions,
        [
            json!(1),
            json!(2),
            json!(2),
            json!(3),
            json!(1),
            Value::Null,
            json!(5)
        ]
    );
    assert_eq!(json["results"][3]["record"]["data"]["title"], "replaced");
    assert_eq!(json["results"][0]["record"]["data"]["number"], 1);
    assert_eq!(json["revision"].to_string(), done.header("x-revision"));
    assert!(json["revision"].as_u64().unwrap() > before);
    assert_eq!(
        (records(&server, "tasks").await, records(&server, "notes").await),
        (2, 1)
    );
    let now = server
        .get(&format!("/api/tables/tasks/records/{id}"))
        .await
        .expect(200);
    assert_eq!(now.json()["version"], 5);
}

#[tokio::test]
async fn one_bad_operation_stops_all_and_every_bad_one_is_named() {
    let (server, id) = two_tables().await;
    let refused = transact(
        &server,
        json!([
            {"op": "create", "table": "notes", "data": {"title": "good"}},
            {"op": "create", "table": "notes", "data": {"priority": 9}},
            {"op": "update", "table": "tasks", "id": "00000000-0000-7000-8000-000000000000", "data": {}},
            {"op": "update", "table": "tasks", "id": id, "version": 7, "data": {"priority": 1}},
            {"op": "create", "table": "tasks", "data": {"title": "taken", "code": "one"}},
        ]),
    )
    .await
    .expect(422);
    assert_eq!(refused.code(), "validationFailed");
    let json = refused.json();
    let named: Vec<(u64, &str)> = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| (issue["index"].as_u64().unwrap(), issue["code"].as_str().unwrap()))
        .collect();
    assert_eq!(
        named,
        [
            (1, "required"),
            (1, "max"),
            (2, "notFound"),
            (3, "version"),
            (4, "unique")
        ]
    );
    assert_eq!(
        (records(&server, "tasks").await, records(&server, "notes").await),
        (1, 0)
    );

    // Before anything is tried: members that are missing, tables that are not there.
    let refused = transact(
        &server,
        json!([
            {"op": "update", "table": "tasks", "data": {}},
            {"op": "create", "table": "tusks", "data": {}},
            {"op": "delete", "table": "tasks", "id": id, "data": {}},
        ]),
    )
    .await
    .expect(422);
    let json = refused.json();
    let named: Vec<(u64, &str)> = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| (issue["index"].as_u64().unwrap(), issue["field"].as_str().unwrap()))
        .collect();
    assert_eq!(named, [(0, "id"), (1, "table"), (2, "data")]);
    let refused = transact(&server, json!([{"op": "destroy", "table": "tasks"}])).await;
    assert_eq!(refused.expect(422).code(), "invalidBody");
}

#[tokio::test]
async fn a_version_that_is_not_there_is_a_conflict_that_says_where() {
    let (server, id) = two_tables().await;
    let update = json!({"op": "update", "table": "tasks", "id": id, "version": 2, "data": {"priority": 1}});
    let refused = transact(
        &server,
        json!([{"op": "create", "table": "notes", "data": {"title": "x"}}, update]),
    )
    .await
    .expect(409);
    assert_eq!(refused.code(), "transactionConflict");
    let json = refused.json();
    assert_eq!(json["params"], json!({"table": "tasks", "key": id}));
    let detail = json["detail"].as_str().unwrap();
    assert!(detail.contains("Version mismatch: expected 2, got 1"), "{detail}");
    assert!(json["hint"].is_string());
    assert_eq!(records(&server, "notes").await, 0);
    // What must not be there is not there.
    let free = json!([{"op": "check", "table": "notes", "id": "00000000-0000-7000-8000-000000000000", "version": 0}]);
    assert_eq!(
        transact(&server, free).await.expect(200).json()["results"],
        json!([{"record": null}])
    );
    let taken = json!([{"op": "check", "table": "tasks", "id": id, "version": 0}]);
    assert_eq!(
        transact(&server, taken).await.expect(409).code(),
        "transactionConflict"
    );
}

#[tokio::test]
async fn unique_values_may_be_swapped() {
    let (server, one) = two_tables().await;
    let two = server.task(json!({"title": "second", "code": "two"})).await;
    transact(
        &server,
        json!([
            {"op": "update", "table": "tasks", "id": one, "data": {"code": "two"}},
            {"op": "update", "table": "tasks", "id": two, "data": {"code": "one"}},
        ]),
    )
    .await
    .expect(200);
    let now = server
        .get(&format!("/api/tables/tasks/records/{one}"))
        .await
        .json();
    assert_eq!(now["data"]["code"], "two");
    let clash = json!([{"op": "update", "table": "tasks", "id": one, "data": {"code": "one"}}]);
    let refused = transact(&server, clash).await.expect(409);
    assert_eq!(refused.code(), "uniqueViolation");
    assert_eq!(refused.json()["errors"][0]["index"], 0);
}

#[tokio::test]
async fn every_operation_is_told_all_that_is_wrong_with_it() {
    let (server, _) = two_tables().await;
    let clash = json!([
        {"op": "create", "table": "notes", "data": {"title": "good"}},
        {"op": "create", "table": "tasks", "data": {"title": 5, "code": "one"}},
    ]);
    let refused = transact(&server, clash).await.expect(422).json();
    let mut told: Vec<_> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| {
            (
                issue["index"].as_u64().unwrap(),
                issue["field"].as_str().unwrap(),
                issue["code"].as_str().unwrap(),
            )
        })
        .collect();
    told.sort();
    assert_eq!(told, [(1, "code", "unique"), (1, "title", "type")]);
}

#[tokio::test]
async fn a_trial_writes_nothing_and_a_keyed_request_is_done_once() {
    let (server, _) = two_tables().await;
    let create = json!([{"op": "create", "table": "notes", "data": {"title": "once"}}]);
    let trial = json!({"operations": create, "dryRun": true});
    let tried = server.post("/api/transactions", trial).await.expect(200).json();
    assert_eq!(tried["dryRun"], true);
    assert_eq!(tried["results"][0]["record"]["data"]["title"], "once");
    assert!(tried.get("revision").is_none());
    let tried = server
        .post("/api/transactions?dryRun=true", json!({"operations": create}))
        .await;
    tried.expect(200);
    assert_eq!(records(&server, "notes").await, 0);

    let body = json!({"operations": create}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "k1")];
    let first = server
        .call("POST", "/api/transactions", &headers, body.clone())
        .await
        .expect(200);
    let again = server
        .call("POST", "/api/transactions", &headers, body)
        .await
        .expect(200);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.json(), again.json());
    assert_eq!(records(&server, "notes").await, 1);

    let minimal = [("content-type", "application/json"), ("prefer", "return=minimal")];
    let body = json!({"operations": create}).to_string();
    let done = server
        .call("POST", "/api/transactions", &minimal, body)
        .await
        .expect(200);
    assert_eq!(done.json()["results"], json!([{}]));
    assert_eq!(done.header("preference-applied"), "return=minimal");
}

#[tokio::test]
async fn readers_may_not_and_fields_of_the_store_are_refused() {
    let (server, id) = two_tables().await;
    let bearer = format!("Bearer {}", server.read);
    let headers = [
        ("content-type", "application/json"),
        ("authorization", bearer.as_str()),
    ];
    let check = json!({"operations": [{"op": "check", "table": "tasks", "id": id}]}).to_string();
    let refused = server
        .call("POST", "/api/transactions", &headers, check)
        .await
        .expect(403);
    assert_eq!(refused.code(), "forbidden");
    let write = json!([{"op": "update", "table": "tasks", "id": id, "data": {"number": 77}}]);
    let refused = transact(&server, write.clone()).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["code"], "readOnly");
    let body = json!({ "operations": write });
    server
        .post("/api/transactions?strict=false", body)
        .await
        .expect(200);
    let many = vec![json!({"op": "check", "table": "tasks", "id": id}); 1_001];
    assert_eq!(
        transact(&server, json!(many)).await.expect(400).code(),
        "limitExceeded"
    );
    assert_eq!(
        transact(&server, json!([])).await.expect(200).json()["results"],
        json!([])
    );
}

#[tokio::test]
async fn too_many_operations_are_refused_before_any_is_looked_at() {
    let (server, _) = two_tables().await;
    let operations: Vec<Value> = (0..1_001)
        .map(|number| json!({"op": "create", "table": format!("none-{number}"), "data": {}}))
        .collect();
    let refused = transact(&server, json!(operations)).await.expect(400);
    assert_eq!(refused.code(), "limitExceeded");
}
