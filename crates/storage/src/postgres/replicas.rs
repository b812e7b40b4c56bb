//! The replicas of a server: which of them a read may be answered by, and what became of those that were. It does not ask
//! them how they are; [`super::watch`] does.
//!
//! A read of a replica is as good as one of the primary if it shows at least the revision it has to. That is asked of the
//! very connection that then reads, so no clock and no guess about the way there is part of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::fault::{Fault, Pg};
use super::pool::{Lent, Pools};
use super::settings::Settings;
use crate::error::StorageError;
use crate::read_figures::{ReadFigures, ReplicaFigures};

/// Most replicas of one server.
const REPLICAS_MAX: usize = 16;
/// On how many replicas one read is tried before the primary answers it.
const TRIED_MAX: usize = 2;
/// How long a read waits for a connection to a replica; then the primary answers it.
const LEND_WAIT: Duration = Duration::from_millis(500);
/// For how long a replica that was behind is not asked again, unless it is known to have caught up: at first about as long
/// as a replica next door takes to replay a commit, then twice as long each time it is still behind.
const BEHIND_REST: Duration = Duration::from_millis(1);
/// The longest of these.
const BEHIND_REST_MAX: Duration = Duration::from_millis(64);

/// Whether a replica is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is.
    In,
    /// Not now, though what it is asked already it may answer.
    Aside(String),
    /// It does not answer: whoever waits for it must not.
    Gone(String),
}

/// All replicas of a server.
pub(super) struct Replicas {
    all: Vec<Arc<Replica>>,
    /// The newest revision that this process has committed or shown: no later read may show less.
    seen: AtomicU64,
    /// The newest that the primary is known to show.
    shown_by_primary: AtomicU64,
    turn: AtomicUsize,
    primary_reads: AtomicU64,
    /// Rung when a replica seems to be gone.
    pub(super) bell: Arc<Notify>,
    watching: Mutex<Option<JoinHandle<()>>>,
}

/// One of them.
pub(super) struct Replica {
    pub(super) pools: Pools,
    state: watch::Sender<State>,
    /// The newest revision it was seen to have: a hint, never a proof.
    position: AtomicU64,
    rest: Mutex<Rest>,
    lag_ms: AtomicU64,
    reads: AtomicU64,
    behind: AtomicU64,
    failures: AtomicU64,
    times_out: AtomicU64,
}

/// How long a replica that was behind is left alone.
#[derive(Debug, Default)]
struct Rest {
    until: Option<Instant>,
    length: Duration,
}

