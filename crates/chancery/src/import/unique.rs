//! Which values rows of a file have taken so far, in little memory. It reads no records.
//!
//! Of each value only 96 bits of hashes with random keys are kept, 16 bytes with the row. A false alarm in a file of ten
//! million rows has odds below one in 10^14; it would refuse a row, never write a wrong one.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, RandomState};

use hashbrown::HashTable;

/// Values taken by rows.
#[derive(Default)]
pub(super) struct Taken {
    first: RandomState,
    second: RandomState,
    seen: HashTable<Entry>,
    /// Values that records of the table no longer have once the rows are written.
    freed: HashSet<u64>,
}

#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    check: u32,
    row: u32,
}

impl Taken {
    pub(super) fn hash(&self, what: &impl Hash) -> u64 {
        self.first.hash_one(what)
    }

    /// The row that has taken this, if one has.
    pub(super) fn by(&self, what: &impl Hash) -> Option<u64> {
        let hash = self.first.hash_one(what);
        let check = self.second.hash_one(what) as u32;
        let same = |entry: &Entry| entry.hash == hash && entry.check == check;
        self.seen.find(hash, same).map(|entry| u64::from(entry.row))
    }

    pub(super) fn take(&mut self, what: &impl Hash, row: u64) {
        let hash = self.first.hash_one(what);
        let check = self.second.hash_one(what) as u32;
        let entry = Entry {
            hash,
            check,
            row: u32::try_from(row).unwrap_or(u32::MAX),
        };
        self.freed.remove(&hash);
        self.seen.insert_unique(hash, entry, |entry| entry.hash);
    }

    /// A record gives this up.
    pub(super) fn free(&mut self, what: &impl Hash) {
        let hash = self.first.hash_one(what);
        let check = self.second.hash_one(what) as u32;
        let same = |entry: &Entry| entry.hash == hash && entry.check == check;
        if let Ok(entry) = self.seen.find_entry(hash, same) {
            entry.remove();
        }
        self.freed.insert(hash);
    }

    pub(super) fn freed(&self, what: &impl Hash) -> bool {
        self.freed.contains(&self.first.hash_one(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_value_names_its_row() {
        let mut taken = Taken::default();
        for row in 1..=10_000_u64 {
            assert_eq!(taken.by(&row), None);
            taken.take(&row, row);
        }
        assert_eq!(taken.by(&77_u64), Some(77));
        taken.free(&77_u64);
        assert_eq!(taken.by(&77_u64), None);
        assert!(taken.freed(&77_u64) && !taken.freed(&78_u64));
    }
}
