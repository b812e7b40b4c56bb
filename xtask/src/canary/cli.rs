//! The same through the program: what it prints besides what it was asked for, and what others see of it while it runs.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::wire::Tells::{self, Asked, Nothing};
use super::{Birds, Place};

pub(crate) struct Programs<'a> {
    place: &'a Place,
    url: String,
    key: String,
    /// What is printed.
    printed: PathBuf,
    /// The command line and the environment of each.
    processes: PathBuf,
    exports: PathBuf,
    count: AtomicUsize,
}

/// Where a program works.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Server,
    Database,
}

impl<'a> Programs<'a> {
    pub(crate) fn new(place: &'a Place, url: &str, key: &str) -> Result<Programs<'a>> {
        Ok(Programs {
            place,
            url: url.to_owned(),
            key: key.to_owned(),
            printed: place.folder("programs")?,
            processes: place.folder("processes")?,
            exports: place.folder("exports")?,
            count: AtomicUsize::new(0),
        })
    }

    /// On the running server. Answers the tokens that were drawn.
    pub(crate) fn everything(&self, birds: &Birds) -> Result<Vec<String>> {
        let Birds {
            value,
            password,
            wrong,
            token,
            decoy,
            ..
        } = birds;
        let on =
            |args: &[&str], input: &str, code: i32, tells| self.run(On::Server, args, input, code, tells);
        let plain = on(&["vault", "create"], value, 0, Asked)?;
        let note = format!("note={decoy}");
        let locked = ["vault", "create", "--password", "--metadata", &note];
        let locked = on(&locked, &format!("{password}\n{value}\n"), 0, Asked)?;
        on(&["vault", "read", "-"], &plain, 0, Asked)?;
        on(
            &["vault", "read", "-", "--password", "--json"],
            &format!("{locked}\n{password}\n"),
            0,
            Asked,
        )?;
        on(
            &["vault", "read", "-", "--password"],
            &format!("{locked}\n{wrong}\n"),
            1,
            Nothing,
        )?;
        on(&["vault", "read", "-", "--json"], &birds.nobody, 1, Nothing)?;
        on(
            &["vault", "update", "-"],
            &format!("{plain}\n{}", birds.changed),
            0,
            Nothing,
        )?;
        on(&["vault", "delete", "-"], &plain, 0, Nothing)?;
        on(&["vault", "restore", "-"], &plain, 0, Nothing)?;
        let wrapped = on(&["vault", "wrap"], value, 0, Asked)?;
        on(&["vault", "unwrap", "-"], &wrapped, 0, Asked)?;
        on(&["vault", "unwrap", "-"], &wrapped, 1, Nothing)?;
        for told in [
            &["vault", "list"][..],
            &["vault", "list", "--json"],
            &["vault", "audit"],
            &["vault", "verify"],
            &["vault", "status"],
        ] {
            on(told, "", 0, Nothing)?;
        }
        // On the command line, where it does not belong: it is refused, and not repeated.
        let mut mistaken = self.place.program();
        mistaken.args(["vault", "read", token, "--server", &self.url, "--key", &self.key]);
        let output = mistaken
            .stdin(Stdio::null())
            .output()
            .context("the program does not start")?;
        ensure!(!output.status.success(), "a token on the command line was taken");
        self.keep(&output.stdout, &output.stderr)?;
        Ok(vec![plain, locked, wrapped])
    }

    /// On the database itself, when no server runs.
    pub(crate) fn at_rest(&self, birds: &Birds) -> Result<()> {
        let on = |args: &[&str], input: &str, tells| self.run(On::Database, args, input, 0, tells);
        on(
            &["vault", "read", "-", "--password"],
            &format!("{}\n{}\n", birds.token, birds.password),
            Asked,
        )?;
        on(&["vault", "audit", "--json"], "", Nothing)?;
        on(&["doctor"], "", Nothing)?;
        on(&["export", &birds.decoy], "", Nothing)?;
        let backup = self.exports.join("backup-at-rest");
        on(&["backup", &backup.display().to_string()], "", Nothing)?;
        Ok(())
    }

    /// Runs the program to its end, looks at it from outside meanwhile, and answers the first line that it printed.
    fn run(&self, on: On, args: &[&str], input: &str, code: i32, tells: Tells) -> Result<String> {
        let mut command = self.place.program();
        command.args(args);
        match on {
            On::Server => {
                command
                    .env("CHANCERY_SERVER", &self.url)
                    .env("CHANCERY_KEY", &self.key);
            }
            On::Database => self.place.name_store(&mut command, args[0] == "vault"),
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().context("the program does not start")?;
        let seen = |what: &str| std::fs::read(format!("/proc/{}/{what}", child.id())).unwrap_or_default();
        // A program that has just been started shows its words a moment later; one that has ended shows none.
        let mut line = seen("cmdline");
        for _ in 0..200 {
            if !line.is_empty() || seen("stat").is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
            line = seen("cmdline");
        }
        let seen = [line, seen("environ")].concat();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        std::fs::write(self.processes.join(format!("{number}")), seen)?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing has closed it.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().context("the program was lost")?;
        let words = args.join(" ");
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code() == Some(code),
            "`{words}` ended with {}: {told}",
            output.status
        );
        let printed = if tells == Nothing { &output.stdout[..] } else { b"" };
        self.keep(printed, &output.stderr)?;
        let first = String::from_utf8_lossy(&output.stdout);
        Ok(first.lines().next().unwrap_or_default().to_owned())
    }

    fn keep(&self, printed: &[u8], errors: &[u8]) -> Result<()> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        std::fs::write(self.printed.join(format!("{number}-out")), printed)?;
        std::fs::write(self.printed.join(format!("{number}-errors")), errors)?;
        Ok(())
    }
}
