//! CSV files into tables: good ones, bad ones, and what is left behind. Reads no files of the disk.

mod forms;
mod hostile;
mod rows;
mod whole;

use chancery::{
    Blank, ColumnInput, ExportOptions, GuardRule, ImportEnd, ImportFile, ImportOptions, ImportReport, Json,
    Mapping, Notation, OnError, Query, ReadOptions, Store, TableHandle, TableInput, json,
};

async fn people() -> TableHandle {
    people_in("memory:").await
}

/// The same table on every backend.
async fn everywhere() -> Vec<(TableHandle, tempfile::TempDir)> {
    let mut tables = Vec::new();
    for name in ["memory:", "sqlite:"] {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("test.db").display().to_string();
        let url = if name == "memory:" {
            name.to_owned()
        } else {
            format!("{name}{place}")
        };
        tables.push((people_in(&url).await, folder));
    }
    tables
}

async fn people_in(url: &str) -> TableHandle {
    let store = Store::open(url).await.expect("it opens");
    let input = TableInput::new("People")
        .column(ColumnInput::new("Email", "text").unique())
        .column(ColumnInput::new("Name", "text").required())
        .column(ColumnInput::new("Age", "number").range(0, 150));
    store.create_table(input).await.expect("a table")
}

fn file(text: &str) -> ImportFile {
    ImportFile::bytes(text.as_bytes())
}

async fn import(table: &TableHandle, text: &str, options: ImportOptions) -> ImportReport {
    table
        .import_csv(&file(text), &Mapping::new(), &options)
        .await
        .expect("a report")
}

async fn column(table: &TableHandle, slug: &str) -> Vec<Json> {
    table
        .all()
        .await
        .expect("records")
        .iter()
        .map(|record| record.get(slug))
        .collect()
}

fn counts(report: &ImportReport) -> (u64, u64, u64, u64) {
    (report.created, report.updated, report.unchanged, report.failed)
}

fn errors(report: &ImportReport) -> Vec<(u64, u64, &str, &str)> {
    report
        .errors
        .iter()
        .map(|error| (error.row, error.line, error.field.as_str(), error.code.as_str()))
        .collect()
}

fn go_on() -> ImportOptions {
    ImportOptions {
        on_error: OnError::Continue,
        ..ImportOptions::default()
    }
}

fn trial(options: ImportOptions) -> ImportOptions {
    ImportOptions {
        dry_run: true,
        ..options
    }
}

fn updating(columns: &[&str]) -> ImportOptions {
    let match_on = columns.iter().map(|slug| (*slug).to_owned()).collect();
    ImportOptions {
        update_existing: true,
        match_on,
        ..ImportOptions::default()
    }
}

const MIXED: &str =
    "name,Email,AGE\nAda,ada@x,36\n,no@x,1\nGrace,ada@x,85\n\"Two\nlines\",t@x,old\nAlan,alan@x,41\n";

#[track_caller]
fn message(result: Result<ImportReport, chancery::Error>) -> String {
    result.expect_err("refused").to_string()
}

async fn refused(bytes: &[u8], read: ReadOptions) -> String {
    let options = ImportOptions {
        read,
        create_columns: true,
        ..ImportOptions::default()
    };
    let table = people().await;
    let refused = table
        .import_csv(&ImportFile::bytes(bytes), &Mapping::new(), &options)
        .await;
    assert_eq!(table.count(&Query::new()).await.expect("a count"), 0);
    message(refused)
}
