//! A real PostgreSQL server for tests: a cluster in a temporary folder, started on a free port, gone when dropped.
//!
//! Speaks no SQL itself.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{self, Group};
use crate::provision::{Need, in_path, provide};

/// Names the server to the tests.
pub(crate) const VARIABLE: &str = "CHANCERY_TEST_POSTGRES";
/// The oldest server that Chancery runs on.
const VERSION_MIN: u32 = 15;
/// How long the server may take to its start.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Connections at once: every test that runs has a pool of its own.
const CONNECTIONS_MAX: u32 = 300;
/// The superuser and the password; the server is reached from this machine only, and lives as long as the run.
pub(crate) const SUPERUSER: (&str, &str) = ("postgres", "chancery-test");

/// What the server does to keep what it has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Nothing: for tests that start from nothing anyway.
    None,
    /// Everything, as it is by itself.
    Full,
}

/// A running server.
pub(crate) struct Postgres {
    // Ended before its folder is removed.
    _group: Group,
    folder: tempfile::TempDir,
    /// The URL of its superuser.
    pub(crate) url: String,
}

impl Postgres {
    /// Makes a cluster and starts it, installing PostgreSQL if the machine has none.
    pub(crate) fn start(durability: Durability) -> Result<Postgres> {
        Self::start_with(settings(0, durability))
    }

    /// As [`Postgres::start`], but every statement and its values are in its log.
    pub(crate) fn start_talkative() -> Result<Postgres> {
        let mut settings = settings(0, Durability::None);
        settings.retain(|setting| !setting.starts_with("log_min_messages"));
        settings.extend(
            [
                "log_min_messages=debug1",
                "log_statement=all",
                "log_parameter_max_length=-1",
                "log_duration=on",
            ]
            .map(str::to_owned),
        );
        Self::start_with(settings)
    }

    /// Where it keeps its data (`data/`) and its log (`log`).
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn start_with(settings: Vec<String>) -> Result<Postgres> {
        let initdb = provide(Need::Postgres)?;
        let programs = initdb.parent().unwrap_or(Path::new("/")).to_owned();
        // Not in the build directory: another user runs the server, and may not get there.
        let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
        let owner = Owner::choose(folder.path())?;
        let data = folder.path().join("data");
        make_cluster(&programs, &owner, folder.path(), &data)?;
        let port = free_port()?;
        let mut serve = owner.command(&programs.join("postgres"));
        serve.arg("-D").arg(&data).arg("-k").arg(folder.path());
        for setting in settings
            .into_iter()
            .filter(|setting| !setting.starts_with("port="))
        {
            serve.arg("-c").arg(setting);
        }
        serve.arg("-c").arg(format!("port={port}"));
        let log = std::fs::File::create(folder.path().join("log")).context("cannot create the log")?;
        let errors = log.try_clone().context("cannot share the log")?;
        let mut group = Group::spawn(serve.stdin(Stdio::null()).stdout(log).stderr(errors))?;
        wait_until_ready(&programs, port, &mut group, &folder.path().join("log"))?;
        Ok(Postgres {
            _group: group,
            folder,
            url: format!(
                "postgres://{}:{}@127.0.0.1:{port}/postgres",
                SUPERUSER.0, SUPERUSER.1
            ),
        })
    }
}

/// An empty cluster in a folder.
pub(crate) fn make_cluster(programs: &Path, owner: &Owner, folder: &Path, data: &Path) -> Result<()> {
    let password = folder.join("password");
    std::fs::write(&password, SUPERUSER.1).context("cannot write the password file")?;
    owner.give(&password)?;
    let mut make = owner.command(&programs.join("initdb"));
    make.arg("--pgdata")
        .arg(data)
        .arg("--pwfile")
        .arg(&password)
        .args([
            "--username",
            SUPERUSER.0,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--no-sync",
        ]);
    process::capture(&mut make).context("initdb failed")?;
    Ok(())
}

pub(crate) fn settings(port: u16, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        format!("port={port}"),
        format!("max_connections={CONNECTIONS_MAX}"),
        "listen_addresses=127.0.0.1".to_owned(),
        "log_min_messages=fatal".to_owned(),
    ];
    if durability == Durability::None {
        settings.extend(["fsync=off", "full_page_writes=off"].map(str::to_owned));
    }
    settings
}

/// Who runs the server: it refuses to run as root.
pub(crate) struct Owner {
    id: Option<(u32, u32)>,
}

impl Owner {
    /// Ourselves, or a user without rights if we are root; the folder is theirs then.
    pub(crate) fn choose(folder: &Path) -> Result<Owner> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Owner { id: None });
        }
        let number = |option: &str, user: &str| -> Result<u32> {
            let text = process::capture(Command::new("id").args([option, user]))?;
            text.trim()
                .parse()
                .with_context(|| format!("`id {option} {user}` printed {text:?}"))
        };
        let user = match process::succeeds(Command::new("id").arg("postgres")) {
            true => "postgres",
            false => "nobody",
        };
        let owner = Owner {
            id: Some((number("-u", user)?, number("-g", user)?)),
        };
        owner.give(folder)?;
        Ok(owner)
    }

    pub(crate) fn give(&self, path: &Path) -> Result<()> {
        match self.id {
            Some((user, group)) => std::os::unix::fs::chown(path, Some(user), Some(group))
                .with_context(|| format!("cannot give {} away", path.display())),
            None => Ok(()),
        }
    }

    pub(crate) fn command(&self, program: &Path) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        // The server looks at where it is started, and may not be allowed to.
        command.current_dir("/").env("LC_ALL", "C");
        if let Some((user, group)) = self.id {
            command.uid(user).gid(group);
        }
        command
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener
        .local_addr()
        .context("a socket without an address")?
        .port())
}

pub(crate) fn wait_until_ready(programs: &Path, port: u16, group: &mut Group, log: &Path) -> Result<()> {
    let deadline = Instant::now() + READY_WITHIN;
    let port = port.to_string();
    let ready = || {
        process::succeeds(Command::new(programs.join("pg_isready")).args([
            "--host",
            "127.0.0.1",
            "--port",
            &port,
        ]))
    };
    while !ready() {
        let ended = !matches!(group.child().try_wait(), Ok(None));
        if ended || Instant::now() > deadline {
            let log = std::fs::read_to_string(log).unwrap_or_default();
            bail!("PostgreSQL does not start; it says:\n{log}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The newest `initdb` on the machine that is new enough. Debian keeps it out of the path, one folder a version.
pub(crate) fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let folders = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin/initdb")));
    // A link to it may stand alone in another folder; the other programs are beside the real one.
    let found = folders
        .chain(in_path("initdb"))
        .filter_map(|initdb| initdb.canonicalize().ok());
    let known = found.filter_map(|initdb| Some((version(&initdb)?, initdb)));
    let new_enough = known.filter(|(version, _)| *version >= VERSION_MIN);
    new_enough
        .max_by_key(|(version, _)| *version)
        // A link may stand alone; what it leads to has the other programs beside it.
        .map(|(_, initdb)| initdb.canonicalize().unwrap_or(initdb))
}

fn version(initdb: &Path) -> Option<u32> {
    let output = Command::new(initdb).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// `initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` → 15.
fn parse_version(text: &str) -> Option<u32> {
    let number = text.split_whitespace().nth(2)?;
    let whole: String = number.chars().take_while(char::is_ascii_digit).collect();
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_releases_and_previews() {
        assert_eq!(
            parse_version("initdb (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_version("initdb (PostgreSQL) 19devel"), Some(19));
        assert_eq!(parse_version("nonsense"), None);
    }
}
