//! Who may: keys and scopes on every route, set-up, sign-in, sessions, CSRF.

use axum::body::Body;
use chancery_server::access::{Need, RULES};
use serde_json::json;

use crate::harness::{Answer, Server};

#[tokio::test]
async fn every_route_refuses_who_has_too_little() {
    let server = Server::start().await;
    for rule in RULES.iter().filter(|rule| rule.need != Need::Public) {
        let path = rule.path.replace(['{', '}'], "x");
        let stranger = server
            .call(rule.method, &path, &[("stranger", "")], Body::empty())
            .await;
        let stranger = stranger.expect(401);
        assert_eq!(stranger.code(), "unauthenticated", "{} {path}", rule.method);
        assert!(stranger.header("www-authenticate").starts_with("Bearer"));
        let wrong = server
            .call(
                rule.method,
                &path,
                &[("authorization", "Bearer chy_nobody")],
                Body::empty(),
            )
            .await;
        wrong.expect(401);
        for (key, scope) in [
            (&server.read, Need::Read),
            (&server.write, Need::Write),
            (&server.admin, Need::Admin),
        ] {
            let key = format!("Bearer {key}");
            let answer = server
                .call(rule.method, &path, &[("authorization", &key)], Body::empty())
                .await;
            let enough = rule.need.scope() <= scope.scope();
            assert_eq!(
                answer.status.as_u16() == 403,
                !enough,
                "{} {path} with {scope:?}: {}",
                rule.method,
                answer.status
            );
            assert!(
                answer.status.as_u16() < 500,
                "{} {path}: {}",
                rule.method,
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn an_api_key_is_shown_once_and_ends_at_once() {
    let server = Server::start().await;
    let made = server
        .post("/api/api-keys", json!({"name": "ci", "scope": "read"}))
        .await
        .expect(201)
        .json();
    let key = format!("Bearer {}", made["key"].as_str().unwrap());
    server
        .call("GET", "/api/tables", &[("authorization", &key)], Body::empty())
        .await
        .expect(200);
    let listed = server.get("/api/api-keys").await.expect(200);
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(made["key"].as_str().unwrap()));
    let found = listed.json()["apiKeys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == made["id"])
        .cloned()
        .unwrap();
    assert_eq!(
        (&found["prefix"], &found["scope"]),
        (&made["prefix"], &json!("read"))
    );
    assert!(found["lastUsedAt"].is_string());
    server
        .delete(&format!("/api/api-keys/{}", made["id"].as_str().unwrap()))
        .await
        .expect(204);
    server
        .call("GET", "/api/tables", &[("authorization", &key)], Body::empty())
        .await
        .expect(401);
    assert_eq!(
        server.delete("/api/api-keys/nobody").await.expect(404).code(),
        "apiKeyNotFound"
    );
    let past = json!({"name": "x", "scope": "read", "expiresAt": "2001-01-01T00:00:00Z"});
    assert_eq!(
        server.post("/api/api-keys", past).await.expect(422).code(),
        "validationFailed"
    );
    let never = json!({"name": "x", "scope": "read", "expiresAt": "soon"});
    assert_eq!(
        server.post("/api/api-keys", never).await.expect(422).code(),
        "validationFailed"
    );
}

const JSON: (&str, &str) = ("content-type", "application/json");
const STRANGER: (&str, &str) = ("stranger", "");

async fn set_up(server: &Server) -> Answer {
    let token = server.app.setup_token().unwrap();
    let body = json!({"token": token.expose(), "email": "Ada@Example.org", "name": "Ada", "password": "correct horse"});
    server
        .call("POST", "/api/auth/setup", &[JSON, STRANGER], body.to_string())
        .await
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_user_is_made_once_with_the_printed_token() {
    let server = Server::start().await;
    let state = server
        .call("GET", "/api/auth/state", &[STRANGER], Body::empty())
        .await
        .expect(200)
        .json();
    assert_eq!(state["needsSetup"], true);
    let wrong = json!({"token": "guess", "email": "a@b.c", "name": "A", "password": "long enough"});
    let refused = server
        .call("POST", "/api/auth/setup", &[JSON, STRANGER], wrong.to_string())
        .await
        .expect(401);
    assert_eq!(refused.code(), "invalidSetupToken");
    let done = set_up(&server).await.expect(201);
    assert_eq!(
        (&done.json()["user"]["role"], &done.json()["user"]["email"]),
        (&json!("owner"), &json!("ada@example.org"))
    );
    let cookie = done.header("set-cookie");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    let again = server
        .call("POST", "/api/auth/setup", &[JSON, STRANGER], wrong.to_string())
        .await
        .expect(409);
    assert_eq!(again.code(), "setupDone");
}

#[tokio::test]
async fn a_session_reads_and_changes_only_with_its_token_and_from_here() {
    let server = Server::start().await;
    let done = set_up(&server).await.expect(201);
    let cookie = cookie_of(&done);
    let session = server
        .call("GET", "/api/auth/session", &[("cookie", &cookie)], Body::empty())
        .await
        .expect(200)
        .json();
    assert_eq!(session["csrfToken"], done.json()["csrfToken"]);
    let csrf = session["csrfToken"].as_str().unwrap();
    let body = json!({"name": "Notes"}).to_string();
    let without = server
        .call("POST", "/api/tables", &[("cookie", &cookie), JSON], body.clone())
        .await
        .expect(403);
    assert_eq!(without.code(), "csrfRequired");
    let foreign = [
        ("cookie", cookie.as_str()),
        JSON,
        ("x-csrf-token", csrf),
        ("host", "localhost"),
        ("origin", "http://evil.example"),
    ];
    assert_eq!(
        server
            .call("POST", "/api/tables", &foreign, body.clone())
            .await
            .expect(403)
            .code(),
        "originRefused"
    );
    let own = [
        ("cookie", cookie.as_str()),
        JSON,
        ("x-csrf-token", csrf),
        ("host", "localhost"),
        ("origin", "http://localhost"),
    ];
    server.call("POST", "/api/tables", &own, body).await.expect(201);
    let made = server
        .call("POST", "/api/tables/notes/records", &own, "{\"data\":{}}")
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&made["metadata"]["source"], &made["createdBy"]),
        (&json!("ui"), &session["user"]["id"])
    );
    server
        .call("POST", "/api/auth/logout", &own, Body::empty())
        .await
        .expect(204);
    server
        .call("GET", "/api/auth/session", &[("cookie", &cookie)], Body::empty())
        .await
        .expect(401);
}

#[tokio::test]
async fn wrong_passwords_are_slowed_down() {
    let server = Server::start().await;
    set_up(&server).await.expect(201);
    let login = |email: &str, password: &str| json!({"email": email, "password": password}).to_string();
    server
        .call(
            "POST",
            "/api/auth/login",
            &[JSON, STRANGER],
            login("ada@example.org", "correct horse"),
        )
        .await
        .expect(200);
    for _ in 0..5 {
        let refused = server
            .call(
                "POST",
                "/api/auth/login",
                &[JSON, STRANGER],
                login("ada@example.org", "wrong"),
            )
            .await;
        assert_eq!(refused.expect(401).code(), "invalidCredentials");
    }
    let waits = server
        .call(
            "POST",
            "/api/auth/login",
            &[JSON, STRANGER],
            login("ada@example.org", "correct horse"),
        )
        .await;
    let waits = waits.expect(429);
    assert_eq!(waits.code(), "tooManyRequests");
    assert!(waits.header("retry-after").parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn a_new_password_ends_the_sessions_of_a_user() {
    let server = Server::start().await;
    let user =
        json!({"email": "bob@example.org", "name": "Bob", "role": "editor", "password": "long enough"});
    let bob = server.post("/api/users", user.clone()).await.expect(201).json();
    assert_eq!(
        server.post("/api/users", user).await.expect(409).code(),
        "alreadyExists"
    );
    let body = json!({"email": "bob@example.org", "password": "long enough"}).to_string();
    let signed = server
        .call("POST", "/api/auth/login", &[JSON, STRANGER], body)
        .await
        .expect(200);
    let cookie = cookie_of(&signed);
    server
        .call("GET", "/api/tables", &[("cookie", &cookie)], Body::empty())
        .await
        .expect(200);
    server
        .call("GET", "/api/users", &[("cookie", &cookie)], Body::empty())
        .await
        .expect(403);
    let people = server
        .call("GET", "/api/people", &[("cookie", &cookie)], Body::empty())
        .await
        .expect(200)
        .json();
    let named = json!({"id": bob["id"], "name": bob["name"], "active": true});
    assert!(people["people"].as_array().unwrap().contains(&named), "{people}");
    let path = format!("/api/users/{}", bob["id"].as_str().unwrap());
    server
        .patch(&path, json!({"password": "another one"}))
        .await
        .expect(200);
    server
        .call("GET", "/api/tables", &[("cookie", &cookie)], Body::empty())
        .await
        .expect(401);
    let weak = json!({"email": "no", "name": "", "role": "viewer", "password": "short"});
    let refused = server.post("/api/users", weak).await.expect(422).json();
    assert_eq!(refused["errors"].as_array().unwrap().len(), 3);
    let owner = json!({"email": "o@b.c", "name": "O", "role": "owner", "password": "long enough"});
    assert_eq!(
        server.post("/api/users", owner).await.expect(403).code(),
        "forbidden"
    );
}

#[tokio::test]
async fn users_give_themselves_another_password_and_grants_end_their_sessions() {
    let server = Server::start().await;
    let user = json!({"email": "bob@example.org", "name": "Bob", "role": "guest", "password": "long enough"});
    let bob = server.post("/api/users", user).await.expect(201).json();
    let sign_in = async |password: &str| {
        let body = json!({"email": "bob@example.org", "password": password}).to_string();
        server
            .call("POST", "/api/auth/login", &[JSON, STRANGER], body)
            .await
    };
    let signed = sign_in("long enough").await.expect(200);
    let (cookie, csrf) = (cookie_of(&signed), signed.json()["csrfToken"].clone());
    let csrf = csrf.as_str().expect("a token").to_owned();
    let change = async |current: &str, new: &str| {
        let headers = [JSON, ("cookie", cookie.as_str()), ("x-csrf-token", csrf.as_str())];
        let body = json!({"current": current, "password": new}).to_string();
        server.call("POST", "/api/auth/password", &headers, body).await
    };
    assert_eq!(
        change("wrong wrong", "another one").await.expect(401).code(),
        "invalidCredentials"
    );
    change("long enough", "short").await.expect(422);
    let anew = cookie_of(&change("long enough", "another one").await.expect(200));
    let status = async |cookie: &str| {
        let headers = [("cookie", cookie)];
        let answer = server.call("GET", "/api/tables", &headers, Body::empty()).await;
        answer.status.as_u16()
    };
    assert_eq!(
        (status(&cookie).await, status(&anew).await),
        (401, 200),
        "only the new session goes on"
    );
    sign_in("long enough").await.expect(401);
    let path = format!("/api/users/{}", bob["id"].as_str().expect("an id"));
    let grants = json!({"grants": [{"workspace": "default", "scope": "read"}]});
    let changed = server.patch(&path, grants).await.expect(200).json();
    assert_eq!(changed["grants"][0]["scope"], "read");
    assert_eq!(status(&anew).await, 401);
    // A key has no password.
    let body = json!({"current": "x", "password": "long enough"});
    server.post("/api/auth/password", body).await.expect(403);
}
