//! `cargo xtask client`: checks, builds and tests the TypeScript client against a freshly started server.
//!
//! The tests themselves are in `clients/typescript/test`.

use anyhow::{Context, Result};

use crate::provision::{self, Need};
use crate::repo::ServerBinary;
use crate::server::{self, Server};
use crate::{process, repo, web};

/// Options of `client`.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    binary: ServerBinary,
    /// Write the types that are made from the OpenAPI document, the page's too, instead of comparing them
    #[arg(long)]
    write: bool,
}

impl Options {
    /// Everything: the run that belongs to `cargo xtask test`.
    pub(crate) fn everything() -> Self {
        Self {
            binary: ServerBinary::default(),
            write: false,
        }
    }
}

/// Compares the types with the OpenAPI document, then runs the tests against a server over an empty folder.
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = repo::root().join("clients/typescript");
    let node = web::ensure_packages(&directory)?;
    let script = |name: &str| {
        let mut command = provision::npm(&node);
        command.args(["run", name]).current_dir(&directory);
        command
    };
    if options.write {
        return process::run(&mut script("types")).context("the types cannot be made");
    }
    process::run(&mut script("types:check")).context(
        "src/schema.d.ts is not what the OpenAPI document says: `cargo xtask client --write` makes it anew",
    )?;
    process::run(&mut script("check")).context("the client's types do not hold")?;
    let chromium = provision::provide(Need::Chromium)?;
    let binary = options.binary.path()?;
    let data = repo::scratch()?;
    let server = Server::start(&binary, data.path())?;
    let key = server::create_key(&binary, data.path(), "admin")?;
    let mut tests = script("test");
    tests
        .env("CHANCERY_URL", &server.url)
        .env("CHANCERY_KEY", key)
        .env("CHROMIUM", &chromium);
    process::run(&mut tests).with_context(|| format!("the server's last words:\n{}", server.last_words()))
}
