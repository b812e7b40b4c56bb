//! Setting up, signing in and out. Who somebody is, is the library's; how a browser proves it is here.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chancery::access::{Principal, Role, SignedIn, UserChange, UserInput};
use chancery::credentials::Secret;
use chancery_api::ErrorCode;
use chancery_api::access::{AuthState, Login, PasswordChange, Session, Setup};
use http::{HeaderValue, header};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::caller::{Address, Caller, csrf_token};
use crate::convert::{access as convert, maybe_time};
use crate::extract::Body;
use crate::fault::Fault;
use crate::openapi::refusals::{Common, Strange, WithBody};
use crate::reply::Reply;
use crate::state::{App, Cookies};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(state))
        .routes(routes!(setup))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(session))
        .routes(routes!(password))
}

/// Whether the first user has still to be made.
#[utoipa::path(get, path = "/api/auth/state", tag = "Access", security(()),
    responses((status = 200, description = "What a stranger may know.", body = AuthState), Strange))]
async fn state(State(app): State<App>) -> Result<Reply, Fault> {
    Reply::json(&AuthState {
        needs_setup: needs_setup(&app).await?,
    })
}

/// Whether this process's set-up link makes the first user still: another process may have made one.
async fn needs_setup(app: &App) -> Result<bool, Fault> {
    if app.setup.lock().is_none() {
        return Ok(false);
    }
    let needed = app.store.access().needs_setup().await?;
    if !needed {
        *app.setup.lock() = None;
    }
    Ok(needed)
}

/// Make the first user, an owner, with the one-time token the server printed; signs in.
#[utoipa::path(post, path = "/api/auth/setup", tag = "Access", security(()), request_body = Setup,
    responses((status = 201, description = "Made and signed in.", body = Session), Strange, WithBody,
        (status = 401, description = "The token is wrong.", body = chancery_api::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn setup(
    State(app): State<App>,
    Address(address): Address,
    Body(setup): Body<Setup>,
) -> Result<Response, Fault> {
    if !needs_setup(&app).await? {
        return Err(Fault::new(ErrorCode::SetupDone, "The store has users already.").hint("Sign in."));
    }
    let attempt = app
        .store
        .access()
        .attempt(&format!("setup {address}"), None)
        .await?;
    let right = app
        .setup
        .lock()
        .as_ref()
        .is_some_and(|token| token.matches(&setup.token));
    if !right {
        let detail = "The token is not the one of the set-up link.";
        return Err(Fault::new(ErrorCode::InvalidSetupToken, detail)
            .hint("The server prints the link when it starts without users."));
    }
    attempt.succeeded().await?;
    let password = Secret::new(setup.password);
    let input = UserInput {
        email: setup.email,
        name: setup.name,
        role: Role::Owner,
        grants: Vec::new(),
        password: password.clone(),
    };
    let user = app.store.access().create_first(input).await?;
    *app.setup.lock() = None;
    let signed = app.store.access().sign_in(&user.email, password).await?;
    begin(&app, signed, Started::New)
}

/// Sign in; the session is a cookie.
#[utoipa::path(post, path = "/api/auth/login", tag = "Access", security(()), request_body = Login,
    responses((status = 200, description = "Signed in.", body = Session), Strange, WithBody,
        (status = 401, description = "E-mail or password is wrong.", body = chancery_api::Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too many attempts.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn login(
    State(app): State<App>,
    Address(address): Address,
    Body(login): Body<Login>,
) -> Result<Response, Fault> {
    let who = format!("login {}", login.email.trim().to_lowercase());
    let from = format!("login {address}");
    let access = app.store.access();
    let attempt = access.attempt(&who, Some(&from)).await?;
    let signed = access.sign_in(&login.email, Secret::new(login.password)).await?;
    attempt.succeeded().await?;
    begin(&app, signed, Started::Known)
}

/// Sign out; the session is over at once.
#[utoipa::path(post, path = "/api/auth/logout", tag = "Access",
    responses((status = 204, description = "Signed out."), Common))]
async fn logout(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    if let Some(token) = &caller.session {
        app.store.access().sign_out(token.expose()).await?;
    }
    let gone = cookie(&app, "", 0)?;
    Ok(Reply::nothing().header(header::SET_COOKIE, gone).into_response())
}

/// Give oneself another password. All sessions of the user are over; the answer begins a new one.
#[utoipa::path(post, path = "/api/auth/password", operation_id = "changePassword", tag = "Access", request_body = PasswordChange,
    responses((status = 200, description = "Changed, and signed in anew.", body = Session), Common, WithBody,
        (status = 429, description = "Too many attempts.", body = chancery_api::Problem, content_type = "application/problem+json")))]
async fn password(
    State(app): State<App>,
    Address(address): Address,
    caller: Caller,
    Body(change): Body<PasswordChange>,
) -> Result<Response, Fault> {
    let Principal::User(user) = &*caller.principal else {
        return Err(Fault::new(ErrorCode::Forbidden, "Only users have a password.")
            .hint("Sign in, and change the password of the user."));
    };
    let access = app.store.access();
    let (who, from) = (format!("login {}", user.email), format!("login {address}"));
    let attempt = access.attempt(&who, Some(&from)).await?;
    let current = Secret::new(change.current);
    access.check_password(&user.id, current).await?;
    attempt.succeeded().await?;
    let password = Secret::new(change.password);
    let new = UserChange {
        password: Some(password.clone()),
        ..UserChange::default()
    };
    access.update_user(&user.id, new).await?;
    let signed = access.sign_in(&user.email, password).await?;
    begin(&app, signed, Started::Known)
}

/// Who is asking, and the token every change must carry.
#[utoipa::path(get, path = "/api/auth/session", tag = "Access",
    responses((status = 200, description = "The caller.", body = Session), Common))]
async fn session(State(app): State<App>, caller: Caller) -> Result<Reply, Fault> {
    let (user, api_key) = match &*caller.principal {
        Principal::User(user) => (Some(convert::user(user)), None),
        Principal::Key(key) => (None, Some(convert::key(key))),
        Principal::Operator => (None, None),
    };
    let (csrf, ends) = match &caller.session {
        Some(token) => (
            Some(csrf_token(&app, token)),
            app.store.access().session_ends(token.expose()).await?,
        ),
        None => (None, None),
    };
    Reply::json(&Session {
        user,
        csrf_token: csrf,
        expires_at: maybe_time(ends),
        api_key,
    })
}

/// Whether a session comes with a new user.
#[derive(PartialEq)]
enum Started {
    New,
    Known,
}

fn begin(app: &App, signed: SignedIn, started: Started) -> Result<Response, Fault> {
    let body = Session {
        user: Some(convert::user(&signed.user)),
        csrf_token: Some(csrf_token(app, &signed.token)),
        expires_at: maybe_time(Some(signed.expires_at)),
        api_key: None,
    };
    let reply = Reply::json(&body)?;
    let reply = if started == Started::New {
        reply.created("/api/auth/session")
    } else {
        reply
    };
    let seconds = chancery::access::SESSION_MS / 1_000;
    Ok(reply
        .header(header::SET_COOKIE, cookie(app, signed.token.expose(), seconds)?)
        .into_response())
}

fn cookie(app: &App, value: &str, seconds: i64) -> Result<HeaderValue, Fault> {
    let secure = if app.cookies == Cookies::Secure {
        "; Secure"
    } else {
        ""
    };
    let name = app.cookie_name();
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut header = HeaderValue::from_str(&text).map_err(Fault::internal)?;
    header.set_sensitive(true);
    Ok(header)
}
