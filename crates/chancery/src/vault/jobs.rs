//! Long work on all secrets: another password, another data key, checks, and cleaning up; and on all values of a column. How it is
//! asked for, resumed and stopped; what is done with each secret is decided in `walk`, and with each value in `columns`. That it
//! outlives the program is the business of [`crate::jobs`].

use std::sync::Arc;

use chancery_model::Json;
use chancery_model::encryption::Mask;
use chancery_vault::credentials::Secret;
use uuid::Uuid;

use super::audit::Event;
use super::columns::ColumnAsked;
use super::error::VaultError;
use super::walk::{Task, Walk};
use super::{Vault, VaultOp};
use crate::error::Error;
use crate::handle::TableHandle;
use crate::jobs::{JobHandle, JobOptions, JobState, JobStatus, Work};

/// Long work on all secrets, or on all values of a column.
#[derive(Debug)]
pub enum VaultJob {
    /// Every secret that the old password opens is opened by the new one from then on, deleted ones and older versions too; with
    /// none, by nobody's. No value is touched, and Argon2id runs twice for all of them.
    ChangePassword {
        /// The old password.
        old: Secret,
        /// The new one.
        new: Option<Secret>,
    },
    /// Everything comes under the newest data key, and those before are given up. It needs no password.
    RotateKey,
    /// Everything is looked at: whether it is as the vault wrote it, and whether the server's lock opens.
    Verify,
    /// Secrets that were deleted before a time are deleted for good.
    Purge {
        /// In ms since 1970.
        deleted_before: i64,
    },
    /// All values of a column are encrypted, with the newest data key; those of one that is encrypted already are sealed anew with that
    /// key, so that an index can be made, or given up. The history has them so too, and nothing readable stays in the store.
    EncryptColumn {
        /// The table.
        table: TableHandle,
        /// The column's slug.
        column: String,
        /// What is shown of them; as it was, or nothing, unless given.
        mask: Option<Mask>,
        /// Whether equal values are found; as it was, or not, unless given.
        indexed: Option<bool>,
    },
    /// All values of an encrypted column are readable from then on, for everybody who may read the table; in the history too.
    DecryptColumn {
        /// The table.
        table: TableHandle,
        /// The column's slug.
        column: String,
    },
}

/// The names of the jobs.
const CHANGE_PASSWORD: &str = "vault.changePassword";
const ROTATE_KEY: &str = "vault.rotateKey";
const VERIFY: &str = "vault.verify";
const PURGE: &str = "vault.purge";
const ENCRYPT_COLUMN: &str = "vault.encryptColumn";
const REINDEX_COLUMN: &str = "vault.reindexColumn";
const DECRYPT_COLUMN: &str = "vault.decryptColumn";

impl Vault {
    /// Begins long work. It goes on in the background; [`JobHandle::wait`] waits for it.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Invalid`] for a new password that breaks the policy, [`VaultError::Store`], also for a
    /// column that cannot be so.
    pub async fn start(&self, job: VaultJob, options: JobOptions) -> Result<JobHandle, VaultError> {
        let started = self.try_start(job, options).await;
        let handle = self.written_down(VaultOp::Job, None, started).await?;
        self.done(Event::new(VaultOp::Job)).await?;
        Ok(handle)
    }

    async fn try_start(&self, job: VaultJob, options: JobOptions) -> Result<JobHandle, VaultError> {
        self.keyring()?;
        self.check_new_password(&job)?;
        if let Some(asked) = job.column() {
            self.check_column(&asked, options.dry_run).await?;
        }
        if let (VaultJob::RotateKey, false) = (&job, options.dry_run) {
            self.new_key().await?;
        }
        let (id, kind, params) = (Uuid::now_v7(), job.kind()?, job.params());
        let work = self.work(job, (&id.to_string(), options.dry_run))?;
        Ok(self.store.start_job(id, (kind, params), options, work).await?)
    }

    /// Goes on with a job that was paused, or that a program left when it ended. One that changes passwords needs them again: they are
    /// kept nowhere.
    ///
    /// # Errors
    /// [`VaultError::PasswordRequired`]; [`VaultError::Invalid`] for a new password where the job was begun without one or the other
    /// way round, or that breaks the policy; [`VaultError::Sealed`], [`VaultError::Store`], also if the job is over or somebody works
    /// on it.
    pub async fn resume(
        &self,
        id: &str,
        passwords: Option<(Secret, Option<Secret>)>,
    ) -> Result<JobHandle, VaultError> {
        if self.store.job(id).await?.changes_type() {
            return Ok(self.store.resume_type_change(id).await?);
        }
        let resumed = self.try_resume(id, passwords).await;
        let handle = self.written_down(VaultOp::Job, None, resumed).await?;
        self.done(Event::new(VaultOp::Job)).await?;
        Ok(handle)
    }

