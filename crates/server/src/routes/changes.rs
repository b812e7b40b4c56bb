//! The change log over HTTP: pages of events, and events as they come. A stream reads the log at the pace of whoever listens;
//! no queue is kept for anybody.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use chancery::access::Principal;
use chancery::{Error, Event, Events, Json, Look, Since, Store, Topic};
use chancery_api::changes::EventPage;
use chancery_api::{ErrorCode, limits};
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::acting::{self, Acting};
use crate::caller::{self, Caller};
use crate::convert::events as convert;
use crate::fault::Fault;
use crate::observe::Observation;
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
/// Looks into the log for one page, of a thousand changes each, whoever's they are; what is left is for the next page.
const PAGE_LOOKS_MAX: usize = 20;
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
/// resumed by `Last-Event-ID`, exactly after the event with that number. A page may hold few events, or none, and there is more.
#[utoipa::path(get, path = "/api/changes", operation_id = "listChanges", tag = "Changes", params(ChangesParams,
        ("Last-Event-ID" = Option<String>, Header, description = "The number of the event to go on after; of a stream only.")),
    responses((status = 200, description = "Events.",
            content((EventPage = "application/json"), (String = "text/event-stream"))), Named,
        (status = 410, description = "The change log does not hold that place, any more or yet.", body = chancery_api::Problem,
            content_type = "application/problem+json")))]
async fn changes(
    State(app): State<App>,
    caller: Caller,
    Acting(store): Acting,
    request: Request,
) -> Result<Response, Fault> {
    let params = ChangesParams::of(request.uri().query())?;
    let topics = params.topics()?;
    let store = acting::workspace(store, params.workspace.as_deref()).await?;
    let accept = request
        .headers()
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    match accept.is_some_and(|accept| accept.contains(EVENT_STREAM)) {
        true => stream(app, store, (&caller, request.headers()), &params, topics).await,
        false => page(&store, &params, &topics)
            .await
            .map(IntoResponse::into_response),
    }
}

async fn page(store: &Store, params: &ChangesParams, topics: &[Topic]) -> Result<Reply, Fault> {
    let limit = page_limit(params.limit)? as usize;
    let since = params.since.unwrap_or_default();
    let mut events = store.events(Since::Revision(since));
    let (mut found, mut looks, mut has_more) = (Vec::new(), 0, true);
    let revision = loop {
        // A commit is told whole, however many looks that takes.
        if looks >= PAGE_LOOKS_MAX && events.revision() > since {
            break events.revision();
        }
        match events.look_commit().await? {
            Look::Found(commit) if found.len() >= limit => {
                break commit.first().map_or(since, |event| event.revision - 1);
            }
            Look::Found(commit) => found.extend(
                commit
                    .into_iter()
                    .filter(|event| Topic::any(topics, event))
                    .map(|event| convert::event(&event)),
            ),
            Look::Passed => looks += 1,
            Look::End => {
                has_more = false;
                break events.revision();
            }
        }
    };
    Reply::json(&EventPage {
        events: found.into_iter().collect::<Result<_, _>>()?,
        revision,
        has_more,
    })
}

