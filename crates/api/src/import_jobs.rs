//! Imports step by step on the wire: a file that is kept, looked at, mapped, tried, written, taken back. Reads no file itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Issue;
use crate::imports::{CsvOptions, FileAnalysis, ImportProgress, ImportReport};
use crate::records::Pagination;

/// How an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportState {
    /// The file was looked at; nothing was tried yet.
    Analysed,
    /// It is tried, or checked before it is written.
    Checking,
    /// It was tried; nothing is written.
    Checked,
    /// It is written.
    Writing,
    /// It rests until it is resumed; what it wrote stays meanwhile.
    Paused,
    /// What it wrote is taken back.
    TakingBack,
    /// All rows were dealt with.
    Done,
    /// A row is bad, so nothing was written. While there is a `draft` it can be changed and begun again.
    Refused,
    /// It was cancelled, and what it wrote was taken back.
    Cancelled,
    /// It could not go on, and what it wrote was taken back. While there is a `draft` it can be changed and begun again.
    Failed,
    /// The server ended while it ran, and what it had written was taken back.
    Interrupted,
    /// It was done, and taken back later.
    Reverted,
}

/// An import as it is now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportStatus {
    /// Its id; every record it makes or changes carries it.
    pub import_id: String,
    /// How it stands.
    pub state: ImportState,
    /// Whether it runs now.
    pub running: bool,
    /// The id of its table; absent for a new one that is not made yet.
    pub table_id: Option<String>,
    /// What the file is called.
    pub file_name: Option<String>,
    /// When it came, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The id of the user or API key that brought it; null where nobody knows.
    pub created_by: Option<String>,
    /// How far it is, while it runs.
    pub progress: Option<ImportProgress>,
    /// What is known of it while its file is kept. While it runs, `columns` and `preview` of the analysis and the suggestions are left
    /// empty, unless `include=draft` asks for them.
    pub draft: Option<ImportDraft>,
    /// What became of it, when it is over.
    pub report: Option<ImportReport>,
    /// The operation that took it back.
    pub reverted_by: Option<String>,
}

/// What is known of an import while its file is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportDraft {
    /// Bytes of the file as it came.
    pub bytes: u64,
    /// The table it will make; absent where it goes into one that exists.
    pub new_table: Option<ImportNewTable>,
    /// What the file looks like.
    pub analysis: FileAnalysis,
    /// Where its columns go, as far as was said: header to slug, null to leave one out.
    pub mapping: BTreeMap<String, Option<String>>,
    /// Where they could go: as the last file with the same headers, otherwise by name.
    pub suggested_mapping: BTreeMap<String, Option<String>>,
    /// Whether that is the mapping of an earlier file.
    pub suggestion_saved: bool,
    /// The columns by which the earlier file found records again.
    pub suggested_match_on: Vec<String>,
    /// How it is read and what becomes of its rows.
    pub options: CsvOptions,
    /// What of the mapping and the options makes no sense yet: nothing can be tried or written while there is any.
    pub problems: Vec<Issue>,
    /// What the last trial found.
    pub check: Option<ImportReport>,
    /// Why it could not go on.
    pub failure: Option<String>,
    /// The id of the user or API key that brought the file.
    pub created_by: Option<String>,
    /// When it came, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When the file is let go if nobody does anything.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A table that an import will make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportNewTable {
    /// Its name.
    pub name: String,
    /// Its slug; made of the name when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
}

/// What is said otherwise about an import that was not begun; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"mapping": {"E-Mail": "email", "Notes": null}, "options": {"matchOn": ["email"], "continueOnError": true}}))]
pub struct ImportChange {
    /// Where its columns go, all of it: header to slug, null to leave one out; a header that is not named goes by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<BTreeMap<String, Option<String>>>,
    /// How it is read and what becomes of its rows, all of it. Another way to read it is looked at anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<CsvOptions>,
    /// The table that it goes into instead, by id or slug.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The table that it makes instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_table: Option<ImportNewTable>,
}

/// A page of imports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportList {
    /// Newest first; the rows that were refused are told one by one only where one import is asked for.
    pub imports: Vec<ImportStatus>,
    /// How to go on.
    pub pagination: Pagination,
}

/// The rows that an import refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportErrors {
    /// What is wrong with them, in the order of the file; at most 10,000.
    pub errors: Vec<crate::imports::RowError>,
}
