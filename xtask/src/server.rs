//! A real server process for a test: started on a free port, waited for, ended when dropped.
//!
//! Speaks no HTTP itself.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, Group};

/// How long the server may take from start to its readiness line.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How much later than that line its set-up link may come, which is on the other pipe.
const LINK_WITHIN: Duration = Duration::from_secs(2);
/// How many lines of its output are kept for the report of a failure.
const KEPT_LINES: usize = 40;

type Log = Arc<Mutex<Kept>>;

/// The last lines of a server's output.
#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    /// Lines before those.
    dropped: usize,
}

/// Where a server keeps its records.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a SQLite file in this folder.
    Folder(PathBuf),
    /// In the database with this URL.
    Database(String),
}

impl Place {
    fn name(&self, command: &mut Command) {
        match self {
            Place::Folder(folder) => command.arg("--data").arg(folder),
            Place::Database(url) => command.arg("--database").arg(url),
        };
    }
}

/// What a server uses beside the place of its records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// URLs of copies of the database to read from.
    pub(crate) replicas: Vec<String>,
    /// URL of a cache that servers share.
    pub(crate) redis: Option<String>,
}

/// A running `chancery serve`.
pub(crate) struct Server {
    group: Group,
    log: Log,
    /// `http://ADDRESS:PORT`.
    pub(crate) url: String,
    /// From start to the readiness line.
    pub(crate) start_time: Duration,
}

impl Server {
    /// Starts the server on a free loopback port over a SQLite file in `data` and waits until it is ready.
    pub(crate) fn start(binary: &Path, data: &Path) -> Result<Self> {
        Self::start_on(binary, &Place::Folder(data.to_owned()))
    }

    /// Starts the server on a free loopback port and waits until it is ready.
    pub(crate) fn start_on(binary: &Path, place: &Place) -> Result<Self> {
        Self::start_with(binary, place, &Beside::default())
    }

    /// As [`Server::start_on`], with what stands beside the database.
    pub(crate) fn start_with(binary: &Path, place: &Place, beside: &Beside) -> Result<Self> {
        let started = Instant::now();
        let mut command = Command::new(binary);
        command.arg("serve");
        place.name(&mut command);
        command.args(["--listen", "127.0.0.1:0"]);
        for replica in &beside.replicas {
            command.arg("--replica").arg(replica);
        }
        if let Some(redis) = &beside.redis {
            command.arg("--redis").arg(redis);
        }
        let mut group = Group::spawn(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped()),
        )?;
        let log = Log::default();
        let (lines, seen) = channel();
        follow(
            group.child().stdout.take().expect("stdout is a pipe"),
            log.clone(),
            lines.clone(),
        );
        follow(
            group.child().stderr.take().expect("stderr is a pipe"),
            log.clone(),
            lines,
        );
        let url = wait_until_ready(&seen, started, &log)?;
        Ok(Self {
            group,
            log,
            url,
            start_time: started.elapsed(),
        })
    }

    /// The one-time link that makes the first administrator, if the server prints one at its start.
    pub(crate) fn setup_url(&self) -> Option<String> {
        let deadline = Instant::now() + LINK_WITHIN;
        loop {
            let found = self
                .log
                .lock()
                .expect("no holder of this lock panics")
                .lines
                .iter()
                .find_map(|line| setup_link(line));
            if found.is_some() || Instant::now() > deadline {
                return found;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many lines it has printed so far.
    pub(crate) fn line_count(&self) -> usize {
        let kept = self.log.lock().expect("no holder of this lock panics");
        kept.dropped + kept.lines.len()
    }

    /// Whether it has printed a line with these texts after so many lines; those that are not kept any more do not count.
    pub(crate) fn said_since(&self, lines: usize, texts: [&str; 2]) -> bool {
        let kept = self.log.lock().expect("no holder of this lock panics");
        let skip = lines.saturating_sub(kept.dropped);
        let mut newer = kept.lines.iter().skip(skip);
        newer.any(|line| texts.iter().all(|text| line.contains(text)))
    }

    /// Whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.group.child().try_wait(), Ok(None))
    }

    /// How much memory the process holds, in KiB.
    pub(crate) fn memory_kib(&mut self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.group.child().id());
        let status = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.trim().strip_suffix("kB"));
        let number = number.with_context(|| format!("{path} says nothing about memory"))?;
        Ok(number.trim().parse()?)
    }

    /// SIGKILL, without any warning.
    pub(crate) fn kill(self) -> Result<()> {
        self.group.kill()
    }

    /// The last lines the server printed.
    pub(crate) fn last_words(&self) -> String {
        last_words(&self.log)
    }
}

