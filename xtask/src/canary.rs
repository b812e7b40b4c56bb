//! `cargo xtask canary`: secrets that stand out go through every operation of the vault at the most talkative level, and are
//! then looked for in everything that was written. They must be nowhere. First in the vault's own tests, then in a server.
//!
//! Beside them goes a decoy that is no secret. It has to be found in each kind of place: so it is known that the search looks
//! there and would have seen a secret. Browsers are not started here.

mod cli;
mod http;
mod search;
mod stub;
mod suite;
mod wire;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::postgres::Postgres;
use crate::process::Group;
use crate::repo::ServerBinary;
use crate::{repo, server};
use search::{Report, Search};
use wire::{Caller, Tells};

/// How long the server may take to its start.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Options of `canary`.
#[derive(clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    binary: ServerBinary,
    /// Only on SQLite: without starting PostgreSQL, and without the vault's own tests
    #[arg(long)]
    sqlite: bool,
    /// Leave everything that was written where it is, and say where
    #[arg(long)]
    keep: bool,
}

impl Options {
    /// The run that belongs to `cargo xtask test`.
    pub(crate) fn everything() -> Self {
        Self {
            binary: ServerBinary::default(),
            sqlite: false,
            keep: false,
        }
    }
}

/// What must not be found, and the decoy that must.
pub(crate) struct Birds {
    /// The value of secrets, before it is changed.
    value: String,
    /// The value after it was changed.
    changed: String,
    /// A token that a caller chose.
    token: String,
    /// A token that nobody has.
    nobody: String,
    password: String,
    new_password: String,
    wrong: String,
    /// Something that is no secret, in the same form.
    decoy: String,
}

impl Birds {
    fn hatch() -> Birds {
        let bird = |name: &str| format!("{name}{:016x}", rand::random::<u64>());
        Birds {
            value: bird("kv"),
            changed: bird("kc"),
            token: bird("kt"),
            nobody: bird("kn"),
            password: bird("kp"),
            new_password: bird("kq"),
            wrong: bird("kw"),
            decoy: bird("decoy"),
        }
    }

    /// The secrets, each with what it is.
    fn secrets(&self) -> [(&'static str, &str); 7] {
        [
            ("the value", &self.value),
            ("the changed value", &self.changed),
            ("the token", &self.token),
            ("the token of nobody", &self.nobody),
            ("the password", &self.password),
            ("the new password", &self.new_password),
            ("the wrong password", &self.wrong),
        ]
    }
}

/// Runs on SQLite and on PostgreSQL.
pub(crate) fn run(options: &Options) -> Result<()> {
    if !options.sqlite {
        suite::run(options.keep)?;
    }
    let binary = options.binary.path()?;
    one(&binary, None, options.keep)?;
    if !options.sqlite {
        one(&binary, Some(Postgres::start_talkative()?), options.keep)?;
    }
    Ok(())
}

fn one(binary: &Path, database: Option<Postgres>, keep: bool) -> Result<()> {
    let started = Instant::now();
    let name = if database.is_some() {
        "PostgreSQL"
    } else {
        "SQLite"
    };
    let scratch = repo::scratch()?;
    let place = Place::new(scratch.path(), binary, database)?;
    let birds = Birds::hatch();
    let drawn =
        fly(&place, &birds).with_context(|| format!("on {name}; the log ends:\n{}", place.last_words()))?;
    let mut needles: Vec<(String, String)> = birds
        .secrets()
        .map(|(what, text)| (what.to_owned(), text.to_owned()))
        .into();
    needles.extend(
        drawn
            .tokens
            .into_iter()
            .map(|token| ("a drawn token".to_owned(), token)),
    );
    needles.extend(drawn.root_key.map(|key| ("the root key".to_owned(), key)));
    let search = Search::new(&needles, &birds.decoy)?;
    let report = place.look(&search)?;
    if keep {
        println!("everything stays in {}", scratch.keep().display());
    }
    println!(
        "{name}: {:.1} s, {} secrets in {} forms\n{}",
        started.elapsed().as_secs_f64(),
        needles.len(),
        search.forms(),
        report.text()
    );
    report.judge()
}

/// What came to be on the way.
struct Drawn {
    tokens: Vec<String>,
    root_key: Option<String>,
}

/// Everything that is done with the secrets.
fn fly(place: &Place, birds: &Birds) -> Result<Drawn> {
    let key = place.key()?;
    let collector = stub::Stub::start(&place.folder("traces")?)?;
    let receiver = stub::Stub::start(&place.folder("webhooks")?)?;
    let served = place.serve(&collector.url)?;
    let mut caller = Caller::new(&served.url, &key, &place.folder("answers")?);
    // Spans carry no data at all, so the decoy is told to the collector by hand.
    Caller::new(&collector.url, "none", &place.folder("answers")?).bytes(
        "POST",
        "/",
        birds.decoy.as_bytes(),
        Tells::Asked,
    )?;
    http::plant(&mut caller, birds, &receiver.url)?;
    let stream = wire::follow(&served.url, &key, &place.folder("events")?)?;
    let mut tokens = http::everything(&mut caller, birds)?;
    http::refused(&mut caller, birds)?;
    http::told(&mut caller, birds, &place.folder("exports")?)?;
    let programs = cli::Programs::new(place, &served.url, &key)?;
    tokens.extend(programs.everything(birds)?);
    receiver.wait_for(birds.decoy.as_bytes())?;
    // In the middle of it all, without a warning; and once more from what is left.
    let busy = wire::keep_busy(&served.url, &key, birds);
    std::thread::sleep(Duration::from_millis(300));
    served.group.kill()?;
    tokens.extend(busy.join().unwrap_or_default());
    stream.join().ok();
    place.snapshot("killed")?;
    let served = place.serve(&collector.url)?;
    let mut caller = Caller::new(&served.url, &key, &place.folder("answers-again")?);
    http::again(&mut caller, birds, &place.folder("exports")?)?;
    collector.wait_for(b"service.name")?;
    drop(served);
    programs.at_rest(birds)?;
    let root_key = std::fs::read_to_string(&place.vault_key).ok();
    let root_key = root_key.and_then(|text| Some(text.lines().find(|line| line.len() == 64)?.to_owned()));
    Ok(Drawn { tokens, root_key })
}

/// Where a run writes to.
pub(crate) struct Place {
    root: PathBuf,
    binary: PathBuf,
    database: Option<Postgres>,
    vault_key: PathBuf,
}

/// A running server.
struct Served {
    group: Group,
    url: String,
}

impl Place {
    fn new(root: &Path, binary: &Path, database: Option<Postgres>) -> Result<Place> {
        let place = Place {
            root: root.to_owned(),
            binary: binary.to_owned(),
            database,
            // The one file that holds a secret: not below what is looked through.
            vault_key: root.join("key").join("vault.key"),
        };
        for folder in ["key", "written/data", "written/log", "written/temporary"] {
            std::fs::create_dir_all(root.join(folder)).context("cannot create a folder")?;
        }
        Ok(place)
    }

