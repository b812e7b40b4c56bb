//! Imports step by step: a file is kept while a person looks at it, says where its columns go and tries it; then it is written,
//! and goes on whoever watches. Reading, checking and writing are done elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::Issue;
use chancery_model::define::TableInput;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::analysis::{Analysis, blocking};
use super::file::ImportFile;
use super::options::{ImportControl, ImportOptions};
use super::report::{ImportEnd, ImportReport};
use super::saved::{self, SavedMapping};
use super::stage::{
    ImportChange, ImportDraft, ImportInto, ImportJob, ImportStage, ImportUpload, running_stage,
};
use super::{plan, prepare};
use crate::error::Error;
use crate::limits::{IMPORT_FILE_AGE_MAX_MS, IMPORT_FILES_BYTES_MAX, IMPORT_FILES_MAX, IMPORTS_AT_ONCE_MAX};
use crate::store::Store;
use crate::undo::{RevertOptions, RevertReport};

/// A file that is kept, and what is known about it.
struct Job {
    workspace: Arc<str>,
    original: ImportFile,
    /// Its rows, which may be another file.
    rows: ImportFile,
    draft: ImportDraft,
    /// What is being done with it.
    doing: Option<ImportControl>,
}

/// The files that are kept.
pub(crate) struct Jobs {
    kept: Mutex<BTreeMap<String, Job>>,
    at_once: Arc<Semaphore>,
}

impl Default for Jobs {
    fn default() -> Jobs {
        Jobs {
            kept: Mutex::default(),
            at_once: Arc::new(Semaphore::new(IMPORTS_AT_ONCE_MAX)),
        }
    }
}

impl Jobs {
    /// Refuses a file beyond the limits.
    fn check_room(&self, bytes: u64) -> Result<(), Error> {
        let kept = self.kept.lock();
        let limit = |what, max, got| Err(Error::Limit { what, max, got });
        if kept.len() >= IMPORT_FILES_MAX {
            return limit(
                "files kept for imports",
                IMPORT_FILES_MAX as u64,
                kept.len() as u64 + 1,
            );
        }
        let all = bytes + kept.values().map(|job| job.draft.bytes).sum::<u64>();
        if all > IMPORT_FILES_BYTES_MAX {
            return limit("bytes of files kept for imports", IMPORT_FILES_BYTES_MAX, all);
        }
        Ok(())
    }

    /// Lets go of files that nobody did anything with for long.
    fn forget(&self, now: i64) {
        self.kept
            .lock()
            .retain(|_, job| job.doing.is_some() || job.draft.expires_at > now);
    }
}

impl Job {
    fn stage(&self) -> ImportStage {
        match (&self.doing, &self.draft.check) {
            (Some(control), _) => running_stage(control),
            _ if self.draft.failure.is_some() => ImportStage::Failed,
            (None, Some(check)) if check.end == ImportEnd::Refused => ImportStage::Refused,
            (None, Some(_)) => ImportStage::Checked,
            (None, None) => ImportStage::Analysed,
        }
    }

    fn told(&self, id: &str) -> ImportJob {
        let table = match &self.draft.into {
            ImportInto::Table(id) => Some(id.clone()),
            ImportInto::New(_) => None,
        };
        ImportJob {
            id: id.to_owned(),
            stage: self.stage(),
            table,
            file: self.draft.options.file_name.clone(),
            created_at: self.draft.created_at,
            by: self.draft.by.clone(),
            draft: Some(Box::new(self.draft.clone())),
            progress: self.doing.as_ref().map(ImportControl::progress),
            report: None,
            reverted_by: None,
        }
    }

    fn touch(&mut self, now: i64) {
        self.draft.touched_at = now;
        self.draft.expires_at = now + IMPORT_FILE_AGE_MAX_MS;
    }
}

