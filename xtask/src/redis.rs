//! A real Redis server for tests: in a temporary folder, on a free port, keeping nothing, gone when dropped.
//!
//! Stores nothing in it itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::postgres::free_port;
use crate::process::Group;
use crate::provision::{Need, in_path, provide};

/// Names the server to the tests.
pub(crate) const VARIABLE: &str = "CHANCERY_TEST_REDIS";
/// Names the program to tests that start servers of their own, to end them.
pub(crate) const PROGRAM_VARIABLE: &str = "CHANCERY_TEST_REDIS_SERVER";
/// The oldest server that is tested with.
const VERSION_MIN: u32 = 7;
/// How long the server may take to its start.
const READY_WITHIN: Duration = Duration::from_secs(15);
/// How long one look at it may take.
const LOOK_WITHIN: Duration = Duration::from_secs(1);
/// What it may hold; the least used goes first.
const MEMORY_MAX: &str = "256mb";

/// A running server.
pub(crate) struct Redis {
    // Ended before its folder is removed.
    _group: Group,
    _folder: tempfile::TempDir,
    /// Its URL.
    pub(crate) url: String,
    /// The program that runs.
    pub(crate) program: PathBuf,
}

impl Redis {
    /// Starts it, installing Redis if the machine has none.
    pub(crate) fn start() -> Result<Redis> {
        Redis::run(provide(Need::Redis)?)
    }

    fn run(program: PathBuf) -> Result<Redis> {
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let port = free_port()?;
        let log = folder.path().join("log");
        let mut serve = Command::new(&program);
        serve.arg("--dir").arg(folder.path()).arg("--logfile").arg(&log);
        serve.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        serve.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        serve.args(["--maxmemory", MEMORY_MAX, "--maxmemory-policy", "allkeys-lru"]);
        let mut group = Group::spawn(serve.stdin(Stdio::null()).stdout(Stdio::null()))?;
        let deadline = Instant::now() + READY_WITHIN;
        while !answers(port) {
            let ended = !matches!(group.child().try_wait(), Ok(None));
            if ended || Instant::now() > deadline {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("Redis does not start; it says:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Redis {
            _group: group,
            _folder: folder,
            url: format!("redis://127.0.0.1:{port}/"),
            program,
        })
    }
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<[u8; 5]> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(LOOK_WITHIN))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer == *b"+PONG")
}

/// The server program, if it is on the machine and new enough.
pub(crate) fn find() -> Option<PathBuf> {
    ["redis-server", "valkey-server"]
        .into_iter()
        .filter_map(in_path)
        .find(|program| version(program).is_some_and(|version| version >= VERSION_MIN))
}

fn version(program: &Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64` → 7.
fn parse_version(text: &str) -> Option<u32> {
    let version = text.split_whitespace().find_map(|word| word.strip_prefix("v="))?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_gone_with_its_holder() {
        let program = find().expect("this test needs a Redis server: run `cargo xtask provision`");
        let server = Redis::run(program).expect("it starts");
        let port = server
            .url
            .trim_end_matches('/')
            .rsplit_once(':')
            .expect("a port")
            .1
            .parse()
            .expect("a number");
        assert!(answers(port));
        drop(server);
        assert!(!answers(port));
    }

    #[test]
    fn versions_are_read_from_what_the_program_says() {
        assert_eq!(
            parse_version("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d\n"),
            Some(7)
        );
        assert_eq!(parse_version("nonsense"), None);
    }
}
