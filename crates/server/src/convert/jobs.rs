//! Jobs on the wire and in the library. What belongs to which kind of job is said here, for the server and for the command line.

use chancery::limits::{JOB_BATCH_MAX, JOB_ROWS_PER_SECOND_MAX};
use chancery::model::{Code, Issue};
use chancery::vault::{Vault, VaultError, VaultJob};
use chancery::{Error, JobHandle, JobOptions, JobState, JobStatus, Json, TableHandle};
use chancery_api::jobs as wire;

use super::columns::mask_of;
use super::vault::{instant, password, secret};
use super::{maybe_time, time};

/// The kinds of jobs, with their names in the library.
const KINDS: [(wire::JobKind, &str); 8] = [
    (wire::JobKind::ChangePassword, "vault.changePassword"),
    (wire::JobKind::RotateKey, "vault.rotateKey"),
    (wire::JobKind::Verify, "vault.verify"),
    (wire::JobKind::Purge, "vault.purge"),
    (wire::JobKind::EncryptColumn, "vault.encryptColumn"),
    (wire::JobKind::ReindexColumn, "vault.reindexColumn"),
    (wire::JobKind::DecryptColumn, "vault.decryptColumn"),
    (wire::JobKind::ChangeColumnType, "columns.changeType"),
];

/// A job that is asked for; the table of a column is looked up by what is given.
///
/// # Errors
/// Everything that is missing, or belongs to another kind of job.
pub fn asked(
    new: wire::VaultJobCreate,
    table: impl FnOnce(&wire::JobColumn) -> Result<TableHandle, Issue>,
) -> Result<(VaultJob, JobOptions), Vec<Issue>> {
    let mut issues = superfluous_of(&new);
    for (field, number, max) in [
        ("batch", new.batch, JOB_BATCH_MAX),
        ("rowsPerSecond", new.rows_per_second, JOB_ROWS_PER_SECOND_MAX),
    ] {
        match number {
            Some(0) => issues.push(Issue::new(field, Code::Min, "At least 1")),
            Some(number) if number > max => {
                issues.push(Issue::new(field, Code::Max, format!("At most {max}")));
            }
            _ => {}
        }
    }
    let options = JobOptions {
        dry_run: new.dry_run,
        batch: new.batch,
        rows_per_second: new.rows_per_second,
        ..JobOptions::default()
    };
    let job = match new.kind {
        wire::JobKind::RotateKey => Ok(VaultJob::RotateKey),
        wire::JobKind::Verify => Ok(VaultJob::Verify),
        wire::JobKind::ChangePassword => match new.old_password {
            None => Err(Issue::new(
                "oldPassword",
                Code::Required,
                "The old password is required",
            )),
            Some(old) => Ok(VaultJob::ChangePassword {
                old: secret(old),
                new: password(new.new_password),
            }),
        },
        wire::JobKind::EncryptColumn | wire::JobKind::ReindexColumn | wire::JobKind::DecryptColumn => {
            let decrypts = new.kind == wire::JobKind::DecryptColumn;
            let of = new
                .of
                .ok_or_else(|| Issue::new("of", Code::Required, "A column of a table is required"));
            of.and_then(|of| Ok((table(&of)?, of.column)))
                .map(|(table, column)| match decrypts {
                    true => VaultJob::DecryptColumn { table, column },
                    false => VaultJob::EncryptColumn {
                        table,
                        column,
                        mask: new.mask.map(mask_of),
                        indexed: new.indexed,
                    },
                })
        }
        wire::JobKind::ChangeColumnType => Err(Issue::new(
            "kind",
            Code::Definition,
            "It is no work of the vault: POST /api/tables/{table}/columns/{column}/change-type begins it",
        )),
        wire::JobKind::Purge => match new.deleted_before.as_deref() {
            None => Err(Issue::new("deletedBefore", Code::Required, "A time is required")),
            Some(text) => {
                instant("deletedBefore", text).map(|deleted_before| VaultJob::Purge { deleted_before })
            }
        },
    };
    match (job, issues.is_empty()) {
        (Ok(job), true) => Ok((job, options)),
        (Ok(_), false) => Err(issues),
        (Err(issue), _) => {
            issues.push(issue);
            Err(issues)
        }
    }
}

