//! Named limits stand together: one `limits.rs` per crate, so that a reader finds every bound in one place.
//!
//! Does not judge whether a limit is a good one.

use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

use super::tree::{Tree, is_test};
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "limits",
    rule: "every public limit is a named constant in a file called limits.rs",
    run,
};

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    static LIMIT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?m)^\s*pub const ((MAX|DEFAULT_MAX)_\w+|\w+_(MAX|LIMIT))\s*:").expect("a valid pattern")
    });
    let mut findings = Vec::new();
    for path in tree
        .sources(&["rs"])
        .filter(|path| path.starts_with("crates/") && !is_test(path))
    {
        if path.ends_with("/limits.rs") {
            continue;
        }
        for (index, line) in tree.text(path).unwrap_or_default().lines().enumerate() {
            if let Some(found) = LIMIT.captures(line) {
                findings.push(Finding::new(
                    path,
                    index + 1,
                    format!("the limit {} belongs into limits.rs", &found[1]),
                ));
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn a_limit_away_from_its_file_is_reported() {
        let code = "pub const MAX_COLUMNS: usize = 500;\npub const BODY_LIMIT: usize = 1;\nconst MAXIMUM_WORDS: u8 = 1;\n";
        reports(
            &CHECK,
            &[
                ("crates/model/src/table.rs", code),
                ("crates/model/src/limits.rs", code),
            ],
            &[
                "crates/model/src/table.rs:1 the limit MAX_COLUMNS belongs into limits.rs",
                "crates/model/src/table.rs:2 the limit BODY_LIMIT belongs into limits.rs",
            ],
        );
    }
}
