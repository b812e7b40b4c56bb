//! The values of one column, each kept once, and which of them a row has. Compares nothing.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use hashbrown::HashTable;

/// What a row has that has no value.
pub(super) const BLANK: u32 = 0;

#[derive(Default)]
pub(super) struct Values {
    /// For each row the number of its value.
    pub(super) rows: Vec<u32>,
    bytes: String,
    /// Where each value ends; number 0 is the blank one.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
    hasher: BuildHasherDefault<DefaultHasher>,
    /// How many of the rows that differ in some column have a value.
    pub(super) counts: Vec<u32>,
}

impl Values {
    pub(super) fn new() -> Values {
        Values {
            ends: vec![0],
            ..Values::default()
        }
    }

    pub(super) fn push(&mut self, form: Option<&str>) {
        let number = form.map_or(BLANK, |form| self.number(form));
        self.rows.push(number);
    }

    fn number(&mut self, form: &str) -> u32 {
        let hash = self.hasher.hash_one(form);
        let (bytes, ends) = (&self.bytes, &self.ends);
        let text = |number: u32| &bytes[ends[number as usize - 1]..ends[number as usize]];
        if let Some(found) = self.numbers.find(hash, |number| text(*number) == form) {
            return *found;
        }
        let number = self.ends.len() as u32;
        let hasher = &self.hasher;
        self.numbers
            .insert_unique(hash, number, |number| hasher.hash_one(text(*number)));
        self.bytes.push_str(form);
        self.ends.push(self.bytes.len());
        number
    }

    /// Lets go of what only pushing needs.
    pub(super) fn settle(&mut self) {
        self.numbers = HashTable::new();
        self.rows.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    pub(super) fn count_rows(&mut self, rows: &[u32]) {
        self.counts = vec![0; self.ends.len()];
        for row in rows {
            self.counts[self.rows[*row as usize] as usize] += 1;
        }
    }

    /// How many different values there are, the blank one among them.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn text(&self, number: u32) -> &str {
        match number {
            BLANK => "",
            number => &self.bytes[self.ends[number as usize - 1]..self.ends[number as usize]],
        }
    }
}
