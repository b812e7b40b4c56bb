//! Where the records of a table are: an array by slot, and a hash table by key. Both hold the records themselves: whoever has a
//! key goes from the hash table to the record, and each step less is a wait for memory less. Knows no order and no state.

use std::hash::BuildHasher;
use std::sync::Arc;

use chancery_model::{Key, Record};
use hashbrown::{DefaultHashBuilder, HashTable};

/// The place of a record in its table; it keeps it as long as it exists.
pub(crate) type Slot = u32;

/// The records of a table.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    records: Vec<Option<Arc<Record>>>,
    free: Vec<Slot>,
    by_key: HashTable<(Slot, Arc<Record>)>,
    hasher: DefaultHashBuilder,
}

impl Slots {
    /// The record in a slot that is in use.
    pub(crate) fn get(&self, slot: Slot) -> &Arc<Record> {
        self.records[slot as usize]
            .as_ref()
            .expect("a slot that an index names is in use")
    }

    /// All records, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.records.iter().flatten()
    }

    /// The record with a key.
    pub(crate) fn record(&self, key: &Key) -> Option<&Arc<Record>> {
        self.look_up(key).ok().map(|(_, record)| record)
    }

    /// Where the record with a key is.
    pub(crate) fn find(&self, key: &Key) -> Option<Slot> {
        self.look_up(key).ok().map(|(slot, _)| *slot)
    }

    /// The record with a key, and where it is, or the hash with which it would be taken in.
    pub(crate) fn look_up(&self, key: &Key) -> Result<&(Slot, Arc<Record>), u64> {
        let hash = self.hasher.hash_one(key);
        self.by_key
            .find(hash, |(_, record)| record.key == *key)
            .ok_or(hash)
    }

    /// Takes a record in; its key is new and has this hash.
    pub(crate) fn add(&mut self, record: Arc<Record>, hash: u64) -> Slot {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.records[slot as usize] = Some(record.clone());
                slot
            }
            None => {
                self.records.push(Some(record.clone()));
                Slot::try_from(self.records.len() - 1).expect("memory ends before 2^32 records")
            }
        };
        let hasher = &self.hasher;
        self.by_key
            .insert_unique(hash, (slot, record), |(_, record)| hasher.hash_one(&record.key));
        slot
    }

    /// Puts a new state of a record in its slot and answers the old one.
    pub(crate) fn replace(&mut self, slot: Slot, record: Arc<Record>) -> Arc<Record> {
        let hash = self.hasher.hash_one(&record.key);
        if let Some(entry) = self.by_key.find_mut(hash, |(other, _)| *other == slot) {
            entry.1 = record.clone();
        }
        self.records[slot as usize]
            .replace(record)
            .expect("only a slot in use is replaced")
    }

    /// Takes a record out.
    pub(crate) fn remove(&mut self, slot: Slot) -> Arc<Record> {
        let hash = self.hasher.hash_one(&self.get(slot).key);
        if let Ok(entry) = self.by_key.find_entry(hash, |(other, _)| *other == slot) {
            entry.remove();
        }
        self.free.push(slot);
        self.records[slot as usize]
            .take()
            .expect("only a slot in use is emptied")
    }
}
