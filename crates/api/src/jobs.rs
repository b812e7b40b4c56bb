//! Jobs on the wire: long work that outlives the program. Passwords come in with some of them; none stands in any answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::columns::ColumnMask;
use crate::concealed::Concealed;
use crate::records::Pagination;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum JobKind {
    /// Every secret that the old password opens is opened by the new one from then on; without one, it needs none.
    ChangePassword,
    /// Everything comes under a new data key, and those before are given up.
    RotateKey,
    /// Every secret is looked at: whether it is as the vault wrote it, and whether the server's key opens it.
    Verify,
    /// Secrets that were deleted before a time are deleted for good.
    Purge,
    /// All values of a column of a table are encrypted, also where the history tells of them.
    EncryptColumn,
    /// All values of an encrypted column are sealed anew with the newest data key, with another mask or index if one is asked for.
    ReindexColumn,
    /// All values of an encrypted column are readable again for everybody who may read the table.
    DecryptColumn,
    /// A column gets another field type, and all its values with it; `POST /api/tables/{table}/columns/{column}/change-type` begins it.
    ChangeColumnType,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum JobState {
    /// It is worked on.
    Running,
    /// It was stopped, and goes on when it is resumed.
    Paused,
    /// It was interrupted, and needs its passwords to be resumed: they are kept nowhere.
    Waiting,
    /// It is done.
    Done,
    /// It was called off; what it had done stays.
    Cancelled,
    /// It could not go on; `error` says why.
    Failed,
}

/// A new job on all secrets of the vault, or on all values of a column.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"kind": "rotateKey", "rowsPerSecond": 5000}))]
pub struct VaultJobCreate {
    /// What it does.
    pub kind: JobKind,
    /// Of `changePassword`: the password that the secrets have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub old_password: Option<Concealed>,
    /// Of `changePassword`: the one that they get; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub new_password: Option<Concealed>,
    /// Of `purge`: what was deleted before this time goes for good; RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub deleted_before: Option<String>,
    /// Of jobs on a column: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<JobColumn>,
    /// Of `encryptColumn` and `reindexColumn`: what is shown instead of the values; as it was, or nothing, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<ColumnMask>,
    /// Of `encryptColumn` and `reindexColumn`: whether equal values are found; as it was, or not, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed: Option<bool>,
    /// Whether it only tells what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// Secrets or records of a batch, each of which is one commit; 500 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 2000)]
    pub batch: Option<u64>,
    /// Most secrets a second, to leave room for others; as many as can be when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000000)]
    pub rows_per_second: Option<u64>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"workspace": "default", "table": "people", "column": "iban"}))]
pub struct JobColumn {
    /// The workspace, by id or slug; `default` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The table, by id or slug.
    pub table: String,
    /// The column's slug.
    pub column: String,
}

/// What a job needs to go on: its passwords, if it changes those, otherwise nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct JobResume {
    /// The old password, as it was given when the job began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub old_password: Option<Concealed>,
    /// The new one, as it was given when the job began; none if none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Password)]
    pub new_password: Option<Concealed>,
}

/// How a job was asked for, without anything secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobParams {
    /// Of `changePassword`: whether secrets have a password afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_password: Option<bool>,
    /// Of `purge`: what was deleted before this time goes for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub deleted_before: Option<String>,
    /// Of jobs on a column: which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<JobColumn>,
    /// Of `encryptColumn` and `reindexColumn`, as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<ColumnMask>,
    /// Of `encryptColumn` and `reindexColumn`, as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed: Option<bool>,
    /// Of `changeColumnType`: the new field type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_type: Option<String>,
}

/// A job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "0199d5a4-7c1e-7c3b-9a51-2f0c3a1b7e55", "kind": "rotateKey", "params": {}, "state": "running", "dryRun": false,
    "seen": 1500, "total": 120000, "done": 1500, "skipped": 0, "failed": 0, "conflicts": 0, "rate": 24800, "leftMs": 4778,
    "error": null, "createdAt": "2027-01-31T12:00:00.000Z", "updatedAt": "2027-01-31T12:00:01.000Z", "createdBy": null
}))]
pub struct Job {
    /// A UUID; later ones are greater.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// How it was asked for, without anything secret.
    pub params: JobParams,
    /// How it stands.
    pub state: JobState,
    /// Whether it only tells what it would do.
    pub dry_run: bool,
    /// Secrets or records that it has dealt with: done, skipped and failed ones.
    pub seen: u64,
    /// Secrets or records that there were when it began.
    pub total: u64,
    /// Secrets or records that it changed; of `verify`: those that are well.
    pub done: u64,
    /// Secrets that it had nothing to do with.
    pub skipped: u64,
    /// Secrets that it could not deal with, as they are damaged; of `changeColumnType`: values that became null.
    pub failed: u64,
    /// Batches that were done again because others changed something in them.
    pub conflicts: u64,
    /// Secrets a second, since it last began.
    pub rate: u64,
    /// How long it still takes at that rate, in ms; null while nobody knows.
    pub left_ms: Option<u64>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was made, RFC 3339 in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last gave a sign of life.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// The id of the user or API key that asked for it.
    pub created_by: Option<String>,
}

/// A page of jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobList {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// How to go on.
    pub pagination: Pagination,
}
