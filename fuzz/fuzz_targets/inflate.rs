//! The libFuzzer program of `miniwire_fuzz::inflate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::inflate::run(data));
