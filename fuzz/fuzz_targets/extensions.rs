//! The libFuzzer program of `miniwire_fuzz::extensions`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::extensions::run(data));
