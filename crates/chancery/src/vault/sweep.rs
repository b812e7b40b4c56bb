//! Sweeping: what has expired is deleted, so that it can be restored or for good. It opens nothing.

use chancery_model::filter::Operator;
use chancery_model::query::{Query, Scope};
use serde::Serialize;

use super::audit::Event;
use super::error::VaultError;
use super::tables::SECRETS;
use super::types::SecretStatus;
use super::{Vault, VaultOp};
use crate::reads::{Count, PageWindow};
use crate::record::Record;

/// Secrets that one transaction deletes.
const AT_ONCE: u64 = 200;
/// Secrets that one transaction deletes for good, each with all its versions.
const AT_ONCE_FOR_GOOD: u64 = 20;

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Swept {
    /// Secrets that were deleted.
    pub deleted: u64,
    /// Secrets that were renewed, or gone, by the time they were to be deleted, or are not what the vault wrote.
    pub spared: u64,
}

impl Vault {
    /// Deletes every secret whose time is over, so that it can be restored.
    ///
    /// # Errors
    /// [`VaultError::Sealed`]: what is deleted is written down with a code; [`VaultError::Store`].
    pub async fn soft_delete_expired(&self) -> Result<Swept, VaultError> {
        self.sweep(false).await
    }

    /// Deletes every secret whose time is over, for good.
    ///
    /// # Errors
    /// As [`Vault::soft_delete_expired`].
    pub async fn delete_expired(&self) -> Result<Swept, VaultError> {
        self.sweep(true).await
    }

    async fn sweep(&self, for_good: bool) -> Result<Swept, VaultError> {
        self.keyring()?;
        let now = self.now();
        let mut query = Query::new().filter("expires_at", Operator::Lte, now);
        if !for_good {
            query = query.filter("soft_deleted_at", Operator::Eq, chancery_model::Json::Null);
        }
        let at_once = match for_good {
            true => AT_ONCE_FOR_GOOD,
            false => AT_ONCE,
        };
        self.forget_attempts().await?;
        let (mut swept, mut after) = (Swept::default(), None);
        loop {
            let table = self.store.table(SECRETS)?;
            let page = table
                .page(
                    &query,
                    Scope::Live,
                    PageWindow::After(after),
                    at_once,
                    Count::None,
                )
                .await?;
            let ids: Vec<String> = page.records.iter().map(Record::id).collect();
            let deleted = self
                .operate(Event::new(VaultOp::Expire), async |step| {
                    let mut deleted = 0;
                    for id in &ids {
                        let row = match step.secret(id).await {
                            // One that was altered keeps no other from being swept; it is told by the audit's check.
                            Err(VaultError::Tampered { .. }) => continue,
                            row => row?,
                        };
                        let Some(row) = row else { continue };
                        // It may have been renewed since.
                        let over = row.expires_at.is_some_and(|at| at <= now);
                        let gone = row.status(now) == SecretStatus::Deleted;
                        if !over || (gone && !for_good) {
                            continue;
                        }
                        deleted += 1;
                        if for_good {
                            step.remove(&row, VaultOp::Purge).await?;
                            continue;
                        }
                        let mut next = row.clone();
                        next.soft_deleted_at = Some(now);
                        let next = step.put(&row, next).await?;
                        step.note(Event::of(VaultOp::Expire, &next), "ok").await?;
                    }
                    Ok(deleted)
                })
                .await?;
            swept.deleted += deleted;
            swept.spared += ids.len() as u64 - deleted;
            after = page.next;
            if !page.has_more {
                return Ok(swept);
            }
        }
    }
}
