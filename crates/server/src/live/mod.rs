//! The WebSocket `/api/live`: live queries, single operations, barriers. One task per socket reads, works and writes, so what
//! it sends stays in order, and a socket that does not read holds up nobody but itself.
//!
//! Holds no rule about records, and decides nothing about who may see them but in [`caller`].

mod caller;
mod frame;
mod operation;
mod socket;
mod threads;
mod topics;
mod transactions;

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::response::Response;
use chancery_api::{ErrorCode, limits};
use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::acting::{self, WorkspaceParams};
use crate::caller::{authenticate, bearer, same_origin};
use crate::extract::Params;
use crate::fault::Fault;
use crate::openapi::refusals::Named;
use crate::state::App;
use caller::Who;
use socket::Socket;
pub(crate) use threads::Threads;

/// Bytes read from a socket at once: frames of clients are short, and there may be many sockets.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes that may gather before they are written to a socket.
const WRITE_BUFFER_BYTES: usize = 16 * 1024;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open))
}

/// Open a WebSocket for live queries.
///
/// Text frames of JSON, one object each; the protocol is described in the documentation. Credentials come with the request, as
/// anywhere, or in the first frame: `{"id": 1, "type": "auth", "key": "chy_…"}`.
#[utoipa::path(
    get,
    path = "/api/live",
    tag = "Live",
    operation_id = "openLive",
    params(WorkspaceParams),
    responses((status = 101, description = "The protocol is switched"), Named),
    security(())
)]
async fn open(
    State(app): State<App>,
    Params(params): Params<WorkspaceParams>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Fault> {
    let permit = app.sockets.clone().try_acquire_owned().map_err(|_| {
        let max = limits::LIVE_SOCKETS_MAX;
        Fault::new(
            ErrorCode::Overloaded,
            format!("The limit liveSocketsMax of {max} is reached."),
        )
    })?;
    let who = shown(&app, &headers).await?;
    // Whoever has not said who they are does not learn which workspaces there are.
    if who.is_some() {
        acting::workspace(app.store.clone(), params.workspace.as_deref()).await?;
    }
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(WRITE_BUFFER_BYTES)
        .max_write_buffer_size(
            app.limits
                .live_answer_bytes_max
                .saturating_add(WRITE_BUFFER_BYTES * 2),
        )
        .max_message_size(limits::LIVE_FRAME_BYTES_MAX)
        .max_frame_size(limits::LIVE_FRAME_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let threads = app.clone();
        threads.live_on.spawn(async move {
            Socket::new(app, params.workspace, socket, who).run().await;
            drop(permit);
        });
    }))
}

/// Who the request says it is; nobody yet if it does not say.
async fn shown(app: &App, headers: &HeaderMap) -> Result<Option<Who>, Fault> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let caller = authenticate(app, &http::Method::GET, headers).await?;
        return Ok(Some(Who::key(
            caller.principal,
            bearer(value).unwrap_or_default(),
        )));
    }
    // A page of another origin can open a socket and browsers send cookies along: nothing else stands in its way.
    same_origin(headers)?;
    if !headers.contains_key(COOKIE) {
        return Ok(None);
    }
    // A cookie of a session that is over: the first frame may still say who it is.
    match authenticate(app, &http::Method::GET, headers).await {
        Ok(caller) => Ok(caller
            .session
            .map(|session| Who::session(caller.principal, session))),
        Err(_) => Ok(None),
    }
}
