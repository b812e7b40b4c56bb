//! The files that the checks look at: what git tracks or would track, never what is built or fetched.
//!
//! Interprets nothing, except that it parses each Rust file once for all checks.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::source::Source;
use crate::process;

/// Folders that are never part of the project, for a checkout without git.
const NOT_OURS: [&str; 4] = [".git", "target", "node_modules", "chancery-data"];

/// A set of files below one folder.
pub(crate) struct Tree {
    root: PathBuf,
    files: Vec<String>,
    parsed: OnceCell<Vec<(String, Source)>>,
}

impl Tree {
    /// What git tracks, and what it would track if it were added.
    pub(crate) fn tracked(root: &Path) -> Result<Self> {
        if !root.join(".git").exists() {
            return Self::walked(root);
        }
        let mut list = Command::new("git");
        list.current_dir(root).args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--deduplicate",
        ]);
        let text = process::capture(&mut list).context("the files of the checkout could not be listed")?;
        let mut files: Vec<_> = text
            .split('\0')
            .filter(|name| root.join(name).is_file())
            .map(str::to_owned)
            .collect();
        files.sort();
        Ok(Self {
            root: root.to_owned(),
            files,
            parsed: OnceCell::new(),
        })
    }

    fn walked(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            for entry in std::fs::read_dir(&directory)
                .with_context(|| format!("cannot read {}", directory.display()))?
            {
                let path = entry?.path();
                if path
                    .file_name()
                    .is_some_and(|name| NOT_OURS.iter().any(|ours| name == *ours))
                {
                    continue;
                }
                if path.is_dir() {
                    open.push(path);
                } else {
                    files.push(
                        path.strip_prefix(root)
                            .expect("found below root")
                            .to_string_lossy()
                            .into_owned(),
                    );
                }
            }
        }
        files.sort();
        Ok(Self {
            root: root.to_owned(),
            files,
            parsed: OnceCell::new(),
        })
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// All files, sorted, with `/` between folders.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The files whose name ends in one of `extensions`, outside what is generated.
    pub(crate) fn sources<'a>(&'a self, extensions: &'a [&str]) -> impl Iterator<Item = &'a str> {
        self.files().filter(move |path| {
            let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
            extensions.contains(&extension) && !is_generated(path)
        })
    }

    /// The text of a file, or nothing where it is not text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        String::from_utf8(std::fs::read(self.root.join(path)).ok()?)
            .ok()
            .filter(|text| !text.contains('\0'))
    }

    /// Every Rust file, parsed.
    pub(crate) fn rust(&self) -> Result<&[(String, Source)]> {
        if self.parsed.get().is_none() {
            let parse = |path: &str| {
                Ok((
                    path.to_owned(),
                    Source::parse(path, &self.text(path).unwrap_or_default())?,
                ))
            };
            let parsed = self.sources(&["rs"]).map(parse).collect::<Result<_>>()?;
            return Ok(self.parsed.get_or_init(|| parsed));
        }
        Ok(self.parsed.get().map_or(&[], Vec::as_slice))
    }

    /// The Rust files of the product that are not tests, parsed.
    pub(crate) fn product(&self) -> Result<impl Iterator<Item = &(String, Source)>> {
        Ok(self
            .rust()?
            .iter()
            .filter(|(path, _)| path.starts_with("crates/") && !is_test(path)))
    }

    /// Whether `path` is one of the files, or a folder that holds some.
    pub(crate) fn holds(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files().any(|file| file == path || file.starts_with(&folder))
    }

    /// A tree of its own for a test; gone when the first part is dropped.
    #[cfg(test)]
    pub(crate) fn fixture(files: &[(&str, &str)]) -> (tempfile::TempDir, Self) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("below the root")).expect("created");
            std::fs::write(path, text).expect("written");
        }
        let tree = Self::walked(directory.path()).expect("listed");
        (directory, tree)
    }
}

/// Written by a program: nobody reads it line by line.
pub(crate) fn is_generated(path: &str) -> bool {
    path.contains("/dist/")
        || path.ends_with("/schema.d.ts")
        || path.ends_with("/openapi.json")
        || path.ends_with("-lock.json")
}

/// Test code by its place: what only `cargo test` compiles.
pub(crate) fn is_test(path: &str) -> bool {
    path.contains("/tests/")
        || path.starts_with("tests/")
        || path.ends_with("/tests.rs")
        || path.ends_with("_tests.rs")
}
