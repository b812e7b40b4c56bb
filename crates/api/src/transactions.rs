//! Transactions on the wire: operations over several tables in one request, all done or none. Holds no rule.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{JsonMap, records::Record};

/// Operations to do as one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransactionRequest {
    /// The operations, in order: a later one sees what an earlier one did; at most 1,000.
    #[schema(max_items = 1000)]
    pub operations: Vec<TransactionOperation>,
    /// Whether to answer the same but write nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// One operation of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TransactionOperation {
    /// What is done.
    pub op: TransactionOp,
    /// The table's id or slug.
    pub table: String,
    /// The record's id or key; with every operation but `create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub id: Option<serde_json::Value>,
    /// The values by column slug; with `create`, `update` and `replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<JsonMap>,
    /// The version that the record must have when its turn comes; with `check` 0 says that there must be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// What an operation of a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum TransactionOp {
    /// Makes a record.
    Create,
    /// Changes the given values; absent ones stay, `null` clears.
    Update,
    /// Replaces all values; absent ones become `null`.
    Replace,
    /// Deletes a record: to the trash where the table has one.
    Delete,
    /// Brings a record back from the trash.
    Restore,
    /// Changes nothing; the transaction is refused if the record is not there, or at another version.
    Check,
}

/// What a transaction did: one result for each operation, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionReply {
    /// The results.
    pub results: Vec<TransactionResult>,
    /// The commit that made them; absent in a trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// Whether nothing was written because that was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What one operation left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TransactionResult {
    /// The record after the operation; `null` if it is gone, absent with `Prefer: return=minimal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}
