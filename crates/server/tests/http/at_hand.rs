//! The routes for whoever has the database at hand: without a socket, without a key, and nobody else's.

use std::io::Cursor;

use chancery::Store;
use chancery_server::at_hand::{AtHand, Came, Sent};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::harness::Server;

async fn read(mut came: Came) -> Vec<u8> {
    let (mut all, mut step) = (Vec::new(), [0; 1000]);
    loop {
        match came.read(&mut step).await.unwrap() {
            0 => return all,
            read => all.extend_from_slice(&step[..read]),
        }
    }
}

async fn ask(routes: &AtHand, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let sent = body.map(|body| -> Box<dyn std::io::Read + Send> { Box::new(Cursor::new(body.to_string())) });
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(sent as Sent)
        .unwrap();
    let answer: Response<Came> = routes.ask(request).await;
    let status = answer.status().as_u16();
    let text = read(answer.into_body()).await;
    (status, serde_json::from_slice(&text).unwrap_or_default())
}

#[tokio::test]
async fn whoever_has_the_database_may_do_all_and_is_nobody() {
    let store = Store::open("memory:").await.unwrap();
    let routes = AtHand::new(store.clone(), None).await.unwrap();
    let table = json!({"name": "Tasks", "columns": [{"name": "title", "fieldType": "text"}]});
    assert_eq!(ask(&routes, "POST", "/api/tables", Some(table)).await.0, 201);
    let record = json!({"data": {"title": "a"}});
    let (status, made) = ask(&routes, "POST", "/api/tables/tasks/records", Some(record)).await;
    assert_eq!((status, &made["createdBy"]), (201, &Value::Null), "{made}");
    assert_eq!(made["metadata"]["source"], "api");
    let gone = format!(
        "/api/tables/tasks/records/{}?permanent=true",
        made["id"].as_str().unwrap()
    );
    assert_eq!(ask(&routes, "DELETE", &gone, None).await.0, 204);
    let key = json!({"name": "k", "scope": "admin"});
    assert_eq!(ask(&routes, "POST", "/api/api-keys", Some(key)).await.0, 201);
    let owner = json!({"email": "ann@example.com", "name": "Ann", "role": "owner", "password": "correct horse battery"});
    let (status, made) = ask(&routes, "POST", "/api/users", Some(owner)).await;
    assert_eq!(status, 201, "{made}");
    let (status, session) = ask(&routes, "GET", "/api/auth/session", None).await;
    assert_eq!((status, &session["user"]), (200, &Value::Null));
    let change = json!({"current": "a", "password": "correct horse battery"});
    let (status, refused) = ask(&routes, "POST", "/api/auth/password", Some(change)).await;
    assert_eq!((status, &refused["code"]), (403, &json!("forbidden")));
    let (status, refused) = ask(&routes, "GET", "/api/tables/nothing", None).await;
    assert_eq!((status, &refused["code"]), (404, &json!("tableNotFound")));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_and_a_large_answer_comes_whole() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let store = Store::open("memory:").await.unwrap();
    let routes = AtHand::new(store, None).await.unwrap();
    let request = Request::post("/api/tables")
        .header("content-type", "application/json")
        .body(Some(Box::new(Broken) as Box<dyn std::io::Read + Send>))
        .unwrap();
    assert_eq!(routes.ask(request).await.status(), 400);
    let request = Request::get("/api/openapi.json").body(None).unwrap();
    let answer = routes.ask(request).await;
    let text = read(answer.into_body()).await;
    assert_eq!(text, chancery_server::document_text().as_bytes());
}

#[tokio::test]
async fn nobody_is_an_operator_over_a_network() {
    let server = Server::start().await;
    for (name, value) in [
        ("authorization", "Operator"),
        ("x-operator", "true"),
        ("cookie", "operator=1"),
    ] {
        let request = Request::get("/api/users").header(name, value);
        let refused = server
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert_eq!(refused.expect(401).code(), "unauthenticated", "{name}");
    }
}
