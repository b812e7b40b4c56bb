//! Every scenario, on every backend, through the public API. No test here knows a backend's inside.

mod bucket_definitions;
mod buckets;
mod bulk;
mod defects;
mod definitions;
mod derived;
mod events;
mod eviction;
mod expiry;
mod files;
mod follow;
mod history;
mod hostile;
mod merge;
mod moves;
mod queries;
mod references;
mod retention;
mod several;
mod transactions;
mod typed;
mod undo;
mod undo_large;
mod undo_rules;
mod webhooks;
mod workspaces;
