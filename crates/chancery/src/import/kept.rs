//! Reports of imports that stay readable after they ended: as documents, the newest so many. It imports nothing.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use chancery_model::change::Reason;
use chancery_model::limits;
use chancery_storage::{Document, DocumentQuery, DocumentWrite};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::collect::{FailedRow, failed_rows_csv};
use super::job::Jobs;
use super::options::ImportControl;
use super::report::{ImportEnd, ImportReport, RowError};
use super::stage::{ImportJob, ImportStage, running_stage};
use crate::error::Error;
use crate::store::{Commit, Store};

pub(super) const RUNNING_KIND: &str = "importRunning";
pub(super) const REPORT_KIND: &str = "import";
const PAGE_KIND: &str = "importErrors";
/// Failed rows in one document.
const PAGE_ROWS: usize = 1_000;
/// Dry runs whose reports are remembered.
const TRIALS_MAX: usize = 16;

/// Imports of one open store.
#[derive(Default)]
pub(crate) struct Imports {
    pub(super) jobs: Jobs,
    running: Mutex<HashMap<String, Running>>,
    trials: Mutex<VecDeque<(Kept, Vec<Page>)>>,
}

/// An import that runs in this program.
#[derive(Clone)]
struct Running {
    workspace: Arc<str>,
    control: ImportControl,
    since: i64,
    by: Option<Arc<str>>,
}

/// A report as it is kept; its errors and failed rows are in pages of their own.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Kept {
    workspace: String,
    report: ImportReport,
    names: Vec<String>,
    pages: usize,
    #[serde(default)]
    file: Option<String>,
    /// Who brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Arc<str>>,
}

/// What is kept besides a report.
pub(super) struct Keeping<'a> {
    /// The names of the file's columns.
    pub(super) names: &'a [String],
    /// What the file is called.
    pub(super) file: Option<&'a str>,
}

/// A part of the errors and failed rows of a report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Page {
    errors: Vec<RowError>,
    rows: Vec<FailedRow>,
}

impl Imports {
    /// Whether an import runs in this program.
    pub(super) fn runs(&self, id: &str) -> bool {
        self.running.lock().contains_key(id)
    }
}

impl Kept {
    pub(super) fn new(workspace: &str, report: ImportReport) -> Kept {
        Kept {
            workspace: workspace.to_owned(),
            report,
            names: Vec::new(),
            pages: 0,
            file: None,
            by: None,
        }
    }
}

/// A running import in the list of those that run; leaves it when dropped.
pub(super) struct Listed {
    store: Store,
    id: Arc<str>,
}

