//! Encrypted columns over HTTP: masks everywhere, values from one route only, and typed refusals.

use chancery::credentials::Fingerprint;
use chancery_server::Limits;
use serde_json::{Value, json};

use crate::harness::{Answer, Server};

const IBAN: &str = "DE89370400440532013000";
const ROUTE: &str = "/api/tables/people/records";

/// A table with encrypted columns and one record; the record's path.
async fn people(server: &Server) -> String {
    let table = json!({"name": "People", "columns": [
        {"name": "name", "fieldType": "text"},
        {"name": "iban", "fieldType": "text", "encrypted": {"mask": "last4"}},
        {"name": "mail", "fieldType": "email", "validation": {"unique": true},
            "encrypted": {"mask": "email", "indexed": true}},
    ]});
    server.post("/api/tables", table).await.expect(201);
    let ann = json!({"data": {"name": "Ann", "iban": IBAN, "mail": "ann@example.com"}});
    let made = server.post(ROUTE, ann).await.expect(201);
    silent(&made);
    format!("{ROUTE}/{}", made.json()["id"].as_str().unwrap())
}

#[track_caller]
fn silent(answer: &Answer) {
    let told = String::from_utf8_lossy(&answer.bytes);
    assert!(!told.contains("3704004405") && !told.contains("ann@"), "{told}");
    assert!(!told.contains("vs1."), "{told}");
}

#[tokio::test]
async fn records_lists_exports_and_histories_show_masks() {
    let server = Server::start().await;
    let record = people(&server).await;
    let shown = json!({"name": "Ann", "iban": "••••3000", "mail": "••••@example.com"});
    for path in [record.as_str(), ROUTE] {
        let answer = server.get(path).await.expect(200);
        silent(&answer);
        let json = answer.json();
        let found = json["records"].get(0).unwrap_or(&json);
        for (slug, mask) in shown.as_object().unwrap() {
            assert_eq!(found["data"][slug], *mask, "{path}");
        }
    }
    let columns = server.get("/api/tables/people/columns").await.expect(200).json();
    assert_eq!(
        columns["columns"][1]["encrypted"],
        json!({"mask": "last4", "indexed": false})
    );
    let other = json!({"data": {"iban": "GB33BUKB20201555555555"}});
    server.patch(&record, other).await.expect(200);
    for path in [
        "/api/tables/people/export/csv".to_owned(),
        "/api/tables/people/export/json".to_owned(),
        format!("{record}/history"),
        "/api/changes?from=0".to_owned(),
        "/api/operations".to_owned(),
    ] {
        let answer = server.get(&path).await;
        let told = String::from_utf8_lossy(&answer.bytes);
        assert!(
            !told.contains("3704004405") && !told.contains("2020155555"),
            "{path}: {told}"
        );
        assert!(!told.contains("ann@"), "{path}: {told}");
    }
}

#[tokio::test]
async fn an_export_comes_in_without_its_masks_which_are_counted() {
    let server = Server::start().await;
    let record = people(&server).await;
    let path = "/api/tables/people/export/json";
    let export = server.get(path).await.expect(200).json();
    let into = "/api/tables/people/import/json?matchOn=id";
    let done = server.post(into, export.clone()).await.expect(200).json();
    assert_eq!(
        (&done["unchanged"], &done["masked"], &done["failed"]),
        (&json!(1), &json!(2), &json!(0)),
        "{done}"
    );
    let shown = server.get(&record).await.expect(200).json();
    assert_eq!(shown["data"]["iban"], "••••3000");
    let done = server
        .post("/api/tables/import/json?name=Copy", export.clone())
        .await
        .expect(201)
        .json();
    assert_eq!(done["import"]["masked"], 2, "{done}");
    let copy = server.get("/api/tables/copy/records").await.expect(200).json();
    assert_eq!(copy["records"][0]["data"]["iban"], json!(null));
    // A mask that is no part of an export is refused as ever.
    let own = json!([{"name": "Bob", "iban": "••••3000"}]);
    let refused = server
        .post("/api/tables/people/import/json", own)
        .await
        .expect(200);
    assert_eq!(refused.json()["failed"], 1);
}

