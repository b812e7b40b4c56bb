//! `chancery imports`: what was imported, and taking it back. Files come in by `import`.

use std::io::Write;

use chancery_api::history::Revert;
use chancery_api::import_jobs::ImportStatus;
use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::operation::told;
use super::table::thousands;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::table_text::TextTable;
use crate::target::{Missing, TargetArgs};

/// List imports, and take them back
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  chancery imports list
  chancery imports show 0190a2b4-…
  chancery imports revert 0190a2b4-… --dry-run"
)]
pub(crate) struct Imports {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List imports, the newest first
    List,
    /// Show one import
    #[command(after_long_help = "\
Examples:
  chancery imports show 0190a2b4-…
  chancery imports show 0190a2b4-… --json")]
    Show {
        /// Its id
        id: String,
    },
    /// Take an import back; what was changed since stays as it is and is named
    #[command(after_long_help = "\
What it created is removed, what it changed is as before. Columns, options and tables that it made stay.

Examples:
  chancery imports revert 0190a2b4-… --dry-run
  chancery imports revert 0190a2b4-… --all-or-nothing")]
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

impl Imports {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target.open(Missing::Refuse)?;
        match self.action {
            Action::List => {
                let imports = target.imports()?;
                match output.json() {
                    true => output.value(&imports)?,
                    false => list(&imports, output)?,
                }
            }
            Action::Show { id } => {
                let import = target.import_status(&id)?;
                match output.json() {
                    true => output.value(&import)?,
                    false => list(&[import], output)?,
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
                let report = target.revert_import(&id, &how)?;
                match output.json() {
                    true => output.value(&report)?,
                    false => told(&report, output)?,
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn list(imports: &[ImportStatus], output: &Output) -> Result<(), Failure> {
    let mut text = TextTable::new([
        "import", "began", "file", "state", "created>", "updated>", "refused>",
    ]);
    for import in imports {
        let report = import.report.as_ref();
        let count = |count: Option<u64>| count.map(thousands).unwrap_or_default();
        let state = serde_json::to_value(import.state)?;
        text.row([
            import.import_id.clone(),
            report.map(|report| report.started_at.clone()).unwrap_or_default(),
            import.file_name.clone().unwrap_or_default(),
            state
                .as_str()
                .map_or_else(|| Json::to_string(&state), str::to_owned),
            count(report.map(|report| report.created)),
            count(report.map(|report| report.updated)),
            count(report.map(|report| report.failed)),
        ]);
    }
    let mut out = output.data();
    text.write(&mut out)?;
    Ok(out.flush()?)
}