    /// A folder below what is looked through.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join("written").join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(folder)
    }

    /// A command of the program in this place; what it writes besides its answer lands where it is looked for.
    fn program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        let temporary = self.root.join("written/temporary");
        command
            .current_dir(&temporary)
            .env("CHANCERY_LOG", "trace")
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full")
            .env("TMPDIR", &temporary)
            .env("SQLITE_TMPDIR", &temporary);
        command
    }

    /// Says where the records are, and where the vault's key is to those who take one.
    fn name_store(&self, command: &mut Command, with_vault: bool) {
        match &self.database {
            Some(database) => command.arg("--database").arg(&database.url),
            None => command.arg("--data").arg(self.root.join("written/data")),
        };
        if with_vault {
            command.arg("--vault-key-file").arg(&self.vault_key);
        }
    }

    fn key(&self) -> Result<String> {
        let place = match &self.database {
            Some(database) => server::Place::Database(database.url.clone()),
            None => server::Place::Folder(self.root.join("written/data")),
        };
        server::create_key_on(&self.binary, &place, "admin")
    }

    /// Starts the server, as talkative as it can be.
    fn serve(&self, collector: &str) -> Result<Served> {
        let log = self.root.join("written/log");
        let number = std::fs::read_dir(&log).map_or(0, Iterator::count);
        let (out, errors) = (
            log.join(format!("{number}-out")),
            log.join(format!("{number}-errors")),
        );
        let mut command = self.program();
        command.arg("serve");
        self.name_store(&mut command, true);
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--slow-query-ms",
            "1",
            "--webhook-allow",
            "127.0.0.0/8",
        ]);
        command.args(["--otlp", collector]);
        command
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out)?)
            .stderr(std::fs::File::create(errors)?);
        let group = Group::spawn(&mut command)?;
        let started = Instant::now();
        loop {
            let told = std::fs::read_to_string(&out).unwrap_or_default();
            if let Some(url) = told.lines().find_map(|line| line.strip_prefix("ready ")) {
                let url = url.trim().trim_end_matches('/').to_owned();
                return Ok(Served { group, url });
            }
            if started.elapsed() > READY_WITHIN {
                bail!("the server does not start: {}", self.last_words());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The files of the database as they are at this moment, before a start mends or removes any.
    fn snapshot(&self, name: &str) -> Result<()> {
        if self.database.is_some() {
            return Ok(());
        }
        let to = self.folder(&format!("data-{name}"))?;
        for entry in std::fs::read_dir(self.root.join("written/data"))? {
            let path = entry?.path();
            if let (true, Some(file)) = (path.is_file(), path.file_name()) {
                std::fs::copy(&path, to.join(file))?;
            }
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let log = self.root.join("written/log");
        let files = std::fs::read_dir(log).into_iter().flatten().flatten();
        let texts = files.filter_map(|file| std::fs::read_to_string(file.path()).ok());
        texts
            .map(|text| text[text.len().saturating_sub(1500)..].to_owned())
            .collect()
    }

    /// Looks through everything that was written, place by place.
    fn look(&self, search: &Search) -> Result<Report> {
        let mut report = Report::default();
        let written = self.root.join("written");
        // Where the decoy went on purpose; of the others only that no secret is there can be said.
        let mut wanted = vec![
            "answers",
            "log",
            "exports",
            "events",
            "webhooks",
            "traces",
            "programs",
            "processes",
        ];
        match &self.database {
            Some(database) => {
                report.look("database server", &database.folder().join("data"), search, true)?;
                report.look("database log", &database.folder().join("log"), search, true)?;
            }
            None => wanted.extend(["data", "data-killed"]),
        }
        let mut folders: Vec<_> = std::fs::read_dir(&written)?.collect::<std::io::Result<_>>()?;
        folders.sort_by_key(std::fs::DirEntry::file_name);
        for folder in folders {
            let name = folder.file_name().to_string_lossy().into_owned();
            let is_wanted = wanted
                .iter()
                .position(|one| *one == name)
                .map(|at| wanted.remove(at))
                .is_some();
            report.look(&name, &folder.path(), search, is_wanted)?;
        }
        match wanted.as_slice() {
            [] => Ok(report),
            missing => bail!(
                "nothing was written to {}: the run looked at too little",
                missing.join(", ")
            ),
        }
    }
}
