//! Words that do not belong in finished work, each with what to write or do instead.
//!
//! Names no file but itself as an exception.

use anyhow::Result;
use regex::Regex;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "words",
    rule: "no word of unfinished or vague work",
    run,
};

/// A pattern, the files it holds for, and what to do instead.
const BANNED: &[(&str, &[&str], &str)] = &[
    (
        r"\b(TODO|FIXME|XXX|HACK)\b",
        &["rs", "ts", "tsx", "mjs", "js", "css", "md", "toml", "sql", "sh"],
        "finish it, or take it out",
    ),
    (r"\bdbg!\s*\(", &["rs"], "use tracing, or take it out"),
    (
        r"\b(todo|unimplemented)!\s*\(",
        &["rs"],
        "write it, or do not offer it",
    ),
    (
        r"\bmod (utils?|helpers?|common|misc)\b",
        &["rs"],
        "name the module by what it holds",
    ),
    (
        r"\b(struct|enum|trait|type|class|interface)\s+\w*(Manager|Service|Impl|Helper|Util|Utils)\b",
        &["rs", "ts", "tsx"],
        "name the type by the thing it is",
    ),
    (
        r#"#!?\[allow\([^"\]]*\)\]"#,
        &["rs"],
        "fix it, or say why: #[expect(…, reason = \"…\")]",
    ),
    (
        r"#\[(?:cfg_attr\([^\]]*)?ignore\b",
        &["rs"],
        "a test that does not run is no test: make it run or remove it",
    ),
    (
        r"\b(it|test|describe)\.(only|skip)\s*\(",
        &["ts", "tsx", "mjs", "js"],
        "run all tests",
    ),
    (r"\bconsole\.log\s*\(", &["ts", "tsx"], "take it out"),
    (r"\bas any\b", &["ts", "tsx"], "give it its type"),
    (r"@ts-ignore", &["ts", "tsx"], "give it its type"),
];

/// This file has to spell the words out.
const SELF: &str = "xtask/src/tidy/words.rs";

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (pattern, extensions, instead) in BANNED {
        let pattern = Regex::new(pattern)?;
        for path in tree.sources(extensions).filter(|path| *path != SELF) {
            let text = tree.text(path).unwrap_or_default();
            for (index, line) in text.lines().enumerate() {
                let Some(found) = pattern.find(line) else { continue };
                let message = format!("`{}`: {instead}", found.as_str().trim());
                findings.push(Finding::new(path, index + 1, message));
            }
        }
        for path in tree
            .files()
            .filter(|path| path.ends_with("/utils.rs") || path.ends_with("/helpers.rs"))
        {
            if pattern.as_str().contains("mod (utils") {
                findings.push(Finding::new(path, 0, "name the file by what it holds"));
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
    fn each_banned_word_is_reported_with_what_to_do() {
        let code = "// TODO later\nfn a() { dbg!(1); }\nfn b() { todo!() }\nmod utils;\nstruct RecordManager;\n#[allow(dead_code)]\nfn c() {}\n\
                    #[ignore]\nfn d() {}\nlet todo = manager; // fine\n";
        reports(
            &CHECK,
            &[
                ("a.rs", code),
                ("b.ts", "it.only(\"x\")\nconst a = b as any;\n"),
                ("c/utils.rs", ""),
                ("web/dist/a.js", "// TODO\n"),
            ],
            &[
                "a.rs:1 `TODO`: finish it",
                "a.rs:2 `dbg!(`: use tracing",
                "a.rs:3 `todo!(`: write it",
                "a.rs:4 `mod utils`: name the module",
                "c/utils.rs:0 name the file",
                "a.rs:5 `struct RecordManager`: name the type",
                "a.rs:6 `#[allow(dead_code)]`: fix it",
                "a.rs:8 `#[ignore`: a test that does not run",
                "b.ts:1 `it.only(`: run all tests",
                "b.ts:2 `as any`: give it its type",
            ],
        );
    }
}
