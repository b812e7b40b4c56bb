//! Letting go of the part of the change log that is older than whoever opened the store wants to keep. Records stay as they
//! are: only what they were is forgotten, and nothing is unless it was asked for.

use std::sync::Arc;
use std::time::Duration;

use chancery_storage::{CommitQuery, LoggedCommit, StorageError};

use crate::catalog::DEFAULT_WORKSPACE;
use crate::error::Error;
use crate::limits::{KEEP_CHANGES_MIN, RETENTION_CHECKS};
use crate::store::Store;

/// Starts the task that lets go now and then of what is older. It ends with the store.
pub(crate) fn keep_trimmed(store: &Store, keep: Option<Duration>) {
    let Some(keep) = keep else { return };
    let keep = keep.max(KEEP_CHANGES_MIN);
    let core = Arc::downgrade(&store.core);
    tokio::spawn(async move {
        loop {
            let Some(store) = core.upgrade().map(|core| Store::of(core, DEFAULT_WORKSPACE)) else {
                return;
            };
            match store.forget_changes(keep).await {
                Ok(0) => {}
                Ok(changes) => tracing::info!(changes, "let go of the oldest part of the change log"),
                Err(Error::Storage(StorageError::Closed)) => return,
                // What is left is let go the next time.
                Err(error) => tracing::warn!(%error, "the change log was not shortened"),
            }
            drop(store);
            tokio::time::sleep(keep / RETENTION_CHECKS).await;
        }
    });
}

impl Store {
    /// Lets go of all changes, of every workspace, that are older than `keep`, and answers how many those were. The newest
    /// commit stays, whatever its age. What is let go is missing from the histories of records, cannot be taken back, and is
    /// told to nobody: who asks for events from before is answered [`Error::Gone`].
    ///
    /// At least an hour is kept ([`KEEP_CHANGES_MIN`](crate::limits::KEEP_CHANGES_MIN)): a writer whose answer was lost looks
    /// it up in the log.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use std::time::Duration;
    /// let store = chancery::Store::open("memory:").await?;
    /// assert_eq!(store.forget_changes(Duration::from_secs(90 * 86_400)).await?, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn forget_changes(&self, keep: Duration) -> Result<u64, Error> {
        let keep = i64::try_from(keep.max(KEEP_CHANGES_MIN).as_millis()).unwrap_or(i64::MAX);
        let limit = self.now().saturating_sub(keep);
        let backend = &*self.core.backend;
        // All commits up to the one are older, none from the other on is: halved until nothing is between them.
        let mut old = backend.oldest().await?.saturating_sub(1);
        let mut young = backend.revision().await? + 1;
        while old + 1 < young {
            let middle = old + (young - old) / 2;
            match self.commit_up_to(middle).await? {
                Some(logged) if logged.commit.at >= limit => young = logged.commit.revision,
                _ => old = middle,
            }
        }
        Ok(backend.forget(young).await?)
    }

    /// The newest commit up to a revision.
    async fn commit_up_to(&self, revision: u64) -> Result<Option<LoggedCommit>, Error> {
        let query = CommitQuery::Before {
            revision: revision + 1,
            operation: None,
            limit: 1,
        };
        Ok(self.core.backend.commits(query).await?.pop())
    }
}