    async fn try_resume(
        &self,
        id: &str,
        passwords: Option<(Secret, Option<Secret>)>,
    ) -> Result<JobHandle, VaultError> {
        self.keyring()?;
        let status = self.store.resumable_job(id).await?;
        let job = match (self.kept_job(&status), passwords) {
            (Some(job), _) => job,
            (None, Some((old, new))) if status.kind == CHANGE_PASSWORD => {
                // Half of the secrets would get a password that the others have not.
                let had = status.params.get("newPassword").and_then(Json::as_bool);
                if had != Some(new.is_some()) {
                    let text = match new {
                        Some(_) => "The job was begun without a new password",
                        None => "The job was begun with a new password: give the same",
                    };
                    return Err(VaultError::Invalid(vec![super::issue("newPassword", text)]));
                }
                VaultJob::ChangePassword { old, new }
            }
            (None, _) if status.kind == CHANGE_PASSWORD => return Err(VaultError::PasswordRequired),
            _ => return Err(VaultError::NotFound),
        };
        self.check_new_password(&job)?;
        let work = self.work(job, (id, status.dry_run))?;
        Ok(self.store.resume_job(id, work).await?)
    }

    fn check_new_password(&self, job: &VaultJob) -> Result<(), VaultError> {
        let mut issues = Vec::new();
        if let VaultJob::ChangePassword { new: Some(new), .. } = job {
            self.check_password("newPassword", new, &mut issues);
        }
        match issues.is_empty() {
            true => Ok(()),
            false => Err(VaultError::Invalid(issues)),
        }
    }

    /// Goes on with the jobs that a program left when it ended, not with those that somebody works on. Those that need passwords wait
    /// for them.
    ///
    /// # Errors
    /// [`VaultError::Sealed`], [`VaultError::Store`].
    pub async fn resume_left(&self) -> Result<Vec<JobHandle>, VaultError> {
        let mut resumed = Vec::new();
        for kind in [
            ROTATE_KEY,
            VERIFY,
            PURGE,
            ENCRYPT_COLUMN,
            REINDEX_COLUMN,
            DECRYPT_COLUMN,
        ] {
            for job in self.store.left_jobs(kind).await? {
                match self.resume(&job.id, None).await {
                    Err(error) if was_turned(&error) => {}
                    // Its table was dropped: nothing is left to do.
                    Err(VaultError::NotFound) => drop(self.store.cancel_job(&job.id).await?),
                    taken => resumed.push(taken?),
                }
            }
        }
        for job in self.store.left_jobs(CHANGE_PASSWORD).await? {
            match self.store.let_wait(&job.id).await.map_err(VaultError::from) {
                Err(error) if was_turned(&error) => {}
                waits => drop(waits?),
            }
        }
        Ok(resumed)
    }

