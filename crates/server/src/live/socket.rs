//! One socket: a task that reads what is asked, does it, and sends answers and pushes in the order in which they come to be.
//! Nothing waits here without an end.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use chancery::access::Scope;
use chancery::model::{Json, JsonMap};
use chancery::{Live, LiveInbox, LiveNews, LiveQuery, LiveResult, News, Push};
use chancery_api::live::Ask;
use chancery_api::{ErrorCode, Problem, limits};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::caller::Who;
use super::frame::{self, member};
use super::topics::Followed;
use super::transactions::Open;
use crate::acting;
use crate::fault::Fault;
use crate::observe::Observation;
use crate::state::App;

/// The socket is not, or no longer, of somebody we know.
const UNAUTHENTICATED: u16 = 4401;
/// Frames cannot be sent, or nothing is heard.
const SILENT: u16 = 4408;
/// How often topics are looked at when nothing is said to be new: what another process commits may be told of late, or not at
/// all.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Pushes of one subscription that are sent before others get their turn.
const PUSHES_AT_ONCE: usize = chancery::live::limits::LIVE_PUSHES_MAX;

/// Why a socket ends.
pub(crate) enum End {
    /// The other side cannot be reached.
    Gone,
    /// The other side has said that it leaves.
    Left,
    /// We close it, with a code and a reason.
    Close(u16, &'static str),
}

/// How every socket ends when the server stops.
const STOPS: End = End::Close(close_code::AWAY, "the server stops");

/// One socket and what it watches.
pub(crate) struct Socket {
    pub(crate) app: App,
    /// The workspace that names are looked up in; the default one if none.
    workspace: Option<String>,
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    pub(crate) who: Option<Who>,
    inbox: LiveInbox,
    /// By the number of the library.
    watched: HashMap<u64, Watched>,
    /// Those of them whose result could not be read just now.
    stalled: Vec<u64>,
    pub(crate) followed: Vec<Followed>,
    pub(super) open: Open,
    newest: u64,
    opened: Instant,
    heard: Instant,
    checked: Instant,
    pinged: Instant,
    looked: Instant,
    /// True once the server stops.
    ending: watch::Receiver<bool>,
}

/// What a socket turns to next.
enum Turn {
    Heard(Option<Result<Message, axum::Error>>),
    Ready(u64),
    News,
    Tick,
    Ending,
}

/// A subscription of a socket.
struct Watched {
    /// Its number on this socket.
    number: u64,
    live: Live,
    /// The whole result, kept for a client that wants no changes.
    whole: Option<Vec<chancery::Record>>,
}

impl Socket {
    pub(crate) fn new(app: App, workspace: Option<String>, socket: WebSocket, who: Option<Who>) -> Socket {
        let (sink, stream) = socket.split();
        let now = Instant::now();
        Socket {
            ending: app.ending.subscribe(),
            app,
            workspace,
            sink,
            stream,
            who,
            inbox: LiveInbox::default(),
            watched: HashMap::new(),
            stalled: Vec::new(),
            followed: Vec::new(),
            open: Open::default(),
            newest: 0,
            opened: now,
            heard: now,
            checked: now,
            pinged: now,
            looked: now,
        }
    }

    /// Serves the socket until it ends.
    pub(crate) async fn run(mut self) {
        let end = match self.serve().await {
            Ok(()) => return,
            Err(end) => end,
        };
        let moment = Duration::from_secs(1);
        match end {
            End::Gone => {}
            // The answer to their farewell is made, and still has to leave.
            End::Left => drop(timeout(moment, self.sink.close()).await),
            End::Close(code, reason) => {
                let frame = CloseFrame {
                    code,
                    reason: reason.into(),
                };
                let close = self.sink.send(Message::Close(Some(frame)));
                let _ = timeout(moment, close).await;
            }
        }
    }

    async fn serve(&mut self) -> Result<(), End> {
        let revision = self.app.store.revision().await.unwrap_or(0);
        self.send(frame::hello(revision, self.who.is_none())).await?;
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ending = self.ending.clone();
        let mut news = self.app.store.backend().news();
        loop {
            let turn = tokio::select! {
                message = self.stream.next() => Turn::Heard(message),
                id = self.inbox.ready() => Turn::Ready(id),
                _ = news.changed(), if !self.followed.is_empty() => Turn::News,
                _ = async { ending.wait_for(|ending| *ending).await.map(drop) } => Turn::Ending,
                _ = clock.tick() => Turn::Tick,
            };
            let began = Instant::now();
            match turn {
                Turn::Heard(Some(Ok(message))) => {
                    let followed = self.followed.len();
                    self.hear(message).await?;
                    if self.followed.len() > followed {
                        // One that begins in the past has something to tell already.
                        news.mark_changed();
                    }
                }
                Turn::Heard(Some(Err(error))) => return Err(broken(&error)),
                Turn::Heard(None) => return Ok(()),
                Turn::Ready(id) => self.deliver(id).await?,
                Turn::News => self.tell_or(&mut news).await?,
                Turn::Ending => return Err(STOPS),
                Turn::Tick => {
                    self.tick().await?;
                    if self.looked.elapsed() >= LOOK_EVERY {
                        self.tell_or(&mut news).await?;
                    }
                }
            }
            // While it worked it did not listen, so that was no silence.
            self.heard += began.elapsed();
        }
    }

