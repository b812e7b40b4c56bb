//! What `move`, `backup`, `restore` and jobs share: their progress bar and their words. It moves nothing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use chancery::transfer::{Carried, TransferPhase, TransferProgress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::table::thousands;
use crate::failure::Failure;
use crate::output::Output;

/// Between two lines of progress where nobody sees a bar.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far a transfer is: a bar on a terminal, now and then a line elsewhere.
pub(crate) struct Watching {
    bar: Option<ProgressBar>,
    told: Mutex<Instant>,
    quiet: bool,
}

impl Watching {
    pub(crate) fn new(output: &Output) -> Watching {
        let terminal = !output.json() && console::Term::stderr().is_term();
        let style = ProgressStyle::with_template("{prefix:9} {bar:32} {percent:>3} %  {msg}").ok();
        let bar = style.filter(|_| terminal).map(|style| {
            let bar = ProgressBar::new(1).with_style(style.progress_chars("━╸─"));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Watching {
            bar,
            told: Mutex::new(Instant::now()),
            quiet: output.json(),
        }
    }

    /// Takes a word of progress in.
    pub(crate) fn show(&self, progress: &TransferProgress) {
        let phase = match progress.phase {
            TransferPhase::Copying => "copying",
            TransferPhase::Indexing => "indexing",
            TransferPhase::Verifying => "verifying",
        };
        let table = progress.table.as_deref().unwrap_or_default();
        self.tell(phase, progress.done, progress.total, table);
    }

    /// Tells how much is done, and what else there is to say.
    pub(crate) fn tell(&self, phase: &'static str, done: u64, total: u64, more: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(phase);
            bar.set_length(total.max(1));
            bar.set_position(done);
            bar.set_message(format!("{} of {}  {more}", thousands(done), thousands(total)));
            return;
        }
        let Ok(mut told) = self.told.lock() else { return };
        if !self.quiet && told.elapsed() >= LINE_EVERY {
            *told = Instant::now();
            Output::new(false).say(&format!(
                "{phase} {} of {} {more}",
                thousands(done),
                thousands(total)
            ));
        }
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What was carried, in a line.
pub(crate) fn summary(carried: &Carried) -> String {
    format!(
        "{} records in {} tables, {} changes, revision {}",
        thousands(carried.records),
        thousands(carried.tables),
        thousands(carried.changes),
        thousands(carried.revision)
    )
}

/// Runs what may take long on threads of its own.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
