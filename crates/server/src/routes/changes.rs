//! The change log over HTTP: pages of events, and events as they come. A stream reads the log at the pace of whoever listens;
//! no queue is kept for anybody.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chancery::{Error, Event, Events, Since, Store, Topic};
use chancery_api::changes::EventPage;
use chancery_api::{ErrorCode, limits};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::caller;
use crate::convert::events as convert;
use crate::fault::Fault;
use crate::openapi::refusals::Named;
use crate::reply::{Reply, page_limit};
use crate::state::App;

/// The media type of server-sent events.
const EVENT_STREAM: &str = "text/event-stream";
/// How long a stream is silent before it says that it is alive.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// How often it is checked that whoever listens still may.
const CHECK_EVERY: Duration = Duration::from_secs(2);
/// How much of a stream is made at once, in bytes.
const PART_BYTES: usize = 64 * 1024;
/// Events that are looked through at once for those of the topics.
const LOOK_THROUGH: usize = 1_000;
/// Most events that are looked through for one page.
const PAGE_LOOK_THROUGH_MAX: usize = 100_000;
/// How long whoever listens waits before coming again, in ms.
const COME_AGAIN_MS: u64 = 2_000;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(changes))
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct ChangesParams {
    /// The id or slug of a workspace; the default one when absent.
    workspace: Option<String>,
    /// Events after this revision; when absent all that are kept or, of a stream, those that come.
    since: Option<u64>,
    /// Which events, such as `table.tasks.*` or `bucket.*.inserted`; all when absent. May be given several times.
    topic: Vec<String>,
    /// About how many events a page holds; 1 to 1,000, 100 when absent. Commits are told whole, so it may be more.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

impl ChangesParams {
    /// Reads them by hand: the usual way takes no parameter twice.
    fn of(query: Option<&str>) -> Result<ChangesParams, Fault> {
        let mut params = ChangesParams::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let number = || {
                let detail = format!("{name}: \"{value}\" is no whole number up to 2^63 - 1.");
                let number = value.parse::<u64>().ok();
                number
                    .filter(|number| i64::try_from(*number).is_ok())
                    .ok_or_else(|| Fault::new(ErrorCode::InvalidParameter, detail))
            };
            match &*name {
                "workspace" => params.workspace = Some(value.into_owned()),
                "since" => params.since = Some(number()?),
                "limit" => params.limit = Some(number()?),
                _ => params.topic.push(value.into_owned()),
            }
        }
        match params.topic.len() > limits::TOPICS_MAX {
            true => {
                let detail = format!(
                    "There are more topics than the limit topicsMax of {}.",
                    limits::TOPICS_MAX
                );
                Err(Fault::new(ErrorCode::LimitExceeded, detail))
            }
            false => Ok(params),
        }
    }

    fn topics(&self) -> Result<Vec<Topic>, Fault> {
        let read = |text: &String| {
            Topic::parse(text).map_err(|error| {
                let detail = error
                    .issues()
                    .first()
                    .map_or_else(|| error.to_string(), |issue| issue.message.clone());
                Fault::new(ErrorCode::InvalidParameter, format!("topic: {detail}."))
            })
        };
        self.topic.iter().map(read).collect()
    }
}

/// What happened, in order: a page of events or, with `Accept: text/event-stream`, all of them as they come. A stream is
/// resumed by `Last-Event-ID`, exactly after the event with that number.
#[utoipa::path(get, path = "/api/changes", operation_id = "listChanges", tag = "Changes", params(ChangesParams,
        ("Last-Event-ID" = Option<String>, Header, description = "The number of the event to go on after; of a stream only.")),
    responses((status = 200, description = "Events.", body = EventPage, content_type = "application/json"), Named,
        (status = 410, description = "The change log does not reach back so far any more.", body = chancery_api::Problem,
            content_type = "application/problem+json")))]
async fn changes(State(app): State<App>, Acting(store): Acting, request: Request) -> Result<Response, Fault> {
    let params = ChangesParams::of(request.uri().query())?;
    let topics = params.topics()?;
    let store = acting::workspace(store, params.workspace.as_deref()).await?;
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    match accept.is_some_and(|accept| accept.contains(EVENT_STREAM)) {
        true => stream(app, store, request.headers(), &params, topics).await,
        false => page(&store, &params, &topics)
            .await
            .map(IntoResponse::into_response),
    }
}

async fn page(store: &Store, params: &ChangesParams, topics: &[Topic]) -> Result<Reply, Fault> {
    let limit = page_limit(params.limit)? as usize;
    let since = params.since.unwrap_or_default();
    let mut events = store.events(Since::Revision(since));
    let (mut found, mut looked) = (Vec::new(), 0);
    let (mut revision, mut has_more) = (since, false);
    while let Some(commit) = events.next_commit_at_once().await? {
        if found.len() >= limit || looked >= PAGE_LOOK_THROUGH_MAX {
            has_more = true;
            break;
        }
        looked += commit.len();
        revision = commit.last().map_or(revision, |event| event.revision);
        found.extend(
            commit
                .iter()
                .filter(|event| wanted(topics, event))
                .map(convert::event),
        );
    }
    if !has_more {
        revision = events.revision();
    }
    Reply::json(&EventPage {
        events: found,
        revision,
        has_more,
    })
}

fn wanted(topics: &[Topic], event: &Event) -> bool {
    topics.is_empty() || topics.iter().any(|topic| topic.matches(event))
}

