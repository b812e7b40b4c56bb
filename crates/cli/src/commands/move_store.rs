//! `chancery move`: everything of one database into an empty one on any backend, compared record by record.

use chancery::transfer::{self, MoveReport};
use clap::Args;

use crate::commands::transfers::{Watching, runtime, summary};
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Move everything into an empty database on another backend
#[derive(Args, Debug)]
#[command(after_long_help = "\
Tables, records with their versions, times and trash, users, keys, counters and the whole change log arrive as they are; then \
both sides are read again and compared field by field. The source is only read: stop the server first, so that nobody writes \
to it meanwhile. A target that is not finished, because the move was broken off or found a difference, opens for nothing but \
another move, which starts again from nothing.

Exit status: 0 both are equal; 1 they differ, and the first differences are named; 2 something failed.

Examples:
  chancery move --from sqlite:app.db --to postgres://ann@db.example/app
  chancery move --from postgres://ann@db.example/app --to sqlite:copy.db --json")]
pub(crate) struct Move {
    /// The database to move: sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    from: String,
    /// The database to fill; it must be empty
    #[arg(long, value_name = "URL")]
    to: String,
}

impl Move {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        for url in [&self.from, &self.to] {
            if url == "memory" || url == "memory:" {
                return Err(Failure::new("a database in memory ends with this command"));
            }
        }
        let watching = Watching::new(output);
        let watch = |progress| watching.show(&progress);
        let moved = runtime()?.block_on(transfer::move_store(&self.from, &self.to, &watch));
        watching.done();
        let report = moved?;
        tell(&report, output)?;
        Ok(match report.is_equal() {
            true => Exit::Done,
            false => Exit::Refused,
        })
    }
}

fn tell(report: &MoveReport, output: &Output) -> Result<(), Failure> {
    if output.json() {
        output.value(report)?;
    } else if report.is_equal() {
        output.line(&format!("{}: moved and equal", summary(&report.carried)))?;
    }
    if report.is_equal() {
        return Ok(());
    }
    for difference in &report.differences {
        output.say(&format!("{}  {}", difference.place, difference.what));
    }
    output.say(&format!(
        "{} differences; the target stays unfinished. Repeat the move; if they stay, tell us what is named here",
        report.difference_count
    ));
    Ok(())
}
