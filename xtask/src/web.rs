//! `cargo xtask web`: builds the page from its sources and compares the result with the committed `web/dist`.
//!
//! Leaves `web/dist` alone unless asked to write it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::provision::{self, Need};
use crate::{process, repo};

/// How many differing files an error names.
const NAMED_DIFFERENCES: usize = 12;

/// Options of `web`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the result to web/dist instead of comparing
    #[arg(long)]
    write: bool,
}

impl Options {
    /// The comparison that belongs to `cargo xtask test`.
    pub(crate) fn check() -> Self {
        Self { write: false }
    }
}

/// Builds, then compares or writes.
pub(crate) fn run(options: &Options) -> Result<()> {
    let web = repo::root().join("web");
    let node = install_packages(&web)?;
    let committed = web.join("dist");
    let before = read_tree(&committed)?;
    process::run(provision::npm(&node).args(["run", "build"]).current_dir(&web))
        .context("the page does not build")?;
    let after = read_tree(&committed)?;
    if options.write {
        println!("web/dist: {} files written", after.len());
        return Ok(());
    }
    // The build writes over web/dist: what was committed is put back, so that a check changes nothing.
    let differences = compare(&before, &after);
    if differences.is_empty() {
        println!("web/dist: {} files, all as built from the sources", after.len());
        return Ok(());
    }
    write_tree(&committed, &before)?;
    bail!(
        "web/dist is not what its sources build:\n  {}\n`cargo xtask web --write` builds it; commit the result",
        differences.join("\n  ")
    )
}

/// Like `install_packages`, but leaves packages alone that were installed after the lock file was written.
pub(crate) fn ensure_packages(web: &Path) -> Result<PathBuf> {
    let written = |name: &str| {
        std::fs::metadata(web.join(name))
            .and_then(|file| file.modified())
            .ok()
    };
    match (
        written("package-lock.json"),
        written("node_modules/.package-lock.json"),
    ) {
        (Some(lock), Some(installed)) if lock <= installed => provision::provide(Need::Node),
        _ => install_packages(web),
    }
}

/// Installs the page's packages exactly as locked and answers the Node that was used.
pub(crate) fn install_packages(web: &Path) -> Result<PathBuf> {
    if !web.join("package.json").is_file() {
        bail!("{} holds no package.json", web.display());
    }
    let node = provision::provide(Need::Node)?;
    process::run(
        provision::npm(&node)
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(web),
    )
    .with_context(|| format!("npm could not install the packages of {}", web.display()))?;
    Ok(node)
}

type Files = BTreeMap<String, Vec<u8>>;

fn read_tree(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        if !directory.is_dir() {
            continue;
        }
        for entry in
            std::fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path
                    .strip_prefix(root)
                    .expect("found below root")
                    .to_string_lossy()
                    .into_owned();
                files.insert(
                    name,
                    std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?,
                );
            }
        }
    }
    Ok(files)
}

fn write_tree(root: &Path, files: &Files) -> Result<()> {
    if root.is_dir() {
        std::fs::remove_dir_all(root)?;
    }
    for (name, bytes) in files {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().expect("below root"))?;
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// One line per file that differs, at most `NAMED_DIFFERENCES`.
fn compare(committed: &Files, built: &Files) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, bytes) in committed {
        match built.get(name) {
            None => lines.push(format!("{name}: committed, but not built")),
            Some(other) if other != bytes => {
                let at = bytes.iter().zip(other).take_while(|(a, b)| a == b).count();
                lines.push(format!(
                    "{name}: differs from byte {at} ({} committed, {} built)",
                    bytes.len(),
                    other.len()
                ));
            }
            Some(_) => {}
        }
    }
    lines.extend(
        built
            .keys()
            .filter(|name| !committed.contains_key(*name))
            .map(|name| format!("{name}: built, but not committed")),
    );
    if lines.len() > NAMED_DIFFERENCES {
        let more = lines.len() - NAMED_DIFFERENCES;
        lines.truncate(NAMED_DIFFERENCES);
        lines.push(format!("and {more} more"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let committed = files(&[("index.html", "<p>"), ("gone.js", "x"), ("app.js", "let a=1")]);
        let built = files(&[("index.html", "<p>"), ("app.js", "let b=12"), ("new.js", "y")]);
        assert_eq!(
            compare(&committed, &built),
            [
                "app.js: differs from byte 4 (7 committed, 8 built)",
                "gone.js: committed, but not built",
                "new.js: built, but not committed"
            ]
        );
        assert!(compare(&built, &built).is_empty());
    }

    #[test]
    fn a_tree_is_put_back_as_it_was() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("dist");
        let before = files(&[("index.html", "<p>"), ("assets/app.js", "1")]);
        write_tree(&root, &before).expect("written");
        std::fs::write(root.join("assets/stray.js"), "2").expect("written");
        write_tree(&root, &before).expect("put back");
        assert_eq!(read_tree(&root).expect("read"), before);
    }

    #[test]
    fn a_missing_page_is_an_error_not_a_skip() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let error = install_packages(dir.path()).unwrap_err();
        assert!(error.to_string().contains("holds no package.json"), "{error}");
    }
}
