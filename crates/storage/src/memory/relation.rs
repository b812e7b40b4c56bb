//! The records of one table with everything that finds them. It does as it is told: preconditions are checked in
//! `commit`.

use std::sync::Arc;

use chancery_model::filter::FieldRef;
use chancery_model::query::{Plan, Scope};
use chancery_model::{Column, Key, Record, Table, Value};

use super::index::{Found, Index, IndexKind};
use super::ordered::OrderedMap;
use super::slots::{Slot, Slots};
use crate::batch::Rejection;

/// One table.
#[derive(Debug)]
pub(crate) struct Relation {
    /// The definition.
    pub(crate) definition: Arc<Table>,
    /// The records.
    pub(crate) slots: Slots,
    /// Those not in the trash, by key.
    pub(crate) live: OrderedMap<Key, Slot>,
    /// Those in the trash, by key.
    pub(crate) trash: OrderedMap<Key, Slot>,
    /// Indexes of the live ones: of single columns in their order, then the others.
    pub(crate) indexes: Vec<Index>,
    /// How many records have a time of expiry.
    pub(crate) expiring: usize,
    /// When a record was last written.
    pub(crate) touched: Touched,
    /// Where the values of the record that is being inserted go in each index.
    places: Vec<Found>,
}

/// When a record of a table was last written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Touched {
    /// The time, in ms.
    pub(crate) at: Option<i64>,
    /// The commit.
    pub(crate) revision: u64,
}

/// A free place for a record that is not in the table yet; good until the table changes.
#[derive(Debug)]
pub(crate) struct Vacancy {
    hash: u64,
    /// Unique values that somebody else has.
    pub(crate) taken: Vec<Taken>,
}

/// A unique value that a record is to have and another has: the column, and who has it.
pub(crate) type Taken = (u16, Key);

impl Relation {
    /// An empty table.
    pub(crate) fn new(definition: Arc<Table>) -> Relation {
        let indexes = index_shapes(&definition)
            .into_iter()
            .map(|(fields, kind)| Index::new(fields, kind))
            .collect();
        Relation {
            definition,
            slots: Slots::default(),
            live: OrderedMap::default(),
            trash: OrderedMap::default(),
            indexes,
            expiring: 0,
            touched: Touched::default(),
            places: Vec::new(),
        }
    }

    /// The record with a key.
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Record>> {
        self.slots.record(key)
    }

    /// The scope of a plan. Where nothing is in the trash, everything is what is live, and that the indexes know.
    pub(crate) fn scope(&self, plan: &Plan) -> Scope {
        match plan.scope {
            Scope::All if self.trash.len() == 0 => Scope::Live,
            scope => scope,
        }
    }

    /// The index of exactly this field.
    pub(crate) fn index_of(&self, field: &FieldRef) -> Option<&Index> {
        self.indexes
            .iter()
            .find(|index| index.fields.len() == 1 && index.fields[0] == *field)
    }

    /// A free place for a new record, if no record has its key.
    pub(crate) fn vacancy(&mut self, record: &Record) -> Result<Vacancy, Rejection> {
        let Err(hash) = self.slots.look_up(&record.key) else {
            return Err(Rejection::KeyTaken);
        };
        self.places.clear();
        let mut taken = Vec::new();
        if record.deleted_at.is_none() {
            for index in &self.indexes {
                let found = index.find(record);
                let holder = index.forbids(record, found);
                taken.extend(holder.map(|holder| self.taken(index, holder)));
                self.places.push(found);
            }
        }
        Ok(Vacancy { hash, taken })
    }

    /// Takes a new record in at the place that was found for it.
    pub(crate) fn add(&mut self, record: Arc<Record>, vacancy: Vacancy) {
        let slot = self.slots.add(record.clone(), vacancy.hash);
        self.expiring += usize::from(record.expires_at.is_some());
        if record.deleted_at.is_some() {
            put_in(&mut self.trash, &record.key, slot);
            return;
        }
        for (index, found) in self.indexes.iter_mut().zip(self.places.drain(..)) {
            index.add_at(found, &record, slot, &self.slots);
        }
        put_in(&mut self.live, &record.key, slot);
    }

    /// Unique values of a new state of a record that somebody else has.
    pub(crate) fn taken_from(&self, old: &Record, record: &Record) -> Vec<Taken> {
        if record.deleted_at.is_some() {
            return Vec::new();
        }
        let returns = old.deleted_at.is_some();
        let unique = self
            .indexes
            .iter()
            .filter(|index| index.kind == IndexKind::Unique);
        let checked = unique.filter(|index| returns || !index.same(old, record));
        let taken = checked.filter_map(|index| {
            let holder = index.forbids(record, index.find(record))?;
            Some(self.taken(index, holder))
        });
        taken.collect()
    }

