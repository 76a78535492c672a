//! The libFuzzer program of `miniwire_fuzz::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::frames::run(data));
