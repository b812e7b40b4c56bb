//! `docs/asvs.csv` names what exists: every test, file and command that is said to show a requirement.
//!
//! Whether it shows it is for people to judge.

use anyhow::Result;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "asvs",
    rule: "docs/asvs.csv names tests, files and commands that exist, and a requirement that is met names one",
    run,
};

const TABLE: &str = "docs/asvs.csv";
const COLUMNS: [&str; 6] = ["id", "level", "requirement", "status", "how", "shown by"];
const STATES: [&str; 4] = ["met", "partly", "not met", "not applicable"];
/// Where the commands stand, each as a variant.
const COMMANDS: &str = "xtask/src/main.rs";

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    let Some(text) = tree.text(TABLE) else {
        return Ok(Vec::new());
    };
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut wrong = |message: String| findings.push(Finding::new(TABLE, index + 1, message));
        let row = cells(line);
        let [_, level, _, status, how, shown] = row.as_slice() else {
            wrong(format!("has {} columns instead of {}", row.len(), COLUMNS.len()));
            continue;
        };
        if index == 0 {
            if row != COLUMNS {
                wrong(format!("the columns are {}", COLUMNS.join(", ")));
            }
            continue;
        }
        if !STATES.contains(&status.as_str()) || !["1", "2", "3"].contains(&level.as_str()) || how.is_empty()
        {
            wrong("has no known status or level, or does not say how".to_owned());
        }
        if status == "met" && shown.is_empty() {
            wrong("is said to be met, and nothing shows it".to_owned());
        }
        for named in shown
            .split("; ")
            .filter(|named| !named.is_empty() && !exists(tree, named))
        {
            wrong(format!("`{named}` does not exist"));
        }
    }
    Ok(findings)
}

/// `cargo xtask COMMAND`, a file, or `FILE::TEST`; a file by the end of its path.
fn exists(tree: &Tree, named: &str) -> bool {
    if let Some(command) = named.strip_prefix("cargo xtask ") {
        let variant: String = command
            .split('-')
            .map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]))
            .collect();
        let text = tree.text(COMMANDS).unwrap_or_default();
        return text.contains(&format!("    {variant}({}::Options)", command.replace('-', "_")));
    }
    let (file, test) = named
        .split_once("::")
        .map_or((named, None), |(file, test)| (file, Some(test)));
    let below = format!("/{file}");
    tree.files()
        .filter(|path| *path == file || path.ends_with(&below))
        .any(|path| {
            test.is_none_or(|test| {
                tree.text(path)
                    .unwrap_or_default()
                    .contains(&format!("fn {test}("))
            })
        })
}

/// The cells of a line; one in quotes may hold commas, and quotes twice.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cells.last_mut().expect("there is one").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            other => cells.last_mut().expect("there is one").push(other),
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn what_does_not_exist_and_what_nothing_shows_is_reported() {
        let table = "id,level,requirement,status,how,shown by\n\
            1.1.1,1,fine,met,\"a, b\",vault/a.rs::a_test; cargo xtask fuzz-api; docs/asvs.csv\n\
            1.1.2,2,no test,met,c,vault/a.rs::another\n\
            1.1.3,2,no file,partly,c,vault/b.rs\n\
            1.1.4,3,no command,partly,c,cargo xtask nothing\n\
            1.1.5,3,unshown,met,c,\n\
            1.1.6,3,unsure,perhaps,c,\n\
            1.1.7,3,not met,not met,c,\n\
            1.1.8,3,short\n";
        reports(
            &CHECK,
            &[
                (TABLE, table),
                ("tests/vault/a.rs", "fn a_test() {}\n"),
                (COMMANDS, "enum Command {\n    FuzzApi(fuzz_api::Options),\n}\n"),
            ],
            &[
                "docs/asvs.csv:3 `vault/a.rs::another` does not exist",
                "docs/asvs.csv:4 `vault/b.rs` does not exist",
                "docs/asvs.csv:5 `cargo xtask nothing` does not exist",
                "docs/asvs.csv:6 is said to be met",
                "docs/asvs.csv:7 has no known status",
                "docs/asvs.csv:9 has 3 columns",
            ],
        );
    }
}
