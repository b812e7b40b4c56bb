//! `cargo xtask linear`: sixteen callers use a few records of a real server over HTTP, the server is killed in between, and
//! what they were answered must be what one caller after the other could have been answered.
//!
//! It says nothing about a server that loses its disk, and nothing about reads from replicas.

mod client;
mod load;
mod models;
mod search;

use std::collections::BTreeSet;
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
use client::Client;
use load::{CALLERS, History, SUM, Seen};
use models::{Accounts, AccountsUse, AtRevision, Name, Register, check_revisions};
use search::Timed;

/// Longest time from the begin of a history to the kill, in ms.
const LIFE_MS_MAX: u64 = 250;
/// How long the callers go on after the restart, in ms.
const AFTER_MS: u64 = 120;

/// Options of `linear`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many histories are recorded and checked; the server is killed once in each
    #[arg(long, default_value_t = 200)]
    histories: u32,
    /// Repeats the moments of a run, as far as the machine allows; printed by every run [default: random]
    #[arg(long)]
    seed: Option<u64>,
    #[command(flatten)]
    binary: ServerBinary,
    /// Keep the records on a PostgreSQL server, which stays up; it is started for the run
    #[arg(long)]
    postgres: bool,
}

impl Options {
    /// The short run that belongs to `cargo xtask test`.
    pub(crate) fn short() -> Self {
        Self {
            histories: 10,
            seed: None,
            binary: ServerBinary::default(),
            postgres: false,
        }
    }
}

/// What a run has counted.
#[derive(Default)]
struct Counts {
    histories: u32,
    operations: usize,
    unknown: usize,
}

/// Records histories and checks each.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = options.binary.path()?;
    let seed = options.seed.unwrap_or_else(rand::random);
    println!(
        "seed {seed}: {} histories of {CALLERS} callers",
        options.histories
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
    let began = Instant::now();
    let mut counts = Counts::default();
    let outcome = all(options.histories, seed, (&binary, &place), &mut counts);
    println!(
        "{} histories in {:.1} s: {} operations, {} of them without an answer; {} kills",
        counts.histories,
        began.elapsed().as_secs_f64(),
        counts.operations,
        counts.unknown,
        counts.histories
    );
    outcome.with_context(|| format!("a history is not linearisable (repeat with --seed {seed})"))
}

fn all(histories: u32, seed: u64, (binary, place): (&Path, &Place), counts: &mut Counts) -> Result<()> {
    let key = server::create_key_on(binary, place, "admin")?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut server = Server::start_on(binary, place)?;
    Client::new(&server.url, &key).create_tables()?;
    for number in 0..histories {
        let client = Client::new(&server.url, &key);
        let history = History::make(&client, number)?;
        let life = Duration::from_millis(random.random_range(LIFE_MS_MAX / 4..=LIFE_MS_MAX));
        let url = server.url.clone();
        live(&history, (&url, &key), &mut random, life, || server.kill())?;
        server = Server::start_on(binary, place).context("the server does not come back")?;
        let unanswered = || {
            let seen = history.seen.lock().expect("no holder of this lock panics");
            seen.operations().1
        };
        let by_the_kill = unanswered();
        let after = Duration::from_millis(AFTER_MS);
        live(&history, (&server.url, &key), &mut random, after, || Ok(()))?;
        let without = unanswered() - by_the_kill;
        if without > 0 {
            bail!("history {number}: {without} operations were not answered though nobody killed the server");
        }
        let client = Client::new(&server.url, &key);
        history.look_at_last(&client)?;
        let ends = history.ends(&client)?;
        let seen = history.seen.lock().expect("no holder of this lock panics");
        let (operations, unknown) = seen.operations();
        counts.histories += 1;
        counts.operations += operations;
        counts.unknown += unknown;
        judge(&seen, ends).with_context(|| format!("history {number}"))?;
    }
    Ok(())
}

/// Callers work until the time is over; then `end` is done, and they stop.
fn live(
    history: &History,
    (url, key): (&str, &str),
    random: &mut StdRng,
    time: Duration,
    end: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let stop = AtomicBool::new(false);
    let seeds: Vec<u64> = (0..CALLERS).map(|_| random.random()).collect();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..)
            .zip(seeds)
            .map(|(caller, seed)| {
                let stop = &stop;
                scope.spawn(move || history.call(&Client::new(url, key), caller, seed, stop))
            })
            .collect();
        std::thread::sleep(time);
        let ended = end();
        stop.store(true, Ordering::SeqCst);
        let called: Result<Vec<()>> = callers
            .into_iter()
            .map(|caller| caller.join().expect("a caller panicked"))
            .collect();
        ended.and(called.map(|_| ()))
    })
}

