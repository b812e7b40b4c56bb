//! What a cache has done so far, in plain numbers. It decides nothing.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

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

/// Places that a number is spread over, so that threads that count at once do not wait for each other.
const PLACES: usize = 16;

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter([Place; PLACES]);

/// A part of a number, alone in its line of the processor's cache.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Place(AtomicU64);

/// How many threads have counted.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static PLACE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % PLACES;
}

impl Counter {
    /// One more.
    pub(super) fn count(&self) {
        // A thread that is ending has no place of its own any more.
        let place = PLACE.try_with(|place| *place).unwrap_or_default();
        self.0[place].0.fetch_add(1, Ordering::Relaxed);
    }

    /// So many.
    pub(super) fn get(&self) -> u64 {
        self.0.iter().map(|place| place.0.load(Ordering::Relaxed)).sum()
    }
}
