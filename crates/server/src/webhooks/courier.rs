//! A courier: sends the events of one webhook, in order, each until it arrives. Only one process has the right to at a time;
//! it decides nothing about records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chancery::webhooks::{Claim, Delivery, LEASE_MS, Webhook, Webhooks};
use chancery::{Error, Event, Events, Look, Since, StorageError, Store};
use tokio::sync::watch;

use super::Poster;
use crate::webhooks::post::Message;

/// How long to wait before sending again, after the first, the second failure …; after that as long as the last, in s.
const SEND_AGAIN_AFTER: [u64; 7] = [1, 5, 30, 120, 600, 1_800, 3_600];
/// How much longer or shorter a wait may be, so that many webhooks do not come at once: a fifth.
const JITTER: f64 = 0.2;
/// How long a webhook may fail before it is switched off, in ms: three days.
const FAILING_MS_MAX: i64 = 3 * 24 * 3_600_000;
/// Deliveries after which the place is written down at the latest: so many may come twice after a crash.
const UNWRITTEN_MAX: usize = 20;
/// How long a delivery may be unwritten.
const UNWRITTEN_FOR_MAX: Duration = Duration::from_millis(500);
/// How often the right to send is kept up, where others might take it; and how long a place may be unwritten that has moved over
/// events which nobody is sent: passing those again after a crash costs a little reading, and writing it down a commit.
const KEEP_EVERY: Duration = Duration::from_millis(LEASE_MS as u64 / 3);
/// How long to wait after the store could not be read.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Why a courier stops.
pub(super) enum End {
    /// It was told to.
    Stopped,
    /// The webhook is gone, off or another's.
    NotOurs,
}

/// What a courier needs.
pub(super) struct Courier {
    pub(super) store: Store,
    pub(super) poster: Arc<Poster>,
    pub(super) holder: Arc<str>,
    pub(super) id: String,
    pub(super) stop: watch::Receiver<bool>,
    /// Says that some webhook was changed here.
    pub(super) changed: watch::Receiver<u64>,
}

/// What it has in hand.
struct Round {
    webhooks: Webhooks,
    webhook: Webhook,
    claim: Claim,
    /// Whether another process might take the right to send.
    shared: bool,
    /// Deliveries that are not written down.
    unwritten: usize,
    /// Whether the place has moved since it was written down.
    moved: bool,
    kept: Instant,
}