impl Listed {
    pub(super) fn new(store: &Store, control: &ImportControl) -> Listed {
        let entry = Running {
            workspace: store.workspace.clone(),
            control: control.clone(),
            since: store.now(),
            by: store.actor.id.clone(),
        };
        store
            .core
            .imports
            .running
            .lock()
            .insert(control.id().to_string(), entry);
        Listed {
            store: store.clone(),
            id: control.id().clone(),
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.store.core.imports.running.lock().remove(&*self.id);
    }
}

pub(super) fn put_document(kind: &str, id: &str, body: &impl Serialize) -> Result<DocumentWrite, Error> {
    let body = serde_json::to_value(body).map_err(|error| Error::Internal(error.to_string()))?;
    let document = Document {
        kind: kind.into(),
        id: id.into(),
        lookup: None,
        body,
        version: 0,
    };
    Ok(DocumentWrite::Put {
        document,
        expected: None,
    })
}

pub(super) fn delete_document(kind: &str, id: &str) -> DocumentWrite {
    DocumentWrite::Delete {
        kind: kind.into(),
        id: id.into(),
    }
}

/// Keeps the report of an import that is over: for good, or a dry run's as long as the store is open.
///
/// # Errors
/// Whatever the backend says.
pub(super) async fn keep(
    store: &Store,
    report: &ImportReport,
    keeping: Keeping<'_>,
    rows: Vec<FailedRow>,
) -> Result<(), Error> {
    let mut pages: Vec<Page> = Vec::new();
    let mut errors = report.errors.iter().cloned().peekable();
    for rows in rows.chunks(PAGE_ROWS) {
        let last = rows.last().map_or(0, |row| row.row);
        let errors = std::iter::from_fn(|| errors.next_if(|error| error.row <= last)).collect();
        pages.push(Page {
            errors,
            rows: rows.to_vec(),
        });
    }
    let kept = Kept {
        workspace: store.workspace.to_string(),
        report: ImportReport {
            errors: Vec::new(),
            ..report.clone()
        },
        names: keeping.names.to_vec(),
        pages: pages.len(),
        file: keeping.file.map(str::to_owned),
        by: store.actor.id.clone(),
    };
    if report.dry_run {
        let mut trials = store.core.imports.trials.lock();
        trials.push_back((kept, pages));
        while trials.len() > TRIALS_MAX {
            trials.pop_front();
        }
        return Ok(());
    }
    let id = &report.import_id;
    store
        .core
        .imports
        .trials
        .lock()
        .retain(|(kept, _)| kept.report.import_id != *id);
    let mut documents = vec![
        put_document(REPORT_KIND, id, &kept)?,
        delete_document(RUNNING_KIND, id),
    ];
    for (index, page) in pages.iter().enumerate() {
        documents.push(put_document(PAGE_KIND, &page_id(id, index), page)?);
    }
    documents.extend(too_many(store).await?);
    let store = store.repeatable();
    store
        .commit(
            Vec::new(),
            store.now(),
            Commit {
                documents,
                ..Commit::default()
            },
        )
        .await?;
    Ok(())
}

fn page_id(import: &str, index: usize) -> String {
    format!("{import}/{index}")
}

/// The oldest reports beyond the limit. Ids rise with time.
async fn too_many(store: &Store) -> Result<Vec<DocumentWrite>, Error> {
    let all = store
        .backend()
        .documents(DocumentQuery::Kind(REPORT_KIND.into()))
        .await?;
    let over = (all.len() + 1).saturating_sub(limits::IMPORTS_KEPT_MAX);
    let mut writes = Vec::new();
    for document in all.into_iter().take(over) {
        let pages = serde_json::from_value::<Kept>(document.body).map_or(0, |kept| kept.pages);
        writes.extend((0..pages).map(|index| delete_document(PAGE_KIND, &page_id(&document.id, index))));
        writes.push(delete_document(REPORT_KIND, &document.id));
    }
    Ok(writes)
}

impl Store {
    /// An import of this workspace by its id: one whose file is kept, one that runs, or one that is over. Reports of dry runs
    /// are kept as long as the store is open.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn import_job(&self, id: &str) -> Result<ImportJob, Error> {
        if let Some(job) = self.drafted_import(id) {
            return Ok(job);
        }
        if let Some(running) = self.running(id) {
            return Ok(running.told(id));
        }
        let (kept, pages) = self.kept_import(id).await?;
        let errors = pages.into_iter().flat_map(|page| page.errors).collect();
        self.import_over(kept, errors).await
    }

