//! `cargo xtask bench`: the benchmark package, in release, beside a PostgreSQL server of its own.
//!
//! Measures nothing itself.

use anyhow::Result;

use crate::postgres::{Durability, Postgres};
use crate::{process, repo};

/// Names the server to the benchmarks.
const SERVER: &str = "CHANCERY_BENCH_POSTGRES";
/// The section that needs it.
const SECTION: &str = "postgres";

/// Options of `bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Passed on to the benchmark package; `-- --help` lists what it knows
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the benchmarks.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = repo::cargo();
    command
        .args(["run", "--release", "--package", "chancery-bench", "--"])
        .args(&options.arguments);
    let only = options
        .arguments
        .iter()
        .any(|argument| argument.starts_with("--only"));
    let server = match !only
        || options
            .arguments
            .iter()
            .any(|argument| argument.ends_with(SECTION))
    {
        true => Some(Postgres::start(Durability::Full)?),
        false => None,
    };
    if let Some(server) = &server {
        command.env(SERVER, &server.url);
    }
    process::run(&mut command)
}
