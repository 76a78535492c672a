//! The libFuzzer program of `miniwire_fuzz::query`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::query::run(data));
