//! Imports on the wire: files in, reports out. Reads no file itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    bulk::{Blank, OnMany},
    columns::ColumnCreate,
    tables::Table,
};

/// The form of `POST …/import/csv`, sent as `multipart/form-data`.
#[derive(Clone, Debug, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CsvUpload {
    /// The file.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
    /// Header of the file to slug of the column, as JSON; matched by name when absent.
    #[schema(value_type = Option<String>, content_media_type = "application/json")]
    pub mapping: Option<BTreeMap<String, String>>,
    /// How to read and what to do, as JSON.
    #[schema(value_type = Option<String>, content_media_type = "application/json")]
    pub options: Option<CsvOptions>,
    /// The name of a new table.
    pub name: Option<String>,
    /// The slug of a new table.
    pub slug: Option<String>,
    /// The workspace of a new table.
    pub workspace: Option<String>,
}

/// How a CSV file is read and what becomes of its rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsvOptions {
    /// Whether the first row holds the names; yes when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_first_row: Option<bool>,
    /// Whether columns the table lacks are added.
    #[serde(default)]
    pub create_columns: bool,
    /// Whether options that select columns lack are added.
    #[serde(default)]
    pub create_options: bool,
    /// Whether records of other tables are made that cells name, where nobody is called so.
    #[serde(default)]
    pub create_missing: bool,
    /// New columns as they are to be, each found by the slug that a column of the file is mapped to, or by its name there; the others
    /// are as the cells say. These are made though `createColumns` says nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_columns: Vec<ColumnCreate>,
    /// Whether new columns of which nothing is said are all text, whatever they look like.
    #[serde(default)]
    pub all_text: bool,
    /// Whether records that match are changed instead of doubled; yes when `matchOn` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_existing: Option<bool>,
    /// Whether rows that match nothing are refused instead of making records.
    #[serde(default)]
    pub update_only: bool,
    /// The column of the file that holds the record's id in another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id_column: Option<String>,
    /// The columns by which a record is found again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_on: Option<Vec<String>>,
    /// What happens when several match.
    #[serde(default)]
    pub on_many: OnMany,
    /// What an empty cell does to a record that is found.
    #[serde(default)]
    pub blank: Blank,
    /// Whether good rows are written although others are bad; otherwise it is all or nothing.
    #[serde(default)]
    pub continue_on_error: bool,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// The encoding; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// The one character between cells; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1)]
    pub delimiter: Option<String>,
    /// The one character around cells; found out when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1)]
    pub quote: Option<String>,
    /// The sheet of a workbook, by its name or its number from 1; the first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// How numbers and dates are written: `en-US`, `de-DE` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Its id; every record it made carries it.
    pub import_id: String,
    /// The table it went into; absent if a new one was not made after all.
    pub table_id: Option<String>,
    /// How it ended.
    pub end: ImportEnd,
    /// Why, where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it was a trial.
    pub dry_run: bool,
    /// Whether anything was written and stays.
    pub written: bool,
    /// Rows of the file, the header not counted.
    pub rows: u64,
    /// Records created; in a trial those that would be.
    pub created: u64,
    /// Records changed.
    pub updated: u64,
    /// Records of other tables made because a cell names them and nobody is called so; in a trial those that would be.
    pub related_created: u64,
    /// Records that already were as in the file.
    pub unchanged: u64,
    /// Cells that were left out because they are masks, as the export of a table has for encrypted values; the records keep what they have.
    pub masked: u64,
    /// Rows refused.
    pub failed: u64,
    /// What is wrong with the refused rows, in the order of the file.
    pub errors: Vec<RowError>,
    /// Issues in all, counted exactly.
    pub errors_total: u64,
    /// Whether `errors` had to stop before the last.
    pub errors_truncated: bool,
    /// Where each column of the file went.
    pub columns: Vec<ImportColumn>,
    /// The encoding the file was read in.
    pub encoding: String,
    /// The character between its cells.
    pub delimiter: String,
    /// When it began, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub execution_time: u64,
    /// The commit; absent when nothing was written.
    pub revision: Option<u64>,
}

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportEnd {
    /// All rows were dealt with.
    Done,
    /// A row is bad, so nothing was written.
    Refused,
    /// It was cancelled, and what it wrote was taken back.
    Cancelled,
    /// It failed half-way, and what it wrote was taken back.
    Failed,
    /// The server ended while it ran, and what it had written was taken back.
    Interrupted,
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportProgress {
    /// `checking`, `writing`, `takingBack` or `done`.
    pub phase: String,
    /// Rows of this phase so far.
    pub rows: u64,
    /// Bytes of the file read in this phase.
    pub bytes: u64,
    /// Bytes of the file.
    pub bytes_total: u64,
    /// Rows a second.
    pub rate: f64,
    /// How long this phase still takes as it goes, in milliseconds; null while nobody knows.
    pub left_ms: Option<u64>,
}

/// Whether an import was told to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportCancelled {
    /// Whether it was running.
    pub cancelled: bool,
}

