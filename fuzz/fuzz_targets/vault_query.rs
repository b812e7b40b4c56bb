//! Looks for bytes that break what `chancery_fuzz::vault_query` says.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::vault_query::check(data));
