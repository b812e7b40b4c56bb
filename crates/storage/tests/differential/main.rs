//! Random operations and random questions on the memory backend and on another: every answer must be the same.
//! Knows no right answers of its own; the conformance suite does.
//!
//! `PROPTEST_CASES` raises the number of runs; `cargo xtask differential` does.
#![expect(
    clippy::print_stdout,
    reason = "how many operations there were is for who runs it by hand"
)]

mod dice;
mod questions;
#[path = "../throwaway/redis.rs"]
mod redis;
mod repeat;
#[path = "../throwaway/mod.rs"]
mod throwaway;
mod world;
mod writes;

use std::cell::Cell;

use proptest::prelude::*;
use world::{Tested, World};

/// Runs if the environment does not say otherwise; fewer where every run makes a database on a server.
fn cases(tested: Tested) -> u32 {
    match tested {
        Tested::Sqlite => 150,
        Tested::Postgres => 60,
        Tested::CachedSqlite => 80,
        Tested::CachedPostgres => 20,
    }
}

/// What happens next; the number decides everything else about it.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A batch of writes.
    Write(u64),
    /// A change of the definition.
    Define(u64),
    /// A question.
    Ask(u64),
    /// The store is closed and opened.
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => any::<u64>().prop_map(Step::Write),
        1 => any::<u64>().prop_map(Step::Define),
        24 => any::<u64>().prop_map(Step::Ask),
        1 => Just(Step::Reopen),
    ];
    proptest::collection::vec(step, 1..90)
}

async fn run(tested: Tested, table: u64, steps: Vec<Step>) {
    let mut world = World::new(tested, table).await;
    for step in steps {
        match step {
            Step::Write(number) => world.write(number).await,
            Step::Define(number) => world.define(number).await,
            Step::Ask(number) => world.ask(number).await,
            Step::Reopen => world.reopen().await,
        }
        if tested.is_cached() {
            world.repeat().await;
        }
    }
    world.compare_everything().await;
    world.end().await;
}

#[test]
fn memory_and_sqlite_answer_alike() {
    answer_alike(Tested::Sqlite);
}

#[test]
fn memory_and_postgres_answer_alike() {
    answer_alike(Tested::Postgres);
}

#[test]
fn memory_and_a_cached_sqlite_answer_alike() {
    answer_alike(Tested::CachedSqlite);
}

#[test]
fn memory_and_a_postgres_with_a_shared_cache_answer_alike() {
    answer_alike(Tested::CachedPostgres);
}

fn answer_alike(tested: Tested) {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases(tested);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let done = Cell::new(0);
    let outcome = runner.run(&(any::<u64>(), steps()), |(table, steps)| {
        let operations = steps.len();
        runtime.block_on(run(tested, table, steps));
        done.set(done.get() + operations);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    println!("{tested:?}: {} operations answered alike", done.get());
}
