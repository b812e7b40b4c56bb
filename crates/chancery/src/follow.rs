//! The change log for whoever follows it: every change once, in order, from where they say, as long as they listen. Reads
//! records of no table and keeps no position for anybody.

use std::collections::VecDeque;
use std::time::Duration;

use chancery_model::change::Change;
use chancery_storage::News;
use tokio::sync::watch;

use crate::error::Error;
use crate::events::{check_place, gone};
use crate::store::Store;

/// Changes that are read at once.
pub(crate) const READ_AT_ONCE: usize = 1_000;
/// How often a follower looks by itself when nothing is said to be new: a bell may be lost with its connection.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Store {
    /// The changes after a number, in order, at most `limit`; 0 is before the first. Numbers rise by one with each change
    /// of the store, in the order of the commits, so a number that was seen is never followed by a smaller one.
    ///
    /// # Errors
    /// [`Error::Storage`] if the log cannot be read.
    pub async fn changes(&self, after: u64, limit: usize) -> Result<Vec<Change>, Error> {
        self.unheld("The change log")?;
        Ok(self.core.backend.changes(after, limit).await?)
    }

    /// Follows the change log after a number: first what is there, then what comes, whichever process writes it.
    ///
    /// ```
    /// # async fn example() -> Result<(), chancery::Error> {
    /// let store = chancery::Store::open("memory:").await?;
    /// let mut changes = store.follow(0);
    /// # store.close().await?;
    /// while let Ok(change) = changes.next().await {
    ///     println!("{:?} {:?}", change.kind, change.key);
    /// }
    /// # Ok(())
    /// # }
    /// # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
    /// ```
    pub fn follow(&self, after: u64) -> Changes {
        Changes {
            store: self.clone(),
            seen: after,
            begun: false,
            ready: VecDeque::new(),
            news: self.core.backend.news(),
        }
    }
}

/// A follower of the change log.
pub struct Changes {
    store: Store,
    /// The number of the newest change that was read.
    seen: u64,
    /// Whether the log is known to hold the place.
    begun: bool,
    ready: VecDeque<Change>,
    news: watch::Receiver<News>,
}

impl Changes {
    /// The next change; waits until there is one. May be given up at any await without losing any.
    ///
    /// # Errors
    /// [`Error::Gone`] if the log does not hold the place, any more or yet; [`Error::Storage`] if it cannot be read: call again
    /// to go on where it stopped, unless the store is closed.
    pub async fn next(&mut self) -> Result<Change, Error> {
        loop {
            if let Some(change) = self.ready.pop_front() {
                return Ok(change);
            }
            // Marked before the log is read, so that news which comes meanwhile is not missed.
            self.news.mark_unchanged();
            if !self.begun {
                check_place(&*self.store.core.backend, self.seen).await?;
                self.begun = true;
            }
            let found = self.store.changes(self.seen, READ_AT_ONCE).await?;
            if let (Some(first), Some(last)) = (found.first(), found.last()) {
                if first.number != self.seen + 1 {
                    return Err(gone(&*self.store.core.backend, first.revision).await?);
                }
                self.seen = last.number;
                self.ready = found.into();
                continue;
            }
            // Nobody rings any more once the store is closed; then the next look says so.
            let _ = tokio::time::timeout(LOOK_EVERY, self.news.changed()).await;
        }
    }
}
