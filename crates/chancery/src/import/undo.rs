//! Takes back what an import wrote before it failed, was cancelled or was cut short by the end of the program: its records
//! as any operation is taken back, and the table, columns and options that it made.

use chancery_storage::DocumentQuery;
use serde::{Deserialize, Serialize};

use super::kept::{RUNNING_KIND, delete_document, put_document};
use super::report::{ImportEnd, ImportReport};
use crate::error::Error;
use crate::store::{Commit, Store};

/// What is written down of an import while it runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Running {
    pub(super) import: String,
    pub(super) workspace: String,
    pub(super) table: String,
    /// The table was made by it.
    pub(super) new_table: bool,
    /// Columns it made.
    pub(super) columns: Vec<String>,
    /// Options it made: column and name.
    pub(super) options: Vec<(String, String)>,
    pub(super) report: ImportReport,
}

/// Takes an import back as if it had not been: its records are gone, records it changed are as they were, the table,
/// columns and options it made are gone. What others changed since stays as they left it.
///
/// # Errors
/// Whatever the backend says; then it can be tried again.
pub(super) async fn take_back(store: &Store, running: &Running) -> Result<(), Error> {
    let store = store.repeatable();
    let Some(table) = store.core.catalog.load().by_id.get(&running.table).cloned() else {
        return Ok(());
    };
    let handle = store.handle(&table);
    if running.new_table {
        return handle.drop_table().await;
    }
    crate::undo::take_back(&store, &running.import).await?;
    for (column, name) in &running.options {
        let made = handle.column(column).ok();
        let id = made.and_then(|column| {
            column
                .live_options()
                .find(|option| option.name == *name)
                .map(|o| o.id.clone())
        });
        if let Some(id) = id {
            handle.delete_option(column, &id).await?;
        }
    }
    for column in &running.columns {
        match handle.delete_column(column).await {
            Ok(()) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Takes back every import that was running when the program ended. Called when a store is opened.
///
/// # Errors
/// Whatever the backend says.
pub(crate) async fn recover(store: &Store) -> Result<(), Error> {
    let documents = store
        .backend()
        .documents(DocumentQuery::Kind(RUNNING_KIND.into()))
        .await?;
    for document in documents {
        let Ok(mut running) = serde_json::from_value::<Running>(document.body) else {
            continue;
        };
        tracing::warn!(import = %running.import, "an import was interrupted; taking back what it wrote");
        let here = store
            .in_workspace(&running.workspace)
            .unwrap_or_else(|_| store.clone());
        take_back(&here, &running).await?;
        running.report.end = ImportEnd::Interrupted;
        let kept = super::kept::Kept::new(&running.workspace, running.report);
        let documents = vec![
            put_document(super::kept::REPORT_KIND, &document.id, &kept)?,
            delete_document(RUNNING_KIND, &document.id),
        ];
        here.commit(
            Vec::new(),
            here.now(),
            Commit {
                documents,
                ..Commit::default()
            },
        )
        .await?;
    }
    Ok(())
}
