//! `cargo xtask fuzz`: every target of `fuzz/` looks for a counterexample for so long, from the kept inputs and from those that
//! earlier runs on this machine found.
//!
//! Says nothing about what has to hold: that is in `fuzz/src/`. `cargo fuzz` works there, too; it is not needed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use crate::process::{self, Group};
use crate::repo;

/// The targets: one file each in `fuzz/fuzz_targets/`.
const TARGETS: [&str; 4] = ["header", "query", "token", "vault_query"];
/// What the compiler adds so that the fuzzer sees which edges were taken and what was compared, and that a stray access or a
/// large allocation is found: the same that `cargo fuzz` adds.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Zsanitizer=address";
/// One allocation may not be larger, in MiB: far more than a parser needs, far less than a hostile setting of passwords asks for.
const ALLOCATION_MIB: u32 = 64;
/// Memory of one program, the fuzzer's own included, in MiB.
const MEMORY_MIB: u32 = 2048;
/// How long one input may take, in seconds.
const TIMEOUT_S: u32 = 10;
/// Bytes of an input.
const INPUT_BYTES: u32 = 4096;

/// Options of `fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How long each target runs
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Only this target; may be repeated
    #[arg(long, value_name = "TARGET", value_parser = TARGETS)]
    target: Vec<String>,
    /// How many run at once
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=2))]
    jobs: u32,
}

/// Builds the targets and runs them; fails if one of them found something.
pub(crate) fn run(options: &Options) -> Result<()> {
    let host = host()?;
    let programs = build(&host)?;
    let wanted = |name: &&str| options.target.is_empty() || options.target.iter().any(|one| one == name);
    let waiting: Mutex<Vec<&str>> = Mutex::new(TARGETS.into_iter().rev().filter(wanted).collect());
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("no holder of this lock panics").pop();
                    let Some(name) = next else { return };
                    println!("{name}: {} s", options.seconds);
                    let outcome = search(&programs.join(name), name, options.seconds);
                    match &outcome {
                        Ok(found) => println!("{}", found.line(name)),
                        Err(error) => println!("{name}: {error:#}"),
                    }
                    let mut outcomes = outcomes.lock().expect("no holder of this lock panics");
                    outcomes.push(outcome.is_ok_and(|found| found.clean));
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().expect("no holder of this lock panics");
    let failed = outcomes.iter().filter(|clean| !**clean).count();
    match failed {
        0 => Ok(()),
        _ => bail!("{failed} of {} targets found something", outcomes.len()),
    }
}

/// The platform of the nightly compiler, which has to be named where an allocator is replaced.
fn host() -> Result<String> {
    let told = process::capture(nightly("rustc").args(["--version", "--verbose"])).context(
        "fuzzing needs a nightly compiler, which instruments what it builds: `rustup toolchain install nightly --profile minimal`; \
         and a C++ compiler for libFuzzer: `apt-get install g++`",
    )?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .context("`rustc --version --verbose` names no host")?
        .to_owned())
}

/// A program of the nightly toolchain. This one was started by another toolchain's cargo, which says so to its children.
fn nightly(program: &str) -> Command {
    let mut command = Command::new(program);
    command.arg("+nightly").current_dir(repo::root().join("fuzz"));
    for variable in [
        "RUSTUP_TOOLCHAIN",
        "CARGO",
        "RUSTC",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        command.env_remove(variable);
    }
    command
}

/// Builds all targets and answers the folder they are in.
fn build(host: &str) -> Result<PathBuf> {
    let target = repo::target().join("fuzz");
    let mut build = nightly("cargo");
    build.args([
        "build",
        "--quiet",
        "--release",
        "--locked",
        "--bins",
        "--target",
        host,
    ]);
    build.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &target);
    process::run(&mut build).context("the fuzz targets do not build; is there a C++ compiler?")?;
    Ok(target.join(host).join("release"))
}

/// What one run came to.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    clean: bool,
    executions: u64,
    per_second: u64,
    /// Edges of the program that some input took.
    edges: u64,
    /// Inputs that are kept because each shows something that the others do not.
    inputs: u64,
    /// What says how to go on.
    word: String,
}

