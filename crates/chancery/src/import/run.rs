//! The course of an import: check, write, and take back if it cannot be finished. It decides nothing about values.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery_model::Issue;
use chancery_model::admit::Protected;
use chancery_model::change::Reason;
use chancery_model::define::TableInput;
use tokio::task::JoinHandle;

use super::analysis::blocking;
use super::check::Checker;
use super::collect::{ChunkDone, Collected, FailedRow};
use super::file::ImportFile;
use super::kept::{Keeping, Listed, RUNNING_KIND, keep, put_document};
use super::links::Links;
use super::mapping::Places;
use super::objects::ObjectsFrom;
use super::options::{ImportControl, ImportOptions, Mapping, Phase, ReadOptions};
use super::plan::{self, Plan};
use super::prepare;
use super::read::{ONE_COMMIT_ROWS, Portion, ahead};
use super::report::{ImportEnd, ImportReport, RowError};
use super::shape::Shape;
use super::undo::{Running, take_back};
use super::unique::Taken;
use super::unpack;
use super::writing::Writing;
use crate::bulk::OnError;
use crate::error::Error;
use crate::handle::TableHandle;
use crate::line::Line;
use crate::rows::RowOptions;
use crate::store::Store;

/// Chunks being decided or written at once where no row depends on another.
const IN_FLIGHT: usize = 2;
/// How often an import that rests says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(10);

impl TableHandle {
    /// Imports a CSV file. By default all or nothing: every row is checked first, and if one is bad nothing is written and
    /// every bad one is reported; files of more than 10,000 rows are then written in several commits, which are taken back
    /// if a later one fails. With [`OnError::Continue`] bad rows are left out and reported.
    ///
    /// It goes on when the future is dropped; [`ImportControl::cancel`] stops it.
    ///
    /// # Errors
    /// [`Error::File`] for a file that cannot be read, [`Error::Limit`] for too many columns, [`Error::Definition`] for a
    /// mapping that makes no sense, [`Error::Query`] for unknown match columns. Bad rows are in the report.
    pub async fn import_csv(
        &self,
        file: &ImportFile,
        mapping: &Mapping,
        options: &ImportOptions,
    ) -> Result<ImportReport, Error> {
        self.whole("an import")?;
        let (handle, file, mapping, options) = (self.clone(), file.clone(), mapping.clone(), options.clone());
        detached(async move {
            let import = Import::begin(&handle.store, &file, &options)?.of_rows().await?;
            let plan = plan::existing(&handle, &import.file, &mapping, &options).await?;
            import.run(Some(handle), plan).await.map(|(_, report)| report)
        })
        .await
    }
}

impl TableHandle {
    /// Imports JSON objects by slug: an array of them, or one on each line, which may be any number. The rules are those of
    /// [`TableHandle::import_csv`]; values have the types of JSON.
    ///
    /// # Errors
    /// As [`TableHandle::import_csv`].
    pub async fn import_objects(
        &self,
        file: &ImportFile,
        options: &ImportOptions,
    ) -> Result<ImportReport, Error> {
        self.import_from(ObjectsFrom::Objects, file, options).await
    }

    /// Imports the records of a table's JSON export, whichever table that was: new ones, unless records are matched, also by `id`. What the
    /// export says of its table is not read, except which columns are encrypted: their cells are masks there, which are never values. They
    /// are left out, as [`ImportReport::masked`] counts.
    ///
    /// # Errors
    /// As [`TableHandle::import_csv`].
    pub async fn import_export(
        &self,
        file: &ImportFile,
        options: &ImportOptions,
    ) -> Result<ImportReport, Error> {
        let ids = options.match_on.iter().any(|name| name == "id");
        self.import_from(ObjectsFrom::Records { ids }, file, options)
            .await
    }

    async fn import_from(
        &self,
        from: ObjectsFrom,
        file: &ImportFile,
        options: &ImportOptions,
    ) -> Result<ImportReport, Error> {
        self.whole("an import")?;
        let (handle, file, options) = (self.clone(), file.clone(), options.clone());
        detached(async move {
            let import = Import::begin(&handle.store, &file, &options)?.unpacked().await?;
            let plan = plan::objects(&handle, from, &options)?;
            import.run(Some(handle), plan).await.map(|(_, report)| report)
        })
        .await
    }
}

