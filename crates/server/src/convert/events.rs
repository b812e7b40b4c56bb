//! Events, webhooks and deliveries as they stand on the wire. Decides nothing.

use chancery::webhooks as library;
use chancery::{Event, Json};
use chancery_api::changes as wire;
use chancery_api::webhooks::{Delivery, Webhook};

use super::{maybe_time, time};
use crate::fault::Fault;

/// An event as the wire types have it. Its form is made in one place, [`Event::flat`].
///
/// # Errors
/// 500 if the two differ.
pub(crate) fn event(event: &Event) -> Result<wire::Event, Fault> {
    serde_json::from_value(Json::Object(event.flat())).map_err(Fault::internal)
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

#[cfg(test)]
mod tests {
    use chancery::{EventKind, Reason, Since, Store, json};

    use super::*;

    #[tokio::test]
    async fn every_event_has_the_form_of_the_wire_types() {
        let store = Store::open("memory:").await.unwrap();
        let definition =
            json!({"key": "sku", "schema": {"sku": {"type": "string"}, "stock": {"type": "number"}}});
        let items = store.define_bucket("items", &definition).await.unwrap();
        items.insert(json!({"sku": "a", "stock": 1})).await.unwrap();
        items.update("a", json!({"stock": 2})).await.unwrap();
        items.clear().await.unwrap();
        let mut events = store.events(Since::Revision(0));
        let mut told = 0;
        while let Some(mut had) = events.next_at_once().await.unwrap() {
            told += 1;
            use Reason::{Eviction, Import, Merge, Ttl, Undo, Upkeep, User};
            for reason in [User, Ttl, Eviction, Merge, Import, Undo, Upkeep] {
                for kind in EventKind::ALL {
                    (had.reason, had.kind) = (reason, kind);
                    had.operation = Some("op".into());
                    let wire = event(&had).unwrap();
                    assert_eq!(serde_json::to_value(&wire).unwrap(), Json::Object(had.flat()));
                }
            }
        }
        assert_eq!(told, 3);
    }
}
