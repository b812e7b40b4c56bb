//! The Redis server that the test run has started, for tests that only use it. It starts no server.

use chancery_storage::RedisUrl;

/// Names the server.
const VARIABLE: &str = "CHANCERY_TEST_REDIS";

/// Its URL. Without a server the test fails: one that passes without having run would hide what it is for.
pub(crate) fn redis() -> RedisUrl {
    let url = std::env::var(VARIABLE).unwrap_or_else(|_| {
        panic!(
            "this test needs a Redis server: run `cargo xtask test`, which starts one, or set {VARIABLE} to the URL of one \
             that nobody needs"
        )
    });
    url.parse().expect("a Redis URL")
}
