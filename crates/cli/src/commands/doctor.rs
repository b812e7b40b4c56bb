//! `chancery doctor`: looks at everything in a database and says what is wrong, where, and what next.

use std::io::Write;

use chancery::OpenOptions;
use chancery::doctor::{Diagnosis, Repair};
use clap::Args;

use crate::commands::table::thousands;
use crate::commands::transfers::{Watching, runtime, summary};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{DatabaseArgs, Missing, open_store};

/// How many slow queries are shown to people; `--json` has them all.
const SLOWEST_SHOWN: usize = 10;

/// Check a database: files, indexes, every record, the change log
#[derive(Args, Debug)]
#[command(after_long_help = "\
Nothing is changed without --repair, and with it only what is made from the records: indexes, full-text indexes and counters.
The files of a PostgreSQL server are the server's to check (pg_amcheck). Stop the server of a SQLite database first.

The slowest queries that servers have seen are listed with how they were answered: one that reads
a whole table may want an index on the column that it asks for.

Exit status: 0 healthy, or everything was mended; 1 something is wrong; 2 it could not be looked at.

Examples:
  chancery doctor
  chancery doctor --data /srv/chancery --repair
  chancery doctor --database postgres://ann@db.example/app --json")]
pub(crate) struct Doctor {
    /// Mend what is made from records: indexes, full-text indexes, counters
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

impl Doctor {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let repair = match self.repair {
            true => Repair::Safe,
            false => Repair::No,
        };
        let watching = Watching::new(output);
        let look = async {
            let store = open_store(&self.database, Missing::Refuse, OpenOptions::default()).await?;
            let diagnosis = store.examine(repair, &|progress| watching.show(&progress)).await;
            store.close().await?;
            Ok::<_, Failure>(diagnosis?)
        };
        let diagnosis = runtime()?.block_on(look);
        watching.done();
        let diagnosis = diagnosis?;
        match output.json() {
            true => output.value(&diagnosis)?,
            false => tell(&diagnosis, output)?,
        }
        Ok(match diagnosis.is_healthy() {
            true => Exit::Done,
            false => Exit::Refused,
        })
    }
}

fn tell(diagnosis: &Diagnosis, output: &Output) -> Result<(), Failure> {
    output.say(&format!("{}: {}", diagnosis.backend, summary(&diagnosis.carried)));
    let mut sizes = TextTable::new(["table", "records>", "trash>"]);
    for size in &diagnosis.tables {
        sizes.row([size.table.clone(), thousands(size.records), thousands(size.trash)]);
    }
    let mut out = output.data();
    sizes.write(&mut out)?;
    for one in &diagnosis.findings {
        let state = if one.repaired { "mended" } else { one.kind };
        writeln!(out, "{state}: {}: {}", one.place, one.detail)?;
        if !one.repaired {
            writeln!(out, "  {}", one.next)?;
        }
    }
    if !diagnosis.slow_queries.is_empty() {
        let mut slow = TextTable::new(["slowest queries of", "ms>", "asked", "answered by"]);
        for one in diagnosis.slow_queries.iter().take(SLOWEST_SHOWN) {
            let asked = format!("{} {}", one.what, one.shape);
            slow.row([
                one.table.clone(),
                thousands(one.took_ms),
                asked,
                one.plan.join("; "),
            ]);
        }
        slow.write(&mut out)?;
    }
    let rest = diagnosis.finding_count - diagnosis.findings.len() as u64;
    if rest > 0 {
        writeln!(out, "… and {} more", thousands(rest))?;
    }
    if diagnosis.finding_count == 0 {
        writeln!(out, "healthy")?;
    }
    Ok(out.flush()?)
}
