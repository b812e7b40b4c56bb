//! Records in chunks from one snapshot, on a connection that is held for as long as they are taken. What breaks before the
//! first of them may be tried elsewhere; afterwards it cannot, since no other connection has that snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use chancery_model::Record;
use chancery_model::query::{Plan, Window};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::connection::{Connection, POSITION};
use super::fault::{Fault, Pg};
use super::pipeline::AsClient;
use super::read;
use super::relation::Relation;
use super::route::Lease;
use super::select;
use super::statement::Statement;
use super::writer::Shared;
use crate::error::StorageError;

/// How long a stream may wait for whoever takes its records, in ms: it holds a connection and a snapshot.
pub(super) const IDLE_MS: u64 = 600_000;

/// Where chunks go.
type Sender = mpsc::Sender<Result<Vec<Arc<Record>>, StorageError>>;

/// A stream that failed before its state was fixed, with what it was given.
pub(super) struct NotBegun {
    pub(super) lease: Lease,
    pub(super) fault: Fault,
    pub(super) permit: OwnedSemaphorePermit,
}

/// Starts a task that sends the records of a plan, and waits until the state that they are from is fixed.
pub(super) async fn begin(
    shared: &Arc<Shared>,
    mut lease: Lease,
    plan: &Plan,
    searched: Option<Arc<str>>,
    sender: Sender,
    permit: OwnedSemaphorePermit,
) -> Result<(), Box<NotBegun>> {
    let relation = shared.relations.get(&plan.table);
    let (plan, shared) = (plan.clone(), shared.clone());
    let (begun, began) = oneshot::channel();
    tokio::spawn(async move {
        let mut begun = Some(begun);
        let start = Start {
            begun: &mut begun,
            shared: &shared,
            positioned: lease.positioned,
        };
        let is_replica = lease.is_replica();
        let (guard, client) = lease.parts();
        let sent = guard
            .keep(send(
                client,
                &relation,
                &plan,
                searched.as_deref(),
                &sender,
                start,
            ))
            .await;
        match (sent, begun) {
            (Err(fault), Some(begun)) => {
                let not_begun = NotBegun { lease, fault, permit };
                drop(begun.send(Err(Box::new(not_begun))));
            }
            (Err(fault), None) => {
                let server = shared.pools.name();
                tracing::debug!(server, is_replica, "a stream broke off");
                drop(sender.send(Err(fault.outward(server))).await);
            }
            (Ok(()), _) => lease.count(&shared),
        }
    });
    // A task that ends without a word was ended with the program.
    began.await.unwrap_or(Ok(()))
}

/// What is done when the state is fixed.
struct Start<'a> {
    begun: &'a mut Option<oneshot::Sender<Result<(), Box<NotBegun>>>>,
    shared: &'a Shared,
    positioned: bool,
}

impl Start<'_> {
    /// Lets whoever waits go on. A connection inside the snapshot tells exactly what will be shown.
    async fn fixed(self, client: &impl AsClient) -> Pg<()> {
        if self.positioned {
            let position = Statement::new(POSITION);
            let position = position.number(client.as_client()).await?;
            self.shared.replicas.see(position as u64);
        }
        if let Some(begun) = self.begun.take() {
            let _ = begun.send(Ok(()));
        }
        Ok(())
    }
}

async fn send(
    client: &mut Connection,
    relation: &Relation,
    plan: &Plan,
    searched: Option<&str>,
    sender: &Sender,
    start: Start<'_>,
) -> Pg<()> {
    if select::selection(plan, relation, searched).reverse {
        // Only pages are asked for backwards, and a page fits in memory.
        let records = read::query(client, relation, plan, searched).await?;
        start.fixed(client).await?;
        let _ = sender.send(Ok(records)).await;
        return Ok(());
    }
    let snapshot = read::snapshot(client).await?;
    // The first statement of the transaction fixes the state that all of it sees.
    snapshot
        .batch_execute(&format!(
            "SET LOCAL idle_in_transaction_session_timeout = {IDLE_MS}; SELECT 1"
        ))
        .await?;
    let ranked = match plan.window {
        Window::All => plan.unranked(),
        _ => None,
    };
    let walked = ranked.as_ref().unwrap_or(plan);
    let (mut start, mut rank, mut others) = (Some(start), 0, BTreeSet::new());
    loop {
        let selection = select::selection(walked, relation, searched);
        let mut chunks = read::Chunks::new(&snapshot, relation, walked, selection);
        loop {
            // A table that is not there is found out by the first, while it can still be looked for elsewhere.
            let next = chunks.next().await?;
            if let Some(start) = start.take() {
                start.fixed(&snapshot).await?;
            }
            let Some(mut chunk) = next else { break };
            if ranked.is_some() {
                chunk.retain(|record| {
                    let its = plan.rank(record);
                    if its > rank {
                        others.insert(its);
                    }
                    its == rank
                });
            }
            if !chunk.is_empty() && sender.send(Ok(chunk)).await.is_err() {
                return Ok(());
            }
        }
        // What is ranked is walked once for each rank there is: nothing is held to be sorted.
        match others.pop_first() {
            Some(next) => rank = next,
            None => return Ok(()),
        }
    }
}