    /// All imports of this workspace that are known, newest first, without the rows that were refused; dry runs are none.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn imports(&self) -> Result<Vec<ImportJob>, Error> {
        let mut jobs = self.drafted_imports();
        let at_work: Vec<ImportJob> = {
            let running = self.core.imports.running.lock();
            let here = running.iter().filter(|(_, one)| one.workspace == self.workspace);
            here.map(|(id, one)| one.told(id)).collect()
        };
        jobs.extend(at_work);
        let documents = self
            .backend()
            .documents(DocumentQuery::Kind(REPORT_KIND.into()))
            .await?;
        let mut known = HashSet::new();
        jobs.retain(|job| known.insert(job.id.clone()));
        for document in documents {
            let kept: Kept = read(REPORT_KIND, document)?;
            if *kept.workspace == *self.workspace && !known.contains(&kept.report.import_id) {
                jobs.push(self.import_over(kept, Vec::new()).await?);
            }
        }
        // Ids rise with time.
        jobs.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(jobs)
    }

    async fn import_over(&self, kept: Kept, errors: Vec<RowError>) -> Result<ImportJob, Error> {
        let report = ImportReport {
            errors,
            ..kept.report
        };
        let reverted_by = match report.written {
            true => {
                self.undo_marks(&report.import_id, Reason::Import)
                    .await?
                    .reverted_by
            }
            false => None,
        };
        let stage = match &report.end {
            _ if reverted_by.is_some() => ImportStage::Reverted,
            _ if report.dry_run => ImportStage::Checked,
            ImportEnd::Done => ImportStage::Done,
            ImportEnd::Refused => ImportStage::Refused,
            ImportEnd::Cancelled => ImportStage::Cancelled,
            ImportEnd::Failed(_) => ImportStage::Failed,
            ImportEnd::Interrupted => ImportStage::Interrupted,
        };
        Ok(ImportJob {
            id: report.import_id.clone(),
            stage,
            table: report.table_id.clone(),
            file: kept.file,
            created_at: report.started_at,
            by: kept.by,
            draft: None,
            progress: None,
            report: Some(Box::new(report)),
            reverted_by: reverted_by.map(|id| id.to_string()),
        })
    }

    /// The rows an import refused as a CSV file with the columns they came with, `_row` and `_error`: to be mended and
    /// imported again.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn import_failed_rows(&self, id: &str) -> Result<String, Error> {
        let (kept, pages) = self.kept_import(id).await?;
        let rows: Vec<FailedRow> = pages.into_iter().flat_map(|page| page.rows).collect();
        Ok(failed_rows_csv(&kept.names, &rows))
    }

    /// The rows an import refused, and what is wrong with them, of the trial or of what was written last.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn import_errors(&self, id: &str) -> Result<Vec<RowError>, Error> {
        let (_, pages) = self.kept_import(id).await?;
        Ok(pages.into_iter().flat_map(|page| page.errors).collect())
    }

    pub(super) fn running_import(&self, id: &str) -> Option<ImportControl> {
        self.running(id).map(|one| one.control)
    }

    fn running(&self, id: &str) -> Option<Running> {
        let running = self.core.imports.running.lock();
        let here = running.get(id).filter(|one| one.workspace == self.workspace);
        here.cloned()
    }

    pub(super) async fn kept_import(&self, id: &str) -> Result<(Kept, Vec<Page>), Error> {
        let trial = {
            let trials = self.core.imports.trials.lock();
            trials
                .iter()
                .find(|(kept, _)| kept.report.import_id == id)
                .cloned()
        };
        let found = match trial {
            Some(found) => Some(found),
            None => match self.document::<Kept>(REPORT_KIND, id).await? {
                Some(kept) => {
                    let mut pages = Vec::with_capacity(kept.pages);
                    for index in 0..kept.pages {
                        pages.extend(self.document::<Page>(PAGE_KIND, &page_id(id, index)).await?);
                    }
                    Some((kept, pages))
                }
                None => None,
            },
        };
        let here = found.filter(|(kept, _)| *kept.workspace == *self.workspace);
        here.ok_or_else(|| Error::NotFound {
            what: "import",
            message: format!("No import \"{id}\""),
        })
    }

    async fn document<T: DeserializeOwned>(&self, kind: &str, id: &str) -> Result<Option<T>, Error> {
        let query = DocumentQuery::Id {
            kind: kind.into(),
            id: id.into(),
        };
        let found = self.backend().documents(query).await?.pop();
        found.map(|document| read(kind, document)).transpose()
    }
}

fn read<T: DeserializeOwned>(kind: &str, document: Document) -> Result<T, Error> {
    let id = document.id;
    serde_json::from_value(document.body)
        .map_err(|error| Error::Internal(format!("the document {kind} {id} cannot be read: {error}")))
}

impl Running {
    /// An import that runs without a file that is kept.
    fn told(&self, id: &str) -> ImportJob {
        ImportJob {
            id: id.to_owned(),
            stage: running_stage(&self.control),
            table: None,
            file: None,
            created_at: self.since,
            by: self.by.clone(),
            draft: None,
            progress: Some(self.control.progress()),
            report: None,
            reverted_by: None,
        }
    }
}
