//! Exact states copied into an empty database, each step in a transaction of its own under the lock of commits. It decides
//! nothing about what it writes.

use std::sync::Arc;

use chancery_model::Table;
use tokio_postgres::Client;

use super::fault::Pg;
use super::flush::{Layout, copy};
use super::load;
use super::log::{self, CommitRow, Entry};
use super::relation::Relation;
use super::rows::unreadable;
use super::statement::{Param, Statement};
use super::{ddl, documents};
use crate::batch::Document;
use crate::definition::DEFINITION_KIND;
use crate::error::StorageError;
use crate::forms;
use crate::part::{Fill, IDENTITY_KIND, Part, UNFINISHED_ID, UNFINISHED_KIND};

/// The names of all relations of tables.
pub(super) const RELATIONS: &str = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^t[0-9]+$' \
                         AND relnamespace = current_schema()::regnamespace";

/// Does one step. If it fails the connection is to be let go, and its transaction with it.
pub(super) async fn fill(client: &Client, place: &str, step: &Fill) -> Pg<()> {
    client
        .batch_execute("BEGIN; SET LOCAL statement_timeout = 0")
        .await?;
    load::lock().rows(client).await?;
    match step {
        Fill::Begin => begin(client, place).await?,
        Fill::Part(part) => take(client, part).await?,
        Fill::Finish => finish(client).await?,
        Fill::Open => open(client).await?,
    }
    client.batch_execute("COMMIT").await?;
    Ok(())
}

async fn begin(client: &Client, place: &str) -> Pg<()> {
    let marked = Statement::new(&format!(
        "SELECT count(*) FROM documents WHERE kind = '{UNFINISHED_KIND}'"
    ));
    let used = Statement::new(&format!(
        "SELECT (EXISTS (SELECT 1 FROM documents WHERE kind <> '{IDENTITY_KIND}') \
         OR EXISTS (SELECT 1 FROM commits))::int::bigint"
    ));
    if marked.number(client).await? > 0 {
        empty(client).await?;
    } else if used.number(client).await? > 0 {
        let place = place.to_owned();
        // Nothing was written; the connection stays as good as it was.
        client.batch_execute("ROLLBACK").await?;
        return Err(StorageError::NotEmpty { place }.into());
    }
    let mark = Document {
        kind: UNFINISHED_KIND.into(),
        id: UNFINISHED_ID.into(),
        lookup: None,
        body: chancery_model::Json::Null,
        version: 1,
    };
    put_documents(client, &[mark]).await
}

/// Takes away what an earlier filling left.
async fn empty(client: &Client) -> Pg<()> {
    for row in Statement::new(RELATIONS).rows(client).await? {
        let name: &str = row.try_get(0)?;
        client.batch_execute(&format!("DROP TABLE \"{name}\"")).await?;
    }
    Ok(client
        .batch_execute(&format!(
            "TRUNCATE counters, definitions, changes, commits; DELETE FROM documents WHERE kind <> '{IDENTITY_KIND}'"
        ))
        .await?)
}

async fn take(client: &Client, part: &Part) -> Pg<()> {
    match part {
        Part::Start(_) => Ok(()),
        Part::Documents(documents) => put_documents(client, documents).await,
        Part::Table {
            table,
            last_change_at,
        } => put_table(client, table, *last_change_at).await,
        Part::Records(table, records) => {
            let relation = Relation::new(table.clone());
            let layout = Layout::new(&relation, None);
            let rows = records.iter().map(|record| layout.row(record));
            copy(client, &relation.name, &layout.columns, &layout.types, rows).await
        }
        Part::Counters(counters) => {
            for (counter, last) in counters {
                let (table, ordinal) = counter.place();
                let mut insert =
                    Statement::new("INSERT INTO counters (table_number, ordinal, last) VALUES (");
                insert.bind(i64::from(table)).push(", ");
                insert.bind(i64::from(ordinal)).push(", ");
                insert.bind(*last as i64).push(")").execute(client).await?;
            }
            Ok(())
        }
        Part::Changes(changes) => {
            let rows = changes.iter().map(|change| {
                let entry = Entry {
                    number: change.number,
                    revision: change.revision,
                    table: change.table,
                    key: change.key.clone(),
                    kind: change.kind,
                    previous: change.previous,
                    before: forms::logged_text(change),
                };
                Ok(entry.params())
            });
            copy(client, "changes", log::COLUMNS, &log::TYPES, rows).await
        }
        Part::Commits(commits) => {
            let rows = commits.iter().map(|logged| Ok(CommitRow::of(logged).params()));
            copy(client, "commits", log::COMMIT_COLUMNS, &log::COMMIT_TYPES, rows).await
        }
    }
}

async fn put_documents(client: &Client, all: &[Document]) -> Pg<()> {
    let rows = all.iter().map(|document| Ok(documents::params(document)));
    copy(client, "documents", documents::COLUMNS, &documents::TYPES, rows).await
}

async fn put_table(client: &Client, table: &Arc<Table>, last_change_at: Option<i64>) -> Pg<()> {
    let relation = Relation::new(table.clone());
    client.batch_execute(&ddl::create(&relation)).await?;
    let mut insert = Statement::new("INSERT INTO definitions (number, version, touched_at) VALUES (");
    insert.bind(i64::from(table.number.0)).push(", ");
    insert.bind(table.schema_version as i64).push(", ");
    insert.bind(Param::int(last_change_at)).push(")");
    insert.execute(client).await?;
    Ok(())
}

async fn finish(client: &Client) -> Pg<()> {
    let mut select = Statement::new("SELECT body FROM documents WHERE kind = ");
    for row in select.bind(DEFINITION_KIND).rows(client).await? {
        let table: Table = serde_json::from_str(row.try_get(0)?).map_err(unreadable)?;
        let relation = Relation::new(Arc::new(table));
        for index in ddl::indexes(&relation).values() {
            client.batch_execute(&index.create).await?;
        }
        // Without figures the planner takes a table for empty until the server looks by itself.
        client
            .batch_execute(&format!("ANALYZE {}", relation.name))
            .await?;
    }
    Ok(())
}

/// The last step waits for the disk, and with it for everything before, however the connection was opened.
async fn open(client: &Client) -> Pg<()> {
    client.batch_execute("SET LOCAL synchronous_commit = on").await?;
    let mut delete = Statement::new("DELETE FROM documents WHERE kind = ");
    delete.bind(UNFINISHED_KIND).execute(client).await?;
    Ok(())
}