/// What belongs to another kind of job.
fn superfluous_of(new: &wire::VaultJobCreate) -> Vec<Issue> {
    use wire::JobKind::{ChangePassword, DecryptColumn, EncryptColumn, Purge, ReindexColumn};
    let encrypts: &[wire::JobKind] = &[EncryptColumn, ReindexColumn];
    let given: [(&str, bool, &[wire::JobKind]); 6] = [
        ("oldPassword", new.old_password.is_some(), &[ChangePassword]),
        ("newPassword", new.new_password.is_some(), &[ChangePassword]),
        ("deletedBefore", new.deleted_before.is_some(), &[Purge]),
        (
            "of",
            new.of.is_some(),
            &[EncryptColumn, ReindexColumn, DecryptColumn],
        ),
        ("mask", new.mask.is_some(), encrypts),
        ("indexed", new.indexed.is_some(), encrypts),
    ];
    let wrong = given
        .iter()
        .filter(|(_, given, kinds)| *given && !kinds.contains(&new.kind));
    wrong.map(|(field, ..)| superfluous(field)).collect()
}

/// The table of a column.
fn table_of(vault: &Vault, of: &wire::JobColumn) -> Result<TableHandle, Issue> {
    let workspace = of.workspace.as_deref().unwrap_or("default");
    vault
        .table(workspace, &of.table)
        .map_err(|error| Issue::new("of", Code::NotFound, error.to_string()))
}

fn superfluous(field: &str) -> Issue {
    Issue::new(field, Code::Definition, "A job of this kind takes none")
}

/// Begins a job that is asked for.
///
/// # Errors
/// As [`asked`] and [`Vault::start`].
pub async fn start(vault: &Vault, new: wire::VaultJobCreate) -> Result<wire::Job, VaultError> {
    let (job, options) = asked(new, |of| table_of(vault, of)).map_err(VaultError::Invalid)?;
    let handle = vault.start(job, options).await?;
    found(vault, handle.id()).await
}

/// How a job of the vault stands.
///
/// # Errors
/// As [`Vault::job`].
pub async fn found(vault: &Vault, id: &str) -> Result<wire::Job, VaultError> {
    job(&vault.job(id).await?).ok_or_else(|| nobody(id))
}

/// The jobs of the vault, newest first: all, or those of one kind.
///
/// # Errors
/// As [`Vault::jobs`].
pub async fn list(vault: &Vault, kind: Option<wire::JobKind>) -> Result<Vec<wire::Job>, VaultError> {
    let jobs = vault.jobs().await?;
    let known = jobs.iter().filter_map(job);
    Ok(known
        .filter(|job| kind.is_none_or(|kind| job.kind == kind))
        .collect())
}

