//! The libFuzzer program of `miniwire_fuzz::response`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::response::run(data));
