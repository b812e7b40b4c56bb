//! `chancery history`: what happened to a record, and an old version of it written anew. Operations are `operation`.

use std::io::Write;

use chancery_api::history::{HistoryStep, StepKind};
use clap::Args;
use serde_json::Value as Json;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{Missing, TargetArgs};

/// Show what happened to a record
#[derive(Args, Debug)]
#[command(after_long_help = "\
The newest step comes first, with what each changed: column: before -> after.

Examples:
  chancery history tasks 0190a2b4-…
  chancery history tasks 0190a2b4-… --limit 5 --json
  chancery history tasks 0190a2b4-… --restore 3")]
pub(crate) struct History {
    /// The table
    table: String,
    /// The record's id or key
    id: String,
    /// At most so many steps
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,
    /// Write the values of this version anew instead
    #[arg(long, value_name = "VERSION")]
    restore: Option<u64>,
    #[command(flatten)]
    target: TargetArgs,
}

impl History {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target.open(Missing::Refuse)?;
        if let Some(version) = self.restore {
            let record = target.restore_version(&self.table, &self.id, version)?;
            match output.json() {
                true => output.value(&record)?,
                false => output.say(&format!(
                    "version {version} is written anew, as version {}",
                    record.version
                )),
            }
            return Ok(Exit::Done);
        }
        let page = target.history(&self.table, &self.id, self.limit)?;
        if output.json() {
            output.value(&page.steps)?;
            return Ok(Exit::Done);
        }
        let mut text = TextTable::new(["version>", "when", "who", "what", "operation", "changes"]);
        for step in &page.steps {
            text.row([
                step.version.to_string(),
                step.at.clone(),
                step.actor.clone().unwrap_or_else(|| "-".into()),
                what(step),
                step.operation.clone(),
                changes(step),
            ]);
        }
        let mut out = output.data();
        text.write(&mut out)?;
        out.flush()?;
        if page.pagination.has_more {
            output.say("there are older steps; --limit shows more");
        }
        Ok(Exit::Done)
    }
}

fn what(step: &HistoryStep) -> String {
    let kind = match step.kind {
        StepKind::Inserted => "created",
        StepKind::Updated => "changed",
        StepKind::Deleted => "put in the trash",
        StepKind::Restored => "restored",
    };
    match step.reason.as_str() {
        "user" => kind.to_owned(),
        reason => format!("{kind} ({reason})"),
    }
}

fn changes(step: &HistoryStep) -> String {
    let value = |json: &Json| match json {
        Json::Null => "-".to_owned(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let told = step.changes.iter().map(|change| {
        format!(
            "{}: {} -> {}",
            change.column,
            value(&change.from),
            value(&change.to)
        )
    });
    told.collect::<Vec<_>>().join("; ")
}
