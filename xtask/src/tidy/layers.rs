//! What a layer may not do: the model reads no clock and does no I/O, a backend holds no rule, domain and wire types
//! meet in one file.
//!
//! Which crates a layer may use is `arrows` and `ownership`.

use anyhow::Result;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const PURE_MODEL: Check = Check {
    name: "pure model",
    rule: "model does no I/O, reads no clock, draws no randomness",
    run: pure_model,
};

pub(super) const RULELESS_BACKENDS: Check = Check {
    name: "ruleless backends",
    rule: "a backend holds no rule: it validates nothing and decides nothing",
    run: ruleless_backends,
};

pub(super) const WIRE_BORDER: Check = Check {
    name: "wire border",
    rule: "domain types are not wire types: only api and server name the OpenAPI generator",
    run: wire_border,
};

/// A path that ends or goes on behind one of these is impure.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "Uuid::now_v7",
    "Uuid::new_v4",
    "rand",
    "getrandom",
    "tokio",
    "std::os",
];

fn pure_model(tree: &Tree) -> Result<Vec<Finding>> {
    named(
        tree,
        "crates/model/",
        IMPURE,
        "it is impure: let the caller pass the fact in",
    )
}

fn ruleless_backends(tree: &Tree) -> Result<Vec<Finding>> {
    let rules = [
        "Issue",
        "validate",
        "chancery_model::validate",
        "chancery_model::validation",
    ];
    named(
        tree,
        "crates/storage/",
        &rules,
        "it belongs to a rule: decide before the commit and pass a precondition",
    )
}

fn wire_border(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for layer in ["model", "storage", "vault", "chancery", "cli"] {
        let folder = format!("crates/{layer}/");
        findings.extend(named(
            tree,
            &folder,
            &["utoipa", "chancery_api"],
            "wire types stop at the server: convert there",
        )?);
    }
    // The command line is a client of the API as well: it may read wire types, not describe them.
    findings.retain(|finding| {
        !(finding.path.starts_with("crates/cli/") && finding.message.contains("chancery_api"))
    });
    Ok(findings)
}

/// Every place below `folder` that names one of `banned`.
fn named(tree: &Tree, folder: &str, banned: &[&str], advice: &str) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (path, source) in tree.product()?.filter(|(path, _)| path.starts_with(folder)) {
        for (line, name) in &source.paths {
            if let Some(word) = banned.iter().find(|word| contains(name, word)) {
                findings.push(Finding::new(path, *line, format!("names {word}: {advice}")));
            }
        }
    }
    Ok(findings)
}

/// Whether the segments of `banned` stand in `name`; one lower-case word only as the crate at its start.
fn contains(name: &str, banned: &str) -> bool {
    let padded = format!("::{name}::");
    let is_crate = !banned.contains("::") && banned.starts_with(char::is_lowercase);
    if is_crate {
        name.starts_with(&format!("{banned}::"))
    } else {
        padded.contains(&format!("::{banned}::"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn every_impurity_in_the_model_is_reported() {
        let code = "use std::{fmt, fs};\nuse std::time::SystemTime;\nfn now() { let _ = jiff::Timestamp::now(); }\n\
                    fn draw() -> u8 { rand::random() }\nfn operand(rand: u8) -> u8 { rand }\n";
        reports(
            &PURE_MODEL,
            &[("crates/model/src/a.rs", code), ("crates/storage/src/a.rs", code)],
            &[
                "crates/model/src/a.rs:1 names std::fs",
                "crates/model/src/a.rs:2 names SystemTime",
                "crates/model/src/a.rs:3 names Timestamp::now",
                "crates/model/src/a.rs:4 names rand",
            ],
        );
    }

    #[test]
    fn a_backend_that_makes_issues_is_reported() {
        reports(
            &RULELESS_BACKENDS,
            &[(
                "crates/storage/src/sqlite/write.rs",
                "use chancery_model::{Issue, Value};\n",
            )],
            &["crates/storage/src/sqlite/write.rs:1 names Issue"],
        );
    }

    #[test]
    fn wire_types_below_the_server_are_reported() {
        reports(
            &WIRE_BORDER,
            &[
                (
                    "crates/model/src/a.rs",
                    "#[derive(utoipa::ToSchema)]\nstruct A;\n",
                ),
                ("crates/chancery/src/a.rs", "use chancery_api::Record;\n"),
                ("crates/cli/src/a.rs", "use chancery_api::Record;\n"),
            ],
            &[
                "crates/model/src/a.rs:1 names utoipa",
                "crates/chancery/src/a.rs:1 names chancery_api",
            ],
        );
    }
}
