//! Single records: create, read, change, replace, delete, restore.

use axum::body::Body;
use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn a_record_is_created_with_defaults_metadata_and_display() {
    let server = Server::with_tasks().await;
    let columns = server.get("/api/tables/tasks/columns").await.expect(200).json();
    let open = columns["columns"][1]["options"][0]["id"].clone();
    let body = json!({"data": {"title": "Write", "status": open}, "metadata": {"externalId": "x-1"}});
    let made = server.post("/api/tables/tasks/records", body).await.expect(201);
    let record = made.json();
    assert_eq!(record["version"], 1);
    assert_eq!(record["data"]["priority"], 3);
    assert_eq!(record["data"]["number"], 1);
    assert_eq!(record["data"]["code"], json!(null));
    assert_eq!(record["data"]["_display"]["status"], "Open");
    assert_eq!(record["metadata"], json!({"source": "api", "externalId": "x-1"}));
    assert!(record["createdBy"].is_string() && record["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(made.header("etag"), "\"1\"");
    let location = made.header("location").to_owned();
    assert!(location.ends_with(record["id"].as_str().unwrap()), "{location}");
    assert_eq!(server.get(&location).await.expect(200).json(), record);
}

#[tokio::test]
async fn all_issues_of_a_bad_record_come_at_once() {
    let server = Server::with_tasks().await;
    let body = json!({"data": {"priority": 9, "titel": "x"}});
    let refused = server.post("/api/tables/tasks/records", body).await.expect(422);
    assert_eq!(refused.code(), "validationFailed");
    let json = refused.json();
    let mut codes: Vec<(&str, &str)> = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| (issue["field"].as_str().unwrap(), issue["code"].as_str().unwrap()))
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            ("priority", "max"),
            ("titel", "unknownColumn"),
            ("title", "required")
        ]
    );
}

#[tokio::test]
async fn protected_members_are_left_out_and_named_when_not_strict() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}");
    let body = json!({"data": {"title": "b", "number": 99}});
    assert_eq!(
        server.patch(&path, body.clone()).await.expect(422).json()["errors"][0]["code"],
        "readOnly"
    );
    let done = server
        .patch(&format!("{path}?strict=false"), body)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (done["data"]["title"].as_str(), done["data"]["number"].as_i64()),
        (Some("b"), Some(1))
    );
    assert_eq!(done["ignored"], json!(["number"]));
}

#[tokio::test]
async fn patch_merges_null_clears_and_put_replaces() {
    let server = Server::with_tasks().await;
    let id = server
        .task(json!({"title": "a", "code": "A", "priority": 5}))
        .await;
    let path = format!("/api/tables/tasks/records/{id}");
    let merged = server
        .patch(&path, json!({"data": {"code": null}}))
        .await
        .expect(200);
    assert_eq!(merged.header("etag"), "\"2\"");
    assert_eq!(
        (&merged.json()["data"]["code"], &merged.json()["data"]["priority"]),
        (&json!(null), &json!(5))
    );
    let replaced = server
        .put(&path, json!({"data": {"title": "b"}}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&replaced["data"]["title"], &replaced["data"]["priority"]),
        (&json!("b"), &json!(null))
    );
    assert_eq!(replaced["version"], 3);
}

#[tokio::test]
async fn an_outdated_version_is_refused_with_the_current_record() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}");
    server
        .patch(&path, json!({"data": {"title": "b"}}))
        .await
        .expect(200);
    let headers = [("if-match", "\"1\""), ("content-type", "application/json")];
    for (method, body) in [
        ("PATCH", "{\"data\":{}}"),
        ("PUT", "{\"data\":{\"title\":\"c\"}}"),
        ("DELETE", ""),
    ] {
        let refused = server.call(method, &path, &headers, body).await.expect(412);
        assert_eq!(refused.code(), "versionConflict");
        assert_eq!(
            (
                &refused.json()["current"]["version"],
                &refused.json()["current"]["data"]["title"]
            ),
            (&json!(2), &json!("b"))
        );
        assert_eq!(refused.header("etag"), "\"2\"");
    }
    let right = [("if-match", "W/\"2\""), ("content-type", "application/json")];
    server
        .call("PATCH", &path, &right, "{\"data\":{\"title\":\"c\"}}")
        .await
        .expect(200);
    let bad = [("if-match", "yesterday"), ("content-type", "application/json")];
    assert_eq!(
        server
            .call("PATCH", &path, &bad, "{\"data\":{}}")
            .await
            .expect(400)
            .code(),
        "invalidHeader"
    );
}

