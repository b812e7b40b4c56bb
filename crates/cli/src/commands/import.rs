//! `chancery import`: a file becomes records, and every row is accounted for. Reading and checking are the library's.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chancery::{
    ImportControl, ImportFile, ImportOptions, Mapping, Notation, OnError, OnMany, Progress, ReadOptions,
    Store,
};
use chancery_api::bulk;
use chancery_api::imports::CsvOptions;
use chancery_api::tables::Table;
use chancery_server::convert::imports as convert;
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::table::thousands;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::target::{ImportJob, Imported, Into, Missing, Target, TargetArgs, Watch};

/// Bad rows shown word for word; the file beside the import has all of them.
const ROWS_SHOWN: usize = 50;

/// Make records out of a file
#[derive(Args, Debug)]
#[command(
    long_about = "Make records out of a CSV, XLSX or JSON file (also packed: .gz, .zst, .zip), or a table out of its JSON export.\n\n\
Encoding, delimiter and types are found out over the whole file; a column becomes a number or a date only if every value \
keeps every character, so 00501 stays 00501. All rows are checked before anything is written: if one is bad, nothing is \
written and every bad one is named. With --continue-on-error the good ones are written and the bad ones go to \
FILE.errors.csv, to be mended and imported again. The JSON export of a whole table makes that table, or under the name of a table \
that is there brings its records into that. Encrypted values are masks in an export, so those cells are left out and counted: a \
record keeps what it has. `chancery imports` lists imports and takes them back.",
    after_long_help = "\
Examples:
  chancery import customers.csv --create                     a new table named after the file
  chancery import customers.csv people --create              a new table of another name
  chancery import new.csv customers --map 'E-mail=email' --map 'Notes='
  chancery import prices.csv products --match-on sku --blank keep
  chancery import messy.csv tasks --dry-run
  chancery import bank.csv payments --locale de-DE --encoding windows-1252
  chancery import book.xlsx orders --sheet 2024 --create
  chancery import huge.csv.gz events --errors refused.csv
  chancery import tasks.json                                 a table out of its JSON export
  chancery import tasks.json tasks --match-on id             the records of an export, into a table that is there
  chancery import more.ndjson tasks                          JSON objects, one per line"
)]
pub(crate) struct Import {
    /// The file
    file: PathBuf,
    /// The table; named after the file when absent
    table: Option<String>,
    /// Make the table
    #[arg(long)]
    create: bool,
    /// Where a column of the file goes: \"CSV Header=slug\"; nothing after = leaves it out
    #[arg(long = "map", value_name = "HEADER=COLUMN", value_parser = pair)]
    mapping: Vec<(String, String)>,
    /// Add columns the table lacks
    #[arg(long)]
    create_columns: bool,
    /// Add options that select columns lack
    #[arg(long)]
    create_options: bool,
    /// Make the records of other tables that cells name, where nobody is called so
    #[arg(long)]
    create_missing: bool,
    /// Change records that have the same values in these columns (id and externalId too) instead of making new ones
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    match_on: Vec<String>,
    /// When several records match
    #[arg(long, value_enum, default_value = "error")]
    on_many: Many,
    /// What an empty cell does to a record that matches
    #[arg(long, value_enum, default_value = "keep")]
    blank: Empty,
    /// Write the good rows although others are bad
    #[arg(long)]
    continue_on_error: bool,
    /// Check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    /// The encoding: utf-8, windows-1252 …; found out when absent
    #[arg(long)]
    encoding: Option<String>,
    /// The character between cells (tab for a tab); found out when absent
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<char>,
    /// The sheet of a workbook, by its name or its number; the first one when absent
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// Where the refused rows are written; FILE.errors.csv when absent, if good ones were written
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// How numbers and dates are written: en-US, de-DE …
    #[arg(long)]
    locale: Option<String>,
    /// Keep every new column as text
    #[arg(long)]
    all_text: bool,
    /// The first row holds data, not names
    #[arg(long)]
    no_header: bool,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Many {
    /// The row is bad
    Error,
    /// The first one is changed
    First,
    /// All of them are changed
    All,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Empty {
    /// Nothing: the record keeps what it has
    Keep,
    /// It clears the value
    Clear,
    /// Only what the record lacks is filled in
    FillOnly,
}

impl Import {
    pub(crate) fn run(self, output: &Output) -> Result<Exit, Failure> {
        if !self.file.is_file() {
            return Err(Failure::new(format!("there is no file {}", self.file.display())));
        }
        let kind = match kind(&self.file)? {
            // Objects whose members go where they are told to become rows of cells.
            Kind::Objects if self.create || self.create_columns || !self.mapping.is_empty() => Kind::Cells,
            kind => kind,
        };
        let makes = self.create || matches!(kind, Kind::Export);
        if matches!(kind, Kind::Export) && !self.mapping.is_empty() {
            return Err(Failure::new("--map does not go with the export of a whole table")
                .hint("export it with --format ndjson or csv, and import that with --map"));
        }
        let target = self
            .target
            .open(if makes { Missing::Make } else { Missing::Refuse })?;
        let mut named = self.table.clone().unwrap_or_else(|| stem(&self.file));
        let into = match kind {
            Kind::Export if self.is_there(&*target, &mut named)? => Into::Records(&named),
            Kind::Export => Into::Export(self.table.as_deref()),
            Kind::Objects => Into::Objects(&named),
            Kind::Cells => match self.place(&*target, &mut named, output)? {
                Place::Table => Into::Table(&named),
                Place::New => Into::New(&named),
            },
        };
        let job = ImportJob {
            file: &self.file,
            into,
            mapping: self.mapping.clone(),
            options: self.options(),
        };
        let bar = bar(output);
        let done = target.import(&job, watch(&bar));
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        tell(&done?, &self, output)
    }

    /// Whether a table was named that exists; then `named` becomes its slug.
    fn is_there(&self, target: &dyn Target, named: &mut String) -> Result<bool, Failure> {
        if self.create || self.table.is_none() {
            return Ok(false);
        }
        let tables = target.tables()?;
        let found = tables.iter().find(|table| is_called(table, named));
        Ok(found.is_some_and(|table| {
            named.clone_from(&table.slug);
            true
        }))
    }

    /// Whether the table exists (then `named` becomes its slug), or is made, if that was asked for, now or before.
    fn place(&self, target: &dyn Target, named: &mut String, output: &Output) -> Result<Place, Failure> {
        let tables = target.tables()?;
        if let Some(table) = tables.iter().find(|table| is_called(table, named)) {
            named.clone_from(&table.slug);
            return Ok(Place::Table);
        }
        let question = format!("There is no table \"{named}\". Make it from the file?");
        if self.create || output.somebody_there() && output.confirm(&question)? {
            return Ok(Place::New);
        }
        // Says which table may have been meant.
        let failure = target
            .table(named)
            .err()
            .unwrap_or_else(|| Failure::new(format!("no table \"{named}\"")));
        Err(failure.instead("add --create to make the table from the file"))
    }

    fn options(&self) -> CsvOptions {
        CsvOptions {
            skip_first_row: Some(!self.no_header),
            create_columns: self.create_columns,
            create_options: self.create_options,
            create_missing: self.create_missing,
            all_text: self.all_text,
            update_existing: None,
            match_on: (!self.match_on.is_empty()).then(|| self.match_on.clone()),
            on_many: match self.on_many {
                Many::Error => bulk::OnMany::Error,
                Many::First => bulk::OnMany::First,
                Many::All => bulk::OnMany::All,
            },
            blank: match self.blank {
                Empty::Keep => bulk::Blank::Keep,
                Empty::Clear => bulk::Blank::Clear,
                Empty::FillOnly => bulk::Blank::FillOnly,
            },
            continue_on_error: self.continue_on_error,
            dry_run: self.dry_run,
            encoding: self.encoding.clone(),
            delimiter: self.delimiter.map(String::from),
            locale: self.locale.clone(),
            sheet: self.sheet.clone(),
            ..CsvOptions::default()
        }
    }
}

fn is_called(table: &Table, named: &str) -> bool {
    table.slug == named || table.id == named || table.name == named
}

/// Whether a table is there.
enum Place {
    Table,
    New,
}

/// What a file holds.
enum Kind {
    /// Cells: CSV.
    Cells,
    /// JSON objects, in an array or line by line.
    Objects,
    /// The JSON export of a whole table.
    Export,
}

/// What a file holds, by its ending and, for JSON, how it begins.
fn kind(file: &Path) -> Result<Kind, Failure> {
    let ending = file
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("ndjson" | "jsonl") => Ok(Kind::Objects),
        Some("json") => {
            let mut start = [0_u8; 64];
            let told = |error: std::io::Error| Failure::new(format!("{}: {error}", file.display()));
            let read = File::open(file)
                .and_then(|mut file| file.read(&mut start))
                .map_err(told)?;
            let array = start[..read].trim_ascii_start().starts_with(b"[");
            Ok(if array { Kind::Objects } else { Kind::Export })
        }
        _ => Ok(Kind::Cells),
    }
}

/// The name of a file without its ending.
fn stem(file: &Path) -> String {
    let packed = file.extension().is_some_and(|ending| {
        ["gz", "zst", "zip"]
            .iter()
            .any(|packed| ending.eq_ignore_ascii_case(packed))
    });
    let inner = file.file_stem().filter(|_| packed).map(Path::new).unwrap_or(file);
    inner
        .file_stem()
        .map_or_else(|| "table".into(), |stem| stem.to_string_lossy().into_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    // The last = counts: headers may hold one, slugs cannot.
    let (header, slug) = text.rsplit_once('=').ok_or("write \"CSV Header=column\"")?;
    Ok((header.to_owned(), slug.trim().to_owned()))
}

fn delimiter(text: &str) -> Result<char, String> {
    let mut chars = text.chars();
    match (text, chars.next(), chars.next()) {
        ("tab" | "\\t", ..) => Ok('\t'),
        (_, Some(char), None) => Ok(char),
        _ => Err("one character, or tab".into()),
    }
}

/// A progress bar, where somebody watches.
fn bar(output: &Output) -> Option<ProgressBar> {
    if output.json() || !console::Term::stderr().is_term() {
        return None;
    }
    let style = ProgressStyle::with_template("{prefix:9} {bar:32} {percent:>3} %  {msg}").ok()?;
    let bar = ProgressBar::new(1).with_style(style.progress_chars("━╸─"));
    bar.enable_steady_tick(Duration::from_millis(100));
    Some(bar)
}

/// Moves the bar.
fn watch(bar: &Option<ProgressBar>) -> Watch {
    let Some(bar) = bar.clone() else {
        return Watch::default();
    };
    Watch(Some(Box::new(move |progress: Progress| {
        bar.set_prefix(match progress.phase {
            chancery::Phase::Checking => "checking",
            chancery::Phase::Writing => "writing",
            chancery::Phase::TakingBack => "undoing",
            chancery::Phase::Done => "done",
        });
        bar.set_length(progress.bytes_total.max(1));
        bar.set_position(progress.bytes);
        bar.set_message(format!(
            "{} rows, {}/s",
            thousands(progress.rows),
            thousands(progress.rate as u64)
        ));
    })))
}

/// Says what became of the file.
fn tell(done: &Imported, import: &Import, output: &Output) -> Result<Exit, Failure> {
    let report = &done.report;
    let exit = if report.failed > 0 {
        Exit::Refused
    } else {
        Exit::Done
    };
    if output.json() {
        output.value(report)?;
    } else {
        output.line(&counts(done, import.dry_run))?;
    }
    for error in report.errors.iter().take(ROWS_SHOWN) {
        let field = if error.field.is_empty() {
            String::new()
        } else {
            format!("  {}", error.field)
        };
        output.say(&format!(
            "line {}{field}  {}",
            error.line,
            with_value(&error.message, error.value.as_deref())
        ));
    }
    let hidden = report
        .errors_total
        .saturating_sub(report.errors.len().min(ROWS_SHOWN) as u64);
    if hidden > 0 {
        output.say(&format!("… and {} more", thousands(hidden)));
    }
    if report.failed > 0 && (report.written || import.errors.is_some()) {
        let path = import.errors.clone().unwrap_or_else(|| {
            let mut name = import.file.as_os_str().to_owned();
            name.push(".errors.csv");
            PathBuf::from(name)
        });
        File::create(&path)
            .and_then(|mut file| file.write_all(done.failed_rows.as_bytes()))
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        output.say(&format!(
            "the refused rows are in {}: mend them and import that file",
            path.display()
        ));
    }
    if report.failed > 0 && !report.written && !import.dry_run {
        output.say("nothing was written; mend the rows, or add --continue-on-error to write the good ones");
    }
    Ok(exit)
}

fn counts(done: &Imported, dry_run: bool) -> String {
    let report = &done.report;
    let mut parts = vec![format!("{} created", thousands(report.created))];
    let more = [
        (report.updated, "updated"),
        (report.unchanged, "unchanged"),
        (report.failed, "refused"),
    ];
    parts.extend(
        more.iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", thousands(*count))),
    );
    let what = match (dry_run, report.written || report.failed == 0) {
        (true, _) => " (nothing is written in a dry run)",
        (false, false) => " (nothing was written)",
        (false, true) => "",
    };
    let masked = match report.masked {
        0 => String::new(),
        1 => "; 1 cell was left out, as it is the mask of an encrypted value".to_owned(),
        many => format!(
            "; {} cells were left out, as they are masks of encrypted values",
            thousands(many)
        ),
    };
    format!(
        "{} rows: {}{what}{masked}",
        thousands(report.rows),
        parts.join(", ")
    )
}

/// The message with the value it is about, unless it says it already.
fn with_value(message: &str, value: Option<&str>) -> String {
    match value.filter(|value| !value.is_empty() && !message.contains(*value)) {
        Some(value) => format!("{value:?}: {message}"),
        None => message.to_owned(),
    }
}

/// An import into a database on this machine.
pub(crate) async fn locally(store: &Store, job: &ImportJob<'_>, watch: Watch) -> Result<Imported, Failure> {
    let file = ImportFile::path(job.file);
    let options = ImportOptions {
        file_name: job
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
        ..options(&job.options, watch)?
    };
    let mapping: Mapping = job
        .mapping
        .iter()
        .map(|(header, slug)| (header.clone(), Some(slug.clone()).filter(|slug| !slug.is_empty())))
        .collect();
    let report = match job.into {
        Into::Table(table) => store.table(table)?.import_csv(&file, &mapping, &options).await?,
        Into::New(name) => {
            let input = chancery::TableInput::new(name);
            store.import_new_table(&file, input, &mapping, &options).await?.1
        }
        Into::Objects(table) => store.table(table)?.import_objects(&file, &options).await?,
        Into::Records(table) => store.table(table)?.import_export(&file, &options).await?,
        Into::Export(rename) => store.import_json(&file, rename, &options).await?.1,
    };
    let failed_rows = match report.failed > 0 {
        true => store.import_failed_rows(&report.import_id).await?,
        false => String::new(),
    };
    if let chancery::ImportEnd::Failed(why) = &report.end {
        return Err(Failure::new(format!(
            "the import failed and what it wrote was taken back: {why}"
        )));
    }
    Ok(Imported {
        report: convert::report(&report),
        failed_rows,
    })
}

fn options(wire: &CsvOptions, watch: Watch) -> Result<ImportOptions, Failure> {
    let notation = match &wire.locale {
        None => Notation::default(),
        Some(locale) => Notation::of_locale(locale).ok_or_else(|| {
            Failure::new(format!("the locale \"{locale}\" is unknown"))
                .hint("write a language and a region, such as en-US or de-DE")
        })?,
    };
    Ok(ImportOptions {
        read: ReadOptions {
            header: wire.skip_first_row,
            encoding: wire.encoding.clone(),
            delimiter: wire.delimiter.as_ref().and_then(|text| text.chars().next()),
            sheet: wire.sheet.clone(),
            ..ReadOptions::default()
        },
        notation,
        create_columns: wire.create_columns,
        create_options: wire.create_options,
        create_missing: wire.create_missing,
        all_text: wire.all_text,
        update_existing: wire.match_on.is_some(),
        match_on: wire.match_on.clone().unwrap_or_default(),
        on_many: match wire.on_many {
            bulk::OnMany::Error => OnMany::Error,
            bulk::OnMany::First => OnMany::First,
            bulk::OnMany::All => OnMany::All,
        },
        blank: match wire.blank {
            bulk::Blank::Keep => chancery::Blank::Keep,
            bulk::Blank::Clear => chancery::Blank::Clear,
            bulk::Blank::FillOnly => chancery::Blank::FillOnly,
        },
        on_error: if wire.continue_on_error {
            OnError::Continue
        } else {
            OnError::Abort
        },
        dry_run: wire.dry_run,
        control: watch
            .0
            .map_or_else(ImportControl::default, ImportControl::watched),
        ..ImportOptions::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_reads_from_its_last_equals_sign() {
        assert_eq!(pair("a=b=c").unwrap(), ("a=b".into(), "c".into()));
        assert_eq!(pair("Notes=").unwrap(), ("Notes".into(), String::new()));
        assert!(pair("Notes").is_err());
    }

    #[test]
    fn a_value_is_said_once() {
        assert_eq!(
            with_value("\"31.2.\" is not a date", Some("31.2.")),
            "\"31.2.\" is not a date"
        );
        assert_eq!(
            with_value("Maximum value is 5", Some("9")),
            "\"9\": Maximum value is 5"
        );
        assert_eq!(with_value("Field is required", Some("")), "Field is required");
    }
}
