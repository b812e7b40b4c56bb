//! The crates of the workspace and what each depends on, as cargo reads the manifests.
//!
//! Looks at what is written, not at what is downloaded: it needs no network.

use anyhow::{Context, Result};
use serde_json::Value;

use super::tree::Tree;
use crate::{process, repo};

/// One crate.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its manifest, below the root.
    pub(crate) manifest: String,
    /// What it needs to build or run; what only its tests need is left out.
    pub(crate) dependencies: Vec<String>,
    /// What only its tests need.
    pub(crate) test_dependencies: Vec<String>,
}

/// All crates of the workspace in `tree`.
pub(crate) fn packages(tree: &Tree) -> Result<Vec<Package>> {
    let mut metadata = repo::cargo();
    metadata.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
        "--manifest-path",
    ]);
    let text = process::capture(metadata.arg(tree.root().join("Cargo.toml")))?;
    let answer: Value = serde_json::from_str(&text).context("`cargo metadata` printed no JSON")?;
    let root = tree.root().canonicalize()?;
    let package = |package: &Value| {
        let (tests, product): (Vec<_>, Vec<_>) =
            list(&package["dependencies"]).partition(|dependency| dependency["kind"] == "dev");
        let names = |list: Vec<&Value>| {
            list.iter()
                .map(|dependency| text_of(&dependency["name"]))
                .collect()
        };
        let manifest = text_of(&package["manifest_path"]);
        Package {
            name: text_of(&package["name"]),
            manifest: manifest
                .trim_start_matches(&*root.to_string_lossy())
                .trim_start_matches('/')
                .to_owned(),
            dependencies: names(product),
            test_dependencies: names(tests),
        }
    };
    Ok(list(&answer["packages"]).map(package).collect())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
