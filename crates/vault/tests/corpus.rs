//! The kept inputs of the fuzzer, for what it looks for in this crate. `cargo xtask fuzz` looks for more.
#![expect(
    unreachable_pub,
    reason = "what is included here is public in the crate of the fuzzer"
)]

#[path = "../../../fuzz/src/header.rs"]
mod header;
#[path = "../../../fuzz/src/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/token.rs"]
mod token;

#[test]
fn what_is_kept_opens_as_it_was_sealed_or_not_at_all() {
    replay::replay("header", header::check);
}

#[test]
fn a_text_is_a_token_by_its_rules() {
    replay::replay("token", token::check);
}
