//! A PostgreSQL database of a test's own, on the server that the test run has started. It starts no server.

use chancery_storage::postgres::database;

/// Names the server: the URL of a superuser of a cluster that nobody needs.
const VARIABLE: &str = "CHANCERY_TEST_POSTGRES";

/// A database that is made for one test.
pub(crate) struct Throwaway {
    /// Its URL.
    pub(crate) url: String,
    server: String,
    name: String,
}

impl Throwaway {
    /// Makes one. Without a server the test fails: one that passes without having run would hide what it is for.
    pub(crate) async fn create() -> Throwaway {
        let server = std::env::var(VARIABLE).unwrap_or_else(|_| {
            panic!(
                "this test needs a PostgreSQL server: run `cargo xtask test`, which starts one, or set {VARIABLE} to the \
                 URL of a superuser of a cluster that nobody needs"
            )
        });
        let name = format!("test_{}", uuid::Uuid::new_v4().simple());
        let url = database::create(&server, &name)
            .await
            .expect("a database is made");
        Throwaway { url, server, name }
    }

    /// Removes it, whoever is connected. What a failing test leaves goes away with the server.
    pub(crate) async fn remove(self) {
        database::remove(&self.server, &self.name)
            .await
            .expect("the database is removed");
    }
}