impl Store {
    /// Makes a table from its JSON export: definition, ids, metadata and times as they were. `rename` gives it another name,
    /// and a slug made of that. Cells of encrypted columns are masks there, and are left out, as [`ImportReport::masked`] counts.
    ///
    /// # Errors
    /// [`Error::File`] for a file that is no export, [`Error::Taken`] if the slug is taken, [`Error::Bulk`] if records are
    /// bad; nothing is left of the table then.
    pub async fn import_json(
        &self,
        file: &ImportFile,
        rename: Option<&str>,
        options: &ImportOptions,
    ) -> Result<(TableHandle, ImportReport), Error> {
        let (store, file, options) = (self.clone(), file.clone(), options.clone());
        let rename = rename.map(str::to_owned);
        let done = detached(async move {
            let import = Import::begin(&store, &file, &options)?.unpacked().await?;
            let plan = plan::export(&store, &import.file, rename).await?;
            import.run(None, plan).await
        });
        match done.await? {
            (Some(table), report) => Ok((table, report)),
            (None, report) if !report.errors.is_empty() => {
                let issue = |error: RowError| Issue {
                    field: error.field,
                    code: error.code,
                    message: error.message,
                    params: error.params,
                };
                let bad = report
                    .errors
                    .into_iter()
                    .map(|error| (error.row as usize - 1, vec![issue(error)]));
                Err(Error::Bulk(bad.collect()))
            }
            (None, report) => Err(Error::File {
                message: match report.end {
                    ImportEnd::Failed(why) => why,
                    _ => "The table was not made".into(),
                },
                hint: "Nothing was written; mend the file and import it again.".into(),
            }),
        }
    }

    /// Makes a table from a CSV file in one step. Columns that `input` has are taken (found by name), the others get the
    /// types that keep every cell as it is written. The table is absent after a dry run and when nothing was written.
    ///
    /// # Errors
    /// As [`TableHandle::import_csv`] and [`Store::create_table`].
    pub async fn import_new_table(
        &self,
        file: &ImportFile,
        input: TableInput,
        mapping: &Mapping,
        options: &ImportOptions,
    ) -> Result<(Option<TableHandle>, ImportReport), Error> {
        let (store, file, mapping, options) = (self.clone(), file.clone(), mapping.clone(), options.clone());
        detached(async move {
            let import = Import::begin(&store, &file, &options)?.of_rows().await?;
            let plan = plan::new_table(&store, &import.file, input, &mapping, &options).await?;
            import.run(None, plan).await
        })
        .await
    }
}

/// Runs an import to its end even if nobody waits for it any more.
pub(super) async fn detached<T: Send + 'static>(
    import: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(import)
        .await
        .map_err(|error| Error::Internal(format!("an import ended: {error}")))?
}

/// One import while it runs.
struct Import {
    store: Store,
    file: ImportFile,
    bytes: u64,
    options: ImportOptions,
    collected: Collected,
    started: Instant,
    started_at: i64,
    /// How it ended, once that is known before all rows are dealt with.
    end: Option<ImportEnd>,
    /// Records of other tables that it made.
    related_created: u64,
    _listed: Listed,
}

impl Import {
    fn begin(store: &Store, file: &ImportFile, options: &ImportOptions) -> Result<Import, Error> {
        let options = ImportOptions {
            control: options.control.begun(),
            ..options.clone()
        };
        Ok(Import {
            store: store.clone(),
            file: file.clone(),
            bytes: file.len()?,
            collected: Collected::default(),
            started: Instant::now(),
            started_at: store.now(),
            end: None,
            related_created: 0,
            _listed: Listed::new(store, &options.control),
            options,
        })
    }

    /// Of the rows of its file, whatever that is.
    async fn of_rows(self) -> Result<Import, Error> {
        self.made(prepare::rows).await
    }

    /// Of what its file holds, if that is packed.
    async fn unpacked(self) -> Result<Import, Error> {
        self.made(|file, _, control| prepare::plain(file, unpack::packing(file)?, control))
            .await
    }

