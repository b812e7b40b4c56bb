//! A server as a target: every command becomes calls of the HTTP API.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use chancery::backup::{BackupReport, InTheWay};
use chancery::transfer::{TransferPhase, TransferProgress};
use chancery_api::access::{ApiKey, ApiKeyCreate, ApiKeyCreated, ApiKeyList, User, UserCreate, UserList};
use chancery_api::columns::{Column, ColumnCreate, ColumnList};
use chancery_api::duplicates::{Find, FindDuplicates, FindState, FoundDuplicates, Wait};
use chancery_api::history::{HistoryPage, Operation, OperationPage, Revert, RevertReport, VersionRestore};
use chancery_api::import_jobs::{ImportList, ImportStatus};
use chancery_api::imports::{CsvOptions, ImportReport, TableImport};
use chancery_api::jobs::{Job, JobState};
use chancery_api::query::{Count, Paginate, PaginationType, Query};
use chancery_api::records::{Pagination, Record, RecordCreate, RecordPage, RecordUpdate};
use chancery_api::retype::{ColumnTypeChange, ColumnTypeChoices, ColumnTypePlan};
use chancery_api::tables::{Table, TableCreate, TableList, TableStats};
use chancery_api::vault::{CellsRevealed, RevealCells};
use ureq::http::{Method, Request, Response};
use ureq::{Body, SendBody};
use url::Url;

use super::form::Form;
use super::http::{Client, read, with_json};
use super::{
    BackupJob, Change, Delete, EachPage, Escape, ExportFormat, ExportJob, FIND_LOOK, ImportJob, Imported,
    Into, Links, OperationsAsked, Question, Scope, Sent, Target, Watch,
};
use crate::failure::Failure;

/// Most records asked for at once.
const PAGE: u64 = 1_000;

/// Bytes of a backup taken at a time.
const RECEIVE_BYTES: usize = 64 * 1024;

/// A running server.
pub(crate) struct Remote {
    client: Client,
}

impl Remote {
    /// A server and the key for it; nothing is sent yet.
    pub(crate) fn new(server: &str, key: Option<String>) -> Result<Remote, Failure> {
        Ok(Remote {
            client: Client::new(server, key)?,
        })
    }

    /// Whether the key would travel unencrypted over a network.
    pub(crate) fn in_the_clear(&self) -> bool {
        self.client.in_the_clear()
    }

    fn url(&self, parts: &[&str]) -> Url {
        self.client.url(&[&["api"], parts].concat())
    }

    /// All items of a list that comes in pages.
    fn all<L: serde::de::DeserializeOwned, T>(
        &self,
        mut url: Url,
        open: impl Fn(L) -> (Vec<T>, Pagination),
    ) -> Result<Vec<T>, Failure> {
        url.query_pairs_mut().append_pair("limit", &PAGE.to_string());
        let (mut items, mut pagination) = open(self.client.get(url.clone())?);
        while let Some(cursor) = pagination.next_cursor.take().filter(|_| pagination.has_more) {
            let mut next = url.clone();
            next.query_pairs_mut().append_pair("cursor", &cursor);
            let (more, after) = open(self.client.get(next)?);
            items.extend(more);
            pagination = after;
        }
        Ok(items)
    }

    /// Sends a CSV file with its options as a form.
    fn upload(
        &self,
        path: &[&str],
        name: Option<&str>,
        job: &ImportJob<'_>,
    ) -> Result<Response<Body>, Failure> {
        let mut form = Form::new();
        if let Some(name) = name {
            form.field("name", name);
        }
        if !job.mapping.is_empty() {
            let target = |slug: &str| Some(slug.to_owned()).filter(|slug| !slug.is_empty());
            let mapping = job
                .mapping
                .iter()
                .map(|(header, slug)| (header.as_str(), target(slug)));
            form.field(
                "mapping",
                &serde_json::to_string(&mapping.collect::<BTreeMap<_, _>>())?,
            );
        }
        form.field("options", &serde_json::to_string(&job.options)?);
        let (content_type, mut body) = form.with_file("file", job.file)?;
        self.client.send(
            Method::POST,
            self.url(path),
            Some(&content_type),
            SendBody::from_reader(&mut body),
        )
    }