async fn stream(
    app: App,
    store: Store,
    (caller, headers): (&Caller, &HeaderMap),
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
    // Read before the answer begins: then a log that does not hold the place can still be a refusal.
    events.look().await?;
    let feed = Feed {
        proof: credentials(caller, headers),
        app: app.clone(),
        topics,
        told: events.position(),
        events,
        checked: Instant::now(),
        spoke: Instant::now(),
        _permit: permit,
    };
    // One part waits at most, so whoever reads slowly costs no more than that.
    let (send, parts) = mpsc::channel(1);
    app.live_on.spawn(feed.run(send));
    let hello = futures::stream::iter([Ok::<_, Infallible>(format!("retry: {COME_AGAIN_MS}\n\n"))]);
    let parts = futures::stream::unfold(parts, |mut parts| async move {
        Some((Ok(parts.recv().await?), parts))
    });
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

/// What says who listens; nothing needs to say it of an operator.
fn credentials(caller: &Caller, headers: &HeaderMap) -> Option<HeaderMap> {
    if matches!(*caller.principal, Principal::Operator) {
        return None;
    }
    let mut kept = HeaderMap::new();
    for name in [header::AUTHORIZATION, header::COOKIE] {
        for value in headers.get_all(&name) {
            kept.append(name.clone(), value.clone());
        }
    }
    Some(kept)
}

/// Events on their way to somebody. It runs by itself, whether they are read or not: a stream that only lived while somebody reads
/// would keep its place for ever once nobody does.
struct Feed {
    app: App,
    proof: Option<HeaderMap>,
    topics: Vec<Topic>,
    events: Events,
    /// The id that whoever listens knows.
    told: u64,
    checked: Instant,
    spoke: Instant,
    _permit: OwnedSemaphorePermit,
}

/// What is to be said next.
enum Part {
    /// This, and more will follow.
    More(String),
    /// This, and then nothing.
    Last(String),
}

impl Feed {
    /// Sends until nobody listens any more, may listen any more, or takes what is sent.
    async fn run(mut self, out: mpsc::Sender<String>) {
        let mut ending = self.app.ending.subscribe();
        let longest = self.app.limits.event_stream_send_max;
        let talk = async {
            while let Some(part) = self.part().await {
                let (text, is_last) = match part {
                    Part::More(text) => (text, false),
                    Part::Last(text) => (text, true),
                };
                let taken = timeout(longest, out.send(text)).await;
                if is_last || !matches!(taken, Ok(Ok(()))) {
                    return;
                }
            }
        };
        tokio::select! {
            () = talk => {}
            () = out.closed() => {}
            _ = async { ending.wait_for(|ending| *ending).await.map(drop) } => {}
        }
    }

    /// The next part of the stream; none at its end.
    async fn part(&mut self) -> Option<Part> {
        loop {
            if !self.may_listen().await {
                return None;
            }
            let (out, at_end) = match self.gather().await {
                Ok(gathered) => gathered,
                Err(error) => return self.last_words(error),
            };
            if !out.is_empty() {
                self.spoke = Instant::now();
                return Some(Part::More(out));
            }
            // Before it looks on: between two events of the topics there may be millions of others.
            if self.spoke.elapsed() >= HEARTBEAT_EVERY {
                self.spoke = Instant::now();
                return Some(Part::More(self.heartbeat()));
            }
            if at_end {
                let patience = CHECK_EVERY.min(HEARTBEAT_EVERY.saturating_sub(self.spoke.elapsed()));
                let _ = timeout(patience, self.events.wait()).await;
            }
        }
    }

    /// Whether the key or session still holds.
    async fn may_listen(&mut self) -> bool {
        let Some(proof) = &self.proof else { return true };
        if self.checked.elapsed() < CHECK_EVERY {
            return true;
        }
        self.checked = Instant::now();
        caller::authenticate(&self.app, &Method::GET, proof).await.is_ok()
    }

    /// The events that one look into the log shows, as much as one part holds; and whether that was its end.
    async fn gather(&mut self) -> Result<(String, bool), Error> {
        let mut out = String::new();
        while out.len() < PART_BYTES {
            match self.events.look().await? {
                Look::Found(event) if Topic::any(&self.topics, &event) => {
                    write(&mut out, &event);
                    self.told = event.number;
                }
                Look::Found(_) => {}
                Look::Passed => return Ok((out, false)),
                Look::End => return Ok((out, true)),
            }
        }
        Ok((out, false))
    }

    /// Says that it is alive, and how far it is: so much is not read again after a break. A block without data is told to nobody,
    /// but sets the last event id (HTML, server-sent events, "dispatch the event").
    fn heartbeat(&mut self) -> String {
        let position = self.events.position();
        if position <= self.told {
            return ":\n\n".to_owned();
        }
        self.told = position;
        format!(":\nid: {position}\n\n")
    }

    /// What is said before a stream ends that cannot go on.
    fn last_words(&self, error: Error) -> Option<Part> {
        let gone = matches!(error, Error::Gone { .. });
        let fault = Fault::from(error);
        let refusal = fault.refusal();
        if let Some(cause) = &refusal.cause {
            self.app.metrics.observe(Observation::Failed {
                request_id: "stream",
                route: "/api/changes",
                cause,
            });
        }
        let problem = serde_json::to_string(&refusal.problem).ok()?;
        gone.then(|| Part::Last(format!("event: error\ndata: {problem}\n\n")))
    }
}

fn write(out: &mut String, event: &Event) {
    // JSON holds no line break, so it is one line of data.
    out.push_str(&format!(
        "id: {}\nevent: {}\ndata: {}\n\n",
        event.number,
        event.topic(),
        Json::Object(event.flat())
    ));
}

#[cfg(test)]
mod tests {
    use chancery::{ColumnInput, TableInput, json};

    use super::*;
    use crate::{Settings, application};

    /// A feed that has been silent for as long as one may be, over a log of so many changes; none is of its topic.
    async fn silent(changes: u64) -> Feed {
        let store = Store::open("memory:").await.unwrap();
        let input = TableInput::new("Notes").column(ColumnInput::new("rank", "number"));
        let notes = store.create_table(input).await.unwrap();
        let all = (0..changes).map(|rank| json!({"rank": rank})).collect();
        notes.insert_many(all).await.unwrap();
        let app = application(store.clone(), Settings::default()).await.unwrap();
        let permit = app.streams.clone().try_acquire_owned().unwrap();
        Feed {
            proof: None,
            app,
            topics: vec![Topic::parse("table.rare.*").unwrap()],
            events: store.events(Since::Revision(0)),
            told: 0,
            checked: Instant::now(),
            spoke: Instant::now() - HEARTBEAT_EVERY,
            _permit: permit,
        }
    }

    #[tokio::test]
    async fn a_stream_is_not_silent_while_it_passes_over_the_events_of_others() {
        let mut feed = silent(3_500).await;
        for place in [0, 1_000, 2_000, 3_000, 3_500] {
            feed.spoke = Instant::now() - HEARTBEAT_EVERY;
            let Some(Part::More(text)) = feed.part().await else {
                panic!("it goes on")
            };
            let expected = match place {
                0 => ":\n\n".to_owned(),
                place => format!(":\nid: {place}\n\n"),
            };
            assert_eq!(text, expected);
        }
    }
}