impl Store {
    /// Keeps a file, looks at all of it, and says what it is and where its columns could go. Nothing is written. The file is
    /// kept for a day, or until it is imported; it goes with the program.
    ///
    /// # Errors
    /// [`Error::File`] for one that cannot be read, [`Error::NotFound`] for a table that does not exist, [`Error::Limit`] if
    /// too many files are kept.
    pub async fn upload_import(&self, upload: ImportUpload) -> Result<ImportJob, Error> {
        self.forget_import_files();
        let jobs = &self.core.imports.jobs;
        let bytes = upload.file.len()?;
        jobs.check_room(bytes)?;
        let into = self.known_into(upload.into)?;
        let (rows, analysis) = self.look_at(&upload.file, &into, &upload.options).await?;
        let now = self.now();
        let mut job = Job {
            workspace: self.workspace.clone(),
            original: upload.file,
            rows,
            draft: ImportDraft {
                bytes,
                saved: self.saved_mapping(&into, &analysis).await?,
                into,
                analysis,
                mapping: upload.mapping,
                options: upload.options,
                problems: Vec::new(),
                check: None,
                failure: None,
                by: self.actor.id.clone(),
                created_at: now,
                touched_at: now,
                expires_at: now + IMPORT_FILE_AGE_MAX_MS,
            },
            doing: None,
        };
        job.draft.problems = self.problems(&job.rows, &job.draft).await?;
        let id = Uuid::now_v7().to_string();
        let told = job.told(&id);
        jobs.check_room(bytes)?;
        jobs.kept.lock().insert(id, job);
        Ok(told)
    }

    /// Says otherwise how a file is read, where its columns go, what becomes of its rows. What was tried before counts no more.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`] while it runs, and as [`Store::upload_import`].
    pub async fn change_import(&self, id: &str, change: ImportChange) -> Result<ImportJob, Error> {
        let (original, mut rows, mut draft) = self.draft(id)?;
        let reads_anew = change.options.as_ref().is_some_and(|options| {
            options.read != draft.options.read || options.notation != draft.options.notation
        });
        let elsewhere = change.into.is_some();
        if let Some(mapping) = change.mapping {
            draft.mapping = mapping;
        }
        if let Some(options) = change.options {
            let file_name = options.file_name.clone().or(draft.options.file_name.take());
            draft.options = ImportOptions { file_name, ..options };
        }
        if let Some(into) = change.into {
            draft.into = self.known_into(into)?;
        }
        if reads_anew || elsewhere {
            (rows, draft.analysis) = self.look_at(&original, &draft.into, &draft.options).await?;
            draft.saved = self.saved_mapping(&draft.into, &draft.analysis).await?;
        }
        (draft.check, draft.failure) = (None, None);
        draft.problems = self.problems(&rows, &draft).await?;
        self.with_job(id, |job| {
            if job.doing.is_some() {
                return Err(busy(id, "runs; wait, or cancel it"));
            }
            (job.rows, job.draft) = (rows, draft);
            job.touch(self.now());
            Ok(job.told(id))
        })
    }

    /// Checks every row of a kept file and writes nothing; it goes on by itself. What it finds is in the import afterwards.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`] while it runs already, [`Error::Definition`] for a mapping that makes no sense,
    /// [`Error::Limit`] if too many run.
    pub async fn try_import(&self, id: &str) -> Result<ImportJob, Error> {
        self.start_import(id, true).await
    }

    /// Writes the rows of a kept file; it goes on by itself. Where rows are bad and it is all or nothing, nothing is written and
    /// the import can be changed and begun again; otherwise its file is let go at the end.
    ///
    /// # Errors
    /// As [`Store::try_import`].
    pub async fn commit_import(&self, id: &str) -> Result<ImportJob, Error> {
        self.start_import(id, false).await
    }

    async fn start_import(&self, id: &str, dry_run: bool) -> Result<ImportJob, Error> {
        let (_, rows, draft) = self.draft(id)?;
        let problems = self.problems(&rows, &draft).await?;
        if !problems.is_empty() {
            return Err(Error::Definition(problems));
        }
        let permit = self.core.imports.jobs.at_once.clone().try_acquire_owned();
        let permit = permit.map_err(|_| Error::Limit {
            what: "imports that run at the same time",
            max: IMPORTS_AT_ONCE_MAX as u64,
            got: IMPORTS_AT_ONCE_MAX as u64 + 1,
        })?;
        let control = ImportControl::of_id(id);
        let told = self.with_job(id, |job| {
            if job.doing.is_some() {
                return Err(busy(id, "runs already"));
            }
            job.doing = Some(control.clone());
            (job.draft.check, job.draft.failure) = (None, None);
            job.touch(self.now());
            Ok(job.told(id))
        })?;
        let options = ImportOptions {
            dry_run,
            control: control.clone(),
            ..as_looked_at(&draft)
        };
        // What is written is the import's, not the request's that began it.
        let (store, id) = (self.repeatable(), id.to_owned());
        tokio::spawn(async move {
            let done = store.run_import(&rows, &draft, &options).await;
            store.end_import(&id, &draft, (&control, dry_run), done).await;
            drop(permit);
        });
        Ok(told)
    }

