//! The vault's own tests, in one process on every backend, with everything that they write and log kept and looked through. The tests
//! say themselves what they keep secret.

use std::fs::File;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::search::{Report, Search};
use crate::postgres::{self, Postgres};
use crate::{process, repo};

/// Where the tests are told to keep what they write.
const WATCH: &str = "CHANCERY_TEST_WATCH";
/// What the tests log and store that is no secret.
const DECOY: &str = "decoy-of-the-scenarios";

/// Runs the tests and looks through what they wrote.
pub(super) fn run(keep: bool) -> Result<()> {
    let started = Instant::now();
    let database = Postgres::start_talkative()?;
    let scratch = repo::scratch()?;
    let folder = scratch.path();
    let told = folder.join("written").join("told");
    std::fs::create_dir_all(&told).context("cannot create a folder")?;
    let mut tests = repo::cargo();
    // All of the workspace, as for the other tests, so that nothing is compiled once more.
    tests.args(["test", "--workspace", "--all-features", "--test", "vault", "--"]);
    // Those that kill processes look through their files themselves.
    tests.args(["--nocapture", "--skip", "kills::"]);
    tests
        .env(WATCH, folder)
        .env(postgres::VARIABLE, &database.url)
        .env("RUST_BACKTRACE", "full")
        .stdout(File::create(told.join("out"))?)
        .stderr(File::create(told.join("errors"))?);
    if let Err(error) = process::run(&mut tests) {
        let out = std::fs::read_to_string(told.join("out")).unwrap_or_default();
        bail!(
            "{error}; the tests end: {}",
            &out[out.len().saturating_sub(3_000)..]
        );
    }
    let secrets =
        std::fs::read_to_string(folder.join("secrets")).context("no test said what it keeps secret")?;
    let needles: Vec<_> = secrets
        .lines()
        .map(|text| (text.to_owned(), text.to_owned()))
        .collect();
    let search = Search::new(&needles, DECOY)?;
    let mut report = Report::default();
    for (place, path, wanted) in [
        ("log", folder.join("written/log"), true),
        ("data", folder.join("written/data"), true),
        ("told", told, false),
        ("database server", database.folder().join("data"), false),
        ("database log", database.folder().join("log"), true),
    ] {
        report.look(place, &path, &search, wanted)?;
    }
    if keep {
        println!("everything stays in {}", scratch.keep().display());
    }
    println!(
        "the tests of the vault: {:.1} s, {} secrets and all drawn tokens\n{}",
        started.elapsed().as_secs_f64(),
        needles.len(),
        report.text()
    );
    report.judge()
}