impl Rest {
    fn lasts(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    /// It is behind (still, if it was before). Reads that find it so at the same time lengthen it once.
    fn lengthen(&mut self) {
        if !self.lasts() {
            self.length = (self.length * 2).clamp(BEHIND_REST, BEHIND_REST_MAX);
            self.until = Some(Instant::now() + self.length);
        }
    }
}

impl Replicas {
    /// The replicas at these URLs, none of them asked yet.
    ///
    /// # Errors
    /// [`StorageError::Url`] for what is no URL of a server, and for too many.
    pub(super) fn new(urls: &[String]) -> Result<Replicas, StorageError> {
        if urls.len() > REPLICAS_MAX {
            let detail = format!(
                "{} replicas: at most {REPLICAS_MAX} (REPLICAS_MAX) are read from",
                urls.len()
            );
            return Err(StorageError::Url(detail));
        }
        let all = urls.iter().map(|url| Replica::new(url).map(Arc::new));
        Ok(Replicas {
            all: all.collect::<Result<_, _>>()?,
            seen: AtomicU64::new(0),
            shown_by_primary: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            primary_reads: AtomicU64::new(0),
            bell: Arc::new(Notify::new()),
            watching: Mutex::new(None),
        })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Each of them.
    pub(super) fn all(&self) -> &[Arc<Replica>] {
        &self.all
    }

    /// The newest revision that this process has committed or shown.
    pub(super) fn seen(&self) -> u64 {
        self.seen.load(SeqCst)
    }

    /// Notes a revision that this process is about to show.
    pub(super) fn see(&self, revision: u64) {
        self.seen.fetch_max(revision, SeqCst);
    }

    /// Notes a revision that the primary shows, because it answered so or because it acknowledged it.
    pub(super) fn see_at_primary(&self, revision: u64) {
        self.shown_by_primary.fetch_max(revision, SeqCst);
        self.see(revision);
    }

    /// Whether the primary may not show a revision yet. A replica can be first: a primary that waits for its synchronous
    /// standby shows a commit only afterwards.
    pub(super) fn may_lead(&self, revision: u64) -> bool {
        revision > self.shown_by_primary.load(SeqCst)
    }

    /// Takes back a revision that no longer exists, unless a newer one was seen meanwhile.
    pub(super) fn unsee(&self, lost: u64, newest: u64) {
        let _ = self.seen.compare_exchange(lost, newest, SeqCst, SeqCst);
    }

    /// Counts a read that the primary answered instead.
    pub(super) fn count_primary(&self) {
        self.primary_reads.fetch_add(1, SeqCst);
    }

    /// Those that a read may be tried on, the first last. Each gets the first turn as often as the others.
    pub(super) fn candidates(&self, required: u64) -> Vec<Arc<Replica>> {
        let count = self.all.len();
        if count == 0 {
            return Vec::new();
        }
        let first = self.turn.fetch_add(1, SeqCst) % count;
        let turns = (0..count).map(|step| &self.all[(first + step) % count]);
        let mut chosen: Vec<Arc<Replica>> = turns
            .filter(|replica| replica.may_serve(required))
            .take(TRIED_MAX)
            .cloned()
            .collect();
        chosen.reverse();
        chosen
    }

    /// Keeps the task that watches over them, which ends with them.
    pub(super) fn watched_by(&self, task: JoinHandle<()>) {
        *self.watching.lock() = Some(task);
    }

    /// Lets go of the connections.
    pub(super) fn close(&self) {
        if let Some(task) = self.watching.lock().take() {
            task.abort();
        }
        for replica in &self.all {
            replica.pools.close_readers();
            replica.pools.close_writer();
        }
    }

    /// What they have done.
    pub(super) fn figures(&self) -> ReadFigures {
        ReadFigures {
            primary: self.primary_reads.load(SeqCst),
            replicas: self.all.iter().map(|replica| replica.figures()).collect(),
        }
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.close();
    }
}

impl Replica {
    fn new(url: &str) -> Result<Replica, StorageError> {
        Ok(Replica {
            pools: Pools::new(Settings::parse_replica(url)?)?,
            state: watch::Sender::new(State::Aside("it was not asked yet".into())),
            position: AtomicU64::new(0),
            rest: Mutex::default(),
            lag_ms: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            behind: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            times_out: AtomicU64::new(0),
        })
    }

    fn may_serve(&self, required: u64) -> bool {
        let rests = || self.rest.lock().lasts();
        *self.state.borrow() == State::In && (self.position.load(SeqCst) >= required || !rests())
    }

    /// Who wants to know when it is gone.
    pub(super) fn follow(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// A connection that shows at least this revision; none if the replica has not replayed it.
    pub(super) async fn lend(&self, required: u64) -> Pg<Option<Lent>> {
        let waited = timeout(LEND_WAIT, self.pools.reader()).await;
        let connection =
            waited.map_err(|_| Fault::Pool("no connection to the replica was free".into()))??;
        if connection.position() >= required {
            return Ok(Some(connection));
        }
        let position = connection.ask_position().await?;
        self.position.fetch_max(position, SeqCst);
        if position >= required {
            *self.rest.lock() = Rest::default();
            return Ok(Some(connection));
        }
        self.behind.fetch_add(1, SeqCst);
        self.rest.lock().lengthen();
        Ok(None)
    }

    /// Counts a read that it answered.
    pub(super) fn count_read(&self, position: u64) {
        self.position.fetch_max(position, SeqCst);
        self.reads.fetch_add(1, SeqCst);
    }

    /// Counts a read that failed here.
    pub(super) fn count_failure(&self) {
        self.failures.fetch_add(1, SeqCst);
    }

    /// What was found when it was asked how it is.
    pub(super) fn note(&self, revision: u64, lag: Duration) {
        self.position.store(revision, SeqCst);
        self.lag_ms
            .store(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX), SeqCst);
    }

