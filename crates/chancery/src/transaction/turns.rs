//! Turns: a transaction that others overtake again and again gets the store to itself for a moment. They bind the writers of
//! this process; what others commit is not held up. No turn lasts longer than [`TRANSACTION_TURN_MS_MAX`], so that a
//! transaction whose work waits for a write from outside of it stops nobody for good.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::limits::TRANSACTION_TURN_MS_MAX;

const LONGEST: Duration = Duration::from_millis(TRANSACTION_TURN_MS_MAX);

/// Who has the turn, and who waits for its end.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Those who want the turn get it one after the other.
    one: Mutex<()>,
    taken: AtomicBool,
    ended: Notify,
}

/// The turn; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    turns: &'t Turns,
    began: Instant,
    _one: MutexGuard<'t, ()>,
}

impl Turns {
    /// Waits for the turn and takes it.
    pub(super) async fn take(&self) -> Turn<'_> {
        let one = self.one.lock().await;
        self.taken.store(true, Ordering::SeqCst);
        Turn {
            turns: self,
            began: Instant::now(),
            _one: one,
        }
    }

    /// Waits until nobody has the turn, or until it has lasted long enough. Costs one load if nobody has.
    pub(crate) async fn wait(&self) {
        if !self.taken.load(Ordering::SeqCst) {
            return;
        }
        // Whoever waits is told of every end from here on, so the turn is looked at again after.
        let ended = self.ended.notified();
        if self.taken.load(Ordering::SeqCst) {
            // Too long is no error: the writer goes on, and the transaction is overtaken once more.
            _ = tokio::time::timeout(LONGEST, ended).await;
        }
    }
}

impl Turn<'_> {
    /// Whether others still wait for it.
    pub(super) fn lasts(&self) -> bool {
        self.began.elapsed() < LONGEST
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.turns.taken.store(false, Ordering::SeqCst);
        self.turns.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn writers_wait_for_the_end_of_a_turn_and_never_longer_than_it_may_last() {
        let turns = Arc::new(Turns::default());
        turns.wait().await;
        let turn = turns.take().await;
        let began = Instant::now();
        turns.wait().await;
        assert!(began.elapsed() >= LONGEST, "it was held");
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.wait().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(turn);
        waiting.await.expect("it ends");
        turns.wait().await;
    }
}
