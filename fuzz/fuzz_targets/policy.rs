//! The libFuzzer program of `miniwire_fuzz::policy`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::policy::run(data));
