//! A reader of events: windows of the log one after the other, each only when it is asked for. It keeps its own place only in
//! memory.

use std::collections::VecDeque;

use chancery_model::change::Change;
use chancery_storage::{Backend, CommitQuery, News};
use tokio::sync::watch;

use super::ahead::Ahead;
use super::window;
use super::{Event, Since};
use crate::error::Error;
use crate::follow::{LOOK_EVERY, READ_AT_ONCE};
use crate::store::Store;

/// What one look of a reader found.
#[derive(Debug)]
pub enum Look<T> {
    /// What was asked for.
    Found(T),
    /// Nothing yet: a part of the log was read, and the next look says what is in it.
    Passed,
    /// Nothing: it is at the end of the log.
    End,
}

/// Reads the events of one workspace. Nothing is lost when any of its waits is given up.
pub struct Events {
    store: Store,
    /// Where to begin, until the first read.
    since: Option<Since>,
    /// The number of the newest change that was read.
    seen: u64,
    /// Events up to this revision are left out.
    after: u64,
    /// The revision of the newest change that was read.
    newest: u64,
    /// Every event up to this revision was read.
    whole: u64,
    ready: VecDeque<Event>,
    ahead: Ahead,
    news: watch::Receiver<News>,
}

impl Events {
    pub(super) fn new(store: Store, since: Since) -> Events {
        let news = store.core.backend.news();
        let since = match since {
            // Where a store is at its opening nobody has rung for yet.
            Since::Now => Since::Revision(news.borrow().revision.max(store.core.catalog.load().revision)),
            since => since,
        };
        Events {
            store,
            since: Some(since),
            seen: 0,
            after: 0,
            newest: 0,
            whole: 0,
            ready: VecDeque::new(),
            ahead: Ahead::default(),
            news,
        }
    }

