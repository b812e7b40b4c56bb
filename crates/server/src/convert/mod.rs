//! The one border between what is on the wire and what the library means. Decides nothing; loses nothing.

pub mod access;
pub mod columns;
pub mod duplicates;
pub mod events;
pub(crate) mod faults;
pub(crate) mod fields;
pub mod files;
pub mod history;
pub mod import_jobs;
pub mod imports;
pub mod jobs;
pub mod queries;
pub mod records;
pub mod retype;
pub mod tables;
pub mod vault;
mod vault_faults;

use chancery::model::time::instant_text;

/// A time in ms as RFC 3339 in UTC.
pub fn time(ms: i64) -> String {
    instant_text(ms)
}

/// An optional time.
pub fn maybe_time(ms: Option<i64>) -> Option<String> {
    ms.map(instant_text)
}

/// A text, or nothing where there is none.
pub(crate) fn maybe_text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
