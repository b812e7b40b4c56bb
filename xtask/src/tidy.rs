//! `cargo xtask tidy`: the invariants of the house as checks. To add one: a file in `tidy/` with its rule and a
//! test that breaks it, and a line in `CHECKS`.
//!
//! Changes no file, and judges no behaviour: that is for the tests.

mod access;
mod arrows;
mod asvs;
mod field_types;
mod hosts;
mod layers;
mod limits;
mod manifest;
mod ownership;
mod paths;
mod size;
mod source;
mod tree;
mod words;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::repo;
use tree::Tree;

/// Options of `tidy`: there is nothing to choose.
#[derive(clap::Args)]
pub(crate) struct Options {}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    path: String,
    /// From 1; 0 where the whole file is meant.
    line: usize,
    /// What is wrong, and what to do instead.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

/// One rule of the house.
struct Check {
    name: &'static str,
    rule: &'static str,
    run: fn(&Tree) -> Result<Vec<Finding>>,
}

const CHECKS: &[Check] = &[
    arrows::CHECK,
    ownership::CRATES,
    ownership::SQL,
    layers::PURE_MODEL,
    layers::RULELESS_BACKENDS,
    layers::WIRE_BORDER,
    limits::CHECK,
    size::FILES,
    size::FUNCTIONS,
    size::HEADERS,
    words::CHECK,
    hosts::CHECK,
    paths::CHECK,
    access::CHECK,
    field_types::CHECK,
    asvs::CHECK,
];

/// Runs every check over the checkout.
pub(crate) fn run(_options: &Options) -> Result<()> {
    let started = Instant::now();
    let report = check(&Tree::tracked(repo::root())?)?;
    if !report.is_empty() {
        bail!("{} findings\n{}", report.len(), report.join("\n"));
    }
    println!(
        "tidy: {} rules hold ({:.1} s)",
        CHECKS.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One line per finding.
fn check(tree: &Tree) -> Result<Vec<String>> {
    let mut report = Vec::new();
    for check in CHECKS {
        for Finding { path, line, message } in (check.run)(tree)? {
            let place = if line == 0 { path } else { format!("{path}:{line}") };
            report.push(format!(
                "  {place}: {message}\n      [{}: {}]",
                check.name, check.rule
            ));
        }
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fixture tree must be reported by `check` with exactly these places and words.
    pub(super) fn reports(check: &Check, files: &[(&str, &str)], expected: &[&str]) {
        let (_keep, tree) = Tree::fixture(files);
        let findings = (check.run)(&tree).expect("the check runs");
        let lines: Vec<_> = findings
            .iter()
            .map(|finding| format!("{}:{} {}", finding.path, finding.line, finding.message))
            .collect();
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, wanted) in lines.iter().zip(expected) {
            assert!(
                line.starts_with(wanted),
                "\n  reported {line}\n  expected {wanted}"
            );
        }
    }

    #[test]
    fn the_checkout_is_tidy() {
        let report =
            check(&Tree::tracked(repo::root()).expect("the files can be listed")).expect("every check runs");
        assert!(
            report.is_empty(),
            "{} findings\n{}",
            report.len(),
            report.join("\n")
        );
    }
}
