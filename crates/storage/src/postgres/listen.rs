//! Hears of commits, whichever process made them, and rings the bell. A connection of its own listens; when it breaks it
//! is made again, and what was committed meanwhile is asked for. It reads no changes.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Notification};

use super::connection::Connector;
use super::fault::Pg;
use super::log;
use super::settings::Settings;
use super::statement::{Param, Statement};
use super::writer::Shared;
use crate::bell::News;

/// The name under which commits are told of. Each database has its own.
pub(super) const CHANNEL: &str = "chancery_commits";
/// Follows the revision of a commit that changed definitions.
const DEFINES: &str = " d";
/// News that wait to be rung.
const WAITING_MAX: usize = 1_024;
/// How long to wait before the connection is made again, at first and at most; each failure doubles it.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// How often a connection that is silent is asked for the newest revision: one that broke without a word is found so.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// The statement that tells of a commit, in its transaction: it is heard when, and only if, the commit happened.
pub(super) fn tell(revision: u64, defines: bool) -> Statement {
    let mut tell = Statement::new("SELECT pg_notify(");
    let news = format!("{revision}{}", if defines { DEFINES } else { "" });
    tell.bind(Param::text(Some(CHANNEL)))
        .push(", ")
        .bind(Param::text(Some(&news)))
        .push(")");
    tell
}

/// Listens until it is stopped or dropped.
pub(super) struct Listener(JoinHandle<()>);

impl Listener {
    /// Listens for a store.
    pub(super) fn start(shared: &Arc<Shared>) -> Listener {
        let settings = shared.pools.settings.clone();
        Listener(tokio::spawn(run(settings, Arc::downgrade(shared))))
    }

    /// Listens no more.
    pub(super) fn stop(&self) {
        self.0.abort();
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn run(settings: Settings, shared: Weak<Shared>) {
    let mut pause = AGAIN_AFTER.0;
    loop {
        match listen(&settings, &shared, &mut pause).await {
            Ok(()) => return,
            Err(fault) => {
                let error = fault.outward(&settings.name);
                tracing::debug!(%error, "not listening for commits; trying again");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(AGAIN_AFTER.1);
        if shared.strong_count() == 0 {
            return;
        }
    }
}

/// Listens on one connection. Ends well only when the store is gone.
async fn listen(settings: &Settings, shared: &Weak<Shared>, pause: &mut Duration) -> Pg<()> {
    let (sender, mut news) = mpsc::channel(WAITING_MAX);
    let connector = Connector::new(settings, settings.greeting.clone())?;
    let client = connector.connect_hearing(Some(sender)).await?;
    client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    // What was committed while nobody listened may have changed anything.
    if !ring(shared, missed(&client).await?) {
        return Ok(());
    }
    *pause = AGAIN_AFTER.0;
    loop {
        let heard = match tokio::time::timeout(ASK_EVERY, news.recv()).await {
            Ok(Some(notification)) => read(&notification),
            // The connection ended; the question says why.
            Ok(None) => missed(&client).await?,
            Err(_) => News {
                definitions: 0,
                ..missed(&client).await?
            },
        };
        if !ring(shared, heard) {
            return Ok(());
        }
    }
}

/// Rings, unless the store is gone.
fn ring(shared: &Weak<Shared>, news: News) -> bool {
    match shared.upgrade() {
        Some(shared) => {
            shared.bell.ring(news);
            !shared.pools.is_closed()
        }
        None => false,
    }
}

async fn missed(client: &Client) -> Pg<News> {
    let revision = Statement::new(log::NEWEST).number(client).await? as u64;
    Ok(News {
        revision,
        definitions: revision,
    })
}

fn read(notification: &Notification) -> News {
    let told = notification.payload();
    let (digits, defines) = match told.strip_suffix(DEFINES) {
        Some(digits) => (digits, true),
        None => (told, false),
    };
    // Anybody may notify; what is no number is not ours.
    let revision = digits.parse().unwrap_or_default();
    News {
        revision,
        definitions: if defines { revision } else { 0 },
    }
}
