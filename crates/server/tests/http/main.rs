//! The HTTP API, route by route, without a network: a store in memory behind the real router.
#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

mod access;
mod buckets;
mod bulk;
mod conventions;
mod files;
mod harness;
mod live;
mod live_transactions;
mod openapi;
mod query;
mod records;
mod tables;
mod transactions;
