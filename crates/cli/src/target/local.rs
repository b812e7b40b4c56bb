//! A database on this machine as a target: the library, without a server.

use std::cell::OnceCell;
use std::io::{Read, Write};

use chancery::access::{KeyInput, Secret, UserInput};
use chancery::backup::BackupReport;
use chancery::vault::Vault;
use chancery::{
    Boundary, Count, FindState, JobOptions, OperationQuery, PageWindow, RevertOptions, Source, Store,
    TableHandle, UpdateMode, WriteOptions,
};
use chancery_api::access::{ApiKey, ApiKeyCreate, ApiKeyCreated, User, UserCreate};
use chancery_api::columns::{Column, ColumnCreate};
use chancery_api::duplicates::{DuplicateGroup, Find, FindDuplicates, FoundDuplicates};
use chancery_api::history::{HistoryPage, Operation, OperationPage, Revert, RevertReport};
use chancery_api::import_jobs::ImportStatus;
use chancery_api::jobs::{Job, JobState};
use chancery_api::limits::GROUP_RECORDS_MAX;
use chancery_api::records::{Pagination, Record, RecordCreate, RecordUpdate};
use chancery_api::retype::{ColumnTypeChange, ColumnTypePlan};
use chancery_api::tables::{Table, TableCreate, TableStats};
use chancery_api::vault::CellsRevealed;
use chancery_server::convert::{
    access, columns, duplicates, history, import_jobs, maybe_time, queries, records, retype, tables,
};
use serde_json::Value as Json;
use tokio::runtime::Runtime;
use ureq::http::{Request, Response};

use super::{
    BackupJob, Change, DatabaseArgs, Delete, EachPage, ExportJob, FIND_LOOK, ImportJob, Imported, Missing,
    OperationsAsked, Question, Scope, Sent, Target, Watch, asking, open_store, runtime,
};
use crate::failure::Failure;
use crate::root_key::{RootArgs, made};

/// Most records read at once.
const PAGE: u64 = 1_000;

/// A database that this process has open.
pub(crate) struct Local {
    runtime: Runtime,
    store: Store,
    database: DatabaseArgs,
    /// The vault, from the first time that encrypted columns are dealt with.
    vault: OnceCell<Vault>,
}

impl Local {
    /// Opens a database; nobody else may have it open.
    pub(crate) fn open(database: &DatabaseArgs, missing: Missing) -> Result<Local, Failure> {
        let runtime = runtime()?;
        let store = runtime.block_on(open_store(database, missing, chancery::OpenOptions::default()))?;
        let local = Local {
            runtime,
            store,
            database: database.clone(),
            vault: OnceCell::new(),
        };
        if local.store.has_encrypted_columns() {
            local.vault(Missing::Refuse)?;
        }
        Ok(local)
    }

    /// The vault, whose keys encrypted columns need.
    fn vault(&self, missing: Missing) -> Result<&Vault, Failure> {
        if let Some(vault) = self.vault.get() {
            return Ok(vault);
        }
        let root = RootArgs::default();
        let opened = self
            .runtime
            .block_on(root.open(&self.store, &self.database, missing))?;
        if let Some(path) = &opened.made {
            // Whether the note is seen changes nothing.
            let _ = writeln!(std::io::stderr(), "{}", made(path));
        }
        Ok(self.vault.get_or_init(|| opened.vault))
    }

    fn wait<T, E: std::convert::Into<Failure>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure> {
        self.runtime.block_on(work).map_err(std::convert::Into::into)
    }

    fn handle(&self, table: &str) -> Result<TableHandle, Failure> {
        self.store.table(table).map_err(|error| {
            let failure = Failure::from(error);
            match self.store.tables().is_empty() {
                true => failure.hint("there is no table yet; `chancery table create` makes one"),
                false => failure.hint("`chancery table list` shows the tables"),
            }
        })
    }