#[tokio::test]
async fn values_are_found_by_equality_and_nothing_else_is_guessed() {
    let server = Server::start().await;
    people(&server).await;
    let query = |filter: Value| json!({ "filter": filter });
    let mail =
        |operator: &str, value: &str| query(json!({"column": "mail", "operator": operator, "value": value}));
    let ask = |body: Value| server.post("/api/tables/people/query", body);
    let found = ask(mail("eq", "ann@example.com")).await.expect(200);
    let found = found.json();
    assert_eq!(found["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["records"][0]["data"]["mail"], "••••@example.com");
    let none = ask(mail("eq", "bob@example.com")).await.expect(200).json();
    assert_eq!(none["records"].as_array().map(Vec::len), Some(0));
    for body in [
        mail("contains", "ann"),
        query(json!({"column": "iban", "operator": "eq", "value": IBAN})),
        json!({"sort": [{"column": "mail"}]}),
    ] {
        let refused = ask(body.clone()).await.expect(422);
        silent(&refused);
        assert_eq!(refused.json()["errors"][0]["code"], "encrypted", "{body}");
    }
    let twin = json!({"data": {"name": "Twin", "mail": "ann@example.com"}});
    let refused = server.post(ROUTE, twin).await.expect(409);
    silent(&refused);
}

#[tokio::test]
async fn only_administrators_reveal_and_each_value_is_written_down() {
    let server = Server::start().await;
    let record = people(&server).await;
    let path = format!("{record}/reveal");
    let body = json!({"columns": ["iban", "mail"]});
    for scope in ["read", "write"] {
        let key = json!({"name": scope, "scope": scope});
        let key = server.post("/api/api-keys", key).await.expect(201).json();
        let bearer = format!("Bearer {}", key["key"].as_str().unwrap());
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
        ];
        let refused = server.call("POST", &path, &headers, body.to_string()).await;
        silent(&refused.expect(403));
    }
    let revealed = server.post(&path, body).await.expect(200);
    assert_eq!(revealed.header("cache-control"), "no-store");
    assert_eq!(
        revealed.json(),
        json!({"values": {"iban": IBAN, "mail": "ann@example.com"}})
    );
    let audit = server.get("/api/vault/audit?limit=10").await.expect(200).json();
    let entries = audit["entries"].as_array().unwrap();
    let cells = entries.iter().filter(|entry| entry["op"] == "reveal");
    assert_eq!(cells.count(), 2, "{audit}");
    for columns in [json!(["name"]), json!([]), json!(["nothing"])] {
        let wrong = server.post(&path, json!({"columns": columns})).await;
        assert!([400, 422].contains(&wrong.status.as_u16()), "{columns}");
        assert_eq!(
            wrong.json()["errors"].as_array().map(Vec::len),
            Some(1),
            "{columns}"
        );
    }
}

#[tokio::test]
async fn a_keyed_request_with_encrypted_values_is_done_once_and_none_of_it_can_be_tried_out() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = chancery::Store::open(&url).await.unwrap();
    let server = Server::over(store.clone(), Limits::default()).await;
    let json = ("content-type", "application/json");
    // Before there is an encrypted column, and after.
    let plain = "{\"name\":\"Plain\",\"columns\":[]}";
    let headers = [("idempotency-key", "k0"), json];
    server
        .call("POST", "/api/tables", &headers, plain)
        .await
        .expect(201);
    people(&server).await;
    let headers = [("idempotency-key", "k1"), json];
    let bob = "{\"data\":{\"name\":\"Bob\",\"iban\":\"GB33BUKB20201555555555\"}}";
    let eve = "{\"data\":{\"name\":\"Bob\",\"iban\":\"GB33BUKB20201555555556\"}}";
    let first = server.call("POST", ROUTE, &headers, bob).await.expect(201);
    let again = server.call("POST", ROUTE, &headers, bob).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.json(), again.json());
    silent(&again);
    let other = server.call("POST", ROUTE, &headers, eve).await.expect(409);
    assert_eq!(other.code(), "idempotencyMismatch");
    store.close().await.unwrap();
    // A hash that anybody can make of a request is kept of the one, and not of the other.
    let kept = std::fs::read(folder.path().join("test.db")).unwrap();
    let kept = String::from_utf8_lossy(&kept);
    let hash = |path: &str, body: &str| Fingerprint::of_parts(&[path.as_bytes(), body.as_bytes()]).to_text();
    assert!(kept.contains(&hash("/api/tables", plain)));
    assert!(!kept.contains(&hash(ROUTE, bob)));
}
