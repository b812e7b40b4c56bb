//! Cursors as callers see them: opaque, signed, and bound to the question they continue. Knows no order itself.

use chancery::credentials::{Fingerprint, Signer};
use chancery_api::{ErrorCode, limits};

use crate::fault::Fault;

/// Seals where a page ended, for the question it belongs to.
pub(crate) fn seal(signer: &Signer, question: &Fingerprint, place: &[u8]) -> String {
    signer.seal(&purpose(question), place)
}

/// Opens a cursor that came back with a question.
///
/// # Errors
/// 400 when it was altered, or belongs to another question.
pub(crate) fn open(signer: &Signer, question: &Fingerprint, cursor: &str) -> Result<Vec<u8>, Fault> {
    if cursor.len() > limits::CURSOR_BYTES_MAX {
        let detail = format!(
            "The cursor is longer than the limit cursorBytesMax of {}.",
            limits::CURSOR_BYTES_MAX
        );
        return Err(Fault::new(ErrorCode::InvalidCursor, detail));
    }
    signer.open(&purpose(question), cursor).ok_or_else(|| {
        Fault::new(
            ErrorCode::InvalidCursor,
            "The cursor was altered or belongs to another query.",
        )
        .hint("Take nextCursor of the page before and keep filter, sort and search as they were.")
    })
}

fn purpose(question: &Fingerprint) -> String {
    format!("cursor:{}", question.to_text())
}