    async fn run_import(
        &self,
        rows: &ImportFile,
        draft: &ImportDraft,
        options: &ImportOptions,
    ) -> Result<ImportReport, Error> {
        match &draft.into {
            ImportInto::Table(id) => self.table(id)?.import_csv(rows, &draft.mapping, options).await,
            ImportInto::New(input) => {
                let input = TableInput::clone(input);
                let made = self
                    .import_new_table(rows, input, &draft.mapping, options)
                    .await?;
                Ok(made.1)
            }
        }
    }

    /// Writes down how a run ended. A file is let go once something of it was written.
    async fn end_import(
        &self,
        id: &str,
        draft: &ImportDraft,
        (control, dry_run): (&ImportControl, bool),
        done: Result<ImportReport, Error>,
    ) {
        if let Ok(report) = &done
            && report.end == ImportEnd::Done
            && !dry_run
            && !draft.mapping.is_empty()
            && let Some(table) = &report.table_id
        {
            let headers = headers(&draft.analysis);
            let match_on = &draft.options.match_on;
            if let Err(error) = saved::remember(self, table, &headers, &draft.mapping, match_on).await {
                tracing::warn!(import = id, %error, "the mapping of an import could not be remembered");
            }
        }
        let ended = !dry_run
            && (control.has_written() || done.as_ref().is_ok_and(|report| report.end == ImportEnd::Done));
        let mut kept = self.core.imports.jobs.kept.lock();
        if ended {
            kept.remove(id);
            return;
        }
        let Some(job) = kept.get_mut(id) else { return };
        job.doing = None;
        job.touch(self.now());
        match done {
            Ok(report) if report.end == ImportEnd::Cancelled => {}
            Ok(report) => job.draft.check = Some(report),
            Err(_) if control.cancelled() => {}
            Err(error) => {
                let hint = error.hint().map(|hint| format!(" {hint}")).unwrap_or_default();
                job.draft.failure = Some(format!("{error}.{hint}"));
            }
        }
    }

    /// Lets an import rest after the rows it is at.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`] if it does not run.
    pub async fn pause_import(&self, id: &str) -> Result<ImportJob, Error> {
        self.turn_import(id, ImportControl::pause).await
    }

    /// Lets an import that rests go on.
    ///
    /// # Errors
    /// As [`Store::pause_import`].
    pub async fn resume_import(&self, id: &str) -> Result<ImportJob, Error> {
        self.turn_import(id, ImportControl::resume).await
    }

    async fn turn_import(&self, id: &str, turn: fn(&ImportControl)) -> Result<ImportJob, Error> {
        let begun = self.with_job(id, |job| Ok(job.doing.clone())).ok().flatten();
        let job = self.import_job(id).await?;
        match begun.or_else(|| self.running_import(id)) {
            Some(control) => turn(&control),
            None => return Err(busy(id, "does not run")),
        }
        Ok(self.import_job(id).await.unwrap_or(job))
    }

