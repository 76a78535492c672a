//! The libFuzzer program of `miniwire_fuzz::percent`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::percent::run(data));
