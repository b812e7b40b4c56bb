//! What scenarios share: a store on each backend. It asserts nothing itself.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use chancery::{Store, postgres};

/// Names the PostgreSQL server: the URL of a superuser of a cluster that nobody needs.
const SERVER: &str = "CHANCERY_TEST_POSTGRES";

/// Runs a scenario on every backend, each on a fresh store; a panic says on which.
pub fn on_every_backend<F, S>(scenario: S)
where
    F: Future<Output = ()>,
    S: Fn(Store) -> F,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    for backend in ["memory", "sqlite", "postgres"] {
        let folder = tempfile::tempdir().expect("a folder");
        let named = Named(backend);
        runtime.block_on(async {
            let database = match backend {
                "postgres" => Some(made().await),
                _ => None,
            };
            let url = match (&database, backend) {
                (Some(database), _) => database.url.clone(),
                (None, "memory") => "memory:".to_owned(),
                (None, _) => format!("sqlite:{}", folder.path().join("test.db").display()),
            };
            let store = Store::open(&url).await.expect("a store opens");
            scenario(store.clone()).await;
            store.close().await.expect("a store closes");
            if let Some(Database { server, name, .. }) = database {
                postgres::remove(&server, &name)
                    .await
                    .expect("a database is removed");
            }
        });
        drop(named);
    }
}

/// A database on the server that the test run has started.
struct Database {
    url: String,
    server: String,
    name: String,
}

/// Makes one. Without a server the scenario fails: one that passes without having run would hide what it is for.
async fn made() -> Database {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let server = std::env::var(SERVER).unwrap_or_else(|_| {
        panic!(
            "this scenario needs a PostgreSQL server: run `cargo xtask test`, which starts one, or set {SERVER} to the URL \
             of a superuser of a cluster that nobody needs"
        )
    });
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("scenario_{}_{number}", std::process::id());
    postgres::remove(&server, &name).await.expect("an older one goes");
    let url = postgres::create(&server, &name)
        .await
        .expect("a database is made");
    Database { url, server, name }
}

/// Says which backend a panicking scenario ran on.
struct Named(&'static str);

impl Drop for Named {
    #[expect(clippy::print_stderr, reason = "the test runner shows it under the panic")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("…on the {} backend", self.0);
        }
    }
}
