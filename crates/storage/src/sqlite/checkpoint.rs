//! Copies the write-ahead log into the file, on a thread and a connection of its own, so that no writer waits for it.
//! It writes no records.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use rusqlite::wal::CheckpointMode;

use super::connect;
use super::fault::outward;
use crate::error::StorageError;
use crate::open::Durability;

/// The log is copied when it has grown by this many pages. Pages that change often are then copied once for many
/// changes.
const GROWN_PAGES: u64 = 4_000;
/// A log of this many pages is copied to its end while the writer waits: only then can it start again from its
/// beginning, and under steady load it would grow for ever otherwise.
const FULL_PAGES: u64 = connect::JOURNAL_BYTES_MAX / 4_096;

/// The writer's side of the thread.
#[derive(Debug)]
pub(super) struct Checkpoints {
    bell: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages that were in the log when it was last copied or was about to be.
    copied: u64,
}

impl Checkpoints {
    /// Starts the thread.
    pub(super) fn start(path: &Path, durability: Durability) -> Result<Checkpoints, StorageError> {
        let connection = connect::visitor(path, durability).map_err(|error| outward(error, path))?;
        let (bell, rung) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new()
            .name("chancery-copy".into())
            .spawn(move || {
                while rung.recv().is_ok() {
                    copy(&connection);
                }
            });
        let thread =
            thread.map_err(|error| StorageError::Internal(format!("no thread could be started: {error}")))?;
        Ok(Checkpoints {
            bell: Some(bell),
            thread: Some(thread),
            copied: 0,
        })
    }

    /// Sees to it that a log of this many pages is copied; called by the writer between two transactions.
    pub(super) fn grown(&mut self, pages: u64, writer: &Connection) {
        self.copied = self.copied.min(pages);
        if pages >= FULL_PAGES {
            copy(writer);
            self.copied = pages;
        } else if pages - self.copied >= GROWN_PAGES {
            if let Some(bell) = &self.bell {
                // A bell that rings already will do.
                let _ = bell.try_send(());
            }
            self.copied = pages;
        }
    }

    /// Empties the log, if no reader is in the way.
    pub(super) fn empty(&mut self, writer: &Connection) -> bool {
        let _ = writer.busy_timeout(std::time::Duration::ZERO);
        let emptied = writer
            .wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE)
            .is_ok();
        let _ = writer.busy_timeout(connect::BUSY_TIMEOUT);
        if emptied {
            self.copied = 0;
        }
        emptied
    }

    /// Ends the thread.
    pub(super) fn stop(&mut self) {
        self.bell.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Copies what can be copied without waiting for readers.
fn copy(connection: &Connection) {
    if let Err(error) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE) {
        tracing::warn!(%error, "the write-ahead log could not be copied into the file");
    }
}
