//! Webhooks: made, listed and changed by administrators; what became of their messages, and sending them again.

use axum::extract::State;
use chancery::Error;
use chancery::webhooks::{Webhook as Kept, WebhookInput, WebhookPatch};
use chancery_api::ErrorCode;
use chancery_api::webhooks::{
    Delivery, DeliveryList, Webhook, WebhookCreate, WebhookList, WebhookReplay, WebhookUpdate,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{WorkspaceListParams, page_of};
use crate::acting::{Acting, Within, WorkspaceParams};
use crate::convert::events as convert;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Named, WithBody};
use crate::reply::Reply;
use crate::state::App;
use crate::webhooks::send_again;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update, delete))
        .routes(routes!(replay_all))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// The webhooks of a workspace, newest first.
#[utoipa::path(get, path = "/api/webhooks", operation_id = "listWebhooks", tag = "Webhooks", params(WorkspaceListParams),
    responses((status = 200, description = "A page of webhooks.", body = WebhookList), Named))]
async fn list(
    State(app): State<App>,
    Acting(store): Acting,
    Params(params): Params<WorkspaceListParams>,
) -> Result<Reply, Fault> {
    let (store, list) = params.of(store).await?;
    let all = store.webhooks().list().await?;
    let (page, pagination) = page_of(&app, "webhooks", all, &list, |webhook| &webhook.id)?;
    let mut webhooks = Vec::with_capacity(page.len());
    for webhook in page {
        webhooks.push(shown(&store, &webhook).await?);
    }
    Reply::json(&WebhookList { webhooks, pagination })
}

/// Make a webhook for the events of a workspace from now on. The answer holds its secret, this once.
#[utoipa::path(post, path = "/api/webhooks", operation_id = "createWebhook", tag = "Webhooks", params(WorkspaceParams),
    request_body = WebhookCreate, responses((status = 201, description = "Made.", body = Webhook), Named, WithBody))]
async fn create(
    State(app): State<App>,
    Within(store): Within,
    Body(input): Body<WebhookCreate>,
) -> Result<Reply, Fault> {
    let input = WebhookInput {
        url: input.url,
        topics: input.topics,
    };
    let (webhook, secret) = store.webhooks().create(input).await?;
    app.webhooks_changed();
    let body = Webhook {
        secret: Some(secret.expose().to_owned()),
        ..convert::webhook(&webhook, None)
    };
    let location = format!("/api/webhooks/{}", webhook.id);
    Ok(Reply::json(&body)?.created(&location).told_once())
}

/// A webhook.
#[utoipa::path(get, path = "/api/webhooks/{webhook}", operation_id = "getWebhook", tag = "Webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    responses((status = 200, description = "It.", body = Webhook), Named))]
async fn get(Acting(store): Acting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let webhook = store.webhooks().get(&id).await?;
    Reply::json(&shown(&store, &webhook).await?)
}

/// Change a webhook. Switched on again, it goes on where it stopped.
#[utoipa::path(patch, path = "/api/webhooks/{webhook}", operation_id = "updateWebhook", tag = "Webhooks",
    params(("webhook" = String, Path, description = "Its id.")), request_body = WebhookUpdate,
    responses((status = 200, description = "It as it is now.", body = Webhook), Named, WithBody))]
async fn update(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(id): Segments<String>,
    Body(input): Body<WebhookUpdate>,
) -> Result<Reply, Fault> {
    let patch = WebhookPatch {
        url: input.url,
        topics: input.topics,
        active: input.active,
    };
    let webhook = store.webhooks().update(&id, patch).await?;
    app.webhooks_changed();
    Reply::json(&shown(&store, &webhook).await?)
}

/// Remove a webhook.
#[utoipa::path(delete, path = "/api/webhooks/{webhook}", operation_id = "deleteWebhook", tag = "Webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    responses((status = 204, description = "It is gone."), Named))]
async fn delete(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(id): Segments<String>,
) -> Result<Reply, Fault> {
    store.webhooks().delete(&id).await?;
    app.webhooks_changed();
    Ok(Reply::nothing())
}

/// Send everything after a revision, once more if it was sent.
#[utoipa::path(post, path = "/api/webhooks/{webhook}/replay", operation_id = "replayWebhook", tag = "Webhooks",
    params(("webhook" = String, Path, description = "Its id.")), request_body = WebhookReplay,
    responses((status = 200, description = "It; sending has begun.", body = Webhook), Named, WithBody))]
async fn replay_all(
    State(app): State<App>,
    Acting(store): Acting,
    Segments(id): Segments<String>,
    Body(input): Body<WebhookReplay>,
) -> Result<Reply, Fault> {
    match store.webhooks().rewind(&id, input.since).await {
        Err(error @ Error::Gone { .. }) => {
            return Err(Fault::new(
                ErrorCode::InvalidParameter,
                format!("since is {}; {error}.", input.since),
            ));
        }
        rewound => rewound?,
    }
    app.webhooks_changed();
    let webhook = store.webhooks().get(&id).await?;
    Reply::json(&shown(&store, &webhook).await?)
}

/// What became of the newest messages of a webhook.
#[utoipa::path(get, path = "/api/webhooks/{webhook}/deliveries", operation_id = "listDeliveries", tag = "Webhooks",
    params(("webhook" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The newest deliveries.", body = DeliveryList), Named))]
async fn deliveries(Acting(store): Acting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let progress = store.webhooks().progress(&id).await?;
    Reply::json(&DeliveryList {
        deliveries: progress.deliveries.iter().rev().map(convert::delivery).collect(),
    })
}

/// Send one message once more, now and apart from the order of the others; the answer says what became of it.
#[utoipa::path(post, path = "/api/webhooks/{webhook}/deliveries/{delivery}/replay", operation_id = "replayDelivery",
    tag = "Webhooks",
    params(("webhook" = String, Path, description = "Its id."), ("delivery" = String, Path, description = "The id of the message.")),
    responses((status = 200, description = "What became of it.", body = Delivery), Named))]
async fn replay(
    State(app): State<App>,
    Acting(store): Acting,
    Segments((id, message)): Segments<(String, String)>,
) -> Result<Reply, Fault> {
    let webhook = store.webhooks().get(&id).await?;
    let absent = || {
        Fault::new(
            ErrorCode::DeliveryNotFound,
            format!("No message \"{message}\" of this webhook."),
        )
    };
    let number = webhook.number_of(&message).ok_or_else(absent)?;
    let sent = match send_again(&store, &app.poster, &webhook, number).await {
        Err(Error::Gone { .. }) => None,
        sent => sent?,
    };
    Reply::json(&convert::delivery(&sent.ok_or_else(absent)?))
}

async fn shown(store: &chancery::Store, webhook: &Kept) -> Result<Webhook, Fault> {
    let progress = store.webhooks().progress(&webhook.id).await?;
    Ok(convert::webhook(webhook, progress.failing_since))
}
