//! ARCHITECTURE.md does not lie about where things are: every path it names in backticks exists.
//!
//! Reads no other document.

use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "paths",
    rule: "every path named in ARCHITECTURE.md exists",
    run,
};

const DOCUMENT: &str = "ARCHITECTURE.md";
const EXTENSIONS: &[&str] = &[
    "rs", "md", "toml", "ts", "tsx", "mjs", "json", "sql", "css", "csv", "yml", "lock",
];

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| Regex::new("`([^`\n]+)`").expect("a valid pattern"));
    let Some(text) = tree.text(DOCUMENT) else {
        return Ok(vec![Finding::new(
            DOCUMENT,
            0,
            "is missing: it is the map of the house",
        )]);
    };
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for quoted in QUOTED.captures_iter(line).map(|found| found[1].to_owned()) {
            if is_path(tree, &quoted) && !exists(tree, &quoted) {
                findings.push(Finding::new(
                    DOCUMENT,
                    index + 1,
                    format!("`{quoted}` does not exist"),
                ));
            }
        }
    }
    Ok(findings)
}

/// Looks like a path in this checkout: by a known ending, or by starting in one of its folders.
fn is_path(tree: &Tree, quoted: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "/._-".contains(c);
    if quoted.starts_with(['/', '.']) || !quoted.chars().all(plain) {
        return false;
    }
    let extension = quoted.rsplit_once('.').map_or("", |(_, extension)| extension);
    let first = quoted.split('/').next().unwrap_or_default();
    EXTENSIONS.contains(&extension) || (quoted.contains('/') && (quoted.ends_with('/') || tree.holds(first)))
}

/// Below the root, or as the end of a path: `server/convert.rs` stands for `crates/server/src/convert.rs`.
fn exists(tree: &Tree, quoted: &str) -> bool {
    let quoted = quoted.trim_end_matches('/');
    let ends = format!("/{quoted}");
    let inside = format!("/{quoted}/");
    tree.holds(quoted)
        || tree.files().any(|file| {
            let short = file.replace("/src/", "/");
            [file, short.as_str()]
                .iter()
                .any(|file| file.ends_with(&ends) || file.contains(&inside))
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn a_path_that_is_gone_is_reported() {
        let text = "`crates/model/` and `server/convert.rs` and `GET /api/tables` and `text/csv` and `limits.rs`\n\
                    `crates/gone/` and `model/src/gone.rs` and `missing.md`\n";
        let files = [
            ("ARCHITECTURE.md", text),
            ("crates/model/src/limits.rs", ""),
            ("crates/server/src/convert.rs", ""),
        ];
        reports(
            &CHECK,
            &files,
            &[
                "ARCHITECTURE.md:2 `crates/gone/` does not exist",
                "ARCHITECTURE.md:2 `model/src/gone.rs` does not exist",
                "ARCHITECTURE.md:2 `missing.md` does not exist",
            ],
        );
    }

    #[test]
    fn a_missing_map_is_reported() {
        reports(&CHECK, &[("README.md", "")], &["ARCHITECTURE.md:0 is missing"]);
    }
}
