//! Secrets by their id, for whoever manages the vault: listed, described, changed, deleted, with their versions. No value and no token
//! stands in any answer.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, State};
use chancery::credentials::Fingerprint;
use chancery::vault::{By, Proof, SecretQuery as Question, SecretScope, VaultError};
use chancery_api::ErrorCode;
use chancery_api::query::{Count, Direction};
use chancery_api::records::Pagination;
use chancery_api::vault::{
    SecretExpiry, SecretInfo, SecretKind, SecretList, SecretOrder, SecretPatch, SecretQuery, SecretRollBack,
    SecretState, SecretStatus, SecretVersionList, SecretVersionNumber,
};
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::once;
use super::refusals::OfToken;
use crate::convert::vault as convert;
use crate::cursor;
use crate::extract::{Body, IfMatch, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Named, OfRecord, WithBody, WithVersion};
use crate::reply::{Reply, page_limit};
use crate::state::App;
use crate::vaulting::{SecretBody, Vaulting, unlock, wrong};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(query))
        .routes(routes!(get, update, delete))
        .routes(routes!(restore))
        .routes(routes!(versions))
        .routes(routes!(destroy_version))
        .routes(routes!(roll_back))
}

/// Which secrets are listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct SecretParams {
    /// Those with these ids, with commas between them.
    id: Option<String>,
    /// Kept values, or wrapped ones; both when absent.
    #[param(inline)]
    kind: Option<SecretKind>,
    /// Those made at this time or later, RFC 3339.
    #[param(format = DateTime)]
    created_from: Option<String>,
    /// Those made at this time or earlier.
    #[param(format = DateTime)]
    created_until: Option<String>,
    /// By the time at which they are over.
    #[param(inline)]
    expiry: Option<SecretExpiry>,
    /// By whether they are deleted.
    #[param(inline)]
    state: Option<SecretState>,
    /// In which order; by id when absent.
    #[param(inline)]
    order: Option<SecretOrder>,
    /// Which way; `asc` when absent.
    #[param(inline)]
    direction: Option<Direction>,
    /// How many a page holds; 1 to 1,000, 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
    /// Where to go on: `nextCursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
    /// Whether to count all.
    #[param(inline)]
    count: Option<Count>,
}

impl SecretParams {
    fn asked(self, metadata: BTreeMap<String, String>) -> SecretQuery {
        SecretQuery {
            ids: self.id.map(|ids| ids.split(',').map(str::to_owned).collect()),
            tokens: None,
            kind: self.kind,
            created_from: self.created_from,
            created_until: self.created_until,
            expiry: self.expiry.unwrap_or_default(),
            state: self.state.unwrap_or_default(),
            metadata,
            order: self.order.unwrap_or_default(),
            direction: self.direction.unwrap_or_default(),
            limit: self.limit,
            cursor: self.cursor,
            count: self.count.unwrap_or_default(),
        }
    }
}

/// The query parameters `metadata.NAME`.
struct Metadata(BTreeMap<String, String>);

impl FromRequestParts<App> for Metadata {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Metadata, Fault> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let named = pairs.filter_map(|(name, text)| {
            let name = name.strip_prefix("metadata.")?;
            Some((name.to_owned(), text.into_owned()))
        });
        Ok(Metadata(named.collect()))
    }
}

/// The secrets of the vault, without their values and tokens.
#[utoipa::path(get, path = "/api/vault/tokens", operation_id = "listSecrets", tag = "Vault",
    params(SecretParams, ("metadata.NAME" = Option<String>, Query,
        description = "Those with this text in the field NAME of their metadata; for as many names as are given.")),
    responses((status = 200, description = "A page of secrets.", body = SecretList), Common, WithBody))]
async fn list(
    State(app): State<App>,
    caller: Vaulting,
    Params(params): Params<SecretParams>,
    Metadata(metadata): Metadata,
) -> Result<Reply, Fault> {
    page(&app, &caller, params.asked(metadata)).await
}

