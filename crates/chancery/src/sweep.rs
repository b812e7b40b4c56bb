//! Removing documents that are not needed any longer, now and then. Which those are, whoever keeps them knows.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use chancery_storage::{Document, DocumentWrite};

/// How often they are removed, in ms.
const SWEEP_MS: i64 = 3_600_000;

/// When documents of a kind were removed last, by this process.
#[derive(Default)]
pub(crate) struct Sweep(AtomicI64);

impl Sweep {
    /// Whether it is time again; of all that ask at once, one is told so.
    pub(crate) fn is_due(&self, now: i64) -> bool {
        let swept_at = self.0.load(Relaxed);
        now - swept_at >= SWEEP_MS && self.0.compare_exchange(swept_at, now, Relaxed, Relaxed).is_ok()
    }
}

/// What removes a document.
pub(crate) fn removal(document: Document) -> DocumentWrite {
    DocumentWrite::Delete {
        kind: document.kind,
        id: document.id,
    }
}
