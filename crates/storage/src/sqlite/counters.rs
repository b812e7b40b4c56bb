//! Counters: the last number each has given, kept in memory and written with the batch that drew. It gives no number
//! twice; a batch that is taken back gives its numbers back.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::fault::Sql;
use crate::batch::Counter;

/// The counters in use.
#[derive(Debug, Default)]
pub(super) struct Counters {
    last: HashMap<Counter, u64>,
    /// What counters were before the running batch, oldest first.
    before: Vec<(Counter, u64)>,
}

impl Counters {
    /// The last number given; 0 for none.
    pub(super) fn last(&mut self, connection: &Connection, counter: Counter) -> Sql<u64> {
        if let Some(last) = self.last.get(&counter) {
            return Ok(*last);
        }
        let (table, ordinal) = counter.place();
        let mut select =
            connection.prepare_cached("SELECT last FROM counters WHERE table_number = ? AND ordinal = ?")?;
        let last: Option<i64> = select.query_row((table, ordinal), |row| row.get(0)).optional()?;
        let last = last.unwrap_or_default() as u64;
        self.last.insert(counter, last);
        Ok(last)
    }

    /// Notes that a counter has gone as far as this.
    pub(super) fn set(&mut self, counter: Counter, last: u64) {
        let old = self.last.insert(counter, last).unwrap_or_default();
        self.before.push((counter, old));
    }

    /// Writes what the running batch drew.
    pub(super) fn write(&mut self, connection: &Connection) -> Sql<()> {
        if self.before.is_empty() {
            return Ok(());
        }
        let mut put = connection.prepare_cached(
            "INSERT INTO counters (table_number, ordinal, last) VALUES (?, ?, ?) \
             ON CONFLICT (table_number, ordinal) DO UPDATE SET last = excluded.last",
        )?;
        let mut done: Vec<Counter> = Vec::new();
        for (counter, _) in self.before.iter().rev() {
            if done.contains(counter) {
                continue;
            }
            let (table, ordinal) = counter.place();
            let last = self.last.get(counter).copied().unwrap_or_default();
            put.execute((table, ordinal, last as i64))?;
            done.push(*counter);
        }
        Ok(())
    }

    /// The running batch stays.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The running batch is taken back.
    pub(super) fn take_back(&mut self) {
        while let Some((counter, old)) = self.before.pop() {
            self.last.insert(counter, old);
        }
    }
}
