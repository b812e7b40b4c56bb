//! Imports step by step over HTTP: the whole course, and what is refused.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const PEOPLE: &str = "email,age\na@x.org,30\nb@x.org,old\n";

/// A server with a table of people.
async fn server() -> Server {
    let server = Server::start().await;
    let table = json!({"name": "People", "columns": [
        {"name": "Email", "fieldType": "text", "validation": {"unique": true}},
        {"name": "Age", "fieldType": "number"},
    ]});
    server.post("/api/tables", table).await.expect(201);
    server
}

/// Sends a file as it is.
async fn upload(server: &Server, path: &str, bytes: impl Into<Vec<u8>>) -> Answer {
    let headers = [("content-type", "application/octet-stream")];
    server.call("POST", path, &headers, bytes.into()).await
}

/// A request without a body.
async fn post(server: &Server, path: &str) -> Answer {
    server.call("POST", path, &[], Vec::new()).await
}

/// Waits until an import is over, or rests.
async fn settled(server: &Server, id: &str) -> Value {
    loop {
        let job = server.get(&format!("/api/imports/{id}")).await.expect(200).json();
        if !matches!(job["state"].as_str(), Some("checking" | "writing" | "takingBack")) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn id_of(answer: &Answer) -> String {
    answer.json()["importId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_whole_course_of_an_import() {
    let server = server().await;
    let made = upload(&server, "/api/tables/people/imports?fileName=people.csv", PEOPLE)
        .await
        .expect(201);
    let id = id_of(&made);
    assert_eq!(made.header("location"), format!("/api/imports/{id}"));
    let job = made.json();
    assert_eq!(
        (&job["state"], &job["fileName"]),
        (&json!("analysed"), &json!("people.csv"))
    );
    let draft = &job["draft"];
    assert_eq!(draft["suggestedMapping"], json!({"email": "email", "age": "age"}));
    assert_eq!(
        (&draft["analysis"]["rows"], &draft["problems"]),
        (&json!(2), &json!([]))
    );

    let path = format!("/api/imports/{id}");
    let wrong = json!({"mapping": {"age": "nowhere"}});
    let wrong = server.patch(&path, wrong).await.expect(200).json();
    assert_eq!(wrong["draft"]["problems"][0]["code"], "unknownColumn");
    assert_eq!(
        post(&server, &format!("{path}/dry-run")).await.expect(422).code(),
        "invalidDefinition"
    );
    let change = json!({"mapping": {"email": "email", "age": "age"}, "options": {"continueOnError": true, "locale": "de-DE"}});
    let changed = server.patch(&path, change).await.expect(200).json();
    assert_eq!(changed["draft"]["options"]["locale"], "de-DE");

    assert_eq!(
        post(&server, &format!("{path}/pause")).await.expect(409).code(),
        "conflict"
    );
    let begun = post(&server, &format!("{path}/dry-run")).await.expect(202);
    assert_eq!(begun.header("location"), path);
    let tried = settled(&server, &id).await;
    assert_eq!(
        (&tried["state"], &tried["draft"]["check"]["failed"]),
        (&json!("checked"), &json!(1))
    );
    let told = server
        .get(&format!("{path}/errors?format=json"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&told["errors"][0]["row"], &told["errors"][0]["value"]),
        (&json!(2), &json!("old"))
    );

    post(&server, &format!("{path}/commit")).await.expect(202);
    let done = settled(&server, &id).await;
    assert_eq!(
        (&done["state"], &done["report"]["created"]),
        (&json!("done"), &json!(1))
    );
    let csv = server.get(&format!("{path}/errors")).await.expect(200);
    assert!(String::from_utf8_lossy(&csv.bytes).contains("b@x.org,old,2,"));
    let listed = server.get("/api/imports?limit=1").await.expect(200).json();
    assert_eq!(
        (
            &listed["imports"][0]["importId"],
            &listed["imports"][0]["fileName"]
        ),
        (&json!(id), &json!("people.csv"))
    );
    assert!(listed["imports"][0]["createdAt"].as_str().unwrap().ends_with('Z'));
    assert!(listed["imports"][0]["createdBy"].is_string());

    let tried = server
        .post(&format!("{path}/revert"), json!({"dryRun": true}))
        .await
        .expect(200)
        .json();
    assert_eq!(tried["reverted"], 1);
    server
        .post(&format!("{path}/revert"), json!({}))
        .await
        .expect(200);
    assert_eq!(settled(&server, &id).await["state"], "reverted");
    assert_eq!(
        server
            .post(&format!("{path}/revert"), json!({}))
            .await
            .expect(409)
            .code(),
        "conflict"
    );
    let left = server.get("/api/tables/people/records").await.expect(200).json();
    assert_eq!(left["records"], json!([]));
}

#[tokio::test]
async fn an_import_that_rests_is_cancelled_and_leaves_nothing() {
    let server = server().await;
    let rows: String = (0..40_000).map(|n| format!("p{n}@x.org,{}\n", n % 90)).collect();
    let made = upload(
        &server,
        "/api/imports?fileName=big.csv.gz",
        gzip(&format!("email,age\n{rows}")),
    )
    .await
    .expect(201);
    let id = id_of(&made);
    assert_eq!(made.json()["draft"]["newTable"]["name"], "big");
    post(&server, &format!("/api/imports/{id}/commit"))
        .await
        .expect(202);
    post(&server, &format!("/api/imports/{id}/pause"))
        .await
        .expect(200);
    let rests = settled(&server, &id).await;
    assert_eq!(
        (&rests["state"], &rests["running"]),
        (&json!("paused"), &json!(true))
    );
    let change = json!({"options": {}});
    let path = format!("/api/imports/{id}");
    assert_eq!(server.patch(&path, change).await.expect(409).code(), "conflict");
    // While it runs, what does not change is left out unless it is asked for.
    let columns = |job: &Value| job["draft"]["analysis"]["columns"].as_array().unwrap().len();
    let whole = server
        .get(&format!("{path}?include=draft"))
        .await
        .expect(200)
        .json();
    assert_eq!((columns(&rests), columns(&whole)), (0, 2));
    assert_eq!(rests["draft"]["analysis"]["rows"], 40_000);
    server.get(&format!("{path}?include=drafts")).await.expect(400);
    let cancelled = post(&server, &format!("{path}/cancel")).await.expect(200).json();
    assert_eq!(cancelled["cancelled"], true);
    settled(&server, &id).await;
    server.get("/api/tables/big").await.expect(404);
}

#[tokio::test]
async fn a_file_that_is_not_begun_is_let_go() {
    let server = server().await;
    let id = id_of(
        &upload(&server, "/api/tables/people/imports", PEOPLE)
            .await
            .expect(201),
    );
    post(&server, &format!("/api/imports/{id}/cancel"))
        .await
        .expect(200);
    assert_eq!(
        server.get(&format!("/api/imports/{id}")).await.expect(404).code(),
        "importNotFound"
    );
    assert_eq!(
        upload(&server, "/api/tables/people/imports", "").await.code(),
        "invalidFile"
    );
}

#[tokio::test]
async fn a_workbook_goes_out_and_comes_in() {
    let server = server().await;
    server
        .post(
            "/api/tables/people/records",
            json!({"data": {"email": "007", "age": 1.5}}),
        )
        .await
        .expect(201);
    let book = server
        .get("/api/tables/people/export/xlsx?columns=age,email")
        .await
        .expect(200);
    assert_eq!(
        book.header("content-disposition"),
        "attachment; filename=\"people.xlsx\""
    );
    let made = upload(&server, "/api/imports?fileName=copy.xlsx", book.bytes)
        .await
        .expect(201);
    assert_eq!(made.json()["draft"]["analysis"]["sheets"], json!(["People"]));
    let id = id_of(&made);
    post(&server, &format!("/api/imports/{id}/commit"))
        .await
        .expect(202);
    assert_eq!(settled(&server, &id).await["state"], "done");
    let lines = server
        .get("/api/tables/copy/export/ndjson?columns=email,age")
        .await
        .expect(200);
    assert_eq!(
        String::from_utf8_lossy(&lines.bytes),
        "{\"email\":\"007\",\"age\":1.5}\n"
    );
}

fn gzip(text: &str) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn new_columns_are_said_with_their_types_and_come_back_with_the_draft() {
    let server = server().await;
    let made = upload(
        &server,
        "/api/tables/people/imports",
        "email,joined\na@x.org,01.02.2024\n",
    )
    .await
    .expect(201);
    let path = format!("/api/imports/{}", id_of(&made));
    let new = json!({"name": "Joined", "fieldType": "date", "indexed": true});
    let change = json!({"options": {"locale": "de-DE", "newColumns": [new]}});
    let changed = server.patch(&path, change).await.expect(200).json();
    let draft = &changed["draft"];
    assert_eq!(draft["problems"], json!([]));
    assert_eq!(draft["options"]["newColumns"][0]["fieldType"], "date");
    assert_eq!(draft["analysis"]["columns"][1]["fieldType"], "date");
    let again = json!({"options": draft["options"]});
    let again = server.patch(&path, again).await.expect(200).json();
    assert_eq!(
        again["draft"]["options"], draft["options"],
        "what was answered can be sent again"
    );
    post(&server, &format!("{path}/commit")).await.expect(202);
    assert_eq!(settled(&server, &id_of(&made)).await["state"], "done");
    let column = server
        .get("/api/tables/people/columns/joined")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&column["fieldType"], &column["indexed"]),
        (&json!("date"), &json!(true))
    );
    let wrong = json!({"options": {"newColumns": [{"name": "X", "fieldType": "text", "validation": {"format": "nonsense"}}]}});
    let other = upload(&server, "/api/tables/people/imports", PEOPLE)
        .await
        .expect(201);
    server
        .patch(&format!("/api/imports/{}", id_of(&other)), wrong)
        .await
        .expect(422);
}
