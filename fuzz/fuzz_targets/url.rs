//! The libFuzzer program of `miniwire_fuzz::url`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::url::run(data));