    /// Sends what has happened, and has it looked at again if that was not all.
    async fn tell_or(&mut self, news: &mut watch::Receiver<News>) -> Result<(), End> {
        news.mark_unchanged();
        self.looked = Instant::now();
        if self.tell().await? {
            news.mark_changed();
        }
        Ok(())
    }

    /// The next number of a subscription of this socket.
    pub(crate) fn number(&mut self) -> u64 {
        self.newest += 1;
        self.newest
    }

    /// What has to be looked at now and then.
    async fn tick(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let is_over = |since: Instant, seconds: u64| now - since >= Duration::from_secs(seconds);
        self.open.forget_idle(now);
        if is_over(self.heard, limits::LIVE_SILENT_SECONDS_MAX) {
            return Err(End::Close(SILENT, "nothing was heard"));
        }
        if is_over(self.pinged, limits::LIVE_PING_SECONDS) {
            self.pinged = now;
            self.send_message(Message::Ping(bytes::Bytes::new())).await?;
        }
        if self.who.is_none() && is_over(self.opened, limits::LIVE_AUTH_SECONDS_MAX) {
            return Err(End::Close(UNAUTHENTICATED, "credentials were not given in time"));
        }
        for key in self.stalled.drain(..) {
            self.inbox.again(key);
        }
        self.check().await
    }

    /// Whether the socket may go on: before everything that is sent, so that no length of what there is to tell puts it off.
    async fn check(&mut self) -> Result<(), End> {
        if *self.ending.borrow() {
            return Err(STOPS);
        }
        let now = Instant::now();
        let Some(who) = &mut self.who else { return Ok(()) };
        if now - self.checked >= Duration::from_secs(limits::LIVE_CHECK_SECONDS) {
            self.checked = now;
            // What cannot be checked now is checked again soon.
            if let Ok(false) = who.still_holds(&self.app).await {
                return Err(End::Close(UNAUTHENTICATED, "the session or key is over"));
            }
        }
        Ok(())
    }

    async fn hear(&mut self, message: Message) -> Result<(), End> {
        self.heard = Instant::now();
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(End::Close(close_code::UNSUPPORTED, "frames are text")),
            Message::Close(_) => return Err(End::Left),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        let incoming = frame::read(&text);
        let answered = match incoming.ask {
            Ok(ask) => self.answer(incoming.id.unwrap_or_default(), ask).await?,
            Err(fault) => Err(fault),
        };
        match answered {
            Ok(Some(body)) => {
                let begun = body.get("subscription").and_then(Json::as_u64);
                let text = frame::result(incoming.id.unwrap_or_default(), body);
                let Some(fault) = self.too_long(&text) else {
                    return self.send(text).await;
                };
                // Nobody hears of a subscription that this began.
                if let Some(number) = begun {
                    let _ = self.unsubscribe(number);
                }
                self.refuse(incoming.id, &fault).await
            }
            Ok(None) => Ok(()),
            Err(fault) => self.refuse(incoming.id, &fault).await,
        }
    }

    /// Does what a frame asks; nothing is answered where the answer was sent already.
    async fn answer(&mut self, id: u64, ask: Ask) -> Result<Result<Option<JsonMap>, Fault>, End> {
        match ask {
            Ask::Ping {} => Ok(Ok(Some(JsonMap::new()))),
            Ask::Auth { key } => {
                let who = Who::by_key(&self.app, &key).await;
                // What somebody else has begun is not gone on with.
                self.open.forget_all();
                Ok(match who {
                    Ok(who) => {
                        self.who = Some(who);
                        let store = self.store().await;
                        if store.is_err() {
                            self.who = None;
                        }
                        store.map(|_| Some(JsonMap::new()))
                    }
                    Err(fault) => Err(fault),
                })
            }
            _ if self.who.is_none() => {
                let detail = "The socket has not said who it is.";
                let fault = Fault::new(ErrorCode::Unauthenticated, detail)
                    .hint("Send {\"id\": 1, \"type\": \"auth\", \"key\": \"chy_…\"} first.");
                Ok(Err(fault))
            }
            Ask::Barrier {} => self.barrier(id).await,
            Ask::Subscribe {
                query,
                name,
                params,
                snapshots,
            } => {
                let question = Question { query, name, params };
                Ok(self.subscribe(question, snapshots).await.map(Some))
            }
            Ask::Unsubscribe { subscription } => Ok(self.unsubscribe(subscription).map(Some)),
            Ask::On { topic, since } => Ok(self.on(&topic, since).await.map(Some)),
            Ask::Run { query, name, params } => {
                let question = Question { query, name, params };
                Ok(self.run_once(question).await.map(Some))
            }
            Ask::Begin {} => Ok(self.begin().await.map(Some)),
            Ask::Commit { transaction } => Ok(self.commit(transaction).await.map(Some)),
            Ask::Rollback { transaction } => Ok(self.rollback(transaction).map(Some)),
            Ask::Do(operation) => Ok(self.operate(operation).await.map(Some)),
        }
    }

