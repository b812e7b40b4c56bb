//! Making secrets and changing them by their token. Knowing a token is not enough for a change: it takes its password, or the scope
//! admin.

use chancery::credentials::{Secret, SecretBytes};
use chancery::vault::{By, NewPassword, NewSecret, SecretUpdate as Update, VaultError, WrapSource};
use chancery_api::ErrorCode;
use chancery_api::concealed::Concealed;
use chancery_api::vault::{
    SecretCreate, SecretCreated, SecretDelete, SecretInfo, SecretPassword, SecretRenew, SecretRestore,
    SecretRewrap, SecretUpdate, SecretUpsert, SecretVersionNumber, SecretWrap, SecretWrapped,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::refusals::OfToken;
use super::{made, once};
use crate::convert::vault as convert;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::state::App;
use crate::vaulting::{SecretBody, Vaulting, unlock, wrong};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(update))
        .routes(routes!(upsert))
        .routes(routes!(renew))
        .routes(routes!(change_password))
        .routes(routes!(delete))
        .routes(routes!(restore))
        .routes(routes!(wrap))
        .routes(routes!(rewrap))
}

/// Put a value away. The answer holds its token, this once.
#[utoipa::path(post, path = "/api/vault/tokens", operation_id = "createSecret", tag = "Vault", request_body = SecretCreate,
    responses(OfToken, (status = 201, description = "Made.", body = SecretCreated)))]
async fn create(caller: Vaulting, SecretBody(body): SecretBody<SecretCreate>) -> Result<Reply, Fault> {
    let value = convert::value_in(body.value, body.value_base64).map_err(wrong)?;
    let token = convert::new_token(body.token, body.length).map_err(wrong)?;
    let over = body.expires_at.flatten();
    let over = convert::maybe_instant("expiresAt", over.as_deref()).map_err(wrong)?;
    let password = convert::password(body.password);
    let mut new = NewSecret::new(value).token(token);
    if let Some(password) = &password {
        new = new.password(password);
    }
    if let Some(over) = over {
        new = new.expires_at(over);
    }
    if let Some(reads) = body.max_reads {
        new = new.max_reads(reads);
    }
    for (name, text) in body.metadata {
        new = new.data(name, text);
    }
    let created = caller.vault.create(new).await?;
    made(&convert::created(&created), &created.id)
}

/// A new value behind a token. Older ones stay, as versions.
#[utoipa::path(post, path = "/api/vault/tokens/update", operation_id = "updateSecretValue", tag = "Vault", request_body = SecretUpdate,
    responses(OfToken, (status = 200, description = "The new version.", body = SecretVersionNumber)))]
async fn update(caller: Vaulting, SecretBody(body): SecretBody<SecretUpdate>) -> Result<Reply, Fault> {
    let value = convert::value_in(body.value, body.value_base64).map_err(wrong)?;
    let password = convert::password(body.password);
    let new = body.new_password.map(convert::password);
    let becomes = match &new {
        None => NewPassword::Keep,
        Some(None) => NewPassword::Remove,
        Some(Some(new)) => NewPassword::Set(new),
    };
    changed(&caller, &body.token, value, password.as_ref(), becomes).await
}

/// A new value behind a token, or a new secret if no token is given.
#[utoipa::path(post, path = "/api/vault/tokens/upsert", operation_id = "upsertSecret", tag = "Vault", request_body = SecretUpsert,
    responses(OfToken, (status = 200, description = "The new version.", body = SecretVersionNumber),
        (status = 201, description = "A new secret.", body = SecretCreated)))]
async fn upsert(caller: Vaulting, SecretBody(body): SecretBody<SecretUpsert>) -> Result<Reply, Fault> {
    let value = convert::value_in(body.value, body.value_base64).map_err(wrong)?;
    let password = convert::password(body.password);
    let Some(token) = body.token.filter(|token| !token.expose().is_empty()) else {
        let mut new = NewSecret::new(value);
        if let Some(password) = &password {
            new = new.password(password);
        }
        let created = caller.vault.create(new).await?;
        return made(&convert::created(&created), &created.id);
    };
    changed(&caller, &token, value, password.as_ref(), NewPassword::Keep).await
}

async fn changed(
    caller: &Vaulting,
    token: &Concealed,
    value: Vec<u8>,
    password: Option<&Secret>,
    becomes: NewPassword<'_>,
) -> Result<Reply, Fault> {
    let update = Update {
        value: SecretBytes::new(value),
        proof: caller.proof(password),
        password: becomes,
        expected: None,
    };
    let updated = caller.vault.update(By::Token(token.expose()), update).await;
    let version = updated.map_err(|error| caller.told(error))?;
    once(&SecretVersionNumber { version })
}

/// Another time at which a secret is over, also of one that is over already; null for never.
#[utoipa::path(post, path = "/api/vault/tokens/renew", operation_id = "renewSecret", tag = "Vault", request_body = SecretRenew,
    responses(OfToken, (status = 200, description = "The secret as it is now.", body = SecretInfo)))]
