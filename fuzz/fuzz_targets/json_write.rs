//! The libFuzzer program of `miniwire_fuzz::json_write`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::json_write::run(data));