    /// The page of a question after a place.
    async fn page(
        &self,
        handle: &TableHandle,
        question: &Question,
        after: Option<Boundary>,
        limit: u64,
        count: Count,
    ) -> Result<chancery::Page, Failure> {
        let query = queries::question(question.filter.as_ref(), &question.sort, question.search.as_ref())?;
        let scope = match question.scope {
            Scope::Live => chancery::Scope::Live,
            Scope::Trash => chancery::Scope::Trash,
        };
        Ok(handle
            .page(&query, scope, PageWindow::After(after), limit, count)
            .await?)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // The last writes are on the disk already; this only lets go of the files.
        let _ = self.runtime.block_on(self.store.close());
    }
}

/// The record as it stands on the wire.
fn wire(record: &chancery::Record) -> Result<Record, Failure> {
    Ok(serde_json::from_value(records::to_json(record))?)
}

impl Target for Local {
    fn ask(&self, request: Request<Sent>) -> Result<Response<Box<dyn Read + '_>>, Failure> {
        let vault = self.vault(Missing::Refuse)?.clone();
        asking::ask(&self.runtime, (self.store.clone(), vault), request)
    }

    fn tables(&self) -> Result<Vec<Table>, Failure> {
        let handles = self.store.tables();
        handles
            .iter()
            .map(|handle| Ok(tables::table(&*handle.definition()?, tables::Columns::With)))
            .collect()
    }

    fn table(&self, name: &str) -> Result<Table, Failure> {
        Ok(tables::table(
            &*self.handle(name)?.definition()?,
            tables::Columns::With,
        ))
    }

    fn stats(&self, table: &str) -> Result<TableStats, Failure> {
        let handle = self.handle(table)?;
        let stats = self.wait(handle.stats())?;
        Ok(TableStats {
            records: stats.live,
            deleted: stats.trash,
            columns: handle.definition()?.live().count() as u64,
            last_change_at: maybe_time(stats.last_change_at),
        })
    }

    fn create_table(&self, table: TableCreate) -> Result<Table, Failure> {
        if table.columns.iter().any(|column| column.encrypted.is_some()) {
            self.vault(Missing::Make)?;
        }
        let handle = self.wait(self.store.create_table(tables::table_input(table)?))?;
        Ok(tables::table(&*handle.definition()?, tables::Columns::With))
    }

    fn delete_table(&self, table: &str) -> Result<(), Failure> {
        self.wait(self.handle(table)?.delete_table())
    }

    fn deleted_tables(&self) -> Result<Vec<Table>, Failure> {
        let all = self.store.deleted_tables();
        Ok(all
            .iter()
            .map(|table| tables::table(table, tables::Columns::Without))
            .collect())
    }

    fn restore_table(&self, table: &str) -> Result<Table, Failure> {
        let handle = self.wait(self.store.restore_table(table))?;
        Ok(tables::table(&*handle.definition()?, tables::Columns::With))
    }

    fn purge_table(&self, id: &str) -> Result<(), Failure> {
        match self.handle(id) {
            Ok(handle) => self.wait(handle.purge_table()),
            Err(_) => self.wait(self.store.purge_table(id)),
        }
    }

    fn add_column(&self, table: &str, column: ColumnCreate) -> Result<Column, Failure> {
        if column.encrypted.is_some() {
            self.vault(Missing::Make)?;
        }
        let added = self.wait(self.handle(table)?.add_column(columns::input(column)?))?;
        Ok(columns::column(&added))
    }

    fn change_type(
        &self,
        (table, column): (&str, &str),
        asked: &ColumnTypeChange,
        tell: &dyn Fn(&Job),
    ) -> Result<ColumnTypePlan, Failure> {
        let handle = self.handle(table)?;
        let change = retype::asked(asked.clone()).map_err(|locale| {
            Failure::new(format!("no locale \"{locale}\"")).hint("write it like de-DE or en-US")
        })?;
        self.wait(async {
            // What an earlier command left is in the way otherwise.
            for left in self.store.resume_left_type_changes().await? {
                left.wait().await?;
            }
            let plan = handle.plan_type_change(column, &change).await?;
            if asked.dry_run {
                return Ok(retype::plan(plan, None));
            }
            let job = handle.begin_type_change(&plan, JobOptions::default()).await?;
            loop {
                let status = job.status().await?;
                let plan = retype::plan(plan.clone(), Some(&status));
                match &plan.job {
                    Some(job) if job.state == JobState::Running => tell(job),
                    _ => return Ok::<_, chancery::Error>(plan),
                }
                tokio::time::sleep(FIND_LOOK).await;
            }
        })
    }

    fn delete_column(&self, table: &str, column: &str) -> Result<(), Failure> {
        self.wait(self.handle(table)?.delete_column(column))
    }

    fn deleted_columns(&self, table: &str) -> Result<Vec<Column>, Failure> {
        Ok(self
            .handle(table)?
            .deleted_columns()?
            .iter()
            .map(columns::column)
            .collect())
    }

    fn restore_column(&self, table: &str, column: &str) -> Result<Column, Failure> {
        Ok(columns::column(
            &self.wait(self.handle(table)?.restore_column(column))?,
        ))
    }

    fn create(&self, table: &str, record: RecordCreate) -> Result<Record, Failure> {
        let options = WriteOptions {
            protected: chancery::Protected::Refuse,
            external_id: record.metadata.and_then(|metadata| metadata.external_id),
            ..WriteOptions::default()
        };
        let written = self.wait(
            self.handle(table)?
                .insert_with(&Json::Object(record.data), options),
        )?;
        wire(&written.record)
    }

    fn get(&self, table: &str, id: &str) -> Result<Record, Failure> {
        let handle = self.handle(table)?;
        let found = self.wait(handle.get_any(id))?;
        match found {
            Some(record) if record.deleted_at().is_none() => wire(&record),
            Some(_) => Err(
                Failure::refused(format!("record \"{id}\" of table \"{table}\" is in the trash"))
                    .hint(format!("`chancery record restore {table} {id}` brings it back")),
            ),
            None => Err(Failure::refused(format!(
                "no record \"{id}\" in table \"{table}\""
            ))),
        }
    }

    fn change(
        &self,
        table: &str,
        id: &str,
        change: Change,
        update: RecordUpdate,
        version: Option<u64>,
    ) -> Result<Record, Failure> {
        let mode = match change {
            Change::Merge => UpdateMode::Merge,
            Change::Replace => UpdateMode::Replace,
        };
        let options = WriteOptions {
            expected_version: version,
            protected: chancery::Protected::Refuse,
            external_id: update.metadata.and_then(|metadata| metadata.external_id),
            ..WriteOptions::default()
        };
        let written =
            self.wait(
                self.handle(table)?
                    .update_with(id, &Json::Object(update.data), mode, options),
            )?;
        wire(&written.record)
    }

    fn delete(&self, table: &str, id: &str, how: Delete) -> Result<(), Failure> {
        let handle = self.handle(table)?;
        match how {
            Delete::Softly => self.wait(handle.delete_with(id, WriteOptions::default()))?,
            Delete::ForGood => self.wait(handle.purge_with(id, WriteOptions::default()))?,
        };
        Ok(())
    }

    fn restore(&self, table: &str, id: &str) -> Result<Record, Failure> {
        wire(&self.wait(self.handle(table)?.restore(id))?)
    }

    fn reveal(&self, table: &str, id: &str, columns: &[String]) -> Result<CellsRevealed, Failure> {
        let handle = self.handle(table)?;
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let vault = self.vault(Missing::Refuse)?;
        let values = self.wait(vault.reveal_cells(&handle, id, &columns))?;
        Ok(CellsRevealed {
            values: values.into_iter().collect(),
        })
    }

    fn history(&self, table: &str, id: &str, limit: u64) -> Result<HistoryPage, Failure> {
        let found = self.wait(self.handle(table)?.history(id, limit as usize, None))?;
        let has_more = found.has_more;
        Ok(history::history(found, listed(limit, has_more)))
    }

    fn restore_version(&self, table: &str, id: &str, version: u64) -> Result<Record, Failure> {
        let written = self.wait(self.handle(table)?.restore_version(id, version))?;
        wire(&written.record)
    }

    fn operations(&self, asked: &OperationsAsked) -> Result<OperationPage, Failure> {
        let query = OperationQuery {
            actor: asked.actor.clone(),
            table: asked.table.clone(),
            limit: Some(asked.limit as usize),
            before: None,
        };
        let page = self.wait(self.store.operations(query))?;
        let has_more = page.next.is_some();
        Ok(OperationPage {
            operations: page.operations.into_iter().map(history::operation).collect(),
            pagination: listed(asked.limit, has_more),
        })
    }

    fn operation(&self, id: &str) -> Result<Operation, Failure> {
        Ok(history::operation(self.wait(self.store.operation(id))?))
    }

    fn revert(&self, id: &str, how: &Revert) -> Result<RevertReport, Failure> {
        let options = RevertOptions {
            dry_run: how.dry_run,
            all_or_nothing: how.all_or_nothing,
        };
        Ok(history::report(self.wait(self.store.revert(id, options))?))
    }

    fn imports(&self) -> Result<Vec<ImportStatus>, Failure> {
        let imports = self.wait(self.store.imports())?;
        Ok(imports
            .into_iter()
            .map(|job| import_jobs::status(job, import_jobs::Draft::Short))
            .collect())
    }

    fn import_status(&self, id: &str) -> Result<ImportStatus, Failure> {
        Ok(import_jobs::status(
            self.wait(self.store.import_job(id))?,
            import_jobs::Draft::Short,
        ))
    }

    fn revert_import(&self, id: &str, how: &Revert) -> Result<RevertReport, Failure> {
        let options = RevertOptions {
            dry_run: how.dry_run,
            all_or_nothing: how.all_or_nothing,
        };
        Ok(history::report(self.wait(self.store.revert_import(id, options))?))
    }

    fn query(&self, table: &str, question: &Question, each: EachPage<'_>) -> Result<(), Failure> {
        let handle = self.handle(table)?;
        let mut left = question.limit.unwrap_or(u64::MAX);
        let mut after = None;
        while left > 0 {
            let page = self.wait(self.page(&handle, question, after, left.min(PAGE), Count::None))?;
            left = left.saturating_sub(page.records.len() as u64);
            each(page.records.iter().map(wire).collect::<Result<_, _>>()?)?;
            after = page.next.filter(|_| page.has_more);
            if after.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, table: &str, question: &Question) -> Result<u64, Failure> {
        let handle = self.handle(table)?;
        let page = self.wait(self.page(&handle, question, None, 1, Count::Exact))?;
        page.total.ok_or_else(|| Failure::new("the store did not count"))
    }

    fn duplicates(
        &self,
        table: &str,
        asked: &FindDuplicates,
        most: u64,
        tell: &dyn Fn(&Find),
    ) -> Result<FoundDuplicates, Failure> {
        let handle = self.handle(table)?;
        let options = duplicates::options(asked)?;
        self.wait(async {
            let id = handle.begin_find(options)?;
            let (status, found) = loop {
                let status = handle.wait_for_find(&id, FIND_LOOK).await?;
                tell(&duplicates::find(&status));
                match status.state.clone() {
                    FindState::Running => {}
                    FindState::Done(found) => break (status, found),
                    FindState::Cancelled => return Err(Failure::from(chancery::Error::Cancelled)),
                    FindState::Failed(error) => return Err(Failure::new(error.to_string())),
                }
            };
            let mut groups = Vec::new();
            for group in found
                .groups
                .iter()
                .take(usize::try_from(most).unwrap_or(usize::MAX))
            {
                let now = handle
                    .duplicates_now(group, &status.options, GROUP_RECORDS_MAX)
                    .await?;
                let Some(now) = now else { continue };
                groups.push(DuplicateGroup {
                    score: group.score,
                    size: group.keys.len() as u64,
                    records: now.records.iter().map(wire).collect::<Result<_, _>>()?,
                    pairs: duplicates::pairs(now.pairs),
                });
            }
            let total = found.groups.len() as u64;
            Ok(FoundDuplicates {
                groups,
                find: duplicates::find(&status),
                pagination: Pagination {
                    total: Some(total),
                    has_more: most < total,
                    offset: None,
                    limit: u32::try_from(most).unwrap_or(u32::MAX),
                    next_cursor: None,
                    previous_cursor: None,
                },
            })
        })
    }

    fn import(&self, job: &ImportJob<'_>, watch: Watch) -> Result<Imported, Failure> {
        let store = self.store.acting(chancery::Actor {
            id: None,
            source: Source::Import,
        });
        self.wait(crate::commands::import::locally(&store, job, watch))
    }

    fn export(&self, job: &ExportJob, out: &mut dyn Write) -> Result<(), Failure> {
        self.wait(crate::commands::export::locally(
            &self.handle(&job.table)?,
            job,
            out,
        ))
    }

    fn backup(&self, job: &BackupJob<'_>) -> Result<BackupReport, Failure> {
        let watch = |progress| job.watching.show(&progress);
        self.wait(self.store.backup(job.file, job.in_the_way, &watch))
    }

    fn keys(&self) -> Result<Vec<ApiKey>, Failure> {
        Ok(self
            .wait(self.store.access().keys())?
            .iter()
            .map(access::key)
            .collect())
    }

    fn create_key(&self, key: ApiKeyCreate) -> Result<ApiKeyCreated, Failure> {
        let grants = access::grants_in(&self.store, key.grants.clone())?;
        let input = key_input(key, grants)?;
        Ok(created(self.wait(self.store.access().create_key(input))?))
    }

    fn delete_key(&self, id: &str) -> Result<(), Failure> {
        self.wait(self.store.access().delete_key(id))
    }

    fn users(&self) -> Result<Vec<User>, Failure> {
        Ok(self
            .wait(self.store.access().users())?
            .iter()
            .map(access::user)
            .collect())
    }

    fn create_user(&self, user: UserCreate) -> Result<User, Failure> {
        let people = self.store.access();
        let first = self.wait(people.needs_setup())?;
        if first && user.role != chancery_api::access::Role::Owner {
            return Err(Failure::new("the first user must be an owner").hint("add --role owner"));
        }
        let input = UserInput {
            email: user.email,
            name: user.name,
            role: access::role_in(user.role),
            grants: access::grants_in(&self.store, user.grants)?,
            password: Secret::new(user.password),
        };
        let made = match first {
            true => self.wait(people.create_first(input)),
            false => self.wait(people.create_user(input)),
        };
        Ok(access::user(&made?))
    }
}