#[tokio::test]
async fn a_caller_who_has_the_version_gets_304() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}");
    let has = server
        .call("GET", &path, &[("if-none-match", "\"1\"")], Body::empty())
        .await
        .expect(304);
    assert!(has.bytes.is_empty());
    server
        .call("GET", &path, &[("if-none-match", "\"7\"")], Body::empty())
        .await
        .expect(200);
}

#[tokio::test]
async fn a_deleted_record_is_gone_until_it_is_restored() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}");
    server.delete(&path).await.expect(204);
    let gone = server.get(&path).await.expect(410);
    assert_eq!(gone.code(), "gone");
    assert_eq!(gone.json()["current"]["data"]["title"], "a");
    assert_eq!(
        server.patch(&path, json!({"data": {}})).await.expect(410).code(),
        "gone"
    );
    assert_eq!(server.delete(&path).await.expect(410).code(), "gone");
    let trash = server.get("/api/tables/tasks/trash").await.expect(200).json();
    assert_eq!(trash["records"][0]["id"], json!(id));
    let back = server
        .call("POST", &format!("{path}/restore"), &[], Body::empty())
        .await
        .expect(200);
    assert_eq!(
        (back.json()["deletedAt"].clone(), back.header("etag")),
        (json!(null), "\"3\"")
    );
    server.get(&path).await.expect(200);
    assert_eq!(
        server
            .call("POST", &format!("{path}/restore"), &[], Body::empty())
            .await
            .expect(404)
            .code(),
        "recordNotFound"
    );
}

