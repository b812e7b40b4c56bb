//! Servers as processes: the real `chancery serve` and the one by hand. Ended when dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::load::Server;

/// A server that runs.
pub(crate) struct Running {
    child: Child,
    /// Where it is.
    pub(crate) server: Server,
    /// From its start to its first answer.
    pub(crate) first_answer: Duration,
}

impl Running {
    /// Starts `chancery serve` over a folder and waits for its first answer.
    pub(crate) async fn chancery(binary: &Path, data: &Path, durability: &str, key: &str) -> Result<Running> {
        let mut command = Command::new(binary);
        command.arg("serve").arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0", "--durability", durability]);
        Running::start(command, key, "/healthz").await
    }

    /// Starts the server by hand over a relation like that of a store's file.
    pub(crate) async fn by_hand(like: &Path, path: &Path, durability: &str) -> Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve-by-hand").arg(like).arg(path);
        command.arg(if durability == "full" { "full" } else { "normal" });
        Running::start(command, "", "/nothing").await
    }

    async fn start(mut command: Command, key: &str, path: &str) -> Result<Running> {
        let start = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{:?} cannot be started", command.get_program()))?;
        let pipe = child.stdout.take().context("stdout is a pipe")?;
        let mut line = String::new();
        BufReader::new(pipe).read_line(&mut line)?;
        let address: SocketAddr = line
            .trim()
            .strip_prefix("ready http://")
            .with_context(|| format!("the server printed {line:?} instead of `ready http://…`"))?
            .trim_end_matches('/')
            .parse()?;
        let server = Server {
            address,
            key: key.to_owned(),
        };
        let mut connection = server.connect().await?;
        connection.ask("GET", path, b"", 200).await?;
        Ok(Running {
            child,
            server,
            first_answer: start.elapsed(),
        })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The real binary, built like this program and lying beside it.
pub(crate) fn binary() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let beside = program.parent().context("a program lies in a folder")?;
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    build.args(["build", "--quiet", "--package", "chancery-cli"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    if let Some(target) = beside.parent() {
        build.arg("--target-dir").arg(target);
    }
    let status = build.status().context("cargo cannot be started")?;
    ensure!(status.success(), "the binary cannot be built: {status}");
    Ok(beside.join(format!("chancery{}", std::env::consts::EXE_SUFFIX)))
}

/// Makes an API key with the binary's own command.
pub(crate) fn key(binary: &Path, data: &Path) -> Result<String> {
    let output = Command::new(binary)
        .args(["key", "create", "--name", "bench", "--scope", "admin", "--data"])
        .arg(data)
        .arg("--json")
        .output()?;
    ensure!(
        output.status.success(),
        "no key was made: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let key = answer["key"].as_str();
    key.map(str::to_owned).context("the answer holds no key")
}
