//! Where files of a run lie: beside the program, so on a real disk, and gone at the end. It writes nothing itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A folder that goes away with its holder.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A new folder. Not in the system's temporary folder, which is often kept in memory.
    pub(crate) fn new() -> Result<Folder> {
        let program = std::env::current_exe()?;
        let beside = program.parent().context("a program lies in a folder")?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
        Ok(Folder(folder))
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The URL of a SQLite file.
pub(crate) fn sqlite_url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}
