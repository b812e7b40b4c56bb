//! What storage tells of itself while it works, by the names that operators see. Whoever wants it installs a recorder; without
//! one nothing is kept. No record, key or name of a table is ever in it.

use std::time::Duration;

/// A group of jobs was committed together.
pub(crate) fn committed(backend: &'static str, jobs: usize, records: usize, took: Duration) {
    metrics::counter!("chancery_commits_total", "backend" => backend).increment(1);
    metrics::counter!("chancery_records_written_total", "backend" => backend).increment(records as u64);
    metrics::histogram!("chancery_commit_group_jobs", "backend" => backend).record(jobs as f64);
    metrics::histogram!("chancery_commit_seconds", "backend" => backend).record(took.as_secs_f64());
}

/// A caller that waits for the writer, as long as this lives.
pub(crate) struct Waiting(&'static str);

impl Waiting {
    /// One more waits.
    pub(crate) fn new(backend: &'static str) -> Waiting {
        metrics::gauge!("chancery_writer_waiting", "backend" => backend).increment(1);
        Waiting(backend)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics::gauge!("chancery_writer_waiting", "backend" => self.0).decrement(1);
    }
}

/// How many connections or threads that read are in use, of how many there may be.
pub(crate) fn reading(backend: &'static str, in_use: usize, of: usize) {
    metrics::gauge!("chancery_readers_in_use", "backend" => backend).set(in_use as f64);
    metrics::gauge!("chancery_readers_max", "backend" => backend).set(of as f64);
}
