//! How an import stands that is taken step by step, and what is said about it. It does nothing.

use std::sync::Arc;

use chancery_model::Issue;
use chancery_model::define::TableInput;

use super::analysis::Analysis;
use super::file::ImportFile;
use super::options::{ImportControl, ImportOptions, Mapping, Phase, Progress};
use super::report::ImportReport;
use super::saved::SavedMapping;

/// A file that is to be imported step by step.
#[derive(Clone, Debug)]
pub struct ImportUpload {
    /// The file.
    pub file: ImportFile,
    /// What becomes of it.
    pub into: ImportInto,
    /// Where its columns go, as far as that is known.
    pub mapping: Mapping,
    /// How it is read and what becomes of its rows.
    pub options: ImportOptions,
}

/// What a file is imported into.
#[derive(Clone, Debug)]
pub enum ImportInto {
    /// A table that exists, by id or slug.
    Table(String),
    /// A new one.
    New(Box<TableInput>),
}

/// What is said otherwise about an import that was not begun yet; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ImportChange {
    /// Where the columns go.
    pub mapping: Option<Mapping>,
    /// How it is read and what becomes of its rows.
    pub options: Option<ImportOptions>,
    /// What it is imported into.
    pub into: Option<ImportInto>,
}

/// How an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStage {
    /// The file was looked at; nothing was tried yet.
    Analysed,
    /// It is tried, or checked before it is written.
    Checking,
    /// It was tried; nothing is written.
    Checked,
    /// It is written.
    Writing,
    /// It rests.
    Paused,
    /// What it wrote is taken back.
    TakingBack,
    /// All rows were dealt with.
    Done,
    /// A row is bad, so nothing was written. As long as its file is kept it can be changed and begun again.
    Refused,
    /// It was cancelled, and what it wrote was taken back.
    Cancelled,
    /// It could not go on, and what it wrote was taken back.
    Failed,
    /// The program ended while it ran, and what it had written was taken back.
    Interrupted,
    /// It was done, and taken back later.
    Reverted,
}

/// An import as it stands.
#[derive(Clone, Debug)]
pub struct ImportJob {
    /// Its id; every record it makes or changes carries it.
    pub id: String,
    /// How it stands.
    pub stage: ImportStage,
    /// The public id of its table; none for a new one that is not made yet.
    pub table: Option<String>,
    /// What the file is called.
    pub file: Option<String>,
    /// When it came, in ms since 1970.
    pub created_at: i64,
    /// Who brought it; none where nobody knows.
    pub by: Option<Arc<str>>,
    /// What is known of it while its file is kept.
    pub draft: Option<Box<ImportDraft>>,
    /// How far it is, while it runs.
    pub progress: Option<Progress>,
    /// What became of it.
    pub report: Option<Box<ImportReport>>,
    /// The operation that took it back.
    pub reverted_by: Option<String>,
}

/// What is known of an import while its file is kept.
#[derive(Clone, Debug)]
pub struct ImportDraft {
    /// Bytes of the file as it came.
    pub bytes: u64,
    /// What it is imported into.
    pub into: ImportInto,
    /// What the file looks like.
    pub analysis: Analysis,
    /// Where its columns go, as far as was said.
    pub mapping: Mapping,
    /// How it is read and what becomes of its rows.
    pub options: ImportOptions,
    /// The mapping of an earlier file with the same headers.
    pub saved: Option<SavedMapping>,
    /// What of the mapping and the options makes no sense yet.
    pub problems: Vec<Issue>,
    /// What the last trial found.
    pub check: Option<ImportReport>,
    /// Why it could not go on.
    pub failure: Option<String>,
    /// Who brought it.
    pub by: Option<Arc<str>>,
    /// When it came, in ms since 1970.
    pub created_at: i64,
    /// When it was last worked on.
    pub touched_at: i64,
    /// When its file is let go if nobody does anything.
    pub expires_at: i64,
}

/// How an import stands that runs.
pub(super) fn running_stage(control: &ImportControl) -> ImportStage {
    match control.progress().phase {
        Phase::TakingBack => ImportStage::TakingBack,
        _ if control.paused() => ImportStage::Paused,
        Phase::Checking => ImportStage::Checking,
        Phase::Writing | Phase::Done => ImportStage::Writing,
    }
}
