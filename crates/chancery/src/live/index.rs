//! Who is concerned by a step: subscriptions by table, then by key or by the value of one field. Holds no results.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::{Key, Record as Row, Table, TableId, Value};
use hashbrown::HashMap;

use super::query::Place;
use super::step::Step;

/// The number of a subscription.
pub(crate) type Id = u64;

/// Finds subscriptions by what they watch.
#[derive(Default)]
pub(crate) struct Index {
    tables: HashMap<TableId, Watched>,
}

/// What is watched of one table.
pub(crate) struct Watched {
    pub(crate) table: Arc<Table>,
    keys: HashMap<Key, Vec<Id>>,
    equal: Vec<(FieldRef, HashMap<Value, Vec<Id>>)>,
    all: Vec<Id>,
}

/// What has to be known of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// What the record is.
    New,
    /// And what it was.
    Both,
}

impl Index {
    pub(crate) fn add(&mut self, id: Id, table: &Arc<Table>, place: &Place) {
        let watched = self.tables.entry(table.number).or_insert_with(|| Watched {
            table: table.clone(),
            keys: HashMap::new(),
            equal: Vec::new(),
            all: Vec::new(),
        });
        watched.table = table.clone();
        match place {
            Place::Key(_, key) => watched.keys.entry(key.clone()).or_default().push(id),
            Place::Table(_) => watched.all.push(id),
            Place::Equal(_, field, value) => {
                let at = watched.equal.iter().position(|(had, _)| had == field);
                let at = at.unwrap_or_else(|| {
                    watched.equal.push((field.clone(), HashMap::new()));
                    watched.equal.len() - 1
                });
                let values = &mut watched.equal[at].1;
                values.entry(value.clone()).or_default().push(id);
            }
        }
    }

    pub(crate) fn remove(&mut self, id: Id, place: &Place) {
        let (Place::Key(table, _) | Place::Table(table) | Place::Equal(table, ..)) = place;
        let Some(watched) = self.tables.get_mut(table) else {
            return;
        };
        match place {
            Place::Key(_, key) => take_out(&mut watched.keys, key, id),
            Place::Table(_) => forget(&mut watched.all, id),
            Place::Equal(_, field, value) => {
                if let Some((_, values)) = watched.equal.iter_mut().find(|(had, _)| had == field) {
                    take_out(values, value, id);
                }
                watched.equal.retain(|(_, values)| !values.is_empty());
            }
        }
        if watched.keys.is_empty() && watched.equal.is_empty() && watched.all.is_empty() {
            self.tables.remove(table);
        }
    }

    /// What has to be known of a change of a record; nothing if it concerns nobody.
    pub(crate) fn interest(&self, table: TableId, key: &Key) -> Option<Interest> {
        let watched = self.tables.get(&table)?;
        if !watched.all.is_empty() || !watched.equal.is_empty() {
            return Some(Interest::Both);
        }
        watched.keys.contains_key(key).then_some(Interest::New)
    }

    pub(crate) fn watched(&self, table: TableId) -> Option<&Watched> {
        self.tables.get(&table)
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &Watched> {
        self.tables.values()
    }
}

impl Watched {
    /// Adds those that a step concerns; one may be named twice.
    pub(crate) fn concerned(&self, step: &Step, ids: &mut Vec<Id>) {
        ids.extend(self.keys.get(&step.key).into_iter().flatten());
        ids.extend(&self.all);
        for (field, values) in &self.equal {
            let of = |row: &Option<Arc<Row>>| {
                let row = row.as_ref()?;
                match field {
                    FieldRef::Column(ordinal) => values.get(row.value(*ordinal)),
                    field => values.get(&*row.field(field)),
                }
            };
            let (old, new) = (of(&step.old), of(&step.new));
            ids.extend(old.into_iter().flatten());
            if !matches!((old, new), (Some(old), Some(new)) if std::ptr::eq(old, new)) {
                ids.extend(new.into_iter().flatten());
            }
        }
    }

    /// Everybody who watches anything of it.
    pub(crate) fn everybody(&self) -> Vec<Id> {
        let keys = self.keys.values().flatten();
        let equal = self
            .equal
            .iter()
            .flat_map(|(_, values)| values.values().flatten());
        keys.chain(equal).chain(&self.all).copied().collect()
    }
}

fn take_out<K: std::hash::Hash + Eq>(map: &mut HashMap<K, Vec<Id>>, key: &K, id: Id) {
    if let Some(ids) = map.get_mut(key) {
        forget(ids, id);
        if ids.is_empty() {
            map.remove(key);
        }
    }
}

fn forget(ids: &mut Vec<Id>, id: Id) {
    if let Some(at) = ids.iter().position(|had| *had == id) {
        ids.swap_remove(at);
    }
}
