//! `cargo xtask e2e`: drives every page in a real headless Chromium against a freshly started server.
//!
//! The scenarios themselves are in `web/e2e`.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::provision::{self, Need};
use crate::server::Server;
use crate::{process, repo, web};

/// Options of `e2e`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Use this server binary instead of building one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Passed on to the scenarios (`npm run e2e -- …`)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Options {
    /// Every scenario: the run that belongs to `cargo xtask test`.
    pub(crate) fn everything() -> Self {
        Self {
            binary: None,
            arguments: Vec::new(),
        }
    }
}

/// Starts a server over an empty folder and runs the scenarios against it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = repo::root().join("web");
    let node = web::ensure_packages(&directory)?;
    let chromium = provision::provide(Need::Chromium)?;
    let binary = options.binary.clone().map_or_else(repo::server_binary, Ok)?;
    let data = repo::scratch()?;
    let server = Server::start(&binary, data.path())?;
    let setup_url = server
        .setup_url()
        .context("the first start printed no set-up link")?;
    let mut scenarios = provision::npm(&node);
    scenarios
        .args(["run", "e2e"])
        .current_dir(&directory)
        .env("CHANCERY_URL", &server.url)
        .env("CHANCERY_SETUP_URL", setup_url)
        .env("CHROMIUM", &chromium);
    if !options.arguments.is_empty() {
        scenarios.arg("--").args(&options.arguments);
    }
    process::run(&mut scenarios).with_context(|| format!("the server's last words:\n{}", server.last_words()))
}
