//! What scenarios share: a store on each backend. It asserts nothing itself.

use std::future::Future;

use chancery::Store;

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
    for backend in ["memory", "sqlite"] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = match backend {
            "memory" => "memory:".to_owned(),
            _ => format!("sqlite:{}", folder.path().join("test.db").display()),
        };
        let named = Named(backend);
        runtime.block_on(async {
            let store = Store::open(&url).await.expect("a store opens");
            scenario(store.clone()).await;
            store.close().await.expect("a store closes");
        });
        drop(named);
    }
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
