//! The libFuzzer program of `miniwire_fuzz::request_bytes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::request_bytes::run(data));
