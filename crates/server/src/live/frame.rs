//! Frames as text: what came in, and what goes out. Does nothing with either.

use chancery::model::{Json, JsonMap};
use chancery_api::live::Ask;
use chancery_api::{ErrorCode, Problem};
use serde_json::json;

use crate::fault::Fault;

/// A frame of a client: its number, if it has one, and what it asks, if that can be read.
pub(crate) struct Incoming {
    pub(crate) id: Option<u64>,
    pub(crate) ask: Result<Ask, Fault>,
}

/// Reads a frame.
pub(crate) fn read(text: &str) -> Incoming {
    let refuse = |id, code, detail: String| Incoming {
        id,
        ask: Err(Fault::new(code, detail)),
    };
    let mut object: JsonMap = match serde_json::from_str(text) {
        Ok(Json::Object(object)) => object,
        Ok(_) => return refuse(None, ErrorCode::InvalidBody, "A frame is a JSON object.".into()),
        Err(error) => {
            let detail = format!("The frame is not JSON: {error}.");
            return refuse(None, ErrorCode::MalformedJson, detail);
        }
    };
    let Some(id) = object.shift_remove("id").and_then(|id| id.as_u64()) else {
        let detail = "A frame has an id, a whole number of your choice from 0.";
        return refuse(None, ErrorCode::InvalidBody, detail.into());
    };
    match serde_json::from_value(Json::Object(object)) {
        Ok(ask) => Incoming {
            id: Some(id),
            ask: Ok(ask),
        },
        Err(error) => {
            let detail = format!("The frame cannot be understood: {error}.");
            refuse(Some(id), ErrorCode::InvalidBody, detail)
        }
    }
}

/// The first frame.
pub(crate) fn hello(revision: u64, needs_auth: bool) -> String {
    json!({"type": "hello", "protocol": 1, "revision": revision, "needsAuth": needs_auth}).to_string()
}

/// The answer to a frame.
pub(crate) fn result(id: u64, body: JsonMap) -> String {
    let mut frame = JsonMap::new();
    frame.insert("id".into(), id.into());
    frame.insert("type".into(), "result".into());
    frame.extend(body);
    Json::Object(frame).to_string()
}

/// The refusal of a frame; the cause of a failure of ours is for the log.
pub(crate) fn error(id: Option<u64>, problem: &Problem) -> String {
    json!({"id": id, "type": "error", "error": problem}).to_string()
}

/// The end of a subscription that cannot go on.
pub(crate) fn ended(subscription: u64, problem: &Problem) -> String {
    json!({"id": null, "type": "error", "subscription": subscription, "error": problem}).to_string()
}

/// An event of a topic.
pub(crate) fn event(subscription: u64, event: JsonMap) -> String {
    json!({"type": "event", "subscription": subscription, "event": event}).to_string()
}

/// News of a subscription.
pub(crate) fn push(subscription: u64, body: JsonMap) -> String {
    let mut frame = JsonMap::new();
    frame.insert("type".into(), "push".into());
    frame.insert("subscription".into(), subscription.into());
    frame.extend(body);
    Json::Object(frame).to_string()
}

/// One member of an answer.
pub(crate) fn member(name: &str, value: impl Into<Json>) -> JsonMap {
    JsonMap::from_iter([(name.to_owned(), value.into())])
}
