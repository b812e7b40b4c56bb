//! Forms that strangers fill in: they make records, and show none.

use axum::body::Body;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

async fn wishes(server: &Server, enabled: bool) -> Value {
    let table = json!({"name": "Wishes", "slug": "wishes", "settings": {"enableForm": enabled}, "columns": [
        {"name": "Wish", "fieldType": "text", "validation": {"required": true}},
        {"name": "E-mail", "slug": "email", "fieldType": "email", "validation": {"unique": true}},
        {"name": "How much", "slug": "much", "fieldType": "select", "options": [{"name": "A bit"}, {"name": "A lot"}]},
        {"name": "Judged", "fieldType": "boolean"},
        {"name": "Asked at", "slug": "asked", "fieldType": "createdTime"},
        {"name": "Keeper", "fieldType": "user"},
    ]});
    server.post("/api/tables", table).await.expect(201).json()
}

async fn form(server: &Server) -> Value {
    let form = json!({"name": "Make a wish", "description": "One each", "thanks": "It is on its way", "fields": [
        {"column": "wish", "label": "Your wish", "help": "In a few words"},
        {"column": "email", "required": true},
        {"column": "much"},
    ]});
    server
        .post("/api/tables/wishes/forms", form)
        .await
        .expect(201)
        .json()
}

fn address(form: &Value) -> String {
    form["path"]
        .as_str()
        .expect("a path")
        .replacen("/f/", "/api/forms/", 1)
}

async fn strange(server: &Server, method: &str, path: &str, body: Option<Value>) -> Answer {
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    let headers = [("stranger", ""), ("content-type", "application/json")];
    server.call(method, path, &headers, body).await
}

