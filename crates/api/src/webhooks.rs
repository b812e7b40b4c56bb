//! Webhooks and what became of their messages, on the wire. A secret stands only in the answer that makes the webhook.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::records::Pagination;

/// A new webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookCreate {
    /// Where events are sent: `https://…` or `http://…`, without user and password.
    #[schema(min_length = 1, max_length = 2000)]
    pub url: String,
    /// Which events, such as `table.tasks.*`; all when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub topics: Vec<String>,
}

/// A change of a webhook: absent keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookUpdate {
    /// The new URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 2000)]
    pub url: Option<String>,
    /// The new topics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 50)]
    pub topics: Option<Vec<String>>,
    /// Whether anything is sent; switched on again, it goes on where it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// Somebody who is told of events by HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// A UUID.
    pub id: String,
    /// Where events are sent.
    pub url: String,
    /// Which; all if empty.
    pub topics: Vec<String>,
    /// Whether anything is sent.
    pub active: bool,
    /// Why it was switched off, if that was not somebody's wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_because: Option<String>,
    /// Since when nothing arrives, RFC 3339 in UTC; absent while all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub failing_since: Option<String>,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<String>,
    /// What signs its messages; in the answer that makes it, and nowhere else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A page of webhooks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookList {
    /// Newest first.
    pub webhooks: Vec<Webhook>,
    /// How to go on.
    pub pagination: Pagination,
}

/// Where to begin to send again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookReplay {
    /// Everything after this revision is sent, once more if it was sent.
    pub since: u64,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The id of the message, as in the header `webhook-id`; the same however often it is sent.
    pub id: String,
    /// The number of the event.
    pub number: u64,
    /// Its topic.
    pub topic: String,
    /// When it was last sent, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub at: String,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether it arrived.
    pub delivered: bool,
    /// The status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long the answer took, in ms.
    pub took_ms: u64,
}

/// The newest deliveries of a webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryList {
    /// Newest first; the last 50 are kept.
    pub deliveries: Vec<Delivery>,
}
