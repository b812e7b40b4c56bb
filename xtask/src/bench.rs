//! `cargo xtask bench`: the benchmark package, in release.
//!
//! Measures nothing itself.

use anyhow::Result;

use crate::{process, repo};

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
    process::run(&mut command)
}