/// The same, asked in a body: tokens never stand in a URL.
#[utoipa::path(post, path = "/api/vault/tokens/query", operation_id = "querySecrets", tag = "Vault", request_body = SecretQuery,
    responses(OfToken, (status = 200, description = "A page of secrets.", body = SecretList)))]
async fn query(
    State(app): State<App>,
    caller: Vaulting,
    SecretBody(body): SecretBody<SecretQuery>,
) -> Result<Reply, Fault> {
    page(&app, &caller, body).await
}

async fn page(app: &App, caller: &Vaulting, mut asked: SecretQuery) -> Result<Reply, Fault> {
    let limit = page_limit(asked.limit)?;
    let (place, count) = (asked.cursor.take(), std::mem::take(&mut asked.count));
    asked.limit = None;
    let mut query = convert::query(&asked).map_err(VaultError::Invalid)?;
    query = query.limit(u64::from(limit));
    let total = match count {
        Count::None => None,
        Count::Estimated | Count::Exact => Some(caller.vault.count(&query).await?),
    };
    // A cursor belongs to the question that it continues.
    let question = Fingerprint::of(&serde_json::to_vec(&asked).map_err(Fault::internal)?);
    if let Some(text) = place {
        let place = cursor::open(&app.signer, &question, &text)?;
        query = query.after(String::from_utf8_lossy(&place));
    }
    let page = caller.vault.list(&query).await?;
    let next = page.next.as_deref();
    once(&SecretList {
        pagination: Pagination {
            total,
            has_more: next.is_some(),
            limit,
            next_cursor: next.map(|place| cursor::seal(&app.signer, &question, place.as_bytes())),
            ..Pagination::default()
        },
        secrets: page.secrets.into_iter().map(convert::info).collect(),
    })
}

/// What is known of a secret.
#[utoipa::path(get, path = "/api/vault/tokens/{secret}", operation_id = "getSecret", tag = "Vault",
    params(("secret" = String, Path, description = "Its id, not its token.")),
    responses((status = 200, description = "What is known of it.", body = SecretInfo), Named, WithBody, OfRecord))]
async fn get(caller: Vaulting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    described(live(&caller, &id).await?)
}

/// A secret that is not deleted.
async fn live(caller: &Vaulting, id: &str) -> Result<SecretInfo, Fault> {
    let info = convert::info(found(caller, id).await?);
    if info.status == SecretStatus::Deleted {
        let shown = serde_json::to_value(&info).map_err(Fault::internal)?;
        return Err(Fault::new(ErrorCode::Gone, "The secret is deleted.")
            .hint("Restore it with POST /api/vault/tokens/{id}/restore.")
            .current(shown));
    }
    Ok(info)
}

/// A secret in whatever state.
async fn found(caller: &Vaulting, id: &str) -> Result<chancery::vault::SecretInfo, Fault> {
    let query = Question::new().ids([id]).scope(SecretScope::All);
    let mut page = caller.vault.list(&query).await?;
    page.secrets.pop().ok_or_else(|| VaultError::NotFound.into())
}

fn described(info: SecretInfo) -> Result<Reply, Fault> {
    Ok(once(&info)?.etag(info.row_version))
}

/// Change the metadata of a secret, or when it is over. What is absent stays; metadata are replaced as a whole.
#[utoipa::path(patch, path = "/api/vault/tokens/{secret}", operation_id = "updateSecret", tag = "Vault", request_body = SecretPatch,
    params(("secret" = String, Path, description = "Its id, not its token.")),
    responses((status = 200, description = "The secret as it is now.", body = SecretInfo), Named, WithBody, WithVersion))]
