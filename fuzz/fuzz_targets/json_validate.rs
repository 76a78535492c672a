//! The libFuzzer program of `miniwire_fuzz::json_validate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::json_validate::run(data));
