//! `chancery table columns change-type`: another type for a column that has values. What becomes of them the library decides.

use std::io::Write;

use chancery_api::JsonMap;
use chancery_api::jobs::{Job, JobState};
use chancery_api::retype::{ColumnTypeChange, ColumnTypePlan, OnLoss};
use clap::Args;
use serde_json::Value as Json;

use super::table::thousands;
use super::transfers::Watching;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::Target;

/// Give a column another type, with all its values; the old ones come back when it is changed back
#[derive(Args, Debug)]
#[command(after_long_help = "\
Every value becomes one of the new type, in the trash and in the history too, while everybody reads and writes. A value that cannot be is in the way \
unless it may become nothing (--lossy). The old values are kept unseen: changed back, whatever nobody touched since is as it was.

Exit status: 0 done, or a dry run that finds nothing in the way; 1 something is in the way; 2 it failed.

Examples:
  chancery table columns change-type parts amount number --dry-run
  chancery table columns change-type parts amount currency --set currency=EUR --locale de-DE
  chancery table columns change-type parts state select --create-options")]
pub(crate) struct ChangeType {
    /// The table
    table: String,
    /// The column
    column: String,
    /// The new type
    #[arg(value_name = "TYPE")]
    field_type: String,
    /// A setting of the new type
    #[arg(long = "set", value_name = "NAME=VALUE")]
    settings: Vec<String>,
    /// Let values that cannot be of the new type become nothing
    #[arg(long)]
    lossy: bool,
    /// Make the options that a select column lacks
    #[arg(long)]
    create_options: bool,
    /// How numbers and dates in texts are written: de-DE, en-US …
    #[arg(long, value_name = "LOCALE")]
    locale: Option<String>,
    /// Only tell what would become of the values
    #[arg(long)]
    dry_run: bool,
}

impl ChangeType {
    pub(crate) fn run(self, target: &dyn Target, output: &Output) -> Result<Exit, Failure> {
        let asked = ColumnTypeChange {
            field_type: self.field_type.clone(),
            config: self.config()?,
            on_loss: if self.lossy { OnLoss::Null } else { OnLoss::Refuse },
            create_options: self.create_options,
            locale: self.locale.clone(),
            dry_run: self.dry_run,
        };
        let watching = Watching::new(output);
        let tell = |job: &Job| watching.tell("changing", job.seen, job.total, "");
        let plan = target.change_type((&self.table, &self.column), &asked, &tell);
        watching.done();
        let plan = plan?;
        match output.json() {
            true => output.value(&plan)?,
            false => self.tell(&plan, output)?,
        }
        Ok(match plan.job.as_ref().map(|job| job.state) {
            Some(JobState::Failed) => Exit::Failed,
            Some(JobState::Done) => Exit::Done,
            None if plan.refusals.is_empty() => Exit::Done,
            _ => Exit::Refused,
        })
    }

    fn config(&self) -> Result<Option<JsonMap>, Failure> {
        let mut config = JsonMap::new();
        for setting in &self.settings {
            let (name, value) = setting.split_once('=').ok_or_else(|| {
                Failure::new(format!("\"{setting}\" is no setting")).hint("write it like --set currency=EUR")
            })?;
            let value = serde_json::from_str(value).unwrap_or_else(|_| Json::from(value));
            config.insert(name.to_owned(), value);
        }
        Ok((!config.is_empty()).then_some(config))
    }

    fn tell(&self, plan: &ColumnTypePlan, output: &Output) -> Result<(), Failure> {
        let mut out = output.data();
        for (count, what) in [
            (plan.kept, "kept"),
            (plan.changed, "changed"),
            (plan.restored, "come back"),
            (plan.lost, "lost"),
            (plan.duplicates, "not unique"),
            (plan.blank, "without a value"),
        ] {
            if count > 0 || what == "kept" {
                writeln!(out, "{:>12}  {what}", thousands(count))?;
            }
        }
        for change in plan.changes.iter().chain(&plan.twice) {
            writeln!(out, "  {}  {} → {}", change.record, change.before, change.after)?;
        }
        for lost in plan.losses.iter().flat_map(|losses| &losses.examples) {
            writeln!(out, "  {}  {}: {}", lost.record, lost.value, lost.message)?;
        }
        if !plan.new_options.is_empty() {
            writeln!(out, "options: {}", plan.new_options.join(", "))?;
        }
        out.flush()?;
        for aside in &plan.asides {
            output.say(&format!("{}: {}", aside.about, aside.message));
        }
        for refusal in &plan.refusals {
            output.warn(&refusal.message);
        }
        match &plan.job {
            Some(Job {
                state: JobState::Done,
                ..
            }) => {
                output.say(&format!(
                    "{}.{} is of type {}",
                    self.table, self.column, plan.column.field_type
                ));
            }
            Some(job) => output.warn(&format!(
                "The job {} is not done: {}",
                job.id,
                job.error.as_deref().unwrap_or("it was stopped")
            )),
            None => {}
        }
        Ok(())
    }
}
