//! Everything in a database as a dump, read in one repeatable-read transaction. It writes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::Table;
use deadpool_postgres::Transaction;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, Row};

use super::connection::Connection;
use super::fault::Pg;
use super::read::{Rows, snapshot};
use super::relation::Relation;
use super::rows::{records, unreadable};
use super::statement::Statement;
use super::stream::IDLE_MS;
use super::{documents, log};
use crate::batch::Counter;
use crate::definition::DEFINITION_KIND;
use crate::error::StorageError;
use crate::part::{IDENTITY_KIND, Part, Totals, UNFINISHED_KIND};

/// Where parts go.
type Sender = mpsc::Sender<Result<Part, StorageError>>;

/// Sends every part until nobody takes them any more; says when the snapshot is fixed.
pub(super) async fn dump(client: &mut Connection, begun: oneshot::Sender<()>, sender: &Sender) -> Pg<()> {
    let snapshot = snapshot(client).await?;
    // What reads everything takes as long as it takes, and so does whoever takes it.
    snapshot
        .batch_execute(&format!(
            "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}; SELECT 1"
        ))
        .await?;
    let _ = begun.send(());
    let tables = definitions(snapshot.client()).await?;
    let totals = totals(&snapshot, &tables).await?;
    if sender.send(Ok(Part::Start(totals))).await.is_err() {
        return Ok(());
    }
    let mut parts = Parts {
        snapshot: &snapshot,
        sender,
    };
    let all = Statement::new(&format!(
        "SELECT {} FROM documents WHERE kind NOT IN ('{UNFINISHED_KIND}', '{IDENTITY_KIND}') ORDER BY kind, id",
        documents::COLUMNS
    ));
    let read = |rows: &[Row]| {
        Ok(Part::Documents(
            rows.iter().map(documents::document).collect::<Pg<_>>()?,
        ))
    };
    if !parts.each(&all, read).await? {
        return Ok(());
    }
    for (table, last_change_at) in &tables {
        let (table, last_change_at) = (table.clone(), *last_change_at);
        let part = Part::Table {
            table,
            last_change_at,
        };
        if sender.send(Ok(part)).await.is_err() {
            return Ok(());
        }
    }
    for (table, _) in &tables {
        let relation = Relation::new(table.clone());
        let all = Statement::new(&format!(
            "SELECT {} FROM {} ORDER BY id",
            relation.select_list, relation.name
        ));
        let read = |rows: &[Row]| Ok(Part::Records(table.clone(), records(rows, &relation)?));
        if !parts.each(&all, read).await? {
            return Ok(());
        }
    }
    let counters = counters(&snapshot).await?;
    if sender.send(Ok(Part::Counters(counters))).await.is_err() {
        return Ok(());
    }
    let all = Statement::new(&format!("SELECT {} FROM changes ORDER BY number", log::COLUMNS));
    let read = |rows: &[Row]| Ok(Part::Changes(rows.iter().map(log::change).collect::<Pg<_>>()?));
    if parts.each(&all, read).await? {
        let all = Statement::new(&format!(
            "SELECT {} FROM commits ORDER BY revision",
            log::COMMIT_COLUMNS
        ));
        let read = |rows: &[Row]| Ok(Part::Commits(rows.iter().map(log::commit).collect::<Pg<_>>()?));
        parts.each(&all, read).await?;
    }
    Ok(())
}

/// The parts of one snapshot.
struct Parts<'a> {
    snapshot: &'a Transaction<'a>,
    sender: &'a Sender,
}

impl Parts<'_> {
    /// Sends what a statement finds; answers whether somebody still takes it.
    async fn each(&mut self, statement: &Statement, read: impl Fn(&[Row]) -> Pg<Part>) -> Pg<bool> {
        let mut rows = Rows::open(self.snapshot, statement).await?;
        while let Some(found) = rows.rows().await? {
            if !found.is_empty() && self.sender.send(Ok(read(&found)?)).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Every definition with the time its table last changed, by number.
pub(super) async fn definitions(client: &Client) -> Pg<Vec<(Arc<Table>, Option<i64>)>> {
    let touched = Statement::new("SELECT number, touched_at FROM definitions");
    let mut last_changes: HashMap<i64, Option<i64>> = HashMap::new();
    for row in touched.rows(client).await? {
        last_changes.insert(row.try_get(0)?, row.try_get(1)?);
    }
    let mut select = Statement::new("SELECT body FROM documents WHERE kind = ");
    let rows = select.bind(DEFINITION_KIND).rows(client).await?;
    let mut tables = Vec::with_capacity(rows.len());
    for row in &rows {
        let table: Table = serde_json::from_str(row.try_get(0)?).map_err(unreadable)?;
        let last_change_at = last_changes.get(&i64::from(table.number.0)).copied().flatten();
        tables.push((Arc::new(table), last_change_at));
    }
    tables.sort_by_key(|(table, _)| table.number);
    Ok(tables)
}

async fn totals(snapshot: &Transaction<'_>, tables: &[(Arc<Table>, Option<i64>)]) -> Pg<Totals> {
    let number = async |sql: &str| -> Pg<u64> {
        let number = Statement::new(sql).number(snapshot.client()).await?;
        Ok(number as u64)
    };
    let mut totals = Totals {
        revision: number(log::NEWEST).await?,
        documents: number(&format!(
            "SELECT count(*) FROM documents WHERE kind NOT IN ('{UNFINISHED_KIND}', '{IDENTITY_KIND}')"
        ))
        .await?,
        tables: tables.len() as u64,
        records: 0,
        changes: number("SELECT count(*) FROM changes").await?,
        commits: number("SELECT count(*) FROM commits").await?,
    };
    for (table, _) in tables {
        let name = Relation::new(table.clone()).name;
        totals.records += number(&format!("SELECT count(*) FROM {name}")).await?;
    }
    Ok(totals)
}

async fn counters(snapshot: &Transaction<'_>) -> Pg<Vec<(Counter, u64)>> {
    let all = Statement::new(
        "SELECT table_number, ordinal, last FROM counters WHERE last > 0 ORDER BY table_number, ordinal",
    );
    let rows = all.rows(snapshot.client()).await?;
    let counter = |row: &Row| -> Pg<(Counter, u64)> {
        let (table, ordinal, last): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        Ok((Counter::at(table as u32, ordinal as u16), last as u64))
    };
    rows.iter().map(counter).collect()
}
