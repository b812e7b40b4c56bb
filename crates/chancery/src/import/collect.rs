//! What an import has come to so far: counts, and bad rows up to a limit. It writes nothing.

use chancery_model::limits;
use serde::{Deserialize, Serialize};

use super::report::RowError;
use crate::export::guard;

/// A row that was refused, as it stood in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct FailedRow {
    pub(super) row: u64,
    pub(super) cells: Vec<Option<String>>,
    pub(super) error: String,
}

/// What became of one chunk of rows.
#[derive(Debug, Default)]
pub(super) struct ChunkDone {
    pub(super) rows: u64,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) masked: u64,
    pub(super) failed: Vec<(Vec<RowError>, FailedRow)>,
    pub(super) revision: Option<u64>,
    /// Bytes of the file read up to here.
    pub(super) bytes: u64,
}

/// What became of all chunks so far.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) rows: u64,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) unchanged: u64,
    pub(super) masked: u64,
    pub(super) failed: u64,
    pub(super) errors: Vec<RowError>,
    pub(super) errors_total: u64,
    pub(super) failed_rows: Vec<FailedRow>,
    failed_bytes: usize,
    pub(super) revision: Option<u64>,
}

impl Collected {
    pub(super) fn add(&mut self, done: ChunkDone) {
        self.rows += done.rows;
        self.created += done.created;
        self.updated += done.updated;
        self.unchanged += done.unchanged;
        self.masked += done.masked;
        self.failed += done.failed.len() as u64;
        if let Some(revision) = done.revision {
            self.revision = self.revision.max(Some(revision));
        }
        for (errors, row) in done.failed {
            self.errors_total += errors.len() as u64;
            if self.failed_rows.len() >= limits::IMPORT_ERRORS_KEPT_MAX {
                continue;
            }
            let bytes: usize = row.cells.iter().flatten().map(String::len).sum::<usize>() + row.error.len();
            if self.failed_bytes + bytes > limits::IMPORT_FAILED_BYTES_MAX {
                continue;
            }
            self.failed_bytes += bytes;
            let room = limits::IMPORT_ERRORS_KEPT_MAX - self.errors.len();
            self.errors.extend(errors.into_iter().take(room));
            self.failed_rows.push(row);
        }
    }

    /// Forgets what was counted as written, after it was taken back or was never meant to be.
    pub(super) fn nothing_written(&mut self) {
        (self.created, self.updated, self.unchanged) = (0, 0, 0);
        self.revision = None;
    }
}

/// Failed rows as a file: the columns they came with, `_row` and `_error`, guarded and marked like an export.
pub(super) fn failed_rows_csv(names: &[String], rows: &[FailedRow]) -> String {
    let mut out = String::new();
    let mut header: Vec<&str> = names.iter().map(String::as_str).collect();
    header.extend([super::mapping::ROW_COLUMN, super::mapping::ERROR_COLUMN]);
    guard::write_names(&mut out, &header, b',', true);
    for row in rows {
        for index in 0..names.len() {
            if let Some(Some(cell)) = row.cells.get(index) {
                guard::write_text(&mut out, cell, b',', true);
            }
            out.push(',');
        }
        out.push_str(&row.row.to_string());
        out.push(',');
        guard::write_text(&mut out, &row.error, b',', true);
        out.push_str("\r\n");
    }
    out
}