    /// How a job stands.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn job(&self, id: &str) -> Result<JobStatus, VaultError> {
        Ok(self.store.job(id).await?)
    }

    /// The vault's jobs, and those that change the type of a column, newest first.
    ///
    /// # Errors
    /// [`VaultError::Store`].
    pub async fn jobs(&self) -> Result<Vec<JobStatus>, VaultError> {
        let mut jobs = self.store.jobs().await?;
        jobs.retain(|job| job.kind.starts_with("vault.") || job.changes_type());
        Ok(jobs)
    }

    /// Stops a job after its batch, so that it can be resumed; or calls it off.
    ///
    /// # Errors
    /// [`VaultError::Store`], also if it is over, and for good if all values of a column are changed and the old ones are being
    /// cleared.
    pub async fn stop_job(&self, id: &str, for_good: bool) -> Result<JobStatus, VaultError> {
        let known = self.store.job(id).await?;
        if known.changes_type() {
            return Ok(self.store.stop_type_change(id, for_good).await?);
        }
        let column = self.kept_job(&known).and_then(|job| job.column());
        let replacement = column.map(|asked| asked.replacement((id, known.dry_run)));
        let status = match (for_good, replacement) {
            (false, _) => self.store.pause_job(id).await?,
            (true, Some(replacement)) if !known.state.is_over() => replacement.call_off().await?,
            (true, _) => self.store.cancel_job(id).await?,
        };
        self.done(Event::new(VaultOp::Job)).await?;
        Ok(status)
    }

    fn work(&self, job: VaultJob, (id, dry_run): (&str, bool)) -> Result<Arc<dyn Work>, VaultError> {
        if let Some(asked) = job.column() {
            return Ok(Arc::new(self.column_work(asked, (id, dry_run))));
        }
        let task = match job {
            VaultJob::ChangePassword { old, new } => Task::ChangePassword {
                old: Box::new(self.unlock(old)),
                new: new.map(|new| Box::new(self.unlock(new))),
            },
            VaultJob::RotateKey => Task::RotateKey,
            VaultJob::Purge { deleted_before } => Task::Purge { deleted_before },
            _ => Task::Verify,
        };
        Ok(Arc::new(Walk::new(self.clone(), task)))
    }

    /// The job that is kept; none if it needs what is kept nowhere, or its table is gone.
    fn kept_job(&self, status: &JobStatus) -> Option<VaultJob> {
        match status.kind.as_str() {
            ROTATE_KEY => Some(VaultJob::RotateKey),
            VERIFY => Some(VaultJob::Verify),
            PURGE => {
                let deleted_before = status.params.get("deletedBefore")?.as_i64()?;
                Some(VaultJob::Purge { deleted_before })
            }
            ENCRYPT_COLUMN | REINDEX_COLUMN => {
                let params = &status.params;
                let (table, column) = self.kept_column(params)?;
                Some(VaultJob::EncryptColumn {
                    table,
                    column,
                    mask: params
                        .get("mask")
                        .and_then(|mask| serde_json::from_value(mask.clone()).ok()),
                    indexed: params.get("indexed").and_then(Json::as_bool),
                })
            }
            DECRYPT_COLUMN => {
                let (table, column) = self.kept_column(&status.params)?;
                Some(VaultJob::DecryptColumn { table, column })
            }
            _ => None,
        }
    }
}

/// Whether others took a job, or it ended, meanwhile.
fn was_turned(error: &VaultError) -> bool {
    matches!(error, VaultError::Store(Error::Taken { what: "job", .. }))
}

impl VaultJob {
    fn kind(&self) -> Result<&'static str, VaultError> {
        Ok(match self {
            VaultJob::ChangePassword { .. } => CHANGE_PASSWORD,
            VaultJob::RotateKey => ROTATE_KEY,
            VaultJob::Verify => VERIFY,
            VaultJob::Purge { .. } => PURGE,
            VaultJob::EncryptColumn { table, column, .. } => match table.column(column)?.encrypted {
                Some(_) => REINDEX_COLUMN,
                None => ENCRYPT_COLUMN,
            },
            VaultJob::DecryptColumn { .. } => DECRYPT_COLUMN,
        })
    }

    fn params(&self) -> Json {
        match self {
            VaultJob::ChangePassword { new, .. } => serde_json::json!({"newPassword": new.is_some()}),
            VaultJob::RotateKey | VaultJob::Verify => serde_json::json!({}),
            VaultJob::Purge { deleted_before } => serde_json::json!({ "deletedBefore": deleted_before }),
            VaultJob::EncryptColumn { .. } | VaultJob::DecryptColumn { .. } => {
                self.column().map_or(Json::Null, |asked| asked.params())
            }
        }
    }

    /// What is asked for a column; none of other jobs.
    fn column(&self) -> Option<ColumnAsked> {
        let (table, column, to) = match self {
            VaultJob::EncryptColumn {
                table,
                column,
                mask,
                indexed,
            } => (table, column, Some((*mask, *indexed))),
            VaultJob::DecryptColumn { table, column } => (table, column, None),
            _ => return None,
        };
        Some(ColumnAsked {
            table: table.clone(),
            column: column.clone(),
            to,
        })
    }
}

impl JobStatus {
    /// Whether it goes on only when [`Vault::resume`] is given its passwords.
    pub fn needs_passwords(&self) -> bool {
        self.kind == CHANGE_PASSWORD && matches!(self.state, JobState::Waiting | JobState::Paused)
    }
}
