//! Files in and out.

use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const BOUNDARY: &str = "----b0undary";

fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        let file = if *name == "file" {
            "; filename=\"people.csv\""
        } else {
            ""
        };
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    body + &format!("--{BOUNDARY}--\r\n")
}

async fn upload(server: &Server, path: &str, fields: &[(&str, &str)]) -> Answer {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    server
        .call("POST", path, &[("content-type", &kind)], form(fields))
        .await
}

const PEOPLE: &str = "Title,Code,Priority\r\nAda,00501,1\r\nBob,,2\r\n";

#[tokio::test]
async fn a_file_becomes_records_and_every_bad_row_is_named() {
    let server = Server::with_tasks().await;
    let path = "/api/tables/tasks/import/csv";
    let done = upload(&server, path, &[("file", PEOPLE)])
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&done["created"], &done["failed"], &done["written"]),
        (&json!(2), &json!(0), &json!(true))
    );
    let records = server.get("/api/tables/tasks/records").await.json();
    assert_eq!(records["records"][0]["data"]["code"], "00501");
    assert_eq!(records["records"][0]["metadata"]["importId"], done["importId"]);
    let bad = "Title,Priority\r\n,9\r\nok,1\r\n";
    let refused = upload(&server, path, &[("options", "{\"dryRun\":false}"), ("file", bad)])
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&refused["written"], &refused["created"], &refused["failed"]),
        (&json!(false), &json!(0), &json!(1))
    );
    assert_eq!(refused["errors"][0]["row"], 1);
    let again = server
        .get(&format!("/api/imports/{}", refused["importId"].as_str().unwrap()))
        .await
        .expect(200)
        .json();
    assert_eq!(again["report"]["failed"], 1);
}

#[tokio::test]
async fn a_file_becomes_a_table() {
    let server = Server::start().await;
    let made = upload(&server, "/api/tables/import/csv", &[("file", PEOPLE)])
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&made["table"]["name"], &made["import"]["created"]),
        (&json!("people"), &json!(2))
    );
    let code = made["table"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .find(|column| column["slug"] == "code")
        .unwrap();
    assert_eq!(code["fieldType"], "text");
}

#[tokio::test]
async fn a_file_is_looked_at_before() {
    let server = Server::start().await;
    let seen = upload(&server, "/api/import/analyse", &[("file", PEOPLE)])
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&seen["delimiter"], &seen["hasHeader"], &seen["rows"]),
        (&json!(","), &json!(true), &json!(2))
    );
    assert_eq!(seen["columns"][1]["fieldType"], "text");
}

#[tokio::test]
async fn a_broken_form_is_refused_with_what_is_wrong() {
    let server = Server::with_tasks().await;
    let path = "/api/tables/tasks/import/csv";
    for (fields, status, code) in [
        (&[("mapping", "{}")][..], 400, "malformedBody"),
        (&[("flie", "a")], 400, "malformedBody"),
        (
            &[("options", "{\"dryrun\":true}"), ("file", PEOPLE)],
            422,
            "invalidBody",
        ),
        (&[("options", "{"), ("file", PEOPLE)], 400, "malformedJson"),
        (
            &[("options", "{\"locale\":\"klingon\"}"), ("file", PEOPLE)],
            422,
            "validationFailed",
        ),
        (
            &[("options", "{\"delimiter\":\"ab\"}"), ("file", PEOPLE)],
            422,
            "validationFailed",
        ),
        (&[("file", "")], 422, "invalidFile"),
    ] {
        assert_eq!(
            upload(&server, path, fields).await.expect(status).code(),
            code,
            "{fields:?}"
        );
    }
    assert_eq!(
        server.post(path, json!({})).await.expect(415).code(),
        "unsupportedMediaType"
    );
}

#[tokio::test]
async fn an_export_comes_back_as_the_same_table() {
    let server = Server::with_tasks().await;
    server.task(json!({"title": "=1+1", "code": "007"})).await;
    let csv = server
        .get("/api/tables/tasks/export/csv?columns=title,code")
        .await
        .expect(200);
    assert!(csv.header("content-disposition").contains("tasks.csv"));
    assert!(
        String::from_utf8_lossy(&csv.bytes).contains("'=1+1"),
        "{}",
        String::from_utf8_lossy(&csv.bytes)
    );
    let raw = server
        .get("/api/tables/tasks/export/csv?columns=title&escape=none")
        .await
        .expect(200);
    assert!(!String::from_utf8_lossy(&raw.bytes).contains('\''));
    let export = server
        .get("/api/tables/tasks/export/json")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&export["version"], &export["table"]["name"]),
        (&json!("1.0"), &json!("Tasks"))
    );
    let made = server
        .post("/api/tables/import/json?name=Copy", export.clone())
        .await
        .expect(201)
        .json();
    let slug = made["table"]["slug"].as_str().unwrap();
    let copy = server
        .get(&format!("/api/tables/{slug}/export/json"))
        .await
        .expect(200)
        .json();
    assert_eq!(copy["records"], export["records"]);
    let wrong = server
        .get("/api/tables/tasks/export/csv?columns=nothing")
        .await
        .expect(422);
    assert_eq!(wrong.code(), "invalidFilter");
}

#[tokio::test]
async fn records_come_in_as_json() {
    let server = Server::with_tasks().await;
    let path = "/api/tables/tasks/import/json";
    let done = server
        .post(path, json!([{"title": "a"}, {"title": "b"}]))
        .await
        .expect(200)
        .json();
    assert_eq!(done["created"], 2);
    let lines = [("content-type", "application/x-ndjson")];
    let done = server
        .call("POST", path, &lines, "{\"title\":\"c\"}\n{\"title\":\"d\"}\n")
        .await
        .expect(200)
        .json();
    assert_eq!(done["created"], 2);
    let export: Value = server.get("/api/tables/tasks/export/json").await.json();
    assert_eq!(export["records"].as_array().unwrap().len(), 4);
    let again = server.post(path, export.clone()).await.expect(200).json();
    assert_eq!(again["created"], 4, "an export goes into a table that is there");
    let refused = server.post(path, json!([{"title": "e"}, null])).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "[1]");
    let mut wrong = export.clone();
    wrong["records"][1]["data"] = json!(["a"]);
    let refused = server.post(path, wrong).await.expect(422);
    assert_eq!(refused.json()["errors"][0]["field"], "records[1].data");
    assert_eq!(
        server.post(path, json!({"a": 1})).await.expect(422).code(),
        "invalidBody"
    );
}
