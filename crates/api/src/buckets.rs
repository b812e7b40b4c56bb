//! Buckets on the wire: tables in the vocabulary of definitions in code. Holds no rule.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use crate::{JsonMap, patch::present, records::Pagination};

/// A table, told as a bucket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// Its name: the slug of the table.
    pub name: String,
    /// `{key, schema, indexes, ttl, maxSize, persistent}`.
    #[schema(value_type = Object)]
    pub definition: Value,
    /// The id of the table.
    pub table_id: String,
}

/// A page of buckets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketList {
    /// By name.
    pub buckets: Vec<Bucket>,
    /// How to go on.
    pub pagination: Pagination,
}

/// A new bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BucketCreate {
    /// Its name, for paths; unique among the tables of the workspace.
    pub name: String,
    /// `{key, schema, indexes?, ttl?, maxSize?, persistent?, etsType?, strict?, softDelete?}`.
    #[schema(value_type = Object)]
    pub definition: JsonMap,
}

/// A change of a bucket; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BucketUpdate {
    /// Fields that it gets, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub add_fields: Option<JsonMap>,
    /// Indexes that it gets: the name of a field, or a list of such names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Value>>)]
    pub add_indexes: Option<Vec<Value>>,
    /// How long records live from now on: milliseconds, or text such as `30m`, `7d`; `null` for ever.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<Value>)]
    pub ttl: Option<Option<Value>>,
}

/// What clearing did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BucketCleared {
    /// How many records are gone.
    pub cleared: u64,
}

/// What removing expired records did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TtlPurged {
    /// How many records had expired.
    pub purged: u64,
}

/// A store in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreStats {
    /// The slug of the workspace.
    pub name: String,
    /// Its buckets.
    pub buckets: StatsBuckets,
    /// Their records.
    pub records: StatsTotal,
    /// Their indexes.
    pub indexes: StatsTotal,
    /// Queries by name, and who is subscribed.
    pub queries: StatsQueries,
    /// Whether records outlive the process.
    pub persistence: StatsPersistence,
    /// The removal of expired records.
    pub ttl: StatsTtl,
    /// The newest revision.
    pub revision: u64,
}

/// Which buckets there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsBuckets {
    /// How many.
    pub count: u64,
    /// Their names, in order.
    pub names: Vec<String>,
}

/// A number for each bucket, and their sum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsTotal {
    /// The sum.
    pub total: u64,
    /// By name of the bucket.
    pub per_bucket: BTreeMap<String, u64>,
}

/// Queries by name, and who is subscribed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsQueries {
    /// Queries that are kept by name.
    pub defined: u64,
    /// Subscriptions at this moment, to this server.
    pub active_subscriptions: u64,
}

/// Whether records outlive the process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsPersistence {
    /// They do.
    pub enabled: bool,
}

/// The removal of expired records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsTtl {
    /// It is done now and then.
    pub enabled: bool,
    /// How often, in milliseconds; 0 if only when asked.
    pub check_interval_ms: u64,
}
