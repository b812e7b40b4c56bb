//! Roles and keys whose scope is not the same everywhere: what each route lets through, and what it shows.

use axum::body::Body;
use chancery_server::access::{Need, RULES, Reach};
use http::Method;
use serde_json::{Value, json};

use crate::harness::Server;

/// A table of people with a team and a salary, and one of notes.
async fn tables(server: &Server) {
    let people = json!({"name": "People", "slug": "people", "columns": [
        {"name": "Name", "fieldType": "text", "isPrimary": true},
        {"name": "Team", "fieldType": "text"},
        {"name": "Salary", "fieldType": "number"},
    ]});
    server.post("/api/tables", people).await.expect(201);
    let notes = json!({"name": "Notes", "slug": "notes", "columns": [{"name": "Text", "fieldType": "text"}]});
    server.post("/api/tables", notes).await.expect(201);
    let records = json!({"records": [
        {"name": "Ann", "team": "north", "salary": 10},
        {"name": "Bob", "team": "south", "salary": 20},
        {"name": "Cid", "team": "north", "salary": 30},
    ]});
    server
        .post("/api/tables/people/records/bulk", records)
        .await
        .expect(200);
}

async fn key(server: &Server, scope: &str, grants: Value) -> String {
    let input = json!({"name": "held", "scope": scope, "grants": grants});
    let made = server.post("/api/api-keys", input).await.expect(201);
    format!("Bearer {}", made.json()["key"].as_str().expect("a key"))
}

fn north(scope: &str) -> Value {
    json!({"table": "people", "scope": scope, "filter": {"column": "team", "operator": "eq", "value": "north"}})
}

async fn call(server: &Server, key: &str, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let headers = [("authorization", key), ("content-type", "application/json")];
    let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
    let answer = server.call(method, path, &headers, body).await;
    (answer.status.as_u16(), answer.json().clone())
}