    /// The live query that a frame asks, and the store it is asked of.
    async fn asked(&self, question: Question) -> Result<(chancery::Store, LiveQuery), Fault> {
        let who = self.somebody()?;
        let store = self.store().await?;
        let query = match (question.query, question.name) {
            (Some(query), None) => LiveQuery::from_json(&query)?,
            (None, Some(name)) => store
                .query_named(&name)
                .await?
                .with(&question.params.unwrap_or_default())?,
            _ => {
                let detail = "Name a stored query or send one: one of query and name.";
                return Err(Fault::new(ErrorCode::InvalidBody, detail));
            }
        };
        let (table, query) = acting::asked(&store, query).await?;
        who.may_see(&*table.definition()?)?;
        Ok((table.store().clone(), query))
    }

    async fn subscribe(&mut self, question: Question, snapshots: bool) -> Result<JsonMap, Fault> {
        if self.watched.len() >= limits::LIVE_SUBSCRIPTIONS_MAX {
            let max = limits::LIVE_SUBSCRIPTIONS_MAX;
            let detail = format!("The limit liveSubscriptionsMax of {max} of one socket is reached.");
            return Err(
                Fault::new(ErrorCode::LimitExceeded, detail).hint("Unsubscribe from something first.")
            );
        }
        let (store, query) = self.asked(question).await?;
        let live = store.live_in(query, &self.inbox).await?;
        let number = self.number();
        let mut body = member("subscription", number);
        body.insert("revision".into(), live.revision().into());
        body.insert("result".into(), live.shape().result(live.result()));
        let whole = match live.result() {
            LiveResult::Records(records) if snapshots => Some(records.clone()),
            _ => None,
        };
        self.watched
            .insert(live.number(), Watched { number, live, whole });
        Ok(body)
    }

    fn unsubscribe(&mut self, number: u64) -> Result<JsonMap, Fault> {
        let before = self.watched.len() + self.followed.len();
        self.watched.retain(|_, watched| watched.number != number);
        self.followed.retain(|followed| followed.number != number);
        if self.watched.len() + self.followed.len() == before {
            let detail = format!("This socket has no subscription {number}.");
            return Err(Fault::new(ErrorCode::InvalidParameter, detail));
        }
        Ok(JsonMap::new())
    }

    async fn run_once(&self, question: Question) -> Result<JsonMap, Fault> {
        let (store, query) = self.asked(question).await?;
        let (revision, result, shape) = store.run(query).await?;
        let mut body = member("revision", revision);
        body.insert("result".into(), shape.result(&result));
        Ok(body)
    }

    /// Sends everything that is pushed up to now, then the answer.
    async fn barrier(&mut self, id: u64) -> Result<Result<Option<JsonMap>, Fault>, End> {
        let revision = match self.app.store.settle().await {
            Ok(revision) => revision,
            Err(error) => return Ok(Err(error.into())),
        };
        let numbers: Vec<u64> = self.watched.keys().copied().collect();
        for number in numbers {
            self.deliver(number).await?;
        }
        // What comes later than the revision is told later.
        let before = |followed: &Followed| followed.revision() < revision;
        while self.tell().await? && self.followed.iter().any(before) {}
        if !self.stalled.is_empty() || self.followed.iter().any(|followed| followed.stalled) {
            let detail = "Not everything up to now could be read.";
            return Ok(Err(Fault::new(ErrorCode::StorageUnavailable, detail)));
        }
        self.send(frame::result(id, member("revision", revision))).await?;
        Ok(Ok(None))
    }

