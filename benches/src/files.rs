//! CSV in and out at 100,000 and 1,000,000 rows (10,000,000 with `--long`), each in a process of its own, so that its
//! memory can be told. Beside it the same work by hand.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use chancery::{ExportOptions, ImportFile, ImportOptions, Mapping, Store, TableInput};

use crate::contacts::{HEADER, contact};
use crate::folder::{Folder, sqlite_url};
use crate::hand::Hand;
use crate::machine::peak_mb;
use crate::measure::{Effort, median, process_seconds};
use crate::report::{Bar, Row, Section, Unit};

const SPEC: &str = "spec: tables";
/// Rows in one commit by hand.
const COMMIT: usize = 10_000;

/// One file, one way, in this process.
#[derive(Clone, Debug, clap::Subcommand)]
pub(crate) enum Errand {
    /// Imports a CSV file into a new table
    Import {
        /// The CSV file
        file: PathBuf,
        /// The database
        database: PathBuf,
    },
    /// Imports a CSV file by hand into a relation like that of another database
    ImportByHand {
        /// The CSV file
        file: PathBuf,
        /// The database
        database: PathBuf,
        /// The database whose relation is copied
        like: PathBuf,
    },
    /// Exports the table of contacts
    Export {
        /// The database
        database: PathBuf,
        /// The CSV file
        file: PathBuf,
    },
    /// Exports the table of contacts by hand
    ExportByHand {
        /// The database
        database: PathBuf,
        /// The CSV file
        file: PathBuf,
    },
}

/// Measures the section.
pub(crate) fn run(effort: Effort) -> Result<Section> {
    let folder = Folder::new()?;
    let count = effort.records(100_000);
    let small = Measured::of(&folder, count, effort.slow_runs())?;
    let large = Measured::of(&folder, count * 10, effort.slow_runs())?;
    let huge = match effort.long {
        true => Some(Measured::of(&folder, count * 100, 1)?),
        false => None,
    };
    let mut rows = Vec::new();
    let sizes = [(count, &small, Some(&large)), (count * 10, &large, huge.as_ref())];
    for (count, here, tenfold) in sizes {
        let grown = |row: Row, of: fn(&Measured) -> f64| match tenfold {
            Some(tenfold) => row.at_ten_times(of(tenfold)),
            None => row,
        };
        rows.push(grown(
            Row::new(format!("CSV import, {count} rows"), Unit::PerSecond, here.import)
                .by_hand(
                    here.import_by_hand,
                    "csv and prepared inserts, no checks, no inference",
                )
                .bar(Bar::AtLeast(60_000.0))
                .note(SPEC)
                .note(&here.processor(0)),
            |measured| measured.import,
        ));
        rows.push(grown(
            Row::new(format!("CSV export, {count} rows"), Unit::PerSecond, here.export)
                .by_hand(here.export_by_hand, "a SELECT and csv, ids and dates unformatted")
                .bar(Bar::AtLeast(300_000.0))
                .note(SPEC)
                .note(&here.processor(2)),
            |measured| measured.export,
        ));
    }
    rows.push(memory(&small, &large, count * 10));
    if let Some(huge) = &huge {
        rows.push(memory(&small, huge, count * 100));
    }
    Ok(Section {
        title: "Library, SQLite, synchronous=FULL: CSV files of 14 columns".into(),
        rows,
    })
}

fn memory(small: &Measured, large: &Measured, count: usize) -> Row {
    Row::new(
        format!("most memory of importing {count} rows"),
        Unit::Mb,
        large.import_mb,
    )
    .by_hand(small.import_mb, "not by hand, but of importing the smallest file")
    .bar(Bar::AtMost(300.0))
    .bar(Bar::TimesHandAtMost(1.25))
    .note("spec: tables (flat: 1.25 × allowed)")
}

/// Rows a second, and the memory of an import.
struct Measured {
    import: f64,
    import_by_hand: f64,
    import_mb: f64,
    export: f64,
    export_by_hand: f64,
    /// Processor time of a row in µs, all threads together, in the order import, by hand, export, by hand.
    processor_us: [f64; 4],
}

impl Measured {
    fn processor(&self, first: usize) -> String {
        let [ours, by_hand] = [self.processor_us[first], self.processor_us[first + 1]];
        format!("processor time of a row {ours:.1} µs, by hand {by_hand:.1} µs")
    }

    fn of(folder: &Folder, count: usize, runs: usize) -> Result<Measured> {
        let file = folder.path(&format!("contacts-{count}.csv"));
        write_file(&file, count)?;
        let (database, by_hand) = (folder.path("import.db"), folder.path("by-hand.db"));
        let exported = folder.path("export.csv");
        let mut figures: [Vec<f64>; 9] = Default::default();
        for _ in 0..runs {
            remove(&database);
            remove(&by_hand);
            let path = |path: &Path| path.display().to_string();
            let import = errand(&["import", &path(&file), &path(&database)])?;
            let hand = errand(&["import-by-hand", &path(&file), &path(&by_hand), &path(&database)])?;
            let export = errand(&["export", &path(&database), &path(&exported)])?;
            ensure!(
                lines(&exported)? == count + 1,
                "the export has {} lines",
                lines(&exported)?
            );
            let export_by_hand = errand(&["export-by-hand", &path(&database), &path(&exported)])?;
            let per_second = |seconds: f64| count as f64 / seconds;
            figures[0].push(per_second(import.seconds));
            figures[1].push(per_second(hand.seconds));
            figures[2].push(import.peak_mb);
            figures[3].push(per_second(export.seconds));
            figures[4].push(per_second(export_by_hand.seconds));
            for (index, cost) in [import, hand, export, export_by_hand].iter().enumerate() {
                figures[5 + index].push(cost.processor_seconds / count as f64 * 1e6);
            }
        }
        std::fs::remove_file(&file)?;
        let [
            import,
            import_by_hand,
            import_mb,
            export,
            export_by_hand,
            a,
            b,
            c,
            d,
        ] = figures.map(median);
        Ok(Measured {
            import,
            import_by_hand,
            import_mb,
            export,
            export_by_hand,
            processor_us: [a, b, c, d],
        })
    }
}

