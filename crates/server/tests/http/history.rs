//! History, old versions, operations and undo over HTTP.

use serde_json::{Value, json};

use crate::harness::Server;

async fn newest(server: &Server) -> Value {
    let page = server.get("/api/operations?limit=1").await.expect(200).json();
    page["operations"][0].clone()
}

#[tokio::test]
async fn a_history_tells_who_when_and_what_and_a_version_comes_back() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "one", "code": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}");
    server
        .patch(&path, json!({"data": {"title": "two", "priority": null}}))
        .await
        .expect(200);
    server.delete(&path).await.expect(204);
    server
        .post(&format!("{path}/restore"), json!({}))
        .await
        .expect(200);

    let first = server
        .get(&format!("{path}/history?limit=3"))
        .await
        .expect(200)
        .json();
    let kinds: Vec<&str> = first["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["restored", "deleted", "updated"]);
    let updated = &first["steps"][2];
    assert_eq!(
        updated["changes"],
        json!([
            {"column": "title", "from": "one", "to": "two"},
            {"column": "priority", "from": 3, "to": null},
        ])
    );
    assert_eq!(updated["operation"], format!("r{}", updated["revision"]));
    assert!(
        updated["at"].as_str().unwrap().ends_with('Z') && updated["actor"].is_string(),
        "{updated}"
    );
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let rest = server
        .get(&format!("{path}/history?limit=3&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&rest["steps"][0]["version"], &rest["pagination"]["hasMore"]),
        (&json!(1), &json!(false))
    );
    let other = server.task(json!({"title": "other"})).await;
    let refused = server
        .get(&format!(
            "/api/tables/tasks/records/{other}/history?cursor={cursor}"
        ))
        .await;
    assert_eq!(refused.expect(400).code(), "invalidCursor");

    let restore = format!("{path}/restore-version");
    let trial = server
        .post(&format!("{restore}?dryRun=true"), json!({"version": 1}))
        .await
        .expect(200);
    assert_eq!(trial.json()["data"]["title"], "one");
    assert_eq!(server.get(&path).await.json()["data"]["title"], "two");
    let back = server.post(&restore, json!({"version": 1})).await.expect(200);
    assert_eq!(
        (&back.json()["data"]["priority"], &back.json()["version"]),
        (&json!(3), &json!(5))
    );
    let refused = server.post(&restore, json!({"version": 77})).await.expect(404);
    assert_eq!(refused.code(), "versionNotFound");
    server.post(&restore, json!({"version": "1"})).await.expect(422);
    let headers = [("content-type", "application/json"), ("if-match", "\"1\"")];
    server
        .call("POST", &restore, &headers, json!({"version": 1}).to_string())
        .await
        .expect(412);
}

#[tokio::test]
async fn an_operation_is_tried_taken_back_and_done_again() {
    let server = Server::with_tasks().await;
    let ids = [
        server.task(json!({"title": "a"})).await,
        server.task(json!({"title": "b"})).await,
    ];
    let updates: Vec<Value> = ids
        .iter()
        .map(|id| json!({"recordId": id, "data": {"title": "bulk"}}))
        .collect();
    server
        .patch("/api/tables/tasks/records/bulk", json!({"updates": updates}))
        .await
        .expect(200);
    let bulk = newest(&server).await;
    assert_eq!(
        (&bulk["reason"], &bulk["changes"], &bulk["tables"][0]["updated"]),
        (&json!("user"), &json!(2), &json!(2))
    );
    let path = format!("/api/operations/{}", bulk["operation"].as_str().unwrap());
    assert_eq!(server.get(&path).await.expect(200).json(), bulk);

    server
        .patch(
            &format!("/api/tables/tasks/records/{}", ids[0]),
            json!({"data": {"title": "mine"}}),
        )
        .await
        .expect(200);
    let trial = server
        .post(&format!("{path}/revert"), json!({"dryRun": true}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&trial["dryRun"], &trial["reverted"], &trial["skippedTotal"]),
        (&json!(true), &json!(1), &json!(1))
    );
    let refused = server
        .post(&format!("{path}/revert"), json!({"allOrNothing": true}))
        .await
        .expect(409);
    assert_eq!(refused.code(), "changedSince");

    let report = server
        .post(&format!("{path}/revert"), json!({}))
        .await
        .expect(200);
    assert_eq!(report.header("x-revision"), report.json()["revision"].to_string());
    let report = report.json();
    let left = &report["skipped"][0];
    assert_eq!(
        (&left["key"], &left["fields"], &left["why"]),
        (&json!(ids[0]), &json!(["title"]), &json!("changed"))
    );
    assert!(left["by"].is_string() && left["operation"].is_string() && left["message"].is_string());
    let title = async |id: &str| {
        server
            .get(&format!("/api/tables/tasks/records/{id}"))
            .await
            .json()["data"]["title"]
            .clone()
    };
    assert_eq!(
        (title(&ids[0]).await, title(&ids[1]).await),
        (json!("mine"), json!("b"))
    );

    let undo = newest(&server).await;
    assert_eq!(
        (&undo["reason"], &undo["reverts"]),
        (&json!("undo"), &bulk["operation"])
    );
    assert_eq!(server.get(&path).await.json()["revertedBy"], undo["operation"]);
    let undo = format!("/api/operations/{}/revert", undo["operation"].as_str().unwrap());
    server.post(&undo, json!({})).await.expect(200);
    assert_eq!(title(&ids[1]).await, "bulk");
}

#[tokio::test]
async fn operations_are_filtered_and_what_is_unknown_is_refused() {
    let server = Server::with_tasks().await;
    server
        .post(
            "/api/tables",
            json!({"name": "Notes", "columns": [{"name": "Text", "fieldType": "text"}]}),
        )
        .await
        .expect(201);
    server.task(json!({"title": "a"})).await;
    server
        .post("/api/tables/notes/records", json!({"data": {"text": "n"}}))
        .await
        .expect(201);
    let of = async |query: &str| {
        let page = server
            .get(&format!("/api/operations?{query}"))
            .await
            .expect(200)
            .json();
        let tables = page["operations"].as_array().unwrap().iter();
        tables
            .map(|operation| operation["tables"][0]["table"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("").await, ["notes", "tasks"]);
    assert_eq!(of("table=tasks").await, ["tasks"]);
    assert!(of("actor=nobody").await.is_empty());
    let page = server.get("/api/operations?limit=1").await.json();
    let cursor = page["pagination"]["nextCursor"].as_str().unwrap();
    assert_eq!(of(&format!("limit=1&cursor={cursor}")).await, ["tasks"]);

    let cases = [
        ("/api/operations/r999", 404, "operationNotFound"),
        ("/api/operations?limit=201", 400, "limitExceeded"),
        ("/api/operations?table=nope", 404, "tableNotFound"),
        ("/api/operations?what=1", 400, "unknownParameter"),
    ];
    for (path, status, code) in cases {
        assert_eq!(server.get(path).await.expect(status).code(), code, "{path}");
    }
    let refused = server
        .post("/api/operations/r999/revert", json!({}))
        .await
        .expect(404);
    assert_eq!(refused.code(), "operationNotFound");
    let refused = server
        .post("/api/operations/r999/revert", json!({"dry": true}))
        .await
        .expect(422);
    assert_eq!(refused.code(), "invalidBody");
}
