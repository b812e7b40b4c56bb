//! What a cache has done so far, in plain numbers. It decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was opened, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStatus {
    /// Reads that this process answered from what it holds.
    pub hits: u64,
    /// Reads that could have been, had the answer been there.
    pub misses: u64,
    /// What is held: records and answers.
    pub entries: u64,
    /// Its size in bytes, as it is estimated.
    pub bytes: u64,
    /// The shared level, if there is one.
    pub redis: Option<RedisStatus>,
}

/// What the shared level has done since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedisStatus {
    /// Answers that were found there.
    pub hits: u64,
    /// Answers that were not there, or could not be read.
    pub misses: u64,
    /// Requests that failed or took too long.
    pub errors: u64,
    /// Whether it is used.
    pub state: RedisState,
}

/// Whether the shared level is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisState {
    /// It answers.
    Up,
    /// It is left out, and tried now and then.
    Down,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