async fn update(
    caller: Vaulting,
    Segments(id): Segments<String>,
    IfMatch(expected): IfMatch,
    Body(body): Body<SecretPatch>,
) -> Result<Reply, Fault> {
    let patch = convert::patch(body, expected).map_err(wrong)?;
    match caller.vault.update_record(&id, patch).await {
        Ok(info) => described(convert::info(info)),
        Err(error @ VaultError::Conflict { .. }) => {
            let now = convert::info(found(&caller, &id).await?);
            let shown = serde_json::to_value(&now).map_err(Fault::internal)?;
            Err(Fault::from(error).current(shown))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether what is deleted is gone.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
struct DeleteParams {
    /// Whether it is deleted for good; otherwise it can be restored.
    permanent: Option<bool>,
}

/// Delete a secret, so that it can be restored, or for good.
#[utoipa::path(delete, path = "/api/vault/tokens/{secret}", operation_id = "deleteSecret", tag = "Vault",
    params(("secret" = String, Path, description = "Its id, not its token."), DeleteParams),
    responses((status = 204, description = "It is deleted."), Named, WithBody))]
async fn delete(
    caller: Vaulting,
    Segments(id): Segments<String>,
    Params(params): Params<DeleteParams>,
) -> Result<Reply, Fault> {
    let by = By::Id(&id);
    let deleted = match params.permanent.unwrap_or(false) {
        true => caller.vault.delete(by, Proof::Authority).await?,
        false => caller
            .vault
            .soft_delete(by, Proof::Authority)
            .await
            .map(|_| true)?,
    };
    match deleted {
        true => Ok(Reply::nothing()),
        false => Err(VaultError::NotFound.into()),
    }
}

/// Restore a secret that was deleted.
#[utoipa::path(post, path = "/api/vault/tokens/{secret}/restore", operation_id = "restoreSecret", tag = "Vault",
    params(("secret" = String, Path, description = "Its id, not its token.")),
    responses((status = 200, description = "The secret as it is now.", body = SecretInfo), Named, WithBody))]
async fn restore(caller: Vaulting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let restored = caller.vault.restore(By::Id(&id), Proof::Authority).await?;
    described(convert::info(restored))
}

/// The versions of a secret that are kept, newest first, without their values.
#[utoipa::path(get, path = "/api/vault/tokens/{secret}/versions", operation_id = "listSecretVersions", tag = "Vault",
    params(("secret" = String, Path, description = "Its id, not its token.")),
    responses((status = 200, description = "The versions.", body = SecretVersionList), Named, WithBody, OfRecord))]
async fn versions(caller: Vaulting, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    live(&caller, &id).await?;
    let versions = caller.vault.versions(By::Id(&id)).await?;
    once(&SecretVersionList {
        versions: versions.iter().map(convert::version).collect(),
    })
}

/// Destroy the key of one version, and with it its value. The newest one cannot be: update or delete the secret.
#[utoipa::path(delete, path = "/api/vault/tokens/{secret}/versions/{version}", operation_id = "destroySecretVersion", tag = "Vault",
    params(("secret" = String, Path, description = "Its id, not its token."), ("version" = u64, Path, description = "The number of the version.")),
    responses((status = 204, description = "It is destroyed."), Named, WithBody))]
async fn destroy_version(
    caller: Vaulting,
    Segments((id, version)): Segments<(String, u64)>,
) -> Result<Reply, Fault> {
    let (by, proof) = (By::Id(&id), Proof::Authority);
    caller.vault.destroy_version(by, version, proof).await?;
    Ok(Reply::nothing())
}

/// Make an older version the newest again: what it holds becomes a new version.
#[utoipa::path(post, path = "/api/vault/tokens/{secret}/roll-back", operation_id = "rollBackSecret", tag = "Vault",
    params(("secret" = String, Path, description = "Its id, not its token.")), request_body = SecretRollBack,
    responses(OfToken, (status = 200, description = "The new version.", body = SecretVersionNumber)))]
async fn roll_back(
    caller: Vaulting,
    Segments(id): Segments<String>,
    SecretBody(body): SecretBody<SecretRollBack>,
) -> Result<Reply, Fault> {
    let password = convert::password(body.password);
    let proof = match password.is_some() {
        true => Proof::Unlock(unlock(password.as_ref())),
        false => Proof::Authority,
    };
    let version = caller.vault.roll_back(By::Id(&id), body.version, proof).await?;
    once(&SecretVersionNumber { version })
}
