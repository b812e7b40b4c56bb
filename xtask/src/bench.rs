//! `cargo xtask bench`: the benchmark package, in release.
//!
//! Measures nothing itself.

use anyhow::Result;

use crate::postgres::{self, Durability, Postgres};
use crate::redis::{self, Redis};
use crate::{process, repo};

/// Options of `bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Passed on to the benchmark package; `-- --help` lists what it knows
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs the benchmarks, beside a PostgreSQL and a Redis server of their own where they need them.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = repo::cargo();
    command
        .args(["run", "--release", "--package", "chancery-bench", "--"])
        .args(&options.arguments);
    if !needs_servers(&options.arguments) {
        return process::run(&mut command);
    }
    let (database, cache) = (Postgres::start(Durability::Full)?, Redis::start()?);
    command.env(postgres::VARIABLE, &database.url);
    process::run(command.env(redis::VARIABLE, &cache.url))
}

/// Whether the part that measures servers is among those that are asked for.
fn needs_servers(arguments: &[String]) -> bool {
    let text = arguments.join(" ").replace("--only=", "--only ");
    let only = text.contains("--only ");
    let help = ["--help", "-h"]
        .iter()
        .any(|help| arguments.iter().any(|argument| argument == help));
    let served = ["--only shared-cache", "--only postgres"];
    let judge = arguments.first().is_some_and(|argument| argument == "judge");
    !help && !judge && (!only || served.iter().any(|part| text.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_started_only_for_what_measures_them() {
        for (arguments, expected) in [
            ("", true),
            ("--quick", true),
            ("--quick --only memory", false),
            ("--only memory --only shared-cache", true),
            ("--only=shared-cache", true),
            ("--only postgres", true),
            ("--help", false),
            ("judge people.csv --truth id", false),
        ] {
            let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
            assert_eq!(needs_servers(&arguments), expected, "{arguments:?}");
        }
    }
}