    /// Sends a file as it is.
    fn send_file(
        &self,
        url: Url,
        content_type: &str,
        job: &ImportJob<'_>,
    ) -> Result<Response<Body>, Failure> {
        let told = |error: io::Error| Failure::new(format!("{}: {error}", job.file.display()));
        let mut file = File::open(job.file).map_err(told)?;
        self.client.send(
            Method::POST,
            url,
            Some(content_type),
            SendBody::from_reader(&mut file),
        )
    }

    /// The rows that an import refused, as CSV.
    fn failed_rows(&self, import: &str) -> Result<String, Failure> {
        let response = self
            .client
            .send(Method::GET, self.url(&["imports", import, "errors"]), None, ())?;
        let mut text = String::new();
        response.into_body().into_reader().read_to_string(&mut text)?;
        Ok(text)
    }

    /// One page of a question.
    fn page(
        &self,
        table: &str,
        question: &Question,
        limit: u64,
        cursor: Option<String>,
        count: Count,
    ) -> Result<RecordPage, Failure> {
        if question.scope == Scope::Trash {
            let mut url = self.url(&["tables", table, "trash"]);
            url.query_pairs_mut().append_pair("limit", &limit.to_string());
            if let Some(cursor) = cursor {
                url.query_pairs_mut().append_pair("cursor", &cursor);
            }
            return self.client.get(url);
        }
        let query = Query {
            filter: question.filter.clone(),
            sort: question.sort.clone(),
            pagination: Some(Paginate {
                kind: PaginationType::Cursor,
                limit: Some(limit),
                cursor,
                ..Paginate::default()
            }),
            search: question.search.clone(),
            count,
            ..Query::default()
        };
        self.client
            .send_json(Method::POST, self.url(&["tables", table, "query"]), &query)
    }
}