#[tokio::test]
async fn deleting_for_good_is_for_administrators() {
    let server = Server::with_tasks().await;
    let id = server.task(json!({"title": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}?permanent=true");
    let writer = format!("Bearer {}", server.write);
    let refused = server
        .call("DELETE", &path, &[("authorization", &writer)], Body::empty())
        .await
        .expect(403);
    assert_eq!(refused.code(), "forbidden");
    server.delete(&path).await.expect(204);
    assert_eq!(
        server
            .get(&format!("/api/tables/tasks/records/{id}"))
            .await
            .expect(404)
            .code(),
        "recordNotFound"
    );
}

#[tokio::test]
async fn a_value_in_use_is_a_conflict() {
    let server = Server::with_tasks().await;
    server.task(json!({"title": "a", "code": "A"})).await;
    let body = json!({"data": {"title": "b", "code": "A"}});
    let refused = server.post("/api/tables/tasks/records", body).await.expect(409);
    assert_eq!(refused.code(), "uniqueViolation");
    assert_eq!(refused.json()["errors"][0]["field"], "code");
}

#[tokio::test]
async fn what_is_in_use_is_told_beside_everything_else() {
    let server = Server::with_tasks().await;
    let columns = "/api/tables/tasks/columns";
    let unique = json!({"name": "Mail", "fieldType": "email",
        "validation": {"unique": true, "customErrorMessage": "Somebody has this address"}});
    server.post(columns, unique).await.expect(201);
    let parent = json!({"name": "Parent", "fieldType": "relation", "config": {"table": "tasks"}});
    server.post(columns, parent).await.expect(201);
    let holder = server
        .task(json!({"title": "a", "code": "A", "mail": "a@example.org"}))
        .await;

    let path = "/api/tables/tasks/records";
    let told = |refused: &crate::harness::Answer| {
        let json = refused.json();
        let text = |issue: &serde_json::Value, name: &str| issue[name].as_str().unwrap().to_owned();
        let mut told: Vec<(String, String)> = json["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|issue| (text(issue, "field"), text(issue, "code")))
            .collect();
        told.sort_unstable();
        told.iter()
            .map(|(field, code)| format!("{field} {code}"))
            .collect::<Vec<_>>()
    };
    let nobody = "0190a2b4-0000-7000-8000-000000000001";
    let all = json!({"code": "A", "mail": "a@example.org", "parent": nobody, "priority": 9});
    let everything = [
        "code unique",
        "mail unique",
        "parent reference",
        "priority max",
        "title required",
    ];
    for path in [path.to_owned(), format!("{path}?dryRun=true")] {
        let refused = server.post(&path, json!({"data": all})).await.expect(422);
        assert_eq!(refused.code(), "validationFailed");
        assert_eq!(told(&refused), everything);
        let mail = &refused.json()["errors"];
        let mail = mail
            .as_array()
            .unwrap()
            .iter()
            .find(|issue| issue["field"] == "mail");
        let mail = mail.expect("it is told");
        assert_eq!(mail["message"], "Somebody has this address");
        assert_eq!(mail["params"]["recordId"], holder);
    }
    let refused = server
        .post(&format!("{path}/bulk"), json!({"records": [{"title": "b"}, all]}))
        .await
        .expect(422);
    assert_eq!(told(&refused), everything);
    assert_eq!(refused.json()["errors"][0]["index"], 1);

    // Where nothing but other records is in the way it is a conflict of its own code.
    let both = json!({"data": {"title": "b", "code": "A", "mail": "a@example.org"}});
    let refused = server.post(path, both).await.expect(409);
    assert_eq!(refused.code(), "uniqueViolation");
    assert_eq!(told(&refused), ["code unique", "mail unique"]);
    let refused = server
        .post(path, json!({"data": {"title": "b", "parent": nobody}}))
        .await
        .expect(409);
    assert_eq!(refused.code(), "referenceViolation");
}

#[tokio::test]
async fn how_a_record_is_deleted_may_stand_in_the_body() {
    let server = Server::with_tasks().await;
    let path = format!(
        "/api/tables/tasks/records/{}",
        server.task(json!({"title": "a"})).await
    );
    server
        .delete_with(&path, json!({"dryRun": true}))
        .await
        .expect(204);
    server.get(&path).await.expect(200);
    let refused = server.delete_with(&path, json!({"permanently": true})).await;
    assert_eq!(refused.expect(422).code(), "invalidBody");
    server.call("DELETE", &path, &[], "permanent").await.expect(415);
    let headers = [
        ("authorization", &*format!("Bearer {}", server.write)),
        ("content-type", "application/json"),
    ];
    let refused = server
        .call("DELETE", &path, &headers, json!({"permanent": true}).to_string())
        .await;
    assert_eq!(refused.expect(403).code(), "forbidden");
    server
        .delete_with(&path, json!({"permanent": true}))
        .await
        .expect(204);
    assert_eq!(server.get(&path).await.expect(404).code(), "recordNotFound");
}

#[tokio::test]
async fn a_trial_answers_the_same_and_writes_nothing() {
    let server = Server::with_tasks().await;
    let trial = server
        .post(
            "/api/tables/tasks/records?dryRun=true",
            json!({"data": {"title": "a"}}),
        )
        .await
        .expect(200);
    assert_eq!(trial.json()["data"]["priority"], 3);
    assert_eq!(server.get("/api/tables/tasks/stats").await.json()["records"], 0);
    let id = server.task(json!({"title": "a"})).await;
    let path = format!("/api/tables/tasks/records/{id}");
    server
        .patch(&format!("{path}?dryRun=true"), json!({"data": {"title": "b"}}))
        .await
        .expect(200);
    server.delete(&format!("{path}?dryRun=true")).await.expect(204);
    assert_eq!(server.get(&path).await.expect(200).json()["data"]["title"], "a");
}

#[tokio::test]
async fn a_caller_may_ask_for_less() {
    let server = Server::with_tasks().await;
    let headers = [("prefer", "return=minimal"), ("content-type", "application/json")];
    let made = server
        .call(
            "POST",
            "/api/tables/tasks/records",
            &headers,
            "{\"data\":{\"title\":\"a\"}}",
        )
        .await
        .expect(201);
    assert!(made.bytes.is_empty() && !made.header("location").is_empty());
    assert_eq!(made.header("preference-applied"), "return=minimal");
    let path = made.header("location").to_owned();
    server
        .call("PATCH", &path, &headers, "{\"data\":{\"title\":\"b\"}}")
        .await
        .expect(204);
    let plain = server
        .get(&format!("{path}?includeDisplay=false"))
        .await
        .expect(200)
        .json();
    assert!(plain["data"].get("_display").is_none());
}

#[tokio::test]
async fn a_record_is_addressed_by_its_key_whatever_it_is() {
    let server = Server::start().await;
    let table = json!({"name": "Parts", "key": "sku", "columns": [{"name": "Sku", "fieldType": "text", "slug": "sku"}]});
    server.post("/api/tables", table).await.expect(201);
    let made = server
        .post("/api/tables/parts/records", json!({"data": {"sku": "a/b c?ä"}}))
        .await
        .expect(201);
    assert_eq!(made.json()["id"], "a/b c?ä");
    let path = made.header("location").to_owned();
    assert_eq!(
        server.get(&path).await.expect(200).json()["data"]["sku"],
        "a/b c?ä"
    );
    let again = server
        .post("/api/tables/parts/records", json!({"data": {"sku": "a/b c?ä"}}))
        .await
        .expect(409);
    assert_eq!(again.code(), "alreadyExists");
}