async fn renew(caller: Vaulting, SecretBody(body): SecretBody<SecretRenew>) -> Result<Reply, Fault> {
    let over = convert::maybe_instant("expiresAt", body.expires_at.as_deref()).map_err(wrong)?;
    let password = convert::password(body.password);
    let proof = caller.proof(password.as_ref());
    let renewed = caller
        .vault
        .renew(By::Token(body.token.expose()), over, proof)
        .await;
    once(&convert::info(renewed.map_err(|error| caller.told(error))?))
}

/// Another password for a secret and all its versions that the old one opens. The value stays as it is.
#[utoipa::path(post, path = "/api/vault/tokens/change-password", operation_id = "changeSecretPassword", tag = "Vault",
    request_body = SecretPassword, responses(OfToken, (status = 200, description = "The secret as it is now.", body = SecretInfo)))]
async fn change_password(
    caller: Vaulting,
    SecretBody(body): SecretBody<SecretPassword>,
) -> Result<Reply, Fault> {
    let (old, new) = (
        convert::password(body.password),
        convert::password(body.new_password),
    );
    if old.is_none() && !caller.manages() {
        return Err(VaultError::ProofRequired.into());
    }
    let by = By::Token(body.token.expose());
    let changed = caller
        .vault
        .change_password(by, unlock(old.as_ref()), new.as_ref())
        .await;
    once(&convert::info(changed.map_err(|error| caller.told(error))?))
}

/// Delete a secret, so that it can be restored, or for good.
#[utoipa::path(post, path = "/api/vault/tokens/delete", operation_id = "deleteSecretByToken", tag = "Vault", request_body = SecretDelete,
    responses(OfToken, (status = 204, description = "It is deleted.")))]
async fn delete(caller: Vaulting, SecretBody(body): SecretBody<SecretDelete>) -> Result<Reply, Fault> {
    let password = convert::password(body.password);
    let (by, proof) = (By::Token(body.token.expose()), caller.proof(password.as_ref()));
    let deleted = match body.permanent {
        true => caller.vault.delete(by, proof).await,
        false => caller.vault.soft_delete(by, proof).await.map(|_| true),
    };
    match deleted {
        Ok(true) => Ok(Reply::nothing().told_once()),
        Ok(false) => Err(caller.told(VaultError::NotFound)),
        Err(error) => Err(caller.told(error)),
    }
}

/// Restore a secret that was deleted.
#[utoipa::path(post, path = "/api/vault/tokens/restore", operation_id = "restoreSecretByToken", tag = "Vault", request_body = SecretRestore,
    responses(OfToken, (status = 200, description = "The secret as it is now.", body = SecretInfo)))]
async fn restore(caller: Vaulting, SecretBody(body): SecretBody<SecretRestore>) -> Result<Reply, Fault> {
    let password = convert::password(body.password);
    let (by, proof) = (By::Token(body.token.expose()), caller.proof(password.as_ref()));
    let restored = caller.vault.restore(by, proof).await;
    once(&convert::info(restored.map_err(|error| caller.told(error))?))
}

/// Wrap a value, or that of a secret, to hand it over: the token gives it once.
#[utoipa::path(post, path = "/api/vault/tokens/wrap", operation_id = "wrapSecret", tag = "Vault", request_body = SecretWrap,
    responses(OfToken, (status = 201, description = "Wrapped.", body = SecretWrapped)))]
async fn wrap(caller: Vaulting, SecretBody(body): SecretBody<SecretWrap>) -> Result<Reply, Fault> {
    let over = body.expires_at.flatten();
    let over = convert::maybe_instant("expiresAt", over.as_deref()).map_err(wrong)?;
    let password = convert::password(body.password);
    let created = match (&body.token, body.value.is_some() || body.value_base64.is_some()) {
        (Some(_), true) => {
            let detail = "Either a value is wrapped or a token, not both.";
            return Err(Fault::new(ErrorCode::ValidationFailed, detail));
        }
        (Some(token), false) => {
            let source = WrapSource::Secret(token.expose(), unlock(password.as_ref()));
            caller.vault.wrap(source, over).await
        }
        (None, _) => {
            let value = convert::value_in(body.value, body.value_base64).map_err(wrong)?;
            let value = SecretBytes::new(value);
            caller.vault.wrap(WrapSource::Value(value.expose()), over).await
        }
    };
    let created = created.map_err(|error| caller.told(error))?;
    let token = Concealed::new(created.token.expose());
    made(&SecretWrapped { token }, &created.id)
}

/// Another token for what was wrapped, in the place of the one that is shown.
#[utoipa::path(post, path = "/api/vault/tokens/rewrap", operation_id = "rewrapSecret", tag = "Vault", request_body = SecretRewrap,
    responses(OfToken, (status = 201, description = "The new token.", body = SecretWrapped)))]
async fn rewrap(caller: Vaulting, SecretBody(body): SecretBody<SecretRewrap>) -> Result<Reply, Fault> {
    let over = body.expires_at.flatten();
    let over = convert::maybe_instant("expiresAt", over.as_deref()).map_err(wrong)?;
    let created = caller.vault.rewrap(body.token.expose(), over).await;
    let created = created.map_err(|error| caller.told(error))?;
    let token = Concealed::new(created.token.expose());
    made(&SecretWrapped { token }, &created.id)
}
