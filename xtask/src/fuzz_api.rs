//! `cargo xtask fuzz-api`: schemathesis sends generated requests to every operation of the OpenAPI document and
//! checks every answer against it.
//!
//! Holds no list of operations: the document is the list.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::provision::{self, Need};
use crate::repo::ServerBinary;
use crate::server::{self, Server};
use crate::{process, repo};

/// Pinned: another version generates other requests from the same seed.
const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// Left out: it finds the key of the run itself, deletes it, and everything after that is only refused.
const OWN_END: &str = "deleteApiKey";

/// Options of `fuzz-api`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Generated requests per operation
    #[arg(long, default_value_t = 100)]
    max_examples: u32,
    /// Repeats a run; printed by every run [default: random]
    #[arg(long)]
    seed: Option<u32>,
    #[command(flatten)]
    binary: ServerBinary,
    /// Passed on to schemathesis (e.g. `-- --include-path /api/tables`)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Options {
    /// The short run that belongs to `cargo xtask test`: the same requests every time.
    pub(crate) fn short() -> Self {
        Self {
            max_examples: 10,
            seed: Some(1),
            binary: ServerBinary::default(),
            arguments: Vec::new(),
        }
    }
}

/// Starts a server over an empty folder and fuzzes it with an admin key.
pub(crate) fn run(options: &Options) -> Result<()> {
    let program = schemathesis()?;
    let binary = options.binary.path()?;
    let data = repo::scratch()?;
    let key = server::create_key(&binary, data.path(), "admin")?;
    let mut server = Server::start(&binary, data.path())?;
    let seed = options.seed.unwrap_or_else(rand::random);
    println!(
        "seed {seed}, {} examples per operation, all checks",
        options.max_examples
    );
    let mut fuzz = Command::new(program);
    fuzz.arg("--config-file")
        .arg(repo::root().join("xtask/schemathesis.toml"))
        .arg("run")
        .arg(format!("{}/api/openapi.json", server.url))
        .args(["--header", &format!("Authorization: Bearer {key}")])
        .args(["--exclude-operation-id", OWN_END])
        .args(["--checks", "all", "--no-color"])
        .args([
            "--max-examples",
            &options.max_examples.to_string(),
            "--seed",
            &seed.to_string(),
        ])
        .args(&options.arguments)
        .current_dir(data.path());
    let outcome = process::run(&mut fuzz);
    if !server.is_alive() {
        bail!("the server died; its last words:\n{}", server.last_words());
    }
    outcome.with_context(|| {
        format!(
            "repeat with --seed {seed}; the server's last words:\n{}",
            server.last_words()
        )
    })
}

/// The program, in a virtual environment of its own in the tools cache.
fn schemathesis() -> Result<PathBuf> {
    let environment = repo::tools().join(SCHEMATHESIS.replace("==", "-"));
    let program = environment.join("bin/st");
    if !program.is_file() {
        let python = provision::provide(Need::Python)?;
        println!("installing {SCHEMATHESIS} into {}", environment.display());
        process::run(
            Command::new(python)
                .args(["-m", "venv", "--clear"])
                .arg(&environment),
        )?;
        process::run(Command::new(environment.join("bin/pip")).args(["install", "--quiet", SCHEMATHESIS]))?;
    }
    Ok(program)
}
