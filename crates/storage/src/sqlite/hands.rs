//! Unique values that change hands inside one batch. The index takes no value twice, so the one who has it is put aside: its
//! column is null, without a step of the log, until it is known who keeps the value. It does no write of the batch.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chancery_model::change::ChangeKind;
use chancery_model::{Key, Record, TableId, Value};
use rusqlite::{Connection, OptionalExtension};

use super::fault::Sql;
use super::relation::Relation;
use super::rows::{decode, encode, encode_key};
use crate::batch::{Batch, Rejection};
use crate::claims::{Claims, Place};

/// The unique values of one batch that change hands.
#[derive(Debug)]
pub(super) struct Hands {
    claims: Claims,
    /// What is put aside, by record.
    aside: HashMap<(TableId, Key), BTreeMap<u16, Value>>,
    /// The relations of what is contested.
    relations: HashMap<TableId, Arc<Relation>>,
}

impl Hands {
    /// For a batch; none if each of its writes is judged where it stands.
    pub(super) fn of(batch: &Batch) -> Option<Hands> {
        Some(Hands {
            claims: Claims::of(batch)?,
            aside: HashMap::new(),
            relations: HashMap::new(),
        })
    }

    /// Puts a value of a record aside.
    pub(super) fn put_aside(
        &mut self,
        connection: &Connection,
        relation: &Arc<Relation>,
        column: u16,
        holder: &Key,
    ) -> Sql<()> {
        let Some(slot) = relation.slot(column) else {
            return Ok(());
        };
        let (table, name) = (&relation.name, &slot.name);
        let value = connection
            .prepare_cached(&format!("SELECT {name} FROM {table} WHERE id = ?"))?
            .query_row([encode_key(holder)], |row| decode(&slot.shape, row.get_ref(0)?))?;
        connection
            .prepare_cached(&format!("UPDATE {table} SET {name} = NULL WHERE id = ?"))?
            .execute([encode_key(holder)])?;
        let number = relation.table.number;
        let aside = self.aside.entry((number, holder.clone())).or_default();
        aside.insert(column, value);
        self.relations.insert(number, relation.clone());
        Ok(())
    }

    /// A write gave a record values that it did not have. `before` is what an update says that it changes.
    pub(super) fn take(
        &mut self,
        relation: &Relation,
        before: Option<(&[(u16, Value)], ChangeKind)>,
        record: &Record,
        taken_from: &[(u16, Key)],
        write: usize,
    ) {
        if taken_from.is_empty() && self.claims.is_empty() || record.deleted_at.is_some() {
            return;
        }
        let is_new = |column: u16, value: &Value| match before {
            Some((before, ChangeKind::Updated)) => before
                .iter()
                .any(|(other, old)| *other == column && old.cmp(value).is_ne()),
            _ => true,
        };
        for slot in relation.slots.iter().filter(|slot| slot.unique) {
            let value = record.value(slot.ordinal);
            if value.is_null() || !is_new(slot.ordinal, value) {
                continue;
            }
            let place = Place {
                table: relation.table.number,
                column: slot.ordinal,
                value: value.clone(),
            };
            let holder = taken_from.iter().find(|(column, _)| *column == slot.ordinal);
            let holder = holder.map(|(_, holder)| holder);
            self.claims.take(place, holder, &record.key, write);
        }
    }

    /// A record was updated: what was put aside of the columns that were written is settled, and in the trash nothing is in
    /// anybody's way.
    pub(super) fn updated(
        &mut self,
        connection: &Connection,
        relation: &Relation,
        record: &Record,
        written: &[(u16, Value)],
    ) -> Sql<()> {
        let place = (relation.table.number, record.key.clone());
        let Some(aside) = self.aside.get_mut(&place) else {
            return Ok(());
        };
        aside.retain(|column, _| !written.iter().any(|(other, _)| other == column));
        if record.deleted_at.is_none() {
            return Ok(());
        }
        let aside = self.aside.remove(&place).unwrap_or_default();
        put_back(connection, relation, &record.key, &aside)
    }

    /// A record is removed for good; what is put aside was its own.
    pub(super) fn removed(&mut self, table: TableId, record: &mut Record) {
        let aside = self
            .aside
            .remove(&(table, record.key.clone()))
            .unwrap_or_default();
        for (column, value) in aside {
            record.values[usize::from(column)] = value;
        }
    }

    /// Judges by what the writes so far have left: either everything is put back, or some of them are refused.
    pub(super) fn settle(&mut self, connection: &Connection) -> Sql<Vec<(usize, Rejection)>> {
        let (aside, relations) = (&self.aside, &self.relations);
        let refused = self.claims.settle(|place, key| {
            let own = aside.get(&(place.table, key.clone()));
            if let Some(value) = own.and_then(|own| own.get(&place.column)) {
                return Ok(value.cmp(&place.value).is_eq());
            }
            match relations.get(&place.table) {
                Some(relation) => has(connection, relation, place, key),
                None => Ok(false),
            }
        })?;
        if refused.is_empty() {
            for ((table, key), values) in std::mem::take(&mut self.aside) {
                if let Some(relation) = self.relations.get(&table) {
                    put_back(connection, relation, &key, &values)?;
                }
            }
        }
        Ok(refused)
    }
}

fn put_back(
    connection: &Connection,
    relation: &Relation,
    key: &Key,
    values: &BTreeMap<u16, Value>,
) -> Sql<()> {
    for (column, value) in values {
        if let Some(slot) = relation.slot(*column) {
            let sql = format!("UPDATE {} SET {} = ? WHERE id = ?", relation.name, slot.name);
            let mut update = connection.prepare_cached(&sql)?;
            update.execute((encode(&slot.shape, value)?, encode_key(key)))?;
        }
    }
    Ok(())
}

/// Whether a live record has a value.
fn has(connection: &Connection, relation: &Relation, place: &Place, key: &Key) -> Sql<bool> {
    let Some(slot) = relation.slot(place.column) else {
        return Ok(false);
    };
    let found = connection
        .prepare_cached(&format!(
            "SELECT {} FROM {} WHERE id = ? AND deleted_at IS NULL",
            slot.name, relation.name
        ))?
        .query_row([encode_key(key)], |row| decode(&slot.shape, row.get_ref(0)?))
        .optional()?;
    Ok(found.is_some_and(|value| value.cmp(&place.value).is_eq()))
}