fn write_file(path: &Path, count: usize) -> Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "{HEADER}")?;
    let mut line = String::new();
    for number in 0..count as u64 {
        line.clear();
        contact(number).csv_line(&mut line);
        out.write_all(line.as_bytes())?;
    }
    out.flush()?;
    Ok(())
}

fn lines(path: &Path) -> Result<usize> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(path)?;
    let mut record = csv::ByteRecord::new();
    let mut count = 0;
    while reader.read_byte_record(&mut record)? {
        count += 1;
    }
    Ok(count)
}

fn remove(database: &Path) {
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        // It may never have been there.
        let _ = std::fs::remove_file(path);
    }
}

/// What an errand cost.
struct Cost {
    seconds: f64,
    processor_seconds: f64,
    peak_mb: f64,
}

/// Runs an errand in a process of its own.
fn errand(arguments: &[&str]) -> Result<Cost> {
    let output = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "{} ended with {}",
        arguments[0],
        output.status
    );
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(Ok(seconds)), Some(Ok(processor_seconds)), Some(Ok(peak_mb))) => Ok(Cost {
            seconds,
            processor_seconds,
            peak_mb,
        }),
        _ => bail!("{} printed {text:?}", arguments[0]),
    }
}

impl Errand {
    /// Does it, and answers the line that [`errand`] reads.
    pub(crate) fn run(&self) -> Result<String> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let before = process_seconds();
        let seconds = match self {
            Errand::Import { file, database } => runtime.block_on(import(file, database))?,
            Errand::ImportByHand { file, database, like } => import_by_hand(file, database, like)?,
            Errand::Export { database, file } => runtime.block_on(export(database, file))?,
            Errand::ExportByHand { database, file } => export_by_hand(database, file)?,
        };
        let processor_seconds = process_seconds() - before;
        Ok(format!(
            "{seconds} {processor_seconds} {}",
            peak_mb().unwrap_or(f64::NAN)
        ))
    }
}

async fn import(file: &Path, database: &Path) -> Result<f64> {
    let store = Store::open(&sqlite_url(database)).await?;
    let start = Instant::now();
    let file = ImportFile::path(file);
    let (table, report) = store
        .import_new_table(
            &file,
            TableInput::new("Contacts"),
            &Mapping::new(),
            &ImportOptions::default(),
        )
        .await?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(
        table.is_some() && report.failed == 0 && report.created == report.rows,
        "the import failed: {:?}",
        report.errors.first()
    );
    store.close().await?;
    Ok(seconds)
}

fn import_by_hand(file: &Path, database: &Path, like: &Path) -> Result<f64> {
    let hand = Hand::like(like, database, "full")?;
    let start = Instant::now();
    let mut reader = csv::Reader::from_path(file)?;
    let mut record = csv::StringRecord::new();
    let mut number = 0;
    hand.connection.execute_batch("BEGIN IMMEDIATE")?;
    while reader.read_record(&mut record)? {
        number += 1;
        hand.insert_cells(&record, number)?;
        if number.is_multiple_of(COMMIT as u64) {
            hand.connection.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
    }
    hand.connection.execute_batch("COMMIT")?;
    Ok(start.elapsed().as_secs_f64())
}

async fn export(database: &Path, file: &Path) -> Result<f64> {
    let store = Store::open(&sqlite_url(database)).await?;
    let table = store.table("contacts")?;
    let start = Instant::now();
    let mut out = BufWriter::new(File::create(file)?);
    let mut stream = table.export_csv(&ExportOptions::default()).await?;
    while let Some(bytes) = stream.next().await {
        out.write_all(&bytes?)?;
    }
    out.flush()?;
    let seconds = start.elapsed().as_secs_f64();
    store.close().await?;
    Ok(seconds)
}

fn export_by_hand(database: &Path, file: &Path) -> Result<f64> {
    let hand = Hand::reading(database)?;
    let start = Instant::now();
    let mut out = csv::Writer::from_path(file)?;
    out.write_record(HEADER.split(','))?;
    let mut select = hand
        .connection
        .prepare(&hand.select("WHERE deleted_at IS NULL ORDER BY id"))?;
    let mut rows = select.query([])?;
    let mut cell = String::new();
    while let Some(row) = rows.next()? {
        for column in 0..14 {
            use std::fmt::Write;
            cell.clear();
            match row.get_ref(4 + column)? {
                rusqlite::types::ValueRef::Text(text) => {
                    cell.push_str(std::str::from_utf8(text).context("text is UTF-8")?)
                }
                rusqlite::types::ValueRef::Integer(int) => write!(cell, "{int}")?,
                rusqlite::types::ValueRef::Real(real) => write!(cell, "{real}")?,
                _ => {}
            }
            out.write_field(&cell)?;
        }
        out.write_record(None::<&[u8]>)?;
    }
    out.flush()?;
    Ok(start.elapsed().as_secs_f64())
}