impl Found {
    fn line(&self, name: &str) -> String {
        let Found {
            executions,
            per_second,
            edges,
            inputs,
            word,
            ..
        } = self;
        format!("{name}: {executions} executions, {per_second}/s, {edges} edges, {inputs} inputs; {word}")
    }
}

/// Runs one target to the end of its time or to its first finding.
fn search(program: &Path, name: &str, seconds: u32) -> Result<Found> {
    let fuzz = repo::root().join("fuzz");
    let grown = repo::target().join("fuzz-corpus").join(name);
    let artifacts = fuzz.join("artifacts").join(name);
    for folder in [&grown, &artifacts] {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let log = grown.with_extension("log");
    let output = std::fs::File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
    let mut run = Command::new(program);
    run.arg(format!("-max_total_time={seconds}"))
        .arg(format!("-malloc_limit_mb={ALLOCATION_MIB}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-timeout={TIMEOUT_S}"))
        .arg(format!("-max_len={INPUT_BYTES}"))
        .arg("-print_final_stats=1")
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(&grown)
        .arg(fuzz.join("corpus").join(name))
        .current_dir(&fuzz);
    run.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
    let status = Group::spawn(&mut run)?.child().wait()?;
    let told = std::fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    // Removed if it is empty: what is in there was found.
    let _ = std::fs::remove_dir(&artifacts);
    let told = String::from_utf8_lossy(&told);
    Ok(read(&told, status.success(), name, &log))
}

/// What the fuzzer said at the end.
fn read(told: &str, clean: bool, name: &str, log: &Path) -> Found {
    let number = |word: &str| -> u64 {
        let after = told.rsplit_once(word).map_or("", |(_, after)| after);
        let digits: String = after
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().unwrap_or(0)
    };
    let word = match (clean, told.rsplit_once("Test unit written to ")) {
        (true, _) => "nothing found".to_owned(),
        (false, Some((_, file))) => {
            let file = file.lines().next().unwrap_or_default();
            format!(
                "FOUND {file}\n  what it says: {}\n  to replay it: `cargo xtask test --only cargo`, which reads that folder, \
                 or the program of the target with the file as its argument\n  once it is mended: move it to fuzz/corpus/{name}/",
                log.display()
            )
        }
        (false, None) => format!("FAILED; what it says: {}", log.display()),
    };
    Found {
        clean,
        executions: number("stat::number_of_executed_units:"),
        per_second: number("stat::average_exec_per_sec:"),
        edges: number(" cov: "),
        inputs: number(" corp: "),
        word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "#2\tINITED cov: 11 ft: 12 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #8192\tNEW    cov: 2371 ft: 5478 corp: 274/12919b lim: 143 exec/s: 755 rss: 140Mb\n\
        stat::number_of_executed_units: 12085\nstat::average_exec_per_sec:     755\n";

    #[test]
    fn the_last_words_of_the_fuzzer_are_read() {
        let found = read(TOLD, true, "token", Path::new("token.log"));
        assert_eq!(
            found.line("token"),
            "token: 12085 executions, 755/s, 2371 edges, 274 inputs; nothing found"
        );
    }

    #[test]
    fn a_finding_says_where_it_is_and_how_to_replay_it() {
        let told = format!("{TOLD}artifact_prefix='a/'; Test unit written to a/crash-71ea\nBase64: e30=\n");
        let found = read(&told, false, "token", Path::new("token.log"));
        assert!(!found.clean);
        assert!(found.word.starts_with("FOUND a/crash-71ea\n"), "{}", found.word);
        assert!(found.word.contains("token.log") && found.word.contains("fuzz/corpus/token/"));
        let killed = read("", false, "token", Path::new("token.log"));
        assert!(killed.word.starts_with("FAILED"));
    }

    #[test]
    fn every_target_is_named_and_has_inputs() {
        let fuzz = repo::root().join("fuzz");
        let names = |folder: &str| {
            let entries = std::fs::read_dir(fuzz.join(folder)).expect("a folder");
            let mut names: Vec<String> = entries
                .map(|entry| entry.expect("an entry").path())
                .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
                .collect();
            names.sort();
            names
        };
        assert_eq!(names("fuzz_targets"), TARGETS);
        assert_eq!(names("corpus"), TARGETS);
    }
}
