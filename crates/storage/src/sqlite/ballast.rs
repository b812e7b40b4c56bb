//! A file beside the database that holds some space back. On a full disk even deleting needs space; then this file is
//! given up, and what frees space can be written. It decides nothing about other writes than that they wait.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chancery_model::change::ChangeKind;

use super::lock::beside;
use crate::batch::{Batch, SchemaWrite, Write};

/// Space held back, in bytes.
const BALLAST_BYTES: usize = 4 * 1024 * 1024;
/// How long between attempts to hold the space back again.
const RETRY: Duration = Duration::from_secs(1);

/// The file.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    /// When it was given up, or when holding it back was last tried in vain.
    out_since: Option<Instant>,
}

impl Ballast {
    /// Holds the space back, if there is any.
    pub(super) fn hold(database: &Path) -> Ballast {
        let mut ballast = Ballast {
            path: beside(database, "ballast"),
            out_since: None,
        };
        let bytes = std::fs::metadata(&ballast.path).map_or(0, |file| file.len());
        if bytes < BALLAST_BYTES as u64 {
            ballast.write();
        }
        ballast
    }

    /// Gives the space up, because the disk is full.
    pub(super) fn give_up(&mut self) {
        if self.out_since.is_none() {
            tracing::error!("the disk is full: only deleting goes on until there is space");
        }
        let _ = std::fs::remove_file(&self.path);
        self.out_since = Some(Instant::now());
    }

    /// Whether only what frees space may be written. Tries to hold the space back again now and then.
    pub(super) fn is_out(&mut self) -> bool {
        let Some(since) = self.out_since else { return false };
        if since.elapsed() >= RETRY {
            self.write();
            if self.out_since.is_none() {
                tracing::info!("there is space on the disk again");
            }
        }
        self.out_since.is_some()
    }

    fn write(&mut self) {
        let file = std::fs::File::create(&self.path);
        // Written, not only made longer: a sparse file holds nothing back.
        let written = file.and_then(|mut file| {
            let block = vec![0; 64 * 1024];
            (0..BALLAST_BYTES / block.len()).try_for_each(|_| file.write_all(&block))
        });
        self.out_since = match written {
            Ok(()) => None,
            Err(_) => {
                let _ = std::fs::remove_file(&self.path);
                Some(Instant::now())
            }
        };
    }
}

/// Whether a batch only takes records away.
pub(super) fn frees(batch: &Batch) -> bool {
    batch.documents.is_empty()
        && batch.writes.iter().all(|write| match write {
            Write::Purge { .. } | Write::Clear { .. } | Write::Schema(SchemaWrite::Drop(_)) => true,
            Write::Update { kind, .. } => *kind == ChangeKind::Deleted,
            _ => false,
        })
}
