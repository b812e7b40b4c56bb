//! Many records at once: all or nothing, or each on its own; streams.

use serde_json::{Value, json};

use crate::harness::Server;

#[tokio::test]
async fn a_bulk_is_all_or_nothing_and_names_every_bad_item() {
    let server = Server::with_tasks().await;
    let body = json!({"records": [{"title": "a"}, {}, {"title": "c", "priority": 9}]});
    let refused = server
        .post("/api/tables/tasks/records/bulk", body)
        .await
        .expect(422);
    assert_eq!(refused.code(), "validationFailed");
    let json = refused.json();
    let bad: Vec<(u64, &str)> = json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| (issue["index"].as_u64().unwrap(), issue["code"].as_str().unwrap()))
        .collect();
    assert_eq!(bad, [(1, "required"), (2, "max")]);
    assert_eq!(server.get("/api/tables/tasks/stats").await.json()["records"], 0);
}

#[tokio::test]
async fn good_items_are_written_when_it_goes_on() {
    let server = Server::with_tasks().await;
    let body = json!({"records": [{"title": "a"}, {}, {"title": "c"}], "continueOnError": true});
    let done = server
        .post("/api/tables/tasks/records/bulk", body)
        .await
        .expect(200);
    let json = done.json();
    let made: Vec<u64> = json["created"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["index"].as_u64().unwrap())
        .collect();
    assert_eq!(made, [0, 2]);
    assert_eq!(json["created"][1]["record"]["data"]["title"], "c");
    assert_eq!(
        (
            &json["errors"][0]["index"],
            &json["errors"][0]["errors"][0]["code"]
        ),
        (&json!(1), &json!("required"))
    );
    assert_eq!(json["revision"].to_string(), done.header("x-revision"));
    assert_eq!(server.get("/api/tables/tasks/stats").await.json()["records"], 2);
}

#[tokio::test]
async fn a_trial_of_a_bulk_writes_nothing() {
    let server = Server::with_tasks().await;
    let body = json!({"records": [{"title": "a"}], "dryRun": true});
    let trial = server
        .post("/api/tables/tasks/records/bulk", body)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (trial["created"].as_array().unwrap().len(), &trial["dryRun"]),
        (1, &json!(true))
    );
    assert!(trial.get("revision").is_none());
    assert_eq!(server.get("/api/tables/tasks/stats").await.json()["records"], 0);
}

#[tokio::test]
async fn records_are_changed_and_deleted_in_bulk() {
    let server = Server::with_tasks().await;
    let (a, b) = (
        server.task(json!({"title": "a"})).await,
        server.task(json!({"title": "b"})).await,
    );
    let updates = json!({"updates": [
        {"recordId": a, "data": {"title": "A"}, "version": 1},
        {"recordId": b, "data": {"title": "B"}, "version": 7},
    ]});
    let refused = server
        .patch("/api/tables/tasks/records/bulk", updates.clone())
        .await
        .expect(422)
        .json();
    assert_eq!(
        (&refused["errors"][0]["index"], &refused["errors"][0]["code"]),
        (&json!(1), &json!("version"))
    );
    let mut go_on = updates;
    go_on["continueOnError"] = json!(true);
    let done = server
        .patch("/api/tables/tasks/records/bulk", go_on)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (
            &done["updated"][0]["record"]["data"]["title"],
            &done["errors"][0]["recordId"]
        ),
        (&json!("A"), &json!(b))
    );
    let gone = server
        .delete_with("/api/tables/tasks/records/bulk", json!({"recordIds": [a]}))
        .await
        .expect(200)
        .json();
    assert_eq!(gone["deleted"], json!([a]));
    let gone = server
        .post(
            "/api/tables/tasks/records/bulk-delete",
            json!({"recordIds": [b, "nobody"]}),
        )
        .await
        .expect(422);
    assert_eq!(gone.json()["errors"][0]["index"], 1);
    let body = json!({"recordIds": [b, "nobody"], "continueOnError": true, "permanent": true});
    let gone = server
        .post("/api/tables/tasks/records/bulk-delete", body)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&gone["deleted"], &gone["errors"][0]["index"]),
        (&json!([b]), &json!(1))
    );
}

