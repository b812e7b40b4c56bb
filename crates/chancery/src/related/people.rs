//! Who users and keys are, by id. Decides nothing about what they may do.

use chancery_model::{Table, Value};
use hashbrown::HashSet;

use crate::access::AccessError;
use crate::error::Error;
use crate::store::Store;

/// What people call a user or an API key; the id itself if it is neither, or not any more.
pub(crate) async fn name(store: &Store, id: &str) -> Result<String, Error> {
    if let Some(user) = store.access().user_name(id).await.map_err(error)? {
        return Ok(user);
    }
    let key = store.access().key_name(id).await.map_err(error)?;
    Ok(key.unwrap_or_else(|| id.to_owned()))
}

/// Those of some ids that name no user. Users are never deleted, so who is there stays.
pub(crate) async fn strangers(store: &Store, ids: HashSet<String>) -> Result<HashSet<String>, Error> {
    let mut strangers = HashSet::new();
    for id in ids {
        if store.access().user_name(&id).await.map_err(error)?.is_none() {
            strangers.insert(id);
        }
    }
    Ok(strangers)
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
