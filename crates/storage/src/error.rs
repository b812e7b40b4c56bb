//! What can go wrong in storage, by what the caller can do about it. Foreign errors keep their text for the log only.

use crate::batch::Rejection;

/// An error of a backend.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Preconditions failed and nothing was written: read again and decide again.
    #[error("{} write(s) were refused", .0.len())]
    Rejected(Vec<(usize, Rejection)>),
    /// What was read to decide the batch is no longer so; nothing was written. The numbers are indexes into
    /// [`Batch::checks`](crate::Batch::checks): read again and decide again.
    #[error("{} thing(s) that the batch rests on changed meanwhile", .0.len())]
    Overtaken(Vec<usize>),
    /// A document's precondition failed and nothing was written.
    #[error("the {kind} {id} changed or exists already")]
    DocumentConflict {
        /// The kind.
        kind: String,
        /// The id.
        id: String,
    },
    /// Another process has the database open: stop it, or use another file.
    #[error("{path} is in use by another process")]
    Locked {
        /// The file.
        path: String,
    },
    /// The file is no database, or damaged: restore a backup.
    #[error("{path} is damaged or not a Chancery database: {detail}")]
    Damaged {
        /// The file.
        path: String,
        /// What the check found.
        detail: String,
    },
    /// The database was written by a newer program: use that one.
    #[error("the database has schema {found}, this program knows up to {known}")]
    Newer {
        /// The schema of the file.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// No space is left: free some; nothing was half-written, reads go on.
    #[error("the disk is full")]
    Full,
    /// The server cannot be reached or is too busy: try again. Nothing was written.
    #[error("{server} cannot be used now: {detail}")]
    Unavailable {
        /// The server and database, without a password.
        server: String,
        /// Why.
        detail: String,
    },
    /// The server refuses this user: another password, another user or more rights are needed.
    #[error("{server} refuses: {detail}")]
    Denied {
        /// The server and database, without a password.
        server: String,
        /// Why.
        detail: String,
    },
    /// The connection broke while a commit was on its way, and the server could not be asked since: the commit may have
    /// happened. Read again before writing again.
    #[error("it is not known whether commit {commit} happened: {detail}")]
    Unsure {
        /// The id of the commit, by which the server knows it if it happened.
        commit: String,
        /// Why.
        detail: String,
    },
    /// A read was to show a revision that is not there: wait for it, or ask for less.
    #[error("revision {wanted} is not here yet; the newest is {newest}")]
    Behind {
        /// The revision that was asked for.
        wanted: u64,
        /// The newest there is.
        newest: u64,
    },
    /// A move or restore into the database was broken off: repeat it.
    #[error("{place} is unfinished: a move or restore into it was broken off")]
    Unfinished {
        /// The file or server.
        place: String,
    },
    /// What is to be filled holds something already.
    #[error("{place} is not empty")]
    NotEmpty {
        /// The file or server.
        place: String,
    },
    /// No place is named where files are kept.
    #[error("this store keeps no files")]
    NoFiles,
    /// The URL names no backend.
    #[error("{0}")]
    Url(String),
    /// The store is closed or closing.
    #[error("the store is closed")]
    Closed,
    /// Something unforeseen; the text is for the log.
    #[error("storage failed: {0}")]
    Internal(String),
}
