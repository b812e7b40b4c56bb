//! Records by key, in this process. It asks no backend.

use std::sync::Arc;

use chancery_model::{Key, Record, Table};
use hashbrown::DefaultHashBuilder;
use moka::Equivalent;
use moka::sync::Cache;

use super::marks::Mark;
use super::weight;

/// Where a record is held.
#[derive(Debug, Hash, PartialEq, Eq)]
struct Place {
    table: u32,
    key: Key,
}

/// The same, borrowed; it hashes alike.
#[derive(Hash)]
struct Sought<'a> {
    table: u32,
    key: &'a Key,
}

impl Equivalent<Place> for Sought<'_> {
    fn equivalent(&self, place: &Place) -> bool {
        self.table == place.table && *self.key == place.key
    }
}

/// A record, and what was known when it was read.
#[derive(Clone, Debug)]
struct Held {
    mark: Mark,
    /// A record is read as a definition has it.
    schema_version: u64,
    record: Arc<Record>,
}

/// The records that are held. What is not there is never held.
#[derive(Debug)]
pub(super) struct Records {
    cache: Cache<Place, Held, DefaultHashBuilder>,
}

impl Records {
    /// Holds as many bytes.
    pub(super) fn new(bytes: u64) -> Records {
        let weight = |place: &Place, held: &Held| {
            weight::entry(size_of::<Place>() + weight::key(&place.key) + weight::record(&held.record))
        };
        Records {
            cache: Cache::builder()
                .max_capacity(bytes)
                .weigher(weight)
                .build_with_hasher(DefaultHashBuilder::default()),
        }
    }

    /// The record with a key, if it is held and was read under this mark and definition.
    pub(super) fn find(&self, table: &Table, key: &Key, mark: Mark) -> Option<Arc<Record>> {
        let sought = Sought {
            table: table.number.0,
            key,
        };
        let held = self.cache.get(&sought)?;
        (held.mark == mark && held.schema_version == table.schema_version).then_some(held.record)
    }

    /// Holds a record that was read after the mark was learnt.
    pub(super) fn hold(&self, table: &Table, record: &Arc<Record>, mark: Mark) {
        let place = Place {
            table: table.number.0,
            key: record.key.clone(),
        };
        let held = Held {
            mark,
            schema_version: table.schema_version,
            record: record.clone(),
        };
        self.cache.insert(place, held);
    }

    /// How many records are held, and their bytes.
    pub(super) fn size(&self) -> (u64, u64) {
        self.cache.run_pending_tasks();
        (self.cache.entry_count(), self.cache.weighted_size())
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        self.cache.invalidate_all();
    }
}