    /// The next event; waits until there is one.
    ///
    /// # Errors
    /// [`Error::Gone`] if the log does not hold the place, any more or yet, [`Error::Storage`] if it cannot be read: call again to go
    /// on where it stopped, unless the store is closed.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            match self.look().await? {
                Look::Found(event) => return Ok(event),
                Look::Passed => {}
                Look::End => self.wait().await,
            }
        }
    }

    /// The next event if there is one already; none at the end of the log.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_at_once(&mut self) -> Result<Option<Event>, Error> {
        loop {
            match self.look().await? {
                Look::Found(event) => return Ok(Some(event)),
                Look::Passed => {}
                Look::End => return Ok(None),
            }
        }
    }

    /// All events of the next commit that has any; waits until there is one.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_commit(&mut self) -> Result<Vec<Event>, Error> {
        loop {
            match self.look_commit().await? {
                Look::Found(events) => return Ok(events),
                Look::Passed => {}
                Look::End => self.wait().await,
            }
        }
    }

    /// The next event, as far as one short look tells: for whoever has something to do besides. A log may hold millions of
    /// changes of others between two events, and [`Events::next`] comes back after all of them only.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn look(&mut self) -> Result<Look<Event>, Error> {
        match self.take() {
            Some(event) => Ok(Look::Found(event)),
            None => self.read_on().await,
        }
    }

    /// The same of all events of the next commit that has any.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn look_commit(&mut self) -> Result<Look<Vec<Event>>, Error> {
        match self.take_commit() {
            Some(events) => Ok(Look::Found(events)),
            None => self.read_on().await,
        }
    }

    /// Waits until there may be more than at the last look.
    pub async fn wait(&mut self) {
        // Nobody rings any more once the store is closed; then the next look says so.
        let _ = tokio::time::timeout(LOOK_EVERY, self.news.changed()).await;
    }

    /// The number to resume after, for [`Since::Change`]: everything up to it was given out, or is of another workspace.
    pub fn position(&self) -> u64 {
        match self.ready.front() {
            Some(next) => next.number - 1,
            None => self.seen,
        }
    }

    /// The revision up to which every event was given out.
    pub fn revision(&self) -> u64 {
        match self.ready.front() {
            Some(next) => next.revision - 1,
            None => self.whole,
        }
        .max(self.after)
    }

    fn take(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn take_commit(&mut self) -> Option<Vec<Event>> {
        let revision = self.ready.front()?.revision;
        if revision > self.whole {
            return None;
        }
        let end = self.ready.partition_point(|event| event.revision <= revision);
        Some(self.ready.drain(..end).collect())
    }

    async fn read_on<T>(&mut self) -> Result<Look<T>, Error> {
        Ok(match self.read().await? {
            true => Look::Passed,
            false => Look::End,
        })
    }

    /// Reads a window; answers whether anything is known now that was not.
    async fn read(&mut self) -> Result<bool, Error> {
        self.store.unheld("The change log")?;
        if let Some(since) = self.since {
            (self.seen, self.after) = self.begin(since).await?;
            (self.newest, self.since) = (self.after, None);
        }
        // Marked before the log is read, so that news which comes meanwhile is not missed.
        self.news.mark_unchanged();
        let backend = &*self.store.core.backend;
        let found = backend.changes(self.seen, READ_AT_ONCE).await?;
        let (Some(first), Some(last)) = (found.first(), found.last()) else {
            let more = self.whole < self.newest;
            self.whole = self.newest;
            return Ok(more);
        };
        if first.number != self.seen + 1 {
            let oldest = first.revision;
            return Err(gone(backend, oldest).await?);
        }
        let (number, revision) = (last.number, last.revision);
        // Commits are seen whole, so the end of the log is the end of one.
        let whole = match found.len() < READ_AT_ONCE {
            true => revision,
            false => revision - 1,
        };
        let skipped = found.partition_point(|change| change.revision <= self.after);
        self.ahead.passed(number);
        let events = window::events(&self.store, &mut self.ahead, &found[skipped..]).await?;
        self.ready.extend(events);
        (self.seen, self.newest, self.whole) = (number, revision, whole);
        Ok(true)
    }

    /// The number of a change that all before the place have at most, and the revision that is left out of what follows.
    async fn begin(&self, since: Since) -> Result<(u64, u64), Error> {
        let backend = &*self.store.core.backend;
        let revision = match since {
            Since::Change(number) => {
                check_place(backend, number).await?;
                return Ok((number, 0));
            }
            Since::Revision(revision) => revision,
            Since::Now => 0,
        };
        if revision > backend.revision().await? {
            return Err(gone(backend, backend.oldest().await?).await?);
        }
        let newest = CommitQuery::Before {
            revision: revision.saturating_add(1),
            operation: None,
            limit: 1,
        };
        if let Some(logged) = backend.commits(newest).await?.first() {
            return Ok((logged.first_change.saturating_sub(1), revision));
        }
        // The log begins later than the place. Nothing is missing if it begins right after it.
        let first = backend.changes(0, 1).await?.pop();
        let follows = |change: &Change| change.revision <= revision.saturating_add(1);
        let seen = first.filter(follows).map_or(0, |change| change.number - 1);
        Ok((seen, revision))
    }
}

/// That the log does not hold a place, and what it holds.
pub(crate) async fn gone(backend: &dyn Backend, oldest: u64) -> Result<Error, Error> {
    let newest = backend.revision().await?;
    Ok(Error::Gone { oldest, newest })
}

/// Refuses a place beyond the end of the log: of a log that was restored from an earlier state, or of another. Whoever followed
/// it from there would hear nothing until it has grown so far, and not know.
pub(crate) async fn check_place(backend: &dyn Backend, number: u64) -> Result<(), Error> {
    if number == 0 || !backend.changes(number - 1, 1).await?.is_empty() {
        return Ok(());
    }
    // All changes may have been let go; the newest commit stays, and says how many there were.
    let newest = CommitQuery::Before {
        revision: u64::MAX,
        operation: None,
        limit: 1,
    };
    let newest = backend.commits(newest).await?.pop();
    match newest.is_some_and(|logged| logged.first_change > number) {
        true => Ok(()),
        false => Err(gone(backend, backend.oldest().await?).await?),
    }
}
