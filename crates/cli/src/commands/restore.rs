//! `chancery restore`: a backup back into a database, checked before anything is touched.

use std::path::PathBuf;

use chancery::backup::{self, InTheWay};
use chancery::{Error, StorageError};
use clap::Args;

use crate::commands::transfers::{Watching, runtime, summary};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{DatabaseArgs, files_place};

/// Put a backup back into a database
#[derive(Args, Debug)]
#[command(after_long_help = "\
The backup is checked first and stays as it is. A database that is there already is replaced only with --force, and kept \
aside under another name, which is printed; a PostgreSQL database must be empty. Stop the server first. The contents of \
files are put back from the folder beside the backup, of its name with .files added, if there is one.

Examples:
  chancery restore today.db
  chancery restore today.db --data /srv/chancery --force
  chancery restore today.db --database postgres://ann@db.example/app")]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    /// Replace the database if there is one; it is kept aside
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl Restore {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let url = self.database.url();
        if !self.database.is_postgres() && self.database.file().is_none() {
            return Err(Failure::new("a database in memory ends with this command"));
        }
        let in_the_way = match self.force {
            true => InTheWay::Replace,
            false => InTheWay::Refuse,
        };
        let watching = Watching::new(output);
        let watch = |progress| watching.show(&progress);
        let place = files_place(self.database.files.as_deref())?;
        let restoring = backup::restore(&self.file, &url, place.as_ref(), in_the_way, &watch);
        let restored = runtime()?.block_on(restoring);
        watching.done();
        let report = restored.map_err(|error| {
            let in_the_way = matches!(error, Error::Storage(StorageError::NotEmpty { .. }));
            let failure = Failure::from(error);
            match in_the_way && !self.database.is_postgres() {
                true => failure.instead("--force replaces it and keeps it aside"),
                false => failure,
            }
        })?;
        if output.json() {
            output.value(&report)?;
            return Ok(Exit::Done);
        }
        output.line(&format!("restored {}", summary(&report.carried)))?;
        match &report.files {
            Some(files) => output.say(&format!(
                "{} contents of files are in their place",
                files.contents
            )),
            None => output.say("no contents of files were beside the backup: right, if no record holds any"),
        }
        if let Some(kept) = &report.kept {
            output.say(&format!("what was there before is now {}", kept.display()));
        }
        Ok(Exit::Done)
    }
}
