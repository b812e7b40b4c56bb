//! Another field type for a column on the wire. Holds no rule.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::columns::Column;
use crate::jobs::Job;
use crate::{JsonMap, problem::Issue};

/// Another field type for a column that has values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"fieldType": "number", "onLoss": "refuse", "dryRun": true}))]
pub struct ColumnTypeChange {
    /// The new field type.
    pub field_type: String,
    /// Its settings; those that the column had when it was of this type, or the usual ones, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub config: Option<JsonMap>,
    /// What becomes of values that cannot be of the new type.
    #[serde(default)]
    pub on_loss: OnLoss,
    /// Whether a select column gets the options that it lacks.
    #[serde(default)]
    pub create_options: bool,
    /// How numbers and dates in texts are written: `de-DE`, `en-US` …; as machines write them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether it is only told what would become of the values.
    #[serde(default)]
    pub dry_run: bool,
}

/// What becomes of values that cannot be of the new type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnLoss {
    /// The field type does not change.
    #[default]
    Refuse,
    /// They become null, and come back when the column becomes again what it was.
    Null,
}

/// What becomes, or would become, of a column and its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnTypePlan {
    /// The column as it is to be.
    pub column: Column,
    /// Records of the table, those in the trash included.
    pub records: u64,
    /// Records that have no value.
    pub blank: u64,
    /// Values that say all that they said.
    pub kept: u64,
    /// Values that say something else, or less: `00501` becomes 501.
    pub changed: u64,
    /// Values that cannot be of the new type.
    pub lost: u64,
    /// Values that were lost by the last change of type, and come back.
    pub restored: u64,
    /// Values that would be the same as others, in a column that is unique.
    pub duplicates: u64,
    /// Some of the changed values; at most 20.
    pub changes: Vec<ValueChange>,
    /// The lost values by reason, the most frequent first.
    pub losses: Vec<ValueLosses>,
    /// Some of the values that would be the same as others; at most 20.
    pub twice: Vec<ValueChange>,
    /// The names of options that are made.
    pub new_options: Vec<String>,
    /// What the column loses of its definition, and what else there is to know.
    pub asides: Vec<ColumnAside>,
    /// Why it would be refused; empty if it is possible.
    pub refusals: Vec<Issue>,
    /// The job that does it; absent in a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// What becomes of one value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueChange {
    /// The id of the record.
    pub record: String,
    /// Whether it is in the trash.
    pub in_trash: bool,
    /// The value as it is.
    #[schema(value_type = Value)]
    pub before: Value,
    /// The value as it is to be.
    #[schema(value_type = Value)]
    pub after: Value,
}

/// Values that are lost for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValueLosses {
    /// The reason: `type`, `format`, `enum`, `precision` …
    pub code: String,
    /// How many.
    pub count: u64,
    /// Some of them; at most 20.
    pub examples: Vec<LostValue>,
}

/// One value that cannot be of the new type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LostValue {
    /// The id of the record.
    pub record: String,
    /// Whether it is in the trash.
    pub in_trash: bool,
    /// The value.
    #[schema(value_type = Value)]
    pub value: Value,
    /// Why.
    pub message: String,
}

/// What the column loses of its definition, or what else there is to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnAside {
    /// What it is about: `unique`, `defaultValue`, `views` …
    pub about: String,
    /// What becomes of it.
    pub message: String,
}

/// The field types that a column can have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnTypeChoices {
    /// The one that it has.
    pub field_type: String,
    /// All others, in the order in which they are offered.
    pub types: Vec<ColumnTypeChoice>,
    /// The newest job that changed its type, or does; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// A field type that a column could have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColumnTypeChoice {
    /// Its id.
    pub field_type: String,
    /// Whether the column can have it.
    pub possible: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it had it before its last change of type: values that nobody touched since are then as they were.
    pub earlier: bool,
}
