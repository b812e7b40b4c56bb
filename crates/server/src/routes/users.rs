//! Users: made and changed by administrators.

use axum::extract::State;
use chancery::access::{Principal, Role, UserChange, UserInput};
use chancery::credentials::Secret;
use chancery_api::ErrorCode;
use chancery_api::access::{PersonList, User, UserCreate, UserList, UserUpdate};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{ListParams, page_of};
use crate::caller::Caller;
use crate::convert::access as convert;
use crate::extract::{Body, Params, Segments};
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Named, WithBody};
use crate::reply::Reply;
use crate::state::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, update))
        .routes(routes!(people))
}

/// All users, by e-mail.
#[utoipa::path(get, path = "/api/users", operation_id = "listUsers", tag = "Access", params(ListParams),
    responses((status = 200, description = "A page of users.", body = UserList), Common))]
async fn list(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Reply, Fault> {
    let users = app.store.access().users().await?;
    let (page, pagination) = page_of(&app, "users", users, &params, |user| &user.id)?;
    Reply::json(&UserList {
        users: page.iter().map(convert::user).collect(),
        pagination,
    })
}

/// Who users are, by e-mail: what columns of the types `user` and `users` may name. No e-mail addresses, no roles.
#[utoipa::path(get, path = "/api/people", operation_id = "listPeople", tag = "Access", params(ListParams),
    responses((status = 200, description = "A page of people.", body = PersonList), Common))]
async fn people(State(app): State<App>, Params(params): Params<ListParams>) -> Result<Reply, Fault> {
    let users = app.store.access().users().await?;
    let (page, pagination) = page_of(&app, "people", users, &params, |user| &user.id)?;
    Reply::json(&PersonList {
        people: page.iter().map(convert::person).collect(),
        pagination,
    })
}

/// Make a user.
#[utoipa::path(post, path = "/api/users", operation_id = "createUser", tag = "Access", request_body = UserCreate,
    responses((status = 201, description = "Made.", body = User), Common, WithBody))]
async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(input): Body<UserCreate>,
) -> Result<Reply, Fault> {
    let role = convert::role_in(input.role);
    may_give(&caller, role)?;
    let grants = convert::grants_in(&app.store, input.grants)?;
    let password = Secret::new(input.password);
    let user = app
        .store
        .access()
        .create_user(UserInput {
            email: input.email,
            name: input.name,
            role,
            grants,
            password,
        })
        .await?;
    let location = format!("/api/users/{}", user.id);
    Ok(Reply::json(&convert::user(&user))?.created(&location))
}

/// One user.
#[utoipa::path(get, path = "/api/users/{user}", operation_id = "getUser", tag = "Access",
    params(("user" = String, Path, description = "The user's id.")),
    responses((status = 200, description = "The user.", body = User), Named))]
async fn get(State(app): State<App>, Segments(id): Segments<String>) -> Result<Reply, Fault> {
    let found = app
        .store
        .access()
        .users()
        .await?
        .into_iter()
        .find(|user| user.id == id);
    let user = found.ok_or_else(|| Fault::new(ErrorCode::UserNotFound, "There is no user with this id."))?;
    Reply::json(&convert::user(&user))
}

/// Change a user; a new password, role, status or other grants end the user's sessions.
#[utoipa::path(patch, path = "/api/users/{user}", operation_id = "updateUser", tag = "Access", request_body = UserUpdate,
    params(("user" = String, Path, description = "The user's id.")),
    responses((status = 200, description = "The user as it is now.", body = User), Named, WithBody))]
async fn update(
    State(app): State<App>,
    caller: Caller,
    Segments(id): Segments<String>,
    Body(update): Body<UserUpdate>,
) -> Result<Reply, Fault> {
    let role = update.role.map(convert::role_in);
    if let Some(role) = role {
        may_give(&caller, role)?;
    }
    let target = app
        .store
        .access()
        .users()
        .await?
        .into_iter()
        .find(|user| user.id == id);
    if let Some(target) = &target {
        may_give(&caller, target.role)?;
    }
    let password = update.password.map(Secret::new);
    let grants = update.grants.map(|grants| convert::grants_in(&app.store, grants));
    let change = UserChange {
        name: update.name,
        role,
        grants: grants.transpose()?,
        active: update.active,
        password,
    };
    let user = app.store.access().update_user(&id, change).await?;
    Reply::json(&convert::user(&user))
}

/// Only an owner makes or changes owners.
fn may_give(caller: &Caller, role: Role) -> Result<(), Fault> {
    let owner = match &*caller.principal {
        Principal::User(user) => user.role == Role::Owner,
        Principal::Key(_) => false,
        Principal::Operator => true,
    };
    if role == Role::Owner && !owner {
        return Err(Fault::new(
            ErrorCode::Forbidden,
            "Only an owner makes or changes owners.",
        ));
    }
    Ok(())
}
