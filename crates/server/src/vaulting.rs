//! The vault on behalf of whoever calls: from which address, and what of its refusals the caller may know. Decides nothing about
//! secrets.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use chancery::access::{Principal, Scope};
use chancery::credentials::Secret;
use chancery::model::Issue;
use chancery::vault::{Proof, Unlock, Vault, VaultError};
use chancery::{Actor, Source};
use http::request::Parts;
use serde::de::DeserializeOwned;

use crate::caller::{Address, Caller};
use crate::conventions::AtLeast;
use crate::extract::{parse_json, read_body, require_media_type, without_body};
use crate::fault::Fault;
use crate::state::App;

/// The vault on behalf of the caller.
pub(crate) struct Vaulting {
    pub(crate) vault: Vault,
    manages: bool,
}

impl FromRequestParts<App> for Vaulting {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Vaulting, Fault> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let Address(address) = Address::from_request_parts(parts, app).await?;
        let source = match caller.session {
            Some(_) => Source::Ui,
            None => Source::Api,
        };
        let actor = Actor {
            id: caller.principal.id().map(Arc::from),
            source,
        };
        let vault = match parts.extensions.get::<AtLeast>() {
            Some(AtLeast(_, revision)) => app.vault.at_least(*revision).await?,
            None => app.vault.clone(),
        };
        let vault = vault.acting(actor);
        Ok(Vaulting {
            vault: match *caller.principal {
                Principal::Operator => vault,
                _ => vault.from_client(&address.to_string()),
            },
            manages: caller.principal.scope() >= Scope::Admin,
        })
    }
}

impl Vaulting {
    /// Whether the caller may manage the vault: needs no password to change a secret, and is told why a token cannot be read.
    pub(crate) fn manages(&self) -> bool {
        self.manages
    }

    /// Why the caller may change a secret.
    pub(crate) fn proof<'a>(&self, password: Option<&'a Secret>) -> Proof<'a> {
        match (password, self.manages) {
            (None, true) => Proof::Authority,
            (password, _) => Proof::Unlock(unlock(password)),
        }
    }

    /// What the caller is told of an error: who may not manage the vault does not learn whether the token or the password is wrong.
    pub(crate) fn told(&self, error: VaultError) -> Fault {
        match self.manages {
            true => error.into(),
            false => error.public().into(),
        }
    }
}

/// How a secret is unlocked.
pub(crate) fn unlock(password: Option<&Secret>) -> Unlock<'_> {
    password.map_or(Unlock::None, Unlock::Password)
}

/// The refusal of a body whose values make no sense.
pub(crate) fn wrong(issue: Issue) -> Fault {
    VaultError::Invalid(vec![issue]).into()
}

/// A JSON body that holds secrets: what is wrong with it is told without repeating any of it.
pub(crate) struct SecretBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for SecretBody<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<SecretBody<T>, Fault> {
        if let Some(nothing) = without_body(&request) {
            return Ok(SecretBody(nothing));
        }
        require_media_type(request.headers(), &["application/json"])?;
        let bytes = read_body(request, app.limits.body_bytes_max).await?;
        parse_json(&bytes).map(SecretBody).map_err(Fault::without_values)
    }
}
