//! Where things are in this checkout: the root, the build directory, the tools cache.
//!
//! Does not read the files themselves; `tidy::tree` does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::{Context, Result, bail};

use crate::process;

/// The root of the checkout: the one cargo was called in, not the one this program was compiled in.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let xtask =
            std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        Path::new(&xtask)
            .parent()
            .expect("xtask/ lies in the root of the checkout")
            .to_owned()
    });
    &ROOT
}

/// Cargo's build directory.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Where tools that are not on the machine are kept, so that they are fetched once.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// A folder for one run, on the disk of the build rather than in memory; gone when dropped.
pub(crate) fn scratch() -> Result<tempfile::TempDir> {
    let parent = target().join("tmp");
    std::fs::create_dir_all(&parent)
        .and_then(|()| tempfile::tempdir_in(&parent))
        .with_context(|| format!("cannot create a folder in {}", parent.display()))
}

/// The cargo that started us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Which server binary a command drives.
#[derive(clap::Args, Debug, Default)]
pub(crate) struct ServerBinary {
    /// Use this server binary instead of building one
    #[arg(long = "binary", value_name = "FILE")]
    given: Option<PathBuf>,
}

impl ServerBinary {
    /// Where it is, from whichever folder it is started; built as the tests use it, if none was given.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        match &self.given {
            None => binary("chancery"),
            Some(given) => given
                .canonicalize()
                .with_context(|| format!("cannot use the binary {}", given.display())),
        }
    }
}

/// Builds a binary of the workspace as the tests use it and answers where it is.
///
/// Built with the same features as `cargo test --workspace --all-features`, so that nothing is compiled twice.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--quiet", "--workspace", "--all-features", "--bin", name]);
    process::run(&mut build).with_context(|| format!("the binary {name} does not build"))?;
    let binary = target().join("debug").join(name);
    if !binary.is_file() {
        bail!(
            "cargo built no {}: does a crate still name its binary `{name}`?",
            binary.display()
        );
    }
    Ok(binary)
}
