//! Frames of the WebSocket `/api/live`: what a client may ask, and the bodies of stored queries. Decides nothing.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::JsonMap;
use crate::records::Pagination;

/// What a client asks, its `id` aside.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", deny_unknown_fields)]
pub enum Ask {
    /// Says who asks.
    Auth {
        /// An API key.
        key: String,
    },
    /// Watches a query.
    Subscribe {
        /// The query.
        query: Option<serde_json::Value>,
        /// Or the name of a stored one.
        name: Option<String>,
        /// With these parameters.
        params: Option<JsonMap>,
        /// Whole results only, never changes.
        #[serde(default)]
        snapshots: bool,
    },
    /// Ends a subscription.
    Unsubscribe {
        /// Its number.
        subscription: u64,
    },
    /// Follows what happens.
    On {
        /// To what: `table.tasks.inserted`, with `*` for any part.
        topic: String,
        /// After this revision; from now on if absent.
        since: Option<u64>,
    },
    /// Answers when every push up to now is sent.
    Barrier {},
    /// Runs a query once.
    Run {
        /// The query.
        query: Option<serde_json::Value>,
        /// Or the name of a stored one.
        name: Option<String>,
        /// With these parameters.
        params: Option<JsonMap>,
    },
    /// Begins a transaction.
    Begin {},
    /// Commits a transaction.
    Commit {
        /// Its number.
        transaction: u64,
    },
    /// Discards a transaction.
    Rollback {
        /// Its number.
        transaction: u64,
    },
    /// Does one operation.
    Do(Do),
    /// Is answered.
    Ping {},
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Do {
    /// The transaction it is part of.
    pub transaction: Option<u64>,
    /// What to do.
    pub op: Op,
    /// The slug of the table.
    #[serde(alias = "bucket")]
    pub table: String,
    /// The key of the record.
    pub key: Option<serde_json::Value>,
    /// The data of a write.
    pub data: Option<serde_json::Value>,
    /// Which records.
    pub filter: Option<serde_json::Value>,
}

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each name says what it does")]
pub enum Op {
    Insert,
    Get,
    Update,
    Replace,
    Delete,
    Restore,
    All,
    Where,
    FindOne,
    Count,
    InsertMany,
    UpdateMany,
    DeleteMany,
    Upsert,
}

impl Op {
    /// Whether it writes.
    pub fn writes(self) -> bool {
        !matches!(self, Op::Get | Op::All | Op::Where | Op::FindOne | Op::Count)
    }
}

/// A query to be stored.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueryInput {
    /// The query: `table`, `filter`, `sort`, `offset`, `limit`, `fields`, `key`, `aggregate`; `"{{ params.x }}"` where a parameter
    /// goes.
    #[schema(value_type = Object)]
    pub query: serde_json::Value,
}

/// A stored query.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoredQuery {
    /// Its name.
    pub name: String,
    /// The query as it was given.
    #[schema(value_type = Object)]
    pub query: serde_json::Value,
    /// The names of its parameters.
    pub params: Vec<String>,
    /// When it was last written.
    pub updated_at: String,
}

/// The stored queries.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct StoredQueries {
    /// By name.
    pub queries: Vec<StoredQuery>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// What a stored query is run with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunQuery {
    /// The parameters.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: JsonMap,
}

/// The answer of a stored query.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct QueryResult {
    /// The revision it belongs to.
    pub revision: u64,
    /// Flat records, one record or null, a figure, or figures by key.
    #[schema(value_type = Value)]
    pub result: serde_json::Value,
}
