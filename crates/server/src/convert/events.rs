//! Events, webhooks and deliveries as they stand on the wire. Decides nothing.

use chancery::webhooks as library;
use chancery::{Event, EventKind, Reason, Record};
use chancery_api::changes as wire;
use chancery_api::webhooks::{Delivery, Webhook};

use super::{maybe_time, records, time};

/// An event.
pub fn event(event: &Event) -> wire::Event {
    let flat = |record: Option<&Record>| record.map(Record::flat);
    let updated = event.kind == EventKind::Updated;
    wire::Event {
        number: event.number,
        revision: event.revision,
        at: event.at,
        topic: event.topic(),
        kind: kind(event.kind),
        table: event.table.slug.clone(),
        key: event.key.as_ref().map(records::key_json),
        reason: reason(event.reason),
        actor: event.actor.as_deref().map(str::to_owned),
        operation: event.operation.as_deref().map(str::to_owned),
        record: flat(event.record().filter(|_| !updated)),
        old_record: flat(event.old.as_ref().filter(|_| updated)),
        new_record: flat(event.new.as_ref().filter(|_| updated)),
    }
}

fn kind(kind: EventKind) -> wire::EventType {
    match kind {
        EventKind::Inserted => wire::EventType::Inserted,
        EventKind::Updated => wire::EventType::Updated,
        EventKind::Deleted => wire::EventType::Deleted,
        EventKind::Restored => wire::EventType::Restored,
        EventKind::Purged => wire::EventType::Purged,
        EventKind::Cleared => wire::EventType::Cleared,
    }
}

fn reason(reason: Reason) -> wire::EventReason {
    match reason {
        Reason::User => wire::EventReason::User,
        Reason::Ttl => wire::EventReason::Ttl,
        Reason::Eviction => wire::EventReason::Eviction,
        Reason::Merge => wire::EventReason::Merge,
        Reason::Import => wire::EventReason::Import,
        Reason::Undo => wire::EventReason::Undo,
    }
}

/// A webhook, without its secret.
pub(crate) fn webhook(webhook: &library::Webhook, failing_since: Option<i64>) -> Webhook {
    Webhook {
        id: webhook.id.clone(),
        url: webhook.url.clone(),
        topics: webhook.topics.iter().map(ToString::to_string).collect(),
        active: webhook.active,
        off_because: webhook.off_because.clone(),
        failing_since: maybe_time(failing_since),
        created_at: time(webhook.created_at),
        created_by: webhook.created_by.clone(),
        secret: None,
    }
}

/// What became of a message.
pub(crate) fn delivery(delivery: &library::Delivery) -> Delivery {
    Delivery {
        id: delivery.id.clone(),
        number: delivery.number,
        topic: delivery.topic.clone(),
        at: time(delivery.at),
        attempts: delivery.attempts,
        delivered: delivery.delivered,
        status: delivery.status,
        error: delivery.error.clone(),
        took_ms: delivery.took_ms,
    }
}