    /// The unique values that a record has now and did not have before, by column.
    pub(crate) fn takes<'r>(
        &self,
        old: Option<&'r Record>,
        record: &'r Record,
    ) -> impl Iterator<Item = (u16, &'r Value)> {
        let old = old.filter(|old| old.deleted_at.is_none());
        let unique = self
            .indexes
            .iter()
            .filter(|index| index.kind == IndexKind::Unique);
        let new = unique
            .filter(move |index| old.is_none_or(|old| !index.same(old, record)))
            .map(|index| (index.column(), record.value(index.column())));
        new.filter(|(_, value)| record.deleted_at.is_none() && !value.is_null())
    }

    fn taken(&self, index: &Index, holder: Slot) -> Taken {
        (index.column(), self.slots.get(holder).key.clone())
    }

    /// Puts a new state of a record in its slot and answers the old one. Indexes whose values stay are not touched.
    pub(crate) fn replace(&mut self, slot: Slot, record: Arc<Record>) -> Arc<Record> {
        let old = self.slots.replace(slot, record.clone());
        self.expiring =
            self.expiring + usize::from(record.expires_at.is_some()) - usize::from(old.expires_at.is_some());
        let slots = &self.slots;
        match (old.deleted_at.is_none(), record.deleted_at.is_none()) {
            (true, true) => {
                for index in self.indexes.iter_mut().filter(|index| !index.same(&old, &record)) {
                    index.remove(&old);
                    index.add(&record, slot, slots);
                }
            }
            (true, false) => {
                self.indexes.iter_mut().for_each(|index| index.remove(&old));
                take_out(&mut self.live, &record.key);
                put_in(&mut self.trash, &record.key, slot);
            }
            (false, true) => {
                self.indexes
                    .iter_mut()
                    .for_each(|index| index.add(&record, slot, slots));
                take_out(&mut self.trash, &record.key);
                put_in(&mut self.live, &record.key, slot);
            }
            (false, false) => {}
        }
        old
    }

    /// Takes a record out for good.
    pub(crate) fn remove(&mut self, slot: Slot) -> Arc<Record> {
        let record = self.slots.remove(slot);
        self.expiring -= usize::from(record.expires_at.is_some());
        if record.deleted_at.is_none() {
            self.indexes.iter_mut().for_each(|index| index.remove(&record));
            take_out(&mut self.live, &record.key);
        } else {
            take_out(&mut self.trash, &record.key);
        }
        record
    }

    /// Goes over to a new definition: keeps the indexes that it still asks for, builds the new ones, and answers the old
    /// definition and the indexes it does not ask for any more; or why not: two live records have one value in an
    /// index that is now unique.
    pub(crate) fn redefine(&mut self, definition: Arc<Table>) -> Result<(Arc<Table>, Vec<Index>), Rejection> {
        let mut fresh = Vec::new();
        for (fields, kind) in index_shapes(&definition) {
            if !self
                .indexes
                .iter()
                .any(|index| index.fields == fields && index.kind == kind)
            {
                fresh.push(self.build(Index::new(fields, kind))?);
            }
        }
        Ok(self.exchange(definition, fresh))
    }

    /// Goes back to an older definition, given the indexes that were retired when it was left.
    pub(crate) fn undefine(&mut self, definition: Arc<Table>, retired: Vec<Index>) {
        self.exchange(definition, retired);
    }

    /// Takes what a definition asks for from the indexes there are and these, and answers the rest.
    fn exchange(&mut self, definition: Arc<Table>, more: Vec<Index>) -> (Arc<Table>, Vec<Index>) {
        let mut pool = std::mem::take(&mut self.indexes);
        pool.extend(more);
        for (fields, kind) in index_shapes(&definition) {
            let place = pool
                .iter()
                .position(|index| index.fields == fields && index.kind == kind);
            self.indexes.extend(place.map(|place| pool.swap_remove(place)));
        }
        (std::mem::replace(&mut self.definition, definition), pool)
    }

    /// Enters every live record in an index.
    fn build(&self, mut index: Index) -> Result<Index, Rejection> {
        for (_, slot) in self.live.iter() {
            let record = self.slots.get(*slot);
            let found = index.find(record);
            if let Some(holder) = index.forbids(record, found) {
                return Err(refused(self.taken(&index, holder)));
            }
            index.add_at(found, record, *slot, &self.slots);
        }
        Ok(index)
    }
}

/// The refusal of a value that somebody else has.
pub(crate) fn refused((column, holder): Taken) -> Rejection {
    Rejection::UniqueTaken {
        column,
        holder: Some(holder),
    }
}

/// What indexes a table has: one for each live column that asks for one, those of several columns, and those that
/// expiry, outside ids and eviction look records up by.
fn index_shapes(definition: &Table) -> Vec<(Vec<FieldRef>, IndexKind)> {
    let own = |column: &&Column| column.has_index() && definition.key_column != Some(column.ordinal);
    let mut shapes: Vec<(Vec<FieldRef>, IndexKind)> = Vec::new();
    for column in definition.live().filter(own) {
        let kind = if column.constraints.unique {
            IndexKind::Unique
        } else {
            IndexKind::Plain
        };
        shapes.push((vec![FieldRef::Column(column.ordinal)], kind));
    }
    for columns in definition.indexes.iter().filter(|columns| !columns.is_empty()) {
        let fields: Vec<FieldRef> = columns.iter().map(|column| FieldRef::Column(*column)).collect();
        if !shapes.iter().any(|(other, _)| *other == fields) {
            shapes.push((fields, IndexKind::Plain));
        }
    }
    shapes.push((vec![FieldRef::ExpiresAt], IndexKind::Sparse));
    shapes.push((vec![FieldRef::ExternalId], IndexKind::Sparse));
    if definition.max_size.is_some() {
        shapes.push((vec![FieldRef::CreatedAt], IndexKind::Plain));
    }
    shapes
}

fn put_in(map: &mut OrderedMap<Key, Slot>, key: &Key, slot: Slot) {
    match map.find_key(key) {
        Ok(place) => *map.at_mut(place) = slot,
        Err(place) => map.insert_at(place, key.clone(), slot),
    }
}

fn take_out(map: &mut OrderedMap<Key, Slot>, key: &Key) {
    if let Ok(place) = map.find_key(key) {
        map.remove_at(place);
    }
}
