//! What became of an import: counts that are always exact, and the bad rows word for word up to a limit.

use chancery_model::{Code, JsonMap};
use serde::{Deserialize, Serialize};

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Its id; every record it made or changed carries it.
    pub import_id: String,
    /// The public id of the table; none if a new table was not made after all.
    pub table_id: Option<String>,
    /// How it ended.
    pub end: ImportEnd,
    /// Whether it was a trial.
    pub dry_run: bool,
    /// Whether anything was written and stays.
    pub written: bool,
    /// Rows of the file that were read, the header not counted.
    pub rows: u64,
    /// Records made (in a dry run: that would be made if every bad row were left out).
    pub created: u64,
    /// Records changed.
    pub updated: u64,
    /// Records of other tables made because a cell names them and nobody is called so.
    #[serde(default)]
    pub related_created: u64,
    /// Rows that matched a record which already was as the file says.
    pub unchanged: u64,
    /// Cells of an export that were left out because they are masks of encrypted values.
    #[serde(default)]
    pub masked: u64,
    /// Rows refused.
    pub failed: u64,
    /// What is wrong with the refused rows, in the order of the file.
    pub errors: Vec<RowError>,
    /// Everything that is wrong, counted exactly.
    pub errors_total: u64,
    /// Whether more is wrong than `errors` says.
    pub errors_truncated: bool,
    /// Where each column of the file went.
    pub columns: Vec<ImportedColumn>,
    /// The encoding the file was read in.
    pub encoding: String,
    /// The character between its cells.
    pub delimiter: char,
    /// The newest revision after it; absent when nothing was written.
    pub revision: Option<u64>,
    /// When it began, in ms since 1970.
    pub started_at: i64,
    /// How long it took, in ms.
    pub duration_ms: u64,
}

/// How an import ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ImportEnd {
    /// All rows were dealt with.
    Done,
    /// A row is bad, so nothing was written; every bad row is in the report.
    Refused,
    /// It was cancelled, and what it wrote was taken back.
    Cancelled,
    /// It failed half-way, and what it wrote was taken back; the text says why.
    Failed(String),
    /// The program ended while it ran; what it had written was taken back at the next start.
    Interrupted,
}

/// One thing that is wrong with one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowError {
    /// The row, from 1, the header not counted.
    pub row: u64,
    /// The line of the file where the row begins, from 1.
    pub line: u64,
    /// The column's slug; empty if it is about the whole row.
    pub field: String,
    /// The column's name in the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The cell as it stands in the file, at most [`crate::limits::VALUE_CHARS_MAX`] characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether the cell is longer than `value`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub value_cut: bool,
    /// What kind of thing.
    pub code: Code,
    /// What is wrong, for a person.
    pub message: String,
    /// The numbers and names in the message, for a program.
    #[serde(default, skip_serializing_if = "JsonMap::is_empty")]
    pub params: JsonMap,
}

/// Where one column of a file went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedColumn {
    /// Its name in the file.
    pub header: String,
    /// The column it went into, or `id` or `externalId`; none if it was left out.
    pub slug: Option<String>,
    /// The field type of that column.
    pub field_type: Option<String>,
    /// Whether the import made the column.
    pub created: bool,
}
