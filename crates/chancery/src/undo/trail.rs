//! From a record as it is back to where an operation began to change it. Reads the log; decides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use chancery_model::change::{Change, ChangeKind};
use chancery_model::{Key, Record, Table};
use chancery_storage::Backend;

use super::run::Taking;
use crate::error::Error;
use crate::limits::{CHAIN_AT_ONCE, CHAIN_STEPS_MAX};

/// A record that the operation touched, with its changes that are in the window, newest first.
pub(super) struct Item {
    pub(super) table: Arc<Table>,
    pub(super) key: Key,
    pub(super) changes: Vec<Change>,
    /// The record as it is.
    pub(super) now: Option<Arc<Record>>,
}

/// One step of a record.
pub(super) struct Link {
    pub(super) change: Change,
    /// Whether the operation made it.
    pub(super) ours: bool,
    /// Whether this undo made it, in an earlier part or round.
    pub(super) own: bool,
}

/// What is known of a record's way.
pub(super) enum Trail {
    /// Its steps from the newest back to the operation's first.
    Links(Vec<Link>),
    /// There is nothing to do: it was dealt with in a newer window, or is gone as it should be.
    Done,
    /// Somebody else removed it for good.
    Gone,
    /// Another record has the key, since this commit.
    Taken(u64),
    /// Too much happened since to look through it.
    TooLong(u64),
}

impl Item {
    fn newest(&self) -> Option<&Change> {
        self.changes.first()
    }

    /// Follows the record back.
    pub(super) async fn trail(&self, backend: &dyn Backend, taking: &Taking) -> Result<Trail, Error> {
        let Some(newest) = self.newest() else {
            return Ok(Trail::Done);
        };
        let start = match &self.now {
            Some(now) => now.change,
            None if newest.kind.removes() => newest.number,
            None if newest.kind == ChangeKind::Inserted => {
                return self.past_insert(newest, backend, taking).await;
            }
            None => return self.past_end(newest, backend, taking).await,
        };
        let mut links = match self.follow(start, backend, taking).await? {
            Ok(links) => links,
            Err(revision) => return Ok(Trail::TooLong(revision)),
        };
        let Some(first) = links.iter().find(|link| link.ours) else {
            return self.not_ours(&links, start, backend, taking).await;
        };
        if first.change.number != newest.number {
            return Ok(Trail::Done);
        }
        self.past_rebirth(&mut links, backend, taking).await?;
        let last = links.iter().rposition(|link| link.ours).unwrap_or_default();
        links.truncate(last + 1);
        Ok(Trail::Links(links))
    }

    /// The steps from a change back to where the operation began; the revision of the newest if they are too many.
    async fn follow(
        &self,
        start: u64,
        backend: &dyn Backend,
        taking: &Taking,
    ) -> Result<Result<Vec<Link>, u64>, Error> {
        let mut known: HashMap<u64, Change> = HashMap::new();
        let mut links: Vec<Link> = Vec::new();
        let mut number = start;
        while number >= taking.first && number > 0 {
            let here = self.changes.iter().find(|change| change.number == number);
            let change = match here.cloned().or_else(|| known.remove(&number)) {
                Some(change) => change,
                None => {
                    known = chain(backend, number).await?;
                    match known.remove(&number) {
                        Some(change) => change,
                        None => break,
                    }
                }
            };
            number = change.previous;
            let ours = taking.revisions.contains(&change.revision);
            let own = taking.own.contains(&change.revision);
            links.push(Link { change, ours, own });
            if links.len() > CHAIN_STEPS_MAX {
                return Ok(Err(links[0].change.revision));
            }
        }
        Ok(Ok(links))
    }

    /// What it means that the record as it is was not touched by the operation.
    async fn not_ours(
        &self,
        links: &[Link],
        start: u64,
        backend: &dyn Backend,
        taking: &Taking,
    ) -> Result<Trail, Error> {
        let began = match links.last() {
            Some(link) => link.change.revision,
            // The record is older than the operation although the operation touched its key: the log was cut.
            None => {
                return Ok(Trail::Taken(
                    chain(backend, start)
                        .await?
                        .remove(&start)
                        .map_or(0, |c| c.revision),
                ));
            }
        };
        // This undo itself brought the record back, in a newer window.
        Ok(match taking.own.contains(&began) {
            true => Trail::Done,
            false => Trail::Taken(began),
        })
    }

    /// The operation changed the record last, and it is gone: nothing to do if the operation had inserted it, be it that this
    /// undo removed it in a newer part, be it that somebody else did.
    async fn past_end(
        &self,
        newest: &Change,
        backend: &dyn Backend,
        taking: &Taking,
    ) -> Result<Trail, Error> {
        let links = match self.follow(newest.number, backend, taking).await? {
            Ok(links) => links,
            Err(revision) => return Ok(Trail::TooLong(revision)),
        };
        match links.last() {
            Some(Link {
                change, ours: true, ..
            }) if change.kind == ChangeKind::Inserted => self.past_insert(newest, backend, taking).await,
            _ => Ok(Trail::Gone),
        }
    }

    /// The operation inserted the record last, and it is gone: nothing to do, unless the operation had removed another record
    /// of this key before.
    async fn past_insert(
        &self,
        newest: &Change,
        backend: &dyn Backend,
        taking: &Taking,
    ) -> Result<Trail, Error> {
        let Some(removed) = self.changes.iter().find(|change| change.kind.removes()) else {
            return Ok(Trail::Done);
        };
        debug_assert!(removed.number < newest.number);
        let mut links = match self.follow(removed.number, backend, taking).await? {
            Ok(links) => links,
            Err(revision) => return Ok(Trail::TooLong(revision)),
        };
        let last = links.iter().rposition(|link| link.ours).unwrap_or_default();
        links.truncate(last + 1);
        Ok(Trail::Links(links))
    }

    /// Where the operation removed a record and then inserted another of its key, the way goes on before the removal.
    async fn past_rebirth(
        &self,
        links: &mut Vec<Link>,
        backend: &dyn Backend,
        taking: &Taking,
    ) -> Result<(), Error> {
        while let Some(last) = links.last()
            && last.ours
            && last.change.kind == ChangeKind::Inserted
        {
            let inserted = last.change.number;
            let removed = self
                .changes
                .iter()
                .find(|change| change.number < inserted && change.kind.removes());
            let Some(removed) = removed else { break };
            match self.follow(removed.number, backend, taking).await? {
                Ok(older) => links.extend(older),
                Err(_) => break,
            }
        }
        Ok(())
    }
}

async fn chain(backend: &dyn Backend, number: u64) -> Result<HashMap<u64, Change>, Error> {
    let steps = backend.chain(number, CHAIN_AT_ONCE).await?;
    Ok(steps.into_iter().map(|change| (change.number, change)).collect())
}
