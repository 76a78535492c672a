//! The libFuzzer program of `miniwire_fuzz::base64`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::base64::run(data));
