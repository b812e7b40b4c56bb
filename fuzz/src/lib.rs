//! What must hold for whatever an attacker sends or writes into a database, each as a function of bytes that panics where it
//! does not. The first byte chooses among several properties of one target.
//!
//! Nothing here needs a fuzzer: the crates that are tested replay the kept inputs with each test run.

pub mod header;
pub mod query;
pub mod token;
pub mod vault_query;
