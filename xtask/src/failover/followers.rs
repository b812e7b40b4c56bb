//! Programs that follow the change log while its server is killed and replaced: every change once, in order.
//!
//! Looks at no record; each program compares what its readers saw with the log itself, at the end.

use std::io::Read;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::Group;
use crate::repo;

/// The program, which is one of the scenarios' own.
const PROGRAM: &str = "chancery-one-of-several";
/// How many of it run; each has fifty readers.
const PROGRAMS: usize = 2;

/// The programs that follow.
pub(super) struct Followers(Vec<Group>);

impl Followers {
    /// Starts them on a database.
    pub(super) fn start(url: &str) -> Result<Followers> {
        let binary = repo::binary(PROGRAM)?;
        let mut programs = Vec::with_capacity(PROGRAMS);
        for _ in 0..PROGRAMS {
            let mut command = Command::new(&binary);
            command.args(["follow", url]);
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit());
            programs.push(Group::spawn(&mut command)?);
        }
        Ok(Followers(programs))
    }

    /// Tells them that nobody writes any more, and says what they saw.
    pub(super) fn end(self) -> Result<()> {
        for mut program in self.0 {
            let child = program.child();
            drop(child.stdin.take());
            let mut said = String::new();
            let mut output = child.stdout.take().context("stdout is a pipe")?;
            output.read_to_string(&mut said)?;
            if !child.wait()?.success() {
                bail!("a follower has not seen every change once and in order");
            }
            println!(
                "every reader of the change log saw it whole and in order: {}",
                said.trim()
            );
        }
        Ok(())
    }
}
