//! What is being written and how often it was, for a backend that nobody else writes to. Holds no records.
//!
//! A fixed number of slots stands for all keys and tables; what shares a slot is given up together, which costs a read and
//! never an answer. A write marks its slots before it begins and moves them on when it is over, so a read that finds no
//! mark and the number that an entry was kept under knows that nothing was written since, and that nothing is on its way.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chancery_model::{Key, TableId};
use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;

use crate::batch::{Batch, Mode, SchemaWrite, Write};

/// Slots: 8 bytes each.
const SLOTS: usize = 16_384;
/// The part of a slot that counts writes on their way; the rest counts those that are over.
const UNDER_WAY_BITS: u32 = 24;

/// What a read learns of its slots; an entry that was kept under the same is as new as the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u64, u64);

impl Mark {
    /// As one number; of a table's mark only the first half says anything.
    pub(super) fn number(self) -> u128 {
        u128::from(self.0)
    }
}

/// The slots.
#[derive(Debug)]
pub(super) struct Marks {
    slots: Box<[AtomicU64]>,
    hasher: DefaultHashBuilder,
    /// Slots of commits whose callers went away. They may still happen, but not after one that began later.
    left: Mutex<Vec<u32>>,
}

/// What of a table a slot stands for.
#[derive(Hash)]
enum Part<'a> {
    /// One record.
    Record(&'a Key),
    /// All records, when they change together.
    Whole,
    /// Any record.
    Any,
}

impl Marks {
    /// Slots that nothing was written to.
    pub(super) fn new() -> Marks {
        Marks {
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
            hasher: DefaultHashBuilder::default(),
            left: Mutex::default(),
        }
    }

    /// How often a record was written; none while it is.
    pub(super) fn of_record(&self, table: TableId, key: &Key) -> Option<Mark> {
        Some(Mark(
            self.read(self.place(table, Part::Record(key)))?,
            self.read(self.place(table, Part::Whole))?,
        ))
    }

    /// How often any record of a table was written; none while one is.
    pub(super) fn of_table(&self, table: TableId) -> Option<Mark> {
        Some(Mark(self.read(self.place(table, Part::Any))?, 0))
    }

    /// Marks what a batch writes. What is answered is kept until the commit is over, and then told so.
    pub(super) fn begin(self: &Arc<Marks>, batch: &Batch) -> UnderWay {
        let mut slots = Vec::new();
        if batch.mode == Mode::Apply {
            for write in &batch.writes {
                self.touched(write, &mut slots);
            }
            slots.sort_unstable();
            slots.dedup();
        }
        for slot in &slots {
            self.slots[*slot as usize].fetch_add(1, Ordering::SeqCst);
        }
        // Taken over: this commit begins after those, so when it is over, they are.
        slots.append(&mut self.left.lock());
        UnderWay {
            marks: self.clone(),
            slots,
        }
    }

    fn touched(&self, write: &Write, slots: &mut Vec<u32>) {
        let mut add = |table: TableId, part: Part<'_>| slots.push(self.place(table, part));
        match write {
            // What is not there is not held, so a new record makes nothing held wrong.
            Write::Insert { table, .. } => add(table.number, Part::Any),
            Write::Update { table, record, .. } => {
                add(table.number, Part::Any);
                add(table.number, Part::Record(&record.key));
            }
            Write::Purge { table, key, .. } => {
                add(table.number, Part::Any);
                add(table.number, Part::Record(key));
            }
            Write::Clear { table }
            | Write::Schema(
                SchemaWrite::Create(table)
                | SchemaWrite::Drop(table)
                | SchemaWrite::Change { after: table, .. },
            ) => {
                add(table.number, Part::Any);
                add(table.number, Part::Whole);
            }
        }
    }

    fn place(&self, table: TableId, part: Part<'_>) -> u32 {
        (self.hasher.hash_one((table, part)) % SLOTS as u64) as u32
    }

    fn read(&self, place: u32) -> Option<u64> {
        let slot = self.slots[place as usize].load(Ordering::SeqCst);
        let quiet = slot & ((1 << UNDER_WAY_BITS) - 1) == 0;
        quiet.then_some(slot >> UNDER_WAY_BITS)
    }
}

/// A commit that is not over. Dropped before, it may still happen: its slots stay marked until a later one is over.
#[derive(Debug)]
pub(super) struct UnderWay {
    marks: Arc<Marks>,
    slots: Vec<u32>,
}

impl UnderWay {
    /// The commit is over, done or refused.
    pub(super) fn over(mut self) {
        for slot in std::mem::take(&mut self.slots) {
            // One less on its way and one more over, in one step.
            self.marks.slots[slot as usize].fetch_add((1 << UNDER_WAY_BITS) - 1, Ordering::SeqCst);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.slots.is_empty() {
            self.marks.left.lock().append(&mut self.slots);
        }
    }
}

#[cfg(test)]
mod tests {
    use chancery_model::Table;

    use super::*;

    const TABLE: TableId = TableId(7);

    fn purge(key: i64) -> Batch {
        let table = Arc::new(Table {
            number: TABLE,
            ..Table::default()
        });
        Batch {
            writes: vec![Write::purge(&table, &Key::Int(key), None)],
            ..Batch::default()
        }
    }

    #[test]
    fn a_record_is_marked_while_it_is_written_and_moved_on_after() {
        let marks = Arc::new(Marks::new());
        let before = marks.of_record(TABLE, &Key::Int(1)).expect("quiet");
        let (one, other) = (marks.begin(&purge(1)), marks.begin(&purge(1)));
        one.over();
        assert_eq!(
            marks.of_record(TABLE, &Key::Int(1)),
            None,
            "the other is on its way"
        );
        assert_eq!(marks.of_table(TABLE), None);
        other.over();
        let after = marks.of_record(TABLE, &Key::Int(1)).expect("quiet");
        assert_ne!(after, before);
        assert!(marks.of_table(TABLE).is_some());
    }

    #[test]
    fn what_its_caller_left_stays_marked_until_a_later_commit_is_over() {
        let marks = Arc::new(Marks::new());
        let earlier = marks.begin(&purge(2));
        drop(marks.begin(&purge(1)));
        earlier.over();
        assert_eq!(marks.of_record(TABLE, &Key::Int(1)), None);
        marks.begin(&Batch::default()).over();
        assert!(marks.of_record(TABLE, &Key::Int(1)).is_some());
    }

    #[test]
    fn a_commit_that_is_left_too_hands_on_what_it_took_over() {
        let marks = Arc::new(Marks::new());
        drop(marks.begin(&purge(1)));
        drop(marks.begin(&purge(2)));
        assert_eq!(marks.of_record(TABLE, &Key::Int(1)), None);
        marks.begin(&Batch::default()).over();
        assert!(marks.of_record(TABLE, &Key::Int(1)).is_some());
        assert!(marks.of_record(TABLE, &Key::Int(2)).is_some());
    }

    #[test]
    fn a_rehearsal_marks_nothing() {
        let marks = Arc::new(Marks::new());
        let rehearsal = Batch {
            mode: Mode::Rehearse,
            ..purge(1)
        };
        let _under_way = marks.begin(&rehearsal);
        assert!(marks.of_record(TABLE, &Key::Int(1)).is_some());
    }
}
