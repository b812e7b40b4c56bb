//! Reading by token: one, many, by name; whether there is one; what was wrapped. A password is asked for where there is one.

use std::collections::BTreeMap;

use chancery::vault::ReadOutcome;
use chancery_api::vault::{
    ReadStatus, SecretExists, SecretRead, SecretReadMany, SecretResolve, SecretResolved, SecretResult,
    SecretResults, SecretStatus, SecretToken, SecretUnwrapped, SecretValue, SecretWrapInfo,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::once;
use super::refusals::OfToken;
use crate::convert::vault as convert;
use crate::fault::Fault;
use crate::reply::Reply;
use crate::state::App;
use crate::vaulting::{SecretBody, Vaulting, unlock};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(read))
        .routes(routes!(read_many))
        .routes(routes!(resolve))
        .routes(routes!(exists))
        .routes(routes!(unwrap))
        .routes(routes!(wrap_info))
}

/// The value behind a token.
#[utoipa::path(post, path = "/api/vault/tokens/read", operation_id = "readSecret", tag = "Vault", request_body = SecretRead,
    responses(OfToken, (status = 200, description = "The value.", body = SecretValue)))]
async fn read(caller: Vaulting, SecretBody(body): SecretBody<SecretRead>) -> Result<Reply, Fault> {
    let password = convert::password(body.password);
    let read = caller
        .vault
        .read_version(body.token.expose(), body.version, unlock(password.as_ref()));
    let revealed = read.await.map_err(|error| caller.told(error))?;
    once(&convert::revealed(&revealed))
}

/// The values behind up to 1,000 tokens, each with what became of it; a password is tried once for all.
#[utoipa::path(post, path = "/api/vault/tokens/read-many", operation_id = "readSecrets", tag = "Vault",
    request_body = SecretReadMany, responses(OfToken, (status = 200, description = "One result for each token, in their order.", body = SecretResults)))]
async fn read_many(caller: Vaulting, SecretBody(body): SecretBody<SecretReadMany>) -> Result<Reply, Fault> {
    let password = convert::password(body.password);
    let tokens: Vec<&str> = body.tokens.iter().map(|token| token.expose()).collect();
    let read = caller.vault.read_many(&tokens, unlock(password.as_ref()));
    let outcomes = read.await.map_err(|error| caller.told(error))?;
    let results = body.tokens.iter().zip(&outcomes).map(|(token, one)| {
        let value = one
            .outcome
            .as_ref()
            .ok()
            .map(|revealed| convert::revealed(revealed));
        let (text, base64, version, reads_left) = match value {
            Some(value) => (
                value.value,
                value.value_base64,
                Some(value.version),
                value.reads_left,
            ),
            None => (None, None, None, None),
        };
        SecretResult {
            token: token.clone(),
            status: status(&caller, one),
            value: text,
            value_base64: base64,
            version,
            reads_left,
        }
    });
    once(&SecretResults {
        results: results.collect(),
    })
}

/// The values of names, from a token for each: `{"map": {"SMTP_PASSWORD": "tk_…"}}`.
#[utoipa::path(post, path = "/api/vault/tokens/resolve", operation_id = "resolveSecrets", tag = "Vault",
    request_body = SecretResolve, responses(OfToken, (status = 200, description = "The values, and the names that have none.", body = SecretResolved)))]
async fn resolve(caller: Vaulting, SecretBody(body): SecretBody<SecretResolve>) -> Result<Reply, Fault> {
    let password = convert::password(body.password);
    let tokens: Vec<&str> = body.map.values().map(|token| token.expose()).collect();
    let read = caller.vault.read_many(&tokens, unlock(password.as_ref()));
    let outcomes = read.await.map_err(|error| caller.told(error))?;
    let mut resolved = SecretResolved {
        values: BTreeMap::new(),
        ..SecretResolved::default()
    };
    for (name, one) in body.map.into_keys().zip(&outcomes) {
        match &one.outcome {
            Ok(revealed) => match convert::value_out(&revealed.value) {
                (Some(text), _) => drop(resolved.values.insert(name, text)),
                (_, Some(base64)) => drop(resolved.values_base64.insert(name, base64)),
                (None, None) => {}
            },
            Err(_) => match status(&caller, one) {
                ReadStatus::Missing => resolved.missing.push(name),
                ReadStatus::Expired | ReadStatus::Exhausted => resolved.expired.push(name),
                _ => resolved.denied.push(name),
            },
        }
    }
    once(&resolved)
}

/// What became of a token, as far as the caller may know.
fn status(caller: &Vaulting, one: &ReadOutcome) -> ReadStatus {
    let detailed = match &one.outcome {
        Ok(_) => return ReadStatus::Value,
        Err(error) => convert::read_status(error),
    };
    match detailed {
        ReadStatus::TooManyAttempts | ReadStatus::Unreadable => detailed,
        _ if caller.manages() => detailed,
        _ => ReadStatus::Denied,
    }
}

/// Whether a token can be read now, with its password if it has one. Reads nothing.
#[utoipa::path(post, path = "/api/vault/tokens/exists", operation_id = "secretExists", tag = "Vault", request_body = SecretToken,
    responses(OfToken, (status = 200, description = "Whether it can.", body = SecretExists)))]
async fn exists(caller: Vaulting, SecretBody(body): SecretBody<SecretToken>) -> Result<Reply, Fault> {
    let status = caller.vault.status(body.token.expose()).await;
    let status = status.map_err(|error| caller.told(error))?.map(convert::status);
    once(&SecretExists {
        exists: status == Some(SecretStatus::Live),
        status: status.filter(|_| caller.manages()),
    })
}

/// Take what was wrapped. It is gone then: who comes second is told that somebody came first.
#[utoipa::path(post, path = "/api/vault/tokens/unwrap", operation_id = "unwrapSecret", tag = "Vault", request_body = SecretToken,
    responses(OfToken, (status = 200, description = "The value.", body = SecretUnwrapped)))]
async fn unwrap(caller: Vaulting, SecretBody(body): SecretBody<SecretToken>) -> Result<Reply, Fault> {
    let taken = caller.vault.unwrap(body.token.expose()).await;
    let taken = taken.map_err(|error| caller.told(error))?;
    let (value, value_base64) = convert::value_out(&taken.value);
    once(&SecretUnwrapped { value, value_base64 })
}

/// What is known of a wrapping token: who wrapped it, when, and whether it was taken. It stays as it is.
#[utoipa::path(post, path = "/api/vault/tokens/wrap-info", operation_id = "wrappedSecret", tag = "Vault", request_body = SecretToken,
    responses(OfToken, (status = 200, description = "What is known of it.", body = SecretWrapInfo)))]
async fn wrap_info(caller: Vaulting, SecretBody(body): SecretBody<SecretToken>) -> Result<Reply, Fault> {
    let info = caller.vault.wrap_info(body.token.expose()).await;
    once(&convert::wrap_info(info.map_err(|error| caller.told(error))?))
}
