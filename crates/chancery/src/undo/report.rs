//! What is asked of an undo and what it answers. Does nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::UNDO_SKIPPED_TOLD_MAX;

/// How an operation is taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevertOptions {
    /// Answer as if done, write nothing. Of an operation larger than [`crate::limits::UNDO_WINDOW`] each part is tried by
    /// itself, so what waits for another part (a record that it refers to, a unique value, room) may be told as left out.
    pub dry_run: bool,
    /// Refuse the whole if anything of it cannot be taken back; otherwise that is left as it is and told. Of an operation
    /// larger than [`crate::limits::UNDO_WINDOW`] what seemed to wait for another part, and waited in vain, is found out by
    /// doing it: what was taken back is then done again, in commits of its own.
    pub all_or_nothing: bool,
}

/// What became of an undo.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevertReport {
    /// The undo itself, an operation that can be taken back; none if nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Arc<str>>,
    /// The operation that was taken back.
    pub reverts: Arc<str>,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// Records that are, or would be, as before; some of them only in part.
    pub reverted: u64,
    /// Other records that went, or would go, with what is removed, or that name it no more, as the columns that refer to it say. The undo
    /// changes them too, so doing the operation again brings them back.
    #[serde(default)]
    pub followed: u64,
    /// Records of which something was left as it is, each once for each reason.
    pub skipped_total: u64,
    /// The first [`UNDO_SKIPPED_TOLD_MAX`] of them.
    pub skipped: Vec<Skipped>,
    /// The newest commit of the undo; none if nothing was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
}

/// What was left as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Skipped {
    /// The table's slug.
    pub table: String,
    /// The record's key as text.
    pub key: String,
    /// The fields; empty for the whole record.
    pub fields: Vec<String>,
    /// Why.
    pub why: Why,
    /// Who changed it since, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Arc<str>>,
    /// The operation that did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Arc<str>>,
}

/// Why something was left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// It was changed since.
    Changed,
    /// It is gone for good since.
    Gone,
    /// Its key belongs to another record by now.
    KeyTaken,
    /// Another record has its unique value by now.
    Unique,
    /// A record that it refers to is gone, or another record refers to it.
    Reference,
    /// The table has a greatest size, and no room.
    Full,
    /// It would have expired by now.
    Expired,
    /// The table was dropped.
    TableGone,
}

impl Why {
    /// Whether it may be otherwise once an older part of the same operation is taken back.
    pub(super) fn may_pass(self) -> bool {
        match self {
            Why::Unique | Why::Reference | Why::Full => true,
            // A record that the operation changed and then removed, and that could not be brought back yet.
            Why::Gone => true,
            Why::Changed | Why::KeyTaken | Why::Expired | Why::TableGone => false,
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Why::Changed => "it was changed since",
            Why::Gone => "it is gone for good since",
            Why::KeyTaken => "its key belongs to another record by now",
            Why::Unique => "another record has its unique value by now",
            Why::Reference => "a reference stands in the way",
            Why::Full => "the table has no room for it",
            Why::Expired => "it would have expired by now",
            Why::TableGone => "the table was dropped",
        }
    }
}

impl RevertReport {
    /// Takes in what one window left out.
    pub(super) fn skip(&mut self, skipped: Skipped) {
        self.skipped_total += 1;
        if self.skipped.len() < UNDO_SKIPPED_TOLD_MAX {
            self.skipped.push(skipped);
        }
    }
}
