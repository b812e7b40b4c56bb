//! Handlers: called for every event of a topic, in order, one at a time. Each has a reader of its own, so one that is slow or
//! fails keeps no other waiting.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chancery_storage::StorageError;
use futures::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Event, Events, Since, Topic};
use crate::error::Error;
use crate::store::Store;

/// How long to wait after the log could not be read.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why a handler failed; it is told to the log.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// A handler that is called. Dropping it lets the call that is running finish and makes no other.
#[must_use = "it stops when it is dropped"]
pub struct Subscription {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Subscription {
    /// Makes no further call, and waits for the one that is running.
    pub async fn stop(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

impl Store {
    /// Calls a handler for every event of a topic from now on, in order, one at a time. A handler that fails or panics is told
    /// to the log; it gets the next event nonetheless, and others do not notice.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use chancery::{ColumnInput, Store, TableInput, json};
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("Tasks").column(ColumnInput::new("Title", "text"))).await?;
    /// let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    /// let subscription = store.on("bucket.*.inserted", move |event| {
    ///     let send = send.clone();
    ///     async move { Ok(send.send(event.topic())?) }
    /// })?;
    /// tasks.insert(json!({"title": "Write"})).await?;
    /// assert_eq!(receive.recv().await.as_deref(), Some("table.tasks.inserted"));
    /// subscription.stop().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Query`] if no event could ever have the topic.
    pub fn on<H, F>(&self, topic: &str, handler: H) -> Result<Subscription, Error>
    where
        H: FnMut(Event) -> F + Send + 'static,
        F: Future<Output = Result<(), HandlerError>> + Send + 'static,
    {
        let topics = vec![Topic::parse(topic)?];
        Ok(subscribe(self, topics, Since::Now, handler))
    }
}

/// Calls a handler for every event of any of the topics; of all events if there are none.
pub(super) fn subscribe<H, F>(store: &Store, topics: Vec<Topic>, since: Since, handler: H) -> Subscription
where
    H: FnMut(Event) -> F + Send + 'static,
    F: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    let (stop, stopped) = watch::channel(());
    let work = Work {
        topics,
        handler,
        stopped,
    };
    let task = tokio::spawn(work.run(store.events(since), store.clone()));
    Subscription { stop, task }
}

struct Work<H> {
    topics: Vec<Topic>,
    handler: H,
    stopped: watch::Receiver<()>,
}

impl<H, F> Work<H>
where
    H: FnMut(Event) -> F,
    F: Future<Output = Result<(), HandlerError>>,
{
    async fn run(mut self, mut events: Events, store: Store) {
        loop {
            // Nothing is ever sent: the only news is that the other end was dropped.
            let next = tokio::select! {
                biased;
                _ = self.stopped.changed() => return,
                next = events.next() => next,
            };
            match next {
                Ok(event) => self.call(event).await,
                Err(Error::Storage(StorageError::Closed)) => return,
                Err(Error::Gone { oldest, newest }) => {
                    tracing::error!(
                        oldest,
                        newest,
                        "the change log does not hold the place of a handler: it missed events"
                    );
                    events = store.events(Since::Revision(oldest.saturating_sub(1)));
                }
                Err(error) => {
                    tracing::warn!(%error, "events could not be read; trying again");
                    tokio::time::sleep(READ_AGAIN_AFTER).await;
                }
            }
        }
    }

    async fn call(&mut self, event: Event) {
        if !Topic::any(&self.topics, &event) {
            return;
        }
        let (number, topic) = (event.number, event.topic());
        let handler = &mut self.handler;
        let called = AssertUnwindSafe(async { handler(event).await }).catch_unwind();
        match called.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(number, topic, %error, "a handler of events failed"),
            Err(_) => tracing::error!(number, topic, "a handler of events panicked"),
        }
    }
}
