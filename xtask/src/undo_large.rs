//! `cargo xtask undo-large`: many records imported, changed and deleted, each taken back, done again and taken back, on every
//! backend, with how long it takes. `cargo xtask test` runs the same with fewer.

use anyhow::Result;

use crate::postgres::{self, Durability, Postgres};
use crate::{process, repo};

/// The variable by which the scenario is told how many.
const VARIABLE: &str = "CHANCERY_UNDO_RECORDS";

/// Options of `undo-large`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many records
    #[arg(long, default_value_t = 100_000)]
    records: u32,
}

/// Runs it; fails if a checksum differs.
pub(crate) fn run(options: &Options) -> Result<()> {
    let database = Postgres::start(Durability::Full)?;
    let mut test = repo::cargo();
    test.args(["test", "-p", "chancery-scenarios", "--test", "scenarios", "--"]);
    test.args(["undo_large::", "--nocapture"]);
    test.env(VARIABLE, options.records.to_string());
    process::run(test.env(postgres::VARIABLE, &database.url))
}
