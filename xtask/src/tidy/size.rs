//! Sizes a reader can hold: files, functions, and the sentence each Rust file starts with.
//!
//! Leaves out what a program writes.

use anyhow::Result;

use super::tree::{Tree, is_test};
use super::{Check, Finding};

/// The longest file anyone has to read.
const FILE_LINES: usize = 600;
/// The longest function; the aim is 70.
const FUNCTION_LINES: usize = 100;
/// The longest function in a folder of tests: a scenario reads from top to bottom.
const SCENARIO_LINES: usize = 150;

pub(super) const FILES: Check = Check {
    name: "file size",
    rule: "no source file is over 600 lines",
    run: files,
};
pub(super) const FUNCTIONS: Check = Check {
    name: "function size",
    rule: "no function is over 100 lines, no scenario over 150",
    run: functions,
};
pub(super) const HEADERS: Check = Check {
    name: "header",
    rule: "every Rust file starts with //! and what it is",
    run: headers,
};

fn files(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in tree.sources(&["rs", "ts", "tsx", "mjs", "js", "css"]) {
        let lines = tree.text(path).unwrap_or_default().lines().count();
        if lines > FILE_LINES {
            findings.push(Finding::new(
                path,
                0,
                format!("{lines} lines: split it by what its parts are for"),
            ));
        }
    }
    Ok(findings)
}

fn functions(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (path, source) in tree.rust()? {
        let longest = if is_test(path) {
            SCENARIO_LINES
        } else {
            FUNCTION_LINES
        };
        for (name, line, lines) in &source.functions {
            if *lines > longest {
                let message =
                    format!("`{name}` has {lines} lines: name its paragraphs (gather, decide, write)");
                findings.push(Finding::new(path, *line, message));
            }
        }
    }
    Ok(findings)
}

fn headers(tree: &Tree) -> Result<Vec<Finding>> {
    let missing = |path: &&str| !tree.text(path).unwrap_or_default().starts_with("//! ");
    let finding = |path| {
        Finding::new(
            path,
            1,
            "starts without `//! `: say what the file is and one thing it is not",
        )
    };
    Ok(tree.sources(&["rs"]).filter(missing).map(finding).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn a_long_file_is_reported_unless_it_is_generated() {
        let long = "x\n".repeat(601);
        reports(
            &FILES,
            &[
                ("web/src/a.tsx", &long),
                ("web/dist/a.js", &long),
                ("web/src/api/schema.d.ts", &long),
                ("b.rs", &long[..1200]),
            ],
            &["web/src/a.tsx:0 601 lines"],
        );
    }

    #[test]
    fn a_long_function_is_reported_with_its_name() {
        let code = format!(
            "//! x\nimpl A {{\n    fn long(&self) {{\n{}    }}\n}}\nfn short() {{}}\n",
            "        f();\n".repeat(99)
        );
        reports(
            &FUNCTIONS,
            &[("a.rs", &code), ("tests/a.rs", &code)],
            &["a.rs:3 `long` has 101 lines"],
        );
    }

    #[test]
    fn a_file_without_a_header_is_reported() {
        reports(
            &HEADERS,
            &[("a.rs", "//! Says it.\n"), ("b.rs", "use a::b;\n")],
            &["b.rs:1 starts without"],
        );
    }
}
