//! `cargo xtask kill`: the server is killed with SIGKILL at random moments under load, and everything it had
//! acknowledged must still be there.
//!
//! A killed process leaves the page cache behind: this says nothing about a power cut.

mod ledger;
mod wire;
mod writer;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::postgres::{Durability, Postgres};
use crate::repo;
use crate::repo::ServerBinary;
use crate::server::{self, Place, Server};
use ledger::{Ledger, Verdict};
use wire::Client;

/// Options of `kill`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many times the server is killed
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Callers that create and update one record at a time
    #[arg(long, default_value_t = 6)]
    writers: u32,
    /// Callers that create 200 records at once
    #[arg(long, default_value_t = 2)]
    bulk_writers: u32,
    /// Longest time from ready to kill, in milliseconds
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u64).range(1..))]
    longest_life_ms: u64,
    /// Repeats the moments of a run, as far as the machine allows; printed by every run [default: random]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    binary: ServerBinary,
    /// Leave the data folder of a failed run where it is, and say where
    #[arg(long, conflicts_with = "postgres")]
    keep: bool,
    /// Keep the records on a PostgreSQL server, which stays up; it is started for the run
    #[arg(long)]
    postgres: bool,
}

impl Options {
    /// The short run that belongs to `cargo xtask test`.
    pub(crate) fn short() -> Self {
        Self {
            kills: 100,
            writers: 6,
            bulk_writers: 2,
            longest_life_ms: 400,
            seed: None,
            binary: ServerBinary::default(),
            keep: false,
            postgres: false,
        }
    }

    /// The short run on PostgreSQL.
    pub(crate) fn short_on_postgres() -> Self {
        Self {
            postgres: true,
            ..Self::short()
        }
    }
}

/// Kills, restarts, compares.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = options.binary.path()?;
    let seed = options.seed.unwrap_or_else(rand::random);
    println!(
        "seed {seed}: {} kills, {} writers, {} bulk writers",
        options.kills, options.writers, options.bulk_writers
    );
    let data = repo::scratch()?;
    let database = match options.postgres {
        true => Some(Postgres::start(Durability::Full)?),
        false => None,
    };
    let place = match &database {
        Some(server) => Place::Database(server.url.clone()),
        None => Place::Folder(data.path().to_owned()),
    };
    let mut run = Run::begin(&binary, place, seed)?;
    let outcome = run.all(options);
    run.print();
    let verdict = run.verdict;
    if options.keep && !(outcome.is_ok() && verdict.is_clean()) {
        println!("the data stays in {}", data.keep().display());
    }
    outcome?;
    if !verdict.is_clean() {
        bail!(
            "acknowledged writes were lost or torn (repeat with --seed {seed}):\n{}",
            verdict.examples()
        );
    }
    Ok(())
}

/// One run of many lives of the server over one data folder.
struct Run<'a> {
    binary: &'a Path,
    place: Place,
    key: String,
    random: StdRng,
    ledger: Ledger,
    verdict: Verdict,
    restarts: Vec<Duration>,
    kills: u32,
    started: Instant,
}

impl<'a> Run<'a> {
    fn begin(binary: &'a Path, place: Place, seed: u64) -> Result<Self> {
        let key = server::create_key_on(binary, &place, "admin")?;
        let random = StdRng::seed_from_u64(seed);
        let (ledger, verdict) = (Ledger::default(), Verdict::default());
        Ok(Self {
            binary,
            place,
            key,
            random,
            ledger,
            verdict,
            restarts: Vec::new(),
            kills: 0,
            started: Instant::now(),
        })
    }

    fn all(&mut self, options: &Options) -> Result<()> {
        let server = Server::start_on(self.binary, &self.place)?;
        Client::new(&server.url, &self.key).create_table()?;
        drop(server);
        for life in 0..options.kills {
            let server = self.restart()?;
            self.check_life(&server)?;
            self.live_and_die(server, life, options)?;
            self.kills += 1;
            if !self.verdict.is_clean() {
                break;
            }
        }
        let server = self.restart()?;
        self.check_life(&server)?;
        self.check_everything(&server)
    }

    fn restart(&mut self) -> Result<Server> {
        let server = Server::start_on(self.binary, &self.place)
            .with_context(|| format!("the server does not come back after kill {}", self.kills))?;
        self.restarts.push(server.start_time);
        Ok(server)
    }

    /// Writers write until the server is gone in the middle of it.
    fn live_and_die(&mut self, mut server: Server, life: u32, options: &Options) -> Result<()> {
        let life_time = Duration::from_millis(self.random.random_range(1..=options.longest_life_ms));
        let stop = AtomicBool::new(false);
        let (url, key, ledger) = (server.url.clone(), self.key.clone(), &self.ledger);
        let seeds: Vec<u64> = (0..options.writers).map(|_| self.random.random()).collect();
        let outcomes = std::thread::scope(|scope| {
            let client = || Client::new(&url, &key);
            let stop = &stop;
            let mut threads = Vec::new();
            for (number, seed) in (0..).zip(seeds) {
                let writer = writer::Single {
                    client: client(),
                    ledger,
                    stop,
                    life,
                    number,
                    seed,
                };
                threads.push(scope.spawn(move || writer.run()));
            }
            for number in 0..options.bulk_writers {
                let writer = writer::Bulk {
                    client: client(),
                    ledger,
                    stop,
                    life,
                    number,
                };
                threads.push(scope.spawn(move || writer.run()));
            }
            std::thread::sleep(life_time);
            let alive = server.is_alive();
            let last_words = server.last_words();
            let killed = server.kill();
            stop.store(true, Ordering::SeqCst);
            let written: Result<Vec<()>> = threads
                .into_iter()
                .map(|thread| thread.join().expect("a writer panicked"))
                .collect();
            if !alive {
                bail!("the server died by itself; its last words:\n{last_words}");
            }
            killed.and(written)
        });
        outcomes.map(|_| ())
    }

    /// What the last life wrote, and what was in flight when it ended.
    fn check_life(&mut self, server: &Server) -> Result<()> {
        let client = Client::new(&server.url, &self.key);
        let Some(life) = self.kills.checked_sub(1) else {
            return Ok(());
        };
        let mut found = client.records(Some(life))?;
        for id in self.ledger.touched_from_before(life) {
            found.extend(client.record(&id)?);
        }
        self.verdict.add(self.ledger.settle(life, &found));
        Ok(())
    }

    fn check_everything(&mut self, server: &Server) -> Result<()> {
        let found = Client::new(&server.url, &self.key).records(None)?;
        self.verdict.add(self.ledger.audit(&found));
        Ok(())
    }

    fn print(&mut self) {
        let counts = self.ledger.counts();
        println!(
            "{} kills in {:.1} s: acknowledged {} creates, {} updates, {} bulks of {}",
            self.kills,
            self.started.elapsed().as_secs_f64(),
            counts.creates,
            counts.updates,
            counts.bulks,
            writer::BULK_RECORDS
        );
        println!(
            "lost {}, partial bulks {}, wrong {}; in flight at a kill {}, of which kept {}",
            self.verdict.lost.len(),
            self.verdict.partial.len(),
            self.verdict.wrong.len(),
            self.verdict.in_flight,
            self.verdict.in_flight_kept
        );
        self.restarts.sort();
        if let (Some(median), Some(longest)) =
            (self.restarts.get(self.restarts.len() / 2), self.restarts.last())
        {
            println!(
                "restart: median {} ms, longest {} ms",
                median.as_millis(),
                longest.as_millis()
            );
        }
    }
}
