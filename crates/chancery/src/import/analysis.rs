//! What a file looks like before anything is written: its dialect, and for each column what it could be, over all rows.

use std::collections::HashSet;
use std::sync::Arc;

use chancery_model::define::column_slug;
use chancery_model::field::TextFormat;
use chancery_model::field::infer::Candidate;
use chancery_model::{JsonMap, Table};
use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::dialect::{self, Dialect};
use super::file::{FileFormat, ImportFile};
use super::mapping;
use super::options::{ImportControl, ImportOptions};
use super::prepare;
use super::scan::{self, ColumnScan, Scan, Wanted};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::store::Store;

/// What a file looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Analysis {
    /// The encoding, by its WHATWG name: `UTF-8`, `windows-1252` …
    pub encoding: String,
    /// The character between cells.
    pub delimiter: char,
    /// The character around cells.
    pub quote: char,
    /// Whether spaces after a delimiter are no part of the cell.
    pub spaced: bool,
    /// Whether the first row holds the names.
    pub has_header: bool,
    /// Whether it carries the mark of an export, whose apostrophes before formulas are taken away again.
    pub marked: bool,
    /// Rows, the header not counted.
    pub rows: u64,
    /// Its columns in order.
    pub columns: Vec<AnalysedColumn>,
    /// The first rows as text, at most [`PREVIEW_ROWS`].
    pub preview: Vec<Vec<String>>,
    /// Rows that cannot be taken as they are (too few or too many cells …).
    pub malformed: u64,
    /// What is odd about it, for a person.
    pub warnings: Vec<String>,
    /// What the file is.
    pub format: FileFormat,
    /// The sheets of a workbook, in order.
    pub sheets: Vec<String>,
    /// The sheet that was looked at.
    pub sheet: Option<String>,
}

/// Rows shown before an import.
pub const PREVIEW_ROWS: usize = 100;

/// What one column of a file looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnalysedColumn {
    /// Its name in the file.
    pub header: String,
    /// The slug a new column would get.
    pub slug: String,
    /// The field type that keeps every cell as it is written.
    pub field_type: String,
    /// The settings of that field type.
    pub config: JsonMap,
    /// Other types that most cells fit, with what each would cost.
    pub suggestions: Vec<Suggestion>,
    /// The column of the table it belongs into by its name, if a table was given.
    pub matches: Option<String>,
    /// Cells with something in them.
    pub filled: u64,
    /// Empty cells.
    pub empty: u64,
    /// The first different cells.
    pub samples: Vec<String>,
}

/// Another type that a column could have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// The id of the field type.
    pub field_type: String,
    /// The settings of that field type.
    pub config: JsonMap,
    /// Names of the options a select would need.
    pub options: Vec<String>,
    /// Cells that would be written differently when exported (`007` as `7`).
    pub would_change: u64,
    /// Cells that could not be kept.
    pub would_fail: u64,
    /// All cells that are not empty.
    pub of: u64,
}

impl Store {
    /// Reads a whole file and says what it looks like; for a new table. Besides CSV it may be a workbook (`.xlsx`), JSON objects
    /// in an array or line by line, and any of them packed (gzip, zstd, a zip archive of one file): what it is is found out. Numbers
    /// and dates are looked for as the notation of the options has them; what else they say counts only when it is imported.
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read at all: empty, an unclosed quote, bytes that are no text.
    /// [`Error::Limit`] for too many columns.
    pub async fn analyse_csv(&self, file: &ImportFile, options: &ImportOptions) -> Result<Analysis, Error> {
        analyse(file, options, None).await
    }
}

impl TableHandle {
    /// Reads a whole file and says what it looks like and where its columns belong in this table.
    ///
    /// # Errors
    /// As [`Store::analyse_csv`].
    pub async fn analyse_csv(&self, file: &ImportFile, options: &ImportOptions) -> Result<Analysis, Error> {
        analyse(file, options, Some(self.definition()?)).await
    }
}