#[tokio::test]
async fn a_stranger_fills_in_a_form_and_sees_no_record() {
    let server = Server::start().await;
    wishes(&server, true).await;
    let path = address(&form(&server).await);

    let shown = strange(&server, "GET", &path, None).await.expect(200).json();
    assert_eq!(shown["name"], "Make a wish");
    let fields = shown["fields"].as_array().expect("fields");
    let told: Vec<(&str, &str, bool)> = fields
        .iter()
        .map(|field| {
            let text = |name: &str| field[name].as_str().expect("text");
            (
                text("column"),
                text("label"),
                field["validation"]["required"] == true,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("wish", "Your wish", true),
            ("email", "E-mail", true),
            ("much", "How much", false)
        ]
    );
    assert_eq!(fields[2]["options"][1]["name"], "A lot");

    let data = json!({"data": {"wish": "peace", "email": "ann@example.org", "much": "A lot"}});
    let thanks = strange(&server, "POST", &path, Some(data.clone()))
        .await
        .expect(200)
        .json();
    assert_eq!(thanks, json!({"thanks": "It is on its way"}));
    let records = server.get("/api/tables/wishes/records").await.json();
    let record = &records["records"][0];
    assert_eq!(record["data"]["wish"], "peace");
    assert_eq!(record["metadata"]["source"], "form");
    assert_eq!(record["createdBy"], Value::Null);

    // The same e-mail again, and everything that is wrong at once.
    strange(&server, "POST", &path, Some(data)).await.expect(409);
    let wrong = json!({"data": {"email": " ", "much": "A ton", "judged": true, "wish": "x"}});
    let wrong = strange(&server, "POST", &path, Some(wrong))
        .await
        .expect(422)
        .json();
    let mut named: Vec<(&str, &str)> = wrong["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|issue| {
            (
                issue["field"].as_str().unwrap_or(""),
                issue["code"].as_str().unwrap_or(""),
            )
        })
        .collect();
    named.sort_unstable();
    assert_eq!(
        named,
        [
            ("email", "required"),
            ("judged", "unknownColumn"),
            ("much", "enum")
        ]
    );
    assert_eq!(
        server.get("/api/tables/wishes/records").await.json()["records"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn mistakes_of_the_form_and_of_the_table_are_told_in_one_round_and_name_no_record() {
    let server = Server::start().await;
    wishes(&server, true).await;
    let path = address(&form(&server).await);
    let first = json!({"data": {"wish": "peace", "email": "ann@example.org"}});
    strange(&server, "POST", &path, Some(first.clone()))
        .await
        .expect(200);
    let taken = strange(&server, "POST", &path, Some(first)).await.expect(409);
    assert_eq!(taken.code(), "uniqueViolation");
    assert_eq!(taken.json()["errors"][0]["params"], Value::Null);
    let wrong = json!({"data": {"email": "ann@example.org", "much": 5, "colour": "red"}});
    let wrong = strange(&server, "POST", &path, Some(wrong)).await.expect(422);
    let mut named: Vec<(String, String)> = Vec::new();
    for issue in wrong.json()["errors"].as_array().expect("issues") {
        let text = |name: &str| issue[name].as_str().expect("text").to_owned();
        assert!(issue["params"].get("recordId").is_none(), "{issue}");
        named.push((text("field"), text("code")));
    }
    named.sort_unstable();
    let named: Vec<(&str, &str)> = named.iter().map(|(field, code)| (&**field, &**code)).collect();
    assert_eq!(
        named,
        [
            ("colour", "unknownColumn"),
            ("email", "unique"),
            ("much", "type"),
            ("wish", "required")
        ]
    );
}

#[tokio::test]
async fn a_form_that_is_sent_again_under_its_key_comes_in_once() {
    let server = Server::start().await;
    wishes(&server, true).await;
    let path = address(&form(&server).await);
    let headers = [
        ("stranger", ""),
        ("content-type", "application/json"),
        ("idempotency-key", "a wish of mine"),
    ];
    let send = async |path: &str, wish: &str, email: &str| {
        let body = json!({"data": {"wish": wish, "email": email}}).to_string();
        server.call("POST", path, &headers, body).await
    };
    let first = send(&path, "peace", "ann@example.org").await.expect(200);
    let again = send(&path, "peace", "ann@example.org").await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.bytes, again.bytes);
    let other = send(&path, "rain", "bob@example.org").await.expect(409);
    assert_eq!(other.code(), "idempotencyMismatch");
    // A key belongs to one form.
    let second = address(&form(&server).await);
    send(&second, "rain", "bob@example.org").await.expect(200);
    let records = server.get("/api/tables/wishes/records").await.json();
    assert_eq!(records["records"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_form_that_is_closed_is_not_there_for_strangers() {
    let server = Server::start().await;
    wishes(&server, false).await;
    let form = form(&server).await;
    let path = address(&form);
    let own = format!("/api/tables/wishes/forms/{}", form["id"].as_str().expect("an id"));
    let status = async |path: &str| strange(&server, "GET", path, None).await.status.as_u16();
    assert_eq!(status(&path).await, 404, "enableForm is off");
    server
        .patch("/api/tables/wishes", json!({"settings": {"enableForm": true}}))
        .await
        .expect(200);
    assert_eq!(status(&path).await, 200);
    server.patch(&own, json!({"open": false})).await.expect(200);
    assert_eq!(status(&path).await, 404, "closed");
    assert_eq!(status("/api/forms/x/y").await, 404);
    strange(&server, "GET", &own, None).await.expect(401);
    server.patch(&own, json!({"open": true})).await.expect(200);
    server.delete("/api/tables/wishes").await.expect(204);
    assert_eq!(status(&path).await, 404, "the table is gone");
}

#[tokio::test]
async fn what_strangers_cannot_fill_in_is_refused_with_the_reason() {
    let server = Server::start().await;
    wishes(&server, true).await;
    let fields = ["wich", "asked", "keeper", "much", "much"].map(|column| json!({"column": column}));
    let refused = server
        .post(
            "/api/tables/wishes/forms",
            json!({"name": "Bad", "fields": fields}),
        )
        .await;
    let refused = refused.expect(422).json().to_string();
    for says in [
        "did you mean",
        "written by the store",
        "of the type user",
        "stands twice",
        "No record is made without",
    ] {
        assert!(refused.contains(says), "{says}: {refused}");
    }
    server
        .post("/api/tables/wishes/forms", json!({"name": "Empty", "fields": []}))
        .await
        .expect(422);
}

#[tokio::test]
async fn one_address_sends_so_many_forms_a_minute() {
    let server = Server::start().await;
    wishes(&server, true).await;
    let path = address(&form(&server).await);
    let mut refused = None;
    for _ in 0..=chancery_api::limits::FORM_SUBMITS_PER_MINUTE {
        let answer = strange(&server, "POST", &path, Some(json!({"data": {}}))).await;
        if answer.status.as_u16() == 429 {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("a refusal");
    assert!(
        refused
            .header("retry-after")
            .parse::<u64>()
            .is_ok_and(|seconds| seconds <= 60)
    );
}
