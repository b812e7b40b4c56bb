//! A server without a network, and a caller with an API key.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chancery::Store;
use chancery::access::{KeyInput, Scope};
use chancery::vault::{AttemptLimits, FileRoot, KdfParams, Vault, VaultOptions};
use chancery_server::{App, Limits, Settings, application, router};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

/// A server with a key of each scope.
pub(crate) struct Server {
    pub(crate) app: App,
    pub(crate) router: Router,
    pub(crate) read: String,
    pub(crate) write: String,
    pub(crate) admin: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The code of a refusal, with its status checked against the one it was sent with.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        let json = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{json}");
        assert_eq!(json["status"], self.status.as_u16(), "{json}");
        assert_eq!(json["requestId"], self.header("x-request-id"), "{json}");
        assert!(
            json["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "{json}"
        );
        json["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The answer itself, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Answer {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.bytes)
        );
        self
    }
}

impl Server {
    pub(crate) async fn start() -> Server {
        Server::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Server {
        Server::over(Store::open("memory:").await.unwrap(), limits).await
    }

    pub(crate) async fn over(store: Store, limits: Limits) -> Server {
        let vault = vault(&store, AttemptLimits::default()).await;
        Server::holding(store, limits, vault).await
    }

    pub(crate) async fn holding(store: Store, limits: Limits, vault: Vault) -> Server {
        let key = async |scope: Scope| {
            let input = KeyInput {
                name: scope.as_str().into(),
                scope,
                grants: Vec::new(),
                expires_at: None,
                created_by: None,
            };
            store
                .access()
                .create_key(input)
                .await
                .unwrap()
                .secret
                .expose()
                .to_owned()
        };
        let (read, write, admin) = (
            key(Scope::Read).await,
            key(Scope::Write).await,
            key(Scope::Admin).await,
        );
        let app = application(
            store,
            Settings {
                limits,
                vault: Some(vault),
                ..Settings::default()
            },
        )
        .await
        .unwrap();
        Server {
            router: router(app.clone()),
            app,

            read,
            write,
            admin,
        }
    }

    /// A server with the table `tasks`.
    pub(crate) async fn with_tasks() -> Server {
        let server = Server::start().await;
        server.post("/api/tables", tasks()).await.expect(201);
        server
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let sent = self.router.clone().oneshot(request);
        let response = tokio::time::timeout(Duration::from_secs(20), sent)
            .await
            .expect("no answer")
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        }
    }

    /// A request with the admin key and these headers.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path);
        if !headers
            .iter()
            .any(|(name, _)| *name == "authorization" || *name == "cookie" || *name == "stranger")
        {
            request = request.header("authorization", format!("Bearer {}", self.admin));
        }
        for (name, value) in headers.iter().filter(|(name, _)| *name != "stranger") {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn with_json(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call(
            method,
            path,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.with_json("POST", path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.with_json("PATCH", path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.with_json("PUT", path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], Body::empty()).await
    }

    pub(crate) async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.with_json("DELETE", path, body).await
    }

    /// Creates a task and gives its id.
    pub(crate) async fn task(&self, data: Value) -> String {
        let made = self
            .post("/api/tables/tasks/records", json!({ "data": data }))
            .await
            .expect(201);
        made.json()["id"].as_str().unwrap().to_owned()
    }
}

/// The open vault of a store, in which a password is cheap to try.
pub(crate) async fn vault(store: &Store, attempts: AttemptLimits) -> Vault {
    let folder = tempfile::tempdir().unwrap();
    let root = FileRoot::create(folder.path().join("vault.key")).unwrap();
    let options = VaultOptions {
        root: Some(Arc::new(root)),
        kdf: KdfParams::new(7 * 1_024, 1, 1).unwrap(),
        attempts,
        ..VaultOptions::default()
    };
    Vault::open(store, options).await.unwrap()
}

/// A table of tasks.
pub(crate) fn tasks() -> Value {
    json!({
        "name": "Tasks",
        "columns": [
            {"name": "Title", "fieldType": "text", "validation": {"required": true}, "isPrimary": true},
            {"name": "Status", "fieldType": "select", "options": [{"name": "Open", "color": "blue"}, {"name": "Done"}]},
            {"name": "Priority", "fieldType": "number", "validation": {"min": 1, "max": 5}, "defaultValue": 3},
            {"name": "Code", "fieldType": "text", "validation": {"unique": true}},
            {"name": "Number", "fieldType": "autoNumber"}
        ]
    })
}
