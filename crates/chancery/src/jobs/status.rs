//! Jobs as people see them, and how they are asked for.

use std::time::Duration;

use chancery_model::Json;
use serde::{Deserialize, Serialize};

use crate::limits::JOB_BATCH_MAX;

/// Rows of a batch unless asked otherwise.
const BATCH: u64 = 500;

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JobState {
    /// It is worked on.
    Running,
    /// It was stopped, and goes on when it is resumed.
    Paused,
    /// It was interrupted and needs something that is kept nowhere, as passwords, to go on.
    Waiting,
    /// It is done.
    Done,
    /// It was called off; what it had done stays.
    Cancelled,
    /// It could not go on.
    Failed,
}

impl JobState {
    /// Whether nothing more comes of it.
    pub fn is_over(self) -> bool {
        matches!(self, JobState::Done | JobState::Cancelled | JobState::Failed)
    }
}

/// A job as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobStatus {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: String,
    /// How it was asked for, without anything secret.
    pub params: Json,
    /// How it stands.
    pub state: JobState,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// Rows that it has dealt with, those below included.
    pub seen: u64,
    /// Rows that there were when it began.
    pub total: u64,
    /// Rows that it changed.
    pub done: u64,
    /// Rows that it had nothing to do with.
    pub skipped: u64,
    /// Rows that it could not deal with, as they are damaged.
    pub failed: u64,
    /// Batches that were done again because others changed something in them.
    pub conflicts: u64,
    /// Rows a second, since it last began.
    pub rate: u64,
    /// How long it still takes at that rate, in ms.
    pub left_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was made, in ms since 1970.
    pub created_at: i64,
    /// When it last gave a sign of life.
    pub updated_at: i64,
    /// The id of the user or API key that asked for it.
    pub created_by: Option<String>,
}

/// How a job is done.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobOptions {
    /// Only tell what it would do.
    pub dry_run: bool,
    /// Rows of a batch: each is one commit. At most [`crate::limits::JOB_BATCH_MAX`].
    pub batch: Option<u64>,
    /// Most rows a second, to leave room for others. A batch has no more rows than that, so that the job is seen to live.
    pub rows_per_second: Option<u64>,
    /// How long it may go without a sign of life before another process takes it over: 30 s unless asked otherwise, and never less
    /// than 1 s. It gives one with each batch.
    pub silent_max: Option<Duration>,
}

impl JobOptions {
    pub(super) fn rows_of_batch(&self) -> u64 {
        let asked = self.batch.unwrap_or(BATCH).min(JOB_BATCH_MAX);
        asked.min(self.rows_per_second.unwrap_or(u64::MAX)).max(1)
    }
}
