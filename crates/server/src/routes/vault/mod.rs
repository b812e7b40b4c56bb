//! The vault: secret values behind tokens. Whoever shows a token reads it; who manages the vault sees everything but values and tokens.
//!
//! No token and no password stands in a path or a query. All answers are told once: no `Idempotency-Key` keeps them.

mod care;
mod cells;
mod jobs;
mod listed;
mod reading;
mod tokens;

use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;

use crate::fault::Fault;
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(listed::routes())
        .merge(reading::routes())
        .merge(tokens::routes())
        .merge(care::routes())
        .merge(cells::routes())
        .merge(jobs::routes())
}

/// 200 with a body that is kept nowhere.
fn once(body: &impl Serialize) -> Result<Reply, Fault> {
    Ok(Reply::json(body)?.told_once())
}

/// 201 with a body that is kept nowhere, and where what it made is.
fn made(body: &impl Serialize, id: &str) -> Result<Reply, Fault> {
    Ok(once(body)?.created(&format!("/api/vault/tokens/{id}")))
}

/// What routes answer that take a token and a password.
mod refusals {
    use std::collections::BTreeMap;

    use utoipa::IntoResponses;
    use utoipa::openapi::{RefOr, Response};

    use crate::openapi::refusals::{Named, WithBody, listed};

    /// What a route that opens cells may answer besides.
    pub(super) struct OfCells;

    impl IntoResponses for OfCells {
        fn responses() -> BTreeMap<String, RefOr<Response>> {
            let mut all = Named::responses();
            all.extend(WithBody::responses());
            all.extend(listed(&[(
                "503",
                "The vault is sealed; repeat after Retry-After.",
            )]));
            all
        }
    }

    /// What routes may answer besides that need the keys of the vault.
    pub(super) struct OfVault;

    impl IntoResponses for OfVault {
        fn responses() -> BTreeMap<String, RefOr<Response>> {
            listed(&[
                (
                    "409",
                    "It is over or somebody works on it already, or an idempotency key was used.",
                ),
                (
                    "503",
                    "The vault is sealed, or too busy; repeat after Retry-After.",
                ),
            ])
        }
    }

    /// What routes that take a token may answer besides.
    pub(super) struct OfToken;

    impl IntoResponses for OfToken {
        fn responses() -> BTreeMap<String, RefOr<Response>> {
            let mut all = Named::responses();
            all.extend(WithBody::responses());
            all.extend(listed(&[
                (
                    "403",
                    "The token or the password is wrong (`accessDenied`), or the credentials do not allow it. Administrators are told which.",
                ),
                ("410", "It is over, or used up; of a wrapping token: somebody took it."),
                ("429", "There were too many attempts; repeat after Retry-After."),
                ("503", "The vault is sealed, or too busy; repeat after Retry-After."),
            ]));
            all
        }
    }
}
