//! Users, sessions and API keys on their way out, and roles both ways.

use chancery::access::{ApiKey, Role, Scope, User};
use chancery_api::access as wire;

use super::{maybe_time, time};

/// A user, without what makes the password.
pub fn user(user: &User) -> wire::User {
    wire::User {
        id: user.id.clone(),
        email: user.email.clone(),
        name: user.name.clone(),
        role: role_out(user.role),
        active: user.active,
        created_at: time(user.created_at),
        last_sign_in_at: maybe_time(user.last_sign_in_at),
    }
}

/// Who a user is.
pub fn person(user: &User) -> wire::Person {
    wire::Person {
        id: user.id.clone(),
        name: user.name.clone(),
        active: user.active,
    }
}

/// An API key, without what makes it secret.
pub fn key(key: &ApiKey) -> wire::ApiKey {
    wire::ApiKey {
        id: key.id.clone(),
        name: key.name.clone(),
        prefix: key.prefix.clone(),
        scope: scope_out(key.scope),
        created_at: time(key.created_at),
        created_by: key.created_by.clone(),
        expires_at: maybe_time(key.expires_at),
        last_used_at: maybe_time(key.last_used_at),
    }
}

/// A scope on its way in.
pub fn scope_in(scope: wire::Scope) -> Scope {
    match scope {
        wire::Scope::Read => Scope::Read,
        wire::Scope::Write => Scope::Write,
        wire::Scope::Admin => Scope::Admin,
    }
}

/// A scope on its way out.
pub fn scope_out(scope: Scope) -> wire::Scope {
    match scope {
        Scope::Read => wire::Scope::Read,
        Scope::Write => wire::Scope::Write,
        Scope::Admin => wire::Scope::Admin,
    }
}

/// A role on its way in.
pub fn role_in(role: wire::Role) -> Role {
    match role {
        wire::Role::Owner => Role::Owner,
        wire::Role::Admin => Role::Admin,
        wire::Role::Editor => Role::Editor,
        wire::Role::Commenter => Role::Commenter,
        wire::Role::Viewer => Role::Viewer,
    }
}

fn role_out(role: Role) -> wire::Role {
    match role {
        Role::Owner => wire::Role::Owner,
        Role::Admin => wire::Role::Admin,
        Role::Editor => wire::Role::Editor,
        Role::Commenter => wire::Role::Commenter,
        Role::Viewer => wire::Role::Viewer,
    }
}
