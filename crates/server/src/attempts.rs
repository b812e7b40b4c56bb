//! Slowing down who guesses: each failure of a name makes the next wait longer. Kept in memory, forgotten on restart.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chancery_api::ErrorCode;
use parking_lot::Mutex;

use crate::fault::Fault;

/// Failures that cost nothing; people mistype.
const FREE_FAILURES: u32 = 5;
/// The wait after the first failure that costs; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// How long failures are remembered after the last one.
const MEMORY: Duration = Duration::from_secs(3_600);
/// Most names remembered; the oldest go first.
const NAMES_MAX: usize = 100_000;

/// The failures of every name: an address, an e-mail.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<String, Failures>>);

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    until: Instant,
}

impl Attempts {
    /// Refuses a name that has to wait.
    ///
    /// # Errors
    /// 429 with how long.
    pub(crate) fn allow(&self, names: &[&str]) -> Result<(), Fault> {
        let now = Instant::now();
        let failures = self.0.lock();
        let until = names
            .iter()
            .filter_map(|name| failures.get(*name))
            .map(|entry| entry.until)
            .max();
        match until.filter(|until| *until > now) {
            None => Ok(()),
            Some(until) => {
                let seconds = (until - now).as_secs() + 1;
                let detail = format!("Too many failed attempts; the next is possible in {seconds} s.");
                Err(Fault::new(ErrorCode::TooManyRequests, detail).retry_after(seconds))
            }
        }
    }

    /// Counts a failure of each name.
    pub(crate) fn failed(&self, names: &[&str]) {
        let now = Instant::now();
        let mut failures = self.0.lock();
        if failures.len() >= NAMES_MAX {
            failures.retain(|_, entry| now.duration_since(entry.last) < MEMORY && entry.until > now);
        }
        for name in names {
            let entry = failures.entry((*name).to_owned()).or_insert(Failures {
                count: 0,
                last: now,
                until: now,
            });
            let stale = now.duration_since(entry.last) >= MEMORY;
            entry.count = if stale { 1 } else { entry.count.saturating_add(1) };
            entry.last = now;
            entry.until = now + wait(entry.count);
        }
    }

    /// Forgets the failures of a name after a success.
    pub(crate) fn succeeded(&self, name: &str) {
        self.0.lock().remove(name);
    }
}

fn wait(count: u32) -> Duration {
    match count.checked_sub(FREE_FAILURES) {
        None => Duration::ZERO,
        Some(beyond) => FIRST_WAIT.saturating_mul(1 << beyond.min(20)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_attempt_after_five_failures_waits() {
        let attempts = Attempts::default();
        for _ in 0..4 {
            attempts.failed(&["a@b.c"]);
            assert!(attempts.allow(&["a@b.c", "1.2.3.4"]).is_ok());
        }
        attempts.failed(&["a@b.c"]);
        assert_eq!(
            attempts.allow(&["a@b.c"]).unwrap_err().refusal().problem.code,
            ErrorCode::TooManyRequests
        );
        assert!(attempts.allow(&["other"]).is_ok());
        attempts.succeeded("a@b.c");
        assert!(attempts.allow(&["a@b.c"]).is_ok());
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        assert_eq!(
            (wait(4), wait(5), wait(7), wait(60)),
            (Duration::ZERO, FIRST_WAIT, FIRST_WAIT * 4, LONGEST_WAIT)
        );
    }
}
