//! The libFuzzer program of `miniwire_fuzz::head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::head::run(data));