    /// Takes it out or in, and says so in the log when that changes.
    pub(super) fn set(&self, state: State) {
        let was = self.state.send_replace(state.clone());
        let replica = self.pools.name();
        match (&was, &state) {
            (State::In, State::Aside(why) | State::Gone(why)) => {
                self.times_out.fetch_add(1, SeqCst);
                tracing::warn!(replica, why, "a replica is not read from any more");
            }
            (State::Aside(_) | State::Gone(_), State::In) => {
                tracing::info!(replica, "a replica is read from");
            }
            (State::Aside(before) | State::Gone(before), State::Aside(why) | State::Gone(why)) => {
                tracing::debug!(replica, before, why, "a replica is still not read from");
            }
            (State::In, State::In) => {}
        }
    }

    fn figures(&self) -> ReplicaFigures {
        ReplicaFigures {
            server: self.pools.name().to_owned(),
            out: match &*self.state.borrow() {
                State::In => None,
                State::Aside(why) | State::Gone(why) => Some(why.clone()),
            },
            reads: self.reads.load(SeqCst),
            behind: self.behind.load(SeqCst),
            failures: self.failures.load(SeqCst),
            times_out: self.times_out.load(SeqCst),
            revision: self.position.load(SeqCst),
            lag_ms: self.lag_ms.load(SeqCst),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reads_take_turns_and_go_only_to_those_that_are_in() {
        let urls = ["postgres://a/d".to_owned(), "postgres://b/d".to_owned()];
        let replicas = Replicas::new(&urls).expect("URLs");
        let first = || {
            replicas
                .candidates(0)
                .last()
                .map(|replica| replica.pools.name().to_owned())
        };
        assert_eq!(first(), None, "none was asked yet");
        replicas.all.iter().for_each(|replica| replica.set(State::In));
        assert_ne!(first(), first());
        replicas.all[0].set(State::Gone("killed".into()));
        assert_eq!(
            (first(), first()),
            (
                Some("postgres://b:5432/d".into()),
                Some("postgres://b:5432/d".into())
            )
        );
        let figures = replicas.figures();
        assert_eq!(
            (figures.replicas[0].out.as_deref(), figures.replicas[0].times_out),
            (Some("killed"), 1)
        );
    }

    #[test]
    fn a_replica_that_stays_behind_rests_longer_each_time_up_to_a_limit() {
        let mut rest = Rest::default();
        assert!(!rest.lasts());
        let mut lengths = Vec::new();
        for _ in 0..9 {
            rest.lengthen();
            rest.lengthen();
            lengths.push(rest.length.as_millis());
            assert!(
                rest.until
                    .is_some_and(|until| until > Instant::now() - rest.length)
            );
            rest.until = Some(Instant::now());
            assert!(!rest.lasts());
        }
        assert_eq!(lengths, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    }

    #[tokio::test]
    async fn what_was_seen_is_taken_back_only_if_nothing_newer_was() {
        let replicas = Replicas::new(&[]).expect("no URLs");
        replicas.see(9);
        replicas.unsee(9, 4);
        assert_eq!(replicas.seen(), 4);
        replicas.see(7);
        replicas.unsee(4, 1);
        assert_eq!(replicas.seen(), 7);
    }

    #[tokio::test]
    async fn more_replicas_than_the_limit_are_refused() {
        let urls = vec!["postgres://a/d".to_owned(); REPLICAS_MAX + 1];
        assert!(
            matches!(Replicas::new(&urls), Err(StorageError::Url(text)) if text.contains("REPLICAS_MAX"))
        );
    }
}
