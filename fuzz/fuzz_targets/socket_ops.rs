//! The libFuzzer program of `miniwire_fuzz::socket_ops`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| miniwire_fuzz::socket_ops::run(data));