/// One issue of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// The row of the file, from 1, the header not counted.
    pub row: u64,
    /// The line of the file where the row begins, from 1.
    pub line: u64,
    /// The column's slug; empty if it is about the whole row.
    pub field: String,
    /// The column's name in the file.
    pub column: Option<String>,
    /// The cell as it stands in the file, its first 200 characters.
    pub value: Option<String>,
    /// Whether the cell is longer than `value`.
    pub value_cut: bool,
    /// The constraint that is broken.
    pub code: String,
    /// What is wrong, for a person.
    pub message: String,
    /// The numbers and names in the message, for a program.
    #[serde(default, skip_serializing_if = "crate::JsonMap::is_empty")]
    #[schema(value_type = Object)]
    pub params: crate::JsonMap,
}

/// Where one column of a file went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportColumn {
    /// Its name in the file.
    pub header: String,
    /// The column it went into; absent when it was skipped.
    pub slug: Option<String>,
    /// The field type of that column.
    pub field_type: Option<String>,
    /// Whether the import made the column.
    pub created: bool,
}

/// A table made from a file, and what became of the rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TableImport {
    /// The new table, with its columns; absent after a trial.
    pub table: Option<Table>,
    /// What became of the rows.
    pub import: ImportReport,
}

/// What a file looks like, before anything is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileAnalysis {
    /// The encoding.
    pub encoding: String,
    /// The character between cells.
    pub delimiter: String,
    /// The character around cells.
    pub quote: String,
    /// Whether the first row looks like names.
    pub has_header: bool,
    /// Rows, the header not counted.
    pub rows: u64,
    /// Its columns in order.
    pub columns: Vec<AnalysedColumn>,
    /// The first rows as text.
    pub preview: Vec<Vec<String>>,
    /// What is odd about it: ragged rows, formulas, merged cells …
    pub warnings: Vec<String>,
    /// What the file is.
    pub format: FileFormat,
    /// The sheets of a workbook, in order.
    pub sheets: Vec<String>,
    /// The sheet that was looked at.
    pub sheet: Option<String>,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum FileFormat {
    /// Text in rows and cells: CSV, TSV and their kin.
    Csv,
    /// A workbook of spreadsheets.
    Xlsx,
    /// JSON objects, in an array or line by line.
    Json,
}

/// What one column of a file looks like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnalysedColumn {
    /// Its name in the file.
    pub header: String,
    /// The slug a new column would get.
    pub slug: String,
    /// The field type that keeps every value as it is written.
    pub field_type: String,
    /// The settings of that field type.
    #[schema(value_type = Object)]
    pub config: crate::JsonMap,
    /// Cells with something in them.
    pub filled: u64,
    /// Empty cells.
    pub empty: u64,
    /// The column of the table it belongs to, by name and content, where a table was named.
    pub matches: Option<String>,
    /// Other types that could be meant, with what they would cost.
    pub suggestions: Vec<TypeSuggestion>,
    /// What the nearest of them would cost: "312 of 40,000 values would change".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Some of the values.
    pub samples: Vec<String>,
}

/// A type a column could have, with what it would cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypeSuggestion {
    /// The field type.
    pub field_type: String,
    /// The settings of that field type.
    #[schema(value_type = Object)]
    pub config: crate::JsonMap,
    /// The options, for select columns.
    pub options: Vec<String>,
    /// Values that would be written another way.
    pub would_change: u64,
    /// Values that would be refused.
    pub would_fail: u64,
    /// Values in all.
    pub of: u64,
}
