//! Live queries: a result at one revision, then what changes it, commit by commit, in order, none missed and none twice.
//!
//! One feed per store ([`hub`]) reads the change log and finds those whom a step concerns ([`index`]), so a write costs what it
//! touches. A result is read while others write and still belongs to one revision ([`load`]); lists ([`list`]) and figures
//! ([`figure`]) follow steps without reading, and are read again only where a step does not tell enough. Sends nothing
//! anywhere: whoever subscribes takes the pushes.

mod figure;
mod hub;
mod index;
pub mod limits;
mod list;
mod load;
mod named;
mod parse;
mod push;
mod query;
mod state;
mod step;
mod tracked;

use std::future::Future;
use std::sync::Arc;

use chancery_model::Json;

pub(crate) use hub::Hub;
pub use named::NamedQuery;
pub use push::{LiveChange, LiveNews, LiveResult, LiveShape, Push, SnapshotReason};
pub use query::{LiveAggregate, LiveQuery};
pub use tracked::{ReadTable, Reads};

use crate::error::Error;
use crate::store::Store;
use limits::LIVE_SUBSCRIPTIONS_MAX;
use load::{Source, Wanted};
use state::Inbox;

/// A subscription: a result, and the news of it. Ends when it is dropped.
pub struct Live {
    store: Store,
    wanted: Arc<Wanted>,
    inbox: LiveInbox,
    number: u64,
    revision: u64,
    result: LiveResult,
    shape: LiveShape,
}

/// Where several subscriptions ring, so that one task can serve them all. Cheap to clone.
#[derive(Clone, Default)]
pub struct LiveInbox(Arc<Inbox>);

impl LiveInbox {
    /// Waits for a subscription with news and answers its [`Live::number`]; take its pushes with [`Live::take`] until there are
    /// no more. May be given up at any time without losing any.
    pub async fn ready(&self) -> u64 {
        self.0.wait().await
    }

    /// Has a subscription named again: not all of its pushes were taken.
    pub fn again(&self, number: u64) {
        self.0.ring(number);
    }
}

impl Store {
    /// Subscribes to a query: its result now, and every change of it from then on.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, LiveQuery, LiveResult, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("Tasks").column(ColumnInput::new("Status", "text"))).await?;
    /// let open = LiveQuery::new("tasks").matching(json!({"status": "open"})).count();
    /// let mut live = store.live(open).await?;
    /// assert_eq!(*live.result(), LiveResult::Value(json!(0)));
    /// tasks.insert(json!({"status": "open"})).await?;
    /// let push = live.next().await?;
    /// assert_eq!(live.shape().push(&push)["snapshot"], json!(1));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Query`] for what a table does not have and for operators whose answer changes with the time,
    /// [`Error::NotFound`] for a table, [`Error::Limit`] for too many subscriptions or records.
    pub async fn live(&self, query: LiveQuery) -> Result<Live, Error> {
        self.live_in(query, &LiveInbox::default()).await
    }

    /// Subscribes as [`Store::live`], ringing in an inbox that others ring in, too.
    ///
    /// # Errors
    /// As [`Store::live`].
    pub async fn live_in(&self, query: LiveQuery, inbox: &LiveInbox) -> Result<Live, Error> {
        let shape = LiveShape {
            fields: query.fields.as_deref().map(Arc::from),
        };
        self.subscribed(Source::Query(Box::new(query)), inbox, shape)
            .await
    }

    /// Subscribes to what a closure makes out of what it reads: it runs again when something that it read has changed, and
    /// its value is told when it differs. It may run more often than that, and should do nothing but read.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{ColumnInput, LiveResult, Query, Store, TableInput, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("Tasks").column(ColumnInput::new("Title", "text"))).await?;
    /// let mut live = store
    ///     .live_with(|reads| async move { Ok(json!({"tasks": reads.table("tasks")?.count(&Query::new()).await?})) })
    ///     .await?;
    /// tasks.insert(json!({"title": "One"})).await?;
    /// let push = live.next().await?;
    /// assert_eq!(live.shape().push(&push)["snapshot"], json!({"tasks": 1}));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of the closure's first run.
    pub async fn live_with<F, R>(&self, make: F) -> Result<Live, Error>
    where
        F: Fn(Reads) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Json, Error>> + Send + 'static,
    {
        let made = Source::Made(Box::new(move |reads| Box::pin(make(reads))));
        self.subscribed(made, &LiveInbox::default(), LiveShape::default())
            .await
    }

