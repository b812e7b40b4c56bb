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

#[tokio::test]
async fn duplicates_are_found_shown_as_they_are_now_and_kept_apart() {
    let server = Server::with_tasks().await;
    let mut ids = Vec::new();
    for title in ["Call Ann Lee", "call  Ánn lee!", "Buy paper", "Call Ann Leee"] {
        ids.push(server.task(json!({ "title": title })).await);
    }
    let path = "/api/tables/tasks/duplicates/find";
    let body = json!({"columns": [{"column": "title", "compare": "normalised"}], "wait": true});
    let found = server.post(path, body.clone()).await.expect(200).json();
    assert_eq!(found["find"]["state"], "done");
    assert_eq!(found["groups"].as_array().unwrap().len(), 1);
    assert_eq!(found["groups"][0]["score"], 1.0);
    assert_eq!(found["groups"][0]["records"][0]["id"], json!(ids[0]));
    let fuzzy = json!({"columnSlugs": ["title"], "similarity": 0.9});
    let fuzzy = server.post(path, fuzzy).await.expect(200).json();
    assert_eq!(fuzzy["groups"][0]["records"].as_array().unwrap().len(), 3);
    let asked = &fuzzy["find"]["asked"];
    let column = json!({"column": "title", "compare": "fuzzy", "similarity": 0.9});
    assert_eq!(asked["columns"], json!([column]));
    let same = server.post(path, asked.clone()).await.expect(200).json();
    assert_eq!(
        (&same["groups"], &same["find"]["asked"]),
        (&fuzzy["groups"], asked)
    );
    let pair = &fuzzy["groups"][0]["pairs"][0];
    assert!(pair["columns"]["title"].as_f64().unwrap() > 0.9, "{pair}");

    let at = format!(
        "/api/tables/tasks/duplicates/finds/{}",
        found["find"]["id"].as_str().unwrap()
    );
    server
        .delete(&format!("/api/tables/tasks/records/{}", ids[1]))
        .await
        .expect(204);
    let now = server.get(&at).await.expect(200).json();
    assert_eq!(now["groups"], json!([]), "one of the two is gone");
    server.delete(&at).await.expect(204);
    assert_eq!(server.get(&at).await.expect(404).code(), "findNotFound");

    let two = json!({"recordIds": [ids[0], ids[3]]});
    let said = server
        .post("/api/tables/tasks/duplicates/ignore", two)
        .await
        .expect(201);
    let said = said.json()["id"].as_str().unwrap().to_owned();
    let fuzzy = json!({"columnSlugs": ["title"], "similarity": 0.9});
    let apart = server.post(path, fuzzy.clone()).await.expect(200).json();
    assert_eq!(apart["groups"], json!([]));
    let all = server
        .get("/api/tables/tasks/duplicates/ignored")
        .await
        .expect(200)
        .json();
    assert_eq!(all["ignored"][0]["id"], json!(said));
    let one = format!("/api/tables/tasks/duplicates/ignored/{said}");
    server.delete(&one).await.expect(204);
    assert_eq!(server.delete(&one).await.expect(404).code(), "ignoredNotFound");
    let again = server.post(path, fuzzy).await.expect(200).json();
    assert_eq!(again["groups"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_search_that_makes_no_sense_is_refused_and_one_that_lasts_is_found_later() {
    let server = Server::with_tasks().await;
    for title in ["One", "one", "Two", "two"] {
        server.task(json!({ "title": title })).await;
    }
    let path = "/api/tables/tasks/duplicates/find";
    for wrong in [
        json!({}),
        json!({"columnSlugs": []}),
        json!({"columnSlugs": ["titel"]}),
        json!({"columnSlugs": ["title"], "columns": []}),
        json!({"columnSlugs": ["title"], "similarity": 7}),
    ] {
        server.post(path, wrong).await.expect(422);
    }
    server
        .post(path, json!({"columnSlugs": ["title"], "wait": 90_000}))
        .await
        .expect(400);
    let asked = json!({"columnSlugs": ["title"], "wait": 0, "limit": 1});
    let begun = server.post(path, asked).await;
    let id = begun.json()["find"]["id"].as_str().unwrap().to_owned();
    let at = format!("/api/tables/tasks/duplicates/finds/{id}?limit=1");
    let first = loop {
        let page = server.get(&at).await.expect(200).json();
        if page["find"]["state"] == "done" {
            break page;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!(first["pagination"]["total"], 2);
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let second = server
        .get(&format!("{at}&cursor={cursor}"))
        .await
        .expect(200)
        .json();
    assert_ne!(
        first["groups"][0]["records"][0]["id"],
        second["groups"][0]["records"][0]["id"]
    );
    assert_eq!(second["pagination"]["hasMore"], false);
}

#[tokio::test]
async fn a_merge_over_records_that_changed_since_is_refused() {
    let server = Server::with_tasks().await;
    let stays = server.task(json!({"title": "One"})).await;
    let goes = server.task(json!({"title": "Two"})).await;
    let path = "/api/tables/tasks/duplicates/merge";
    let merge = |versions| json!({"survivorId": stays, "recordIds": [goes], "versions": versions});
    let changed = format!("/api/tables/tasks/records/{goes}");
    server
        .patch(&changed, json!({"data": {"title": "Three"}}))
        .await
        .expect(200);
    let mut seen = serde_json::Map::new();
    seen.insert(stays.clone(), json!(1));
    seen.insert(goes.clone(), json!(1));
    let refused = server.post(path, merge(json!(seen))).await.expect(412);
    assert_eq!(refused.code(), "versionConflict");
    assert_eq!(refused.json()["current"]["data"]["title"], "Three");
    let other = server
        .post(path, merge(json!({"0190a2b4-0000-7000-8000-000000000001": 1})))
        .await
        .expect(422);
    assert_eq!(
        other.json()["errors"][0]["field"],
        "versions.0190a2b4-0000-7000-8000-000000000001"
    );
    seen.insert(goes.clone(), json!(2));
    server.post(path, merge(json!(seen))).await.expect(200);
    server.get(&changed).await.expect(410);
}
