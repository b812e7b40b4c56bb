//! The care of the vault: its audit, its keys, its sweep. No key leaves.

use axum::extract::State;
use chancery::credentials::Fingerprint;
use chancery::vault::KeyState;
use chancery_api::ErrorCode;
use chancery_api::records::Pagination;
use chancery_api::vault::{
    VaultAudit, VaultKeyCreated, VaultReport, VaultStatus, VaultSweep, VaultSwept, VaultVerify,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::once;
use crate::convert::vault as convert;
use crate::cursor;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Named, WithBody};
use crate::reply::{Reply, page_limit};
use crate::state::App;
use crate::vaulting::{Vaulting, wrong};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(audit))
        .routes(routes!(verify))
        .routes(routes!(status))
        .routes(routes!(new_key))
        .routes(routes!(retire_key))
        .routes(routes!(sweep))
}

/// Which entries of the audit.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct AuditParams {
    /// Those of the secret with this id.
    secret: Option<String>,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// Everything that was done to the vault, and what was refused, newest first.
#[utoipa::path(get, path = "/api/vault/audit", operation_id = "listVaultAudit", tag = "Vault", params(AuditParams),
    responses((status = 200, description = "A page of entries.", body = VaultAudit), Common, WithBody))]
async fn audit(
    State(app): State<App>,
    caller: Vaulting,
    Params(params): Params<AuditParams>,
) -> Result<Reply, Fault> {
    let limit = page_limit(params.limit)?;
    let secret = params.secret.as_deref();
    let question = Fingerprint::of_parts(&[b"vault audit", secret.unwrap_or_default().as_bytes()]);
    let place = match &params.cursor {
        Some(text) => Some(cursor::open(&app.signer, &question, text)?),
        None => None,
    };
    let place = place.as_deref().map(String::from_utf8_lossy);
    let page = caller
        .vault
        .audit(secret, place.as_deref(), u64::from(limit))
        .await?;
    let next = page.next.as_deref();
    once(&VaultAudit {
        pagination: Pagination {
            has_more: next.is_some(),
            limit,
            next_cursor: next.map(|place| cursor::seal(&app.signer, &question, place.as_bytes())),
            ..Pagination::default()
        },
        entries: page.entries.into_iter().map(convert::audit_entry).collect(),
    })
}

/// Walk the audit and compare the secrets with it: tells what was altered, taken out or put back behind the vault's back.
#[utoipa::path(post, path = "/api/vault/audit/verify", operation_id = "verifyVaultAudit", tag = "Vault", request_body = VaultVerify,
    responses((status = 200, description = "What was found.", body = VaultReport), Common, WithBody))]
async fn verify(caller: Vaulting, Body(body): Body<VaultVerify>) -> Result<Reply, Fault> {
    let head = body.head.map(convert::head_in).transpose().map_err(wrong)?;
    let report = caller.vault.verify_audit(head.as_ref()).await?;
    once(&convert::report(report))
}

/// Whether the vault is sealed, by which root keys it is locked, and what each data key holds.
#[utoipa::path(get, path = "/api/vault/status", operation_id = "getVaultStatus", tag = "Vault",
    responses((status = 200, description = "How it is.", body = VaultStatus), Common))]
async fn status(caller: Vaulting) -> Result<Reply, Fault> {
    once(&convert::vault_status(&caller.vault).await?)
}

/// Make a data key, which locks everything new from now on. What is there stays under its key.
#[utoipa::path(post, path = "/api/vault/keys", operation_id = "createVaultKey", tag = "Vault",
    responses((status = 201, description = "Made.", body = VaultKeyCreated), Common, WithBody))]
async fn new_key(caller: Vaulting) -> Result<Reply, Fault> {
    let kid = caller.vault.new_key().await?;
    Ok(once(&VaultKeyCreated { kid })?.created("/api/vault/status"))
}

/// Give up a data key that locks nothing any more.
#[utoipa::path(delete, path = "/api/vault/keys/{kid}", operation_id = "retireVaultKey", tag = "Vault",
    params(("kid" = u32, Path, description = "The number of the key.")),
    responses((status = 204, description = "It is retired."), Named, WithBody))]
async fn retire_key(caller: Vaulting, Segments(kid): Segments<u32>) -> Result<Reply, Fault> {
    let census = caller.vault.census().await?;
    if !census
        .iter()
        .any(|key| key.kid == kid && key.state != KeyState::Retired)
    {
        let detail = format!("The vault has no data key {kid}.");
        return Err(Fault::new(ErrorCode::VaultKeyNotFound, detail));
    }
    caller.vault.retire_key(kid).await?;
    Ok(Reply::nothing())
}

/// Delete every secret whose time is over.
#[utoipa::path(post, path = "/api/vault/sweep", operation_id = "sweepVault", tag = "Vault", request_body = VaultSweep,
    responses((status = 200, description = "How many were deleted.", body = VaultSwept), Common, WithBody))]
async fn sweep(caller: Vaulting, Body(body): Body<VaultSweep>) -> Result<Reply, Fault> {
    let swept = match body.permanent {
        true => caller.vault.delete_expired().await?,
        false => caller.vault.soft_delete_expired().await?,
    };
    once(&convert::swept(swept))
}