    async fn made(
        mut self,
        make: impl FnOnce(&ImportFile, &ReadOptions, &ImportControl) -> Result<ImportFile, Error> + Send + 'static,
    ) -> Result<Import, Error> {
        let (file, read, control) = (
            self.file.clone(),
            self.options.read.clone(),
            self.options.control.clone(),
        );
        self.file = blocking(move || make(&file, &read, &control)).await?;
        self.bytes = self.file.len()?;
        Ok(self)
    }

    fn control(&self) -> &ImportControl {
        &self.options.control
    }

    async fn run(
        mut self,
        handle: Option<TableHandle>,
        plan: Plan,
    ) -> Result<(Option<TableHandle>, ImportReport), Error> {
        let abort = self.options.on_error == OnError::Abort;
        if self.options.dry_run || abort && !plan.proven {
            self.check(handle.as_ref(), &plan).await?;
            let refused = abort && self.collected.failed > 0;
            if self.control().cancelled() {
                self.end = Some(ImportEnd::Cancelled);
            } else if refused && !self.options.dry_run {
                self.end = Some(ImportEnd::Refused);
            }
            if self.options.dry_run || self.end.is_some() {
                if !self.options.dry_run {
                    self.collected.nothing_written();
                    self.related_created = 0;
                }
                let table = handle.as_ref().map(|handle| handle.id.to_string());
                return Ok((handle, self.finish(&plan, table).await));
            }
        }
        let rows = std::mem::take(&mut self.collected).rows;
        self.control().writes();
        let (handle, mut running) = self.prepare(handle, &plan).await?;
        let written = match plan.schema.apply(&handle).await {
            Ok(()) => self.write(&handle, &plan, rows, &mut running).await,
            Err(error) => Err(error),
        };
        let mut unreadable = None;
        match written {
            Ok(()) if self.control().cancelled() => self.end = Some(ImportEnd::Cancelled),
            Ok(()) if abort && self.collected.failed > 0 => self.end = Some(ImportEnd::Refused),
            Ok(()) => {}
            Err(error) => {
                self.end = Some(ImportEnd::Failed(describe(&error)));
                unreadable = matches!(error, Error::File { .. } | Error::Limit { .. }).then_some(error);
            }
        }
        if self.end.is_some() {
            self.undo(&mut running).await;
        }
        if self.end.is_none()
            && let Err(error) = plan.schema.finish(&handle).await
        {
            self.end = Some(ImportEnd::Failed(describe(&error)));
            self.undo(&mut running).await;
        }
        let table = (!(plan.schema.new_table.is_some() && self.end.is_some())).then_some(handle);
        let id = table.as_ref().map(|handle| handle.id.to_string());
        let report = self.finish(&plan, id).await;
        unreadable.map_or(Ok((table, report)), Err)
    }

    /// Takes back what was written. If that fails too, it is written down that it has to be done at the next start.
    async fn undo(&mut self, running: &mut Running) {
        self.control().tell(Phase::TakingBack, 0, 0, self.bytes);
        self.collected.nothing_written();
        self.related_created = 0;
        if let Err(error) = take_back(&self.store, running).await {
            tracing::error!(import = %self.control().id(), %error, "an import could not be taken back");
            self.end = Some(ImportEnd::Failed(format!(
                "It failed, and what it wrote could not be taken back yet: {}. That is done when the store is opened again.",
                describe(&error)
            )));
        }
    }

    fn row_options(&self, plan: &Plan) -> RowOptions {
        RowOptions {
            on_error: self.options.on_error,
            dry_run: false,
            protected: Protected::Strip,
            matching: plan.matching.clone(),
            on_many: self.options.on_many,
            blank: self.options.blank,
            reason: Reason::Import,
            operation: Some(self.control().id().clone()),
            update_only: self.options.update_only,
            documents: Vec::new(),
        }
    }

    fn shape(&self, plan: &Plan) -> Result<Shape, Error> {
        let (format, sparing) = (self.options.notation.text, plan.sparing());
        Shape::new(
            plan.table.clone(),
            plan.places.clone(),
            format,
            sparing,
            self.control().id().clone(),
        )
    }

