//! Asks the replicas again and again how they are, and takes them out and in. It answers no read.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::{join, join_all};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

use super::fault::{Fault, Pg};
use super::pool::Lent;
use super::replicas::{Replica, State};
use super::statement::Statement;
use super::writer::Shared;

/// How often the replicas are asked.
const ASK_EVERY: Duration = Duration::from_millis(500);
/// One that does not answer for so long is gone.
const ANSWER_WITHIN: Duration = Duration::from_millis(1_500);
/// When a connection broke, how soon at most they are asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Commits of the primary that are remembered with when they were first known: some minutes of them.
const MARKS_MAX: usize = 512;
/// How many looks after a promotion it must show everything that was seen.
const SUSPICIOUS_LOOKS: u32 = 4;

/// What a server says of itself.
struct Said {
    revision: u64,
    follows: bool,
    timeline: i32,
    /// Which database of which cluster it is.
    identity: String,
}

/// Who asks, and what is known so far.
#[derive(Default)]
pub(super) struct Watcher {
    /// Which database of which cluster the primary is.
    identity: Option<String>,
    /// Newest revisions of the primary, and when each was first known: by our own clock alone, which only goes forward.
    marks: VecDeque<(u64, Instant)>,
    /// Which line of history the primary is on: another one after each promotion.
    timeline: Option<i32>,
    /// How often it may still show less than was seen before that means that commits were lost. Only a promotion loses any,
    /// but a replica may show a commit a moment before the primary does.
    suspicious_looks: u32,
}

impl Watcher {
    /// Looks again and again as long as anybody has the store.
    pub(super) async fn run(mut self, shared: Weak<Shared>, bell: Arc<Notify>) {
        loop {
            let rung = async {
                bell.notified().await;
                sleep(ASK_AGAIN_AFTER).await;
            };
            let _ = timeout(ASK_EVERY, rung).await;
            let Some(shared) = shared.upgrade() else { return };
            self.look(&shared).await;
        }
    }

    /// Asks everybody at once, and judges the replicas by what they say.
    pub(super) async fn look(&mut self, shared: &Shared) {
        let seen = shared.replicas.seen();
        let primary = within(async { ask(&shared.pools.reader().await?).await });
        let replicas = join_all(
            shared
                .replicas
                .all()
                .iter()
                .map(|replica| within(async { ask(&replica.pools.probe().await?).await })),
        );
        let (primary, answers) = join(primary, replicas).await;
        if let Ok(said) = primary {
            self.remember(said, seen, shared);
        }
        for (replica, answer) in shared.replicas.all().iter().zip(answers) {
            self.judge(replica, answer);
        }
    }

    /// What the primary says is what the replicas are measured by.
    fn remember(&mut self, said: Said, seen: u64, shared: &Shared) {
        if self.identity.replace(said.identity).is_none() {
            // A process shows nothing that is older than its start.
            shared.replicas.see_at_primary(said.revision);
        }
        let timeline = self.timeline.replace(said.timeline);
        if timeline.is_some_and(|before| before != said.timeline) {
            self.suspicious_looks = SUSPICIOUS_LOOKS;
        }
        if said.revision >= seen {
            self.suspicious_looks = 0;
        } else if self.suspicious_looks > 0 {
            self.suspicious_looks -= 1;
            if self.suspicious_looks == 0 {
                tracing::error!(
                    server = shared.pools.name(),
                    newest = said.revision,
                    seen,
                    "the primary lacks commits that were acknowledged or shown: it was replaced by a server that had not \
                     received them"
                );
                shared.replicas.unsee(seen, said.revision);
                self.marks.clear();
            }
        }
        if self
            .marks
            .back()
            .is_none_or(|(newest, _)| *newest < said.revision)
        {
            self.marks.push_back((said.revision, Instant::now()));
        }
        while self.marks.len() > MARKS_MAX {
            self.marks.pop_front();
        }
    }

    /// For how long there has been a commit that is not among those up to a revision.
    fn lag(&self, revision: u64, now: Instant) -> Duration {
        let lacking = self.marks.iter().find(|(mark, _)| *mark > revision);
        lacking.map_or(Duration::ZERO, |(_, known)| now.saturating_duration_since(*known))
    }

    fn judge(&self, replica: &Replica, answer: Result<Said, String>) {
        let state = match answer {
            Err(why) => State::Gone(why),
            Ok(said) => {
                let lag = self.lag(said.revision, Instant::now());
                replica.note(said.revision, lag);
                let lag_max = replica.pools.settings.lag_max;
                if self
                    .identity
                    .as_ref()
                    .is_some_and(|identity| *identity != said.identity)
                {
                    State::Aside("it is another database, or of another cluster, than the primary".into())
                } else if !said.follows {
                    State::Aside("it follows no primary".into())
                } else if lag > lag_max {
                    let (lag, max) = (lag.as_millis(), lag_max.as_millis());
                    State::Aside(format!("it is {lag} ms behind (lag_max_ms={max})"))
                } else {
                    State::In
                }
            }
        };
        replica.set(state);
    }
}

async fn within(asked: impl Future<Output = Pg<Said>>) -> Result<Said, String> {
    match timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(said)) => Ok(said),
        Ok(Err(fault)) => Err(format!("it cannot be asked: {}", fault.outward("the replica"))),
        Err(_) => Err(format!(
            "it did not answer within {} ms",
            ANSWER_WITHIN.as_millis()
        )),
    }
}

/// Asks a server how it is. What is wrong with the connection is wrong with the next answer too, so it is not kept then.
async fn ask(connection: &Lent) -> Pg<Said> {
    let question = Statement::new(
        "SELECT coalesce(max(revision), 0), pg_is_in_recovery(), \
         (SELECT system_identifier::text FROM pg_control_system()) || '/' || \
         (SELECT oid::text FROM pg_database WHERE datname = current_database()), \
         (SELECT timeline_id FROM pg_control_checkpoint()) FROM commits",
    );
    let rows = question.rows(connection).await?;
    let Some(row) = rows.first() else {
        return Err(Fault::Unreadable("a server said nothing of itself".into()));
    };
    Ok(Said {
        revision: row.try_get::<_, i64>(0)? as u64,
        follows: row.try_get(1)?,
        identity: row.try_get(2)?,
        timeline: row.try_get(3)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_as_late_as_the_oldest_commit_it_lacks() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut watcher = Watcher::default();
        assert_eq!(
            watcher.lag(0, start),
            Duration::ZERO,
            "nothing is known to be lacking"
        );
        watcher.marks.extend([(5, after(0)), (9, after(2))]);
        let lags = [3, 5, 8, 9].map(|revision| watcher.lag(revision, after(3)).as_secs());
        assert_eq!(lags, [3, 1, 1, 0]);
    }
}
