//! `chancery export`: a table as a file. It streams: no table is too large.

use std::io::Write;
use std::path::{Path, PathBuf};

use chancery::{ExportOptions, TableHandle};
use chancery_server::convert::queries;
use clap::Args;

use super::query::Searched;
use crate::failure::{Exit, Failure};
use crate::filter;
use crate::output::{Output, to_file};
use crate::target::{Escape, ExportFormat, ExportJob, Links, Missing, TargetArgs};

/// Write a table to a file or stdout
#[derive(Args, Debug)]
#[command(after_long_help = "\
CSV: texts that a spreadsheet would run as formulas are written with an apostrophe before them, which `import` takes away
again; --no-escape leaves them as they are. XLSX has typed cells, and a sheet for each 1,048,576 rows. JSON holds the definition too, and `import` makes the same table from it.

Examples:
  chancery export tasks > tasks.csv
  chancery export tasks -o tasks.json
  chancery export tasks status=done --columns title,due --format csv
  chancery export tasks --format ndjson | jq .title
  chancery export customers --search 'jonson' --fuzzy > alike.csv
  chancery export tasks -o tasks.xlsx --links label")]
pub(crate) struct Export {
    /// The table
    table: String,
    /// Filters as in `query`; all must hold
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// The file; stdout when absent
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The shape; by the file's ending when absent, else csv
    #[arg(long, value_enum)]
    format: Option<ExportFormat>,
    /// The columns, besides them id, version, createdAt, updatedAt, createdBy, updatedBy, externalId
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,
    /// A filter as JSON
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    #[command(flatten)]
    searched: Searched,
    /// Leave texts that a spreadsheet would run as they are
    #[arg(long)]
    no_escape: bool,
    /// How records and users that others name are written
    #[arg(long, value_enum, default_value = "id")]
    links: Links,
    #[command(flatten)]
    target: TargetArgs,
}

impl Export {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        let target = self.target.open(Missing::Refuse)?;
        let job = ExportJob {
            format: self
                .format
                .or_else(|| self.output.as_deref().and_then(by_ending))
                .unwrap_or_default(),
            filter: filter::together(&self.filters, self.filter.as_deref())?,
            search: self.searched.search(),
            columns: self.columns,
            escape: if self.no_escape {
                Escape::None
            } else {
                Escape::Formula
            },
            links: self.links,
            table: self.table,
        };
        if job.format == ExportFormat::Json && job.links != Links::Id {
            return Err(
                Failure::new("a JSON export keeps ids, so --links does not go with it")
                    .hint("use --format ndjson, csv or xlsx"),
            );
        }
        if job.format == ExportFormat::Json && !job.columns.is_empty() {
            return Err(Failure::new(
                "a JSON export holds the whole table, so --columns does not go with it",
            )
            .hint("use --format ndjson or csv"));
        }
        match &self.output {
            None => {
                let mut out = output.data();
                target.export(&job, &mut out)?;
                out.flush()?;
            }
            Some(path) => to_file(path, |out| target.export(&job, out))?,
        }
        Ok(Exit::Done)
    }
}

fn by_ending(path: &Path) -> Option<ExportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ExportFormat::Csv),
        "json" => Some(ExportFormat::Json),
        "ndjson" | "jsonl" => Some(ExportFormat::Ndjson),
        "xlsx" => Some(ExportFormat::Xlsx),
        _ => None,
    }
}

/// An export out of a database on this machine.
pub(crate) async fn locally(
    handle: &TableHandle,
    job: &ExportJob,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let query = queries::question(job.filter.as_ref(), &[], job.search.as_ref())?;
    let mut stream = match job.format {
        ExportFormat::Json => handle.export_json(&query).await?,
        format => {
            let escape = match job.escape {
                Escape::Formula => chancery::Escape::Formula,
                Escape::None => chancery::Escape::None,
            };
            let options = ExportOptions {
                columns: job.columns.clone(),
                query,
                escape,
                links: match job.links {
                    Links::Id => chancery::LinkForm::Id,
                    Links::Label => chancery::LinkForm::Label,
                    Links::Both => chancery::LinkForm::Both,
                },
                ..ExportOptions::default()
            };
            match format {
                ExportFormat::Ndjson => handle.export_ndjson(&options).await?,
                ExportFormat::Xlsx => handle.export_xlsx(&options).await?,
                _ => handle.export_csv(&options).await?,
            }
        }
    };
    while let Some(bytes) = stream.next().await {
        out.write_all(&bytes?)?;
    }
    Ok(())
}
