//! Topics that a socket follows. Events are read from the log as fast as they can be sent, so a slow socket costs no memory.

use chancery::model::JsonMap;
use chancery::{Events, Look, Since, Topic};
use chancery_api::{ErrorCode, limits};

use super::frame;
use super::socket::{End, Socket};
use crate::fault::Fault;

/// A topic and how far it was followed.
pub(crate) struct Followed {
    pub(crate) number: u64,
    topic: Topic,
    events: Events,
    /// Whether the log could not be read the last time.
    pub(crate) stalled: bool,
}

impl Followed {
    /// The revision up to which every event was told.
    pub(crate) fn revision(&self) -> u64 {
        self.events.revision()
    }
}

impl Socket {
    /// Begins to follow a topic.
    pub(crate) async fn on(&mut self, topic: &str, since: Option<u64>) -> Result<JsonMap, Fault> {
        if self.followed.len() >= limits::LIVE_TOPICS_MAX {
            let max = limits::LIVE_TOPICS_MAX;
            let detail = format!("The limit liveTopicsMax of {max} of one socket is reached.");
            return Err(
                Fault::new(ErrorCode::LimitExceeded, detail).hint("Unsubscribe from something first.")
            );
        }
        let topic = Topic::parse(topic)?;
        let store = self.store().await?;
        let mut events = store.events(since.map_or(Since::Now, Since::Revision));
        // A log that does not hold the place is a refusal.
        events.look().await?;
        let number = self.number();
        let mut body = frame::member("subscription", number);
        body.insert("revision".into(), events.revision().into());
        self.followed.push(Followed {
            number,
            topic,
            events,
            stalled: false,
        });
        Ok(body)
    }

    /// Sends what has happened; answers whether there may be more already.
    pub(crate) async fn tell(&mut self) -> Result<bool, End> {
        let mut more = false;
        let mut at = 0;
        while at < self.followed.len() {
            match self.tell_of(at).await? {
                Some(again) => {
                    more |= again;
                    at += 1;
                }
                None => drop(self.followed.remove(at)),
            }
        }
        Ok(more)
    }

    /// Sends what has happened to one topic; none if it cannot be followed any longer.
    async fn tell_of(&mut self, at: usize) -> Result<Option<bool>, End> {
        for _ in 0..limits::LIVE_EVENTS_AT_ONCE_MAX {
            let Some(followed) = self.followed.get_mut(at) else {
                return Ok(Some(false));
            };
            let number = followed.number;
            let look = followed.events.look().await;
            followed.stalled = look.as_ref().is_err_and(chancery::Error::is_passing);
            let event = match look {
                Ok(Look::Found(event)) => event,
                // The next events may be far off: others have their turn before it looks on.
                Ok(Look::Passed) => return Ok(Some(true)),
                Ok(Look::End) => return Ok(Some(false)),
                // It is read again with the next look.
                Err(error) if error.is_passing() => {
                    tracing::warn!(%error, "the change log could not be read for a topic; trying again");
                    return Ok(Some(false));
                }
                Err(error) => {
                    self.end_of(number, &error.into()).await?;
                    return Ok(None);
                }
            };
            let wanted = followed.topic.matches(&event);
            if wanted && self.somebody().is_ok_and(|who| who.may_see(&event.table).is_ok()) {
                let text = frame::event(number, event.flat());
                if let Some(fault) = self.too_long(&text) {
                    self.end_of(number, &fault).await?;
                    return Ok(None);
                }
                self.send(text).await?;
            }
        }
        Ok(Some(true))
    }
}
