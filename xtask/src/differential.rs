//! `cargo xtask differential`: random operations and questions on the memory backend and on every other one, until so many of
//! them were answered alike by each. `cargo xtask test` runs fewer of the same.

use anyhow::Result;

use crate::postgres::{self, Durability, Postgres};
use crate::redis::{self, Redis};
use crate::{process, repo};

/// Operations of one run of the test, a little less than on average: between 1 and 89.
const PER_RUN: u32 = 44;

/// Options of `differential`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many operations, about, on each backend
    #[arg(long, default_value_t = 100_000)]
    operations: u32,
    /// Only tests with this in their names: sqlite, postgres, cached_sqlite, shared_cache
    #[arg(long)]
    only: Option<String>,
}

/// Runs them; fails on the first difference, with the shortest operations that show it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (database, cache) = (Postgres::start(Durability::None)?, Redis::start()?);
    let mut test = repo::cargo();
    test.args([
        "test",
        "--workspace",
        "--all-features",
        "--test",
        "differential",
        "--",
    ]);
    test.args(&options.only)
        .args(["--nocapture", "--test-threads", "2"]);
    test.env("PROPTEST_CASES", options.operations.div_ceil(PER_RUN).to_string());
    test.env(postgres::VARIABLE, &database.url);
    test.env(redis::VARIABLE, &cache.url);
    process::run(test.env(redis::PROGRAM_VARIABLE, &cache.program))
}
