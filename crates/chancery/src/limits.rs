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
/// Longest value, as JSON, that an issue repeats which says that it is in use, in bytes.
pub(crate) const TOLD_VALUE_BYTES_MAX: usize = 200;
/// Most differences between two stores that a report names.
pub const DIFFERENCES_MAX: usize = 20;
/// Most findings of the doctor that are told one by one.
pub const FINDINGS_MAX: usize = 100;
/// How often expired records are removed unless said otherwise.
pub const TTL_CHECK_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);
/// Expired records that one commit removes.
pub const EXPIRED_IN_ONE_COMMIT: u64 = 1_000;
/// The change log of at least so long is kept: a writer whose answer was lost looks it up there.
pub const KEEP_CHANGES_MIN: std::time::Duration = std::time::Duration::from_secs(3_600);
/// How often, in the time that the change log is kept, what is older is let go.
pub(crate) const RETENTION_CHECKS: u32 = 24;
/// What counts as a slow query unless said otherwise, in ms.
pub const SLOW_QUERY_MS: u64 = 500;
/// Most slow queries that are kept in memory.
pub const SLOW_QUERIES_MAX: usize = 20;
/// Most steps of a record's history in one answer.
pub const HISTORY_STEPS_MAX: usize = 1_000;
/// Steps of a record that are read at once on the way back.
pub(crate) const CHAIN_AT_ONCE: usize = 64;
/// Most steps of a record that an undo looks through; beyond, the record counts as changed since.
pub(crate) const CHAIN_STEPS_MAX: usize = 10_000;
/// Most operations in one answer.
pub const OPERATIONS_MAX: usize = 200;
/// Most commits that are looked at for one page of operations; a filter that finds few then answers a short page.
pub(crate) const COMMITS_EXAMINED_MAX: usize = 10_000;
/// Most commits without changes of records that are passed over for one page of operations.
pub(crate) const COMMITS_PASSED_MAX: usize = 100_000;
/// Commits of the log that are read at once.
pub(crate) const COMMITS_AT_ONCE: usize = 500;
/// Most changes of an operation that are counted by kind; of a larger one only the sum is told.
pub const COUNTED_CHANGES_MAX: u64 = 500_000;
/// Operations whose counts are remembered.
pub(crate) const COUNTS_KEPT_MAX: usize = 1_000;
/// Changes that are read, and taken back, together: as many as one bulk may have. A larger operation is taken back in
/// several commits.
pub const UNDO_WINDOW: usize = 10_000;
/// How often an undo of several commits begins again for what waited for an older part of the operation: once for each
/// step from the record that was deleted to those that went with it.
pub(crate) const UNDO_ROUNDS_MAX: u32 = 100;
/// Most records left out that the report of an undo names; the count is always exact.
pub const UNDO_SKIPPED_TOLD_MAX: usize = 1_000;
/// How often a transaction is run, counting the first time, unless said otherwise.
pub const TRANSACTION_ATTEMPTS: u32 = 64;
/// Longest pause before a transaction is run again, in ms.
pub const TRANSACTION_PAUSE_MS_MAX: u64 = 50;
/// After how many times of being overtaken a transaction gets the store to itself for a moment.
pub(crate) const TRANSACTION_ATTEMPTS_BESIDE: u32 = 8;
/// Longest such moment, in ms.
pub(crate) const TRANSACTION_TURN_MS_MAX: u64 = 250;
/// Most records that one transaction writes.
pub const TRANSACTION_WRITES_MAX: usize = 10_000;
/// Most records that one transaction reads one by one; reads of many at once are not counted.
pub const TRANSACTION_READS_MAX: usize = 100_000;
/// Most steps of a transaction that comes as a list.
pub const TRANSACTION_STEPS_MAX: usize = 1_000;
/// Most records that are merged into one at once.
pub const MERGED_MAX: usize = 1_000;
/// Most webhooks of a store.
pub const WEBHOOKS_MAX: usize = 100;
/// Most topics of a webhook.
pub const WEBHOOK_TOPICS_MAX: usize = 50;
/// Longest URL of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_000;
/// Most bytes of a value in the vault: 1 MiB.
pub const VAULT_VALUE_BYTES_MAX: u64 = 1 << 20;
/// Most fields of the metadata of a secret.
pub const VAULT_DATA_FIELDS_MAX: usize = 64;
/// Longest name of a field of the metadata of a secret, in bytes.
pub const VAULT_DATA_NAME_BYTES_MAX: usize = 64;
/// Longest text of a field of the metadata of a secret, in bytes.
pub const VAULT_DATA_TEXT_BYTES_MAX: usize = 4_096;
/// Most reads of a secret whose reads are limited.
pub const VAULT_READS_MAX: u64 = 1_000_000;
/// Most versions of a secret that are kept: one transaction removes as many as twenty secrets have.
pub const VAULT_VERSIONS_MAX: u64 = 250;
/// Most tokens that are read at once.
pub const VAULT_TOKENS_MAX: usize = 1_000;
/// Most rows of a batch of a job.
pub const JOB_BATCH_MAX: u64 = 2_000;
/// The greatest number of rows a second that a job can be held to.
pub const JOB_ROWS_PER_SECOND_MAX: u64 = 1_000_000;
/// Most records that name those of a page and are worked on for what it shows.
pub const RELATED_ROWS_MAX: usize = 100_000;
/// Most views of a table.
pub const VIEWS_MAX: usize = 200;
/// Longest view, in bytes of JSON.
pub const VIEW_BYTES_MAX: usize = 64 * 1024;
/// Most forms of a table.
pub const FORMS_MAX: usize = 50;
/// Longest form, in bytes of JSON.
pub const FORM_BYTES_MAX: usize = 64 * 1024;
/// Most files that are kept while somebody looks at them before they are imported.
pub const IMPORT_FILES_MAX: usize = 50;
/// Most bytes of such files (16 GiB).
pub const IMPORT_FILES_BYTES_MAX: u64 = 16 << 30;
/// How long such a file is kept while nobody does anything with it, in ms: a day.
pub const IMPORT_FILE_AGE_MAX_MS: i64 = 24 * 60 * 60 * 1_000;
/// Most imports of kept files that run at the same time.
pub const IMPORTS_AT_ONCE_MAX: usize = 4;
/// Most mappings that are remembered for one table; the oldest go.
pub const MAPPINGS_OF_TABLE_MAX: usize = 20;
/// Most records that are kept apart by one word.
pub const APART_RECORDS_MAX: usize = 1_000;
/// Longest such word, in bytes of JSON: their ids.
pub const APART_BYTES_MAX: usize = 512 * 1024;
/// Most words about records kept apart in one table.
pub const APART_KEPT_MAX: usize = 10_000;
/// How long what a search for duplicates found is remembered.
pub const FIND_KEPT: std::time::Duration = std::time::Duration::from_secs(3_600);
/// Most searches for duplicates that are remembered.
pub const FINDS_KEPT_MAX: usize = 16;
/// Most searches for duplicates that go on at once.
pub const FINDS_RUNNING_MAX: usize = 4;
/// Most grants of a user or an API key.
pub const GRANTS_MAX: usize = 200;
/// Chunks of records that wait while a stream of them is held to what its reader may see.
pub const HELD_CHUNKS: usize = 2;
/// Most values that a change of field type shows for each thing that becomes of them; the counts are always exact.
pub const RETYPE_EXAMPLES_MAX: usize = 20;
/// Records that a change of field type looks at together.
pub(crate) const RETYPE_AT_ONCE: u64 = 500;
/// Records that a merge of two options changes in one commit.
pub(crate) const OPTION_MERGE_AT_ONCE: u64 = 1_000;
/// Names of records and users that an import remembers at once.
pub(crate) const LINK_NAMES_KEPT: usize = 200_000;
/// Most records of a table whose names are worked out by a template and looked for by an import.
pub const TEMPLATE_NAMES_MAX: usize = 100_000;
/// Largest file unless configured otherwise, in bytes (100 MiB).
pub const FILE_BYTES_MAX: u64 = 100 << 20;
/// Longest name of a file, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;
/// Most pixels of a picture that is unpacked for a thumbnail (50 million).
pub const PICTURE_PIXELS_MAX: u64 = 50_000_000;
/// Longest side of such a picture, in pixels.
pub const PICTURE_SIDE_MAX: u32 = 30_000;
/// Most bytes that unpacking a picture takes (256 MiB).
pub const PICTURE_UNPACKED_BYTES_MAX: u64 = 256 << 20;
/// Longest side of a thumbnail, in pixels.
pub const THUMBNAIL_SIDE: u32 = 320;
/// Thumbnails that are made at the same time.
pub const THUMBNAILS_AT_ONCE_MAX: usize = 2;
/// How long a file stays that no record names, in ms: a day.
pub const FILE_UNUSED_MAX_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long a URL works that lets somebody send or fetch a content without credentials.
pub const FILE_URL_TIME: std::time::Duration = std::time::Duration::from_secs(15 * 60);
/// Most places where a file is used that a refusal names.
pub const FILE_PLACES_TOLD_MAX: usize = 10;
/// Files that are looked at together for whether they are used.
pub(crate) const FILES_AT_ONCE: usize = 1_000;
/// Files that one sweep looks at; the next one goes on behind them.
pub const FILES_SWEPT_MAX: usize = 10_000;