async fn stream(
    app: App,
    store: Store,
    headers: &HeaderMap,
    params: &ChangesParams,
    topics: Vec<Topic>,
) -> Result<Response, Fault> {
    let permit = app.streams.clone().try_acquire_owned().map_err(|_| {
        let max = app.limits.event_streams_max;
        let detail = format!("The limit eventStreamsMax of {max} is reached.");
        Fault::new(ErrorCode::Overloaded, detail).retry_after(limits::STREAM_RETRY_SECONDS)
    })?;
    let since = match (last_event_id(headers)?, params.since) {
        (Some(number), _) => Since::Change(number),
        (None, Some(revision)) => Since::Revision(revision),
        (None, None) => Since::Now,
    };
    let mut events = store.events(since);
    // Read before the answer begins: then a log that does not reach back so far can still be a refusal.
    let first = events.next_at_once().await?;
    let mut feed = Feed {
        ending: app.ending.subscribe(),
        headers: credentials(headers),
        app,
        topics,
        first,
        told: events.position(),
        events,
        checked: Instant::now(),
        spoke: Instant::now(),
        over: false,
        _permit: permit,
    };
    feed.told = feed.first.as_ref().map_or(feed.told, |event| event.number - 1);
    let hello = futures::stream::iter([Ok::<_, Infallible>(format!("retry: {COME_AGAIN_MS}\n\n"))]);
    let parts = futures::stream::unfold(
        feed,
        |mut feed| async move { Some((Ok(feed.part().await?), feed)) },
    );
    let body = Body::from_stream(futures::StreamExt::chain(hello, parts));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that gather answers would keep events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    let detail = "Last-Event-ID holds no number of an event.";
    match text.is_empty() {
        true => Ok(None),
        false => text.parse().map(Some).map_err(|_| {
            Fault::new(ErrorCode::InvalidHeader, detail).hint("Send the id of the last event that came.")
        }),
    }
}

/// What says who listens.
fn credentials(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in [header::AUTHORIZATION, header::COOKIE] {
        for value in headers.get_all(&name) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// Events on their way to somebody.
struct Feed {
    app: App,
    headers: HeaderMap,
    topics: Vec<Topic>,
    events: Events,
    /// Was read and is not told yet.
    first: Option<Event>,
    /// The id that whoever listens knows.
    told: u64,
    checked: Instant,
    spoke: Instant,
    ending: watch::Receiver<bool>,
    /// Whether the last words were said.
    over: bool,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    /// The next part of the stream; none at its end.
    async fn part(&mut self) -> Option<String> {
        loop {
            if self.over || *self.ending.borrow() || !self.may_listen().await {
                return None;
            }
            let (out, looked) = match self.gather().await {
                Ok(gathered) => gathered,
                Err(error) => return self.last_words(error),
            };
            if !out.is_empty() {
                self.spoke = Instant::now();
                return Some(out);
            }
            if looked == LOOK_THROUGH {
                continue;
            }
            if self.spoke.elapsed() >= HEARTBEAT_EVERY {
                self.spoke = Instant::now();
                return Some(self.heartbeat());
            }
            let patience = CHECK_EVERY.min(HEARTBEAT_EVERY.saturating_sub(self.spoke.elapsed()));
            let next = tokio::select! {
                _ = self.ending.changed() => return None,
                next = tokio::time::timeout(patience, self.events.next()) => next,
            };
            match next {
                Ok(Ok(event)) => self.first = Some(event),
                Ok(Err(error)) => return self.last_words(error),
                Err(_) => {}
            }
        }
    }

    /// Whether the key or session still holds.
    async fn may_listen(&mut self) -> bool {
        if self.checked.elapsed() < CHECK_EVERY {
            return true;
        }
        self.checked = Instant::now();
        caller::authenticate(&self.app, &Method::GET, &self.headers)
            .await
            .is_ok()
    }

    /// The events that are there already, as much as one part holds; and how many were looked through.
    async fn gather(&mut self) -> Result<(String, usize), Error> {
        let mut out = String::new();
        for looked in 0..LOOK_THROUGH {
            let event = match self.first.take() {
                Some(event) => event,
                None => match self.events.next_at_once().await? {
                    Some(event) => event,
                    None => return Ok((out, looked)),
                },
            };
            if wanted(&self.topics, &event) {
                write(&mut out, &event);
                self.told = event.number;
            }
            if out.len() >= PART_BYTES {
                return Ok((out, looked));
            }
        }
        Ok((out, LOOK_THROUGH))
    }

    /// Says that it is alive, and how far it is: so much is not read again after a break.
    fn heartbeat(&mut self) -> String {
        let position = self.events.position();
        if position <= self.told {
            return ":\n\n".to_owned();
        }
        self.told = position;
        format!(":\nid: {position}\n\n")
    }

    /// What is said before a stream ends that cannot go on.
    fn last_words(&mut self, error: Error) -> Option<String> {
        let gone = matches!(error, Error::Gone { .. });
        let fault = Fault::from(error);
        self.over = true;
        let problem = serde_json::to_string(&fault.refusal().problem).ok()?;
        gone.then(|| format!("event: error\ndata: {problem}\n\n"))
    }
}

fn write(out: &mut String, event: &Event) {
    let wire = convert::event(event);
    let data = serde_json::to_string(&wire).expect("an event holds nothing that JSON cannot");
    // JSON holds no line break, so it is one line of data.
    out.push_str(&format!(
        "id: {}\nevent: {}\ndata: {data}\n\n",
        wire.number, wire.topic
    ));
}
