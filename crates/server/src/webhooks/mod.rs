//! Webhooks: sends events to those who asked for them, for as long as the server runs. Who they are and how far each has got
//! is kept by the library; here is only the sending.

mod address;
mod courier;
mod post;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chancery::{Error, Store, webhooks::new_holder};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use courier::Courier;
pub(crate) use courier::send_again;
pub(crate) use post::Poster;

/// How often it is looked for webhooks that nobody sends for: new ones, and those of a process that died.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long couriers get to put away what they have in hand when the server stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// All couriers of this process.
pub(crate) struct Couriers {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Couriers {
    /// Starts to send. `changed` says that webhooks were changed here.
    pub(crate) fn start(store: Store, poster: Arc<Poster>, changed: watch::Receiver<u64>) -> Couriers {
        let (stop, stopped) = watch::channel(false);
        let office = Office {
            store,
            poster,
            holder: new_holder(),
            stop: stopped,
            changed,
        };
        let task = tokio::spawn(office.run());
        Couriers { stop, task }
    }

    /// Sends nothing more, writes down how far each is, and lets other processes go on.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        let _ = tokio::time::timeout(STOP_WITHIN, self.task).await;
    }
}

/// Where couriers are sent out from.
struct Office {
    store: Store,
    poster: Arc<Poster>,
    holder: Arc<str>,
    stop: watch::Receiver<bool>,
    changed: watch::Receiver<u64>,
}

impl Office {
    async fn run(mut self) {
        let mut out: HashMap<String, JoinHandle<()>> = HashMap::new();
        loop {
            out.retain(|_, courier| !courier.is_finished());
            if let Err(error) = self.send_out(&mut out).await {
                tracing::warn!(%error, "webhooks could not be read; trying again");
            }
            tokio::select! {
                _ = self.stop.changed() => break,
                _ = self.changed.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        for courier in out.into_values() {
            let _ = courier.await;
        }
    }

    /// Sends a courier out for each webhook that has none here.
    async fn send_out(&self, out: &mut HashMap<String, JoinHandle<()>>) -> Result<(), Error> {
        for webhook in self.store.webhooks().all().await? {
            if !webhook.active || out.contains_key(&webhook.id) {
                continue;
            }
            let courier = Courier {
                store: self.store.clone(),
                poster: self.poster.clone(),
                holder: self.holder.clone(),
                id: webhook.id.clone(),
                stop: self.stop.clone(),
                changed: self.changed.clone(),
            };
            let id = webhook.id.clone();
            let errand = async move {
                if let Err(error) = courier.run().await {
                    tracing::warn!(webhook = id, %error, "a webhook was interrupted; it goes on soon");
                }
            };
            out.insert(webhook.id, tokio::spawn(errand));
        }
        Ok(())
    }
}