/// A key to make, as the library wants it.
pub(crate) fn key_input(
    key: ApiKeyCreate,
    grants: Vec<chancery::access::Grant>,
) -> Result<KeyInput, Failure> {
    let instant = |text: String| {
        let time: Result<jiff::Timestamp, _> = text.parse();
        time.map(|time| time.as_millisecond())
            .map_err(|_| Failure::new(format!("\"{text}\" is no time")))
    };
    let expires_at = key.expires_at.flatten().map(instant).transpose()?;
    Ok(KeyInput {
        name: key.name,
        scope: access::scope_in(key.scope),
        grants,
        expires_at,
        created_by: None,
    })
}

/// A key that was made, with what is shown once.
pub(crate) fn created(made: chancery::access::NewKey) -> ApiKeyCreated {
    ApiKeyCreated {
        id: made.key.id,
        name: made.key.name,
        scope: access::scope_out(made.key.scope),
        key: made.secret.expose().to_owned(),
        prefix: made.key.prefix,
        expires_at: maybe_time(made.key.expires_at),
    }
}

/// How a list of this machine goes on: it does not, it is asked for with a larger limit.
fn listed(limit: u64, has_more: bool) -> Pagination {
    Pagination {
        has_more,
        limit: limit as u32,
        ..Pagination::default()
    }
}
