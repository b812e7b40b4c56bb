//! The store that Chancery replaces, measured in the same run by a program of its own. Nothing else needs it: where it cannot
//! be had, the table says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::measure::Effort;

/// Names a folder in whose `node_modules` the package is already.
const VARIABLE: &str = "CHANCERY_BENCH_ORIGINAL";
const MANIFEST: &str = include_str!("../original/package.json");
const PROGRAM: &str = include_str!("../original/measure.mjs");

/// Rates by name; or why there are none.
pub(crate) struct Original(Result<BTreeMap<String, f64>, String>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    name: String,
    per_second: f64,
}

impl Original {
    /// Measures it with as many records.
    pub(crate) fn measure(effort: Effort, records: usize) -> Original {
        let measured = folder().and_then(|folder| run(&folder, effort, records));
        Original(measured.map_err(|error| format!("{error:#}")))
    }

    /// The rate of one thing.
    pub(crate) fn rate(&self, name: &str) -> Option<f64> {
        self.0.as_ref().ok()?.get(name).copied()
    }

    /// Why there are no figures, if there are none.
    pub(crate) fn missing(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }
}

/// A folder with the package and the program: one that is named, or one below `target` into which npm installs it.
fn folder() -> Result<PathBuf> {
    let named = std::env::var_os(VARIABLE).map(PathBuf::from);
    let folder = match &named {
        Some(folder) => folder.clone(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-original"),
    };
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    std::fs::write(folder.join("measure.mjs"), PROGRAM)?;
    if named.is_none() && !folder.join("node_modules/@hamicek/noex-store").is_dir() {
        std::fs::write(folder.join("package.json"), MANIFEST)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-package-lock"]);
        let output = npm
            .current_dir(&folder)
            .output()
            .context("npm cannot be started")?;
        ensure!(
            output.status.success(),
            "npm cannot install it, because something it needs is not published; {VARIABLE} names a folder that has it"
        );
    }
    Ok(folder)
}

fn run(folder: &Path, effort: Effort, records: usize) -> Result<BTreeMap<String, f64>> {
    let span = effort.span().as_millis().to_string();
    let mut node = Command::new("node");
    node.args(["measure.mjs", &records.to_string(), &span]);
    let output = node
        .current_dir(folder)
        .output()
        .context("node cannot be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rfind(|line| line.contains("Error"))
        .unwrap_or("no reason given");
    ensure!(output.status.success(), "it stopped: {last}");
    let text = String::from_utf8(output.stdout)?;
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Line>(line).context(line.to_owned()));
    lines
        .map(|line| line.map(|Line { name, per_second }| (name, per_second)))
        .collect()
}
