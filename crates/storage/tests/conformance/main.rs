//! The conformance suite: what the seam promises, case by case, on every backend. It tests no backend's insides.
//!
//! # To add a backend
//! Add its line to [`bed::BACKENDS`]; every case here must pass.

mod bed;
mod bulk;
mod carrying;
mod checks;
mod documents;
mod figures;
mod filters;
mod finding;
mod history;
mod hostile;
mod lasting;
mod numbers;
mod order;
#[path = "../throwaway/redis.rs"]
mod redis;
mod schema;
mod scopes;
#[path = "../throwaway/mod.rs"]
mod throwaway;
mod together;
mod unique;
mod writes;