/// Goes on with a job.
///
/// # Errors
/// As [`Vault::resume`]; [`VaultError::Invalid`] names what is missing, or given though no password is needed.
pub async fn resume(vault: &Vault, id: &str, with: wire::JobResume) -> Result<wire::Job, VaultError> {
    let known = found(vault, id).await?;
    if known.kind != wire::JobKind::ChangePassword {
        let given = [
            ("oldPassword", with.old_password.is_some()),
            ("newPassword", with.new_password.is_some()),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        let issues: Vec<Issue> = given.map(|(field, _)| superfluous(field)).collect();
        if !issues.is_empty() {
            return Err(VaultError::Invalid(issues));
        }
    }
    let passwords = with
        .old_password
        .map(|old| (secret(old), password(with.new_password)));
    let resumed: Result<JobHandle, VaultError> = vault.resume(id, passwords).await;
    match resumed {
        Err(VaultError::PasswordRequired) => {
            let what = match known.params.new_password {
                Some(true) => "the old and the new password are needed again",
                _ => "the old password is needed again",
            };
            let message = format!("The job changes passwords, which are kept nowhere: {what}");
            Err(VaultError::Invalid(vec![Issue::new(
                "oldPassword",
                Code::Required,
                message,
            )]))
        }
        resumed => found(vault, resumed?.id()).await,
    }
}

/// Stops a job after its batch, or calls it off.
///
/// # Errors
/// As [`Vault::stop_job`].
pub async fn stop(vault: &Vault, id: &str, for_good: bool) -> Result<wire::Job, VaultError> {
    found(vault, id).await?;
    job(&vault.stop_job(id, for_good).await?).ok_or_else(|| nobody(id))
}

fn nobody(id: &str) -> VaultError {
    VaultError::Store(Error::NotFound {
        what: "job",
        message: format!("There is no job {id}"),
    })
}

fn column_of(params: &Json) -> Option<wire::JobColumn> {
    let text = |name: &str| Some(params.get(name)?.as_str()?.to_owned());
    Some(wire::JobColumn {
        workspace: text("workspace"),
        table: text("table")?,
        column: text("column")?,
    })
}

/// A job, if it is of a kind that is known.
pub(crate) fn job(status: &JobStatus) -> Option<wire::Job> {
    let (kind, _) = KINDS.iter().find(|(_, name)| *name == status.kind)?;
    Some(wire::Job {
        id: status.id.clone(),
        kind: *kind,
        params: wire::JobParams {
            new_password: status.params.get("newPassword").and_then(Json::as_bool),
            deleted_before: maybe_time(status.params.get("deletedBefore").and_then(Json::as_i64)),
            of: column_of(&status.params),
            mask: status
                .params
                .get("mask")
                .and_then(|mask| serde_json::from_value(mask.clone()).ok()),
            indexed: status.params.get("indexed").and_then(Json::as_bool),
            field_type: status
                .params
                .get("fieldType")
                .and_then(Json::as_str)
                .map(str::to_owned),
        },
        state: match status.state {
            JobState::Running => wire::JobState::Running,
            JobState::Paused => wire::JobState::Paused,
            JobState::Waiting => wire::JobState::Waiting,
            JobState::Done => wire::JobState::Done,
            JobState::Cancelled => wire::JobState::Cancelled,
            JobState::Failed => wire::JobState::Failed,
        },
        dry_run: status.dry_run,
        seen: status.seen,
        total: status.total,
        done: status.done,
        skipped: status.skipped,
        failed: status.failed,
        conflicts: status.conflicts,
        rate: status.rate,
        left_ms: status.left_ms,
        error: status.error.clone(),
        created_at: time(status.created_at),
        updated_at: time(status.updated_at),
        created_by: status.created_by.clone(),
    })
}

#[cfg(test)]
mod tests {
    use chancery_api::concealed::Concealed;

    use super::*;

    fn refused(kind: wire::JobKind, edit: impl FnOnce(&mut wire::VaultJobCreate)) -> Vec<String> {
        let mut new = wire::VaultJobCreate {
            kind,
            old_password: None,
            new_password: None,
            deleted_before: None,
            of: None,
            mask: None,
            indexed: None,
            dry_run: false,
            batch: None,
            rows_per_second: None,
        };
        edit(&mut new);
        match asked(new, |_| Err(Issue::new("of", Code::NotFound, "There is none"))) {
            Ok(_) => Vec::new(),
            Err(issues) => issues.into_iter().map(|issue| issue.field.to_string()).collect(),
        }
    }

    #[test]
    fn what_is_missing_or_belongs_to_another_kind_is_named() {
        use wire::JobKind::{ChangePassword, DecryptColumn, EncryptColumn, Purge, RotateKey, Verify};
        let some = || Some(Concealed::new("pass"));
        assert_eq!(refused(RotateKey, |_| {}), [""; 0]);
        assert_eq!(refused(ChangePassword, |_| {}), ["oldPassword"]);
        assert_eq!(refused(ChangePassword, |new| new.old_password = some()), [""; 0]);
        assert_eq!(refused(Purge, |_| {}), ["deletedBefore"]);
        assert_eq!(
            refused(Purge, |new| new.deleted_before = Some("soon".into())),
            ["deletedBefore"]
        );
        let column = || {
            Some(wire::JobColumn {
                workspace: None,
                table: "people".into(),
                column: "iban".into(),
            })
        };
        assert_eq!(refused(EncryptColumn, |_| {}), ["of"]);
        assert_eq!(refused(EncryptColumn, |new| new.of = column()), ["of"]);
        assert_eq!(
            refused(DecryptColumn, |new| new.indexed = Some(true)),
            ["indexed", "of"]
        );
        assert_eq!(refused(Verify, |new| new.of = column()), ["of"]);
        assert_eq!(refused(Verify, |new| new.new_password = some()), ["newPassword"]);
        assert_eq!(
            refused(Verify, |new| {
                (new.batch, new.rows_per_second) = (Some(2_001), Some(0));
            }),
            ["batch", "rowsPerSecond"]
        );
    }
}