    /// Decides every row and writes nothing.
    async fn check(&mut self, handle: Option<&TableHandle>, plan: &Plan) -> Result<(), Error> {
        let shape = self.shape(plan)?;
        let mut checker = Checker {
            handle: handle.cloned().unwrap_or_else(|| self.store.handle(&plan.table)),
            table: plan.table.clone(),
            made: plan.made,
            fresh: handle.is_none(),
            options: self.row_options(plan),
            links: self.links(&plan.table, plan, true),
            taken: Taken::default(),
            repeated: HashSet::new(),
            carried: Default::default(),
            rows: 0,
        };
        if !plan.matching.is_empty() {
            let mut seen = HashSet::new();
            let mut chunks = ahead(&self.file, &plan.format, Portion::SOME);
            while let Some(chunk) = chunks.recv().await {
                checker.note(&shape, &chunk?, &mut seen).await?;
            }
        }
        let mut chunks = ahead(&self.file, &plan.format, self.portion_of_check(plan).await?);
        while let Some(chunk) = chunks.recv().await {
            while !self.control().may_go_on(HEARTBEAT).await {}
            let done = checker.chunk(&shape, &chunk?).await?;
            self.add(Phase::Checking, done);
            if self.control().cancelled() {
                return Ok(());
            }
            tokio::task::yield_now().await;
        }
        self.related_created = checker.links.made().await;
        Ok(())
    }

    /// The rows that are checked together: those that are written together, where they may name each other.
    async fn portion_of_check(&self, plan: &Plan) -> Result<Portion, Error> {
        let own = |column: &chancery_model::Column| column.refers_to() == Some(&*plan.table.slug);
        if self.options.on_error != OnError::Abort || !plan.table.live().any(own) {
            return Ok(Portion::SOME);
        }
        let (mut rows, mut chunks) = (0, ahead(&self.file, &plan.format, Portion::SOME));
        while let Some(chunk) = chunks.recv().await {
            rows += chunk?.len();
            if rows > ONE_COMMIT_ROWS {
                return Ok(Portion::SOME);
            }
        }
        Ok(Portion::ALL)
    }

    /// Whom cells name.
    fn links(&self, table: &chancery_model::Table, plan: &Plan, trial: bool) -> Links {
        let create = (self.options.create_missing, trial);
        let import = self.control().id().clone();
        Links::new((&self.store, table), &plan.places, create, import)
    }

    fn add(&mut self, phase: Phase, done: ChunkDone) {
        let bytes = done.bytes;
        self.collected.add(done);
        self.control().tell(phase, self.collected.rows, bytes, self.bytes);
    }

    /// Writes down that the import runs, and makes the table if there is none yet.
    async fn prepare(
        &self,
        handle: Option<TableHandle>,
        plan: &Plan,
    ) -> Result<(TableHandle, Running), Error> {
        let options = plan.schema.options.iter();
        let mut running = Running {
            import: self.control().id().to_string(),
            workspace: self.store.workspace.to_string(),
            table: String::new(),
            new_table: handle.is_none(),
            columns: plan
                .schema
                .columns
                .iter()
                .filter_map(|column| column.slug.clone())
                .collect(),
            options: options
                .flat_map(|(slug, names)| names.iter().map(|name| (slug.clone(), name.clone())))
                .collect(),
            report: self.report(plan, None),
            alive_at: self.store.now(),
        };
        let (handle, store) = match (handle, &plan.schema.new_table) {
            (Some(handle), _) => (handle, self.store.clone()),
            (None, Some(input)) => (
                self.store.create_table(input.clone()).await?,
                self.store.repeatable(),
            ),
            (None, None) => return Err(Error::Internal("an import has no table".into())),
        };
        running.table = handle.id.to_string();
        running.report.table_id = Some(running.table.clone());
        running.write(&store).await?;
        Ok((self.store.repeatable().handle(&*handle.definition()?), running))
    }