impl Target for Remote {
    fn ask(&self, request: Request<Sent>) -> Result<Response<Box<dyn Read + '_>>, Failure> {
        let response = self.client.pass(request)?;
        Ok(response.map(|body| -> Box<dyn Read> { Box::new(body.into_reader()) }))
    }

    fn tables(&self) -> Result<Vec<Table>, Failure> {
        let mut url = self.url(&["tables"]);
        url.query_pairs_mut().append_pair("include", "columns");
        self.all(url, |list: TableList| (list.tables, list.pagination))
    }

    fn table(&self, name: &str) -> Result<Table, Failure> {
        let mut url = self.url(&["tables", name]);
        url.query_pairs_mut().append_pair("include", "columns");
        self.client.get(url)
    }

    fn stats(&self, table: &str) -> Result<TableStats, Failure> {
        self.client.get(self.url(&["tables", table, "stats"]))
    }

    fn create_table(&self, table: TableCreate) -> Result<Table, Failure> {
        self.client.send_json(Method::POST, self.url(&["tables"]), &table)
    }

    fn delete_table(&self, table: &str) -> Result<(), Failure> {
        self.client.delete(self.url(&["tables", table]))
    }

    fn deleted_tables(&self) -> Result<Vec<Table>, Failure> {
        let mut url = self.url(&["tables"]);
        url.set_query(Some("deleted=true"));
        self.all(url, |list: TableList| (list.tables, list.pagination))
    }

    fn restore_table(&self, table: &str) -> Result<Table, Failure> {
        let url = self.url(&["tables", table, "restore"]);
        self.client.send_json(Method::POST, url, &())
    }

    fn purge_table(&self, id: &str) -> Result<(), Failure> {
        let mut url = self.url(&["tables", id]);
        url.set_query(Some("permanent=true"));
        self.client.delete(url)
    }

    fn add_column(&self, table: &str, column: ColumnCreate) -> Result<Column, Failure> {
        self.client
            .send_json(Method::POST, self.url(&["tables", table, "columns"]), &column)
    }

    fn change_type(
        &self,
        (table, column): (&str, &str),
        asked: &ColumnTypeChange,
        tell: &dyn Fn(&Job),
    ) -> Result<ColumnTypePlan, Failure> {
        let url = self.url(&["tables", table, "columns", column, "change-type"]);
        let mut plan: ColumnTypePlan = self.client.send_json(Method::POST, url.clone(), asked)?;
        while let Some(job) = plan.job.as_ref().filter(|job| job.state == JobState::Running) {
            tell(job);
            std::thread::sleep(FIND_LOOK);
            plan.job = self.client.get::<ColumnTypeChoices>(url.clone())?.job;
        }
        Ok(plan)
    }

    fn delete_column(&self, table: &str, column: &str) -> Result<(), Failure> {
        self.client
            .delete(self.url(&["tables", table, "columns", column]))
    }

    fn deleted_columns(&self, table: &str) -> Result<Vec<Column>, Failure> {
        let mut url = self.url(&["tables", table, "columns"]);
        url.set_query(Some("deleted=true"));
        Ok(self.client.get::<ColumnList>(url)?.columns)
    }

    fn restore_column(&self, table: &str, column: &str) -> Result<Column, Failure> {
        let url = self.url(&["tables", table, "columns", column, "restore"]);
        self.client.send_json(Method::POST, url, &())
    }

    fn create(&self, table: &str, record: RecordCreate) -> Result<Record, Failure> {
        self.client
            .send_json(Method::POST, self.url(&["tables", table, "records"]), &record)
    }

    fn get(&self, table: &str, id: &str) -> Result<Record, Failure> {
        self.client.get(self.url(&["tables", table, "records", id]))
    }

    fn change(
        &self,
        table: &str,
        id: &str,
        change: Change,
        update: RecordUpdate,
        version: Option<u64>,
    ) -> Result<Record, Failure> {
        let method = match change {
            Change::Merge => Method::PATCH,
            Change::Replace => Method::PUT,
        };
        let body = serde_json::to_vec(&update)?;
        let url = self.url(&["tables", table, "records", id]);
        read(
            self.client
                .send_if(method, url, Some("application/json"), version, body)?,
        )
    }

    fn delete(&self, table: &str, id: &str, how: Delete) -> Result<(), Failure> {
        let mut url = self.url(&["tables", table, "records", id]);
        if how == Delete::ForGood {
            url.query_pairs_mut().append_pair("permanent", "true");
        }
        self.client.delete(url)
    }

    fn restore(&self, table: &str, id: &str) -> Result<Record, Failure> {
        let url = self.url(&["tables", table, "records", id, "restore"]);
        read(self.client.send(Method::POST, url, None, ())?)
    }

    fn reveal(&self, table: &str, id: &str, columns: &[String]) -> Result<CellsRevealed, Failure> {
        let url = self.url(&["tables", table, "records", id, "reveal"]);
        let columns = columns.to_vec();
        self.client.send_json(Method::POST, url, &RevealCells { columns })
    }

    fn history(&self, table: &str, id: &str, limit: u64) -> Result<HistoryPage, Failure> {
        let mut url = self.url(&["tables", table, "records", id, "history"]);
        url.query_pairs_mut().append_pair("limit", &limit.to_string());
        self.client.get(url)
    }

    fn restore_version(&self, table: &str, id: &str, version: u64) -> Result<Record, Failure> {
        let url = self.url(&["tables", table, "records", id, "restore-version"]);
        self.client
            .send_json(Method::POST, url, &VersionRestore { version })
    }

    fn operations(&self, asked: &OperationsAsked) -> Result<OperationPage, Failure> {
        let mut url = self.url(&["operations"]);
        url.query_pairs_mut()
            .append_pair("limit", &asked.limit.to_string());
        for (name, value) in [("table", &asked.table), ("actor", &asked.actor)] {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.client.get(url)
    }

    fn operation(&self, id: &str) -> Result<Operation, Failure> {
        self.client.get(self.url(&["operations", id]))
    }

    fn revert(&self, id: &str, how: &Revert) -> Result<RevertReport, Failure> {
        self.client
            .send_json(Method::POST, self.url(&["operations", id, "revert"]), how)
    }

    fn imports(&self) -> Result<Vec<ImportStatus>, Failure> {
        self.all(self.url(&["imports"]), |list: ImportList| {
            (list.imports, list.pagination)
        })
    }

    fn import_status(&self, id: &str) -> Result<ImportStatus, Failure> {
        self.client.get(self.url(&["imports", id]))
    }

    fn revert_import(&self, id: &str, how: &Revert) -> Result<RevertReport, Failure> {
        self.client
            .send_json(Method::POST, self.url(&["imports", id, "revert"]), how)
    }

    fn query(&self, table: &str, question: &Question, each: EachPage<'_>) -> Result<(), Failure> {
        let mut left = question.limit.unwrap_or(u64::MAX);
        let mut cursor = None;
        while left > 0 {
            let page = self.page(table, question, left.min(PAGE), cursor, Count::None)?;
            left = left.saturating_sub(page.records.len() as u64);
            let more = page.pagination.has_more && !page.records.is_empty();
            each(page.records)?;
            cursor = page.pagination.next_cursor.filter(|_| more);
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, table: &str, question: &Question) -> Result<u64, Failure> {
        if question.scope == Scope::Trash {
            return Ok(self.stats(table)?.deleted);
        }
        let page = self.page(table, question, 1, None, Count::Exact)?;
        page.pagination
            .total
            .ok_or_else(|| Failure::new("the server did not count"))
    }

    fn duplicates(
        &self,
        table: &str,
        asked: &FindDuplicates,
        most: u64,
        tell: &dyn Fn(&Find),
    ) -> Result<FoundDuplicates, Failure> {
        let asked = FindDuplicates {
            wait: Some(Wait::Ms(FIND_LOOK.as_millis() as u64)),
            limit: Some(most.clamp(1, PAGE)),
            ..asked.clone()
        };
        let url = self.url(&["tables", table, "duplicates", "find"]);
        let mut page: FoundDuplicates = self.client.send_json(Method::POST, url, &asked)?;
        let at = self.url(&["tables", table, "duplicates", "finds", &page.find.id]);
        let mut first = at.clone();
        first
            .query_pairs_mut()
            .append_pair("limit", &most.clamp(1, PAGE).to_string());
        while page.find.state == FindState::Running {
            tell(&page.find);
            std::thread::sleep(FIND_LOOK);
            page = self.client.get(first.clone())?;
        }
        tell(&page.find);
        if page.find.state != FindState::Done {
            let why = page.find.error.unwrap_or_else(|| "it was called off".to_owned());
            return Err(Failure::new(why));
        }
        let mut groups = std::mem::take(&mut page.groups);
        while let Some(cursor) = page
            .pagination
            .next_cursor
            .clone()
            .filter(|_| (groups.len() as u64) < most)
        {
            let mut next = first.clone();
            next.query_pairs_mut().append_pair("cursor", &cursor);
            page = self.client.get(next)?;
            groups.append(&mut page.groups);
        }
        groups.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(FoundDuplicates { groups, ..page })
    }

    fn import(&self, job: &ImportJob<'_>, _watch: Watch) -> Result<Imported, Failure> {
        let report: ImportReport = match job.into {
            Into::Table(table) => read(self.upload(&["tables", table, "import", "csv"], None, job)?)?,
            Into::New(name) => {
                read::<TableImport>(self.upload(&["tables", "import", "csv"], Some(name), job)?)?.import
            }
            Into::Objects(table) | Into::Records(table) => {
                let mut url = self.url(&["tables", table, "import", "json"]);
                object_options(&mut url, &job.options)?;
                let array = job
                    .file
                    .extension()
                    .is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
                let content_type = if array {
                    "application/json"
                } else {
                    "application/x-ndjson"
                };
                read(self.send_file(url, content_type, job)?)?
            }
            Into::Export(name) => {
                let mut url = self.url(&["tables", "import", "json"]);
                if let Some(name) = name {
                    url.query_pairs_mut().append_pair("name", name);
                }
                read::<TableImport>(self.send_file(url, "application/json", job)?)?.import
            }
        };
        let failed_rows = match report.failed > 0 {
            true => self.failed_rows(&report.import_id)?,
            false => String::new(),
        };
        Ok(Imported { report, failed_rows })
    }

    fn export(&self, job: &ExportJob, out: &mut dyn Write) -> Result<(), Failure> {
        let format = match job.format {
            ExportFormat::Csv => "csv",
            ExportFormat::Json => "json",
            ExportFormat::Ndjson => "ndjson",
            ExportFormat::Xlsx => "xlsx",
        };
        let mut url = self.url(&["tables", &job.table, "export", format]);
        if !job.columns.is_empty() {
            url.query_pairs_mut()
                .append_pair("columns", &job.columns.join(","));
        }
        if let Some(filter) = &job.filter {
            with_json(&mut url, "filter", filter)?;
        }
        if let Some(search) = &job.search {
            url.query_pairs_mut().append_pair("search", &search.query);
            if search.fuzzy {
                url.query_pairs_mut().append_pair("fuzzy", "true");
            }
        }
        if job.escape == Escape::None && job.format == ExportFormat::Csv {
            url.query_pairs_mut().append_pair("escape", "none");
        }
        match job.links {
            Links::Id => {}
            Links::Label => drop(url.query_pairs_mut().append_pair("links", "label")),
            Links::Both => drop(url.query_pairs_mut().append_pair("links", "both")),
        }
        let response = self.client.send(Method::GET, url, None, ())?;
        io::copy(&mut response.into_body().into_reader(), out)?;
        Ok(())
    }

    fn backup(&self, job: &BackupJob<'_>) -> Result<BackupReport, Failure> {
        let told = |error: std::io::Error| Failure::new(format!("{}: {error}", job.file.display()));
        if job.in_the_way == InTheWay::Refuse && job.file.exists() {
            return Err(Failure::new(format!("{} is there already", job.file.display()))
                .hint("name another file, or replace it with --force"));
        }
        let response = self.client.send(Method::GET, self.url(&["backup"]), None, ())?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let Some(sha256) = header("x-checksum-sha256") else {
            return Err(Failure::new("the server sent no checksum").hint("is the server of another version?"));
        };
        let total = header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let mut name = job.file.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let received = receive(response.into_body().into_reader(), &part, total, job)
            .map_err(told)
            .and_then(|()| {
                let placed = chancery::backup::receive(&part, job.file, &sha256);
                Ok(super::runtime()?.block_on(placed)?)
            });
        // Gone already if it is in its place.
        let _ = std::fs::remove_file(&part);
        received
    }

    fn keys(&self) -> Result<Vec<ApiKey>, Failure> {
        self.all(self.url(&["api-keys"]), |list: ApiKeyList| {
            (list.api_keys, list.pagination)
        })
    }

    fn create_key(&self, key: ApiKeyCreate) -> Result<ApiKeyCreated, Failure> {
        self.client.send_json(Method::POST, self.url(&["api-keys"]), &key)
    }

    fn delete_key(&self, id: &str) -> Result<(), Failure> {
        self.client.delete(self.url(&["api-keys", id]))
    }

    fn users(&self) -> Result<Vec<User>, Failure> {
        self.all(self.url(&["users"]), |list: UserList| {
            (list.users, list.pagination)
        })
    }

    fn create_user(&self, user: UserCreate) -> Result<User, Failure> {
        self.client.send_json(Method::POST, self.url(&["users"]), &user)
    }
}

/// The options of an import of JSON objects, in the query string.
fn object_options(url: &mut Url, options: &CsvOptions) -> Result<(), Failure> {
    let mut pairs = url.query_pairs_mut();
    for (name, on) in [
        ("dryRun", options.dry_run),
        ("continueOnError", options.continue_on_error),
        ("createColumns", options.create_columns),
        ("createMissing", options.create_missing),
    ] {
        if on {
            pairs.append_pair(name, "true");
        }
    }
    if let Some(columns) = &options.match_on {
        pairs.append_pair("matchOn", &columns.join(","));
        let (many, blank) = (
            serde_json::to_value(options.on_many)?,
            serde_json::to_value(options.blank)?,
        );
        pairs.append_pair("onMany", many.as_str().unwrap_or_default());
        pairs.append_pair("blank", blank.as_str().unwrap_or_default());
    }
    Ok(())
}

/// Writes what comes into a file.
fn receive(
    mut from: impl Read,
    part: &std::path::Path,
    total: u64,
    job: &BackupJob<'_>,
) -> std::io::Result<()> {
    let mut file = std::fs::File::create(part)?;
    let mut step = vec![0; RECEIVE_BYTES];
    let mut done = 0;
    loop {
        let read = from.read(&mut step)?;
        if read == 0 {
            return Ok(());
        }
        file.write_all(&step[..read])?;
        done += read as u64;
        job.watching.show(&TransferProgress {
            phase: TransferPhase::Copying,
            table: None,
            done,
            total,
        });
    }
}
