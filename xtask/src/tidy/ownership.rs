//! Who may name what: drivers and SQL in `storage`, the HTTP framework in `server`, ciphers and hashes in `vault`.
//!
//! Tests, benchmarks and this tool are free to compare with the bare library.

use std::sync::LazyLock;

use anyhow::Result;
use regex::Regex;

use super::manifest::packages;
use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CRATES: Check = Check {
    name: "ownership",
    rule: "only storage names a database driver, only server the HTTP framework, only vault a cipher or hash",
    run: foreign_crates,
};

pub(super) const SQL: Check = Check {
    name: "sql",
    rule: "only storage writes SQL",
    run: foreign_sql,
};

/// A folder, what it keeps to itself, and the foreign crates that are that.
const OWNED: &[(&str, &str, &[&str])] = &[
    (
        "crates/storage/",
        "database drivers",
        &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio-postgres",
            "postgres",
            "deadpool",
            "deadpool-postgres",
            "sqlx",
            "redis",
            "moka",
            "object_store",
            "object-store",
        ],
    ),
    (
        "crates/server/",
        "the HTTP framework",
        &[
            "axum",
            "axum-extra",
            "axum-server",
            "tower",
            "tower-http",
            "hyper",
            "hyper-util",
        ],
    ),
    (
        "crates/vault/",
        "cryptography",
        &[
            "aes-gcm",
            "aes-gcm-siv",
            "aead",
            "argon2",
            "blake2",
            "blake3",
            "chacha20poly1305",
            "hkdf",
            "hmac",
            "md-5",
            "p256",
            "ring",
            "rsa",
            "sha1",
            "sha2",
            "sha3",
            "subtle",
            "x25519-dalek",
        ],
    ),
];

/// What is named away from home all the same: the HTTP client that a bucket is spoken to with, which is no framework.
const ALSO: &[(&str, &str)] = &[("crates/storage/", "hyper-util")];

fn foreign_crates(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for package in packages(tree)?
        .iter()
        .filter(|package| package.manifest.starts_with("crates/"))
    {
        for dependency in &package.dependencies {
            if let Some(message) = trespass(&package.manifest, dependency) {
                findings.push(Finding::new(&package.manifest, 0, message));
            }
        }
    }
    for (path, source) in tree.product()? {
        for (line, name) in &source.paths {
            let first = name.split("::").next().unwrap_or_default().replace('_', "-");
            // A lone name may be anything; one that leads somewhere is a crate or a module.
            if let Some(message) = trespass(path, &first).filter(|_| name.contains("::")) {
                findings.push(Finding::new(path, *line, message));
            }
        }
    }
    Ok(findings)
}

fn trespass(path: &str, name: &str) -> Option<String> {
    let (home, what, _) = OWNED.iter().find(|(_, _, names)| names.contains(&name))?;
    let also = ALSO
        .iter()
        .any(|(place, known)| path.starts_with(place) && *known == name);
    (!path.starts_with(home) && !also)
        .then(|| format!("names {name}: {what} belong to {home} alone; ask that crate for what you need"))
}

fn foreign_sql(tree: &Tree) -> Result<Vec<Finding>> {
    static UPPER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?s)\bSELECT\s.+\sFROM\s|\bINSERT\s+(OR\s+\w+\s+)?INTO\s|\bUPDATE\s+\S+\s+SET\s|\bDELETE\s+FROM\s|\b(CREATE|DROP|ALTER)\s+(UNIQUE\s+|VIRTUAL\s+)?(TABLE|INDEX|VIEW|TRIGGER)\b|^PRAGMA\s",
        )
        .expect("a valid pattern")
    });
    static LOWER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?s)^\s*(select\s.+\sfrom\s|insert\s+into\s+\S+\s*\(|update\s+\S+\s+set\s.+=|delete\s+from\s+\S+\s+where\s|create\s+table\s.+\()")
            .expect("a valid pattern")
    });
    let mut findings = Vec::new();
    for (path, source) in tree.product()? {
        if path.starts_with("crates/storage/") {
            continue;
        }
        for (line, literal) in &source.literals {
            if UPPER.is_match(literal) || LOWER.is_match(literal) {
                let start: String = literal.chars().take(40).collect();
                let message = format!(
                    "SQL outside storage ({start:?}): say it as a plan and let the backend write the SQL"
                );
                findings.push(Finding::new(path, *line, message));
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    const WORKSPACE: (&str, &str) = (
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n",
    );

    #[test]
    fn a_driver_a_framework_and_a_cipher_away_from_home_are_reported() {
        let files = [
            WORKSPACE,
            (
                "crates/cli/Cargo.toml",
                "[package]\nname = \"chancery-cli\"\nversion = \"0.1.0\"\n[dependencies]\nsha2 = \"1\"\n",
            ),
            (
                "crates/cli/src/lib.rs",
                "use rusqlite::Connection;\nfn tower() {}\nfn f() { axum::serve() }\n",
            ),
        ];
        reports(
            &CRATES,
            &files,
            &[
                "crates/cli/Cargo.toml:0 names sha2: cryptography belong",
                "crates/cli/src/lib.rs:1 names rusqlite",
                "crates/cli/src/lib.rs:3 names axum",
            ],
        );
    }

    #[test]
    fn each_is_free_at_home_and_in_tests() {
        let files = [
            WORKSPACE,
            (
                "crates/storage/Cargo.toml",
                "[package]\nname = \"chancery-storage\"\nversion = \"0.1.0\"\n[dependencies]\nrusqlite = \"0.41\"\n",
            ),
            ("crates/storage/src/lib.rs", "use rusqlite::Connection;\n"),
            ("crates/storage/tests/a.rs", "use axum::Router;\n"),
        ];
        reports(&CRATES, &files, &[]);
    }

    #[test]
    fn sql_outside_storage_is_reported_in_either_case() {
        let code = "const A: &str = \"SELECT id FROM records WHERE 1\";\nconst B: &str = \"insert into records (id) values (?)\";\n\
                    /// DELETE FROM the docs\nconst C: &str = \"Select a row from the list\";\nconst D: &str = r#\"DROP TABLE x\"#;\n";
        reports(
            &SQL,
            &[
                ("crates/chancery/src/lib.rs", code),
                ("crates/storage/src/lib.rs", code),
            ],
            &[
                "crates/chancery/src/lib.rs:1 SQL outside storage (\"SELECT id FROM records",
                "crates/chancery/src/lib.rs:2 SQL outside storage",
                "crates/chancery/src/lib.rs:5 SQL outside storage",
            ],
        );
    }
}
