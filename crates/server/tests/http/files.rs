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
async fn an_export_of_a_fuzzy_search_has_what_fits_best_first() {
    let server = Server::with_tasks().await;
    for title in ["Call Mayer", "Call Maierhof", "Write", "Call Maier"] {
        server.task(json!({ "title": title })).await;
    }
    let get = async |more: &str| server.get(&format!("/api/tables/tasks/export/{more}")).await;
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let text = async |more: &str| String::from_utf8(get(more).await.expect(200).bytes.to_vec()).unwrap();
    let asked = "columns=title&search=maier&fuzzy=true";
    assert_eq!(
        text(&format!("csv?header=none&{asked}")).await,
        "Call Maier\r\nCall Maierhof\r\nCall Mayer\r\n"
    );
    assert_eq!(
        text(&format!("csv?header=none&{asked}&sort=-title")).await,
        "Call Mayer\r\nCall Maierhof\r\nCall Maier\r\n"
    );
    assert!(
        text(&format!("ndjson?{asked}"))
            .await
            .starts_with("{\"title\":\"Call Maier\"}\n")
    );
    let whole = get("json?search=maier&fuzzy=true").await.expect(200).json();
    assert_eq!(whole["records"].as_array().unwrap().len(), 3);
    assert_eq!(get(&format!("xlsx?{asked}")).await.expect(200).bytes[..2], *b"PK");
    assert_eq!(text("csv?header=none&columns=title&search=maire").await, "");
    // A sort is what a query has, or short.
    let sort = json!([{"column": "title", "direction": "desc", "nulls": "first"}]).to_string();
    let sort = encoded(&sort);
    let sorted = text(&format!(
        "csv?header=none&columns=title&search=maier&fuzzy=true&sort={sort}"
    ))
    .await;
    assert!(sorted.starts_with("Call Mayer"), "{sorted}");
    let listed = server
        .get(&format!("/api/tables/tasks/records?sort={sort}"))
        .await;
    assert_eq!(listed.expect(200).json()["records"][0]["data"]["title"], "Write");
    for wrong in ["[", "[{\"col\":\"title\"}]", "[\"title\"]"] {
        let refused = get(&format!("csv?sort={}", encoded(wrong))).await.expect(400);
        let refused = refused.json();
        assert!(
            refused["detail"].as_str().unwrap().starts_with("sort: "),
            "{refused}"
        );
    }
    for kind in ["csv", "ndjson", "json", "xlsx"] {
        let alone = get(&format!("{kind}?fuzzy=true")).await;
        assert_eq!(alone.expect(400).code(), "invalidParameter", "{kind}");
    }
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

#[tokio::test]
async fn files_name_records_by_what_people_call_them_both_ways() {
    let server = Server::start().await;
    let columns = json!([{"name": "Name", "fieldType": "text"}]);
    server
        .post("/api/tables", json!({"name": "Clients", "columns": columns}))
        .await
        .expect(201);
    let columns = json!([{"name": "Title", "fieldType": "text"},
        {"name": "Client", "fieldType": "relation", "config": {"table": "clients"}}]);
    server
        .post("/api/tables", json!({"name": "Projects", "columns": columns}))
        .await
        .expect(201);
    let (path, file) = (
        "/api/tables/projects/import/csv",
        ("file", "title,client\none,Acme\ntwo,Acme\n"),
    );
    let refused = upload(&server, path, &[file]).await.expect(200).json();
    assert_eq!(
        (&refused["failed"], &refused["errors"][0]["code"]),
        (&json!(2), &json!("reference"))
    );
    let trial = upload(
        &server,
        path,
        &[("options", "{\"createMissing\":true,\"dryRun\":true}"), file],
    )
    .await;
    assert_eq!(trial.expect(200).json()["relatedCreated"], 1);
    let done = upload(&server, path, &[("options", "{\"createMissing\":true}"), file])
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&done["created"], &done["relatedCreated"]),
        (&json!(2), &json!(1))
    );

    let text = |answer: Answer| String::from_utf8(answer.expect(200).bytes.to_vec()).unwrap();
    let labels = text(
        server
            .get("/api/tables/projects/export/csv?links=label&escape=none&columns=title,client")
            .await,
    );
    assert_eq!(labels, "title,client\r\none,Acme\r\ntwo,Acme\r\n");
    let both = text(
        server
            .get("/api/tables/projects/export/csv?links=both&columns=client")
            .await,
    );
    assert!(both.contains("client_label"), "{both}");
    let lines = text(
        server
            .get("/api/tables/projects/export/ndjson?links=label&columns=client")
            .await,
    );
    assert_eq!(lines, "{\"client\":\"Acme\"}\n{\"client\":\"Acme\"}\n");
    server
        .get("/api/tables/projects/export/csv?links=name")
        .await
        .expect(400);
}
