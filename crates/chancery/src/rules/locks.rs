//! Locks of this process by table, so that writes which would only overtake each other wait instead. What other processes do
//! is not held up: that the checks of a commit notice.

use std::collections::BTreeMap;
use std::sync::Arc;

use chancery_model::TableId;
use parking_lot::Mutex;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// How a table is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hold {
    /// Beside others that hold it so.
    Shared,
    /// Alone.
    Alone,
}

/// One lock for each table that has rules; as many as there are such tables.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<hashbrown::HashMap<TableId, Arc<RwLock<()>>>>);

/// A table that is held until this is dropped.
#[derive(Debug)]
pub(crate) enum Held {
    Shared { _guard: OwnedRwLockReadGuard<()> },
    Alone { _guard: OwnedRwLockWriteGuard<()> },
}

impl Locks {
    /// Holds tables. They are taken in the order of their numbers, so that two who want the same never wait for each other.
    pub(crate) async fn hold(&self, wanted: &BTreeMap<TableId, Hold>) -> Vec<Held> {
        let mut held = Vec::with_capacity(wanted.len());
        for (table, hold) in wanted {
            let lock = self.0.lock().entry(*table).or_default().clone();
            held.push(match hold {
                Hold::Shared => Held::Shared {
                    _guard: lock.read_owned().await,
                },
                Hold::Alone => Held::Alone {
                    _guard: lock.write_owned().await,
                },
            });
        }
        held
    }
}
