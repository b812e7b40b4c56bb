//! Nothing of a developer's machine: no path of a home folder, no host of a package registry, no build machine.
//!
//! Cargo.lock names cargo's own registry on every line; that one is meant.

use anyhow::Result;
use regex::Regex;

use super::tree::Tree;
use super::{Check, Finding};

pub(super) const CHECK: Check = Check {
    name: "hosts",
    rule: "no path of one machine and no host of a package registry",
    run,
};

/// Put together here, so that this file passes its own check.
const HOSTS: &[&str] = &[
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("static.", "crates.io"),
    concat!("index.", "crates.io"),
    concat!("files.", "pythonhosted.org"),
    concat!("pypi", ".org"),
    concat!("deb.", "debian.org"),
    concat!("proxy.", "golang.org"),
];

/// Where a checkout or a home folder lies on someone's machine.
const MACHINE_PATH: &str = concat!(
    r"(?:^|[\s\x22'`(=:])(/(?:home|Users|root|",
    "work)",
    r"/[\w.@-]+|[A-Z]:\\Users\\\w+)"
);

fn run(tree: &Tree) -> Result<Vec<Finding>> {
    let machine = Regex::new(MACHINE_PATH)?;
    let mut findings = Vec::new();
    for path in tree.files().filter(|path| *path != "Cargo.lock") {
        let Some(text) = tree.text(path) else { continue };
        for (index, line) in text.lines().enumerate() {
            if let Some(host) = HOSTS.iter().find(|host| line.contains(*host)) {
                let message = if path.ends_with("package-lock.json") {
                    "holds download addresses: set omit-lockfile-registry-resolved=true in .npmrc and install again".to_owned()
                } else {
                    format!("names {host}: name the registry, not its address")
                };
                findings.push(Finding::new(path, index + 1, message));
                break;
            }
            if let Some(found) = machine.captures(line) {
                let message = format!(
                    "`{}` is a place on one machine: say it relative to the checkout",
                    &found[1]
                );
                findings.push(Finding::new(path, index + 1, message));
            }
        }
    }
    findings.extend(lock_without_setting(tree));
    Ok(findings)
}

/// A lock file whose next change would bring the addresses back.
fn lock_without_setting(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for lock in tree.files().filter(|path| path.ends_with("package-lock.json")) {
        let settings = lock.replace("package-lock.json", ".npmrc");
        if !tree
            .text(&settings)
            .unwrap_or_default()
            .contains("omit-lockfile-registry-resolved=true")
        {
            let message = format!("needs omit-lockfile-registry-resolved=true in {settings}");
            findings.push(Finding::new(lock, 0, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::reports;
    use super::*;

    #[test]
    fn a_home_folder_a_registry_and_an_open_lock_are_reported() {
        let resolved = format!("{{\n\"resolved\": \"https://{}/a\"\n}}", HOSTS[0]);
        let home = format!("See `/{}/ann/notes` and /api/work/x.\n", "home");
        reports(
            &CHECK,
            &[
                ("Cargo.lock", HOSTS[2]),
                ("a.md", &home),
                ("b.toml", HOSTS[5]),
                ("web/package-lock.json", &resolved),
            ],
            &[
                "a.md:1 `/",
                "b.toml:1 names",
                "web/package-lock.json:2 holds download addresses",
                "web/package-lock.json:0 needs omit-lockfile-registry-resolved=true in web/.npmrc",
            ],
        );
    }
}
