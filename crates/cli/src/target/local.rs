//! A database on this machine as a target: the library, without a server.

use std::cell::OnceCell;
use std::io::Write;

use chancery::access::{KeyInput, Secret, UserInput};
use chancery::backup::BackupReport;
use chancery::vault::Vault;
use chancery::{
    Boundary, Count, OperationQuery, PageWindow, RevertOptions, Source, StorageError, Store, TableHandle,
    UpdateMode, WriteOptions,
};
use chancery_api::JsonMap;
use chancery_api::access::{ApiKey, ApiKeyCreate, ApiKeyCreated, User, UserCreate};
use chancery_api::columns::{Column, ColumnCreate};
use chancery_api::history::{HistoryPage, Operation, OperationPage, Revert, RevertReport};
use chancery_api::import_jobs::ImportStatus;
use chancery_api::query::Search;
use chancery_api::records::{Pagination, Record, RecordCreate};
use chancery_api::tables::{Table, TableCreate, TableStats};
use chancery_api::vault::CellsRevealed;
use chancery_server::convert::{access, columns, history, import_jobs, maybe_time, queries, records, tables};
use serde_json::Value as Json;
use tokio::runtime::Runtime;

use super::{
    BackupJob, Change, DatabaseArgs, Delete, EachPage, ExportJob, ImportJob, Imported, Missing,
    OperationsAsked, Question, Scope, Target, Watch,
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
        let search = question.search.clone().map(|query| Search {
            query,
            ..Search::default()
        });
        let query = queries::question(question.filter.as_ref(), &question.sort, search.as_ref())?;
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

/// One thread is enough for one command.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}

/// Opens the store, and says what to do when it cannot be opened.
pub(crate) async fn open_store(
    database: &DatabaseArgs,
    missing: Missing,
    options: chancery::OpenOptions,
) -> Result<Store, Failure> {
    if let Some(file) = database.file() {
        if missing != Missing::Make && !file.exists() {
            return Err(
                Failure::new(format!("there is no database at {}", file.display()))
                    .hint("name one with --data DIR, or make a table with `chancery table create`"),
            );
        }
        if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir)
                .map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?;
        }
    }
    match Store::open_with(&database.url(), options).await {
        Err(chancery::Error::Storage(StorageError::Locked { path })) => Err(locked(&path, database)),
        opened => Ok(opened?),
    }
}

/// Whether another process has the database open.
pub(crate) fn is_locked(database: &DatabaseArgs) -> Result<bool, Failure> {
    let runtime = runtime()?;
    match runtime.block_on(Store::open(&database.url())) {
        Err(chancery::Error::Storage(StorageError::Locked { .. })) => Ok(true),
        opened => {
            runtime.block_on(opened?.close())?;
            Ok(false)
        }
    }
}

/// What to say when a server has the database.
fn locked(path: &str, database: &DatabaseArgs) -> Failure {
    Failure::new(format!("{path} is in use by another process, probably a running server")).hint(format!(
        "talk to it: --server http://127.0.0.1:7373 --key KEY (a key: `chancery key create --name me --scope write{}`)",
        database.again()
    ))
}

/// The record as it stands on the wire.
fn wire(record: &chancery::Record) -> Result<Record, Failure> {
    Ok(serde_json::from_value(records::to_json(record))?)
}

impl Target for Local {
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

    fn drop_table(&self, table: &str) -> Result<(), Failure> {
        self.wait(self.handle(table)?.drop_table())
    }

    fn add_column(&self, table: &str, column: ColumnCreate) -> Result<Column, Failure> {
        if column.encrypted.is_some() {
            self.vault(Missing::Make)?;
        }
        let added = self.wait(self.handle(table)?.add_column(columns::input(column)?))?;
        Ok(columns::column(&added))
    }

    fn delete_column(&self, table: &str, column: &str) -> Result<(), Failure> {
        self.wait(self.handle(table)?.delete_column(column))
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
        data: JsonMap,
        version: Option<u64>,
    ) -> Result<Record, Failure> {
        let mode = match change {
            Change::Merge => UpdateMode::Merge,
            Change::Replace => UpdateMode::Replace,
        };
        let options = WriteOptions {
            expected_version: version,
            protected: chancery::Protected::Refuse,
            ..WriteOptions::default()
        };
        let written = self.wait(
            self.handle(table)?
                .update_with(id, &Json::Object(data), mode, options),
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
        Ok(imports.into_iter().map(import_jobs::status).collect())
    }

    fn import_status(&self, id: &str) -> Result<ImportStatus, Failure> {
        Ok(import_jobs::status(self.wait(self.store.import_job(id))?))
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
        Ok(created(
            self.wait(self.store.access().create_key(key_input(key)?))?,
        ))
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
pub(crate) fn key_input(key: ApiKeyCreate) -> Result<KeyInput, Failure> {
    let instant = |text: String| {
        let time: Result<jiff::Timestamp, _> = text.parse();
        time.map(|time| time.as_millisecond())
            .map_err(|_| Failure::new(format!("\"{text}\" is no time")))
    };
    let expires_at = key.expires_at.flatten().map(instant).transpose()?;
    Ok(KeyInput {
        name: key.name,
        scope: access::scope_in(key.scope),
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
