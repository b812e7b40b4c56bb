//! Every scenario, on every backend, through the public API. No test here knows a backend's inside.

mod buckets;
mod bulk;
mod definitions;
mod files;
mod moves;
mod queries;
mod typed;
mod workspaces;