    /// Writes the rows, chunk by chunk; `rows` is their number if it is known.
    async fn write(
        &mut self,
        handle: &TableHandle,
        plan: &Plan,
        rows: u64,
        running: &mut Running,
    ) -> Result<(), Error> {
        let table = handle.definition()?;
        let shape = Shape::new(
            table,
            plan.places.clone(),
            self.options.notation.text,
            plan.sparing(),
            self.control().id().clone(),
        )?;
        let writing = Arc::new(Writing {
            handle: handle.clone(),
            links: self.links(&*handle.definition()?, plan, false),
            shape,
            options: self.row_options(plan),
        });
        let small = (1..=ONE_COMMIT_ROWS as u64).contains(&rows);
        let portion = if small { Portion::ALL } else { Portion::SOME };
        let width = if plan.matching.is_empty() { IN_FLIGHT } else { 1 };
        let mut chunks = ahead(&self.file, &plan.format, portion);
        let mut flying: VecDeque<JoinHandle<Result<ChunkDone, Error>>> = VecDeque::new();
        let mut line = Line::new();
        let mut result = Ok(());
        while let Some(chunk) = chunks.recv().await {
            if flying.len() >= width {
                result = self.land(&mut flying).await;
            }
            while !self.control().may_go_on(HEARTBEAT).await {
                running.write(&self.store).await?;
            }
            running.alive_at = self.store.now();
            let stopped = self.control().cancelled()
                || self.options.on_error == OnError::Abort && self.collected.failed > 0;
            let chunk = match chunk {
                Ok(chunk) if result.is_ok() && !stopped => chunk,
                Ok(_) => break,
                Err(error) => {
                    result = result.and(Err(error));
                    break;
                }
            };
            let document = if small {
                Vec::new()
            } else {
                vec![put_document(RUNNING_KIND, &running.import, running)?]
            };
            let (writing, place) = (writing.clone(), Some(line.place()));
            flying.push_back(tokio::spawn(async move {
                writing.chunk(&chunk, document, place).await
            }));
        }
        while !flying.is_empty() {
            let landed = self.land(&mut flying).await;
            result = result.and(landed);
        }
        self.related_created = writing.links.made().await;
        result
    }

    async fn land(
        &mut self,
        flying: &mut VecDeque<JoinHandle<Result<ChunkDone, Error>>>,
    ) -> Result<(), Error> {
        let Some(task) = flying.pop_front() else {
            return Ok(());
        };
        let done = task
            .await
            .map_err(|error| Error::Internal(format!("a task of an import ended: {error}")))??;
        self.add(Phase::Writing, done);
        Ok(())
    }

    fn report(&self, plan: &Plan, table_id: Option<String>) -> ImportReport {
        let collected = &self.collected;
        let wrote = collected.created + collected.updated > 0 && !self.options.dry_run && self.end.is_none();
        ImportReport {
            import_id: self.control().id().to_string(),
            table_id,
            end: self.end.clone().unwrap_or(ImportEnd::Done),
            dry_run: self.options.dry_run,
            written: wrote,
            rows: collected.rows,
            created: collected.created,
            updated: collected.updated,
            related_created: self.related_created,
            unchanged: collected.unchanged,
            masked: collected.masked,
            failed: collected.failed,
            errors: collected.errors.clone(),
            errors_total: collected.errors_total,
            errors_truncated: collected.errors_total > collected.errors.len() as u64,
            columns: plan.places.told(&plan.table),
            encoding: plan.encoding().to_owned(),
            delimiter: plan.delimiter(),
            revision: collected.revision.filter(|_| wrote),
            started_at: self.started_at,
            duration_ms: self.started.elapsed().as_millis() as u64,
        }
    }

    /// Keeps the report. What was written stays even if the report cannot be kept.
    async fn finish(mut self, plan: &Plan, table_id: Option<String>) -> ImportReport {
        let report = self.report(plan, table_id);
        let rows: Vec<FailedRow> = std::mem::take(&mut self.collected.failed_rows);
        let Places { names, .. } = &plan.places;
        let keeping = Keeping {
            names,
            file: self.options.file_name.as_deref(),
        };
        if let Err(error) = keep(&self.store, &report, keeping, rows).await {
            tracing::error!(import = %report.import_id, %error, "the report of an import could not be kept");
        }
        let progress = self.control().progress();
        self.control()
            .tell(Phase::Done, report.rows, progress.bytes, self.bytes);
        report
    }
}

/// What an error says to a person, without what is for the log only.
fn describe(error: &Error) -> String {
    error.to_string()
}
