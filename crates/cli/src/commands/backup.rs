//! `chancery backup`: everything in one file, checked after it is written.

use std::path::PathBuf;

use chancery::backup::InTheWay;
use clap::Args;

use crate::commands::transfers::{Watching, summary};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{BackupJob, Missing, TargetArgs};

/// Write a backup of everything into a file
#[derive(Args, Debug)]
#[command(after_long_help = "\
The backup is a SQLite database of its own, whatever the records are kept in: `restore` puts it back, `move` moves it on, and \
every command can look into it with --database. It shows one moment; others go on writing meanwhile. It stands in its place \
only once it was read again. The contents of files are copied into a folder beside it, of its name with .files added; those \
in a bucket are left there. While a server has the database open, ask the server, with an admin key: \
then the contents of files are not copied.

Examples:
  chancery backup today.db
  chancery backup today.db --server http://127.0.0.1:7373 --key $KEY
  chancery backup today.db --database postgres://ann@db.example/app --json")]
pub(crate) struct Backup {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    target: TargetArgs,
}

impl Backup {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target.open(Missing::Refuse)?;
        let watching = Watching::new(output);
        let written = target.backup(&BackupJob {
            file: &self.file,
            in_the_way: match self.force {
                true => InTheWay::Replace,
                false => InTheWay::Refuse,
            },
            watching: &watching,
        });
        watching.done();
        let report = written?;
        match output.json() {
            true => output.value(&report)?,
            false => {
                output.say(&format!(
                    "{}: {}",
                    report.file.display(),
                    summary(&report.carried)
                ));
                match &report.files {
                    Some(files) => output.say(&format!("{} contents of files are beside it", files.contents)),
                    None => output
                        .warn("the contents of files are not in it: back up their folder or bucket as well"),
                }
                output.line(&format!("{}  {}", report.sha256, report.file.display()))?;
            }
        }
        Ok(Exit::Done)
    }
}
