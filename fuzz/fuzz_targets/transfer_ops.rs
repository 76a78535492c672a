//! The libFuzzer program of `miniwire_fuzz::transfer_ops`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::transfer_ops::run(data));
