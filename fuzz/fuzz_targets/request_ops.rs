//! The libFuzzer program of `miniwire_fuzz::request_ops`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::request_ops::run(data));
