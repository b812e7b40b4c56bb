//! Users, sessions and API keys on their way out, and roles both ways.

use chancery::access::{ApiKey, Grant, Place, Role, Scope, User};
use chancery::model::{Code, Issue};
use chancery::{Error, Store};
use chancery_api::access as wire;

use super::{maybe_time, queries, time};

/// A user, without what makes the password.
pub fn user(user: &User) -> wire::User {
    wire::User {
        id: user.id.clone(),
        email: user.email.clone(),
        name: user.name.clone(),
        role: role_out(user.role),
        grants: user.grants.iter().map(grant_out).collect(),
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
        grants: key.grants.iter().map(grant_out).collect(),
        created_at: time(key.created_at),
        created_by: key.created_by.clone(),
        expires_at: maybe_time(key.expires_at),
        last_used_at: maybe_time(key.last_used_at),
    }
}

/// A scope on its way in.
pub fn scope_in(scope: wire::Scope) -> Scope {
    match scope {
        wire::Scope::None => Scope::None,
        wire::Scope::Read => Scope::Read,
        wire::Scope::Write => Scope::Write,
        wire::Scope::Admin => Scope::Admin,
    }
}

/// A scope on its way out.
pub fn scope_out(scope: Scope) -> wire::Scope {
    match scope {
        Scope::None => wire::Scope::None,
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
        wire::Role::Guest => Role::Guest,
    }
}

fn role_out(role: Role) -> wire::Role {
    match role {
        Role::Owner => wire::Role::Owner,
        Role::Admin => wire::Role::Admin,
        Role::Editor => wire::Role::Editor,
        Role::Commenter => wire::Role::Commenter,
        Role::Viewer => wire::Role::Viewer,
        Role::Guest => wire::Role::Guest,
    }
}

/// Grants on their way in: names as ids, by what there is.
///
/// # Errors
/// [`Error::Definition`], one issue for each that is wrong.
pub fn grants_in(store: &Store, grants: Vec<wire::Grant>) -> Result<Vec<Grant>, Error> {
    let (mut done, mut issues) = (Vec::with_capacity(grants.len()), Vec::new());
    for (at, grant) in grants.into_iter().enumerate() {
        match grant_in(store, grant) {
            Ok(grant) => done.push(grant),
            Err(message) => issues.push(Issue::new(format!("grants.{at}"), Code::Definition, message)),
        }
    }
    if !issues.is_empty() {
        return Err(Error::Definition(issues));
    }
    store.check_grants(&done)?;
    Ok(done)
}

fn grant_in(store: &Store, grant: wire::Grant) -> Result<Grant, String> {
    let within = match &grant.workspace {
        Some(name) => store.in_workspace(name).map_err(|error| error.to_string())?,
        None => store.clone(),
    };
    let place = match (&grant.table, grant.column) {
        (None, None) if grant.workspace.is_some() => Place::Workspace(within.workspace().id.clone()),
        (None, None) => return Err("Say a workspace or a table".into()),
        (None, Some(_)) => return Err("Say the table of the column".into()),
        (Some(name), column) => {
            let table = table_named(&within, name)?;
            match column {
                None => Place::Table(table),
                Some(slug) => Place::Column(table, slug),
            }
        }
    };
    let filter = grant.filter.as_ref().map(queries::filter).transpose();
    Ok(Grant {
        place,
        scope: scope_in(grant.scope),
        filter: filter.map_err(|error| error.to_string())?,
    })
}

/// The id of a table by slug in a workspace, or by id in any.
fn table_named(store: &Store, name: &str) -> Result<String, String> {
    let found = crate::acting::known(store, name).and_then(|table| Ok(table.definition()?));
    match found {
        Ok(table) => Ok(table.id.clone()),
        Err(fault) => Err(fault.refusal().problem.detail.clone()),
    }
}

fn grant_out(grant: &Grant) -> wire::Grant {
    let (workspace, table, column) = match grant.place.clone() {
        Place::Workspace(id) => (Some(id), None, None),
        Place::Table(id) => (None, Some(id), None),
        Place::Column(id, slug) => (None, Some(id), Some(slug)),
    };
    wire::Grant {
        workspace,
        table,
        column,
        scope: scope_out(grant.scope),
        filter: grant.filter.as_ref().map(queries::filter_out),
    }
}
