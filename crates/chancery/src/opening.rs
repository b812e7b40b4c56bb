//! How a store is opened: what its owner may choose. Opens none.

use std::time::Duration;

use chancery_storage::{CacheOptions, Durability};

use crate::clock::Clock;
use crate::files::FilesOptions;
use crate::limits::{SLOW_QUERY_MS, TTL_CHECK_INTERVAL};

/// How a store is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// When a write is acknowledged: when it is on the disk (the default), or earlier.
    pub durability: Durability,
    /// How much is cached, and where the level is that several processes share.
    pub cache: CacheOptions,
    /// The URLs of PostgreSQL servers that follow the one that is opened. Records are read there as long as what is read
    /// shows everything that this process has written or shown before; see [`Store::at_least`].
    pub replicas: Vec<String>,
    /// Queries that take at least so long are told to the log, in ms; none are if absent.
    pub slow_query_ms: Option<u64>,
    /// How often expired records are removed; zero for never, then [`Store::purge_ttl`] does it. Nobody sees them either way.
    pub ttl_check_interval: Duration,
    /// How long the change log is kept; forever if absent. See [`Store::forget_changes`].
    pub keep_changes: Option<Duration>,
    /// Where files are kept, and how large they may be.
    pub files: FilesOptions,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Default for OpenOptions {
    fn default() -> OpenOptions {
        OpenOptions {
            durability: Durability::default(),
            cache: CacheOptions::default(),
            replicas: Vec::new(),
            slow_query_ms: Some(SLOW_QUERY_MS),
            ttl_check_interval: TTL_CHECK_INTERVAL,
            keep_changes: None,
            files: FilesOptions::default(),
            clock: Clock::default(),
        }
    }
}

impl std::fmt::Debug for OpenOptions {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A URL may hold a password.
        out.debug_struct("OpenOptions")
            .field("durability", &self.durability)
            .field("cache", &self.cache)
            .field("replicas", &self.replicas.len())
            .field("slow_query_ms", &self.slow_query_ms)
            .field("ttl_check_interval", &self.ttl_check_interval)
            .field("keep_changes", &self.keep_changes)
            .field("files", &self.files)
            .field("clock", &self.clock)
            .finish()
    }
}
