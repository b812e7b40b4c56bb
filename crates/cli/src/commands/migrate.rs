//! `chancery migrate`: the schema of the database file itself. Tables people define need no migration.

use std::io::Write;
use std::path::PathBuf;

use chancery::migrations::{self, MigrationStatus};
use chancery::postgres_migrations;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{DatabaseArgs, runtime};

/// Show and apply migrations of the database file
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Opening a database applies migrations by itself, after a copy of the file (a PostgreSQL server is not copied: back it up \
first); this is for looking first and for going back.

Examples:
  chancery migrate status
  chancery migrate plan --data /srv/chancery
  chancery migrate up"
)]
pub(crate) struct Migrate {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Action {
    /// Show which migrations are applied
    Status,
    /// Print the statements that `up` would run
    Plan,
    /// Apply what is to come, after a copy of the file
    Up,
    /// Take the newest one back, after a copy of the file
    Down,
}

impl Migrate {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        if self.database.is_postgres() {
            runtime()?.block_on(on_server(self.action, &self.database.url(), output))?;
            return Ok(Exit::Done);
        }
        let file = self.file()?;
        match self.action {
            Action::Status => show(&migrations::status(&file)?, output)?,
            Action::Plan => planned(&migrations::plan(&file)?, output)?,
            Action::Up => {
                if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
                    std::fs::create_dir_all(dir)?;
                }
                done("applied", migrations::up(&file)?, output)?;
            }
            Action::Down => done(
                "took back",
                migrations::down(&file)?.into_iter().collect(),
                output,
            )?,
        }
        Ok(Exit::Done)
    }

    fn file(&self) -> Result<PathBuf, Failure> {
        let file = self
            .database
            .file()
            .ok_or_else(|| Failure::new("a database in memory has no migrations"))?;
        match self.action {
            Action::Down | Action::Status if !file.exists() => Err(Failure::new(format!(
                "there is no database at {}",
                file.display()
            ))
            .hint("name one with --data DIR")),
            _ => Ok(file),
        }
    }
}

/// The same on a PostgreSQL server, which makes its own backups.
async fn on_server(action: Action, url: &str, output: &Output) -> Result<(), Failure> {
    match action {
        Action::Status => show(&postgres_migrations::status(url).await?, output),
        Action::Plan => planned(&postgres_migrations::plan(url).await?, output),
        Action::Up => done("applied", postgres_migrations::up(url).await?, output),
        Action::Down => {
            let back = postgres_migrations::down(url).await?;
            done("took back", back.into_iter().collect(), output)
        }
    }
}

fn planned(plan: &[String], output: &Output) -> Result<(), Failure> {
    match output.json() {
        true => output.value(&plan),
        false if plan.is_empty() => {
            output.say("nothing to do");
            Ok(())
        }
        false => output.line(&plan.join("\n")),
    }
}

fn as_json(status: &MigrationStatus) -> serde_json::Value {
    json!({"number": status.number, "name": status.name, "appliedAt": status.applied_at.and_then(instant), "unchanged": status.unchanged})
}

fn instant(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms)
        .ok()
        .map(|time| time.to_string())
}

fn show(all: &[MigrationStatus], output: &Output) -> Result<(), Failure> {
    if output.json() {
        return output.value(&all.iter().map(as_json).collect::<Vec<_>>());
    }
    let mut text = TextTable::new(["number>", "name", "applied"]);
    for status in all {
        let applied = match status.applied_at {
            None => "to come".into(),
            Some(at) if status.unchanged => instant(at).unwrap_or_default(),
            Some(_) => "applied, but not as this program knows it".into(),
        };
        text.row([status.number.to_string(), status.name.clone(), applied]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

fn done(verb: &str, changed: Vec<MigrationStatus>, output: &Output) -> Result<(), Failure> {
    if output.json() {
        return output.value(&changed.iter().map(as_json).collect::<Vec<_>>());
    }
    if changed.is_empty() {
        output.say("nothing to do");
    }
    for status in changed {
        output.say(&format!("{verb} {:04}_{}", status.number, status.name));
    }
    Ok(())
}
