//! What a command works on: a database on this machine, or a server. Each command is written once, against [`Target`].

mod asking;
mod files_place;
mod form;
mod http;
mod local;
mod opening;
mod remote;
pub(crate) mod vault;

use std::io::Read;
use std::path::{Path, PathBuf};

use chancery::backup::{BackupReport, InTheWay};
use chancery_api::access::{ApiKey, ApiKeyCreate, ApiKeyCreated, User, UserCreate};
use chancery_api::columns::{Column, ColumnCreate};
use chancery_api::duplicates::{Find, FindDuplicates, FoundDuplicates};
use chancery_api::history::{HistoryPage, Operation, OperationPage, Revert, RevertReport};
use chancery_api::import_jobs::ImportStatus;
use chancery_api::imports::ImportReport;
use chancery_api::jobs::Job;
use chancery_api::query::{Filter, Search, Sort};
use chancery_api::records::{Record, RecordCreate, RecordUpdate};
use chancery_api::retype::{ColumnTypeChange, ColumnTypePlan};
use chancery_api::tables::{Table, TableCreate, TableStats};
use chancery_api::vault::CellsRevealed;
use clap::Args;
use ureq::http::{Request, Response};

use crate::commands::transfers::Watching;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) use chancery_server::at_hand::Sent;
pub(crate) use files_place::files_place;
pub(crate) use form::Form;
use local::Local;
pub(crate) use local::{created as key_created, key_input};
pub(crate) use opening::{is_locked, open_store, runtime};
use remote::Remote;

/// How often it is looked how far a search for duplicates is.
const FIND_LOOK: std::time::Duration = std::time::Duration::from_millis(200);
/// The data directory when none is named.
pub(crate) const DATA_DIR: &str = "./chancery-data";

/// Where the records are.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Where the records are")]
pub(crate) struct TargetArgs {
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    /// The address of a running server [env: CHANCERY_SERVER]
    #[arg(long, global = true, value_name = "URL", conflicts_with_all = ["data", "database"])]
    pub(crate) server: Option<String>,
    /// The API key for the server [env: CHANCERY_KEY]
    #[arg(long, global = true, value_name = "KEY", conflicts_with_all = ["data", "database"])]
    pub(crate) key: Option<String>,
}

/// A database on this machine.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DatabaseArgs {
    /// The data directory [default: ./chancery-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The database itself: sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, global = true, value_name = "URL", conflicts_with = "data")]
    pub(crate) database: Option<String>,
    /// Where files are kept: a folder, or s3://BUCKET/PREFIX?region=R&endpoint=URL; beside the database if absent [env: CHANCERY_FILES]
    #[arg(long, global = true, value_name = "PLACE")]
    pub(crate) files: Option<String>,
}

/// What to do when there is no database yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Say so.
    Refuse,
    /// Say so, but make a vault where there is none.
    MakeVault,
    /// Make one.
    Make,
}

impl TargetArgs {
    /// Opens what is named; a server named in the environment counts unless a database is named here.
    pub(crate) fn open(&self, missing: Missing) -> Result<Box<dyn Target>, Failure> {
        match self.server_url() {
            Some(url) => {
                let key = self.key.clone().or_else(|| variable("CHANCERY_KEY"));
                let remote = Remote::new(&url, key)?;
                if remote.in_the_clear() {
                    Output::new(false).warn(
                        "the key travels unencrypted to this server; use https:// where others can listen",
                    );
                }
                Ok(Box::new(remote))
            }
            None => Ok(Box::new(Local::open(&self.database, missing)?)),
        }
    }

    /// The server that is named, here or in the environment.
    pub(crate) fn server_url(&self) -> Option<String> {
        let local = self.database.data.is_some() || self.database.database.is_some();
        self.server
            .clone()
            .or_else(|| variable("CHANCERY_SERVER").filter(|_| !local))
    }
}

