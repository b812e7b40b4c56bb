//! `chancery operation`: what was done, as units, and taking it back. What happened to one record is `history`.

use std::io::Write;

use chancery_api::history::{Operation as Found, Revert, RevertReport, TableCounts};
use clap::{Args, Subcommand};

use super::table::thousands;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{Missing, OperationsAsked, TargetArgs};

/// List what was done, and take it back
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
An operation is what somebody did at once: an edit, a bulk change, an import, an undo.

Examples:
  chancery operation list --table tasks
  chancery operation revert r42 --dry-run
  chancery operation revert r42"
)]
pub(crate) struct Operation {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List operations, the newest first
    List {
        /// Only what touched this table
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
        /// Only what this user or API key did, by id
        #[arg(long, value_name = "ID")]
        actor: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u64).range(1..=200))]
        limit: u64,
    },
    /// Show one operation
    #[command(after_long_help = "\
Examples:
  chancery operation show r42
  chancery operation show r42 --json")]
    Show {
        /// Its id
        id: String,
    },
    /// Take an operation back; what was changed since stays as it is and is named
    #[command(after_long_help = "\
The undo is an operation itself: taking that back does the first one again.

Examples:
  chancery operation revert r42 --dry-run
  chancery operation revert 0190a2b4-… --all-or-nothing")]
    Revert {
        /// Its id
        id: String,
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Do nothing if anything was changed since
        #[arg(long)]
        all_or_nothing: bool,
    },
}

impl Operation {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target.open(Missing::Refuse)?;
        match self.action {
            Action::List { table, actor, limit } => {
                let page = target.operations(&OperationsAsked { table, actor, limit })?;
                if output.json() {
                    output.value(&page.operations)?;
                    return Ok(Exit::Done);
                }
                list(&page.operations, output)?;
                if page.pagination.has_more {
                    output.say("there may be older ones; --limit shows more");
                }
            }
            Action::Show { id } => {
                let operation = target.operation(&id)?;
                match output.json() {
                    true => output.value(&operation)?,
                    false => list(&[operation], output)?,
                }
            }
            Action::Revert {
                id,
                dry_run,
                all_or_nothing,
            } => {
                let how = Revert {
                    dry_run,
                    all_or_nothing,
                };
                let report = target.revert(&id, &how)?;
                match output.json() {
                    true => output.value(&report)?,
                    false => told(&report, output)?,
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn list(operations: &[Found], output: &Output) -> Result<(), Failure> {
    let mut text = TextTable::new(["operation", "when", "who", "why", "changes>", "what", "undo"]);
    for operation in operations {
        let undo = match (&operation.reverted_by, &operation.reverts) {
            (Some(by), _) => format!("taken back by {by}"),
            (None, Some(of)) => format!("takes back {of}"),
            (None, None) => String::new(),
        };
        let what: Vec<String> = operation.tables.iter().map(counts).collect();
        text.row([
            operation.operation.clone(),
            operation.at.clone(),
            operation.actor.clone().unwrap_or_else(|| "-".into()),
            operation.reason.clone(),
            thousands(operation.changes),
            what.join("; "),
            undo,
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}

/// `tasks: 3 created, 1 changed`; only the table where nothing was counted.
fn counts(table: &TableCounts) -> String {
    let kinds = [
        (table.inserted, "created"),
        (table.updated, "changed"),
        (table.deleted, "put in the trash"),
        (table.restored, "restored"),
        (table.purged, "removed for good"),
        (table.evicted, "made room"),
        (table.cleared, "cleared"),
    ];
    let told: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{} {kind}", thousands(*count)))
        .collect();
    match told.is_empty() {
        true => table.table.clone(),
        false => format!("{}: {}", table.table, told.join(", ")),
    }
}

/// Says what became of an undo.
pub(super) fn told(report: &RevertReport, output: &Output) -> Result<(), Failure> {
    let would = if report.dry_run { "would be" } else { "are" };
    output.say(&format!(
        "{} record(s) {would} as before; {} left as they are",
        thousands(report.reverted),
        thousands(report.skipped_total)
    ));
    if report.followed > 0 {
        output.say(&format!(
            "{} other record(s) that refer to what is removed {would} changed or removed with it",
            thousands(report.followed)
        ));
    }
    if !report.skipped.is_empty() {
        let mut text = TextTable::new(["table", "record", "fields", "why", "who", "operation"]);
        for skipped in &report.skipped {
            let fields = match skipped.fields.is_empty() {
                true => "all".to_owned(),
                false => skipped.fields.join(", "),
            };
            text.row([
                skipped.table.clone(),
                skipped.key.clone(),
                fields,
                skipped.message.clone(),
                skipped.by.clone().unwrap_or_default(),
                skipped.operation.clone().unwrap_or_default(),
            ]);
        }
        let mut out = output.data();
        text.write(&mut out)?;
        out.flush()?;
    }
    match &report.operation {
        Some(undo) => output.say(&format!("`chancery operation revert {undo}` does it again")),
        None if !report.dry_run => output.say("nothing was to be done"),
        None => {}
    }
    Ok(())
}
