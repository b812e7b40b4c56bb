//! `cargo xtask provision`: finds the programs that tests need besides Rust, and installs those that are missing.
//!
//! Installs nothing that is present, and never anything that the product itself would need to run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{postgres, process, redis, repo};

/// The oldest Node that the web page's build tool runs on.
const NODE_AT_LEAST: (u32, u32) = (20, 19);
/// What is fetched from npm where the system's own packages hold an older Node.
const NODE_PACKAGES: [&str; 2] = ["node@22", "npm@11"];

/// Where Debian keeps what a fresh PostgreSQL server does by itself.
const CLUSTER_SETTINGS: &str = "/etc/postgresql-common/createcluster.conf";
/// For sed: it makes no cluster.
const NO_CLUSTER: &str = "s/^#*create_main_cluster.*/create_main_cluster = false/";

/// What Debian's packages ask before they start a service.
const SERVICE_POLICY: &str = "/usr/sbin/policy-rc.d";
/// Its answer: no.
const NO_SERVICE: &str = "#!/bin/sh\nexit 101\n";

/// Options of `provision`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only say what is present and what is missing
    #[arg(long)]
    check: bool,
}

/// A program, or a set of programs, that a test step needs.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// Node and npm.
    Node,
    /// Chromium or Chrome.
    Chromium,
    /// A Python that can make virtual environments.
    Python,
    /// The PostgreSQL server; what is found is its `initdb`, with the other programs beside it.
    Postgres,
    /// The Redis server.
    Redis,
}

const NEEDS: [Need; 5] = [
    Need::Node,
    Need::Chromium,
    Need::Python,
    Need::Postgres,
    Need::Redis,
];

impl Need {
    fn name(self) -> &'static str {
        match self {
            Self::Node => "Node (20.19 or newer) with npm",
            Self::Chromium => "Chromium",
            Self::Python => "Python 3 with venv",
            Self::Postgres => "PostgreSQL server (15 or newer)",
            Self::Redis => "Redis server (7 or newer)",
        }
    }

    /// What Debian and its relatives call it.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Node => &["nodejs", "npm"],
            Self::Chromium => &["chromium", "fonts-dejavu-core"],
            Self::Python => &["python3", "python3-venv"],
            Self::Postgres => &["postgresql"],
            Self::Redis => &["redis-server"],
        }
    }

    /// The program, if it is on the machine and new enough.
    fn find(self) -> Option<PathBuf> {
        match self {
            Self::Node => [fetched_node(), in_path("node")]
                .into_iter()
                .flatten()
                .find(|node| node_is_new_enough(node) && npm_beside(node)),
            Self::Chromium => std::env::var_os("CHROMIUM")
                .map(PathBuf::from)
                .filter(|path| path.is_file())
                .or_else(|| {
                    [
                        "chromium",
                        "chromium-browser",
                        "google-chrome",
                        "google-chrome-stable",
                    ]
                    .into_iter()
                    .find_map(in_path)
                }),
            Self::Python => [in_path("python3"), Some(PathBuf::from("/usr/bin/python3"))]
                .into_iter()
                .flatten()
                .find(|python| {
                    process::succeeds(Command::new(python).args(["-c", "import venv, ensurepip"]))
                }),
            Self::Postgres => postgres::find(),
            Self::Redis => redis::find(),
        }
    }
}

/// Finds or installs everything.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut missing = Vec::new();
    for need in NEEDS {
        if options.check {
            match need.find() {
                Some(path) => println!("present  {}: {}", need.name(), path.display()),
                None => {
                    println!("missing  {}: {}", need.name(), install_line(need));
                    missing.push(need.name());
                }
            }
        } else {
            println!("{}: {}", need.name(), provide(need)?.display());
        }
    }
    if !missing.is_empty() {
        bail!(
            "missing: {}. `cargo xtask provision` installs it",
            missing.join(", ")
        );
    }
    Ok(())
}

/// The program behind `need`, installed if it was missing.
pub(crate) fn provide(need: Need) -> Result<PathBuf> {
    if let Some(path) = need.find() {
        return Ok(path);
    }
    println!("{} is missing: installing", need.name());
    let installed = install(need);
    if let Some(path) = need.find() {
        return Ok(path);
    }
    if let Need::Node = need {
        installed?;
        fetch_node()?;
        if let Some(path) = need.find() {
            return Ok(path);
        }
    } else {
        installed?;
    }
    bail!(
        "{} is still missing after an installation that reported no error; by hand: {}",
        need.name(),
        install_line(need)
    )
}

/// An npm command that uses the Node of `node`.
pub(crate) fn npm(node: &Path) -> Command {
    let directory = node.parent().unwrap_or(Path::new("/"));
    let mut command = Command::new(directory.join("npm"));
    let mut path = directory.as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    command
        .env("PATH", path)
        .env("npm_config_fund", "false")
        .env("npm_config_audit", "false");
    command.env("npm_config_update_notifier", "false");
    command
}