impl Courier {
    /// Sends until it is told to stop or has no right to go on.
    pub(super) async fn run(mut self) -> Result<(), Error> {
        let webhooks = self.store.webhooks();
        let webhook = webhooks.get(&self.id).await?;
        if !webhook.active {
            return Ok(());
        }
        let Some(claim) = webhooks.claim(&self.id, &self.holder).await? else {
            return Ok(());
        };
        let mut round = Round {
            webhooks,
            webhook,
            claim,
            shared: self.store.backend().is_shared(),
            unwritten: 0,
            moved: false,
            kept: Instant::now(),
        };
        match self.rounds(&mut round).await {
            Ok(End::Stopped) => round.webhooks.release(round.claim).await,
            Ok(End::NotOurs) | Err(Error::Storage(StorageError::Closed)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn rounds(&mut self, round: &mut Round) -> Result<End, Error> {
        let store = self.store.in_workspace(&round.webhook.workspace)?;
        let mut events = store.events(round.claim.progress.since());
        loop {
            let found = match self.look(round, &mut events).await? {
                Ok(found) => found,
                Err(end) => return Ok(end),
            };
            match found {
                Ok(Look::Found(event)) => {
                    if let Some(end) = self.deliver(round, &event).await? {
                        return Ok(end);
                    }
                }
                Ok(Look::Passed | Look::End) => {}
                Err(error @ Error::Gone { .. }) => {
                    let because = format!("What came next was not sent in time: {error}");
                    round.webhooks.switch_off(&self.id, &because).await?;
                    return Ok(End::NotOurs);
                }
                Err(error @ Error::Storage(StorageError::Closed)) => return Err(error),
                Err(error) => {
                    tracing::warn!(webhook = self.id, %error, "events could not be read; trying again");
                    tokio::time::sleep(READ_AGAIN_AFTER).await;
                    continue;
                }
            }
            round.moved |= round.claim.progress.passed(events.position());
            let due = round.unwritten >= UNWRITTEN_MAX || round.patience().is_zero();
            if due && !self.stay(round).await? {
                return Ok(End::NotOurs);
            }
        }
    }

    /// The next look at the log that shows anything. However long it takes, it is not begun again because something else is due.
    async fn look(
        &mut self,
        round: &mut Round,
        events: &mut Events,
    ) -> Result<Result<Result<Look<Event>, Error>, End>, Error> {
        let mut look = std::pin::pin!(async {
            loop {
                match events.look().await {
                    Ok(Look::End) => events.wait().await,
                    found => return found,
                }
            }
        });
        loop {
            let goes_on = tokio::select! {
                biased;
                _ = self.stop.changed() => return Ok(Err(End::Stopped)),
                _ = self.changed.changed() => self.look_again(round).await?,
                found = &mut look => return Ok(Ok(found)),
                () = tokio::time::sleep(round.patience()) => self.stay(round).await?,
            };
            if !goes_on {
                return Ok(Err(End::NotOurs));
            }
        }
    }

    /// Sends one event until it arrives, or is not wanted any more; an end if that cannot be waited for.
    async fn deliver(&mut self, round: &mut Round, event: &Event) -> Result<Option<End>, Error> {
        let mut attempts = round.attempts_at(event.number);
        while round.webhook.wants(event) {
            attempts += 1;
            let delivery = send(&self.store, &self.poster, &round.webhook, event, attempts).await?;
            let (delivered, status) = (delivery.delivered, delivery.status);
            round.claim.progress.note(delivery);
            round.unwritten += 1;
            if delivered {
                return Ok(None);
            }
            if !self.keep(round).await? {
                return Ok(Some(End::NotOurs));
            }
            if let Some(because) = hopeless(round, status, self.store.now()) {
                round.webhooks.switch_off(&self.id, &because).await?;
                return Ok(Some(End::NotOurs));
            }
            if let Some(end) = self.wait(round, event, delay(attempts)).await? {
                return Ok(Some(end));
            }
            if !round.webhook.wants(event) {
                // What failed is left out, so nothing fails.
                round.claim.progress.failing_since = None;
                round.moved = true;
            }
        }
        Ok(None)
    }

    /// Waits before sending again, and keeps the right to; another URL ends the wait, and so does the wish for other topics.
    async fn wait(
        &mut self,
        round: &mut Round,
        event: &Event,
        delay: Duration,
    ) -> Result<Option<End>, Error> {
        let until = tokio::time::Instant::now() + delay;
        let url = round.webhook.url.clone();
        while round.webhook.url == url && round.webhook.wants(event) {
            let step = until.min(tokio::time::Instant::now() + KEEP_EVERY);
            let goes_on = tokio::select! {
                _ = self.stop.changed() => return Ok(Some(End::Stopped)),
                _ = self.changed.changed() => self.look_again(round).await?,
                () = tokio::time::sleep_until(step) => match step == until {
                    true => break,
                    false => self.stay(round).await?,
                },
            };
            if !goes_on {
                return Ok(Some(End::NotOurs));
            }
        }
        Ok(None)
    }

    /// What is due now and then: writes the place down if there is a reason to, and looks whether there is still something to
    /// send. A place that stays where it is makes no commit, unless that keeps the right to send.
    async fn stay(&self, round: &mut Round) -> Result<bool, Error> {
        if round.shared || round.moved || round.unwritten > 0 {
            return self.keep(round).await;
        }
        round.kept = Instant::now();
        self.look_again(round).await
    }

    /// Writes the place down and keeps the right to send; answers whether it is still there.
    async fn keep(&self, round: &mut Round) -> Result<bool, Error> {
        if !round.webhooks.keep(&mut round.claim).await? {
            return Ok(false);
        }
        (round.unwritten, round.moved, round.kept) = (0, false, Instant::now());
        self.look_again(round).await
    }

    /// Reads the webhook anew; answers whether there is still something to send.
    async fn look_again(&self, round: &mut Round) -> Result<bool, Error> {
        round.webhook = match round.webhooks.get(&self.id).await {
            Ok(webhook) => webhook,
            Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        };
        Ok(round.webhook.active && round.webhooks.holds(&round.claim).await?)
    }
}

impl Round {
    /// How long nothing is due but sending.
    fn patience(&self) -> Duration {
        let longest = match self.unwritten {
            0 => KEEP_EVERY,
            _ => UNWRITTEN_FOR_MAX,
        };
        longest.saturating_sub(self.kept.elapsed())
    }

    /// How often an event was sent before this process came.
    fn attempts_at(&self, number: u64) -> u32 {
        let last = self.claim.progress.deliveries.back();
        last.filter(|delivery| delivery.number == number && !delivery.delivered)
            .map_or(0, |delivery| delivery.attempts)
    }
}

/// Why a webhook is switched off, if it is.
fn hopeless(round: &Round, status: Option<u16>, now: i64) -> Option<String> {
    let since = round.claim.progress.failing_since.unwrap_or(now);
    match status {
        Some(410) => Some("The receiver answered 410: it wants nothing more".to_owned()),
        _ if now - since > FAILING_MS_MAX => Some(format!(
            "Nothing arrived for {} hours",
            FAILING_MS_MAX / 3_600_000
        )),
        _ => None,
    }
}

fn delay(attempts: u32) -> Duration {
    let step = (attempts.max(1) as usize - 1).min(SEND_AGAIN_AFTER.len() - 1);
    // The random bits of a fresh UUID: nothing depends on how good they are.
    let die = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
    Duration::from_secs(SEND_AGAIN_AFTER[step]).mul_f64(1.0 + JITTER * (2.0 * die - 1.0))
}

/// Sends an event once.
///
/// # Errors
/// [`Error::Internal`] if the kept secret is damaged.
async fn send(
    store: &Store,
    poster: &Poster,
    webhook: &Webhook,
    event: &Event,
    attempts: u32,
) -> Result<Delivery, Error> {
    let id = webhook.message_id(event.number);
    let mut body = chancery::JsonMap::new();
    body.insert("id".into(), id.as_str().into());
    body.extend(event.flat());
    let body = serde_json::to_vec(&body).map_err(|error| Error::Internal(error.to_string()))?;
    let at = store.now();
    let seconds = at / 1_000;
    let message = Message {
        signature: webhook.sign(&id, seconds, &body)?,
        id,
        seconds,
        body: body.into(),
    };
    let started = Instant::now();
    let sent = poster.post(&webhook.url, &message).await;
    if let Some(error) = &sent.error {
        // What was answered may repeat what was sent, and no record belongs into a log: there the status has to do.
        tracing::info!(
            webhook = webhook.id,
            number = event.number,
            attempts,
            status = sent.status,
            error = sent.status.is_none().then_some(error),
            "a webhook was not delivered"
        );
    }
    Ok(Delivery {
        id: message.id,
        number: event.number,
        topic: event.topic(),
        at,
        attempts,
        delivered: sent.error.is_none(),
        status: sent.status,
        error: sent.error,
        took_ms: started.elapsed().as_millis() as u64,
    })
}

/// Sends the event of a message once more, apart from the order of all others; none if the log does not hold it.
///
/// # Errors
/// As [`send`], and [`Error::Gone`].
pub(crate) async fn send_again(
    store: &Store,
    poster: &Poster,
    webhook: &Webhook,
    number: u64,
) -> Result<Option<Delivery>, Error> {
    let store = store.in_workspace(&webhook.workspace)?;
    let mut events = store.events(Since::Change(number.saturating_sub(1)));
    // If it is there, it is the first that is read.
    events.look().await?;
    match events.look().await? {
        Look::Found(event) if event.number == number => {
            Ok(Some(send(&store, poster, webhook, &event, 1).await?))
        }
        _ => Ok(None),
    }
}