#[tokio::test]
async fn every_route_is_held_to_the_place_it_reaches() {
    let server = Server::start().await;
    tables(&server).await;
    let key = key(&server, "none", json!([north("write")])).await;
    for rule in RULES.iter().filter(|rule| rule.need != Need::Public) {
        let path = rule.path.replace("{table}", "people").replace(['{', '}'], "x");
        let (status, _) = call(&server, &key, rule.method, &path, None).await;
        let enough = match rule.reach {
            Reach::Table => rule.narrow && rule.need != Need::Admin,
            Reach::Own => true,
            Reach::Anywhere => rule.need != Need::Admin,
            // There is no such workspace.
            Reach::Workspace => true,
            Reach::Apart | Reach::All => false,
        };
        assert_eq!(status == 403, !enough, "{} {path}: {status}", rule.method);
        assert!(status < 500, "{} {path}: {status}", rule.method);
    }
    // What may be done to a table is not got around by another way to write its name, or by its id.
    let id = server.get("/api/tables/people").await.json()["id"].clone();
    let id = id.as_str().expect("an id");
    for name in ["%70eople", "people", id] {
        let path = format!("/api/tables/{name}/duplicates/find");
        let asked = json!({"columnSlugs": ["name"]});
        let (status, _) = call(&server, &key, "POST", &path, Some(asked)).await;
        assert_eq!(status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_key_with_a_filter_sees_and_writes_its_records_only() {
    let server = Server::start().await;
    tables(&server).await;
    let hidden = json!({"table": "people", "column": "salary", "scope": "none"});
    let key = key(&server, "none", json!([north("write"), hidden])).await;

    let (_, listed) = call(&server, &key, "GET", "/api/tables?include=columns", None).await;
    let slugs = |list: &Value| -> Vec<String> {
        let all = list.as_array().into_iter().flatten();
        all.map(|one| one["slug"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(slugs(&listed["tables"]), ["people"]);
    assert_eq!(slugs(&listed["tables"][0]["columns"]), ["name", "team"]);
    let (status, _) = call(&server, &key, "GET", "/api/tables/notes", None).await;
    assert_eq!(status, 404);
    let (status, _) = call(&server, &key, "GET", "/api/tables/people/columns/salary", None).await;
    assert_eq!(status, 404);

    let (_, seen) = call(&server, &key, "GET", "/api/tables/people/records?sort=name", None).await;
    let records = seen["records"].as_array().expect("records");
    assert_eq!(records.len(), 2);
    assert!(
        !seen.to_string().contains("salary") && !seen.to_string().contains("Bob"),
        "{seen}"
    );
    let ann = records[0]["id"].as_str().expect("an id").to_owned();
    let all = server.get("/api/tables/people/records?sort=name").await;
    let bob = all.json()["records"][1]["id"].as_str().expect("an id").to_owned();
    let by_salary = json!({"sort": [{"column": "salary"}]});
    let (status, refused) = call(&server, &key, "POST", "/api/tables/people/query", Some(by_salary)).await;
    assert_eq!(
        (status, refused["errors"][0]["code"].as_str()),
        (422, Some("unknownColumn"))
    );
    for (path, expected) in [(&ann, 200), (&bob, 404)] {
        let path = format!("/api/tables/people/records/{path}");
        let (status, _) = call(&server, &key, "GET", &path, None).await;
        assert_eq!(status, expected);
        let data = json!({"data": {"name": "Changed"}});
        let (status, changed) = call(&server, &key, "PATCH", &path, Some(data)).await;
        assert_eq!(status, expected, "{changed}");
        assert!(!changed.to_string().contains("salary"), "{changed}");
    }
    let path = format!("/api/tables/people/records/{ann}");
    let (status, refused) = call(
        &server,
        &key,
        "PATCH",
        &path,
        Some(json!({"data": {"team": "south"}})),
    )
    .await;
    assert_eq!(status, 403, "{refused}");
    let (status, refused) = call(
        &server,
        &key,
        "PATCH",
        &path,
        Some(json!({"data": {"salary": 99}})),
    )
    .await;
    assert_eq!(
        (status, refused["errors"][0]["code"].as_str()),
        (422, Some("readOnly")),
        "{refused}"
    );
    // Nor does a refusal show the record as it is.
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
        ("if-match", "\"77\""),
    ];
    let body = Body::from(json!({"data": {"name": "x"}}).to_string());
    let conflict = server
        .call(Method::PATCH.as_str(), &path, &headers, body)
        .await
        .expect(412);
    assert!(
        !conflict.json().to_string().contains("salary"),
        "{}",
        conflict.json()
    );
    let (status, export) = call(&server, &key, "GET", "/api/tables/people/export/json", None).await;
    assert_eq!(status, 403, "{export}");
    let steps = json!({"operations": [{"op": "create", "table": "people", "data": {"name": "Dan"}}]});
    let (status, _) = call(&server, &key, "POST", "/api/transactions", Some(steps)).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_table_may_be_written_by_who_only_reads_around_it() {
    let server = Server::start().await;
    tables(&server).await;
    let key = key(&server, "read", json!([{"table": "notes", "scope": "write"}])).await;
    let note = json!({"data": {"text": "good"}});
    let (status, _) = call(
        &server,
        &key,
        "POST",
        "/api/tables/notes/records",
        Some(note.clone()),
    )
    .await;
    assert_eq!(status, 201);
    let (status, refused) = call(&server, &key, "POST", "/api/tables/people/records", Some(note)).await;
    assert_eq!((status, refused["code"].as_str()), (403, Some("forbidden")));
    let (status, _) = call(&server, &key, "POST", "/api/tables", Some(json!({"name": "New"}))).await;
    assert_eq!(status, 403);
    let steps = json!({"operations": [{"op": "create", "table": "people", "data": {"name": "Dan"}}]});
    let (status, _) = call(&server, &key, "POST", "/api/transactions", Some(steps)).await;
    assert_eq!(status, 403);
    let steps = json!({"operations": [{"op": "create", "table": "notes", "data": {"text": "better"}}]});
    let (status, _) = call(&server, &key, "POST", "/api/transactions", Some(steps)).await;
    assert_eq!(status, 200);
    let (status, _) = call(&server, &key, "GET", "/api/operations", None).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn grants_that_make_no_sense_are_named() {
    let server = Server::start().await;
    tables(&server).await;
    for (scope, grant, says) in [
        (
            "none",
            json!({"table": "poeple", "scope": "read"}),
            "did you mean",
        ),
        ("none", json!({"scope": "read"}), "workspace or a table"),
        (
            "none",
            json!({"column": "name", "scope": "read"}),
            "table of the column",
        ),
        (
            "none",
            json!({"table": "people", "column": "wage", "scope": "none"}),
            "no column",
        ),
        (
            "none",
            json!({"table": "people", "column": "name", "scope": "admin"}),
            "hidden",
        ),
        (
            "admin",
            json!({"table": "people", "scope": "read"}),
            "held to nothing",
        ),
    ] {
        let input = json!({"name": "held", "scope": scope, "grants": [grant]});
        let refused = server.post("/api/api-keys", input).await;
        assert!(
            [400, 422].contains(&refused.status.as_u16()),
            "{}",
            refused.json()
        );
        assert!(
            refused.json().to_string().contains(says),
            "{says}: {}",
            refused.json()
        );
    }
}

#[tokio::test]
async fn a_socket_is_held_to_the_same() {
    let server = Server::start().await;
    tables(&server).await;
    let key = key(&server, "none", json!([north("write")])).await;
    let address = crate::live::listen(&server).await;
    let key = key.strip_prefix("Bearer ").expect("a key");
    let mut client = crate::live::Client::new(address, key).await;
    for ask in [
        json!({"type": "subscribe", "query": {"table": "people"}}),
        json!({"type": "run", "query": {"table": "people"}}),
        json!({"type": "do", "table": "people", "op": "get", "key": "x"}),
        json!({"type": "on", "topic": "table.people.*"}),
    ] {
        let answer = client.ask(ask.clone()).await;
        assert_eq!(answer["error"]["code"], "forbidden", "{ask}: {answer}");
    }
}

#[tokio::test]
async fn a_table_says_what_its_caller_may_do() {
    let server = Server::start().await;
    tables(&server).await;
    let all = server.get("/api/tables/people").await.expect(200).json();
    let whole = json!({"scope": "admin", "writableColumns": ["name", "team", "salary"], "partial": false});
    assert_eq!(all["access"], whole);
    let reader = key(&server, "read", json!([])).await;
    let (_, seen) = call(&server, &reader, "GET", "/api/tables/people", None).await;
    assert_eq!(
        seen["access"],
        json!({"scope": "read", "writableColumns": [], "partial": false})
    );
    let column = |slug: &str, scope: &str| json!({"table": "people", "column": slug, "scope": scope});
    let grants =
        json!([{"table": "people", "scope": "write"}, column("team", "read"), column("salary", "none")]);
    let held = key(&server, "none", grants).await;
    let path = "/api/tables?include=columns";
    let (_, seen) = call(&server, &held, "GET", path, None).await;
    let access = &seen["tables"][0]["access"];
    assert_eq!(
        *access,
        json!({"scope": "write", "writableColumns": ["name"], "partial": true})
    );
    assert!(
        !seen.to_string().contains("salary"),
        "what is hidden is not named: {seen}"
    );
}

#[tokio::test]
async fn a_workspace_says_whether_its_caller_may_make_tables() {
    let server = Server::start().await;
    tables(&server).await;
    let garden = json!({"name": "Garden"});
    let garden = server.post("/api/workspaces", garden).await.expect(201).json();
    assert_eq!(garden["access"], json!({"scope": "admin"}));
    let id = garden["id"].as_str().expect("an id");
    let around = json!([{"workspace": id, "scope": "write"}]);
    let single = json!([{"table": "people", "scope": "write"}]);
    for (scope, grants, wanted) in [
        (
            "write",
            json!([]),
            vec![("Default", "write"), ("Garden", "write")],
        ),
        ("read", json!([]), vec![("Default", "read"), ("Garden", "read")]),
        ("read", around, vec![("Default", "read"), ("Garden", "write")]),
        ("none", single, vec![("Default", "none")]),
    ] {
        let held = key(&server, scope, grants).await;
        let (_, seen) = call(&server, &held, "GET", "/api/workspaces", None).await;
        let seen = seen["workspaces"].as_array().expect("a list").clone();
        let told = |one: &Value| (one["name"].clone(), one["access"]["scope"].clone());
        let wanted: Vec<(Value, Value)> = wanted
            .iter()
            .map(|(name, scope)| (json!(name), json!(scope)))
            .collect();
        assert_eq!(seen.iter().map(told).collect::<Vec<_>>(), wanted);
        for (at, one) in seen.iter().enumerate() {
            let workspace = one["id"].as_str().expect("an id");
            let table = json!({"name": format!("By {scope} {at}"), "workspace": workspace});
            let (status, _) = call(&server, &held, "POST", "/api/tables", Some(table)).await;
            let may = ["write", "admin"].contains(&one["access"]["scope"].as_str().expect("a scope"));
            assert_eq!(status, if may { 201 } else { 403 }, "{one}");
        }
    }
}
