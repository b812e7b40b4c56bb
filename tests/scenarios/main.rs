//! Every scenario, on every backend, through the public API. No test here knows a backend's inside.

mod buckets;
mod bulk;
mod definitions;
mod events;
mod files;
mod follow;
mod hostile;
mod moves;
mod queries;
mod several;
mod typed;
mod undo;
mod workspaces;
