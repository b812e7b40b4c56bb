//! The kept inputs of the fuzzer, for what it looks for in bodies and queries. `cargo xtask fuzz` looks for more.
#![expect(
    unreachable_pub,
    reason = "what is included here is public in the crate of the fuzzer"
)]

#[path = "../../../fuzz/src/query.rs"]
mod query;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/vault_query.rs"]
mod vault_query;

#[test]
fn a_body_of_the_vault_is_read_as_it_is_written_and_never_repeated() {
    replay::replay("vault_query", vault_query::check);
}

#[test]
fn a_query_is_read_as_it_is_written_and_means_one_thing() {
    replay::replay("query", query::check);
}
