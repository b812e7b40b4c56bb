//! The limits of the HTTP layer, each with its unit in its name. Limits of the domain itself are the library's.

/// Largest JSON body in bytes unless configured otherwise (32 MiB).
pub const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Largest uploaded file in bytes unless configured otherwise (2 GiB).
pub const UPLOAD_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Longest an ordinary request may take, in seconds; uploads, exports and streams are exempt.
pub const REQUEST_SECONDS_MAX: u64 = 30;
/// Requests worked on at the same time; above it the answer is 503 with `Retry-After`.
pub const CONCURRENT_REQUESTS_MAX: usize = 1_024;
/// Open connections; above it new ones wait to be accepted.
pub const CONNECTIONS_MAX: usize = 10_000;
/// How long a client may take to send the head of a request, in seconds.
pub const HEADER_SECONDS_MAX: u64 = 30;
/// Items in a list when the caller does not say.
pub const PAGE_LIMIT_DEFAULT: u32 = 100;
/// Most items in one list.
pub const PAGE_LIMIT_MAX: u32 = 1_000;
/// Most records in one bulk body.
pub const BULK_RECORDS_MAX: usize = 10_000;
/// Longest line of an NDJSON stream, in bytes (16 MiB).
pub const NDJSON_LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long an idempotency key is remembered, in hours.
pub const IDEMPOTENCY_HOURS: u64 = 24;
/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Largest answer kept for an idempotency key, in bytes; a larger one is remembered as done, without its body.
pub const IDEMPOTENCY_ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Longest request id taken over from a caller, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 128;
/// Longest cursor, in bytes.
pub const CURSOR_BYTES_MAX: usize = 8 * 1024;
/// How long connections may take to finish when the server stops, in seconds.
pub const DRAIN_SECONDS_MAX: u64 = 10;
/// Most API keys a store holds.
pub const API_KEYS_MAX: usize = 10_000;
/// Shortest password, in characters.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;
/// Backups that a server writes at the same time.
pub const BACKUPS_AT_ONCE_MAX: usize = 1;
/// Open sockets of `/api/live`; above it the answer is 503.
pub const LIVE_SOCKETS_MAX: usize = 10_000;
/// Longest frame of a socket, in bytes, either way in.
pub const LIVE_FRAME_BYTES_MAX: usize = 1024 * 1024;
/// Longest frame that a socket is sent, in bytes, unless configured otherwise (64 MiB).
pub const LIVE_ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most records that one operation on a socket answers, unless configured otherwise.
pub const LIVE_ANSWER_RECORDS_MAX: usize = 100_000;
/// Subscriptions of one socket.
pub const LIVE_SUBSCRIPTIONS_MAX: usize = 1_000;
/// Topics that one socket follows.
pub const LIVE_TOPICS_MAX: usize = 100;
/// Events of a topic that a socket sends before others get their turn.
pub const LIVE_EVENTS_AT_ONCE_MAX: usize = 1_000;
/// How long a socket may take to say who it is, in seconds.
pub const LIVE_AUTH_SECONDS_MAX: u64 = 10;
/// How often a socket is pinged, in seconds.
pub const LIVE_PING_SECONDS: u64 = 20;
/// How long a socket may be silent, pongs included, in seconds.
pub const LIVE_SILENT_SECONDS_MAX: u64 = 60;
/// How long one frame may take to leave, in seconds; then the socket is closed.
pub const LIVE_SEND_SECONDS_MAX: u64 = 60;
/// Transactions that one socket has open at once.
pub const LIVE_TRANSACTIONS_MAX: usize = 16;
/// How long a transaction of a socket may be left alone before it is rolled back, in seconds.
pub const LIVE_TRANSACTION_IDLE_SECONDS_MAX: u64 = 30;
/// How often it is checked that a session or key still holds, in seconds.
pub const LIVE_CHECK_SECONDS: u64 = 2;
/// Streams of events that are open at the same time; above it the answer is 503 with `Retry-After`.
pub const EVENT_STREAMS_MAX: usize = 1_000;
/// How long a part of a stream of events may wait to be read, in seconds; then the stream ends.
pub const EVENT_STREAM_SEND_SECONDS_MAX: u64 = 60;
/// When to come again if there are too many, in seconds.
pub const STREAM_RETRY_SECONDS: u64 = 10;
/// Most topics of one request.
pub const TOPICS_MAX: usize = 100;
/// Longest that sending one message of a webhook may take, in seconds.
pub const WEBHOOK_SECONDS_MAX: u64 = 10;
/// How often the segment of the vault's audit is closed, in seconds.
pub const VAULT_AUDIT_CLOSE_SECONDS: u64 = 10;
/// How often it is looked for jobs that a program left, in seconds.
pub const JOBS_LOOK_SECONDS: u64 = 30;
/// The greatest number of a segment of the vault's audit that every program can read: 2^53 - 1.
pub const VAULT_SEGMENT_MAX: u64 = (1 << 53) - 1;
/// Longest that a search for duplicates is waited for, and how long when nobody says, in ms.
pub const FIND_WAIT_MS_MAX: u64 = 60_000;
/// See [`FIND_WAIT_MS_MAX`].
pub const FIND_WAIT_MS_DEFAULT: u64 = 10_000;
/// Most records of a group of duplicates in one answer.
pub const GROUP_RECORDS_MAX: usize = 100;
/// How often forms may come from one address in a minute, at one server process.
pub const FORM_SUBMITS_PER_MINUTE: u32 = 30;
/// Most addresses that are counted at a time.
pub const PACED_ADDRESSES_MAX: usize = 100_000;
/// How often downloads of files are written down, in seconds: what a killed program had not written down is not counted.
pub const DOWNLOADS_KEEP_SECONDS: u64 = 10;
/// How often it is looked for files that nobody names, in seconds.
pub const FILES_SWEEP_SECONDS: u64 = 60 * 60;
