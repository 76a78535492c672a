//! The libFuzzer program of `miniwire_fuzz::multipart`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::multipart::run(data));
