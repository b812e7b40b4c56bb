//! The way of one read: to a replica that shows what it has to, to another if that one fails, to the primary at last. It
//! knows nothing of what is read.

use std::sync::Arc;
use std::time::Duration;

use chancery_model::Table;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::READ_ATTEMPTS_MAX;
use super::connection::Connection;
use super::fault::{Fault, Pg};
use super::pool::{Lent, discard};
use super::replicas::{Replica, State};
use super::writer::Shared;
use crate::error::StorageError;

/// How long a read waits for the primary to show what a replica has shown before.
const PRIMARY_SHOWS_WITHIN: Duration = Duration::from_secs(2);
/// How often it is asked meanwhile.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(2);

/// Which servers may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The primary: it shows the newest.
    Primary,
    /// Any that shows at least this revision, and all that this process has committed or shown.
    Any(u64),
}

/// A connection on its way to answer one read.
pub(super) struct Lease {
    connection: Lent,
    replica: Option<(Arc<Replica>, watch::Receiver<State>)>,
    /// Whether the state that the read showed must be known afterwards.
    pub(super) positioned: bool,
}

impl Lease {
    /// Whether it is a replica's: what is missing there may be on its way.
    pub(super) fn is_replica(&self) -> bool {
        self.replica.is_some()
    }

    /// Counts what it answered.
    pub(super) fn count(&self, shared: &Shared) {
        match (&self.replica, self.positioned) {
            (Some((replica, _)), _) => replica.count_read(0),
            (None, true) => shared.replicas.count_primary(),
            (None, false) => {}
        }
    }

    /// What tells when the server is gone, and the connection.
    pub(super) fn parts(&mut self) -> (Guard, &mut Connection) {
        let state = self.replica.as_ref().map(|(_, state)| state.clone());
        (Guard(state), &mut self.connection)
    }
}

/// Ends what waits for a server that is gone.
pub(super) struct Guard(Option<watch::Receiver<State>>);

impl Guard {
    /// Does work unless the server is gone first.
    pub(super) async fn keep<T>(self, work: impl Future<Output = Pg<T>>) -> Pg<T> {
        let Some(mut state) = self.0 else {
            return work.await;
        };
        let gone = state.wait_for(|state| matches!(state, State::Gone(_)));
        tokio::select! {
            biased;
            done = work => done,
            _ = gone => Err(Fault::Pool("the replica does not answer any more".into())),
        }
    }
}

/// One read on its way.
pub(super) struct Route<'a> {
    shared: &'a Shared,
    source: Source,
    /// The revision that the answer has to show.
    required: u64,
    /// Replicas to try, the next one last.
    replicas: Vec<Arc<Replica>>,
    attempts: u32,
}

impl<'a> Route<'a> {
    /// The way of a read.
    pub(super) fn new(shared: &'a Shared, source: Source) -> Route<'a> {
        let (required, replicas) = match source {
            Source::Primary => (0, Vec::new()),
            Source::Any(least) => {
                let required = least.max(shared.replicas.seen());
                (required, shared.replicas.candidates(required))
            }
        };
        Route {
            shared,
            source,
            required,
            replicas,
            attempts: 0,
        }
    }

    /// The next connection to try.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if not even the primary has one, [`StorageError::Behind`] if it has not got the
    /// revision either.
    pub(super) async fn next(&mut self) -> Result<Lease, StorageError> {
        while let Some(replica) = self.replicas.pop() {
            let state = replica.follow();
            match Guard(Some(state.clone())).keep(replica.lend(self.required)).await {
                Ok(Some(connection)) => {
                    return Ok(Lease {
                        connection,
                        replica: Some((replica, state)),
                        positioned: true,
                    });
                }
                Ok(None) => {}
                Err(fault) => self.give_up_on(&replica, &fault),
            }
        }
        let connection = self.at_primary().await?;
        Ok(Lease {
            connection,
            replica: None,
            positioned: self.source != Source::Primary,
        })
    }

    /// A connection to the primary that shows what it has to.
    async fn at_primary(&self) -> Result<Lent, StorageError> {
        let (pools, replicas) = (&self.shared.pools, &self.shared.replicas);
        let outward = |fault: Fault| fault.outward(pools.name());
        let connection = pools.reader().await.map_err(outward)?;
        let Source::Any(wanted) = self.source else {
            return Ok(connection);
        };
        let deadline = Instant::now() + PRIMARY_SHOWS_WITHIN;
        while self.required > connection.position() && replicas.may_lead(self.required) {
            let newest = connection.ask_position().await.map_err(outward)?;
            replicas.see_at_primary(newest);
            if newest >= self.required {
                break;
            }
            if wanted > newest && wanted > replicas.seen() {
                return Err(StorageError::Behind { wanted, newest });
            }
            if Instant::now() >= deadline {
                // What a replica has shown is not there any more, or not yet for a long time: the newest there is.
                break;
            }
            sleep(ASK_AGAIN_AFTER).await;
        }
        Ok(connection)
    }

    /// A read is done: notes what it showed. If that cannot be asked any more, the read has failed after all.
    pub(super) async fn done(&self, lease: &mut Lease) -> Pg<()> {
        if !lease.positioned {
            return Ok(());
        }
        let (guard, connection) = lease.parts();
        let position = match connection.take_told() {
            Some(position) => position,
            None => guard.keep(connection.ask_position()).await?,
        };
        match &lease.replica {
            Some((replica, _)) => {
                self.shared.replicas.see(position);
                replica.count_read(position);
            }
            None => {
                self.shared.replicas.see_at_primary(position);
                self.shared.replicas.count_primary();
            }
        }
        Ok(())
    }

    /// A read failed: whether it may be tried again. A connection may have been lost while nobody used it, and a prepared
    /// statement or an index may belong to a definition that another program has changed. What fails on a replica says
    /// nothing: the next one is asked, and the primary at last.
    pub(super) fn failed(
        &mut self,
        lease: Lease,
        fault: Fault,
        table: Option<&Table>,
    ) -> Result<(), StorageError> {
        let outlived = fault.is_stale_statement();
        let missing = fault.is_missing_column();
        let lost = fault.is_lost();
        if let Some((replica, _)) = &lease.replica
            && !fault.is_cancelled()
        {
            self.give_up_on(replica, &fault);
            match lost {
                true => discard(lease.connection),
                false => lease.connection.statement_cache.clear(),
            }
            return Ok(());
        }
        self.attempts += 1;
        if self.attempts >= READ_ATTEMPTS_MAX || !(outlived || missing || lost) {
            return Err(fault.outward(self.shared.pools.name()));
        }
        if lost {
            discard(lease.connection);
        } else {
            lease.connection.statement_cache.clear();
        }
        if let (true, Some(table)) = (missing, table) {
            self.shared.searches.write().note(table.number, None);
        }
        Ok(())
    }

    /// A replica failed. If it seems to be gone nobody is sent there until it was asked how it is.
    fn give_up_on(&self, replica: &Replica, fault: &Fault) {
        replica.count_failure();
        if fault.is_lost() {
            replica.set(State::Gone("a connection to it broke".into()));
            self.shared.replicas.bell.notify_one();
        }
    }
}