#[tokio::test]
async fn records_are_created_or_changed_by_what_matches() {
    let server = Server::with_tasks().await;
    server.task(json!({"title": "a", "code": "A"})).await;
    let body = json!({"matchOn": ["code"], "records": [
        {"code": "A", "title": "changed"}, {"code": "B", "title": "new"}, {"code": "A", "title": "changed"},
    ]});
    let done = server
        .post("/api/tables/tasks/records/bulk-upsert", body)
        .await
        .expect(200)
        .json();
    let count = |name: &str| done[name].as_array().unwrap().len();
    assert_eq!(
        (count("created"), count("updated"), count("unchanged")),
        (1, 1, 1)
    );
    let wrong = json!({"matchOn": ["cod"], "records": []});
    let refused = server
        .post("/api/tables/tasks/records/bulk-upsert", wrong)
        .await
        .expect(422);
    assert_eq!(refused.code(), "invalidFilter");
}

#[tokio::test]
async fn too_many_records_are_refused_with_the_limit() {
    let server = Server::with_tasks().await;
    let records: Vec<Value> = (0..10_001).map(|_| json!({"title": "a"})).collect();
    let refused = server
        .post("/api/tables/tasks/records/bulk", json!({ "records": records }))
        .await
        .expect(400);
    assert_eq!(refused.code(), "limitExceeded");
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("10000"),
        "{}",
        refused.json()
    );
}

#[tokio::test]
async fn a_stream_answers_line_for_line() {
    let server = Server::with_tasks().await;
    let mut lines = String::new();
    for index in 0..2_500 {
        lines.push_str(&match index {
            7 => "{broken\n".to_owned(),
            9 => "{}\n".to_owned(),
            _ => format!("{{\"title\":\"t{index}\"}}\n"),
        });
    }
    let headers = [("content-type", "application/x-ndjson")];
    let answer = server
        .call("POST", "/api/tables/tasks/records/bulk", &headers, lines)
        .await
        .expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let text = String::from_utf8(answer.bytes).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2_501);
    assert_eq!(
        (&lines[7]["index"], &lines[7]["errors"][0]["code"]),
        (&json!(7), &json!("malformed"))
    );
    assert_eq!(lines[9]["errors"][0]["code"], "required");
    assert!(lines[10]["id"].is_string());
    assert_eq!(
        (
            &lines[2_500]["done"],
            &lines[2_500]["created"],
            &lines[2_500]["failed"]
        ),
        (&json!(true), &json!(2_498), &json!(2))
    );
}

#[tokio::test]
async fn items_bring_ids_of_another_system_and_say_what_was_left_out() {
    let server = Server::with_tasks().await;
    let path = "/api/tables/tasks/records";
    let records = json!([{"title": "a", "externalId": "x-1", "_display": {"title": "A"}}, {"title": "b"}]);
    let made = server
        .post(&format!("{path}/bulk"), json!({"records": records}))
        .await
        .expect(200)
        .json();
    assert_eq!(made["created"][0]["record"]["metadata"]["externalId"], "x-1");
    assert_eq!(made["created"][0]["record"]["ignored"], json!(["_display"]));
    assert!(made["created"][1]["record"].get("ignored").is_none());

    let upsert = json!({"matchOn": ["externalId"], "records": [{"title": "A", "externalId": "x-1"}, {"title": "C", "externalId": "x-3"}]});
    let done = server
        .post(&format!("{path}/bulk-upsert"), upsert)
        .await
        .expect(200)
        .json();
    assert_eq!(done["updated"][0]["record"]["data"]["title"], "A");
    assert_eq!(done["created"][0]["record"]["metadata"]["externalId"], "x-3");

    let id = &made["created"][1]["record"]["id"];
    let update =
        json!({"updates": [{"recordId": id, "data": {"_display": {}}, "metadata": {"externalId": "x-2"}}]});
    let done = server
        .patch(&format!("{path}/bulk"), update)
        .await
        .expect(200)
        .json();
    assert_eq!(done["updated"][0]["record"]["metadata"]["externalId"], "x-2");
    assert_eq!(done["updated"][0]["record"]["ignored"], json!(["_display"]));

    let lines = "{\"title\": \"d\", \"_display\": {}, \"externalId\": \"x-4\"}\n";
    let streamed = server
        .call(
            "POST",
            &format!("{path}/bulk"),
            &[("content-type", "application/x-ndjson")],
            lines,
        )
        .await
        .expect(200);
    let text = String::from_utf8(streamed.bytes).unwrap();
    let line: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(line["ignored"], json!(["_display"]));
    let found = server
        .post(
            "/api/tables/tasks/query",
            json!({"filter": {"column": "externalId", "operator": "eq", "value": "x-4"}}),
        )
        .await
        .expect(200)
        .json();
    assert_eq!(found["records"][0]["data"]["title"], "d");
}
