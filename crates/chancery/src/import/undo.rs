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
    /// When it last said that it runs.
    #[serde(default)]
    pub(super) alive_at: i64,
}

/// How long an import may be silent before another process takes it for interrupted.
const SILENT_MS: i64 = 60_000;

impl Running {
    /// Writes down that it runs.
    pub(super) async fn write(&mut self, store: &Store) -> Result<(), Error> {
        self.alive_at = store.now();
        let documents = vec![put_document(RUNNING_KIND, &self.import, self)?];
        let how = Commit {
            documents,
            ..Commit::default()
        };
        store.commit(Vec::new(), store.now(), how).await?;
        Ok(())
    }
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
        return handle.delete_table().await;
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

/// Takes back every import that was running when a program ended: when a store is opened and, where several programs share the
/// database, now and then, as one that another program works on is left alone while that gives signs of life. One that cannot be taken
/// back is told in the log and kept as it is, to be tried again the next time: the store opens all the same.
///
/// # Errors
/// [`Error::Storage`].
pub(crate) async fn recover(store: &Store) -> Result<(), Error> {
    let documents = store
        .backend()
        .documents(DocumentQuery::Kind(RUNNING_KIND.into()))
        .await?;
    for document in documents {
        let Ok(mut running) = serde_json::from_value::<Running>(document.body) else {
            continue;
        };
        let elsewhere = store.backend().is_shared() && store.now() - running.alive_at < SILENT_MS;
        if elsewhere || store.core.imports.runs(&running.import) {
            continue;
        }
        tracing::warn!(import = %running.import, "an import was interrupted; taking back what it wrote");
        let here = store
            .in_workspace(&running.workspace)
            .unwrap_or_else(|_| store.clone());
        match take_back(&here, &running).await {
            Ok(()) => {}
            Err(error @ Error::Storage(_)) => return Err(error),
            Err(error) => {
                tracing::error!(import = %running.import, %error, "an interrupted import cannot be taken back");
                continue;
            }
        }
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

impl Store {
    /// Takes back what imports wrote that another program left when it ended; those that give signs of life are left alone.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn take_back_interrupted_imports(&self) -> Result<(), Error> {
        match self.backend().is_shared() {
            true => recover(self).await,
            // A database of one program is looked through when it is opened.
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[tokio::test]
    async fn an_import_that_cannot_be_taken_back_keeps_no_store_shut() {
        let options = chancery_storage::OpenOptions::default();
        let backend = chancery_storage::open("memory:", options)
            .await
            .expect("it opens");
        let store = Store::over(backend.clone()).await.expect("a store");
        let definition = json!({"key": "id", "schema": {"id": {"type": "string"}}});
        let table = store.define_bucket("notes", &definition).await.expect("defined");
        let running = Running {
            import: "0190a2b4-7c1e-7d3a-8f00-000000000001".into(),
            workspace: store.workspace.to_string(),
            table: table.definition().expect("there").id.to_string(),
            new_table: false,
            // It became the key since, so it cannot go.
            columns: vec!["id".into()],
            options: Vec::new(),
            report: ImportReport {
                import_id: String::new(),
                table_id: None,
                end: ImportEnd::Done,
                dry_run: false,
                written: true,
                rows: 0,
                created: 0,
                updated: 0,
                related_created: 0,
                masked: 0,
                unchanged: 0,
                failed: 0,
                errors: Vec::new(),
                errors_total: 0,
                errors_truncated: false,
                columns: Vec::new(),
                encoding: String::new(),
                delimiter: ',',
                revision: None,
                started_at: 0,
                duration_ms: 0,
            },
            alive_at: 0,
        };
        let how = Commit {
            documents: vec![put_document(RUNNING_KIND, &running.import, &running).expect("a document")],
            ..Commit::default()
        };
        store
            .commit(Vec::new(), store.now(), how)
            .await
            .expect("written down");
        drop((store, table));

        let store = Store::over(backend).await.expect("it opens");
        let kept = DocumentQuery::Kind(RUNNING_KIND.into());
        let kept = store.backend().documents(kept).await.expect("read");
        assert_eq!(kept.len(), 1, "it can be tried again");
    }
}
