//! The libFuzzer program of `miniwire_fuzz::resolve`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::resolve::run(data));