    /// Asks an import that runs to stop, and takes back what it wrote; lets go of a file that was not begun. Answers whether
    /// there was something to stop.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn cancel_import(&self, id: &str) -> Result<bool, Error> {
        if let Some(control) = self.running_import(id) {
            control.cancel();
            return Ok(true);
        }
        let gone = self.with_job(id, |job| match &job.doing {
            Some(control) => {
                control.cancel();
                Ok(false)
            }
            None => Ok(true),
        });
        if gone.is_ok() {
            if gone? {
                self.core.imports.jobs.kept.lock().remove(id);
            }
            return Ok(true);
        }
        self.kept_import(id).await.map(|_| false)
    }

    /// Takes back an import that is done, as a unit: what it created is removed, what it changed is as before, what was changed
    /// since stays and is named. Columns, options and tables that it made stay.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Taken`] if it wrote nothing or is taken back already, and as [`Store::revert`].
    pub async fn revert_import(&self, id: &str, options: RevertOptions) -> Result<RevertReport, Error> {
        let job = self.import_job(id).await?;
        match job.stage {
            ImportStage::Done if job.report.is_some_and(|report| report.written) => {
                self.revert(id, options).await
            }
            ImportStage::Reverted => Err(busy(id, "is taken back already")),
            ImportStage::Checking | ImportStage::Writing | ImportStage::Paused | ImportStage::TakingBack => {
                Err(busy(id, "still runs; cancel it, which takes it back"))
            }
            _ => Err(busy(id, "wrote nothing, so there is nothing to take back")),
        }
    }

    /// Lets go of files kept for imports that nobody did anything with for a day.
    pub fn forget_import_files(&self) {
        self.core.imports.jobs.forget(self.now());
    }

    /// An import whose file is kept.
    pub(super) fn drafted_import(&self, id: &str) -> Option<ImportJob> {
        self.with_job(id, |job| Ok(job.told(id))).ok()
    }

    /// All imports of this workspace whose files are kept.
    pub(super) fn drafted_imports(&self) -> Vec<ImportJob> {
        let kept = self.core.imports.jobs.kept.lock();
        let here = kept.iter().filter(|(_, job)| job.workspace == self.workspace);
        here.map(|(id, job)| job.told(id)).collect()
    }

    fn with_job<T>(&self, id: &str, with: impl FnOnce(&mut Job) -> Result<T, Error>) -> Result<T, Error> {
        let mut kept = self.core.imports.jobs.kept.lock();
        match kept.get_mut(id).filter(|job| job.workspace == self.workspace) {
            Some(job) => with(job),
            None => Err(Error::NotFound {
                what: "import",
                message: format!(
                    "No file is kept for an import \"{id}\": it is over, or its file was let go"
                ),
            }),
        }
    }

    fn draft(&self, id: &str) -> Result<(ImportFile, ImportFile, ImportDraft), Error> {
        self.with_job(id, |job| match job.doing {
            Some(_) => Err(busy(id, "runs; wait, or cancel it")),
            None => Ok((job.original.clone(), job.rows.clone(), job.draft.clone())),
        })
    }

    /// A table by its id, as it cannot be renamed meanwhile.
    fn known_into(&self, into: ImportInto) -> Result<ImportInto, Error> {
        match into {
            ImportInto::Table(name) => {
                let id = self.table(&name)?.definition()?.id.to_string();
                Ok(ImportInto::Table(id))
            }
            new => Ok(new),
        }
    }

    /// The rows of a file, and what it looks like.
    async fn look_at(
        &self,
        file: &ImportFile,
        into: &ImportInto,
        options: &ImportOptions,
    ) -> Result<(ImportFile, Analysis), Error> {
        let (file, read) = (file.clone(), options.read.clone());
        let rows = blocking(move || prepare::rows(&file, &read, &ImportControl::default())).await?;
        let analysis = match into {
            ImportInto::Table(id) => self.table(id)?.analyse_csv(&rows, options).await?,
            ImportInto::New(_) => self.analyse_csv(&rows, options).await?,
        };
        Ok((rows, analysis))
    }

    async fn saved_mapping(
        &self,
        into: &ImportInto,
        analysis: &Analysis,
    ) -> Result<Option<SavedMapping>, Error> {
        match into {
            ImportInto::Table(id) => saved::recall(&self.table(id)?, &headers(analysis)).await,
            ImportInto::New(_) => Ok(None),
        }
    }

    /// What of the mapping and the options makes no sense.
    async fn problems(&self, rows: &ImportFile, draft: &ImportDraft) -> Result<Vec<Issue>, Error> {
        let options = as_looked_at(draft);
        let sense = match &draft.into {
            ImportInto::Table(id) => {
                plan::sense(Some(&self.table(id)?), rows, &draft.mapping, &options).await
            }
            ImportInto::New(_) => plan::sense(None, rows, &draft.mapping, &options).await,
        };
        match sense {
            Ok(()) => Ok(Vec::new()),
            Err(Error::Definition(issues) | Error::Query(issues)) => Ok(issues),
            Err(error) => Err(error),
        }
    }
}

/// The options of a draft. What they do not say of the header is as whoever looked at the file was told.
fn as_looked_at(draft: &ImportDraft) -> ImportOptions {
    let mut options = draft.options.clone();
    options.read.header.get_or_insert(draft.analysis.has_header);
    options
}

fn headers(analysis: &Analysis) -> Vec<String> {
    analysis
        .columns
        .iter()
        .map(|column| column.header.clone())
        .collect()
}

fn busy(id: &str, why: &str) -> Error {
    Error::Taken {
        what: "import",
        message: format!("The import {id} {why}"),
    }
}
