//! `cargo xtask failover`: a replicated PostgreSQL under two server processes. Its primary is killed under load, one that
//! follows is promoted, and everything acknowledged must be there, and in the change log once and in order for whoever reads
//! it all the while; then those that follow are stopped and killed, and no read may fail.
//!
//! The primary waits for one that follows before it acknowledges. Without that a failover loses the last commits, and no
//! program in front of it can help.

mod followers;
mod load;
mod outage;
mod wire;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::redis::Redis;
use crate::replicated::{Replicated, Waits};
use crate::repo::ServerBinary;
use crate::server::{self, Beside, Place, Server};
use followers::Followers;
use load::Load;
use wire::Client;

/// The database of the run.
const DATABASE: &str = "app";
/// Server processes on it.
const SERVERS: usize = 2;
/// Shorter than a write without a standby is made to wait.
const STATEMENT_TIMEOUT_MS: u32 = 1_500;
/// How long writes may be refused after the primary was killed.
const BACK_WITHIN: Duration = Duration::from_secs(10);
/// How long a round waits for them at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of `failover`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many times the primary is killed
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Callers that write one record at a time, to each server process
    #[arg(long, default_value_t = 3)]
    writers: u32,
    /// Repeats the moments of a run, as far as the machine allows; printed by every run [default: random]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    binary: ServerBinary,
    /// Leave out the part where those that follow are stopped and killed
    #[arg(long)]
    only_primary: bool,
}

impl Options {
    /// The run that belongs to `cargo xtask test`: about four minutes.
    pub(crate) fn short() -> Self {
        Self {
            rounds: 20,
            writers: 3,
            seed: None,
            binary: ServerBinary::default(),
            only_primary: false,
        }
    }
}

/// Kills, promotes, compares.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = options.binary.path()?;
    let seed = options.seed.unwrap_or_else(rand::random);
    println!(
        "seed {seed}: {} rounds, {SERVERS} server processes, {} writers each, one synchronous standby",
        options.rounds, options.writers
    );
    let mut database = Replicated::start(Waits::ForOneMore)?;
    database.create_database(DATABASE)?;
    let url = format!(
        "{}&statement_timeout_ms={STATEMENT_TIMEOUT_MS}",
        database.writing_url(DATABASE)
    );
    let place = Place::Database(url);
    let key = server::create_key_on(&binary, &place, "admin")?;
    // Neither what replicas show nor what a shared cache holds may outlive what the new primary lacks.
    let redis = Redis::start()?;
    let beside = Beside {
        replicas: database.urls(DATABASE),
        redis: Some(redis.url.clone()),
    };
    let mut servers = vec![Server::start_with(&binary, &place, &beside)?];
    Client::new(&servers[0].url, &key).create_table()?;
    while servers.len() < SERVERS {
        servers.push(Server::start_with(&binary, &place, &beside)?);
    }
    let urls: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
    let clients: Vec<Client> = urls.iter().map(|url| Client::new(url, &key)).collect();
    let followers = Followers::start(&database.writing_url(DATABASE))?;
    rounds(&mut database, &clients, options, seed).with_context(|| words(&servers))?;
    followers.end()?;
    if !options.only_primary {
        outage::run(&mut database, &clients, &servers).with_context(|| words(&servers))?;
    }
    Ok(())
}

fn words(servers: &[Server]) -> String {
    let words: Vec<String> = servers.iter().map(Server::last_words).collect();
    format!("the servers' last words:\n{}", words.join("\n"))
}

/// Every round, under a load that never stops.
fn rounds(database: &mut Replicated, clients: &[Client], options: &Options, seed: u64) -> Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    let load = Load::default();
    let mut times = Vec::new();
    let outcome = std::thread::scope(|scope| {
        let mut writers = Vec::new();
        for number in 0..options.writers {
            for server in 0..clients.len() {
                let writer = load.writer(clients, server, number);
                writers.push(scope.spawn(move || writer.run()));
            }
        }
        let work = (1..=options.rounds).try_for_each(|round| {
            std::thread::sleep(Duration::from_millis(random.random_range(500..1_500)));
            times.push(one_round(database, clients, &load, round)?);
            Ok(())
        });
        load.stop();
        let ended: Result<Vec<()>> = writers
            .into_iter()
            .map(|writer| writer.join().expect("a writer panicked"))
            .collect();
        work.and(ended.map(drop))
    });
    times.sort();
    let figures = load.figures();
    println!("{} failovers: {figures}", times.len());
    if let (Some(median), Some(longest)) = (times.get(times.len() / 2), times.last()) {
        println!(
            "writes again after: median {:.1} s, longest {:.1} s",
            median.as_secs_f64(),
            longest.as_secs_f64()
        );
    }
    outcome.with_context(|| format!("repeat with --seed {seed}"))
}

/// Kills the primary, promotes another, and answers after how long every server process wrote again.
fn one_round(database: &mut Replicated, clients: &[Client], load: &Load, round: u32) -> Result<Duration> {
    let dead = database.primary();
    database.kill(dead)?;
    // From here on nobody but another primary can acknowledge what is sent.
    let killed = Instant::now();
    let next = database.promote()?;
    let other = database.followers().into_iter().find(|node| *node != dead);
    database.follow(other.context("a third server is missing")?)?;
    let back = load.wait_until_all_write(clients.len(), killed, PATIENCE)?;
    database.rebuild(dead)?;
    database.wait_for_followers()?;
    let checked = load.check(&clients[round as usize % clients.len()])?;
    println!(
        "round {round}: {} killed, {} promoted, writes again after {:.1} s; {checked} acknowledged records checked",
        database.name(dead),
        database.name(next),
        back.as_secs_f64()
    );
    if back > BACK_WITHIN {
        bail!(
            "the service was away for {:.1} s, longer than {BACK_WITHIN:?}",
            back.as_secs_f64()
        );
    }
    Ok(back)
}
