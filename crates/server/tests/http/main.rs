//! The HTTP API, route by route, without a network: a store in memory behind the real router.
#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

mod access;
mod at_hand;
mod buckets;
mod bulk;
mod changes;
mod conventions;
mod duplicates;
mod encrypted;
mod files;
mod forms;
mod grants;
mod harness;
mod history;
mod imports;
mod live;
mod live_operations;
mod live_transactions;
mod openapi;
mod query;
mod records;
mod retype;
mod served;
mod stored_files;
mod tables;
mod transactions;
mod vault;
mod vault_callers;
mod vault_jobs;
mod vault_listed;
mod vault_silence;
mod views;
mod webhooks;