impl DatabaseArgs {
    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        match &self.database {
            Some(url) => url.clone(),
            None => chancery::data_url(self.directory()),
        }
    }

    /// The data directory; beside the point when a database is named.
    fn directory(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA_DIR))
    }

    /// Whether the database is on a server of its own.
    pub(crate) fn is_postgres(&self) -> bool {
        self.database
            .as_deref()
            .is_some_and(|url| url.starts_with("postgres:") || url.starts_with("postgresql:"))
    }

    /// The file of the database; none if it is kept in memory or on a server.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        let url = self.url();
        if url == "memory:" || url == "memory" || self.is_postgres() {
            return None;
        }
        let path = url.strip_prefix("sqlite:").unwrap_or(&url);
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }

    /// How these arguments are written again, for hints.
    pub(crate) fn again(&self) -> String {
        match (&self.data, &self.database) {
            (Some(dir), _) => format!(" --data {}", dir.display()),
            // The URL may hold a password, and hints end up in logs.
            (None, Some(_)) if self.is_postgres() => " --database postgres://…".to_owned(),
            (None, Some(url)) => format!(" --database {url}"),
            (None, None) => String::new(),
        }
    }
}

/// What the environment says, unless it says nothing.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Which records, in which order, how many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Question {
    pub(crate) filter: Option<Filter>,
    pub(crate) sort: Vec<Sort>,
    pub(crate) search: Option<Search>,
    /// All of them if absent.
    pub(crate) limit: Option<u64>,
    pub(crate) scope: Scope,
}

/// Live records or those in the trash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    #[default]
    Live,
    Trash,
}

/// How a record is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// What is not given stays.
    Merge,
    /// What is not given is cleared.
    Replace,
}

/// Where a deleted record goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delete {
    /// To the trash, where the table has one.
    Softly,
    /// Nowhere.
    ForGood,
}

/// A file to import.
pub(crate) struct ImportJob<'a> {
    pub(crate) file: &'a Path,
    pub(crate) into: Into<'a>,
    /// Header to slug; matched by name where absent.
    pub(crate) mapping: Vec<(String, String)>,
    pub(crate) options: chancery_api::imports::CsvOptions,
}

/// Where a file goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Into<'a> {
    /// A table that exists.
    Table(&'a str),
    /// A new one of this name.
    New(&'a str),
    /// A table that exists; the file holds JSON objects, in an array or line by line.
    Objects(&'a str),
    /// A table that exists; the file is the JSON export of a table.
    Records(&'a str),
    /// The table that a JSON export holds, under another name if one is given.
    Export(Option<&'a str>),
}

/// What became of a file.
pub(crate) struct Imported {
    pub(crate) report: ImportReport,
    /// The rows that were refused, as CSV.
    pub(crate) failed_rows: String,
}

/// Sees how far an import is.
#[derive(Default)]
pub(crate) struct Watch(pub(crate) Option<Box<dyn Fn(chancery::Progress) + Send + Sync>>);

/// A backup to write.
pub(crate) struct BackupJob<'a> {
    pub(crate) file: &'a Path,
    pub(crate) in_the_way: InTheWay,
    pub(crate) watching: &'a Watching,
}

/// What is exported.
#[derive(Clone, Debug, Default)]
pub(crate) struct ExportJob {
    pub(crate) table: String,
    pub(crate) format: ExportFormat,
    pub(crate) columns: Vec<String>,
    pub(crate) filter: Option<Filter>,
    pub(crate) search: Option<Search>,
    pub(crate) escape: Escape,
    pub(crate) links: Links,
}

/// How records and users that others name are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Links {
    /// As ids
    #[default]
    Id,
    /// As what people call them; an import finds them by that
    Label,
    /// As ids, and in a column behind it as what people call them
    Both,
}

/// The shape of an export.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// Comma-separated values, for spreadsheets
    #[default]
    Csv,
    /// The whole table with its definition, which `import` takes back
    Json,
    /// One record per line
    Ndjson,
    /// A workbook with typed cells
    Xlsx,
}

/// Whether cells that a spreadsheet would run are made harmless.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Escape {
    #[default]
    Formula,
    None,
}

/// Which operations.
pub(crate) struct OperationsAsked {
    pub(crate) table: Option<String>,
    pub(crate) actor: Option<String>,
    pub(crate) limit: u64,
}

/// Takes one page of records after the other.
pub(crate) type EachPage<'a> = &'a mut dyn FnMut(Vec<Record>) -> Result<(), Failure>;

/// Everything that commands do with records, wherever those are.
pub(crate) trait Target {
    /// Any operation of the HTTP API; the address of the request is its path. What is refused is a failure.
    fn ask(&self, request: Request<Sent>) -> Result<Response<Box<dyn Read + '_>>, Failure>;

