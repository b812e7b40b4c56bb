//! `cargo xtask bench`: Chancery and the same work by hand, measured in one run, in one table.
//!
//! It judges nothing but its own bars: a missed bar is a line in the table, not a failure.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that prints a table and its progress"
)]

mod bars;
mod cache;
mod contacts;
mod duplicates;
mod files;
mod folder;
mod hand;
mod http;
mod machine;
mod measure;
mod memory;
mod original;
mod postgres;
mod report;
mod tables;
mod vault;
mod writes;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use duplicates::Judged;
use files::Errand;
use machine::Machine;
use measure::Effort;
use report::{Report, Section};

/// The allocator of the `chancery` binary, for both sides: what is measured is what people run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Chancery beside the same work done by hand.
#[derive(Parser)]
struct Options {
    /// Small sizes and single short runs, under 90 s: shows that everything works, not how fast
    #[arg(long)]
    quick: bool,
    /// Also what takes minutes: files of 10,000,000 rows
    #[arg(long)]
    long: bool,
    /// Only this section; may be given several times
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Writes the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Writes the table as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    #[command(subcommand)]
    task: Option<Task>,
}

/// A section of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The library on the memory backend
    Memory,
    /// Single durable writes
    Writes,
    /// Bulk creation, point reads and pages
    Tables,
    /// Records by key from the cache, on SQLite
    Cache,
    /// Answers from the cache, on PostgreSQL and Redis
    SharedCache,
    /// CSV import and export
    Files,
    /// The real server
    Http,
    /// The library on PostgreSQL
    Postgres,
    /// Secrets, and long work on all of them
    Vault,
    /// A million records of which one in twenty is a copy of another
    Duplicates,
}

/// What the program does in processes of its own.
#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Errand(Errand),
    /// Finds the duplicates of a CSV file whose truth is known, and says how well
    Judge(Judged),
    /// Serves contacts by hand
    ServeByHand {
        /// The database whose relation is copied
        like: PathBuf,
        /// The database
        database: PathBuf,
        /// The setting of `synchronous`
        synchronous: String,
    },
}

/// Measures one part.
type Measuring = fn(Effort) -> Result<Section>;

const PARTS: [(Part, Measuring); 10] = [
    (Part::Memory, memory::run),
    (Part::Writes, writes::run),
    (Part::Tables, tables::run),
    (Part::Cache, cache::alone),
    (Part::SharedCache, cache::shared),
    (Part::Files, files::run),
    (Part::Http, http::run),
    (Part::Postgres, postgres::run),
    (Part::Vault, vault::run),
    (Part::Duplicates, duplicates::run),
];

fn main() -> Result<()> {
    let options = Options::parse();
    match &options.task {
        Some(Task::Errand(errand)) => {
            println!("{}", errand.run()?);
            return Ok(());
        }
        Some(Task::Judge(judged)) => {
            println!("{}", judged.run()?);
            return Ok(());
        }
        Some(Task::ServeByHand {
            like,
            database,
            synchronous,
        }) => return http::by_hand::serve(like, database, synchronous),
        None => {}
    }
    let effort = Effort {
        quick: options.quick,
        long: options.long,
    };
    let mut failed = Vec::new();
    let mut report = Report {
        machine: Machine::here(options.quick),
        sections: Vec::new(),
    };
    for (part, run) in PARTS {
        if options.only.is_empty() || options.only.contains(&part) {
            let start = Instant::now();
            eprint!("{part:?} … ");
            match run(effort) {
                Ok(section) => {
                    eprintln!("{:.0} s", start.elapsed().as_secs_f64());
                    report.sections.push(section);
                }
                Err(error) => {
                    eprintln!("failed: {error:#}");
                    failed.push(format!("{part:?}"));
                }
            }
        }
    }
    print!("{}", report.text());
    if let Some(path) = &options.markdown {
        std::fs::write(path, report.markdown()).with_context(|| path.display().to_string())?;
    }
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(path, json).with_context(|| path.display().to_string())?;
    }
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}
