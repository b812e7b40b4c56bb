//! The bridge: forwards events to something else, a rule engine or a message broker. It knows nothing of what that is.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use async_trait::async_trait;
use chancery_model::Json;

use super::subscription::{HandlerError, Subscription, subscribe};
use super::{Event, Since, Topic};
use crate::error::Error;
use crate::store::Store;

/// What events are forwarded to. Closures `|topic, data| async { … }` are receivers too.
#[async_trait]
pub trait Receiver: Send + Sync + 'static {
    /// Takes one event.
    ///
    /// # Errors
    /// If it does not take it: that is counted and told to the log, and the next one comes.
    async fn emit(&self, topic: String, data: Json) -> Result<(), HandlerError>;
}

#[async_trait]
impl<C, F> Receiver for C
where
    C: Fn(String, Json) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), HandlerError>> + Send + 'static,
{
    async fn emit(&self, topic: String, data: Json) -> Result<(), HandlerError> {
        self(topic, data).await
    }
}

/// What is forwarded, and as what. The order is: topics, `filter`, `map_topic`, `map_data`.
pub struct BridgeOptions {
    /// Which events; all if empty.
    pub topics: Vec<Topic>,
    /// From where on.
    pub since: Since,
    /// Which of those.
    pub filter: Box<dyn Fn(&Event) -> bool + Send + Sync>,
    /// The topic they get; their own unless said otherwise.
    pub map_topic: Box<dyn Fn(&Event) -> String + Send + Sync>,
    /// What is sent; [`Event::flat`] unless said otherwise.
    pub map_data: Box<dyn Fn(&Event) -> Json + Send + Sync>,
}

impl Default for BridgeOptions {
    fn default() -> BridgeOptions {
        BridgeOptions {
            topics: Vec::new(),
            since: Since::Now,
            filter: Box::new(|_| true),
            map_topic: Box::new(Event::topic),
            map_data: Box::new(|event| Json::Object(event.flat())),
        }
    }
}

/// A bridge that stands. It is torn down when it is dropped.
#[must_use = "it is torn down when it is dropped"]
pub struct Bridge {
    subscription: Subscription,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    forwarded: AtomicU64,
    rejected: AtomicU64,
}

impl Bridge {
    /// Events that the receiver took.
    pub fn forwarded(&self) -> u64 {
        self.counts.forwarded.load(Relaxed)
    }

    /// Events that the receiver did not take.
    pub fn rejected(&self) -> u64 {
        self.counts.rejected.load(Relaxed)
    }

    /// Forwards nothing more, and waits for what is on its way.
    pub async fn teardown(self) {
        self.subscription.stop().await;
    }
}

impl Store {
    /// Forwards events to a receiver, in order, one at a time.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// # use chancery::{BridgeOptions, ColumnInput, Store, TableInput, json};
    /// let store = Store::open("memory:").await?;
    /// let tasks = store.create_table(TableInput::new("Tasks").column(ColumnInput::new("Title", "text"))).await?;
    /// let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
    /// let options = BridgeOptions {
    ///     map_topic: Box::new(|event| format!("store.{}", event.topic())),
    ///     ..BridgeOptions::default()
    /// };
    /// let emit = move |topic: String, data: chancery::Json| {
    ///     let sent = send.send((topic, data));
    ///     async move { Ok(sent?) }
    /// };
    /// let bridge = store.bridge(emit, options)?;
    /// tasks.insert(json!({"title": "Write"})).await?;
    /// let (topic, data) = receive.recv().await.unwrap();
    /// assert_eq!((topic.as_str(), &data["record"]["title"]), ("store.table.tasks.inserted", &json!("Write")));
    /// bridge.teardown().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// None today; kept so that options can be refused.
    pub fn bridge(&self, receiver: impl Receiver, options: BridgeOptions) -> Result<Bridge, Error> {
        let counts = Arc::<Counts>::default();
        let receiver = Arc::new(receiver);
        let BridgeOptions {
            topics,
            since,
            filter,
            map_topic,
            map_data,
        } = options;
        let told = counts.clone();
        let handler = move |event: Event| {
            let wanted = filter(&event);
            let sent = wanted.then(|| (map_topic(&event), map_data(&event)));
            let (receiver, counts) = (receiver.clone(), told.clone());
            async move {
                let Some((topic, data)) = sent else { return Ok(()) };
                let taken = receiver.emit(topic, data).await;
                let count = match taken {
                    Ok(()) => &counts.forwarded,
                    Err(_) => &counts.rejected,
                };
                count.fetch_add(1, Relaxed);
                taken
            }
        };
        let subscription = subscribe(self, topics, since, handler);
        Ok(Bridge { subscription, counts })
    }
}
