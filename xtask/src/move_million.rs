//! `cargo xtask move-million`: many records move from SQLite to PostgreSQL and back with the real program, and every step
//! compares both sides record by record.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::postgres::{Durability, Postgres};
use crate::repo::ServerBinary;
use crate::{process, repo};

/// Options of `move-million`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many records
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    #[command(flatten)]
    binary: ServerBinary,
}

/// Texts that are easily lost or bent on the way; each is one CSV cell.
const TEXTS: [&str; 6] = [
    "plain",
    "\"é\u{301} 👩‍🚀\"",
    "\"a \"\"quoted\"\" one, with a comma\"",
    "'; DROP TABLE x; --",
    "\"two\nlines\"",
    "",
];

/// Moves there and back, and fails on the first difference.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = options.binary.path()?;
    let folder = repo::scratch()?;
    let server = Postgres::start(Durability::Full)?;
    let file = folder.path().join("records.csv");
    write_csv(&file, options.records)?;
    let (first, last) = (folder.path().join("first.db"), folder.path().join("last.db"));
    let (first, last) = (
        format!("sqlite:{}", first.display()),
        format!("sqlite:{}", last.display()),
    );
    step("import", || {
        let mut import = Command::new(&binary);
        import
            .arg("import")
            .arg(&file)
            .args(["--create", "--database", &first]);
        process::capture(&mut import)
    })?;
    let there = step("SQLite to PostgreSQL", || moved(&binary, &first, &server.url))?;
    let back = step("PostgreSQL to SQLite", || moved(&binary, &server.url, &last))?;
    let carried = |answer: &str| -> Result<Json> {
        let report: Json = serde_json::from_str(answer).context("`move --json` answered no JSON")?;
        Ok(report["carried"].clone())
    };
    let (there, back) = (carried(&there)?, carried(&back)?);
    if there != back || there["records"] != options.records {
        bail!("there went {there}, back came {back}");
    }
    println!("equal: {there}");
    Ok(())
}

fn moved(binary: &Path, from: &str, to: &str) -> Result<String> {
    // The exit status is 1 if there is a difference.
    process::capture(Command::new(binary).args(["move", "--json", "--from", from, "--to", to]))
}

fn step(name: &str, work: impl FnOnce() -> Result<String>) -> Result<String> {
    let started = Instant::now();
    let answer = work().with_context(|| name.to_owned())?;
    println!("{name:<24}{:>8.1} s", started.elapsed().as_secs_f64());
    Ok(answer)
}

fn write_csv(path: &Path, records: u64) -> Result<()> {
    let file = std::fs::File::create(path).context("cannot create the file")?;
    let mut out = BufWriter::new(file);
    writeln!(out, "number,name,amount,day,note,done")?;
    for n in 0..records {
        let text = TEXTS[(n % 6) as usize];
        let done = n % 2 == 0;
        let (cents, day) = (n % 100, n % 28 + 1);
        writeln!(
            out,
            "{n},Name {n},{}.{cents:02},2024-02-{day:02},{text},{done}",
            n * 7
        )?;
    }
    out.flush()?;
    Ok(())
}