/// Makes an API key with the server's own command, beside or before a running server.
pub(crate) fn create_key(binary: &Path, data: &Path, scope: &str) -> Result<String> {
    create_key_on(binary, &Place::Folder(data.to_owned()), scope)
}

/// As [`create_key`], wherever the records are.
pub(crate) fn create_key_on(binary: &Path, place: &Place, scope: &str) -> Result<String> {
    let mut command = Command::new(binary);
    command.args(["key", "create", "--name", "xtask", "--scope", scope, "--json"]);
    place.name(&mut command);
    let text = process::capture(&mut command)?;
    let answer: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| format!("`chancery key create --json` printed no JSON: {text:?}"))?;
    match answer["key"].as_str() {
        Some(key) => Ok(key.to_owned()),
        None => bail!("`chancery key create --json` answered without \"key\""),
    }
}

fn follow(pipe: impl Read + Send + 'static, log: Log, lines: Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut kept = log.lock().expect("no holder of this lock panics");
            if kept.lines.len() == KEPT_LINES {
                kept.lines.pop_front();
                kept.dropped += 1;
            }
            kept.lines.push_back(line.clone());
            drop(kept);
            // Nobody listens once the server is ready: the pipe must be emptied all the same.
            let _ = lines.send(line);
        }
    });
}

fn wait_until_ready(seen: &Receiver<String>, started: Instant, log: &Log) -> Result<String> {
    loop {
        match seen.recv_timeout(READY_WITHIN.saturating_sub(started.elapsed())) {
            Ok(line) => {
                if let Some(url) = line.strip_prefix("ready ") {
                    return Ok(url.trim().trim_end_matches('/').to_owned());
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                bail!(
                    "the server printed no `ready http://…` within {READY_WITHIN:?}; it said:\n{}",
                    last_words(log)
                );
            }
            Err(RecvTimeoutError::Disconnected) => {
                bail!(
                    "the server ended before it was ready; it said:\n{}",
                    last_words(log)
                );
            }
        }
    }
}

/// The first address in `line` that leads to the set-up page.
fn setup_link(line: &str) -> Option<String> {
    let start = line.find("http://")?;
    let url = line[start..]
        .split(|c: char| c.is_whitespace() || c == '"')
        .next()?;
    url.contains("setup").then(|| url.to_owned())
}

fn last_words(log: &Log) -> String {
    let kept = log.lock().expect("no holder of this lock panics");
    kept.lines.iter().map(|line| format!("  | {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setup_link_is_found_in_a_sentence() {
        let line = "open http://127.0.0.1:7373/setup#token=abc to make the first administrator";
        assert_eq!(
            setup_link(line).as_deref(),
            Some("http://127.0.0.1:7373/setup#token=abc")
        );
        assert_eq!(setup_link("ready http://127.0.0.1:7373"), None);
    }

    #[test]
    fn a_program_that_ends_early_is_reported_with_what_it_said() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let binary = dir.path().join("chancery");
        std::fs::write(
            &binary,
            "#!/bin/sh\necho 'database is newer than this program' >&2\nexit 2\n",
        )
        .expect("written");
        std::fs::set_permissions(&binary, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("executable");
        let Err(error) = Server::start(&binary, dir.path()) else {
            panic!("it was not ready")
        };
        assert!(error.to_string().contains("ended before it was ready"), "{error}");
        assert!(error.to_string().contains("database is newer"), "{error}");
    }
}
