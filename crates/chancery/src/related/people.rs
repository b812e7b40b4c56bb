//! Who users and keys are, by id. Decides nothing about what they may do.

use std::collections::HashMap;

use chancery_model::{Table, Value};
use hashbrown::HashSet;

use crate::access::AccessError;
use crate::error::Error;
use crate::store::Store;

/// What people call users and API keys, by id.
pub(super) async fn names(store: &Store) -> Result<HashMap<String, String>, Error> {
    let (users, keys) = (store.access().users(), store.access().keys());
    let mut names = HashMap::new();
    for user in users.await.map_err(error)? {
        let name = if user.name.is_empty() {
            user.email
        } else {
            user.name
        };
        names.insert(user.id, name);
    }
    for key in keys.await.map_err(error)? {
        names.insert(key.id, key.name);
    }
    Ok(names)
}

/// The ids of all users. They are never deleted, so who is there stays.
pub(crate) async fn ids(store: &Store) -> Result<HashSet<String>, Error> {
    let users = store.access().users().await.map_err(error)?;
    Ok(users.into_iter().map(|user| user.id).collect())
}

fn error(error: AccessError) -> Error {
    match error {
        AccessError::Storage(error) => error.into(),
        other => Error::Internal(format!("users could not be read: {other}")),
    }
}

/// The users that some columns of a record name.
pub(crate) fn named(
    table: &Table,
    record: &chancery_model::Record,
    changed: Option<&[u16]>,
) -> Vec<(u16, String)> {
    let mut all = Vec::new();
    for column in table.live().filter(|column| column.names_users()) {
        if changed.is_some_and(|changed| !changed.contains(&column.ordinal)) {
            continue;
        }
        match record.value(column.ordinal) {
            Value::Text(id) => all.push((column.ordinal, id.clone())),
            Value::List(ids) => all.extend(ids.iter().map(|id| (column.ordinal, id.clone()))),
            _ => {}
        }
    }
    all
}
