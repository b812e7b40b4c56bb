//! What the log says further on: where records were removed that are not there any more. Keeps places, no values, and never
//! more of them than a limit.

use std::collections::HashMap;

use chancery_model::change::ChangeKind;
use chancery_model::{Key, TableId};
use chancery_storage::Backend;

use crate::error::Error;
use crate::follow::READ_AT_ONCE;

/// Most removals that are remembered; beyond it the log is read again for each window that asks.
const REMOVALS_MAX: usize = 100_000;

/// A record after a change.
pub(super) type Place = (TableId, Key, u64);

/// The removals between where a reader is and where it has looked.
#[derive(Default)]
pub(super) struct Ahead {
    /// Every removal up to this change is known, from the reader's place on.
    looked: u64,
    removals: HashMap<(TableId, Key), Vec<u64>>,
    clears: HashMap<TableId, Vec<u64>>,
    held: usize,
}

/// What is known of a record after a change.
enum Known {
    /// Removed by this change.
    Removed(u64),
    /// Went with its whole table.
    Cleared,
    /// Nothing yet.
    Nothing,
}

impl Ahead {
    /// Forgets what a reader has passed.
    pub(super) fn passed(&mut self, number: u64) {
        if number >= self.looked {
            *self = Ahead {
                looked: number,
                ..Ahead::default()
            };
        } else if self.held >= REMOVALS_MAX {
            self.removals.retain(|_, numbers| {
                numbers.retain(|removal| *removal > number);
                !numbers.is_empty()
            });
            self.clears
                .values_mut()
                .for_each(|numbers| numbers.retain(|clear| *clear > number));
            self.held = self.removals.values().map(Vec::len).sum();
        }
    }

    /// For each record the change that removed it next after the one named; none if it went with its whole table, or is there.
    pub(super) async fn removals(
        &mut self,
        backend: &dyn Backend,
        wanted: &[Place],
    ) -> Result<Vec<Option<u64>>, Error> {
        let mut found: Vec<Option<u64>> = vec![None; wanted.len()];
        let mut open: HashMap<(TableId, Key), usize> = HashMap::new();
        for (index, (table, key, after)) in wanted.iter().enumerate() {
            match self.known(*table, key, *after) {
                Known::Removed(number) => found[index] = Some(number),
                Known::Cleared => {}
                Known::Nothing => {
                    open.insert((*table, key.clone()), index);
                }
            }
        }
        let mut at = self.looked;
        while !open.is_empty() {
            let changes = backend.changes(at, READ_AT_ONCE).await?;
            let Some(last) = changes.last() else { break };
            let keep = self.held < REMOVALS_MAX;
            at = last.number;
            for change in &changes {
                match (&change.key, change.kind) {
                    (Some(key), kind) if kind.removes() => {
                        let place = (change.table, key.clone());
                        if let Some(index) = open.remove(&place) {
                            found[index] = Some(change.number);
                        }
                        if keep {
                            self.removals.entry(place).or_default().push(change.number);
                            self.held += 1;
                        }
                    }
                    (_, ChangeKind::Cleared) => {
                        open.retain(|(table, _), _| *table != change.table);
                        if keep {
                            self.clears.entry(change.table).or_default().push(change.number);
                        }
                    }
                    _ => {}
                }
            }
            if keep {
                self.looked = at;
            }
        }
        Ok(found)
    }

    fn known(&self, table: TableId, key: &Key, after: u64) -> Known {
        let next = |numbers: &Vec<u64>| numbers.iter().copied().find(|number| *number > after);
        let removed = self.removals.get(&(table, key.clone())).and_then(next);
        let cleared = self.clears.get(&table).and_then(next);
        match (removed, cleared) {
            (Some(removed), Some(cleared)) if cleared < removed => Known::Cleared,
            (Some(removed), _) => Known::Removed(removed),
            (None, Some(_)) => Known::Cleared,
            (None, None) => Known::Nothing,
        }
    }
}
