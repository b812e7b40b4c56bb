//! Removing expired records, now and then or when asked. Nobody sees them anyway: reads judge each record by the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use chancery_model::change::Reason;
use chancery_model::filter::{FieldRef, Filter, Test};
use chancery_model::query::{Boundary, Plan, Scope, SortKey, Window};
use chancery_model::{Record, Table, Value};
use chancery_storage::{Check, OnReject, StorageError, Write};

use crate::catalog::DEFAULT_WORKSPACE;
use crate::error::Error;
use crate::limits::EXPIRED_IN_ONE_COMMIT;
use crate::records::ATTEMPTS;
use crate::rules::Unsettled;
use crate::store::{Commit, Core, Store};

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
pub(crate) fn keep_swept(core: &Arc<Core>) {
    let expiry = &core.expiry;
    if expiry.interval.is_zero() || !core.catalog.load().expires || expiry.runs.swap(true, Relaxed) {
        return;
    }
    let (interval, core) = (expiry.interval, Arc::downgrade(core));
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(interval).await;
            let Some(store) = core.upgrade().map(|core| Store::of(core, DEFAULT_WORKSPACE)) else {
                return;
            };
            let tables: Vec<Arc<Table>> = store.core.catalog.load().all().cloned().collect();
            // Any other failure is logged where it happens.
            if let Err(Error::Storage(StorageError::Closed)) = store.remove_expired(&tables).await {
                return;
            }
            if !store.core.catalog.load().expires {
                store.core.expiry.runs.store(false, Relaxed);
                // A table that came between the two lines starts it again.
                return keep_swept(&store.core);
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
    /// A record to which more refer than one commit may take along is left, which is logged.
    ///
    /// # Errors
    /// [`Error::Storage`], after whatever else could be removed was.
    pub async fn purge_ttl(&self) -> Result<u64, Error> {
        let tables = self.core.catalog.load().tables(&self.workspace);
        self.remove_expired(&tables).await
    }

    /// Removes what it can: one table that cannot be swept holds up no other. Answers the first failure if there is one.
    async fn remove_expired(&self, tables: &[Arc<Table>]) -> Result<u64, Error> {
        let (mut removed, mut failed) = (0, None);
        for table in tables.iter().filter(|table| table.ttl_ms.is_some()) {
            let scopes: &[Scope] = match table.soft_delete {
                true => &[Scope::Live, Scope::Trash],
                false => &[Scope::Live],
            };
            for scope in scopes {
                match self.remove_expired_of(table, *scope).await {
                    Ok(count) => removed += count,
                    Err(error @ Error::Storage(StorageError::Closed)) => return Err(error),
                    Err(error) => {
                        // Another process may do the same at this moment; what is left is found the next time.
                        if matches!(error, Error::Storage(StorageError::Overtaken(_))) {
                            tracing::debug!(table = table.slug, %error, "expired records were not removed");
                        } else {
                            tracing::warn!(table = table.slug, %error, "expired records were not removed");
                        }
                        failed.get_or_insert(error);
                    }
                }
            }
        }
        match failed {
            None => Ok(removed),
            Some(error) => Err(error),
        }
    }

    /// Removes in batches, the oldest first: smaller ones while those that refer to them are too many for one commit. A record
    /// to which too many refer by itself is left.
    async fn remove_expired_of(&self, table: &Arc<Table>, scope: Scope) -> Result<u64, Error> {
        let (mut removed, mut after, mut most) = (0, None, EXPIRED_IN_ONE_COMMIT);
        let mut overtaken = 0;
        let store = self.repeatable();
        loop {
            let now = store.now();
            let plan = expired(table, scope, now, most, after.clone());
            let found = store.core.backend.query(&plan).await?;
            let Some(last) = found.last() else {
                return Ok(removed);
            };
            match store.purge_expired(table, &found, now).await {
                Ok(count) => removed += count,
                // Somebody made a new record in the place of one of them, or swept it: look again.
                Err(Unsettled::Failed(Error::Storage(StorageError::Overtaken(_))))
                    if overtaken < ATTEMPTS =>
                {
                    overtaken += 1;
                    continue;
                }
                Err(Unsettled::Failed(Error::Limit { .. })) if found.len() > 1 => {
                    most = found.len() as u64 / 2;
                    continue;
                }
                Err(Unsettled::Failed(error @ Error::Limit { .. })) => {
                    tracing::warn!(table = table.slug, %error, "an expired record was not removed");
                }
                // The table changed meanwhile: the next sweep knows its new definition.
                Err(Unsettled::Refused(_)) => return Ok(removed),
                Err(Unsettled::Failed(error)) => return Err(error),
            }
            if (found.len() as u64) < most {
                return Ok(removed);
            }
            after = Some(plan.boundary(last));
            most = (most * 2).min(EXPIRED_IN_ONE_COMMIT);
            overtaken = 0;
        }
    }

    /// Purges records, as long as they are those that were found.
    async fn purge_expired(
        &self,
        table: &Arc<Table>,
        found: &[Arc<Record>],
        now: i64,
    ) -> Result<u64, Unsettled> {
        let purge = |record: &Arc<Record>| Write::purge(table, &record.key, None);
        let check = |record: &Arc<Record>| Check::Record {
            table: table.number,
            key: record.key.clone(),
            change: record.change,
        };
        let how = Commit {
            on_reject: OnReject::Skip,
            reason: Reason::Ttl,
            checks: found.iter().map(check).collect(),
            ..Commit::default()
        };
        let settled = self.write(found.iter().map(purge).collect(), now, how).await?;
        Ok(settled.outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64)
    }
}

/// The records of a table that have expired, those first that did so first, at most `limit`. Only those that are not in the
/// trash are found by an index, so the two are asked for apart.
pub(crate) fn expired(
    table: &Arc<Table>,
    scope: Scope,
    now: i64,
    limit: u64,
    after: Option<Boundary>,
) -> Plan {
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
