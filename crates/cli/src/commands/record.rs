//! `chancery record`: single records by their id. Questions are `query`.

use std::io::Write;

use chancery_api::records::{MetadataInput, RecordCreate, RecordUpdate};
use clap::{Args, Subcommand};

use super::query::{Listing, list};
use crate::failure::{Exit, Failure};
use crate::input;
use crate::output::Output;
use crate::record_text::card;
use crate::target::{Change, Delete, Missing, Question, Scope, Target, TargetArgs};

/// Make, read, change and delete records
#[derive(Args, Debug)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Data are column=value pairs (column:=JSON for exact JSON), one JSON object, @FILE, or - for stdin.

Examples:
  chancery record create tasks title='Write documentation' priority=3
  chancery record create tasks '{\"title\": \"Write documentation\", \"priority\": 3}'
  chancery record get tasks 0190a2b4-…
  chancery record update tasks 0190a2b4-… status=done
  chancery record delete tasks 0190a2b4-…
  chancery record list tasks"
)]
pub(crate) struct Record {
    #[command(flatten)]
    target: TargetArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a record and print its id
    #[command(after_long_help = "\
Examples:
  chancery record create tasks title='Write documentation' priority=3 tags=docs,urgent
  chancery record create tasks extra:='{\"a\": [1, 2]}'
  chancery record create tasks title='From the old system' --external-id T-1041
  cat task.json | chancery record create tasks -")]
    Create {
        /// The table
        table: String,
        /// column=value …, a JSON object, @FILE or -
        #[arg(required = true, value_name = "DATA")]
        values: Vec<String>,
        #[command(flatten)]
        metadata: Metadata,
    },
    /// Show a record
    #[command(after_long_help = "Examples:\n  chancery record get tasks 0190a2b4-… --json")]
    Get {
        /// The table
        table: String,
        /// The record's id or key
        id: String,
    },
    /// Change the given values of a record; the others stay
    #[command(after_long_help = "\
Examples:
  chancery record update tasks 0190a2b4-… status=done due=
  chancery record update tasks 0190a2b4-… '{\"title\": \"New\"}' --replace")]
    Update {
        /// The table
        table: String,
        /// The record's id or key
        id: String,
        /// column=value … (nothing after = clears it), a JSON object, @FILE or -
        #[arg(required = true, value_name = "DATA")]
        values: Vec<String>,
        /// Clear everything that is not given
        #[arg(long)]
        replace: bool,
        /// Only if the record is at this version
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
        #[command(flatten)]
        metadata: Metadata,
    },
    /// Delete a record: to the trash, where the table has one
    #[command(after_long_help = "Examples:\n  chancery record delete tasks 0190a2b4-…")]
    Delete {
        /// The table
        table: String,
        /// The record's id or key
        id: String,
        /// For good, from the trash too
        #[arg(long)]
        permanent: bool,
    },
    /// Bring a record back from the trash
    Restore {
        /// The table
        table: String,
        /// The record's id or key
        id: String,
    },
    /// Show values of encrypted columns; each is written down in the audit of the vault
    #[command(after_long_help = "\
Examples:
  chancery record reveal people 0190a2b4-… iban
  chancery record reveal people 0190a2b4-… iban pin --json")]
    Reveal {
        /// The table
        table: String,
        /// The record's id or key
        id: String,
        /// The encrypted columns
        #[arg(required = true, value_name = "COLUMN")]
        columns: Vec<String>,
    },
    /// List records
    #[command(
        after_long_help = "Examples:\n  chancery record list tasks --limit 20\n  chancery record list tasks --trash"
    )]
    List {
        /// The table
        table: String,
        /// Those in the trash
        #[arg(long)]
        trash: bool,
        #[command(flatten)]
        listing: Listing,
    },
}

/// Where a record comes from.
#[derive(Args, Debug)]
struct Metadata {
    /// Its id in another system, by which imports and filters find it (externalId)
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
}

impl Metadata {
    fn input(self) -> Option<MetadataInput> {
        self.external_id.map(|id| MetadataInput {
            external_id: Some(id),
        })
    }
}

impl Record {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = &*self.target.open(Missing::Refuse)?;
        match self.action {
            Action::Create {
                table,
                values,
                metadata,
            } => {
                let data = input::record(&values, &target.table(&table)?)?;
                let record = target.create(
                    &table,
                    RecordCreate {
                        data,
                        metadata: metadata.input(),
                    },
                )?;
                match output.json() {
                    true => output.value(&record)?,
                    false => output.line(&id_text(&record.id))?,
                }
            }
            Action::Get { table, id } => {
                let record = target.get(&table, &id)?;
                show(target, &table, &record, output)?;
            }
            Action::Update {
                table,
                id,
                values,
                replace,
                if_version,
                metadata,
            } => {
                let data = input::record(&values, &target.table(&table)?)?;
                let change = if replace { Change::Replace } else { Change::Merge };
                let update = RecordUpdate {
                    data,
                    metadata: metadata.input(),
                };
                let record = target.change(&table, &id, change, update, if_version)?;
                show(target, &table, &record, output)?;
            }
            Action::Delete { table, id, permanent } => {
                target.delete(
                    &table,
                    &id,
                    if permanent {
                        Delete::ForGood
                    } else {
                        Delete::Softly
                    },
                )?;
                output.say(&format!("deleted {id}"));
            }
            Action::Restore { table, id } => {
                let record = target.restore(&table, &id)?;
                show(target, &table, &record, output)?;
            }
            Action::Reveal { table, id, columns } => {
                let revealed = target.reveal(&table, &id, &columns)?;
                match (output.json(), columns.as_slice()) {
                    (true, _) => output.value(&revealed)?,
                    // As it is, for programs that read it.
                    (false, [one]) => output.line(&id_text(&revealed.values[one]))?,
                    (false, _) => {
                        for column in &columns {
                            let value = id_text(&revealed.values[column]);
                            output.line(&format!("{column}: {value}"))?;
                        }
                    }
                }
            }
            Action::List {
                table,
                trash,
                listing,
            } => {
                let scope = if trash { Scope::Trash } else { Scope::Live };
                list(
                    target,
                    &table,
                    Question {
                        scope,
                        ..Question::default()
                    },
                    &listing,
                    output,
                )?;
            }
        }
        Ok(Exit::Done)
    }
}

fn show(
    target: &dyn Target,
    table: &str,
    record: &chancery_api::records::Record,
    output: &Output,
) -> Result<(), Failure> {
    if output.json() {
        return output.value(record);
    }
    let mut out = output.data();
    card(record, &target.table(table)?, &mut out)?;
    Ok(out.flush()?)
}

fn id_text(id: &serde_json::Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
