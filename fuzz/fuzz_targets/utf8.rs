//! The libFuzzer program of `miniwire_fuzz::utf8`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::utf8::run(data));
