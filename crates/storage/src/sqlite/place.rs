//! Where a record stands in its relation, and who stands where it wants to.

use chancery_model::{Key, Record};
use rusqlite::{Connection, OptionalExtension};

use super::fault::Sql;
use super::relation::Relation;
use super::rows::{self, encode, encode_key};
use crate::batch::Rejection;

/// Where a record is, and its newest change.
pub(super) struct Place {
    /// Its row.
    pub(super) row: i64,
    /// Its newest change.
    pub(super) change: u64,
}

/// Finds a record, and refuses it if it is not at the version expected.
pub(super) fn locate(
    connection: &Connection,
    relation: &Relation,
    key: &Key,
    expected: Option<u64>,
) -> Sql<Result<Place, Rejection>> {
    let mut locate = connection.prepare_cached(&relation.locate)?;
    locate.raw_bind_parameter(1, encode_key(key))?;
    let mut rows = locate.raw_query();
    let Some(row) = rows.next()? else {
        return Ok(Err(Rejection::NotFound));
    };
    let found = row.get_ref(1)?.as_i64()? as u64;
    if expected.is_some_and(|expected| expected != found) {
        return Ok(Err(Rejection::Version { found }));
    }
    Ok(Ok(Place {
        row: row.get_ref(0)?.as_i64()?,
        change: row.get_ref(2)?.as_i64()? as u64,
    }))
}

/// Which unique value of a record somebody else has: its key first, then its columns in order.
pub(super) fn taken(
    connection: &Connection,
    relation: &Relation,
    record: &Record,
    own_row: Option<i64>,
    error: rusqlite::Error,
) -> Sql<Rejection> {
    if own_row.is_none() && locate(connection, relation, &record.key, None)?.is_ok() {
        return Ok(Rejection::KeyTaken);
    }
    for slot in relation.slots.iter().filter(|slot| slot.unique) {
        let value = record.value(slot.ordinal);
        if value.is_null() {
            continue;
        }
        let sql = format!(
            "SELECT id FROM {} WHERE {} = ? AND deleted_at IS NULL AND seq IS NOT ?",
            relation.name, slot.name
        );
        let mut holder = connection.prepare_cached(&sql)?;
        let holder = holder
            .query_row((encode(&slot.shape, value)?, own_row), |row| {
                rows::decode_key(relation.key_kind, row.get_ref(0)?)
            })
            .optional()?;
        if holder.is_some() {
            return Ok(Rejection::UniqueTaken {
                column: slot.ordinal,
                holder,
            });
        }
    }
    Err(error)
}
