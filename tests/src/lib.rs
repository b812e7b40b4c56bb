//! What scenarios share: a store on each backend. It asserts nothing itself.

pub mod several;
pub mod watch;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chancery::{Clock, FilesOptions, FilesPlace, OpenOptions, Store, postgres};

/// Names the PostgreSQL server: the URL of a superuser of a cluster that nobody needs.
const SERVER: &str = "CHANCERY_TEST_POSTGRES";

/// Runs a scenario on every backend, each on a fresh store; a panic says on which.
pub fn on_every_backend<F, S>(scenario: S)
where
    S: Fn(Store) -> F,
    F: Future<Output = ()>,
{
    for backend in ["memory", "sqlite"] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match backend {
            "memory" => "memory:".to_owned(),
            _ => format!("sqlite:{}", folder.path().join("test.db").display()),
        };
        let named = Named(backend);
        runtime().block_on(async {
            let store = Store::open(&url).await.expect("a store opens");
            scenario(store.clone()).await;
            watch::keep(folder.path());
            store.close().await.expect("a store closes");
        });
        drop(named);
    }
    on_postgres(|store, _| scenario(store));
}

/// Runs a scenario on every backend, each on a fresh store whose time passes only when the scenario says so, and which removes
/// expired records only when it is asked to.
pub fn on_every_backend_by_hand<F, S>(scenario: S)
where
    S: Fn(Store, Hands) -> F,
    F: Future<Output = ()>,
{
    let scenario = &scenario;
    for backend in ["memory", "sqlite"] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match backend {
            "memory" => "memory:".to_owned(),
            _ => format!("sqlite:{}", folder.path().join("test.db").display()),
        };
        let named = Named(backend);
        runtime().block_on(by_hand(&url, scenario));
        watch::keep(folder.path());
        drop(named);
    }
    on_database(|url| async move { by_hand(&url, scenario).await });
}

async fn by_hand<F, S>(url: &str, scenario: &S)
where
    S: Fn(Store, Hands) -> F,
    F: Future<Output = ()>,
{
    let hands = Hands::default();
    let store = Store::open_with(url, hands.options())
        .await
        .expect("a store opens");
    scenario(store.clone(), hands).await;
    store.close().await.expect("a store closes");
}

/// The hands of a clock that does not move by itself.
#[derive(Clone)]
pub struct Hands(Arc<AtomicI64>);

impl Default for Hands {
    fn default() -> Hands {
        Hands(Arc::new(AtomicI64::new(1_000_000)))
    }
}

impl Hands {
    /// Lets time pass; back, if negative.
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// How a store is opened that goes by this clock and sweeps only when asked.
    pub fn options(&self) -> OpenOptions {
        let time = self.0.clone();
        OpenOptions {
            clock: Clock::of(move || time.load(Ordering::Relaxed)),
            ttl_check_interval: Duration::ZERO,
            files: in_memory(),
            ..OpenOptions::default()
        }
    }
}

/// Runs a scenario on PostgreSQL only, with the URL of its database.
pub fn on_postgres<F, S>(scenario: S)
where
    S: Fn(Store, String) -> F,
    F: Future<Output = ()>,
{
    let scenario = &scenario;
    on_database(|url| async move {
        let options = OpenOptions {
            files: in_memory(),
            ..OpenOptions::default()
        };
        let store = Store::open_with(&url, options).await.expect("a store opens");
        scenario(store.clone(), url).await;
        store.close().await.expect("a store closes");
    });
}

/// Runs a scenario on a database of its own on the server. Nobody else has opened it, so nobody sweeps it by another clock.
fn on_database<F, S>(scenario: S)
where
    S: Fn(String) -> F,
    F: Future<Output = ()>,
{
    let named = Named("postgres");
    runtime().block_on(async {
        let Database { url, server, name } = made().await;
        scenario(url).await;
        postgres::remove(&server, &name)
            .await
            .expect("a database is removed");
    });
    drop(named);
}

/// Runs a scenario on two stores that share a database, as two processes do.
pub fn twice_on_postgres<F, S>(scenario: S)
where
    S: Fn(Store, Store) -> F,
    F: Future<Output = ()>,
{
    let scenario = &scenario;
    on_postgres(|store, url| async move {
        let other = Store::open(&url).await.expect("a second store opens");
        scenario(store, other.clone()).await;
        other.close().await.expect("the second store closes");
    });
}

/// Files in memory: a database on a server has no folder beside it.
fn in_memory() -> FilesOptions {
    FilesOptions {
        place: Some(FilesPlace::Memory),
        ..FilesOptions::default()
    }
}

fn runtime() -> tokio::runtime::Runtime {
    watch::begin();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
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
