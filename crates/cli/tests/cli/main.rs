//! The real binary, started as people start it: exit status, stdout and stderr. It reaches into no crate.

#![expect(
    clippy::unwrap_used,
    reason = "all of it is test code: a panic is a failed test"
)]

mod api;
mod attached;
mod docs;
mod encrypted;
mod errors;
mod files;
mod harness;
mod history;
mod operations;
mod records;
mod serve;
mod telemetry;
mod vault;
mod vault_jobs;
mod vault_keys;
mod webhooks;