/// Checks everything that was written down in one history, and how its counter and numbers ended.
fn judge(seen: &Seen, (counter, numbers): (i64, Vec<i64>)) -> Result<()> {
    let fails = |what: &str, why: String| anyhow::anyhow!("{what}: {why}");
    for timed in &seen.registers {
        search::check(&Register { value: 0 }, timed).map_err(|why| fails("versions", why))?;
    }
    for timed in &seen.names {
        search::check(&Name, timed).map_err(|why| fails("unique names", why))?;
    }
    let accounts = Accounts { values: (SUM, 0) };
    search::check(&accounts, &seen.accounts).map_err(|why| fails("transactions", why))?;
    let answers: Vec<AtRevision> = seen
        .revisions
        .iter()
        .map(|(place, revision)| AtRevision {
            revision: *revision,
            what: seen.accounts[*place].operation.clone(),
        })
        .collect();
    let operations = seen.accounts.iter().map(|timed| &timed.operation);
    let unknown: Vec<AccountsUse> = operations.filter(|used| used.is_unknown()).cloned().collect();
    check_revisions(&accounts, &answers, &unknown).map_err(|why| fails("revisions", why))?;
    for timed in &seen.accounts {
        if let AccountsUse::Read(both) = &timed.operation
            && both[0].1 + both[1].1 != SUM
        {
            bail!("transactions: a read was torn: {both:?}");
        }
    }
    check_numbers(&seen.tickets, &numbers).map_err(|why| fails("numbers", why))?;
    check_counter(&seen.increments, counter).map_err(|why| fails("counter", why))
}

/// Numbers are given once, rise with time, and stay.
fn check_numbers(tickets: &[Timed<Option<i64>>], at_last: &[i64]) -> Result<(), String> {
    let kept: BTreeSet<i64> = at_last.iter().copied().collect();
    if kept.len() != at_last.len() {
        return Err(format!("two records have one number: {at_last:?}"));
    }
    let mut told: Vec<(u64, u64, i64)> = Vec::new();
    for ticket in tickets {
        if let (Some(number), Some(answered)) = (ticket.operation, ticket.answered) {
            if !kept.contains(&number) {
                return Err(format!("the record with the number {number} is lost"));
            }
            told.push((ticket.asked, answered, number));
        }
    }
    if kept.len() > tickets.len() {
        return Err(format!(
            "{} were asked for and {} are there",
            tickets.len(),
            kept.len()
        ));
    }
    told.sort_by_key(|(_, answered, _)| *answered);
    for (asked, _, number) in &told {
        let before = told.iter().take_while(|(_, answered, _)| answered < asked);
        if let Some((_, _, older)) = before
            .max_by_key(|(_, _, number)| *number)
            .filter(|older| older.2 >= *number)
        {
            return Err(format!("{number} was given after {older} had been"));
        }
    }
    Ok(())
}

/// Each increment counts once: as many as were answered, and perhaps those that were not.
fn check_counter(increments: &[Timed<Option<i64>>], at_last: i64) -> Result<(), String> {
    let told: Vec<i64> = increments.iter().filter_map(|timed| timed.operation).collect();
    let different: BTreeSet<i64> = told.iter().copied().collect();
    if different.len() != told.len() {
        return Err("two increments left the same value".into());
    }
    let (least, most) = (told.len() as i64, increments.len() as i64);
    if let Some(largest) = different.last().filter(|largest| **largest > at_last) {
        return Err(format!("it is {at_last} after an increment that left {largest}"));
    }
    if at_last < least || at_last > most {
        return Err(format!("it is {at_last} after {least} to {most} increments"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at: u64, number: i64) -> Timed<Option<i64>> {
        Timed {
            asked: at,
            answered: Some(at + 1),
            operation: Some(number),
        }
    }

    #[test]
    fn numbers_that_come_twice_fall_or_are_lost_are_refused() {
        assert!(check_numbers(&[told(0, 1), told(2, 2)], &[1, 2]).is_ok());
        assert!(check_numbers(&[told(0, 1), told(2, 2)], &[1, 2, 2]).is_err());
        assert!(check_numbers(&[told(0, 2), told(2, 1)], &[1, 2]).is_err());
        assert!(check_numbers(&[told(0, 1), told(2, 2)], &[1]).is_err());
        assert!(check_numbers(&[told(0, 1)], &[1, 2]).is_err());
    }

    #[test]
    fn increments_that_are_lost_or_counted_twice_are_refused() {
        let unknown = Timed {
            asked: 9,
            answered: None,
            operation: None,
        };
        assert!(check_counter(&[told(0, 1), told(2, 2), unknown.clone()], 3).is_ok());
        assert!(check_counter(&[told(0, 1), told(2, 2), unknown.clone()], 2).is_ok());
        assert!(check_counter(&[told(0, 1), told(2, 2), unknown], 4).is_err());
        assert!(check_counter(&[told(0, 1), told(2, 2)], 1).is_err());
        assert!(check_counter(&[told(0, 1), told(2, 1)], 2).is_err());
        assert!(check_counter(&[told(0, 1), told(2, 3)], 2).is_err());
    }
}
