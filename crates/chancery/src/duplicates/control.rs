//! How somebody watches a search for duplicates, and stops it. Decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

/// What a search is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FindPhase {
    /// It reads the records.
    #[default]
    Reading,
    /// It puts them into blocks of records that may be alike.
    Blocking,
    /// It compares pairs of records.
    Comparing,
    /// It puts them into groups.
    Grouping,
}

impl FindPhase {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            FindPhase::Reading => "reading",
            FindPhase::Blocking => "blocking",
            FindPhase::Comparing => "comparing",
            FindPhase::Grouping => "grouping",
        }
    }
}

/// How far a search is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FindProgress {
    /// What it is doing.
    pub phase: FindPhase,
    /// Records or pieces of this phase that are done.
    pub done: u64,
    /// Of how many; 0 where nobody knows.
    pub total: u64,
}

/// Watches a search, and stops it. Clones watch the same one.
#[derive(Clone, Default)]
pub struct FindControl {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    phase: Mutex<(FindPhase, u64)>,
    done: AtomicU64,
}

impl std::fmt::Debug for FindControl {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "FindControl({:?})", self.progress())
    }
}

impl FindControl {
    /// How far it is.
    pub fn progress(&self) -> FindProgress {
        let (phase, total) = *self.inner.phase.lock();
        FindProgress {
            phase,
            done: self.inner.done.load(Ordering::Relaxed).min(total),
            total,
        }
    }

    /// Stops it at the next piece.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether it was stopped.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn enter(&self, phase: FindPhase, total: u64) {
        *self.inner.phase.lock() = (phase, total);
        self.inner.done.store(0, Ordering::Relaxed);
    }

    pub(super) fn advance(&self, done: u64) {
        self.inner.done.fetch_add(done, Ordering::Relaxed);
    }
}
