//! `cargo xtask test`: every step a change must pass, in order, cheapest first, stopping at the first failure.
//!
//! The last ones wait for servers more than they work: two of them run at a time, each a process of its own.
//!
//! A step that cannot run on this machine fails and says what to install: nothing is skipped unasked.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;

use crate::postgres::{self, Durability, Postgres};
use crate::redis::{self, Redis};
use crate::replicated::{self, Replicated};
use crate::{canary, client, e2e, failover, fuzz_api, kill, linear, live, process, repo, tidy, web};

/// Options of `test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only this step; may be repeated
    #[arg(long, value_name = "STEP")]
    only: Vec<Step>,
    /// Leave this step out; may be repeated
    #[arg(long, value_name = "STEP", conflicts_with = "only")]
    skip: Vec<Step>,
}

/// How many steps run beside each other.
const LANES: usize = 2;

/// One thing that must pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Step {
    /// The invariants of the house
    Tidy,
    /// The page builds to exactly what is committed
    Web,
    /// `cargo test` over the whole workspace with all features, beside PostgreSQL and Redis servers of its own
    Cargo,
    /// The examples in the documentation
    Doc,
    /// Every page in a real headless Chromium
    E2e,
    /// The TypeScript client against a real server
    Client,
    /// 100 times kill -9 under load, on SQLite and on PostgreSQL
    Kill,
    /// Secrets that stand out, looked for in all that is written
    Canary,
    /// 100 live queries under writes, every push checked
    Live,
    /// 10 histories of 16 callers and a kill -9 each, checked for linearisability
    Linear,
    /// A replicated PostgreSQL whose primary is killed under load, and whose replicas are stopped and killed
    Failover,
    /// Generated requests to every documented operation
    FuzzApi,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value()
            .expect("no step is hidden")
            .get_name()
            .to_owned()
    }

    /// Whether it may run beside another one: it starts its own servers, and no bar of its is a time.
    fn beside(self) -> bool {
        !matches!(self, Self::Tidy | Self::Web | Self::Cargo | Self::Doc | Self::E2e)
    }

    fn run(self) -> Result<()> {
        match self {
            Self::Tidy => tidy::run(&tidy::Options {}),
            Self::Cargo => {
                let server = Postgres::start(Durability::None)?;
                let cache = Redis::start()?;
                let followed = Replicated::start_late()?;
                let mut tests = repo::cargo();
                tests.args([
                    "test",
                    "--workspace",
                    "--all-features",
                    "--lib",
                    "--bins",
                    "--tests",
                    "--examples",
                ]);
                tests.env(redis::VARIABLE, &cache.url);
                tests.env(redis::PROGRAM_VARIABLE, &cache.program);
                tests.env(postgres::VARIABLE, &server.url);
                tests.env(replicated::VARIABLE, followed.urls("postgres").join(" "));
                process::run(&mut tests)
            }
            Self::Doc => process::run(repo::cargo().args(["test", "--workspace", "--all-features", "--doc"])),
            Self::Web => web::run(&web::Options::check()),
            Self::E2e => e2e::run(&e2e::Options::everything()),
            Self::Client => client::run(&client::Options::everything()),
            Self::Kill => {
                kill::run(&kill::Options::short())?;
                kill::run(&kill::Options::short_on_postgres())
            }
            Self::Canary => canary::run(&canary::Options::everything()),
            Self::Live => live::run(&live::Options::short()),
            Self::Linear => linear::run(&linear::Options::short()),
            Self::Failover => failover::run(&failover::Options::short()),
            Self::FuzzApi => fuzz_api::run(&fuzz_api::Options::short()),
        }
    }
}

/// What became of one step.
struct Line {
    step: Step,
    time: Duration,
    passed: bool,
}

impl Line {
    fn new(step: Step, started: Instant, outcome: &Result<()>) -> Self {
        Self {
            step,
            time: started.elapsed(),
            passed: outcome.is_ok(),
        }
    }
}

/// Runs the chosen steps.
pub(crate) fn run(options: &Options) -> Result<()> {
    let steps = choose(options);
    if steps.is_empty() {
        bail!("every step was left out: nothing would have been tested");
    }
    let started = Instant::now();
    let (beside, alone): (Vec<Step>, Vec<Step>) = steps.iter().partition(|step| step.beside());
    let mut lines = Vec::new();
    let mut outcome = run_alone(&alone, &mut lines);
    if outcome.is_ok() {
        outcome = match beside[..] {
            [_] => run_alone(&beside, &mut lines),
            _ => run_beside(&beside, &mut lines),
        };
    }
    println!("{}", summary(&steps, &lines, started.elapsed()));
    outcome
}

