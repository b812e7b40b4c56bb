//! Looks for bytes that break what `chancery_fuzz::header` says.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chancery_fuzz::header::check(data));