async fn analyse(
    file: &ImportFile,
    options: &ImportOptions,
    table: Option<Arc<Table>>,
) -> Result<Analysis, Error> {
    let (file, options, format) = (file.clone(), options.read.clone(), options.notation.text);
    blocking(move || {
        let control = ImportControl::default();
        let file = prepare::rows(&file, &options, &control)?;
        let dialect = dialect::detect(&file, &options)?;
        let header = head(&file, dialect)?;
        let wanted = Wanted {
            types: Some(format),
            options: Vec::new(),
            preview: PREVIEW_ROWS,
        };
        let scan = scan::scan(&file, dialect, &wanted, &control)?;
        let mut analysis = say(dialect, &header, scan, (table.as_deref(), &format));
        if let Some(origin) = file.origin() {
            analysis.format = origin.format;
            analysis.sheets.clone_from(&origin.sheets);
            analysis.sheet.clone_from(&origin.sheet);
            analysis.warnings.extend(origin.notes.iter().cloned());
        }
        Ok(analysis)
    })
    .await
}

/// The first row: names, or as many empty ones as it has cells.
///
/// # Errors
/// As [`Cells::next`].
pub(super) fn head(file: &ImportFile, dialect: Dialect) -> Result<Vec<String>, Error> {
    let mut header = Cells::new(file, dialect)?.header()?.unwrap_or_default();
    if !dialect.header {
        header.iter_mut().for_each(String::clear);
    }
    Ok(header)
}

/// Runs what blocks where it blocks nobody.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("a task of an import ended: {error}")))?
}

fn say(
    dialect: Dialect,
    header: &[String],
    mut scan: Scan,
    (table, format): (Option<&Table>, &TextFormat),
) -> Analysis {
    let names = mapping::names(header);
    scan.columns.resize_with(names.len(), ColumnScan::default);
    let mut slugs = HashSet::new();
    let mut columns = Vec::with_capacity(names.len());
    for (name, scan) in names.iter().zip(&mut scan.columns) {
        let base = column_slug(name);
        let free = |n: usize| {
            if n == 1 {
                base.clone()
            } else {
                format!("{base}{n}")
            }
        };
        let slug = (1..)
            .map(free)
            .find(|slug| !slugs.contains(slug))
            .unwrap_or_default();
        slugs.insert(slug.clone());
        let choice = scan.choice(format);
        let others = scan
            .candidates()
            .into_iter()
            .filter(|other| other.field_type != choice.field_type);
        columns.push(AnalysedColumn {
            header: name.clone(),
            slug,
            field_type: choice.field_type.to_owned(),
            config: choice.config,
            suggestions: others.map(suggestion).collect(),
            matches: table
                .and_then(|table| mapping::by_name(table, name))
                .map(str::to_owned),
            filled: scan.filled,
            empty: scan.empty,
            samples: std::mem::take(&mut scan.samples),
        });
    }
    Analysis {
        encoding: dialect.encoding.name().to_owned(),
        delimiter: char::from(dialect.delimiter),
        quote: char::from(dialect.quote),
        spaced: dialect.spaced,
        has_header: dialect.header,
        marked: dialect.marked,
        rows: scan.rows,
        warnings: warnings(dialect, header, &scan),
        malformed: scan.malformed,
        columns,
        preview: scan.preview,
        format: FileFormat::Csv,
        sheets: Vec::new(),
        sheet: None,
    }
}

fn suggestion(candidate: Candidate) -> Suggestion {
    Suggestion {
        field_type: candidate.field_type.to_owned(),
        config: candidate.config,
        options: candidate.options,
        would_change: candidate.would_change,
        would_fail: candidate.would_fail,
        of: candidate.of,
    }
}

fn warnings(dialect: Dialect, header: &[String], scan: &Scan) -> Vec<String> {
    let mut warnings = Vec::new();
    if scan.rows == 0 {
        warnings.push("The file has a header and no rows".to_owned());
    }
    if scan.malformed > 0 {
        warnings.push(format!(
            "{} row(s) have too few or too many cells, or text behind a quote",
            scan.malformed
        ));
    }
    if dialect.spaced {
        warnings.push("Spaces after delimiters are taken as no part of the cells".to_owned());
    }
    let blank = header.iter().filter(|name| name.trim().is_empty()).count();
    if dialect.header && blank > 0 {
        warnings.push(format!("{blank} column(s) have no name"));
    }
    let mut seen = HashSet::new();
    let twice = header
        .iter()
        .filter(|name| !name.trim().is_empty() && !seen.insert(name.trim()));
    warnings.extend(twice.map(|name| {
        format!(
            "The name \"{}\" stands more than once in the first row",
            name.trim()
        )
    }));
    warnings
}
