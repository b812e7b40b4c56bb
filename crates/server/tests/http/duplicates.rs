//! Merging over HTTP: one request, one operation, taken back as one.

use serde_json::json;

use crate::harness::Server;

#[tokio::test]
async fn records_are_merged_and_the_merge_is_taken_back() {
    let server = Server::with_tasks().await;
    let stays = server.task(json!({"title": "One", "priority": 5})).await;
    let goes = server.task(json!({"title": "Two", "code": "told"})).await;
    let merge = |choices| json!({"survivorId": stays, "recordIds": [goes], "choices": choices});
    let path = "/api/tables/tasks/duplicates/merge";

    let wrong = server
        .post(path, merge(json!({"titel": "keep"})))
        .await
        .expect(422);
    assert!(
        wrong.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("\"title\"")
    );
    let none = json!({"survivorId": stays, "recordIds": ["nobody"]});
    assert_eq!(server.post(path, none).await.expect(404).code(), "recordNotFound");

    let trial = format!("{path}?dryRun=true");
    let tried = server.post(&trial, merge(json!({}))).await.expect(200).json();
    assert_eq!(tried["record"]["data"]["code"], "told");
    assert_eq!(tried["operationId"], json!(null));
    server
        .get(&format!("/api/tables/tasks/records/{goes}"))
        .await
        .expect(200);

    let merged = server
        .post(path, merge(json!({"title": {"from": goes}})))
        .await
        .expect(200);
    let body = merged.json();
    assert_eq!(
        [
            &body["record"]["data"]["title"],
            &body["record"]["data"]["priority"]
        ],
        [&json!("Two"), &json!(5)]
    );
    assert_eq!(body["referring"], 0);
    assert!(!merged.header("x-revision").is_empty());
    server
        .get(&format!("/api/tables/tasks/records/{goes}"))
        .await
        .expect(410);
    let trash = server.get("/api/tables/tasks/trash").await.expect(200).json();
    assert_eq!(trash["records"][0]["metadata"]["duplicateOf"], json!(stays));

    let operation = body["operationId"].as_str().unwrap();
    let told = server
        .get(&format!("/api/operations/{operation}"))
        .await
        .expect(200)
        .json();
    assert_eq!(told["reason"], "merge");
    let revert = format!("/api/operations/{operation}/revert");
    server.post(&revert, json!({})).await.expect(200);
    let back = server
        .get(&format!("/api/tables/tasks/records/{stays}"))
        .await
        .expect(200)
        .json();
    assert_eq!(back["data"]["title"], "One");
    server
        .get(&format!("/api/tables/tasks/records/{goes}"))
        .await
        .expect(200);
}
