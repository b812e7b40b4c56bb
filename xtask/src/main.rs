//! `cargo xtask`: everything the project runs on itself, from the whole test suite to one check.
//!
//! Not part of the product: nothing here is shipped, and no crate may depend on it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a terminal tool talks on the terminal"
)]

mod bench;
mod canary;
mod client;
mod cluster;
mod differential;
mod e2e;
mod failover;
mod fuzz;
mod fuzz_api;
mod kill;
mod linear;
mod live;
mod move_million;
mod postgres;
mod process;
mod provision;
mod redis;
mod replicated;
mod repo;
mod server;
mod test;
mod tidy;
mod undo_large;
mod web;

use clap::{Parser, Subcommand};

/// Chancery's own tooling. Start with `cargo xtask test`: it runs everything and installs what it needs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything: tidy, tests, doc tests, web build, browser, client, kill -9 loop, linearisability, failover, API fuzzing
    Test(test::Options),
    /// Check the invariants of the house (crate arrows, sizes, banned words, …) in under a second
    Tidy(tidy::Options),
    /// Measure: runs the benchmark package in release; arguments after -- go to it
    Bench(bench::Options),
    /// Find or install Node, npm, Chromium, PostgreSQL and a Python that can make virtual environments
    Provision(provision::Options),
    /// Build the web page and compare it byte for byte with the committed web/dist
    Web(web::Options),
    /// Drive every page in a real headless Chromium against a freshly started server
    E2e(e2e::Options),
    /// Check, build and test the TypeScript client against a freshly started server
    Client(client::Options),
    /// Look for bytes that break what must hold of sealed values, tokens and queries (nightly compiler; 10 minutes a target)
    Fuzz(fuzz::Options),
    /// Send generated requests to every documented operation (schemathesis) and check every answer
    FuzzApi(fuzz_api::Options),
    /// Kill -9 the server in a loop under load and check that no acknowledged write is lost
    Kill(kill::Options),
    /// Send secrets through every operation of the vault at the most talkative level and look for them in all that was written
    Canary(canary::Options),
    /// Watch a server with a thousand live queries while it is written to, and check every push
    Live(live::Options),
    /// Record what 16 callers are answered while the server is killed, and check that one after the other could have been
    Linear(linear::Options),
    /// Start PostgreSQL with two replicas, Redis and two server processes, to look at; Ctrl-C ends all
    Cluster(cluster::Options),
    /// Kill the primary of a replicated PostgreSQL under load again and again, promote a replica, and check that nothing
    /// acknowledged is lost; then stop and kill replicas under reads
    Failover(failover::Options),
    /// Ask every backend 100,000 random things after random writes and compare it with the one in memory
    Differential(differential::Options),
    /// Move a million records from SQLite to PostgreSQL and back and compare them all
    MoveMillion(move_million::Options),
    /// Import, change and delete 100,000 records on every backend and take each back, with how long it takes
    UndoLarge(undo_large::Options),
}

fn main() -> std::process::ExitCode {
    process::on_interrupt();
    let outcome = match Arguments::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Tidy(options) => tidy::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Provision(options) => provision::run(&options),
        Command::Web(options) => web::run(&options),
        Command::E2e(options) => e2e::run(&options),
        Command::Client(options) => client::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::FuzzApi(options) => fuzz_api::run(&options),
        Command::Kill(options) => kill::run(&options),
        Command::Canary(options) => canary::run(&options),
        Command::Live(options) => live::run(&options),
        Command::Linear(options) => linear::run(&options),
        Command::Cluster(options) => cluster::run(&options),
        Command::Failover(options) => failover::run(&options),
        Command::Differential(options) => differential::run(&options),
        Command::MoveMillion(options) => move_million::run(&options),
        Command::UndoLarge(options) => undo_large::run(&options),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
