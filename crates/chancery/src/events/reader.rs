//! A reader of events: windows of the log one after the other, each only when it is asked for. It keeps its own place only in
//! memory.

use std::collections::VecDeque;

use chancery_model::change::Change;
use chancery_storage::{CommitQuery, News};
use tokio::sync::watch;

use super::ahead::Ahead;
use super::window;
use super::{Event, Since};
use crate::error::Error;
use crate::follow::{LOOK_EVERY, READ_AT_ONCE};
use crate::store::Store;

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
    /// The number of the newest event that was given out.
    given: u64,
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
            given: 0,
            ready: VecDeque::new(),
            ahead: Ahead::default(),
            news,
        }
    }

    /// The next event; waits until there is one.
    ///
    /// # Errors
    /// [`Error::Gone`] if the log does not reach back so far any more, [`Error::Storage`] if it cannot be read: call again to go
    /// on where it stopped, unless the store is closed.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            if let Some(event) = self.take() {
                return Ok(event);
            }
            if !self.read().await? {
                self.wait().await;
            }
        }
    }

    /// The next event if there is one already; none at the end of the log.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_at_once(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.take() {
                return Ok(Some(event));
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// All events of the next commit that has any; waits until there is one.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_commit(&mut self) -> Result<Vec<Event>, Error> {
        loop {
            if let Some(events) = self.take_commit() {
                return Ok(events);
            }
            if !self.read().await? {
                self.wait().await;
            }
        }
    }

    /// All events of the next commit that has any, if there is one already; none at the end of the log.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn next_commit_at_once(&mut self) -> Result<Option<Vec<Event>>, Error> {
        loop {
            if let Some(events) = self.take_commit() {
                return Ok(Some(events));
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// The number to resume after, for [`Since::Change`]: that of the newest event that was given out, or, when all that were
    /// read are, of the newest change of any workspace that was read.
    pub fn position(&self) -> u64 {
        match self.ready.is_empty() {
            true => self.seen.max(self.given),
            false => self.given,
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
        let event = self.ready.pop_front()?;
        self.given = event.number;
        Some(event)
    }

    fn take_commit(&mut self) -> Option<Vec<Event>> {
        let revision = self.ready.front()?.revision;
        if revision > self.whole {
            return None;
        }
        let end = self.ready.partition_point(|event| event.revision <= revision);
        let events: Vec<Event> = self.ready.drain(..end).collect();
        self.given = events.last().map_or(self.given, |event| event.number);
        Some(events)
    }

    /// Reads a window; answers whether anything is known now that was not.
    async fn read(&mut self) -> Result<bool, Error> {
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
            return Err(Error::Gone {
                oldest: first.revision,
            });
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
        let revision = match since {
            Since::Change(number) => return Ok((number, 0)),
            Since::Revision(revision) => revision,
            Since::Now => 0,
        };
        let newest = CommitQuery::Before {
            revision: revision.saturating_add(1),
            operation: None,
            limit: 1,
        };
        let backend = &*self.store.core.backend;
        if let Some(logged) = backend.commits(newest).await?.first() {
            return Ok((logged.first_change.saturating_sub(1), revision));
        }
        // The log begins later than the place. Nothing is missing if it begins right after it.
        let first = backend.changes(0, 1).await?.pop();
        let follows = |change: &Change| change.revision <= revision.saturating_add(1);
        let seen = first.filter(follows).map_or(0, |change| change.number - 1);
        Ok((seen, revision))
    }

    async fn wait(&mut self) {
        // Nobody rings any more once the store is closed; then the next look says so.
        let _ = tokio::time::timeout(LOOK_EVERY, self.news.changed()).await;
    }
}