/// One after the other, in this process.
fn run_alone(steps: &[Step], lines: &mut Vec<Line>) -> Result<()> {
    for &step in steps {
        println!("\n━━━ {} ━━━", step.name());
        let started = Instant::now();
        let outcome = step.run();
        lines.push(Line::new(step, started, &outcome));
        outcome.with_context(|| failed(step))?;
    }
    Ok(())
}

/// Some beside each other, each in a process that says what it would alone, behind its name. After a failure none is begun.
fn run_beside(steps: &[Step], lines: &mut Vec<Line>) -> Result<()> {
    let this = std::env::current_exe().context("cannot tell which program this is")?;
    let state = Mutex::new((steps.iter(), Ok(()), lines));
    let take = || {
        let mut state = state.lock().expect("no holder of this lock panics");
        let (waiting, outcome, _) = &mut *state;
        if outcome.is_ok() {
            waiting.next().copied()
        } else {
            None
        }
    };
    let lane = || {
        while let Some(step) = take() {
            let name = step.name();
            let started = Instant::now();
            let mut alone = Command::new(&this);
            alone.args(["test", "--only", &name]).current_dir(repo::root());
            let ended = process::run_told(&mut alone, |line| println!("{name:<8} │ {line}"));
            let mut state = state.lock().expect("no holder of this lock panics");
            let (_, outcome, lines) = &mut *state;
            lines.push(Line::new(step, started, &ended));
            if let Err(error) = ended
                && outcome.is_ok()
            {
                *outcome = Err(error.context(failed(step)));
            }
        }
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        for lane in running {
            lane.join().map_err(|_| anyhow!("a lane of steps panicked"))?;
        }
        anyhow::Ok(())
    })?;
    let (_, outcome, _) = state.into_inner().expect("no holder of this lock panics");
    outcome
}

fn failed(step: Step) -> String {
    let name = step.name();
    format!("step {name} failed (alone: `cargo xtask test --only {name}`)")
}

fn choose(options: &Options) -> Vec<Step> {
    let wanted = |step: &Step| options.only.is_empty() || options.only.contains(step);
    Step::value_variants()
        .iter()
        .copied()
        .filter(|step| wanted(step) && !options.skip.contains(step))
        .collect()
}

/// The table at the end, and the line that counts.
fn summary(steps: &[Step], lines: &[Line], total: Duration) -> String {
    let mut text = String::from("\n━━━ summary ━━━\n");
    for step in steps {
        let name = step.name();
        let _ = match lines.iter().find(|line| line.step == *step) {
            None => writeln!(text, "{name:<10}not run"),
            Some(line) => {
                let word = if line.passed { "passed" } else { "FAILED" };
                writeln!(text, "{name:<10}{word:<8}{:>8.1} s", line.time.as_secs_f64())
            }
        };
    }
    let passed = lines.iter().filter(|line| line.passed).count();
    let _ = write!(
        text,
        "{:<18}{:>8.1} s\n\n{passed} passed, {} failed",
        "total",
        total.as_secs_f64(),
        lines.len() - passed
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: Step, time_s: u64, passed: bool) -> Line {
        Line {
            step,
            time: Duration::from_secs(time_s),
            passed,
        }
    }

    #[test]
    fn the_summary_counts_steps_and_names_what_did_not_run() {
        let steps = [Step::Tidy, Step::Cargo, Step::FuzzApi];
        assert_eq!(
            summary(
                &steps,
                &[line(Step::Cargo, 61, false), line(Step::Tidy, 1, true)],
                Duration::from_secs(62)
            ),
            "\n━━━ summary ━━━\n\
             tidy      passed       1.0 s\n\
             cargo     FAILED      61.0 s\n\
             fuzz-api  not run\n\
             total                 62.0 s\n\n\
             1 passed, 1 failed"
        );
    }

    #[test]
    fn only_and_skip_keep_the_order() {
        let choice = |only: &[Step], skip: &[Step]| {
            choose(&Options {
                only: only.to_vec(),
                skip: skip.to_vec(),
            })
        };
        assert_eq!(choice(&[Step::Kill, Step::Tidy], &[]), [Step::Tidy, Step::Kill]);
        assert_eq!(
            choice(&[], &[Step::Cargo]).len(),
            Step::value_variants().len() - 1
        );
    }

    #[test]
    fn leaving_everything_out_is_refused() {
        let error = run(&Options {
            only: Vec::new(),
            skip: Step::value_variants().to_vec(),
        })
        .unwrap_err();
        assert!(error.to_string().contains("nothing would have been tested"));
    }
}
