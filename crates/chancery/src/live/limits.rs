//! The limits of live queries, each with its unit in its name. Enforces none itself.

/// Most subscriptions of a store, of all its handles together.
pub const LIVE_SUBSCRIPTIONS_MAX: usize = 100_000;
/// Most pushes that wait for one subscriber; beyond it they collapse into one fresh result.
pub const LIVE_PUSHES_MAX: usize = 64;
/// Most records that waiting pushes of one subscriber hold; beyond it they collapse too.
pub const LIVE_PUSHED_RECORDS_MAX: usize = 4_096;
/// Most records of one live list, or how far its window may reach into its order.
pub const LIVE_RECORDS_MAX: usize = 100_000;
/// Records kept behind a window, so that those that leave it are followed by others without a read.
pub const WINDOW_RESERVE: usize = 50;
/// Changes of the log that are read at once.
pub const CHANGES_AT_ONCE_MAX: usize = 1_000;
/// How many steps a record is followed back in the log to know what it was; beyond it its subscriptions are read again.
pub const STEPS_BACK_MAX: usize = 64;
/// How often a result is read while its records change, before it is made out of the records themselves.
pub const READS_UNTIL_EXACT_MAX: usize = 4;
/// How often a result is read at most: more steps came than are kept, each time.
pub const READS_MAX: usize = 32;
/// Steps that are kept for a result while it is read; beyond it it is read again.
pub const STEPS_WHILE_READ_MAX: usize = 10_000;
/// How often the feed looks by itself when nothing is said to be new, in seconds.
pub const LOOK_SECONDS: u64 = 5;
/// Most declarative queries of a workspace.
pub const QUERIES_MAX: usize = 1_000;
/// Longest declarative query as JSON, in bytes.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a declarative query, in characters.
pub const QUERY_NAME_CHARS_MAX: usize = 100;
