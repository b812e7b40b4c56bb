//! The limits of the library, each with its unit in its name; those of the domain are in the model. Enforces none itself.

/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Longest e-mail address, in bytes (RFC 5321).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Most API keys of a store.
pub const API_KEYS_MAX: usize = 10_000;
/// Most users of a store.
pub const USERS_MAX: usize = 10_000;
/// Most characters of a cell that a report repeats.
pub const VALUE_CHARS_MAX: usize = 200;
/// Most differences between two stores that a report names.
pub const DIFFERENCES_MAX: usize = 20;
/// Most findings of the doctor that are told one by one.
pub const FINDINGS_MAX: usize = 100;
/// How often expired records are removed unless said otherwise.
pub const TTL_CHECK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
/// Expired records that one commit removes.
pub const EXPIRED_IN_ONE_COMMIT: u64 = 1_000;
/// What counts as a slow query unless said otherwise, in ms.
pub const SLOW_QUERY_MS: u64 = 500;
/// Most slow queries that are kept in memory.
pub const SLOW_QUERIES_MAX: usize = 20;
/// How often a transaction is run, counting the first time, unless said otherwise.
pub const TRANSACTION_ATTEMPTS: u32 = 64;
/// Longest pause before a transaction is run again, in ms.
pub const TRANSACTION_PAUSE_MS_MAX: u64 = 50;
/// Most records that one transaction writes.
pub const TRANSACTION_WRITES_MAX: usize = 10_000;
/// Most records that one transaction reads one by one; reads of many at once are not counted.
pub const TRANSACTION_READS_MAX: usize = 100_000;
/// Most steps of a transaction that comes as a list.
pub const TRANSACTION_STEPS_MAX: usize = 1_000;
