//! Arrows between the crates: strictly down, exactly as ARCHITECTURE.md draws them.
//!
//! What only a crate's own tests need is free; the scenarios, which are nothing but tests, use the public API.

use anyhow::Result;

use super::manifest::packages;
use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "arrows",
    rule: "cli → server → chancery → vault → storage → model, api is a leaf",
    run,
};

/// Each crate, and the only crates of ours it may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("chancery-cli", &["chancery-server", "chancery-api", "chancery"]),
    ("chancery-server", &["chancery", "chancery-api"]),
    (
        "chancery",
        &[
            "chancery-derive",
            "chancery-vault",
            "chancery-storage",
            "chancery-model",
        ],
    ),
    ("chancery-derive", &["chancery-model"]),
    ("chancery-vault", &["chancery-storage", "chancery-model"]),
    ("chancery-storage", &["chancery-model"]),
    ("chancery-model", &[]),
    ("chancery-api", &[]),
    (
        SCENARIOS,
        &["chancery", "chancery-api", "chancery-server", "chancery-cli"],
    ),
];

/// Tests as a user would write them: behind the public API there is nothing for them.
const SCENARIOS: &str = "chancery-scenarios";

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in packages(tree)? {
        let drawn = ARROWS.iter().find(|(name, _)| *name == package.name);
        if drawn.is_none() && package.manifest.starts_with("crates/") {
            let message = format!(
                "the crate {} is in no arrow: draw it, in xtask/src/tidy/arrows.rs too",
                package.name
            );
            findings.push(Finding::new(&package.manifest, 0, message));
        }
        let Some((_, allowed)) = drawn else { continue };
        let ours = |name: &&String| ARROWS.iter().any(|(other, _)| other == name);
        let mut dependencies = package.dependencies;
        if package.name == SCENARIOS {
            dependencies.extend(package.test_dependencies);
        }
        for dependency in dependencies
            .iter()
            .filter(ours)
            .filter(|name| !allowed.contains(&name.as_str()))
        {
            let message = format!(
                "{} may not depend on {dependency}; it may use: {}",
                package.name,
                listed(allowed)
            );
            findings.push(Finding::new(&package.manifest, 0, message));
        }
    }
    Ok(findings)
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "no other crate of ours".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    /// A workspace of these crates: name, folder, and the part of the manifest after the package.
    fn workspace(crates: &[(&str, &str, &str)]) -> Vec<(String, String)> {
        let root = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n".to_owned();
        let mut files = vec![("Cargo.toml".to_owned(), root)];
        for (name, folder, rest) in crates {
            let manifest =
                format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}");
            files.push((format!("crates/{folder}/Cargo.toml"), manifest));
            files.push((format!("crates/{folder}/src/lib.rs"), String::new()));
        }
        files
    }

    #[test]
    fn an_arrow_that_points_up_and_an_unknown_crate_are_reported() {
        let storage = "[dependencies]\nchancery-storage = { path = \"../storage\" }\n";
        let for_tests = "[dev-dependencies]\nchancery-storage = { path = \"../storage\" }\n";
        let files = workspace(&[
            ("chancery-model", "model", storage),
            ("chancery-storage", "storage", ""),
            ("chancery-api", "api", for_tests),
            ("chancery-extra", "extra", ""),
            ("chancery-scenarios", "scenarios", for_tests),
        ]);
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        reports(
            &CHECK,
            &files,
            &[
                "crates/extra/Cargo.toml:0 the crate chancery-extra is in no arrow",
                "crates/model/Cargo.toml:0 chancery-model may not depend on chancery-storage; it may use: no other",
                "crates/scenarios/Cargo.toml:0 chancery-scenarios may not depend on chancery-storage",
            ],
        );
    }
}
