//! Removing expired records, now and then or when asked. Nobody sees them anyway: reads judge each record by the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use chancery_model::change::Reason;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Boundary, Plan, Scope, SortKey, Window};
use chancery_model::{Record, Table, Value};
use chancery_storage::{OnReject, StorageError, Write};

use crate::error::Error;
use crate::limits::EXPIRED_IN_ONE_COMMIT;
use crate::rules::Unsettled;
use crate::store::{Commit, Store};

/// The sweep of a store.
#[derive(Debug)]
pub(crate) struct Expiry {
    interval: Duration,
    /// Whether it runs.
    runs: AtomicBool,
}

impl Expiry {
    pub(crate) fn new(interval: Duration) -> Expiry {
        Expiry {
            interval,
            runs: AtomicBool::new(false),
        }
    }

    /// How often expired records are removed; zero for never.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }
}

/// Starts the sweep as soon as there is a table whose records expire. It ends with the store, or when no such table is left.
pub(crate) fn keep_swept(store: &Store) {
    let core = &store.core;
    let expiry = &core.expiry;
    if expiry.interval.is_zero() || !core.catalog.load().expires || expiry.runs.swap(true, Relaxed) {
        return;
    }
    let (interval, core) = (expiry.interval, Arc::downgrade(core));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(interval).await;
            let Some(store) = core.upgrade().map(Store::of) else {
                return;
            };
            let tables: Vec<Arc<Table>> = store.core.catalog.load().all().cloned().collect();
            match store.remove_expired(&tables).await {
                Ok(_) => {}
                Err(Error::Storage(StorageError::Closed)) => return,
                // Another process may do the same at this moment; what is left is found the next time.
                Err(error) => tracing::debug!(%error, "expired records were not removed"),
            }
            if !store.core.catalog.load().expires {
                store.core.expiry.runs.store(false, Relaxed);
                // A table that came between the two lines starts it again.
                return keep_swept(&store);
            }
        }
    });
}

impl Store {
    /// Removes the expired records of the workspace, with what refers to them, and answers how many have expired.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), chancery::Error> {
    /// use chancery::{Store, json};
    ///
    /// let store = Store::open("memory:").await?;
    /// let session = json!({"key": "id", "ttl": "1h", "schema": {"id": {"type": "string"}}});
    /// store.define_bucket("sessions", &session).await?.insert(json!({"id": "a"})).await?;
    /// assert_eq!(store.purge_ttl().await?, 0);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn purge_ttl(&self) -> Result<u64, Error> {
        let tables = self.core.catalog.load().tables(&self.workspace);
        self.remove_expired(&tables).await
    }

    async fn remove_expired(&self, tables: &[Arc<Table>]) -> Result<u64, Error> {
        let mut removed = 0;
        for table in tables.iter().filter(|table| table.ttl_ms.is_some()) {
            removed += self.remove_expired_of(table, Scope::Live).await?;
            if table.soft_delete {
                removed += self.remove_expired_of(table, Scope::Trash).await?;
            }
        }
        Ok(removed)
    }

    /// Removes in batches, the oldest first. What something far away restricts is left, and what comes after it is not.
    async fn remove_expired_of(&self, table: &Arc<Table>, scope: Scope) -> Result<u64, Error> {
        let (mut removed, mut after) = (0, None);
        let store = self.repeatable();
        loop {
            let now = store.now();
            let plan = expired(table, scope, now, after.take());
            let found = store.core.backend.query(&plan).await?;
            let Some(last) = found.last() else {
                return Ok(removed);
            };
            let full = found.len() as u64 == EXPIRED_IN_ONE_COMMIT;
            let boundary = plan.boundary(last);
            let purge = |record: &Arc<Record>| Write::purge(table, &record.key, None);
            let how = Commit {
                on_reject: OnReject::Skip,
                reason: Reason::Ttl,
                ..Commit::default()
            };
            let settled = match store.write(found.iter().map(purge).collect(), now, how).await {
                Ok(settled) => settled,
                // The table changed meanwhile: the next sweep knows its new definition.
                Err(Unsettled::Refused(_)) => return Ok(removed),
                Err(Unsettled::Failed(error)) => return Err(error),
            };
            removed += settled.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64;
            if !full {
                return Ok(removed);
            }
            after = Some(boundary);
        }
    }
}

/// The records of a table that have expired. Only those that are not in the trash are found by an index, so the two are asked
/// for apart.
fn expired(table: &Arc<Table>, scope: Scope, now: i64, after: Option<Boundary>) -> Plan {
    let limit = EXPIRED_IN_ONE_COMMIT;
    Plan {
        filter: Filter::Field(FieldRef::ExpiresAt, Test::Le(Value::Int(now))),
        scope,
        sort: vec![SortKey {
            field: FieldRef::ExpiresAt,
            descending: false,
            nulls_first: false,
        }],
        window: match after {
            None => Window::Offset { offset: 0, limit },
            Some(boundary) => Window::After { boundary, limit },
        },
        // Expiry is what is asked for, so it must hide nothing.
        ..Plan::all(table.clone(), i64::MIN)
    }
}