    async fn subscribed(&self, what: Source, inbox: &LiveInbox, shape: LiveShape) -> Result<Live, Error> {
        let hub = &self.core.live;
        let wanted = Arc::new(Wanted {
            store: self.clone(),
            what,
        });
        let number = {
            let mut state = hub.state.lock();
            let got = state.subscriptions.len() as u64 + 1;
            let max = LIVE_SUBSCRIPTIONS_MAX as u64;
            if got > max {
                let what = "live subscriptions of a store";
                return Err(Error::Limit { what, max, got });
            }
            state.add(wanted.clone(), inbox.0.clone())
        };
        // From here on it is removed when it is dropped, whatever happens.
        let mut live = Live {
            store: self.clone(),
            wanted,
            inbox: inbox.clone(),
            number,
            revision: 0,
            result: LiveResult::Record(None),
            shape,
        };
        hub.advance(&self.core).await?;
        (live.revision, live.result) = live.read().await?;
        Hub::follow(&self.core);
        Ok(live)
    }

    /// Sees to it that every push up to the newest revision at this moment waits for its subscriber; answers up to which
    /// revision that is true. Pushes come without it, too, a moment after their commit.
    ///
    /// # Errors
    /// [`Error::Storage`] if the log or a result cannot be read.
    pub async fn settle(&self) -> Result<u64, Error> {
        let hub = &self.core.live;
        let revision = hub.advance(&self.core).await?;
        hub.reload(&self.core).await?;
        Ok(revision)
    }
}

impl Live {
    /// The number of the subscription, as [`LiveInbox::ready`] answers it.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The revision that [`Live::result`] belongs to.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The result at the start; pushes tell what came after.
    pub fn result(&self) -> &LiveResult {
        &self.result
    }

    /// How results and pushes look as JSON.
    pub fn shape(&self) -> &LiveShape {
        &self.shape
    }

    /// The next push; waits until there is one. May be given up at any time without losing any.
    ///
    /// # Errors
    /// When the query cannot be answered any longer: its table was dropped, it has become too large, the store is closed. After
    /// an error that [is passing](Error::is_passing), call again to go on.
    pub async fn next(&mut self) -> Result<Push, Error> {
        loop {
            if let Some(push) = self.take().await? {
                return Ok(push);
            }
            self.inbox.0.wait().await;
        }
    }

    /// The next push that waits, or none. Reads the result again if pushes had to be left out.
    ///
    /// # Errors
    /// As [`Live::next`].
    pub async fn take(&mut self) -> Result<Option<Push>, Error> {
        {
            let mut state = self.store.core.live.state.lock();
            let Some(subscription) = state.subscriptions.get_mut(&self.number) else {
                return Ok(None);
            };
            if let Some(error) = subscription.failure.take() {
                return Err(error);
            }
            if !subscription.overflowed {
                return Ok(state.take(self.number));
            }
        }
        let (revision, result) = self.read().await?;
        let news = LiveNews::Snapshot(result, Some(SnapshotReason::Overflow));
        Ok(Some(Push { revision, news }))
    }

    /// The result as it is now, and its revision.
    async fn read(&self) -> Result<(u64, LiveResult), Error> {
        let hub = &self.store.core.live;
        let (revision, result) = hub.load(&self.store.core, &self.wanted, self.number).await?;
        let none = || Error::Internal("a live result was read and is not there".into());
        Ok((revision, result.ok_or_else(none)?))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let hub = &self.store.core.live;
        let mut state = hub.state.lock();
        state.remove(self.number);
        if state.subscriptions.is_empty() {
            hub.look_again();
        }
    }
}
