//! Workspaces, tables, columns, options and field types.

use serde_json::json;

use crate::harness::{Server, tasks};

#[tokio::test]
async fn a_table_is_made_listed_changed_and_dropped() {
    let server = Server::start().await;
    let made = server.post("/api/tables", tasks()).await.expect(201);
    let table = made.json();
    assert_eq!(
        (table["slug"].as_str(), table["key"].as_str()),
        (Some("tasks"), Some("id"))
    );
    assert_eq!(table["columns"].as_array().unwrap().len(), 5);
    assert_eq!(
        server.get(made.header("location")).await.expect(200).json()["id"],
        table["id"]
    );
    assert!(
        server
            .get("/api/tables/tasks")
            .await
            .expect(200)
            .json()
            .get("columns")
            .is_none()
    );
    let listed = server.get("/api/tables?include=columns").await.expect(200).json();
    assert_eq!(listed["tables"][0]["columns"][0]["slug"], "title");
    let body = json!({"description": "What to do", "settings": {"enableForm": true}});
    let changed = server.patch("/api/tables/tasks", body).await.expect(200).json();
    assert_eq!(
        (&changed["description"], &changed["settings"]["enableForm"]),
        (&json!("What to do"), &json!(true))
    );
    let cleared = server
        .patch("/api/tables/tasks", json!({"description": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(cleared["description"], json!(null));
    for (template, kept) in [(json!("{title}"), json!("{title}")), (json!(null), json!(null))] {
        let body = json!({"settings": {"recordNameTemplate": template}});
        let named = server.patch("/api/tables/tasks", body).await.expect(200).json();
        assert_eq!(named["settings"]["recordNameTemplate"], kept, "{named}");
        assert_eq!(named["settings"]["enableForm"], true, "{named}");
    }
    assert_eq!(
        server.post("/api/tables", tasks()).await.expect(409).code(),
        "alreadyExists"
    );
    server.delete("/api/tables/tasks").await.expect(204);
    let gone = server.get("/api/tables/tasks").await.expect(404);
    assert_eq!(gone.code(), "tableNotFound");
}

#[tokio::test]
async fn a_deleted_table_is_listed_brought_back_and_dropped_for_good_by_administrators() {
    let server = Server::with_tasks().await;
    let record = json!({"data": {"title": "Ring"}});
    server.post("/api/tables/tasks/records", record).await.expect(201);
    let id = server.get("/api/tables/tasks").await.expect(200).json()["id"].clone();
    let id = id.as_str().expect("an id");
    let listed = async |path: &str| server.get(path).await.expect(200).json();
    let none = listed("/api/tables?deleted=true").await;
    assert_eq!(none["tables"], json!([]));
    server.delete("/api/tables/tasks").await.expect(204);
    assert_eq!(listed("/api/tables").await["tables"], json!([]));
    let trash = listed("/api/tables?deleted=true&include=columns").await;
    assert_eq!(trash["tables"][0]["id"], id);
    assert!(trash["tables"][0]["deletedAt"].is_string(), "{trash}");
    assert_eq!(trash["tables"][0]["columns"].as_array().unwrap().len(), 5);
    server.delete("/api/tables/tasks").await.expect(404);

    let back = server
        .post(&format!("/api/tables/{id}/restore"), json!({}))
        .await
        .expect(200);
    assert!(back.json().get("deletedAt").is_none());
    let records = listed("/api/tables/tasks/records").await;
    assert_eq!(records["records"][0]["data"]["title"], "Ring");
    let twice = server
        .post("/api/tables/tasks/restore", json!({}))
        .await
        .expect(404);
    assert_eq!(twice.code(), "tableNotFound");

    server.delete("/api/tables/tasks").await.expect(204);
    server.post("/api/tables", tasks()).await.expect(201);
    let taken = server
        .post(&format!("/api/tables/{id}/restore"), json!({}))
        .await
        .expect(409);
    assert_eq!(taken.code(), "alreadyExists");
    let writer = format!("Bearer {}", server.write);
    let reader = format!("Bearer {}", server.read);
    for (key, trash) in [(&writer, 1), (&reader, 0)] {
        let headers = [("authorization", key.as_str())];
        let seen = server.call("GET", "/api/tables?deleted=true", &headers, ()).await;
        assert_eq!(seen.expect(200).json()["tables"].as_array().unwrap().len(), trash);
    }
    let for_good = format!("/api/tables/{id}?permanent=true");
    let headers = [("authorization", writer.as_str())];
    let refused = server.call("DELETE", &for_good, &headers, ()).await.expect(403);
    assert_eq!(refused.code(), "forbidden");
    server.delete(&for_good).await.expect(204);
    server.delete(&for_good).await.expect(404);
    server
        .delete("/api/tables/tasks?permanent=true")
        .await
        .expect(204);
    assert_eq!(listed("/api/tables?deleted=true").await["tables"], json!([]));
}

#[tokio::test]
async fn a_deleted_column_is_listed_and_brought_back() {
    let server = Server::with_tasks().await;
    let record = json!({"data": {"title": "Ring"}});
    server.post("/api/tables/tasks/records", record).await.expect(201);
    let columns = server.get("/api/tables/tasks/columns").await.expect(200).json();
    let slugs: Vec<String> = columns["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["slug"].as_str().unwrap().to_owned())
        .collect();
    let slug = slugs.iter().find(|slug| *slug != "title").expect("another");
    server
        .delete(&format!("/api/tables/tasks/columns/{slug}"))
        .await
        .expect(204);
    let gone = server
        .get("/api/tables/tasks/columns?deleted=true")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            &gone["columns"][0]["slug"],
            gone["columns"][0]["deletedAt"].is_string()
        ),
        (&json!(slug), true)
    );
    let path = format!(
        "/api/tables/tasks/columns/{}/restore",
        gone["columns"][0]["id"].as_str().unwrap()
    );
    let back = server.post(&path, json!({})).await.expect(200).json();
    assert_eq!((&back["slug"], back.get("deletedAt")), (&json!(slug), None));
    let twice = server.post(&path, json!({})).await.expect(404);
    assert_eq!(twice.code(), "columnNotFound");
    let deleted = "/api/tables/tasks/columns?deleted=true";
    let reader = format!("Bearer {}", server.read);
    let headers = [("authorization", reader.as_str())];
    server.call("GET", deleted, &headers, ()).await.expect(403);
}

#[tokio::test]
async fn a_misspelt_table_is_answered_with_the_nearest() {
    let server = Server::with_tasks().await;
    let refused = server.get("/api/tables/task").await.expect(404).json();
    assert!(refused["detail"].as_str().unwrap().contains("tasks"), "{refused}");
}

#[tokio::test]
async fn every_mistake_of_a_definition_is_named() {
    let server = Server::start().await;
    let body = json!({"name": "A", "columns": [
        {"name": "X", "fieldType": "txt"},
        {"name": "Y", "fieldType": "text", "validation": {"pattern": "("}},
        {"name": "Z", "fieldType": "text", "validation": {"format": "mail"}},
    ]});
    let refused = server.post("/api/tables", body).await.expect(422);
    assert_eq!(refused.code(), "invalidDefinition");
    assert!(!refused.json()["errors"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn columns_are_added_changed_reordered_and_deleted() {
    let server = Server::with_tasks().await;
    let made = server
        .post(
            "/api/tables/tasks/columns",
            json!({"name": "Due", "fieldType": "date"}),
        )
        .await
        .expect(201);
    assert_eq!(made.json()["slug"], "due");
    assert_eq!(
        server.get(made.header("location")).await.expect(200).json(),
        made.json()
    );
    let changed = server
        .patch(
            "/api/tables/tasks/columns/due",
            json!({"name": "Due on", "width": 120}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed.json()["name"], &changed.json()["width"]),
        (&json!("Due on"), &json!(120))
    );
    let refused = server
        .patch("/api/tables/tasks/columns/due", json!({"fieldType": "text"}))
        .await
        .expect(422);
    assert_eq!(refused.code(), "invalidDefinition");
    let order = server
        .post(
            "/api/tables/tasks/columns/reorder",
            json!({"columns": ["due", "title"]}),
        )
        .await
        .expect(200);
    assert_eq!(
        (
            &order.json()["columns"][0]["slug"],
            &order.json()["columns"][1]["slug"]
        ),
        (&json!("due"), &json!("title"))
    );
    server.delete("/api/tables/tasks/columns/due").await.expect(204);
    assert_eq!(
        server
            .get("/api/tables/tasks/columns/due")
            .await
            .expect(404)
            .code(),
        "columnNotFound"
    );
    let wrong = json!({"name": "B", "fieldType": "text", "defaultValue": {"function": "tomorrow"}});
    assert_eq!(
        server
            .post("/api/tables/tasks/columns", wrong)
            .await
            .expect(422)
            .code(),
        "invalidDefinition"
    );
}

#[tokio::test]
async fn a_value_is_tried_against_a_column() {
    let server = Server::with_tasks().await;
    let path = "/api/tables/tasks/columns/priority/validate";
    assert_eq!(
        server.post(path, json!({"value": 4})).await.expect(200).json()["valid"],
        true
    );
    let verdict = server.post(path, json!({"value": 9})).await.expect(200).json();
    assert_eq!(
        (&verdict["valid"], &verdict["errors"][0]["code"]),
        (&json!(false), &json!("max"))
    );
    let title = server
        .post("/api/tables/tasks/columns/title/validate", json!({"value": null}))
        .await
        .expect(200)
        .json();
    assert_eq!(title["errors"][0]["code"], "required");
}

#[tokio::test]
async fn options_are_added_changed_reordered_and_deleted() {
    let server = Server::with_tasks().await;
    let path = "/api/tables/tasks/columns/status/options";
    let made = server
        .post(path, json!({"name": "Later", "color": "grey"}))
        .await
        .expect(201)
        .json();
    let later = made["id"].as_str().unwrap();
    let renamed = server
        .patch(
            &format!("{path}/{later}"),
            json!({"name": "Some day", "color": null}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&renamed.json()["name"], &renamed.json()["color"]),
        (&json!("Some day"), &json!(null))
    );
    let listed = server.get(path).await.expect(200).json();
    let mut ids: Vec<String> = listed["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| option["id"].as_str().unwrap().to_owned())
        .collect();
    ids.reverse();
    let order = server
        .post(&format!("{path}/reorder"), json!({ "options": ids }))
        .await
        .expect(200)
        .json();
    assert_eq!(order["options"][0]["id"], json!(ids[0]));
    let some = json!({"options": [ids[0]]});
    assert_eq!(
        server
            .post(&format!("{path}/reorder"), some)
            .await
            .expect(422)
            .code(),
        "invalidDefinition"
    );
    server.delete(&format!("{path}/{later}")).await.expect(204);
    assert_eq!(
        server.delete(&format!("{path}/{later}")).await.expect(404).code(),
        "optionNotFound"
    );
}

#[tokio::test]
async fn workspaces_never_meet() {
    let server = Server::with_tasks().await;
    let made = server
        .post("/api/workspaces", json!({"name": "Other"}))
        .await
        .expect(201)
        .json();
    let mut table = tasks();
    table["workspace"] = json!("other");
    let theirs = server.post("/api/tables", table).await.expect(201).json();
    assert_eq!(theirs["workspaceId"], made["id"]);
    let listed = server.get("/api/tables?workspace=other").await.expect(200).json();
    assert_eq!(listed["tables"].as_array().unwrap().len(), 1);
    let path = format!("/api/tables/{}/records", theirs["id"].as_str().unwrap());
    server
        .post(&path, json!({"data": {"title": "theirs"}}))
        .await
        .expect(201);
    assert_eq!(server.get("/api/tables/tasks/stats").await.json()["records"], 0);
    server
        .patch("/api/workspaces/other", json!({"description": "x"}))
        .await
        .expect(200);
    server.delete("/api/workspaces/other").await.expect(204);
    assert_eq!(
        server.get("/api/workspaces/other").await.expect(404).code(),
        "workspaceNotFound"
    );
    assert_eq!(server.get(&path).await.expect(404).code(), "tableNotFound");
    assert_eq!(
        server.delete("/api/workspaces/default").await.expect(422).code(),
        "invalidDefinition"
    );
}

#[tokio::test]
async fn field_types_describe_themselves() {
    let server = Server::start().await;
    let all = server.get("/api/field-types").await.expect(200).json();
    assert!(all["fieldTypes"].as_array().unwrap().len() > 15);
    let text = server.get("/api/field-types/text").await.expect(200).json();
    assert_eq!(
        (&text["id"], &text["flags"]["supportsUnique"]),
        (&json!("text"), &json!(true))
    );
    assert_eq!(
        server
            .get("/api/field-types/text/config-schema")
            .await
            .expect(200)
            .json(),
        text["configSchema"]
    );
    let wrong = server.get("/api/field-types/txet").await.expect(404);
    assert_eq!(
        (wrong.code().as_str(), &wrong.json()["hint"]),
        ("fieldTypeNotFound", &json!("Did you mean \"text\"?"))
    );
}

#[tokio::test]
async fn two_options_become_one_and_are_two_again() {
    let server = Server::start().await;
    let columns = json!([{"name": "State", "fieldType": "select", "options": [{"id": "a", "name": "Done"}, {"id": "b", "name": "done"}]}]);
    server
        .post("/api/tables", json!({"name": "Jobs", "columns": columns}))
        .await
        .expect(201);
    let made = server
        .post("/api/tables/jobs/records", json!({"data": {"state": "b"}}))
        .await
        .expect(201);
    let at = "/api/tables/jobs/columns/state/options/b/merge";
    let told = server
        .post(at, json!({"into": "a", "dryRun": true}))
        .await
        .expect(200)
        .json();
    assert_eq!((&told["records"], told.get("operationId")), (&json!(1), None));
    let merged = server.post(at, json!({"into": "a"})).await.expect(200).json();
    assert_eq!(
        (&merged["option"]["name"], &merged["records"]),
        (&json!("Done"), &json!(1))
    );
    let record = server.get(made.header("location")).await.expect(200).json();
    assert_eq!(record["data"]["state"], "a");
    let revert = format!(
        "/api/operations/{}/revert",
        merged["operationId"].as_str().unwrap()
    );
    server.post(&revert, json!({})).await.expect(200);
    let options = server
        .get("/api/tables/jobs/columns/state/options")
        .await
        .expect(200)
        .json();
    assert_eq!(options["options"].as_array().unwrap().len(), 2);
    server.post(at, json!({"into": "b"})).await.expect(422);
    server.post(at, json!({"into": "c"})).await.expect(404);
}