    /// All tables, with their columns.
    fn tables(&self) -> Result<Vec<Table>, Failure>;
    /// One table, with its columns.
    fn table(&self, name: &str) -> Result<Table, Failure>;
    fn stats(&self, table: &str) -> Result<TableStats, Failure>;
    fn create_table(&self, table: TableCreate) -> Result<Table, Failure>;
    fn delete_table(&self, table: &str) -> Result<(), Failure>;
    /// The tables in the trash, the last one deleted first.
    fn deleted_tables(&self) -> Result<Vec<Table>, Failure>;
    fn restore_table(&self, table: &str) -> Result<Table, Failure>;
    /// Drops a table for good, one that is there or in the trash, by its id.
    fn purge_table(&self, id: &str) -> Result<(), Failure>;
    fn add_column(&self, table: &str, column: ColumnCreate) -> Result<Column, Failure>;
    /// Gives a column another field type and tells how far that is; or tells what would become of its values.
    fn change_type(
        &self,
        of: (&str, &str),
        asked: &ColumnTypeChange,
        tell: &dyn Fn(&Job),
    ) -> Result<ColumnTypePlan, Failure>;
    fn delete_column(&self, table: &str, column: &str) -> Result<(), Failure>;
    /// The deleted columns of a table, the last one first.
    fn deleted_columns(&self, table: &str) -> Result<Vec<Column>, Failure>;
    fn restore_column(&self, table: &str, column: &str) -> Result<Column, Failure>;

    fn create(&self, table: &str, record: RecordCreate) -> Result<Record, Failure>;
    fn get(&self, table: &str, id: &str) -> Result<Record, Failure>;
    fn change(
        &self,
        table: &str,
        id: &str,
        change: Change,
        update: RecordUpdate,
        version: Option<u64>,
    ) -> Result<Record, Failure>;
    fn delete(&self, table: &str, id: &str, how: Delete) -> Result<(), Failure>;
    fn restore(&self, table: &str, id: &str) -> Result<Record, Failure>;
    /// Gives the records of a question page by page.
    fn query(&self, table: &str, question: &Question, each: EachPage<'_>) -> Result<(), Failure>;
    fn count(&self, table: &str, question: &Question) -> Result<u64, Failure>;
    /// Looks for duplicates, tells how far that is, and gives the first so many groups.
    fn duplicates(
        &self,
        table: &str,
        asked: &FindDuplicates,
        most: u64,
        tell: &dyn Fn(&Find),
    ) -> Result<FoundDuplicates, Failure>;

    /// The values of encrypted columns of a record.
    fn reveal(&self, table: &str, id: &str, columns: &[String]) -> Result<CellsRevealed, Failure>;

    /// The newest steps of a record.
    fn history(&self, table: &str, id: &str, limit: u64) -> Result<HistoryPage, Failure>;
    fn restore_version(&self, table: &str, id: &str, version: u64) -> Result<Record, Failure>;
    fn operations(&self, asked: &OperationsAsked) -> Result<OperationPage, Failure>;
    fn operation(&self, id: &str) -> Result<Operation, Failure>;
    fn revert(&self, id: &str, how: &Revert) -> Result<RevertReport, Failure>;

    /// All imports, the newest first.
    fn imports(&self) -> Result<Vec<ImportStatus>, Failure>;
    fn import_status(&self, id: &str) -> Result<ImportStatus, Failure>;
    fn revert_import(&self, id: &str, how: &Revert) -> Result<RevertReport, Failure>;

    fn import(&self, job: &ImportJob<'_>, watch: Watch) -> Result<Imported, Failure>;
    fn export(&self, job: &ExportJob, out: &mut dyn std::io::Write) -> Result<(), Failure>;

    /// Writes a backup of everything into a file.
    fn backup(&self, job: &BackupJob<'_>) -> Result<BackupReport, Failure>;

    fn keys(&self) -> Result<Vec<ApiKey>, Failure>;
    fn create_key(&self, key: ApiKeyCreate) -> Result<ApiKeyCreated, Failure>;
    fn delete_key(&self, id: &str) -> Result<(), Failure>;
    fn users(&self) -> Result<Vec<User>, Failure>;
    fn create_user(&self, user: UserCreate) -> Result<User, Failure>;
}