fn install_line(need: Need) -> String {
    format!(
        "sudo apt-get install --yes --no-install-recommends {}",
        need.packages().join(" ")
    )
}

fn install(need: Need) -> Result<()> {
    if in_path("apt-get").is_none() {
        bail!(
            "{} is missing and this system has no apt-get: install it with your system's own means",
            need.name()
        );
    }
    let by_hand = || {
        format!(
            "cannot install {}; run this, then try again: {}",
            need.name(),
            install_line(need)
        )
    };
    let Some(prefix) = privileges() else {
        bail!("{} (neither root nor passwordless sudo)", by_hand())
    };
    // An old package list names versions that are no longer there, so it is refreshed; if that fails, the list may still do.
    let _ = process::run(apt(prefix).args(["update", "--quiet"]));
    let install = |packages: &[&str]| {
        process::run(
            apt(prefix)
                .args(["install", "--quiet", "--yes", "--no-install-recommends"])
                .args(packages),
        )
        .with_context(by_hand)
    };
    if let Need::Postgres = need {
        // The server's package would make and start a cluster of its own.
        install(&["postgresql-common"])?;
        process::run(privileged(prefix, "sed").args(["--in-place", NO_CLUSTER, CLUSTER_SETTINGS]))
            .with_context(by_hand)?;
    }
    if let Need::Redis = need {
        // The server's package would start a server of its own, now and whenever the machine starts.
        return without_services(prefix, || install(need.packages())).with_context(by_hand);
    }
    install(need.packages())
}

/// Installs something whose service is neither started nor left to be started.
fn without_services(prefix: &[&str], install: impl FnOnce() -> Result<()>) -> Result<()> {
    if Path::new(SERVICE_POLICY).exists() {
        return install();
    }
    let refusal = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    std::fs::write(refusal.path(), NO_SERVICE).context("cannot write a temporary file")?;
    let mut put = privileged(prefix, "install");
    process::run(
        put.args(["--mode", "755"])
            .arg(refusal.path())
            .arg(SERVICE_POLICY),
    )?;
    let installed = install();
    process::run(privileged(prefix, "rm").arg(SERVICE_POLICY))?;
    installed?;
    // Where there is no systemd, nothing would start it.
    let _ = process::succeeds(privileged(prefix, "systemctl").args(["disable", "redis-server"]));
    Ok(())
}

/// What stands before `apt-get`: nothing for root, sudo where it asks no password.
fn privileges() -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        Some(&[])
    } else if process::succeeds(Command::new("sudo").args(["--non-interactive", "true"])) {
        Some(&["sudo", "--non-interactive", "DEBIAN_FRONTEND=noninteractive"])
    } else {
        None
    }
}

fn apt(prefix: &[&str]) -> Command {
    privileged(prefix, "apt-get")
}

fn privileged(prefix: &[&str], program: &str) -> Command {
    let mut words = prefix.iter().copied().chain([program]);
    let mut command = Command::new(words.next().expect("the program at least"));
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Node from npm, into the tools cache: for systems whose packages hold an older one.
fn fetch_node() -> Result<()> {
    let Some(npm) = in_path("npm") else {
        bail!("npm is missing: {}", install_line(Need::Node))
    };
    let directory = repo::tools().join("node");
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    println!(
        "the system's Node is too old: fetching {} into {}",
        NODE_PACKAGES.join(" and "),
        directory.display()
    );
    process::run(
        Command::new(npm)
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--prefix"])
            .arg(&directory)
            .args(NODE_PACKAGES),
    )
}

fn fetched_node() -> Option<PathBuf> {
    let node = repo::tools().join("node/node_modules/.bin/node");
    node.is_file().then_some(node)
}

fn npm_beside(node: &Path) -> bool {
    node.parent()
        .is_some_and(|directory| directory.join("npm").exists())
}

fn node_is_new_enough(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else {
        return false;
    };
    parse_version(&String::from_utf8_lossy(&output.stdout)).is_some_and(|version| version >= NODE_AT_LEAST)
}

/// `v20.19.1` → `(20, 19)`.
fn parse_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().trim_start_matches('v').split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_compare_as_numbers() {
        assert_eq!(parse_version("v20.19.1\n"), Some((20, 19)));
        assert!(parse_version("v18.20.4") < Some(NODE_AT_LEAST));
        assert!(parse_version("v20.9.0") < Some(NODE_AT_LEAST));
        assert!(parse_version("v22.3.0") >= Some(NODE_AT_LEAST));
        assert_eq!(parse_version("node: not found"), None);
    }

    #[test]
    fn the_error_holds_the_exact_command() {
        assert_eq!(
            install_line(Need::Chromium),
            "sudo apt-get install --yes --no-install-recommends chromium fonts-dejavu-core"
        );
    }
}
