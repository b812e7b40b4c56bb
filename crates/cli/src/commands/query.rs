//! `chancery query`: records that a filter finds, in any shape. Changes nothing.

use chancery_api::query::{Direction, Search, Sort};
use clap::Args;

use super::table::thousands;
use crate::failure::{Exit, Failure};
use crate::filter;
use crate::output::Output;
use crate::record_text::{Format, RecordWriter};
use crate::target::{Missing, Question, Target, TargetArgs};

/// Records listed unless --limit says otherwise.
const LIMIT: u64 = 100;

/// Find records
#[derive(Args, Debug)]
#[command(after_long_help = "\
A filter is column, operator, value: status=done, priority>=3, due<2026-03-01, status!=done, due= (empty), or in words:
'name contains foo', 'name startsWith A', 'status in todo,doing', 'size between 1,5', 'due isToday', 'due inNextDays 7'.
All filters must hold; --filter takes a tree of and/or as JSON.

Examples:
  chancery query tasks status=done 'priority>=3' --sort -priority,due
  chancery query customers 'city contains brno' --columns name,city --format csv > brno.csv
  chancery query tasks --filter '{\"operator\": \"or\", \"filters\": [{\"column\": \"due\", \"operator\": \"isToday\"},
      {\"column\": \"priority\", \"operator\": \"eq\", \"value\": 1}]}'
  chancery query tasks --search 'printer' --limit all --format ndjson
  chancery query customers --search 'jonson' --fuzzy
  chancery query tasks status=todo --count")]
pub(crate) struct Query {
    /// The table
    table: String,
    /// Filters; all must hold
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// A filter as JSON
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    #[command(flatten)]
    searched: Searched,
    /// Print only how many there are
    #[arg(long)]
    count: bool,
    #[command(flatten)]
    listing: Listing,
    #[command(flatten)]
    target: TargetArgs,
}

/// Which words are searched for.
#[derive(Args, Debug)]
pub(crate) struct Searched {
    /// Words that a record must hold
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Find words with typing mistakes and without their accents too, the best first
    #[arg(long, requires = "search")]
    fuzzy: bool,
}

impl Searched {
    /// The search as it stands on the wire.
    pub(crate) fn search(self) -> Option<Search> {
        self.search.map(|query| Search {
            query,
            fuzzy: self.fuzzy,
            ..Search::default()
        })
    }
}

/// How records are listed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Listing {
    /// Columns to sort by, with a minus for downwards: status,-createdAt
    #[arg(
        long,
        value_name = "COLUMNS",
        allow_hyphen_values = true,
        value_delimiter = ','
    )]
    sort: Vec<String>,
    /// The columns to show, besides them id, version, createdAt, updatedAt, createdBy, updatedBy
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,
    /// At most so many records, or all
    #[arg(long, value_name = "N", default_value = "100", value_parser = limit)]
    limit: Limit,
    /// How they are written
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
}

/// How many records.
#[derive(Clone, Copy, Debug)]
enum Limit {
    All,
    Most(u64),
}

fn limit(text: &str) -> Result<Limit, String> {
    if text == "all" {
        return Ok(Limit::All);
    }
    text.parse()
        .map(Limit::Most)
        .map_err(|_| format!("a number or all, such as {LIMIT}"))
}

impl Query {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = &*self.target.open(Missing::Refuse)?;
        let question = Question {
            filter: filter::together(&self.filters, self.filter.as_deref())?,
            search: self.searched.search(),
            ..Question::default()
        };
        if self.count {
            let count = target.count(&self.table, &question)?;
            match output.json() {
                true => output.value(&serde_json::json!({"count": count}))?,
                false => output.line(&count.to_string())?,
            }
            return Ok(Exit::Done);
        }
        list(target, &self.table, question, &self.listing, output)?;
        Ok(Exit::Done)
    }
}

/// Lists the records of a question.
pub(crate) fn list(
    target: &dyn Target,
    table: &str,
    mut question: Question,
    listing: &Listing,
    output: &Output,
) -> Result<(), Failure> {
    let definition = target.table(table)?;
    let most = match listing.limit {
        Limit::All => None,
        Limit::Most(most) => Some(most),
    };
    question.sort = sort(&listing.sort);
    // One more than asked for tells whether there are more.
    question.limit = most.map(|most| most.saturating_add(1));
    let format = if output.json() {
        Format::Json
    } else {
        listing.format
    };
    let mut writer = RecordWriter::new(output.data(), &definition, &listing.columns, format)?;
    let (mut seen, most) = (0_u64, most.unwrap_or(u64::MAX));
    target.query(&definition.id, &question, &mut |page| {
        for record in &page {
            seen += 1;
            if seen <= most {
                writer.write(record)?;
            }
        }
        Ok(())
    })?;
    let written = writer.finish()?;
    if format == Format::Table && written == 0 {
        output.say("no records");
    } else if seen > most {
        let all = target.count(&definition.id, &question)?;
        output.say(&format!(
            "{} of {} records; --limit all shows the rest",
            thousands(written),
            thousands(all)
        ));
    }
    Ok(())
}

/// `status`, `-createdAt` as sort keys.
fn sort(keys: &[String]) -> Vec<Sort> {
    let key = |text: &String| {
        let (column, direction) = match text.trim().strip_prefix('-') {
            Some(column) => (column, Direction::Desc),
            None => (text.trim(), Direction::Asc),
        };
        Sort {
            column: column.to_owned(),
            direction,
            nulls: None,
        }
    };
    keys.iter().map(key).collect()
}
