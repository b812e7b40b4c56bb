//! `chancery dedupe`: records that mean one thing, found and listed. It merges nothing.

use std::io::Write;

use chancery_api::duplicates::{Compare, ComparedColumn, Find, FindDuplicates, FoundDuplicates};
use clap::Args;

use super::table::thousands;
use super::transfers::Watching;
use crate::failure::{Exit, Failure};
use crate::filter;
use crate::output::Output;
use crate::target::{Missing, TargetArgs};

/// Find duplicates: records that mean one thing
#[derive(Args, Debug)]
#[command(after_long_help = "\
Columns named with --on are compared without case, accents, spaces and punctuation; with --fuzzy also where they are misspelt:
then they are weighed together, a rare name more than a common town, and blank values say nothing. Columns named with --exact must
be the same. Nothing is changed.

Examples:
  chancery dedupe customers --on email
  chancery dedupe customers --on name,city,phone --fuzzy
  chancery dedupe customers --on name,street --fuzzy 0.9 --exact country 'city=Brno'
  chancery dedupe customers --on name,city --fuzzy --limit 1000 --json > groups.json")]
pub(crate) struct Dedupe {
    /// The table
    table: String,
    /// Only records with this: filters as in query; all must hold
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// The columns to compare
    #[arg(
        long,
        value_name = "COLUMNS",
        value_delimiter = ',',
        required_unless_present = "exact"
    )]
    on: Vec<String>,
    /// Find misspelt values, too: as alike as this, from 0 to 1
    #[arg(long, value_name = "SIMILARITY", num_args = 0..=1, require_equals = false, default_missing_value = "0.85")]
    fuzzy: Option<f64>,
    /// Columns that must be the same, letter by letter
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    exact: Vec<String>,
    /// Compare only records with the same value in these columns
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    within: Vec<String>,
    /// Take A and a for two values
    #[arg(long)]
    case_sensitive: bool,
    /// At most so many groups
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
    #[command(flatten)]
    target: TargetArgs,
}

impl Dedupe {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = &*self.target.open(Missing::Refuse)?;
        let compared = |column: &String, compare| ComparedColumn {
            column: column.clone(),
            compare,
            similarity: None,
        };
        let how = match self.fuzzy {
            Some(_) => Compare::Fuzzy,
            None => Compare::Normalised,
        };
        let on = self.on.iter().map(|column| compared(column, how));
        let exact = self.exact.iter().map(|column| compared(column, Compare::Exact));
        let asked = FindDuplicates {
            columns: Some(on.chain(exact).collect()),
            similarity: self.fuzzy,
            case_sensitive: self.case_sensitive.then_some(true),
            blocking: self.within.clone(),
            filter: filter::together(&self.filters, None)?,
            ..FindDuplicates::default()
        };
        let watching = Watching::new(output);
        let tell = |find: &Find| {
            let phase = match find.phase.as_str() {
                "reading" => "reading",
                "blocking" => "blocking",
                "comparing" => "comparing",
                _ => "grouping",
            };
            watching.tell(phase, find.done, find.total, "");
        };
        let found = target.duplicates(&self.table, &asked, self.limit, &tell)?;
        drop(watching);
        match output.json() {
            true => output.value(&found)?,
            false => self.list(&found, output)?,
        }
        Ok(Exit::Done)
    }

    fn list(&self, found: &FoundDuplicates, output: &Output) -> Result<(), Failure> {
        let mut out = output.data();
        for group in &found.groups {
            let more = group.size.saturating_sub(group.records.len() as u64);
            writeln!(out, "{:.2}  {} records", group.score, thousands(group.size))?;
            for record in &group.records {
                let id = record
                    .id
                    .as_str()
                    .map_or_else(|| record.id.to_string(), str::to_owned);
                let values = self
                    .on
                    .iter()
                    .chain(&self.exact)
                    .map(|slug| match record.data.get(slug) {
                        Some(serde_json::Value::String(text)) => text.clone(),
                        Some(serde_json::Value::Null) | None => "-".to_owned(),
                        Some(other) => other.to_string(),
                    });
                writeln!(out, "  {id}  {}", values.collect::<Vec<_>>().join("  "))?;
            }
            if more > 0 {
                writeln!(out, "  … and {} more", thousands(more))?;
            }
        }
        out.flush()?;
        let find = &found.find;
        output.say(&format!(
            "{} groups in {} records, {} pairs compared",
            thousands(find.groups),
            thousands(find.records),
            thousands(find.compared)
        ));
        if find.groups > found.groups.len() as u64 {
            output.say("Not all groups are listed; --limit shows more.");
        }
        if find.crowded > 0 {
            output.warn(&format!(
                "{} records are so like so many others that some pairs may be missing; name more columns, or --within",
                thousands(find.crowded)
            ));
        }
        if find.shortened > 0 {
            output.warn(&format!(
                "{} values are so long that only their beginning was compared by similarity",
                thousands(find.shortened)
            ));
        }
        Ok(())
    }
}