    /// Sends what waits for a subscription.
    async fn deliver(&mut self, key: u64) -> Result<(), End> {
        for _ in 0..=PUSHES_AT_ONCE {
            let Some(watched) = self.watched.get_mut(&key) else {
                return Ok(());
            };
            let number = watched.number;
            let push = match watched.live.take().await {
                Ok(Some(push)) => push,
                Ok(None) => return Ok(()),
                Err(error) if error.is_passing() => {
                    self.stalled.push(key);
                    return Ok(());
                }
                Err(error) => {
                    self.watched.remove(&key);
                    return self.end_of(number, &error.into()).await;
                }
            };
            let push = watched.wholly(push);
            let text = frame::push(number, watched.live.shape().push(&push));
            if let Some(fault) = self.too_long(&text) {
                self.watched.remove(&key);
                return self.end_of(number, &fault).await;
            }
            self.send(text).await?;
        }
        // Others have their turn before it goes on.
        self.inbox.again(key);
        Ok(())
    }

    /// Says that a subscription has ended, and why.
    pub(crate) async fn end_of(&mut self, number: u64, fault: &Fault) -> Result<(), End> {
        let problem = self.problem(fault);
        self.send(frame::ended(number, &problem)).await
    }

    async fn refuse(&mut self, id: Option<u64>, fault: &Fault) -> Result<(), End> {
        let problem = self.problem(fault);
        self.send(frame::error(id, &problem)).await
    }

    /// What is said of a refusal; its cause goes to the log under the same id.
    fn problem(&self, fault: &Fault) -> Problem {
        let refusal = fault.refusal();
        let mut problem = refusal.problem.clone();
        problem.request_id = format!("live-{}", uuid::Uuid::new_v4().simple());
        if let Some(cause) = &refusal.cause {
            self.app.metrics.observe(Observation::Failed {
                request_id: &problem.request_id,
                route: "/api/live",
                cause,
            });
        }
        problem
    }

    /// The refusal of a frame that is too long to be sent.
    pub(crate) fn too_long(&self, text: &str) -> Option<Fault> {
        let max = self.app.limits.live_answer_bytes_max;
        (text.len() > max).then(|| {
            let detail = format!("The limit liveAnswerBytesMax of {max} is reached.");
            Fault::new(ErrorCode::LimitExceeded, detail)
                .hint("Ask for fewer records, or for fewer fields of them.")
        })
    }

    /// The store on their behalf, in the workspace of the socket.
    pub(super) async fn store(&self) -> Result<chancery::Store, Fault> {
        let store = self.somebody()?.store(&self.app);
        acting::workspace(store, self.workspace.as_deref()).await
    }

    /// Who is there.
    pub(crate) fn somebody(&self) -> Result<&Who, Fault> {
        let who = self.who.as_ref();
        let who =
            who.ok_or_else(|| Fault::new(ErrorCode::Unauthenticated, "The socket has not said who it is."))?;
        who.needs(Scope::Read)?;
        Ok(who)
    }

    pub(crate) async fn send(&mut self, text: String) -> Result<(), End> {
        self.check().await?;
        self.send_message(Message::Text(text.into())).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), End> {
        let longest = Duration::from_secs(limits::LIVE_SEND_SECONDS_MAX);
        tokio::select! {
            sent = timeout(longest, self.sink.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => Err(End::Close(SILENT, "a frame could not be sent in time")),
            },
            _ = self.ending.wait_for(|ending| *ending) => Err(STOPS),
        }
    }
}

/// A query as a frame names it.
struct Question {
    query: Option<serde_json::Value>,
    name: Option<String>,
    params: Option<JsonMap>,
}

impl Watched {
    /// The push as it is, or as a whole result for a client that wants no changes.
    fn wholly(&mut self, push: Push) -> Push {
        use chancery::LiveChange;
        let Some(whole) = &mut self.whole else { return push };
        match push.news {
            LiveNews::Changes(changes) => {
                for change in changes {
                    match change {
                        LiveChange::Remove { key } => whole.retain(|record| *record.key() != key),
                        LiveChange::Put { record, before } => {
                            whole.retain(|had| had.key() != record.key());
                            let at = before.and_then(|key| whole.iter().position(|had| *had.key() == key));
                            whole.insert(at.unwrap_or(whole.len()), record);
                        }
                    }
                }
            }
            LiveNews::Snapshot(LiveResult::Records(records), _) => *whole = records,
            news @ LiveNews::Snapshot(..) => return Push { news, ..push },
        }
        Push {
            revision: push.revision,
            news: LiveNews::Snapshot(LiveResult::Records(whole.clone()), None),
        }
    }
}

/// How a socket ends whose frames cannot be read.
fn broken(error: &axum::Error) -> End {
    use std::error::Error;
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    while let Some(cause) = source {
        if cause.to_string().contains("too long") || cause.to_string().contains("too big") {
            return End::Close(close_code::SIZE, "the frame is too long");
        }
        source = cause.source();
    }
    End::Gone
}
